package formula

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones must not depend on the machine
)

// layouts are the named ways to write a time; mappings use the same names.
var layouts = map[string]string{
	"rfc3339":      time.RFC3339,
	"datetime":     "2006-01-02 15:04:05",
	"minutes":      "2006-01-02 15:04",
	"date":         "2006-01-02",
	"compact":      "20060102150405",
	"compact_date": "20060102",
	"slashes":      "2006/01/02 15:04:05",
	"http":         "Mon, 02 Jan 2006 15:04:05 GMT",
}

var percent = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'p': "PM",
	'M': "04", 'S': "05", 'L': "000", 'z': "-0700", 'Z': "Z07:00", 'b': "Jan", 'a': "Mon", '%': "%",
}

// Layout is a way to write a time: unix, millis, a name, or % codes.
type Layout struct {
	name   string
	layout string
	zone   *time.Location
}

// NewLayout reads a layout and a zone; an empty zone is UTC.
func NewLayout(name, zone string) (Layout, error) {
	l := Layout{name: name}
	var err error
	if l.zone, err = loadZone(zone); err != nil {
		return l, err
	}
	if name == "unix" || name == "millis" {
		return l, nil
	}
	if known, ok := layouts[name]; ok {
		l.layout = known
		return l, nil
	}
	l.layout, err = percentLayout(name)
	return l, err
}

func percentLayout(name string) (string, error) {
	hint := "use unix, millis, " + strings.Join(layoutNames(), ", ") + `, or codes such as "%Y-%m-%d %H:%M:%S"`
	if !strings.Contains(name, "%") {
		return "", faultf("%q is not a time format", name).hint(hint)
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' && c != 'T' && c != 'Z' || c >= 'a' && c <= 'z' {
			return "", faultf("the time format %q has letters or digits of its own", name).hint(hint)
		}
		if c != '%' {
			b.WriteByte(c)
			continue
		}
		if i++; i == len(name) || percent[name[i]] == "" {
			return "", faultf("the time format %q has an unknown %% code", name).hint(hint)
		}
		b.WriteString(percent[name[i]])
	}
	return b.String(), nil
}

func layoutNames() []string {
	var out []string
	for n := range layouts {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

var zones sync.Map // name -> *time.Location; only real zones enter

func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, faultf("%q is not a time zone", name).hint("an IANA name such as Asia/Shanghai, or UTC")
	}
	zones.Store(name, z)
	return z, nil
}

// Format writes a time; unix and millis give numbers.
func (l Layout) Format(t time.Time) any {
	switch l.name {
	case "unix":
		return Number(t.Unix())
	case "millis":
		return Number(t.UnixMilli())
	}
	return t.In(l.zone).Format(l.layout)
}

// Parse reads a time. Nothing, an empty text, 0 and "0" are no time: false, no error.
func (l Layout) Parse(v any) (time.Time, bool, error) {
	switch v := v.(type) {
	case nil:
		return time.Time{}, false, nil
	case time.Time:
		return v, true, nil
	case string, json.Number:
	default:
		return time.Time{}, false, faultf("%s is not a time", kindOf(v))
	}
	s := strings.TrimSpace(Text(v))
	if s == "" || s == "0" || strings.HasPrefix(s, "0000-00-00") {
		return time.Time{}, false, nil
	}
	if l.name == "unix" || l.name == "millis" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return time.Time{}, false, faultf("the value is not a time in %s", l.name).hint("name the format that the field has")
		}
		if l.name == "unix" {
			return time.Unix(n, 0), true, nil
		}
		return time.UnixMilli(n), true, nil
	}
	t, err := time.ParseInLocation(l.layout, s, l.zone)
	if err != nil {
		return time.Time{}, false, faultf("the value is not a time in the format %s", l.name).hint("name the format that the field has")
	}
	return t, true, nil
}
