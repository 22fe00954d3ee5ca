package mapper

import (
	"fmt"
	"strconv"
)

// choose applies the row's map.
func (r *row) choose(v any) (any, error) {
	key, isScalar := textOf(v)
	if !isScalar {
		return nil, wrong("", "map needs a text, a number or true/false and found %s", kindOf(v))
	}
	if choice, known := r.choices[key]; known {
		return choice, nil
	}
	if r.otherwise != nil {
		return r.otherwise.v, nil
	}
	return nil, &fault{code: CodeEnum, text: fmt.Sprintf("the value%s is in no entry of the map, which knows %s", harmless(key), r.known), hint: "add an entry, or else:"}
}

// harmless quotes a value that is surely a code and not a person's datum:
// short ASCII without a run of digits.
func harmless(s string) string {
	if len(s) > 24 {
		return ""
	}
	digits := 0
	for _, c := range s {
		digits++
		if c < '0' || c > '9' {
			digits = 0
		}
		code := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
		if !code || digits > 5 {
			return ""
		}
	}
	return " " + strconv.Quote(s)
}

func (x *execution) lookup(r *row, v any) (any, error) {
	found, err := findEntry(x.s, r.table, v)
	ft, missing := err.(*fault)
	if !missing || ft.missing == nil {
		return found, err
	}
	switch {
	case r.def != nil || r.onMissing == "null":
		return nil, nil
	case r.onMissing == "park":
		return nil, &fault{code: CodeLookupMissing, text: ft.text, hint: ft.hint}
	}
	return nil, ft
}

// findEntry asks a lookup table; a missing entry is a fault that carries it.
func findEntry(s *session, table string, key any) (any, error) {
	text, isScalar := textOf(key)
	if !isScalar {
		return nil, wrong("", "a lookup key must be text or a number and is %s", kindOf(key))
	}
	if s.tables == nil {
		return nil, &fault{code: CodeLookupTable, text: "there are no lookup tables here"}
	}
	if v, ok := s.tables.Get(table, text); ok {
		return v, nil
	}
	m := &MissingLookup{Table: table, Key: text}
	return nil, &fault{code: CodeLookupMissing, text: m.Error(), hint: "add the entry to the table", missing: m}
}
