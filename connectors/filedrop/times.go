package filedrop

import (
	"fmt"
	"strings"
	"time"
)

// layouts are the named ways to write a time, named as in mappings.
var layouts = map[string]string{
	"rfc3339":      time.RFC3339,
	"datetime":     "2006-01-02 15:04:05",
	"minutes":      "2006-01-02 15:04",
	"date":         "2006-01-02",
	"compact":      "20060102150405",
	"compact_date": "20060102",
	"slashes":      "2006/01/02 15:04:05",
	"chinese":      "2006年01月02日 15:04:05",
	"chinese_date": "2006年01月02日",
}

// usual are tried when no layout is given; none reads what another one does.
var usual = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006/1/2 15:04:05", "2006/1/2 15:04", "2006/1/2", "20060102150405", "20060102"}

var timeCodes = map[byte]string{'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'p': "PM", 'M': "04", 'S': "05", 'z': "-0700"}

// layoutOf reads a named layout or one of % codes; bad says what is wrong with it.
func layoutOf(s string) (layout, bad string) {
	if l, ok := layouts[s]; ok || s == "" {
		return l, ""
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%' && i+1 < len(s) && timeCodes[s[i+1]] != "":
			i++
			b.WriteString(timeCodes[s[i]])
		case c == '%' || c >= '0' && c <= '9' || c != 'T' && c != 'Z' && (c|0x20 >= 'a' && c|0x20 <= 'z'):
			return "", fmt.Sprintf("%q is no layout of a time", s)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// parseTime reads a time; without an offset of its own it is in zone.
func parseTime(s, layout string, zone *time.Location) (time.Time, bool) {
	s = strings.TrimSpace(s)
	list := usual
	if layout != "" {
		list = []string{layout}
	}
	for _, l := range list {
		if t, err := time.ParseInLocation(l, s, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
