package sqlledger

import (
	"hash/maphash"
	"slices"

	"github.com/minihub/minihub/pipelines/ledger"
)

// target is what blocked deliveries wait for.
type target struct {
	kind ledger.DepKind
	key  string
}

type depRow struct {
	delivery int64
	target
}

type depState struct {
	depRow
	stored, exists, dirty bool
}

// depSet is the dependencies that a batch is about, found by either end.
type depSet struct {
	w          *work
	m          map[depRow]*depState
	byDelivery map[int64][]*depState
	byTarget   map[target][]*depState
	loadedD    map[int64]bool
	loadedT    map[target]bool
	askedD     []int64
	askedT     []target
	wanted     []target
	dirty      []*depState
}

func newDepSet(w *work) *depSet {
	d := &depSet{w: w, m: map[depRow]*depState{}, byDelivery: map[int64][]*depState{}, byTarget: map[target][]*depState{},
		loadedD: map[int64]bool{}, loadedT: map[target]bool{}}
	w.sets = append(w.sets, d)
	return d
}

func (d *depSet) wantTarget(t target) {
	if d.loadedT[t] {
		return
	}
	d.loadedT[t] = true
	if d.w.s.waited.maybe(t) {
		d.askedT = append(d.askedT, t)
		d.wanted = append(d.wanted, t)
	}
}

func (d *depSet) wantDelivery(id int64) {
	if !d.loadedD[id] {
		d.loadedD[id] = true
		d.askedD = append(d.askedD, id)
	}
}

// more asks for the deliveries that wait for the targets found so far, and for what
// else they wait for.
func (d *depSet) more() {
	for _, t := range d.wanted {
		for _, s := range d.byTarget[t] {
			d.w.deliveries.want(s.delivery)
			d.wantDelivery(s.delivery)
		}
	}
	d.wanted = nil
}

// waiters returns the deliveries that wait for a target, in order of id.
func (d *depSet) waiters(t target) []int64 {
	d.wantTarget(t)
	if len(d.askedT) > 0 {
		d.w.load()
	}
	var ids []int64
	for _, s := range d.byTarget[t] {
		if s.exists {
			ids = append(ids, s.delivery)
		}
	}
	slices.Sort(ids)
	return ids
}

// of returns what a delivery waits for.
func (d *depSet) of(delivery int64) []target {
	d.wantDelivery(delivery)
	if len(d.askedD) > 0 {
		d.w.load()
	}
	var ts []target
	for _, s := range d.byDelivery[delivery] {
		if s.exists {
			ts = append(ts, s.target)
		}
	}
	return ts
}

func (d *depSet) add(delivery int64, t target) { d.set(depRow{delivery, t}, true) }

func (d *depSet) remove(delivery int64, t target) { d.set(depRow{delivery, t}, false) }

func (d *depSet) set(r depRow, exists bool) {
	s := d.entry(r)
	if s.exists != exists {
		s.exists = exists
		if !s.dirty {
			s.dirty = true
			d.dirty = append(d.dirty, s)
		}
	}
}

func (d *depSet) entry(r depRow) *depState {
	s, ok := d.m[r]
	if !ok {
		s = &depState{depRow: r}
		d.m[r] = s
		d.byDelivery[r.delivery] = append(d.byDelivery[r.delivery], s)
		d.byTarget[r.target] = append(d.byTarget[r.target], s)
	}
	return s
}

func (d *depSet) found(r row) error {
	k := depRow{r.Int(0), target{ledger.DepKind(r.Text(1)), r.Text(2)}}
	if _, ok := d.m[k]; ok {
		return nil // what the batch knows of it is newer
	}
	s := d.entry(k)
	s.stored, s.exists = true, true
	return nil
}

func (d *depSet) fetches(fs []fetch) []fetch {
	if asked := d.askedT; len(asked) > 0 {
		d.askedT = nil
		fs = append(fs, fetch{q: d.w.s.t.waiters, n: len(asked), row: d.found, bind: func(i int, b binder) {
			b.Text(string(asked[i].kind))
			b.Text(asked[i].key)
		}})
	}
	if asked := d.askedD; len(asked) > 0 {
		d.askedD = nil
		fs = append(fs, fetch{q: d.w.s.t.depsOf, n: len(asked), row: d.found, bind: func(i int, b binder) {
			b.Int(asked[i])
		}})
	}
	return fs
}

func (d *depSet) changes(cs []change) []change {
	var adds, drops []*depState
	for _, s := range d.dirty {
		switch {
		case s.exists && !s.stored:
			adds = append(adds, s)
		case s.stored && !s.exists:
			drops = append(drops, s)
		}
	}
	bind := func(b binder, s *depState) {
		b.Int(s.delivery)
		b.Text(string(s.kind))
		b.Text(s.key)
	}
	if len(drops) > 0 {
		cs = append(cs, change{d.w.s.t.dropDep, len(drops), func(i int, b binder) { bind(b, drops[i]) }})
	}
	if len(adds) > 0 {
		cs = append(cs, change{d.w.s.t.addDep, len(adds), func(i int, b binder) { bind(b, adds[i]) }})
	}
	return cs
}

func (d *depSet) done() {
	for _, s := range d.dirty {
		switch {
		case s.exists && !s.stored:
			d.w.s.waited.count(s.target, 1)
		case s.stored && !s.exists:
			d.w.s.waited.count(s.target, -1)
		}
	}
}

// waited counts dependencies by a hash of their target, so that the many outcomes
// nobody waits for cost no query. Only the writer uses it.
type waited struct {
	seed   maphash.Seed
	counts [1 << 16]int32
}

func newWaited() *waited { return &waited{seed: maphash.MakeSeed()} }

func (c *waited) slot(t target) *int32 {
	return &c.counts[maphash.Comparable(c.seed, t)%uint64(len(c.counts))]
}

func (c *waited) maybe(t target) bool { return *c.slot(t) != 0 }

func (c *waited) count(t target, n int32) { *c.slot(t) += n }
