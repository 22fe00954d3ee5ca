package sqldb

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/minihub/minihub/schemas/codec"
)

// reading says how the values of one column become values of a document.
type reading struct {
	as      string // "", text, number, bool, json, time, unix, unix_ms, bytes
	charset string // what the bytes really are, "" = as the database says
	zone    *time.Location
	zero    string // null, text
	clean   string // "", nul, space, both
}

// value gives one cell as a value of a JSON tree. A value that does not fit what the
// description says is given as it is: the document then fails its schema, and the
// documents behind it do not wait for it.
func (r reading) value(c column, raw cell, zone *time.Location) any {
	if raw == nil {
		return nil
	}
	if r.zone != nil {
		zone = r.zone
	}
	if r.charset != "" {
		text, ok := decodeText(r.charset, raw)
		if !ok {
			return bytesOf(raw)
		}
		return r.typed(c, text, zone)
	}
	switch c.class {
	case classBytes:
		b := []byte(raw)
		if r.as == "text" && utf8.Valid(b) {
			return r.typed(c, string(b), zone)
		}
		return base64.StdEncoding.EncodeToString(b)
	case classBit:
		return r.typed(c, bits(raw), zone)
	}
	if !utf8.Valid(raw) {
		return bytesOf(raw)
	}
	return r.typed(c, string(raw), zone)
}

// bytesOf shows text that cannot be read, so that nothing of it is lost.
func bytesOf(raw []byte) any {
	return map[string]any{"$bytes": base64.StdEncoding.EncodeToString(raw)}
}

func (r reading) typed(c column, text string, zone *time.Location) any {
	if r.clean == "nul" || r.clean == "both" {
		text = strings.ReplaceAll(text, "\x00", "")
	}
	if r.clean == "space" || r.clean == "both" {
		text = strings.TrimSpace(text)
	}
	if strings.IndexByte(text, 0) >= 0 {
		return bytesOf([]byte(text)) // no JSON text may hold one
	}
	switch r.as {
	case "text":
		return text
	case "number":
		return number(text)
	case "bool":
		return boolean(text)
	case "json":
		return tree(text)
	case "time":
		if c.class == classInstant {
			return r.instant(text, zone)
		}
		return r.moment(text, zone)
	case "unix", "unix_ms":
		return fromUnix(text, r.as, zone)
	}
	switch c.class {
	case classInt, classDecimal, classFloat32, classFloat64, classBit:
		return number(text)
	case classBool:
		return boolean(text)
	case classJSON:
		return tree(text)
	case classLocal:
		return r.moment(text, zone)
	case classInstant:
		return r.instant(text, zone)
	case classDate:
		if r.zero != "text" && text == "0000-00-00" {
			return nil
		}
	}
	return text
}

// number keeps the letters: 12.50 stays 12.50. What is no JSON number (NaN) stays text.
func number(text string) any {
	if v, err := codec.Decode([]byte(text)); err == nil {
		if n, ok := v.(json.Number); ok {
			return n
		}
	}
	// Zero-filled columns write leading zeros, some servers +1 and .5.
	t := strings.TrimPrefix(text, "+")
	sign := ""
	if rest, ok := strings.CutPrefix(t, "-"); ok {
		sign, t = "-", rest
	}
	t = strings.TrimLeft(t, "0")
	if t == "" || t[0] < '0' || t[0] > '9' {
		t = "0" + t
	}
	if v, err := codec.Decode([]byte(sign + t)); err == nil {
		if n, ok := v.(json.Number); ok {
			return n
		}
	}
	return text
}

func boolean(text string) any {
	switch text {
	case "1", "t", "true", "T", "TRUE", "Y", "y":
		return true
	case "0", "f", "false", "F", "FALSE", "N", "n":
		return false
	}
	if n, ok := number(text).(json.Number); ok {
		return n
	}
	return text
}

func tree(text string) any {
	v, err := codec.Decode([]byte(text))
	if err != nil {
		return text
	}
	return v
}

func bits(raw []byte) string {
	if len(raw) > 8 {
		return hex.EncodeToString(raw)
	}
	var n uint64
	for _, b := range raw {
		n = n<<8 | uint64(b)
	}
	return strconv.FormatUint(n, 10)
}

// moment gives a time with the offset of its zone, and no more digits than it has.
func (r reading) moment(text string, zone *time.Location) any {
	if strings.HasPrefix(text, "0000-00-00") {
		if r.zero == "text" {
			return text
		}
		return nil
	}
	t, ok := readTime(text, zone)
	if !ok {
		return text // infinity, a day 0, a year BC
	}
	return t.In(zone).Format(time.RFC3339Nano)
}

// instant gives a moment that the session, which is in UTC, wrote.
func (r reading) instant(text string, zone *time.Location) any {
	if t, ok := readTime(text, time.UTC); ok {
		return t.In(zone).Format(time.RFC3339Nano)
	}
	return r.moment(text, zone)
}

func fromUnix(text, unit string, zone *time.Location) any {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > 1<<53 || n < -(1<<53) {
		return text
	}
	if n == 0 {
		return nil // the epoch stands for "never"
	}
	if unit == "unix_ms" {
		return time.UnixMilli(n).In(zone).Format(time.RFC3339Nano)
	}
	if n > 253402300799 { // the year 9999: milliseconds, most likely
		return text
	}
	return time.Unix(n, 0).In(zone).Format(time.RFC3339Nano)
}

// layouts of times as databases and documents write them; the fraction is read anyway.
var layouts = []string{"2006-01-02 15:04:05Z07", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z07:00"}

// readTime reads a time; one without an offset is in zone.
func readTime(text string, zone *time.Location) (time.Time, bool) {
	for _, l := range layouts {
		if t, err := time.Parse(l, text); err == nil {
			return t, true
		}
	}
	for _, l := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(l, text, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
