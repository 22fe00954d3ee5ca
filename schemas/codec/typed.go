package codec

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Tree gives the tree of any value that Encode takes: a struct with json tags
// becomes maps, Go integers become json.Number. A value that is a tree already
// is returned as it is, not copied. Its error is an *Error.
func Tree(v any) (any, error) {
	if IsTree(v) {
		return v, nil
	}
	b, err := Encode(v)
	if err != nil {
		return nil, err
	}
	return Decode(b)
}

// IsTree tells whether v is made of map[string]any, []any, string, bool, nil
// and json.Number that holds a number, not deeper than MaxDepth. It does not
// look into the strings.
func IsTree(v any) bool { return isTree(v, 0) }

func isTree(v any, depth int) bool {
	switch v := v.(type) {
	case nil, bool, string:
		return true
	case json.Number:
		return checkNumber(string(v)) == ""
	case map[string]any:
		if depth >= MaxDepth {
			return false
		}
		for _, child := range v {
			if !isTree(child, depth+1) {
				return false
			}
		}
		return true
	case []any:
		if depth >= MaxDepth {
			return false
		}
		for _, child := range v {
			if !isTree(child, depth+1) {
				return false
			}
		}
		return true
	}
	return false
}

// Unmarshal is Decode into a Go value with json tags; numbers that meet an
// interface become json.Number. Its error is an *Error.
func Unmarshal(b []byte, out any) error {
	if _, err := Decode(b); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	err := dec.Decode(out)
	if err == nil {
		return nil
	}
	// The library's message quotes the value, so only the place and the kind are taken over.
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		what := "the document"
		if wrong.Field != "" {
			what = wrong.Field
		}
		return newError(b, CodeType, int(wrong.Offset), fmt.Sprintf("%s does not fit %s", what, wrong.Type))
	}
	return &Error{Code: CodeType, Text: fmt.Sprintf("the document does not fit %T", out)}
}

// typedTree handles what is not a tree by itself.
func typedTree(v any) (any, *Error) {
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		if !marshals(rv.Type()) {
			return json.Number(strconv.FormatInt(rv.Int(), 10)), nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if !marshals(rv.Type()) {
			return json.Number(strconv.FormatUint(rv.Uint(), 10)), nil
		}
	}
	if err := refuseFloats(rv, 0); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, &Error{Code: CodeType, Text: fmt.Sprintf("a %T has no JSON form", v)}
	}
	tree, err := Decode(buf.Bytes())
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			return nil, e
		}
	}
	return tree, nil
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func marshals(t reflect.Type) bool {
	return t.Implements(jsonMarshaler) || t.Implements(textMarshaler)
}

// refuseFloats looks through a value as encoding/json would, and stops at the
// first float (Invariant 6) and at what encoding/json would repair in silence.
func refuseFloats(v reflect.Value, depth int) *Error {
	if !v.IsValid() || (marshals(v.Type()) && v.Type() != reflect.TypeFor[json.RawMessage]()) {
		return nil
	}
	if depth > MaxDepth {
		return &Error{Code: CodeDepth, Text: fmt.Sprintf("nested deeper than %d", MaxDepth)}
	}
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		return &Error{Code: CodeFloat, Text: fmt.Sprintf("a %s; use json.Number, integers of minor units, or a decimal as text", v.Type())}
	case reflect.String:
		if v.Type() == reflect.TypeFor[json.Number]() {
			if text := checkNumber(v.String()); text != "" {
				return &Error{Code: CodeNumber, Text: text}
			}
			return nil
		}
		e := encoder{}
		if err := e.str(v.String()); err != nil {
			return err.(*Error)
		}
	case reflect.Interface, reflect.Pointer:
		return refuseFloats(v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.IsExported() && !f.Anonymous || name == "-" || v.Field(i).IsZero() && strings.Contains(options, "omitempty") {
				continue
			}
			if err := refuseFloats(v.Field(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if err := refuseFloats(it.Value(), depth+1); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nil
		}
		for i := range v.Len() {
			if err := refuseFloats(v.Index(i), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
