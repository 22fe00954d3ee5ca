package formula

import (
	"strings"
	"time"
)

func layoutOf(args []any, at int) (Layout, error) {
	zone := ""
	if len(args) > at+1 {
		zone = Text(args[at+1])
	}
	return NewLayout(Text(args[at]), zone)
}

func asTime(v any) (time.Time, error) {
	t, ok := v.(time.Time)
	if !ok {
		return t, faultf("a time is wanted, not %s", kindOf(v)).hint(`time(x, "datetime", "Asia/Shanghai") reads one`)
	}
	return t, nil
}

func timeFunctions() []*Function {
	return []*Function{
		{"time", "x, format, zone", "Reads a time. Nothing, an empty text and 0 are no time and give nothing. Formats: unix, millis, datetime, date, rfc3339, compact, slashes, or % codes. The zone is needed where the text has none.",
			`unix(time("2026-03-01 08:00:00", "datetime", "Asia/Shanghai"))`, `1772323200`, 2, 3, func(_ *run, a []any) (any, error) {
				l, err := layoutOf(a, 1)
				if err != nil {
					return nil, err
				}
				t, ok, err := l.Parse(a[0])
				if err != nil || !ok {
					return nil, err
				}
				return t, nil
			}},
		{"time_text", "time, format, zone", "Writes a time.", `time_text(time(1772323200, "unix"), "%Y-%m-%d %H:%M", "Asia/Shanghai")`, `"2026-03-01 08:00"`, 2, 3, func(_ *run, a []any) (any, error) {
			l, err := layoutOf(a, 1)
			if err != nil || a[0] == nil {
				return nil, err
			}
			t, err := asTime(a[0])
			if err != nil {
				return nil, err
			}
			return l.Format(t), nil
		}},
		{"unix", "time", "Seconds since 1970.", `unix(time("2026-03-01", "date"))`, `1772323200`, 1, 1, func(_ *run, a []any) (any, error) {
			if a[0] == nil {
				return nil, nil
			}
			t, err := asTime(a[0])
			return Number(t.Unix()), err
		}},
		{"millis", "time", "Milliseconds since 1970.", `millis(time("2026-03-01", "date"))`, `1772323200000`, 1, 1, func(_ *run, a []any) (any, error) {
			if a[0] == nil {
				return nil, nil
			}
			t, err := asTime(a[0])
			return Number(t.UnixMilli()), err
		}},
		{"plus", "time, duration", "A time moved by a duration.", `unix(plus(time(100, "unix"), "-1m"))`, `40`, 2, 2, func(_ *run, a []any) (any, error) {
			t, err := asTime(a[0])
			if err != nil {
				return nil, err
			}
			d, ok := Duration(Text(a[1]))
			if !ok {
				return nil, faultf("plus needs a duration such as 30s, 15m, 12h or 7d")
			}
			return t.Add(d), nil
		}},
		{"until_next", "time, unit, zone", "Seconds to the next minute, hour or day: how long a spent allowance lasts.", `until_next(time("2026-03-01 23:59:30", "datetime", "Asia/Shanghai"), "day", "Asia/Shanghai")`, `30`, 2, 3, func(_ *run, a []any) (any, error) {
			t, err := asTime(a[0])
			if err != nil {
				return nil, err
			}
			zone := ""
			if len(a) > 2 {
				zone = Text(a[2])
			}
			z, err := loadZone(zone)
			if err != nil {
				return nil, err
			}
			t = t.In(z)
			var next time.Time
			switch Text(a[1]) {
			case "minute":
				next = t.Truncate(time.Minute).Add(time.Minute)
			case "hour":
				next = t.Truncate(time.Hour).Add(time.Hour)
			case "day":
				next = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, z)
			default:
				return nil, faultf("until_next takes minute, hour or day")
			}
			return Number(int64((next.Sub(t) + time.Second - 1) / time.Second)), nil
		}},
	}
}

// Duration reads 90s, 15m, 12h, 7d; a bare number counts seconds.
func Duration(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, ok := Int(days)
		if !ok || n > 100_000 || n < -100_000 {
			return 0, false
		}
		return time.Duration(n) * 24 * time.Hour, true
	}
	if d, err := time.ParseDuration(s); err == nil {
		return d, true
	}
	d, ok := Decimal(s)
	if !ok || d.Abs().IntPart() > 1_000_000_000 {
		return 0, false
	}
	return time.Duration(d.Shift(9).IntPart()), true
}
