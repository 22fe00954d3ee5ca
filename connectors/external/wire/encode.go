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
	"unicode/utf8"

	"github.com/minihub/minihub/connectors"
)

// Encode gives the JSON form of a message or a type of the contract, its members in the
// order of the Go fields. It fails only on raw JSON that is none.
func Encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := encode(&b, reflect.ValueOf(v), ""); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func encode(b *bytes.Buffer, v reflect.Value, at string) error {
	switch t := v.Type(); {
	case t == durationType:
		text(b, time.Duration(v.Int()).String())
		return nil
	case t == timeType:
		text(b, v.Interface().(time.Time).Format(time.RFC3339Nano))
		return nil
	case t == rawType:
		return raw(b, v.Bytes(), at)
	case words[t] != nil:
		n := int(v.Int())
		if n < 0 || n >= len(words[t]) {
			n = 0 // a value nobody knows is the first word, which promises nothing
		}
		text(b, words[t][n])
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		return encode(b, v.Elem(), at)
	case reflect.Struct:
		return structure(b, v, at)
	case reflect.Map:
		return object(b, v, at)
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := encode(b, v.Index(i), at+"/"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case reflect.String:
		text(b, v.String())
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	default:
		return fmt.Errorf("%s: a %s cannot be written", at, v.Type())
	}
	return nil
}

func structure(b *bytes.Buffer, v reflect.Value, at string) error {
	if e, ok := v.Interface().(connectors.Error); ok && e.Err != nil {
		// The wrapped error does not travel, its words do.
		e.Text = strings.TrimPrefix(e.Text+": "+e.Err.Error(), ": ")
		v = reflect.ValueOf(e)
	}
	b.WriteByte('{')
	first := true
	key := func(name string) {
		if !first {
			b.WriteByte(',')
		}
		first = false
		text(b, name)
		b.WriteByte(':')
	}
	for _, m := range membersOf(v.Type()) {
		f := v.FieldByIndex(m.index)
		if f.Type() == bytesType {
			// An empty document is not a hint: nil is left out, empty is written.
			switch {
			case f.IsNil():
			case utf8.Valid(f.Bytes()):
				key(m.name)
				text(b, string(f.Bytes()))
			default:
				key(m.name + "_base64")
				text(b, base64.StdEncoding.EncodeToString(f.Bytes()))
			}
			continue
		}
		if !m.absent.IsValid() && (f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0) {
			continue
		}
		key(m.name)
		if err := encode(b, f, at+"/"+m.name); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func object(b *bytes.Buffer, v reflect.Value, at string) error {
	b.WriteByte('{')
	byName := map[string]reflect.Value{}
	for it := v.MapRange(); it.Next(); {
		byName[it.Key().String()] = it.Value()
	}
	for i, name := range slices.Sorted(maps.Keys(byName)) {
		if i > 0 {
			b.WriteByte(',')
		}
		text(b, name)
		b.WriteByte(':')
		if err := encode(b, byName[name], at+"/"+name); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// raw keeps every character of the document, in a text: a reader that decodes the
// message does not round the document's numbers on the way (Invariant 6).
func raw(b *bytes.Buffer, src []byte, at string) error {
	if !json.Valid(src) {
		return fmt.Errorf("%s: this is no JSON", at)
	}
	if !utf8.Valid(src) {
		return fmt.Errorf("%s: this is not UTF-8", at)
	}
	text(b, string(src))
	return nil
}

func text(b *bytes.Buffer, s string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)       // a string always encodes
	b.Truncate(b.Len() - 1) // the line end
}
