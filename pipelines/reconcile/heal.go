package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// Healed is what a heal did, and what it leaves to a person. Its JSON is stored.
type Healed struct {
	ID       int64      `json:"id"`
	Report   int64      `json:"report"`
	At       time.Time  `json:"at"`
	Who      string     `json:"who"`
	Done     []Act      `json:"done"`
	Failed   []Act      `json:"failed"`
	Proposed []Proposal `json:"proposed"`
}

// Act is one thing done about one finding.
type Act struct {
	Place
	Kind      Kind   `json:"kind"`
	SourceKey string `json:"source_key,omitempty"`
	Key       string `json:"key,omitempty"`
	Action    string `json:"action"` // refetched, routed, replayed, on_its_way, resolved, waits
	Moved
}

// Proposal is a finding that is not healed by itself, with the request that would go
// out.
type Proposal struct {
	Place
	Kind      Kind       `json:"kind"`
	Why       string     `json:"why"`
	SourceKey string     `json:"source_key,omitempty"`
	Key       string     `json:"key,omitempty"`
	Label     string     `json:"label,omitempty"`
	RemoteIDs []RemoteID `json:"remote_ids,omitempty"`
	Action    string     `json:"action"` // send, cancel, look
	Operation string     `json:"operation,omitempty"`
	Delivery  int64      `json:"delivery,omitempty"` // whose document it is
	// Document is the request's document, personal values masked; empty when there is
	// none to send.
	Document json.RawMessage `json:"document,omitempty"`
	Text     string          `json:"text"`
}

// healer is one heal under way.
type healer struct {
	rc      *Reconciler
	who     string
	rep     *Report
	out     *Healed
	fetched map[docRef]*refetched
}

type docRef struct{ connection, stream, key string }

type refetched struct {
	err     error
	settled bool
	rec     *ledger.Record // the newest, once settled; nil: the source had nothing to give
}

// Heal asks the sources for the current state of what report id (0 = the newest) found,
// then lets go the ordinary way what was never pulled or never delivered, and down the
// way of a look-up what nobody knows. Everything else it proposes. Nothing is sent to a
// target past its lanes.
func (rc *Reconciler) Heal(ctx context.Context, id int64, who string) (*Healed, error) {
	rep, err := rc.Load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading the report to heal: %w", err)
	}
	h := &healer{rc: rc, who: who, rep: rep, fetched: map[docRef]*refetched{},
		out: &Healed{Report: rep.ID, At: rc.opt.Now().UTC(), Who: who, Done: []Act{}, Failed: []Act{}, Proposed: []Proposal{}}}
	if err := h.refetch(ctx); err != nil {
		return nil, err
	}
	if err := h.wait(ctx); err != nil {
		return nil, err
	}
	for i := range rep.Findings {
		if err := h.heal(ctx, &rep.Findings[i]); err != nil {
			return nil, fmt.Errorf("healing %s %s: %w", rep.Findings[i].Kind, rep.Findings[i].Place, err)
		}
	}
	body, err := json.Marshal(h.out)
	if err != nil {
		return nil, fmt.Errorf("writing what was healed: %w", err)
	}
	if h.out.ID, err = rc.opt.Ledger.PutReport(ctx, kindHealed, h.out.At, body); err != nil {
		return nil, fmt.Errorf("storing what was healed: %w", err)
	}
	rc.opt.Log.Info("healed", zap.Int64("report", rep.ID), zap.Int("done", len(h.out.Done)), zap.Int("failed", len(h.out.Failed)),
		zap.Int("proposed", len(h.out.Proposed)), zap.String("who", who))
	return h.out, nil
}

func (f *Finding) doc() (docRef, bool) {
	return docRef{f.Source, f.Stream, f.SourceKey}, f.SourceKey != "" && f.Kind != Parked
}

func (h *healer) heal(ctx context.Context, f *Finding) error {
	if f.Kind == Parked {
		return nil // known, and a person's
	}
	fresh := &refetched{settled: true}
	if ref, ok := f.doc(); ok {
		fresh = h.fetched[ref]
		if !fresh.settled && (f.Heal == ByRefetch || f.Heal == ByReplay) {
			h.fail(f, "refetched", "its fetch has not ended; heal again later")
			return nil
		}
	}
	switch f.Heal {
	case ByRefetch:
		return h.fetchedAnew(f, fresh)
	case ByReplay:
		return h.replay(ctx, f, fresh)
	case ByLookup:
		return h.lookUp(ctx, f)
	}
	return h.propose(ctx, f, f.Text)
}

// fetchedAnew: the record is there now, and the flows do the rest.
func (h *healer) fetchedAnew(f *Finding, fresh *refetched) error {
	switch {
	case fresh.err != nil:
		h.fail(f, "refetched", fresh.err.Error())
	case fresh.rec == nil:
		h.fail(f, "refetched", "the source was asked and gave nothing")
	default:
		h.did(f, "refetched", Moved{To: string(fresh.rec.State), Code: fresh.rec.Code, Text: fresh.rec.Text})
	}
	return nil
}

// replay routes a record that was never delivered, unless the fetch has put it on its
// way already.
func (h *healer) replay(ctx context.Context, f *Finding, fresh *refetched) error {
	rec := fresh.rec
	if rec == nil {
		var err error
		if rec, err = h.newest(ctx, f.Record); err != nil {
			return err
		}
	}
	rows, err := h.deliveries(ctx, f, rec)
	if err != nil {
		return err
	}
	for _, d := range rows {
		if d.Flow == f.Flow && d.Step == f.Step && d.State != ledger.Filtered && d.State != ledger.Superseded {
			h.did(f, "on_its_way", Moved{To: string(d.State), Code: d.Code, Text: d.Text})
			return nil
		}
	}
	to, err := h.rc.opt.Engine.ReplayRecord(ctx, rec.ID, h.who)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return h.propose(ctx, f, f.Text+"; it could not be routed again: "+err.Error())
	}
	h.did(f, "routed", to)
	return nil
}

// lookUp sends an unsure delivery down the way of a look-up: an unknown one is on it
// already, a parked one is let into its lane, which asks before it sends.
func (h *healer) lookUp(ctx context.Context, f *Finding) error {
	d, err := h.rc.opt.Ledger.Delivery(ctx, f.Delivery)
	if err != nil {
		return err
	}
	switch {
	case d.State == ledger.Parked && !d.Clean && d.Attempts > 0:
		to, err := h.rc.opt.Engine.ReplayDelivery(ctx, d.ID, h.who)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return h.propose(ctx, f, f.Text+"; it could not be looked up: "+err.Error())
		}
		h.did(f, "replayed", to)
	case d.State == ledger.Unknown:
		h.did(f, "waits", Moved{To: string(d.State), Code: d.Code, Text: "the hub looks it up at " + d.NextAt.In(h.rc.opt.Zone).Format(time.DateTime)})
	case d.State == ledger.Parked:
		return h.propose(ctx, f, "it is parked now: "+d.Text)
	default:
		h.did(f, "resolved", Moved{To: string(d.State), Code: d.Code, Text: d.Text})
	}
	return nil
}

// propose keeps a finding for a person, with the request that would go out.
func (h *healer) propose(ctx context.Context, f *Finding, text string) error {
	p := Proposal{Place: f.Place, Kind: f.Kind, Why: f.Why, SourceKey: f.SourceKey, Key: f.Key, Label: f.Label, RemoteIDs: f.RemoteIDs,
		Action: "look", Text: text}
	if f.Role == RoleTarget && f.Record != 0 {
		rec, err := h.newest(ctx, f.Record)
		if err != nil {
			return err
		}
		rows, err := h.deliveries(ctx, f, rec)
		if err != nil {
			return err
		}
		if len(rows) > 0 && !rows[0].State.Final() && rows[0].State != ledger.Parked && f.Heal == "" {
			h.did(f, "on_its_way", Moved{To: string(rows[0].State), Code: rows[0].Code, Text: "a newer version is on its way"})
			return nil
		}
		if err := h.request(ctx, f, &p, rec, rows); err != nil {
			return err
		}
	}
	h.out.Proposed = append(h.out.Proposed, p)
	return nil
}

// request fills in what would go out: the document again, or the cancel.
func (h *healer) request(ctx context.Context, f *Finding, p *Proposal, rec *ledger.Record, rows []ledger.Delivery) error {
	switch f.Kind {
	case MissingAtTarget, Differs, UnknownResolved:
		p.Action = "send"
	case CancelledAlive, MissingAtSource:
		p.Action = "cancel"
		all, err := h.rc.opt.Ledger.RootDeliveries(ctx, rec.Root)
		if err != nil {
			return err
		}
		rows = rows[:0]
		for i := len(all) - 1; i >= 0; i-- {
			if d := all[i]; d.Doc == rec.Doc && d.Connection == f.Connection && d.Undoes == f.Name {
				rows = append(rows, d)
			}
		}
	default:
		return nil
	}
	for _, d := range rows {
		if d.Payload == (ledger.Ref{}) {
			continue
		}
		p.Operation, p.Delivery = d.Operation, d.ID
		body, err := h.rc.opt.Ledger.Payload(ctx, d.Payload)
		switch {
		case errors.Is(err, ledger.ErrNotFound):
			p.Text += "; its document is past its retention"
			return nil
		case err != nil:
			return err
		case h.rc.opt.Mask == nil:
			p.Text += "; the document is withheld: nothing masks it"
			return nil
		}
		masked, err := h.rc.opt.Mask(d.Connection, d.Operation, body)
		if err != nil || !json.Valid(masked) {
			p.Text += "; the document is withheld: it could not be masked"
			return nil
		}
		p.Document = masked
		return nil
	}
	return nil
}

// deliveries returns a document's deliveries to the finding's operation, newest first.
func (h *healer) deliveries(ctx context.Context, f *Finding, rec *ledger.Record) ([]ledger.Delivery, error) {
	all, err := h.rc.opt.Ledger.RootDeliveries(ctx, rec.Root)
	if err != nil {
		return nil, err
	}
	var out []ledger.Delivery
	for i := len(all) - 1; i >= 0; i-- {
		if d := all[i]; d.Doc == rec.Doc && d.Connection == f.Connection && d.Operation == f.Name {
			out = append(out, d)
		}
	}
	return out, nil
}

// newest returns the newest record of a record's key.
func (h *healer) newest(ctx context.Context, id int64) (*ledger.Record, error) {
	rec, err := h.rc.opt.Ledger.Record(ctx, id)
	if err != nil {
		return nil, err
	}
	return h.rc.opt.Ledger.Latest(ctx, rec.DocKey)
}

func (h *healer) did(f *Finding, action string, to Moved) {
	h.out.Done = append(h.out.Done, act(f, action, to))
}

func (h *healer) fail(f *Finding, action, text string) {
	h.out.Failed = append(h.out.Failed, act(f, action, Moved{Text: text}))
}

func act(f *Finding, action string, to Moved) Act {
	return Act{Place: f.Place, Kind: f.Kind, SourceKey: f.SourceKey, Key: f.Key, Action: action, Moved: to}
}

// stream returns the declaration of a finding's stream; false when it is gone.
func (h *healer) stream(of flow.Source) (*connectors.Stream, bool) {
	_, connector, ok := h.rc.opt.Engine.Conn(of.Connection)
	if !ok {
		return nil, false
	}
	return connector.Stream(of.Stream)
}
