package trytonsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// coerce checks one value of a create or write and turns it into what a row holds.
func (s *Sim) coerce(m *model, f *field, v any) (any, *fail) {
	if v == nil {
		return nil, nil
	}
	bad := func() (any, *fail) {
		return nil, unexpected("field %q in %q: a value of kind %T does not fit %s", f.label, m.label, v, f.kind)
	}
	switch f.kind {
	case char, text, reference:
		value, ok := v.(string)
		if !ok {
			return bad()
		}
		if at := strings.IndexAny(value, "\t\n\v\f\r"); at >= 0 && f.kind != text {
			return nil, userError("The value \"%s\" for field %q in %q contains some invalid chars \"%s\".", value, f.label, m.label, python(value[at]))
		}
		if strings.ContainsRune(value, 0) {
			return nil, unexpected("A string literal cannot contain NUL (0x00) characters.")
		}
		return value, nil
	case selection:
		text, ok := v.(string)
		if !ok || !slices.Contains(f.options, text) {
			return nil, userError("The value \"%v\" for field %q in %q is not one of the allowed options.", v, f.label, m.label)
		}
		return text, nil
	case boolean:
		b, ok := v.(bool)
		if !ok {
			return bad()
		}
		return b, nil
	case integer:
		n, ok := asInt(v)
		if !ok {
			return bad()
		}
		return n, nil
	case float:
		n, ok := v.(json.Number)
		x, err := strconv.ParseFloat(n.String(), 64)
		if !ok || err != nil {
			return bad()
		}
		return x, nil
	case numeric:
		d, ok := v.(decimalValue)
		if !ok {
			return bad()
		}
		if f.digits > 0 && fraction(string(d)) > f.digits {
			return nil, userError("The number of digits in the value \"Decimal('%s')\" for field %q in %q exceeds the limit of \"%d\".", d, f.label, m.label, f.digits)
		}
		return d, nil
	case date:
		if d, ok := v.(dateValue); ok {
			return d, nil
		}
	case datetime:
		if t, ok := v.(time.Time); ok {
			return t, nil
		}
	case many2one:
		n, ok := asInt(v)
		if !ok {
			return bad()
		}
		if s.tables[f.target].rows[n] == nil {
			return nil, userError("The value \"%d\" for field %q in %q does not exist.", n, f.label, m.label)
		}
		return n, nil
	}
	return bad()
}

// python shows a control character as the server does.
func python(c byte) string {
	switch c {
	case '\v', '\f':
		return fmt.Sprintf(`'\x%02x'`, c)
	}
	return "'" + strings.Trim(strconv.Quote(string(c)), `"`) + "'"
}

func asInt(v any) (int, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := strconv.Atoi(v.String())
		return n, err == nil
	case int:
		return v, true
	}
	return 0, false
}

func asInts(v any) ([]int, bool) {
	list, ok := v.([]any)
	if !ok {
		n, single := asInt(v)
		return []int{n}, single
	}
	out := make([]int, len(list))
	for i, x := range list {
		n, ok := asInt(x)
		if !ok {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

func asTexts(v any) ([]string, bool) {
	list, ok := v.([]any)
	out := make([]string, len(list))
	for i, x := range list {
		text, isText := x.(string)
		ok = ok && isText
		out[i] = text
	}
	return out, ok
}

// get returns the value of a field, computed ones included; a one2many is a list of ids.
func (s *Sim) get(name string, r *row, fieldName string, ctx object) (any, *fail) {
	f := s.models[name].fields[fieldName]
	switch {
	case f == nil:
		return nil, unexpected("'%s'", fieldName)
	case f.compute != nil:
		return f.compute(s, r, ctx), nil
	case f.kind == one2many:
		return s.children(f, r), nil
	case f.kind == many2many:
		return slices.Clone(r.refs(fieldName)), nil
	}
	return r.v[fieldName], nil
}

func (s *Sim) children(f *field, r *row) []int {
	ids := s.where(f.target, f.inverse, r.id)
	rows := s.tables[f.target].rows
	slices.SortStableFunc(ids, func(a, b int) int {
		x, y := rows[a].ref("sequence"), rows[b].ref("sequence")
		return x - y
	})
	return ids
}

// read is one record of an answer: dotted names nest below the first part and a dot.
func (s *Sim) read(name string, r *row, fields []string, ctx object) (object, *fail) {
	if r == nil {
		return nil, nil // what it refers to was deleted behind everybody's back
	}
	out := object{"id": r.id}
	nested := map[string][]string{}
	for _, path := range fields {
		first, rest, dotted := strings.Cut(path, ".")
		v, fl := s.get(name, r, first, ctx)
		if fl != nil {
			return nil, fl
		}
		if dotted {
			nested[first] = append(nested[first], rest)
			continue
		}
		if ids, ok := v.([]int); ok {
			v = anyInts(ids)
		}
		out[first] = v
	}
	for first, paths := range nested {
		v, _ := s.get(name, r, first, ctx)
		target := s.models[name].fields[first].target
		if target == "" {
			return nil, unexpected("'%s' is no relation", first)
		}
		switch v := v.(type) {
		case int:
			sub, fl := s.read(target, s.tables[target].rows[v], paths, ctx)
			if fl != nil {
				return nil, fl
			}
			out[first+"."] = sub
		case []int:
			list := []any{}
			for _, id := range v {
				sub, fl := s.read(target, s.tables[target].rows[id], paths, ctx)
				if fl != nil {
					return nil, fl
				}
				list = append(list, sub)
			}
			out[first+"."] = list
		default:
			out[first+"."] = nil
		}
	}
	return out, nil
}

func anyInts(ids []int) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// stamp is the record's version for the optimistic lock.
func (r *row) stamp() string {
	t := r.written
	if t.IsZero() {
		t = r.created
	}
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}
