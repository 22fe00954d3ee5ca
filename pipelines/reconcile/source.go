package reconcile

import (
	"context"
	"maps"
	"slices"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// source is one stream and the documents of the window.
type source struct {
	*run
	place Place
	decl  *connectors.Stream
	view  *view
	docs  map[string]*document
	hints map[string]hint // of keys that wait for a fetch, or whose fetch is parked
}

type hint struct{ state, code, text string }

// document is one document of the window.
type document struct {
	src *source
	key string
	facts
	presence presence
	rec      *known // nil: the ledger has none
	late     bool   // changed after the window: left to the next run
	behind   bool   // the ledger has an older version than the source
}

// presence says whether the source has a document.
type presence int

const (
	undecided presence = iota
	present
	absent
)

// known is what is kept of the newest record.
type known struct {
	id, doc, root     int64
	state             ledger.RecordState
	code, text, label string
	deleted           bool
}

func (d *document) storeName() string {
	if d.store != "" {
		return d.store
	}
	return d.src.place.Connection
}

// gone reports whether the source surely has the document no more.
func (d *document) gone() bool { return d.presence == absent || d.rec != nil && d.rec.deleted }

func (d *document) finding(p Place, kind Kind, why, heal, text string) Finding {
	f := Finding{Place: p, Kind: kind, Why: why, Heal: heal, Text: text, Source: d.src.place.Connection, Stream: d.src.place.Name,
		SourceKey: d.key, Store: d.storeName(), Day: d.src.book.day(d.at), At: d.at.UTC(), Amount: d.amount, Currency: d.currency}
	if d.rec != nil {
		f.Record, f.Label = d.rec.id, d.rec.label
	}
	return f
}

// readSource lists a stream, reads what the ledger has of the window and compares the
// two.
func (r *run) readSource(ctx context.Context, of flow.Source, flows string) (*source, error) {
	s := &source{run: r, place: Place{Flow: flows, Connection: of.Connection, Name: of.Stream, Role: RoleSource},
		docs: map[string]*document{}, hints: map[string]hint{}}
	conn, connector, ok := r.r.opt.Engine.Conn(of.Connection)
	if ok {
		s.decl, ok = connector.Stream(of.Stream)
	}
	if !ok {
		r.book.notCompared(s.place, "list", 0, "", "the connection or its stream is not there any more")
		return s, nil
	}
	s.view = streamView(r, of.Connection, conn, s.decl)
	if err := s.list(ctx); err != nil {
		return nil, err
	}
	if err := s.readHints(ctx); err != nil {
		return nil, err
	}
	listed := len(s.docs)
	if err := s.readLedger(ctx); err != nil {
		return nil, err
	}
	if err := s.confirm(ctx); err != nil {
		return nil, err
	}
	side := r.book.side(s.place)
	side.Listed, side.ByKey, side.CanList, side.Complete = listed, s.view.asked, s.decl.List.Can && s.view.querier != nil, s.view.complete
	return s, nil
}

func (s *source) list(ctx context.Context) error {
	if !s.decl.List.Can || s.view.querier == nil {
		s.book.notCompared(s.place, "list", 0, "", reasonOr(s.decl.List.Reason, "the connection cannot be listed")+": only what the ledger has is looked at")
		return nil
	}
	if err := s.view.list(ctx, s.from, s.to); err != nil {
		return err
	}
	if s.view.fault != nil {
		s.rep.Partial = true
		code, text := reason(s.view.fault)
		s.book.notCompared(s.place, "list", 0, code, "the list ended early: "+text)
	}
	for key, rows := range s.view.rows {
		newest := rows[0]
		for _, r := range rows {
			if r.modified.After(newest.modified) {
				newest = r
			}
		}
		if newest.at.IsZero() || s.in(newest.at) {
			s.docs[key] = &document{src: s, key: key, facts: newest.facts, presence: present, late: s.late(newest.facts)}
		}
	}
	s.view.rows = map[string][]row{}
	return nil
}

func reasonOr(reason, otherwise string) string {
	if reason == "" {
		return otherwise
	}
	return reason
}

const pageSize = 500

func (s *source) readHints(ctx context.Context) error {
	f := ledger.Filter{Connection: s.place.Connection, Stream: s.place.Name, States: []string{"pending", "parked"}, Limit: pageSize}
	for {
		hs, err := s.r.opt.Ledger.Hints(ctx, f)
		if err != nil {
			return err
		}
		for _, h := range hs {
			s.hints[h.Key] = hint{h.State, h.Code, h.Text}
			f.After = h.ID
		}
		if len(hs) < pageSize {
			return nil
		}
	}
}

// confirm asks the source for what its list did not show, because a document that
// changed again has left the window.
func (s *source) confirm(ctx context.Context) error {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(s.docs)) {
		if d := s.docs[key]; d.presence == undecided && !d.rec.deleted && !d.late {
			keys = append(keys, key)
		}
	}
	got, answered, err := s.view.get(ctx, keys)
	if err != nil {
		return err
	}
	unsure := 0
	for i, key := range keys {
		d := s.docs[key]
		rows := got[key]
		switch {
		case len(rows) > 0:
			led := d.facts
			d.facts, d.presence, d.late = rows[0].facts, present, s.late(rows[0].facts)
			if d.at.IsZero() {
				d.at, d.modified = led.at, led.modified
			}
			if d.store == "" {
				d.store = led.store
			}
			s.against(d, led)
		case s.hints[key].state == "pending":
			s.book.inFlight(s.place, "hint")
		case i < answered, s.view.complete && s.view.listing.By == "created":
			d.presence = absent
			s.book.side(s.place).Compared++
			t := s.book.both(s.place, d.facts, d.storeName())
			t.Hub++
			t.HubAmount += d.amount
			s.book.find(d.finding(s.place, MissingAtSource, WhyNotAtSource, "", "the ledger has it and the source does not know it"))
		default:
			unsure++
		}
	}
	switch {
	case unsure == 0:
	case structural(s.view.refused) && !s.decl.List.Can:
		// It can be neither listed nor asked, and has said so already.
	default:
		code, text := reason(s.view.refused)
		if !structural(s.view.refused) {
			s.rep.Partial = true
		}
		s.book.notCompared(s.place, "get", unsure, code, "whether the source has them is not known: "+text)
	}
	for _, d := range s.docs {
		s.recordState(d)
	}
	return nil
}

// recordState counts what is not mapped yet.
func (s *source) recordState(d *document) {
	if d.rec == nil {
		return
	}
	switch d.rec.state {
	case ledger.RecordReceived:
		s.book.inFlight(s.place, string(d.rec.state))
	case ledger.RecordParked:
		f := d.finding(s.place, Parked, WhyRecord, "", d.rec.text)
		f.State, f.Code = string(d.rec.state), d.rec.code
		s.book.find(f)
	}
}
