package sqlledger

import (
	"slices"
	"sync"
)

// table says how rows of one type are kept: a key, columns written once, columns that
// change.
type table[K comparable, R any] struct {
	byKey                  *keyed
	selected, from         string
	insert, update, remove *mutation
	bindKey                func(b binder, k K)
	bindFixed, bindMoving  func(b binder, r *R)
	scan                   func(r row) (K, R)
	tally                  func(r *R) tallyKey // nil: not counted
	compare                func(a, b K) int    // order of writing; nil: as they came
}

// spec is the textual part of a table.
type spec struct {
	name               string
	key, fixed, moving string // see columns
	extra, join        string // further selected columns, and where they come from
}

func newTable[K comparable, R any](s spec, t table[K, R]) *table[K, R] {
	key, fixed, moving := columns(s.key), columns(s.fixed), columns(s.moving)
	all := slices.Concat(key, fixed, moving)
	t.selected = names(all, "t.%s")
	if s.extra != "" {
		t.selected += ", " + s.extra
	}
	t.from = s.name + " t"
	if s.join != "" {
		t.from += " " + s.join
	}
	t.byKey = newKeyed(t.selected, t.from, key)
	t.insert = newInsert(s.name, all, "")
	t.remove = newDelete(s.name, key)
	if len(moving) > 0 {
		t.update = newUpdate(s.name, key, moving)
	}
	return &t
}

// entry is one row as the batch sees it.
type entry[K comparable, R any] struct {
	key    K
	row    R
	was    tallyKey
	failed member // the cause it failed for, if fails
	fails  bool
	stored bool // the database has it
	exists bool // the batch has it
	dirty  bool
}

// rows are the rows of one table that a batch is about.
type rows[K comparable, R any] struct {
	w     *work
	t     *table[K, R]
	cache *cache[K, R]
	m     map[K]*entry[K, R]
	asked []*entry[K, R]
	dirty []*entry[K, R]
}

func newRows[K comparable, R any](w *work, t *table[K, R], c *cache[K, R]) *rows[K, R] {
	r := &rows[K, R]{w: w, t: t, cache: c, m: map[K]*entry[K, R]{}}
	w.sets = append(w.sets, r)
	return r
}

// want asks for a row; the next load brings it.
func (r *rows[K, R]) want(k K) *entry[K, R] {
	if e, ok := r.m[k]; ok {
		return e
	}
	e := &entry[K, R]{key: k}
	r.m[k] = e
	if row, ok := r.cache.get(k); ok {
		r.found(e, row)
	} else {
		r.asked = append(r.asked, e)
	}
	return e
}

// take puts a row that another query brought, unless the batch has it already.
func (r *rows[K, R]) take(k K, row R) {
	if _, ok := r.m[k]; !ok {
		e := &entry[K, R]{key: k}
		r.m[k] = e
		r.found(e, row)
	}
}

func (r *rows[K, R]) found(e *entry[K, R], row R) {
	e.row, e.stored, e.exists = row, true, true
	e.failed, e.fails = troubleOf(&e.row)
	if r.t.tally != nil {
		e.was = r.t.tally(&e.row)
	}
}

// get returns the row, or nil when there is none. The caller must not change it.
func (r *rows[K, R]) get(k K) *R {
	e := r.want(k)
	if len(r.asked) > 0 {
		r.w.load()
	}
	if !e.exists {
		return nil
	}
	return &e.row
}

// edit returns the row of a key that get has found, to be changed.
func (r *rows[K, R]) edit(k K) *R {
	e := r.m[k]
	r.mark(e)
	return &e.row
}

// add puts a new row.
func (r *rows[K, R]) add(k K, row R) *R {
	e := r.m[k]
	if e == nil {
		e = &entry[K, R]{key: k}
		r.m[k] = e
	}
	e.row, e.exists = row, true
	r.mark(e)
	return &e.row
}

func (r *rows[K, R]) remove(k K) {
	if e := r.m[k]; e != nil && e.exists {
		e.exists = false
		r.mark(e)
	}
}

func (r *rows[K, R]) mark(e *entry[K, R]) {
	if !e.dirty {
		e.dirty = true
		r.dirty = append(r.dirty, e)
	}
}

// set is what work does with rows of any type.
type set interface {
	fetches(fs []fetch) []fetch
	changes(cs []change) []change
	done()
}

func (r *rows[K, R]) fetches(fs []fetch) []fetch {
	if len(r.asked) == 0 {
		return fs
	}
	asked := r.asked
	r.asked = nil
	return append(fs, fetch{
		q:    r.t.byKey,
		n:    len(asked),
		bind: func(i int, b binder) { r.t.bindKey(b, asked[i].key) },
		row: func(res row) error {
			k, row := r.t.scan(res)
			r.found(r.m[k], row)
			return nil
		},
	})
}

func (r *rows[K, R]) changes(cs []change) []change {
	var inserts, updates, removes []*entry[K, R]
	var t troubles
	for _, e := range r.dirty {
		switch {
		case e.stored && e.exists:
			updates = append(updates, e)
		case e.exists:
			inserts = append(inserts, e)
		case e.stored:
			removes = append(removes, e)
		}
		if r.t.tally != nil {
			if e.stored {
				r.w.tally[e.was]--
			}
			if e.exists {
				r.w.tally[r.t.tally(&e.row)]++
			}
		}
		var is member
		fails := false
		if e.exists {
			is, fails = troubleOf(&e.row)
		}
		t.moved(e.failed, e.fails, is, fails)
	}
	if r.t.compare != nil {
		order := func(a, b *entry[K, R]) int { return r.t.compare(a.key, b.key) }
		slices.SortFunc(inserts, order)
	}
	add := func(q *mutation, es []*entry[K, R], bind func(b binder, e *entry[K, R])) {
		if len(es) > 0 {
			cs = append(cs, change{q: q, n: len(es), bind: func(i int, b binder) { bind(b, es[i]) }})
		}
	}
	add(r.t.remove, removes, func(b binder, e *entry[K, R]) { r.t.bindKey(b, e.key) })
	add(r.t.update, updates, func(b binder, e *entry[K, R]) {
		r.t.bindKey(b, e.key)
		r.t.bindMoving(b, &e.row)
	})
	add(r.t.insert, inserts, func(b binder, e *entry[K, R]) {
		r.t.bindKey(b, e.key)
		r.t.bindFixed(b, &e.row)
		r.t.bindMoving(b, &e.row)
	})
	return t.changes(cs, r.w.now)
}

// done keeps what was committed for the next batches and for readers.
func (r *rows[K, R]) done() {
	for _, e := range r.dirty {
		if e.exists {
			r.cache.put(e.key, e.row)
		} else {
			r.cache.drop(e.key)
		}
	}
}

// cache holds the rows written last. Only commits fill it, so that it never holds an
// older row than the database. A nil cache holds nothing.
type cache[K comparable, R any] struct {
	mu   sync.RWMutex
	m    map[K]R
	ring []K
	next int
}

func newCache[K comparable, R any](n int) *cache[K, R] {
	if n <= 0 {
		return nil
	}
	return &cache[K, R]{m: make(map[K]R), ring: make([]K, 0, n)}
}

func (c *cache[K, R]) get(k K) (R, bool) {
	if c == nil {
		var zero R
		return zero, false
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	r, ok := c.m[k]
	return r, ok
}

func (c *cache[K, R]) put(k K, r R) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.m[k]; !ok {
		if len(c.ring) < cap(c.ring) {
			c.ring = append(c.ring, k)
		} else {
			delete(c.m, c.ring[c.next])
			c.ring[c.next] = k
			c.next = (c.next + 1) % len(c.ring)
		}
	}
	c.m[k] = r
}

func (c *cache[K, R]) drop(k K) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.m, k) // its place in the ring is taken over in time
}
