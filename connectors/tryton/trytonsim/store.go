package trytonsim

import (
	"fmt"
	"slices"
	"time"
)

// row is one record; values are nil, string, int (a many2one's id), float64,
// bool, decimalValue, dateValue, or []int (a many2many).
type row struct {
	id      int
	v       object
	created time.Time
	written time.Time // zero until the first write
}

type table struct {
	model *model
	rows  map[int]*row
	last  int
	index map[string][]int // field + value -> ids, ascending, for indexed fields
}

func key(field string, value any) string { return fmt.Sprintf("%s=%v", field, value) }

func (t *table) indexed(field string) bool {
	f := t.model.fields[field]
	return f != nil && (f.kind == many2one || f.indexed)
}

func (t *table) link(r *row, field string) {
	if t.indexed(field) && r.v[field] != nil {
		k := key(field, r.v[field])
		at, found := slices.BinarySearch(t.index[k], r.id)
		if !found {
			t.index[k] = slices.Insert(t.index[k], at, r.id)
		}
	}
}

func (t *table) unlink(r *row, field string) {
	if t.indexed(field) && r.v[field] != nil {
		k := key(field, r.v[field])
		if at, found := slices.BinarySearch(t.index[k], r.id); found {
			t.index[k] = slices.Delete(t.index[k], at, at+1)
		}
		if len(t.index[k]) == 0 {
			delete(t.index, k)
		}
	}
}

// insert adds an empty record; its id is spent even if the call fails.
func (s *Sim) insert(name string, at time.Time) *row {
	t := s.tables[name]
	t.last++
	r := &row{id: t.last, v: object{}, created: at}
	t.rows[r.id] = r
	s.undo = append(s.undo, func() { s.drop(t, r) })
	return r
}

func (s *Sim) drop(t *table, r *row) {
	for field := range r.v {
		t.unlink(r, field)
	}
	delete(t.rows, r.id)
}

func (s *Sim) set(name string, r *row, field string, value any) {
	t, old := s.tables[name], r.v[field]
	put := func(v any) {
		t.unlink(r, field)
		r.v[field] = v
		t.link(r, field)
	}
	put(value)
	s.undo = append(s.undo, func() { put(old) })
}

func (s *Sim) fill(name string, r *row, values object) {
	for field, v := range values {
		s.set(name, r, field, v)
	}
}

func (s *Sim) remove(name string, r *row) {
	t := s.tables[name]
	s.drop(t, r)
	s.undo = append(s.undo, func() {
		t.rows[r.id] = r
		for field := range r.v {
			t.link(r, field)
		}
	})
}

// touch stamps a record as changed.
func (s *Sim) touch(r *row, at time.Time) {
	old := r.written
	r.written = at
	s.undo = append(s.undo, func() { r.written = old })
}

// rollback takes back everything the failed call did.
func (s *Sim) rollback() {
	for i := len(s.undo) - 1; i >= 0; i-- {
		s.undo[i]()
	}
	s.undo = nil
}

// ids returns every id of a table, ascending.
func (t *table) ids() []int {
	out := make([]int, 0, len(t.rows))
	for id := range t.rows {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func (s *Sim) where(name, field string, value any) []int {
	return slices.Clone(s.tables[name].index[key(field, value)])
}

func (r *row) text(field string) string { s, _ := r.v[field].(string); return s }
func (r *row) ref(field string) int     { n, _ := r.v[field].(int); return n }
func (r *row) refs(field string) []int  { n, _ := r.v[field].([]int); return n }
func (r *row) float(field string) float64 {
	n, _ := r.v[field].(float64)
	return n
}
