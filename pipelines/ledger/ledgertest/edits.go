package ledgertest

import (
	"errors"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// edits holds that what a person changes is a new document beside the old one, made once
// by whoever was first, and kept for as long as its row is unfinished.
func edits(k *kit) {
	record := k.newRecord()
	raw := record.Payload
	zero, one := 0, 1
	stale := &ledger.Route{Record: record.ID, To: ledger.RecordParked, IfRevision: &one, Edit: &ledger.NewEdit{Who: "mei", Document: []byte("lost")}}
	first := &ledger.Route{Record: record.ID, To: ledger.RecordParked, Code: "map.x", IfRevision: &zero, Replay: true,
		Edit: &ledger.NewEdit{Who: "ann", Why: "the colour", Document: []byte("edited")}}
	k.commit(stale, first)
	k.equal("whoever saw this revision", []bool{stale.Applied, first.Applied}, []bool{false, true})
	d := push("e", ledger.Parked)
	back := &ledger.Route{Record: record.ID, From: []ledger.RecordState{ledger.RecordParked}, To: ledger.RecordRouted, IfRevision: &one, Replay: true,
		Deliveries: []*ledger.NewDelivery{d}, Edit: &ledger.NewEdit{Who: "bo"}}
	k.commit(back)
	k.equal("the record's bytes", k.record(record.ID).Payload, raw)
	before := k.delivery(d.ID).Payload
	late := k.settle(d.ID, ledger.Ready, func(s *ledger.Settle) {
		s.IfRevision, s.Revise, s.Edit = &one, &ledger.Revision{Payload: []byte("no"), Bump: true}, &ledger.NewEdit{Who: "mei"}
	})
	mine := k.settle(d.ID, ledger.Ready, func(s *ledger.Settle) {
		s.IfRevision, s.Revise, s.Edit = &zero, &ledger.Revision{Payload: []byte("typed"), Bump: true}, &ledger.NewEdit{Who: "ann", Why: "a typo"}
	})
	k.equal("whoever saw this document", []bool{late.Applied, mine.Applied}, []bool{false, true})
	k.settle(d.ID, ledger.Parked)

	look := func() (ofRecord, ofDelivery []ledger.Edit) {
		a, err := k.l.RecordEdits(k.ctx, record.ID)
		if err != nil {
			k.Fatal(err)
		}
		b, err := k.l.DeliveryEdits(k.ctx, d.ID)
		if err != nil {
			k.Fatal(err)
		}
		return a, b
	}
	a, b := look()
	if len(a) != 2 || len(b) != 1 {
		k.Fatalf("edits of the record %+v, of the delivery %+v", a, b)
	}
	k.equal("the delivery's original", b[0].Before, before)
	k.equal("who and why", []any{a[0].Who, a[0].Why, a[0].Revision, a[1].Who, a[1].Revision, a[1].After, b[0].Who, b[0].Why, b[0].Revision},
		[]any{"ann", "the colour", 1, "bo", 2, ledger.Ref{}, "ann", "a typo", 1})
	if n, err := k.l.Retain(k.ctx, time.Now().Add(48*time.Hour)); err != nil || n == 0 {
		k.Fatalf("dropped %d, %v", n, err)
	}
	a, b = look()
	for want, ref := range map[string]ledger.Ref{"edited": a[0].After, "document of e": b[0].Before, "typed": b[0].After} {
		if body, err := k.l.Payload(k.ctx, ref); err != nil || string(body) != want {
			k.Errorf("of an unfinished row %q is left of %q: %v", body, want, err)
		}
	}
	k.settle(d.ID, ledger.Discarded)
	if n, err := k.l.Retain(k.ctx, time.Now().Add(48*time.Hour)); err != nil || n == 0 {
		k.Fatalf("dropped %d, %v", n, err)
	}
	a, b = look()
	for _, ref := range []ledger.Ref{a[0].After, b[0].Before, b[0].After} {
		if _, err := k.l.Payload(k.ctx, ref); !errors.Is(err, ledger.ErrNotFound) {
			k.Errorf("an edited document of a finished row is still there: %v", err)
		}
	}
}
