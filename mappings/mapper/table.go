package mapper

import "sort"

// Table is a lookup table as its file gives it.
type Table struct {
	Name        string
	Description string
	// Entries maps a code to its value: a text, a number as json.Number,
	// true/false, a list or an object; nil where the file says null.
	Entries map[string]any
}

// ParseTable reads a lookup file strictly:
//
//	table: carriers
//	description: what the codes are
//	entries:
//	  SF: shunfeng
//
// A key given twice and an unknown key are problems. The error is [Problems].
func ParseTable(name string, src []byte) (*Table, error) {
	r := &reader{file: name}
	root := r.open(src)
	if root == nil {
		return nil, r.problems
	}
	t := &Table{Entries: map[string]any{}}
	for _, p := range r.object(root, "a lookup file", 0) {
		switch p.key.Value {
		case "table":
			title, _ := r.text(p.value, "table", 1)
			t.Name = title.s
		case "description":
			about, _ := r.text(p.value, "description", 1)
			t.Description = about.s
		case "entries":
			if isNull(p.value) {
				continue
			}
			for _, e := range r.object(p.value, "entries", 1) {
				if v, good := r.constant(e.value, 2); good {
					t.Entries[e.key.Value] = v
				}
			}
		default:
			r.fail(spotOf(p.key), CodeUnknownKey, didYouMean(p.key.Value, []string{"table", "description", "entries"}), "a lookup file has no key %s", p.key.Value)
		}
	}
	if t.Name == "" && len(r.problems) == 0 {
		r.fail(spotOf(root), CodeYAML, "write table: and its name", "the table has no name")
	}
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return t, nil
}

// Codes lists the table's codes, sorted.
func (t *Table) Codes() []string {
	codes := make([]string, 0, len(t.Entries))
	for code := range t.Entries {
		codes = append(codes, code)
	}
	sort.Strings(codes)
	return codes
}
