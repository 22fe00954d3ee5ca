package wechatshopsim

import (
	"slices"
	"sort"
)

// place is a position in a timeline; the zero place is before everything.
type place struct {
	At  int64  `json:"t"`
	Seq uint64 `json:"s"`
}

func (p place) less(q place) bool { return p.At < q.At || p.At == q.At && p.Seq < q.Seq }

type entry struct {
	place
	id string
}

// timeline keeps ids sorted by a Unix time that may move. A moved id leaves its
// old entry behind, which is skipped and swept away when such entries are many.
type timeline struct {
	list    []entry
	current map[string]uint64 // id -> seq of its entry
	seq     uint64
}

func (t *timeline) put(id string, at int64) {
	if t.current == nil {
		t.current = map[string]uint64{}
	}
	t.seq++
	e := entry{place{at, t.seq}, id}
	i := len(t.list)
	if i > 0 && e.less(t.list[i-1].place) {
		i = t.find(e.place)
	}
	t.list = slices.Insert(t.list, i, e)
	t.current[id] = t.seq
	t.sweep()
}

func (t *timeline) drop(id string) {
	delete(t.current, id)
	t.sweep()
}

func (t *timeline) sweep() {
	if len(t.list) > 64 && len(t.list) > 2*len(t.current) {
		t.list = slices.DeleteFunc(t.list, func(e entry) bool { return t.current[e.id] != e.Seq })
	}
}

// find returns the index of the first entry not before p.
func (t *timeline) find(p place) int {
	return sort.Search(len(t.list), func(i int) bool { return !t.list[i].less(p) })
}

// page returns up to limit entries with from <= time < to that lie behind after
// and that keep likes.
func (t *timeline) page(from, to int64, after place, limit int, keep func(id string) bool) []entry {
	start := place{At: from}
	if start.less(after) {
		start = place{after.At, after.Seq + 1}
	}
	var out []entry
	for _, e := range t.list[t.find(start):] {
		if e.At >= to || len(out) == limit {
			break
		}
		if t.current[e.id] == e.Seq && keep(e.id) {
			out = append(out, e)
		}
	}
	return out
}

// count returns how many ids have from <= time < to.
func (t *timeline) count(from, to int64) int {
	n := 0
	for _, e := range t.list[t.find(place{At: from}):] {
		if e.At >= to {
			break
		}
		if t.current[e.id] == e.Seq {
			n++
		}
	}
	return n
}
