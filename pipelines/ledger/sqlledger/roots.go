package sqlledger

import "github.com/minihub/minihub/pipelines/ledger"

// rootSet knows which roots had records before the batch. A root whose first record is
// in the batch is followed from then on: the ids of all its deliveries stay in memory,
// for the engine asks for them at every turn of a young root and hardly ever later.
type rootSet struct {
	w      *work
	had    map[int64]bool
	asked  []int64
	young  []int64           // roots that begin in this batch
	adds   map[int64][]int64 // new deliveries by root
	follow map[int64]bool    // of young
}

func newRootSet(w *work) *rootSet {
	x := &rootSet{w: w, had: map[int64]bool{}, adds: map[int64][]int64{}, follow: map[int64]bool{}}
	w.sets = append(w.sets, x)
	return x
}

// want asks whether a root has records, unless it is followed already.
func (x *rootSet) want(root int64) {
	if _, ok := x.had[root]; ok {
		return
	}
	_, followed := x.w.s.roots.get(root)
	x.had[root] = followed
	if !followed {
		x.asked = append(x.asked, root)
	}
}

// record notes a new record. A root that was not asked about is not followed.
func (x *rootSet) record(root int64) {
	if had, known := x.had[root]; known && !had && !x.follow[root] {
		x.follow[root] = true
		x.young = append(x.young, root)
	}
}

func (x *rootSet) delivery(root, id int64) { x.adds[root] = append(x.adds[root], id) }

func (x *rootSet) fetches(fs []fetch) []fetch {
	if len(x.asked) == 0 {
		return fs
	}
	asked := x.asked
	x.asked = nil
	return append(fs, fetch{
		q:    x.w.s.t.rootsWithRecords,
		n:    len(asked),
		bind: func(i int, b binder) { b.Int(asked[i]) },
		row: func(r row) error {
			x.had[r.Int(0)] = true
			return nil
		},
	})
}

func (x *rootSet) changes(cs []change) []change { return cs }

func (x *rootSet) done() {
	for _, root := range x.young {
		x.w.s.roots.put(root, nil)
	}
	for root, ids := range x.adds {
		if known, ok := x.w.s.roots.get(root); ok {
			x.w.s.roots.put(root, append(known, ids...))
		}
	}
}

// youngDeliveries returns the deliveries of a root out of memory, if all are there.
func (s *Store) youngDeliveries(root int64) ([]ledger.Delivery, bool) {
	ids, ok := s.roots.get(root)
	if !ok {
		return nil, false
	}
	ds := make([]ledger.Delivery, 0, len(ids))
	for _, id := range ids {
		d, ok := s.delivery(id)
		if !ok {
			return nil, false
		}
		ds = append(ds, d)
	}
	return ds, true
}
