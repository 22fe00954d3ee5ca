package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors/internal/describe"
)

// Fault is one thing wrong with a message.
type Fault struct {
	Path string // JSON pointer; empty is the whole
	Text string
	Hint string
}

func (f Fault) String() string {
	s := f.Text
	if f.Path != "" {
		s = f.Path + ": " + s
	}
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

// Faults are all that is wrong with a message.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, 0, 5)
	for i, f := range fs {
		if i == 4 {
			lines = append(lines, fmt.Sprintf("and %d more", len(fs)-i))
			break
		}
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "; ")
}

// Decode reads JSON into v, a pointer. The error is Faults.
func Decode(src []byte, v any) error { return read(src, v, decoder{}) }

// DecodeKnown is Decode for what a newer hub sends to an older program: members that are
// not known are passed over.
func DecodeKnown(src []byte, v any) error { return read(src, v, decoder{lenient: true}) }

func read(src []byte, v any, d decoder) error {
	if !json.Valid(src) {
		d.fault("", "this is no JSON", "")
		return d.faults
	}
	d.decode(src, reflect.ValueOf(v).Elem(), "")
	if len(d.faults) > 0 {
		return d.faults
	}
	return nil
}

type decoder struct {
	lenient bool
	faults  Faults
}

func (d *decoder) fault(at, text, hint string) {
	d.faults = append(d.faults, Fault{at, text, hint})
}

func (d *decoder) want(at, what string, src []byte) {
	d.fault(at, what+" wanted here, not "+form(src), "")
}

func form(src []byte) string {
	switch src = bytes.TrimSpace(src); src[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

func (d *decoder) decode(src []byte, v reflect.Value, at string) {
	switch t := v.Type(); {
	case t == rawType:
		if s, ok := d.text(src, at); ok {
			if !json.Valid([]byte(s)) {
				d.fault(at, "this text is not a JSON document", "")
			}
			v.SetBytes([]byte(s))
		}
		return
	case t == durationType:
		if s, ok := d.text(src, at); ok {
			span, err := time.ParseDuration(s)
			if err != nil || span < 0 {
				d.fault(at, fmt.Sprintf("%q is not a span of time", s), "write it like 300ms, 30s, 5m or 1h30m")
			}
			v.SetInt(int64(span))
		}
		return
	case t == timeType:
		if s, ok := d.text(src, at); ok {
			moment, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				d.fault(at, fmt.Sprintf("%q is not a moment with its zone", s), "write it like 2026-11-21T08:00:00+08:00")
			}
			v.Set(reflect.ValueOf(moment))
		}
		return
	case words[t] != nil:
		if s, ok := d.text(src, at); ok {
			n := slices.Index(words[t], s)
			if n < 0 {
				d.fault(at, fmt.Sprintf("%q is not known here", s), describe.Suggest(s, words[t]))
			}
			v.SetInt(int64(max(0, n)))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(src, v.Elem(), at)
	case reflect.Struct:
		d.structure(src, v, at)
	case reflect.Map:
		d.object(src, v, at)
	case reflect.Slice:
		d.list(src, v, at)
	case reflect.String:
		if s, ok := d.text(src, at); ok {
			if list := texts[v.Type()]; list != nil && !slices.Contains(list, s) {
				d.fault(at, fmt.Sprintf("%q is not known here", s), describe.Suggest(s, list))
			}
			v.SetString(s)
		}
	case reflect.Bool:
		b, err := strconv.ParseBool(string(src))
		if f := form(src); err != nil || f != "true or false" {
			d.want(at, "true or false is", src)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		d.whole(src, v, at)
	default:
		d.fault(at, "this cannot be read", "")
	}
}

func (d *decoder) text(src []byte, at string) (s string, ok bool) {
	if form(src) != "text" {
		d.want(at, "text is", src)
		return "", false
	}
	if err := json.Unmarshal(src, &s); err != nil {
		d.fault(at, "this text cannot be read", "")
		return "", false
	}
	return s, true
}

// whole reads an exact whole number, digits as text too.
func (d *decoder) whole(src []byte, v reflect.Value, at string) {
	s := string(src)
	if form(src) == "text" {
		s, _ = d.text(src, at)
	}
	n, err := strconv.ParseInt(s, 10, v.Type().Bits())
	if err != nil {
		d.fault(at, "this is not a whole number of 64 bits", "write digits only, as a number or as text")
	}
	v.SetInt(n)
}

func (d *decoder) list(src []byte, v reflect.Value, at string) {
	if form(src) == "null" {
		return
	}
	var parts []json.RawMessage
	if json.Unmarshal(src, &parts) != nil {
		d.want(at, "a list is", src)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(parts), len(parts)))
	for i, p := range parts {
		d.decode(p, v.Index(i), at+"/"+strconv.Itoa(i))
	}
}

func (d *decoder) object(src []byte, v reflect.Value, at string) {
	parts, ok := d.parts(src, at)
	if !ok {
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(parts)))
	for name, p := range parts {
		to := reflect.New(v.Type().Elem()).Elem()
		d.decode(p, to, at+"/"+escape(name))
		v.SetMapIndex(reflect.ValueOf(name), to)
	}
}

func (d *decoder) parts(src []byte, at string) (parts map[string]json.RawMessage, ok bool) {
	if form(src) != "an object" || json.Unmarshal(src, &parts) != nil {
		d.want(at, "an object is", src)
		return nil, false
	}
	return parts, true
}

func (d *decoder) structure(src []byte, v reflect.Value, at string) {
	parts, ok := d.parts(src, at)
	if !ok {
		return
	}
	var known []string
	for _, m := range membersOf(v.Type()) {
		f := v.FieldByIndex(m.index)
		if m.absent.IsValid() {
			f.Set(m.absent)
		}
		known = append(known, m.name)
		if m.typ == bytesType {
			d.bytes(parts, m.name, f, at)
			known = append(known, m.name+"_base64")
			continue
		}
		p, given := parts[m.name]
		// null is the same as nothing.
		if delete(parts, m.name); given && form(p) != "null" {
			d.decode(p, f, at+"/"+m.name)
		}
	}
	if d.lenient {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		d.fault(at+"/"+escape(name), "unknown member", describe.Suggest(name, known))
	}
}

func (d *decoder) bytes(parts map[string]json.RawMessage, name string, v reflect.Value, at string) {
	plain, coded := parts[name], parts[name+"_base64"]
	delete(parts, name)
	delete(parts, name+"_base64")
	if plain != nil && form(plain) != "null" {
		if s, ok := d.text(plain, at+"/"+name); ok {
			v.SetBytes([]byte(s))
		}
		if coded != nil {
			d.fault(at+"/"+name, "this is given as text and as base64", "give one of them")
		}
		return
	}
	if coded == nil || form(coded) == "null" {
		return
	}
	if s, ok := d.text(coded, at+"/"+name+"_base64"); ok {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			d.fault(at+"/"+name+"_base64", "this is not base64", "use the standard alphabet with padding")
		}
		v.SetBytes(append([]byte{}, b...))
	}
}

// escape writes a name as a part of a JSON pointer.
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
