package sqlledger

import "github.com/minihub/minihub/pipelines/ledger"

const (
	hintPending = "pending"
	hintDone    = "done"
	hintParked  = "parked"
)

type hintKey struct{ connection, stream, key string }

// hintIndex finds hints by what they are about; the rows themselves live in work.hints.
type hintIndex struct {
	w     *work
	ids   map[hintKey]int64 // 0: none
	asked []hintKey
}

func newHintIndex(w *work) *hintIndex {
	x := &hintIndex{w: w, ids: map[hintKey]int64{}}
	w.sets = append(w.sets, x)
	return x
}

func (x *hintIndex) want(k hintKey) {
	if _, ok := x.ids[k]; !ok {
		x.ids[k] = 0
		x.asked = append(x.asked, k)
	}
}

func (x *hintIndex) get(k hintKey) *ledger.Hint {
	x.want(k)
	if len(x.asked) > 0 {
		x.w.load()
	}
	if id := x.ids[k]; id != 0 {
		return x.w.hints.get(id)
	}
	return nil
}

func (x *hintIndex) add(h ledger.Hint) {
	x.ids[hintKey{h.Connection, h.Stream, h.Key}] = h.ID
	x.w.hints.add(h.ID, h)
}

func (x *hintIndex) fetches(fs []fetch) []fetch {
	if len(x.asked) == 0 {
		return fs
	}
	asked := x.asked
	x.asked = nil
	return append(fs, fetch{
		q: x.w.s.t.hintByKey,
		n: len(asked),
		bind: func(i int, b binder) {
			b.Text(asked[i].key)
			b.Text(asked[i].stream)
			b.Text(asked[i].connection)
		},
		row: func(r row) error {
			id, h := x.w.s.t.hints.scan(r)
			x.ids[hintKey{h.Connection, h.Stream, h.Key}] = id
			x.w.hints.take(id, h)
			return nil
		},
	})
}

func (x *hintIndex) changes(cs []change) []change { return cs }
func (x *hintIndex) done()                        {}

type docVersion struct{ doc, version int64 }

// versionIndex finds the records of one version of a record key: several, when the
// source changed a document without a new version.
type versionIndex struct {
	w      *work
	ids    map[docVersion][]int64
	loaded map[docVersion]bool
	asked  []docVersion
}

func newVersionIndex(w *work) *versionIndex {
	x := &versionIndex{w: w, ids: map[docVersion][]int64{}, loaded: map[docVersion]bool{}}
	w.sets = append(w.sets, x)
	return x
}

func (x *versionIndex) want(k docVersion) {
	if !x.loaded[k] {
		x.loaded[k] = true
		x.asked = append(x.asked, k)
	}
}

// find returns the record of the version that has the digest.
func (x *versionIndex) find(k docVersion, digest ledger.Digest) (int64, bool) {
	x.want(k)
	if len(x.asked) > 0 {
		x.w.load()
	}
	for _, id := range x.ids[k] {
		if r := x.w.records.get(id); r != nil && r.Digest == digest {
			return id, true
		}
	}
	return 0, false
}

func (x *versionIndex) add(r ledger.Record) {
	k := docVersion{r.Doc, r.Version}
	x.ids[k] = append(x.ids[k], r.ID)
	x.w.records.add(r.ID, r)
}

func (x *versionIndex) fetches(fs []fetch) []fetch {
	if len(x.asked) == 0 {
		return fs
	}
	asked := x.asked
	x.asked = nil
	return append(fs, fetch{
		q:    x.w.s.t.recordsByDoc,
		n:    len(asked),
		bind: func(i int, b binder) { b.Int(asked[i].doc); b.Int(asked[i].version) },
		row: func(r row) error {
			id, rec := x.w.s.t.records.scan(r)
			k := docVersion{rec.Doc, rec.Version}
			x.ids[k] = append(x.ids[k], id)
			x.w.records.take(id, rec)
			return nil
		},
	})
}

func (x *versionIndex) changes(cs []change) []change { return cs }
func (x *versionIndex) done()                        {}
