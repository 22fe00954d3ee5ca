package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/minihub/minihub/pipelines/ledger"
)

// conclude says what comes of an expectation and the rows of its key.
func (t *target) conclude(ctx context.Context, e *expectation, rows []row) error {
	place, live := e.st.place, alive(rows)
	switch e.state {
	case nothing:
		t.book.lookAlike(place, e.why)
	case inFlight:
		t.book.inFlight(place, e.why)
	case parked:
		t.book.find(e.parkedRow())
	case unsure:
		t.unknown(e, live)
	case never:
		t.neverDelivered(e, live)
	case withdrawn:
		t.book.side(place).Compared++
		if len(live) == 0 {
			t.book.side(place).Equal++
			break
		}
		f := e.finding(CancelledAlive, WhyWithdrawn, "", "it was cancelled through the hub and is still alive at the target")
		f.RemoteIDs = remoteIDs(live[0].ids)
		t.book.find(f)
	case delivered:
		return t.hold(ctx, e, rows, live)
	}
	return nil
}

func (t *target) unknown(e *expectation, live []row) {
	if len(live) == 0 {
		e.unresolved(t.book)
		return
	}
	why, text := WhyUnknown, "nobody knew whether the write took effect: the target has the document"
	if e.row.State == ledger.Parked {
		why = WhyUnsure
	}
	f := e.finding(UnknownResolved, why, ByLookup, text)
	f.RemoteIDs = remoteIDs(live[0].ids)
	t.book.find(f)
}

func (t *target) neverDelivered(e *expectation, live []row) {
	if len(live) > 0 {
		t.book.lookAlike(e.st.place, "there_already")
		return
	}
	if e.doc.status == cancelled {
		t.book.lookAlike(e.st.place, "cancelled_unsent")
		return
	}
	text := "no delivery was ever made of it: the flow did not take it when it came"
	if e.why == WhyNotSent {
		text = "it was not sent: the target was off or in shadow when it came"
	}
	t.count(e, nil)
	t.book.find(e.finding(MissingAtTarget, e.why, ByReplay, text))
}

// hold compares an applied document with what the target has.
func (t *target) hold(ctx context.Context, e *expectation, rows, live []row) error {
	side, place := t.book.side(e.st.place), e.st.place
	side.Compared++
	hub, read, err := t.content(ctx, e)
	if err != nil {
		return err
	}
	e.hub, e.moneyless = hub, read && hub.currency == ""
	switch {
	case e.doc.gone() && len(live) == 0, e.doc.status == cancelled && len(live) == 0:
		side.Equal++ // gone or cancelled on both sides
		return nil
	case len(rows) == 0:
		t.count(e, nil)
		t.book.find(e.finding(MissingAtTarget, WhyGone, "", "the target confirmed it and has it no more: somebody deleted it"))
		return nil
	}
	t.count(e, rows)
	pick := rows[0]
	if len(live) > 0 {
		pick = live[0]
	}
	found := func(kind Kind, why, heal, text string, fields []Field, ids ...row) {
		f := e.finding(kind, why, heal, text)
		f.Fields = fields
		for _, r := range ids {
			f.RemoteIDs = append(f.RemoteIDs, remoteIDs(r.ids)...)
		}
		t.book.find(f)
	}
	switch {
	case len(live) > 1:
		found(Double, WhyTwice, "", fmt.Sprintf("the target holds %d documents for this key: %s", len(live), describe(live)), nil, live...)
		return nil
	case e.doc.gone() && pick.status == closed, e.doc.status == cancelled && pick.status == closed && hub.status != closed:
		t.book.lookAlike(place, "moved_on")
		return nil
	case e.doc.gone():
		found(MissingAtSource, WhyAlive, "", "the source has it no more, and it is alive at the target", nil, pick)
		return nil
	case e.doc.status == cancelled && pick.status == open:
		heal := ""
		if e.doc.behind {
			heal = ByRefetch
		}
		found(CancelledAlive, WhyAtSource, heal, "it is cancelled at the source and alive at the target", nil, pick)
		return nil
	}
	fields, moved := differ(hub, pick.facts)
	if len(live) == 0 {
		fields = nil // a cancelled document's amount and lines say nothing
		if hub.status != cancelled {
			fields = []Field{{"status", or(hub.status, open), cancelled}}
		}
	}
	switch {
	case len(fields) > 0 && !pick.modified.Before(t.to):
		t.book.lookAlike(place, "changed_after_window")
	case len(fields) > 0:
		found(Differs, WhyTarget, "", "the target is not what was delivered last", fields, pick)
	default:
		if moved {
			t.book.lookAlike(place, "moved_on")
		}
		side.Equal++
	}
	return nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// content reads the document that was applied last as the target would hold it; ok is
// false when it cannot be read.
func (t *target) content(ctx context.Context, e *expectation) (hub facts, ok bool, err error) {
	bare := facts{lines: -1}
	if e.applied == nil || e.applied.Payload == (ledger.Ref{}) {
		return bare, false, nil
	}
	body, err := t.r.opt.Ledger.Payload(ctx, e.applied.Payload)
	if errors.Is(err, ledger.ErrNotFound) {
		t.book.notCompared(e.st.place, "content", 1, "", "the delivered document is past its retention")
		return bare, false, nil
	} else if err != nil {
		return bare, false, err
	}
	hub, serr := t.view.summarize(body)
	if serr != nil {
		code, text := reason(serr)
		t.book.notCompared(e.st.place, "content", 1, code, "the delivered document cannot be summarised: "+text)
		return bare, false, nil
	}
	return hub, true, nil
}

// count adds a document to both sides' totals, by the source's store and day.
func (t *target) count(e *expectation, rows []row) {
	if !e.counted {
		return
	}
	f := e.doc.facts
	switch {
	case e.hub.currency != "":
		f.currency, f.amount = e.hub.currency, e.hub.amount
	case e.moneyless:
		f.currency, f.amount = "", 0
	}
	tot := t.book.both(e.st.place, f, e.doc.storeName())
	if e.state == delivered {
		tot.Hub++
		tot.HubAmount += f.amount
	}
	for _, r := range alive(rows) {
		tot.There++
		if r.currency == f.currency {
			tot.ThereAmount += r.amount
		}
	}
}

func describe(rows []row) string {
	var parts []string
	for _, r := range rows {
		var ids []string
		for _, id := range r.ids {
			ids = append(ids, id.Kind+" "+id.Value)
		}
		s := strings.Join(ids, ", ")
		if r.currency != "" {
			s = strings.TrimPrefix(s+", "+money(r.amount, r.currency), ", ")
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " and ")
}
