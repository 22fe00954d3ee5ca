package mapper

import (
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones must not depend on the machine
)

// zoneCache remembers loaded time zones. Only names of real zones enter it,
// so it stays small.
type zoneCache struct{ zones sync.Map }

func (z *zoneCache) load(v any) (*time.Location, error) {
	name, isText := v.(string)
	if !isText {
		return nil, wrong("for example \"Asia/Shanghai\"", "the time zone must be a text")
	}
	if loc, known := z.zones.Load(name); known {
		return loc.(*time.Location), nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, wrong("an IANA name such as Asia/Shanghai, or UTC", "is not a time zone")
	}
	z.zones.Store(name, loc)
	return loc, nil
}

// zone reads the zone at args[i]; UTC where it is left out.
func (f *frame) zone(args []any, i int) (*time.Location, error) {
	if i >= len(args) {
		return time.UTC, nil
	}
	return f.s.zones.load(args[i])
}

// layouts are the named ways to write a time.
var layouts = map[string]string{
	"rfc3339":      time.RFC3339,
	"datetime":     "2006-01-02 15:04:05",
	"minutes":      "2006-01-02 15:04",
	"date":         "2006-01-02",
	"time":         "15:04:05",
	"compact":      "20060102150405",
	"compact_date": "20060102",
	"slashes":      "2006/01/02 15:04:05",
	"chinese":      "2006年01月02日 15:04:05",
	"chinese_date": "2006年01月02日",
}

// strftime is what % codes stand for.
var strftime = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'p': "PM",
	'M': "04", 'S': "05", 'L': "000", 'z': "-0700", 'Z': "Z07:00", 'b': "Jan", 'a': "Mon", '%': "%",
}

// layoutArg reads a named or % layout as the library's own.
func layoutArg(v any) (string, error) {
	s, isText := v.(string)
	if !isText {
		return "", wrong("a name such as datetime, or codes such as \"%Y-%m-%d %H:%M:%S\"", "the layout must be a text")
	}
	if l, named := layouts[s]; named {
		return l, nil
	}
	if !strings.Contains(s, "%") {
		return "", wrong("a name ("+strings.Join(sortedLayouts(), ", ")+"), or codes such as \"%Y-%m-%d %H:%M:%S\"", "is not a layout")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] >= '0' && s[i] <= '9' || s[i] >= 'A' && s[i] <= 'Z' && s[i] != 'T' && s[i] != 'Z' {
			return "", wrong("only punctuation, T and Z may stand between the codes", "the layout has letters or digits of its own")
		}
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", wrong("write %% for a percent sign", "the layout ends with %%")
		}
		code, known := strftime[s[i]]
		if !known {
			return "", wrong("known: %Y %y %m %d %H %I %p %M %S %L %z %Z %b %a", "the layout has an unknown code")
		}
		if s[i] == 'L' && (i < 2 || s[i-2] != '.') {
			return "", wrong("write .%L after the seconds", "%%L needs a point before it")
		}
		b.WriteString(code)
	}
	return b.String(), nil
}

func sortedLayouts() []string {
	set := map[string]bool{}
	for name := range layouts {
		set[name] = true
	}
	return sortedKeys(set)
}

// instant reads a time: RFC 3339 text, or unix seconds as a whole number.
// Zero seconds and an empty text mean never and answer false.
func instant(v any) (time.Time, bool, error) {
	if s, isText := v.(string); isText {
		if s == "" {
			return time.Time{}, false, nil
		}
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return t, false, wrong("parse_time(x, layout, zone) reads other forms", "needs a time as RFC 3339 text or unix seconds")
		}
		return t, true, nil
	}
	sec, err := wholeArg(v)
	if err != nil {
		return time.Time{}, false, wrong("", "needs a time as RFC 3339 text or unix seconds and found %s", kindOf(v))
	}
	return unixTime(sec, 1)
}

// unixTime makes a time of seconds (per 1) or milliseconds (per 1000).
func unixTime(n, per int64) (time.Time, bool, error) {
	if n == 0 {
		return time.Time{}, false, nil
	}
	const year3000 = 32_503_680_000
	if n < 0 || n/per >= year3000 {
		hint := "seconds are expected; from_unix_ms reads milliseconds"
		if per == 1000 {
			hint = "milliseconds are expected; from_unix reads seconds"
		}
		return time.Time{}, false, wrong(hint, "the time is before 1970 or after 3000")
	}
	return time.UnixMilli(n * (1000 / per)).UTC(), true, nil
}

func timeFunctions() []*Function {
	return group("Times",
		&Function{Name: "from_unix", Params: params(arg("seconds"), optLit("zone", zoneLiteral)), Result: "text",
			Text:     "Unix seconds as RFC 3339, in UTC or a zone. 0 means never and gives nothing.",
			call:     func(f *frame, args []any) (any, error) { return fromUnix(f, args, 1) },
			Examples: examples(gives(`from_unix(1767225600)`, `"2026-01-01T00:00:00Z"`), gives(`from_unix(1767225600, "Asia/Shanghai")`, `"2026-01-01T08:00:00+08:00"`), gives(`from_unix(0)`, `null`), gives(`from_unix("1767225600")`, `"2026-01-01T00:00:00Z"`))},
		&Function{Name: "from_unix_ms", Params: params(arg("milliseconds"), optLit("zone", zoneLiteral)), Result: "text",
			Text:     "Unix milliseconds as RFC 3339; like from_unix.",
			call:     func(f *frame, args []any) (any, error) { return fromUnix(f, args, 1000) },
			Examples: examples(gives(`from_unix_ms(1767225600123)`, `"2026-01-01T00:00:00.123Z"`), fails(`from_unix(1767225600123)`, CodeValue))},
		&Function{Name: "unix", Params: params(arg("time")), Result: "number",
			Text:     "A time as unix seconds.",
			call:     func(_ *frame, args []any) (any, error) { return toUnix(args[0], time.Time.Unix) },
			Examples: examples(gives(`unix("2026-01-01T08:00:00+08:00")`, `1767225600`))},
		&Function{Name: "unix_ms", Params: params(arg("time")), Result: "number",
			Text:     "A time as unix milliseconds.",
			call:     func(_ *frame, args []any) (any, error) { return toUnix(args[0], time.Time.UnixMilli) },
			Examples: examples(gives(`unix_ms("2026-01-01T00:00:00.5Z")`, `1767225600500`))},
		&Function{Name: "time", Params: params(arg("time"), lit("layout", layoutLiteral), lit("zone", zoneLiteral)), Result: "text",
			Text: "Writes a time for a target, in its layout and zone.",
			call: func(f *frame, args []any) (any, error) {
				layout, err := layoutArg(args[1])
				if err != nil {
					return nil, err
				}
				return formatTime(f, args, 2, layout)
			},
			Examples: examples(gives(`time("2026-01-01T00:30:00Z", "datetime", "Asia/Shanghai")`, `"2026-01-01 08:30:00"`), gives(`time(1767225600, "%Y%m%d", "UTC")`, `"20260101"`), fails(`time(1, "datetime", "Shanghai")`, CodeFunction))},
		&Function{Name: "date", Params: params(arg("time"), lit("zone", zoneLiteral)), Result: "text",
			Text:     "The calendar day of a time in a zone.",
			call:     func(f *frame, args []any) (any, error) { return formatTime(f, args, 1, time.DateOnly) },
			Examples: examples(gives(`date("2026-01-01T16:30:00Z", "Asia/Shanghai")`, `"2026-01-02"`), gives(`date(0, "UTC")`, `null`))},
		&Function{Name: "parse_time", Params: params(arg("text"), lit("layout", parseLayoutLiteral), lit("zone", zoneLiteral)), Result: "text",
			Text:     "Reads a local time in a layout and zone as RFC 3339 in UTC. An empty text and all zeros mean never and give nothing; a time that does not exist is an error.",
			call:     parseTime,
			Examples: examples(gives(`parse_time("2026-01-01 08:30:00", "datetime", "Asia/Shanghai")`, `"2026-01-01T00:30:00Z"`), gives(`parse_time("20260101", "compact_date", "UTC")`, `"2026-01-01T00:00:00Z"`), gives(`parse_time("0000-00-00 00:00:00", "datetime", "UTC")`, `null`), fails(`parse_time("2026-02-30", "date", "UTC")`, CodeValue), fails(`parse_time("2026-03-29 02:30:00", "datetime", "Europe/Berlin")`, CodeValue))},
		&Function{Name: "shift", Params: params(arg("time"), arg("seconds")), Result: "text",
			Text: "Moves a time by seconds, in RFC 3339 UTC.",
			call: func(_ *frame, args []any) (any, error) {
				t, set, err := instant(args[0])
				if err != nil || !set {
					return nil, err
				}
				sec, err := wholeArg(args[1])
				if err != nil {
					return nil, err
				}
				const century = 3_155_760_000
				if sec > century || sec < -century {
					return nil, wrong("", "cannot move a time by more than a century")
				}
				return t.Add(time.Duration(sec) * time.Second).UTC().Format(time.RFC3339Nano), nil
			},
			Examples: examples(gives(`shift("2026-01-01T00:00:00Z", 172800)`, `"2026-01-03T00:00:00Z"`), gives(`shift("2026-01-01T00:00:00Z", -1)`, `"2025-12-31T23:59:59Z"`))},
	)
}

func fromUnix(f *frame, args []any, per int64) (any, error) {
	loc, err := f.zone(args, 1)
	if err != nil {
		return nil, err
	}
	v := args[0]
	if isText(v) {
		if v, err = toInt(v); err != nil {
			return nil, err
		}
	}
	n, err := wholeArg(v)
	if err != nil {
		return nil, err
	}
	t, set, err := unixTime(n, per)
	if err != nil || !set {
		return nil, err
	}
	return t.In(loc).Format(time.RFC3339Nano), nil
}

func toUnix(v any, read func(time.Time) int64) (any, error) {
	t, set, err := instant(v)
	if err != nil || !set {
		return nil, err
	}
	return read(t), nil
}

func formatTime(f *frame, args []any, zone int, layout string) (any, error) {
	loc, err := f.s.zones.load(args[zone])
	if err != nil {
		return nil, err
	}
	t, set, err := instant(args[0])
	if err != nil || !set {
		return nil, err
	}
	return t.In(loc).Format(layout), nil
}

func parseTime(f *frame, args []any) (any, error) {
	s, err := textArg(args[0])
	if err != nil {
		return nil, err
	}
	if strings.Trim(s, "0-/: T.Z") == "" {
		return nil, nil
	}
	layout, err := layoutArg(args[1])
	if err != nil {
		return nil, err
	}
	loc, err := f.s.zones.load(args[2])
	if err != nil {
		return nil, err
	}
	t, err := time.ParseInLocation(layout, s, loc)
	if err != nil {
		return nil, wrong(fmt.Sprintf("it looks like %s", layout), "the time does not match its layout, or that day or hour does not exist")
	}
	if t.Format(layout) != s && t.In(loc).Format(layout) != s {
		return nil, wrong("", "the time does not exist in its zone, or is not written as its layout says")
	}
	return t.UTC().Format(time.RFC3339Nano), nil
}
