package sqlledger

import (
	"context"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// work is one batch: the rows its units are about, as they are after the units applied
// so far, and the rows to append.
type work struct {
	s   *Store
	ctx context.Context
	now time.Time
	err error // the first error of the database; the batch is given up

	sets       []set
	docs       *rows[docKey, docRow]
	records    *rows[int64, ledger.Record]
	deliveries *rows[int64, ledger.Delivery]
	links      *rows[linkKey, ledger.Link]
	hints      *rows[int64, ledger.Hint]
	cursors    *rows[cursorKey, string]
	gates      *rows[gateKey, ledger.Gate]
	budgets    *rows[budgetKey, int64]
	lookups    *rows[lookupKey, string]
	vault      *rows[string, vaultRow]
	runs       *rows[runKey, ledger.JobRun]
	reports    *rows[int64, reportRow]
	edits      *rows[int64, ledger.Edit]
	meta       *rows[string, string]
	blocks     *rows[int64, struct{}]
	hintIDs    *hintIndex
	versions   *versionIndex
	roots      *rootSet
	deps       *depSet
	people     *peopleWork        // nil while nothing is about people
	touched    map[int64][]target // blocked deliveries that rest must see to, and why
	touchedIDs []int64            // their ids, sorted

	pack       packer
	attempts   []attemptRow
	keys       []keyRow
	generation bool // the search keys so far become a generation
	merged     []change
	kinds      map[string]struct{}
	history    []historyRow
	tally      map[tallyKey]int64
	released   []int64 // of the unit that is being applied
}

type attemptRow struct {
	id int64
	ledger.Attempt
}

type historyRow struct {
	id int64
	ledger.LookupChange
}

func newWork(ctx context.Context, s *Store) *work {
	w := &work{s: s, ctx: ctx, now: trunc(s.now()), kinds: map[string]struct{}{}, touched: map[int64][]target{},
		tally: map[tallyKey]int64{}}
	w.pack.s, w.pack.day = s, w.now.Unix()/86400
	w.docs = newRows(w, s.t.docs, nil)
	w.records = newRows(w, s.t.records, s.recordCache)
	w.deliveries = newRows(w, s.t.deliveries, s.deliveryCache)
	w.links = newRows(w, s.t.links, s.linkCache)
	w.hints = newRows(w, s.t.hints, nil)
	w.cursors = newRows(w, s.t.cursors, nil)
	w.gates = newRows(w, s.t.gates, nil)
	w.budgets = newRows(w, s.t.budgets, nil)
	w.lookups = newRows(w, s.t.lookups, nil)
	w.vault = newRows(w, s.t.vault, nil)
	w.runs = newRows(w, s.t.runs, nil)
	w.reports = newRows(w, s.t.reports, nil)
	w.edits = newRows(w, s.t.edits, nil)
	w.meta = newRows(w, s.t.meta, nil)
	w.blocks = newRows(w, s.t.blocks, nil)
	w.hintIDs = newHintIndex(w)
	w.versions = newVersionIndex(w)
	w.deps = newDepSet(w)
	w.roots = newRootSet(w) // last: it names deliveries that must be in memory first
	return w
}

// guard is a condition that a unit must meet; its name lets a test take it away and
// prove that somebody would notice.
func (w *work) guard(name string, ok bool) bool { return ok || w.s.broken == name }

// load reads everything that was asked for, in one round trip.
func (w *work) load() {
	var fs []fetch
	for _, s := range w.sets {
		fs = s.fetches(fs)
	}
	if len(fs) == 0 || w.err != nil {
		return
	}
	w.err = w.s.drv.fetch(w.ctx, fs)
}

// apply runs the units of a batch.
func (w *work) apply(ops []op) error {
	for _, o := range ops {
		o.want(w)
	}
	w.load()
	for _, o := range ops {
		o.more(w)
	}
	w.load()
	w.deps.more()
	w.load()
	for _, o := range ops {
		o.apply(w)
		if w.err != nil {
			return w.err
		}
	}
	return nil
}

// changes is what the batch writes.
func (w *work) changes() []change {
	w.pack.start()
	var cs []change
	if w.people != nil {
		cs = append(cs, w.people.before...)
	}
	for _, s := range w.sets {
		cs = s.changes(cs)
	}
	if w.people != nil {
		cs = append(cs, w.people.after...)
	}
	t := w.s.t
	if len(w.attempts) > 0 {
		cs = append(cs, change{t.addAttempt, len(w.attempts), func(i int, b binder) { w.attempts[i].bind(b) }})
	}
	cs = append(w.s.search.changes(cs, w), w.merged...)
	if len(w.kinds) > 0 {
		var kinds []string
		for k := range w.kinds {
			kinds = append(kinds, k)
		}
		cs = append(cs, change{t.addKind, len(kinds), func(i int, b binder) { b.Text(kinds[i]) }})
	}
	if len(w.history) > 0 {
		cs = append(cs, change{t.addHistory, len(w.history), func(i int, b binder) { w.history[i].bind(b) }})
	}
	if c, ok := w.tallies(); ok {
		cs = append(cs, c)
	}
	w.pack.finish()
	if bs := w.pack.blocks; len(bs) > 0 {
		cs = append(cs, change{t.addBlock, len(bs), func(i int, b binder) { bs[i].bind(b) }})
	}
	return cs
}

func (w *work) tallies() (change, bool) {
	type count struct {
		k tallyKey
		n int64
	}
	var counts []count
	for k, n := range w.tally {
		if n != 0 {
			counts = append(counts, count{k, n})
		}
	}
	return change{w.s.t.addTally, len(counts), func(i int, b binder) {
		k := counts[i].k
		b.Text(k.kind)
		b.Text(k.connection)
		b.Text(k.name)
		b.Text(k.state)
		b.Text(k.code)
		b.Int(counts[i].n)
	}}, len(counts) > 0
}

// done hands what was committed to the caches.
func (w *work) done() {
	for _, s := range w.sets {
		s.done()
	}
	for _, b := range w.pack.blocks {
		w.s.blocks.put(b.id, b.parts)
	}
	w.s.search.done(w)
	if w.generation {
		w.s.merges.look()
	}
	if w.people != nil && w.people.chained {
		w.s.chain = w.people.chain
	}
}

func (w *work) addKeys(doc int64, hs []int64, kinds []string) {
	for _, h := range hs {
		w.keys = append(w.keys, keyRow{h, doc})
	}
	for _, k := range kinds {
		if !w.s.search.knows(k) {
			w.kinds[k] = struct{}{}
		}
	}
}

func (a *attemptRow) bind(b binder) {
	b.Int(a.Delivery)
	b.Int(a.id)
	b.Int(int64(a.N))
	b.Text(a.Kind)
	b.Int(micros(a.StartedAt))
	b.Int(micros(a.EndedAt))
	b.Text(string(a.State))
	b.Text(a.Code)
	b.Text(a.Text)
	b.Text(a.MapVersion)
	b.Text(a.Who)
	b.Int(a.Exchange.Block)
	b.Int(int64(a.Exchange.Index))
}

func (h *historyRow) bind(b binder) {
	b.Int(h.id)
	b.Text(h.Table)
	b.Text(h.Key)
	b.Text(h.Value)
	b.Int(flag(h.Deleted))
	b.Text(h.Who)
	b.Text(h.Why)
	b.Int(micros(h.At))
}
