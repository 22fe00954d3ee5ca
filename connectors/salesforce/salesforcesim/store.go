package salesforcesim

import (
	"slices"
	"strings"
	"time"
)

// record is one row. It is never changed in place, so that a pointer is a version.
type record struct {
	object            *Object
	id                string
	values            map[string]any
	created, modified time.Time
	deleted           bool
}

// store holds the records and their keys.
type store struct {
	byID  map[string]*record
	order map[string][]string            // object -> ids, oldest first
	keys  map[string]map[string][]string // object/field -> folded value -> ids
	undo  []change                       // of the running transaction
}

type change struct {
	id  string
	old *record
}

func newStore(objects map[string]*Object) *store {
	s := &store{byID: map[string]*record{}, order: map[string][]string{}, keys: map[string]map[string][]string{}}
	for _, o := range objects {
		for _, f := range o.Fields {
			if f.ExternalID || f.Unique {
				s.keys[o.Name+"/"+f.Name] = map[string][]string{}
			}
		}
	}
	return s
}

// put replaces the row of an id; the old one, or nil, is kept for rollback.
func (s *store) put(r *record) {
	old := s.byID[r.id]
	s.undo = append(s.undo, change{r.id, old})
	s.swap(old, r)
}

func (s *store) swap(old, now *record) {
	some := now
	if some == nil {
		some = old
	}
	o, id := some.object, some.id
	for _, f := range o.Fields {
		index := s.keys[o.Name+"/"+f.Name]
		if index == nil {
			continue
		}
		if v, ok := value(old, f.Name); ok {
			k := f.fold(v)
			if index[k] = slices.DeleteFunc(index[k], func(x string) bool { return x == id }); len(index[k]) == 0 {
				delete(index, k)
			}
		}
		if v, ok := value(now, f.Name); ok {
			index[f.fold(v)] = append(index[f.fold(v)], id)
		}
	}
	switch {
	case now == nil:
		delete(s.byID, id)
		s.order[o.Name] = slices.DeleteFunc(s.order[o.Name], func(x string) bool { return x == id })
	case old == nil:
		s.order[o.Name] = append(s.order[o.Name], id)
		s.byID[id] = now
	default:
		s.byID[id] = now
	}
}

// value is a live record's text under a field.
func value(r *record, field string) (string, bool) {
	if r == nil || r.deleted {
		return "", false
	}
	v, ok := r.values[field].(string)
	return v, ok
}

// begin starts a transaction; rollback undoes what was put since.
func (s *store) begin() (mark int) { return len(s.undo) }

func (s *store) rollback(mark int) {
	for i := len(s.undo) - 1; i >= mark; i-- {
		c := s.undo[i]
		s.swap(s.byID[c.id], c.old)
	}
	s.undo = s.undo[:mark]
}

// commit forgets how to undo.
func (s *store) commit() { s.undo = nil }

// match finds the live records whose key field has the value.
func (s *store) match(o *Object, f *Field, v string) []*record {
	var out []*record
	for _, id := range s.keys[o.Name+"/"+f.Name][f.fold(strings.TrimSpace(v))] {
		out = append(out, s.byID[id])
	}
	return out
}

// get finds a live record of the object by its id.
func (s *store) get(o *Object, id string) *record {
	full, ok := normalID(id)
	if !ok {
		return nil
	}
	if r := s.byID[full]; r != nil && r.object == o && !r.deleted {
		return r
	}
	return nil
}

// field is a value of the record, system fields included; nil when empty.
func (r *record) field(name string) any {
	switch name {
	case "Id":
		return r.id
	case "IsDeleted":
		return r.deleted
	case "CreatedDate":
		return r.created.Format(readLayout)
	case "LastModifiedDate", "SystemModstamp":
		return r.modified.Format(readLayout)
	case "Name":
		if r.object.Name == "Contact" {
			first, _ := r.values["FirstName"].(string)
			last, _ := r.values["LastName"].(string)
			return strings.TrimSpace(first + " " + last)
		}
	}
	if v, ok := r.values[name]; ok {
		return v
	}
	if f := r.object.field(name); f != nil && f.Type == Boolean {
		return false
	}
	return nil
}
