package lanes

import (
	"math"
	"slices"
)

// source is who filled a lane: its ready lanes, first in first out.
type source struct {
	ready fifo[int32]
	turn  bool // stands among the turns
}

// source returns the index of a source. Past 65,534 of them the rest share one.
func (q *Queue) source(name string) uint16 {
	i, ok := q.names[name]
	if ok {
		return i
	}
	if len(q.sources) == math.MaxUint16 {
		return math.MaxUint16 - 1
	}
	i = uint16(len(q.sources))
	q.names[name] = i
	q.sources = append(q.sources, source{})
	return i
}

// line puts a ready lane at the end of its source's line.
func (q *Queue) line(src uint16, li int32) {
	s := &q.sources[src]
	s.ready.push(li)
	if !s.turn {
		s.turn = true
		q.turns.push(src)
	}
}

// turn takes one ready lane of the source whose turn it is; that source's next turn
// comes after all others'.
func (q *Queue) turn() (li int32, ok bool) {
	for q.turns.len() > 0 {
		src := q.turns.pop()
		s := &q.sources[src]
		if s.ready.len() == 0 { // emptied by remove
			s.turn = false
			continue
		}
		li = s.ready.pop()
		if s.turn = s.ready.len() > 0; s.turn {
			q.turns.push(src)
		}
		return li, true
	}
	return none, false
}

// fifo is a queue in one slice.
type fifo[T comparable] struct {
	items []T
	first int
}

func (f *fifo[T]) len() int { return len(f.items) - f.first }

func (f *fifo[T]) push(v T) { f.items = append(f.items, v) }

func (f *fifo[T]) pop() T {
	v := f.items[f.first]
	f.first++
	switch {
	case f.first == len(f.items):
		f.items, f.first = f.items[:0], 0
	case f.first > 1024 && f.first > len(f.items)/2:
		f.items = append(f.items[:0], f.items[f.first:]...)
		f.first = 0
	}
	return v
}

func (f *fifo[T]) remove(v T) {
	if i := slices.Index(f.items[f.first:], v); i >= 0 {
		f.items = slices.Delete(f.items, f.first+i, f.first+i+1)
	}
}
