package sqlledger

import (
	"github.com/minihub/minihub/pipelines/ledger"
)

type intakeOp struct {
	u       *ledger.Intake
	digests []ledger.Digest
}

func (s *Store) prepareIntake(u *ledger.Intake) (op, error) {
	c := &checker{what: "intake"}
	c.key("connection", u.Connection)
	c.key("stream", u.Stream)
	o := &intakeOp{u: u, digests: make([]ledger.Digest, len(u.Items))}
	for i, it := range u.Items {
		c.key("item's entity", it.Entity)
		c.key("item's key", it.Key)
		for _, t := range []string{it.RootKey, it.RootEnt, it.Code, it.Text} {
			c.text("item's root, code or text", t)
		}
		c.texts(it.Headers)
		o.digests[i] = digest(it.Body)
	}
	for _, h := range u.Hints {
		c.key("hint's stream", h.Stream)
		c.key("hint's key", h.Key)
		c.text("hint's root", h.RootKey)
		c.text("hint's root", h.RootEnt)
	}
	for _, h := range u.Answered {
		c.text("hint's code", h.Code)
		c.text("hint's text", h.Text)
		switch h.State {
		case "", hintDone, hintPending, hintParked:
		default:
			c.fail("an answered hint is done, pending or parked, not %q", h.State)
		}
	}
	if k := u.Cursor; k != nil {
		for _, t := range []string{k.Connection, k.Stream, k.Name} {
			c.key("cursor", t)
		}
		c.text("cursor's position", k.To)
	}
	return o, c.err
}

func (o *intakeOp) root(it *ledger.IntakeItem) int64 {
	return ledger.RootHash(o.u.Connection, it.RootEnt, it.RootKey)
}

func (o *intakeOp) docKey(it *ledger.IntakeItem) docKey {
	return docKey{o.u.Connection, it.Entity, it.Key}
}

func (o *intakeOp) hintKey(h *ledger.NewHint) hintKey {
	return hintKey{o.u.Connection, h.Stream, h.Key}
}

func (o *intakeOp) want(w *work) {
	for _, it := range o.u.Items {
		w.docs.want(o.docKey(it))
	}
	for _, h := range o.u.Hints {
		w.hintIDs.want(o.hintKey(h))
	}
	for _, h := range o.u.Answered {
		w.hints.want(h.ID)
	}
	if c := o.u.Cursor; c != nil {
		w.cursors.want(cursorKey{c.Connection, c.Stream, c.Name})
	}
}

func (o *intakeOp) more(w *work) {
	for i, it := range o.u.Items {
		doc := w.docs.get(o.docKey(it))
		switch {
		case doc == nil:
			w.roots.want(o.root(it))
		case it.Unversioned && o.digests[i] == doc.digest:
			w.records.want(doc.record)
		case it.Version > doc.version && !it.Unversioned:
		case it.Version == doc.version && o.digests[i] == doc.digest:
			w.records.want(doc.record)
		default:
			w.versions.want(docVersion{doc.id, it.Version})
		}
	}
}

func (o *intakeOp) apply(w *work) {
	u := o.u
	if c := u.Cursor; c != nil {
		k := cursorKey{c.Connection, c.Stream, c.Name}
		from := ""
		stored := w.cursors.get(k)
		if stored != nil {
			from = *stored
		}
		if !w.guard("intake.cursor", from == c.From) {
			u.Applied = false
			return
		}
		if stored == nil {
			w.cursors.add(k, c.To)
		} else if *stored != c.To {
			*w.cursors.edit(k) = c.To
		}
	}
	for i, it := range u.Items {
		o.item(w, it, o.digests[i])
	}
	for _, h := range u.Hints {
		o.hint(w, h)
	}
	for i := range u.Answered {
		answer(w, &u.Answered[i])
	}
	u.Applied = true
}

func (o *intakeOp) item(w *work, it *ledger.IntakeItem, d ledger.Digest) {
	k := o.docKey(it)
	fetchedAt := trunc(it.FetchedAt)
	doc := w.docs.get(k)
	it.First = doc == nil
	if doc == nil {
		doc = w.docs.add(k, docRow{id: w.s.ids.doc.next()})
		o.insert(w, it, doc, d)
		return
	}
	same := it.Version == doc.version || it.Unversioned
	if same && d == doc.digest && !w.guard("intake.repeat", false) {
		if fetchedAt.After(doc.fetchedAt) {
			doc = w.docs.edit(k)
			doc.fetchedAt, doc.watch = fetchedAt, o.watch(it)
		}
		o.repeat(w, it, doc.record)
		return
	}
	version := it.Version
	if it.Unversioned && fetchedAt.Before(doc.fetchedAt) {
		version = 0 // the newest record was seen again after this fetch
	}
	if w.guard("intake.older", !doc.older(version, fetchedAt)) {
		o.insert(w, it, w.docs.edit(k), d)
		return
	}
	if id, ok := w.versions.find(docVersion{doc.id, it.Version}, d); ok {
		o.repeat(w, it, id)
		return
	}
	it.Outcome = "older"
	r := o.record(w, it, doc.id, d)
	r.State = ledger.RecordSuperseded
	w.versions.add(r)
}

func (o *intakeOp) repeat(w *work, it *ledger.IntakeItem, id int64) {
	if w.records.get(id) == nil {
		return // only after an error of the database
	}
	w.records.edit(id).Repeats++
	it.ID, it.Outcome = id, "repeat"
}

// insert makes the item the newest record of its record key.
func (o *intakeOp) insert(w *work, it *ledger.IntakeItem, doc *docRow, d ledger.Digest) {
	r := o.record(w, it, doc.id, d)
	w.versions.add(r)
	doc.version, doc.digest, doc.fetchedAt, doc.record, doc.watch = r.Version, d, r.FetchedAt, r.ID, o.watch(it)
	it.Outcome = "new"
}

func (o *intakeOp) watch(it *ledger.IntakeItem) string {
	if it.Watch {
		return o.u.Stream
	}
	return ""
}

func (o *intakeOp) record(w *work, it *ledger.IntakeItem, doc int64, d ledger.Digest) ledger.Record {
	r := ledger.Record{
		ID: w.s.ids.record.next(), Doc: doc, Stream: o.u.Stream,
		DocKey: ledger.DocKey{Connection: o.u.Connection, Entity: it.Entity, Key: it.Key},
		Root:   o.root(it), RootKey: it.RootKey,
		Version: it.Version, FetchedAt: trunc(it.FetchedAt), At: w.now, Digest: d, Deleted: it.Deleted,
		State: ledger.RecordReceived, Code: it.Code, Text: it.Text, Headers: it.Headers,
		Payload: w.pack.put(o.u.Connection, "record", it.Body),
	}
	if it.Code != "" {
		r.State = ledger.RecordParked
	}
	it.ID = r.ID
	w.roots.record(r.Root)
	return r
}

func (o *intakeOp) hint(w *work, n *ledger.NewHint) {
	k := o.hintKey(n)
	h := w.hintIDs.get(k)
	if h == nil {
		n.ID, n.Asked, n.Merged = w.s.ids.hint.next(), 1, false
		w.hintIDs.add(ledger.Hint{ID: n.ID, Connection: k.connection, Stream: k.stream, Key: k.key,
			Root: ledger.RootHash(k.connection, n.RootEnt, n.RootKey), Asked: 1, State: hintPending, FirstAt: w.now})
		return
	}
	n.ID, n.Merged = h.ID, h.State == hintPending
	h = w.hints.edit(h.ID)
	h.Asked++
	n.Asked = h.Asked
	switch h.State {
	case hintDone:
		h.FirstAt = w.now
		fallthrough
	case hintParked: // its oldest ask is still unanswered
		h.State, h.Attempts, h.Code, h.Text, h.NextAt = hintPending, 0, "", "", instant(0)
	}
}

// answer ends a fetch. A hint that was asked again while it ran stays pending.
func answer(w *work, a *ledger.HintDone) {
	a.Again = false
	h := w.hints.get(a.ID)
	if h == nil {
		return
	}
	h = w.hints.edit(a.ID)
	a.Again = h.Asked > a.Asked && !w.guard("hint.again", false)
	if a.State == hintPending || a.State == hintParked {
		h.Attempts++
		h.Code, h.Text, h.NextAt, h.State = a.Code, a.Text, trunc(a.NextAt), a.State
		if a.Again {
			h.State = hintPending
		}
		if h.State == hintParked {
			h.NextAt = instant(0)
		}
		return
	}
	h.Done = max(h.Done, a.Asked)
	h.Attempts, h.Code, h.Text, h.NextAt, h.State = 0, "", "", instant(0), hintDone
	if a.Again {
		h.State, h.FirstAt = hintPending, w.now
	}
}
