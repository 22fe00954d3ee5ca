package ledgertest

import (
	"github.com/minihub/minihub/pipelines/ledger"
)

func route(k *kit) {
	r := k.newRecord()
	d := push("k-1", ledger.Ready)
	d.Generation, d.MapVersion, d.Digest = 2, "m-7", ledger.Digest{1, 2, 3}
	skip := push("", ledger.Filtered)
	skip.Claim, skip.Code, skip.Step = false, "flow.when", "skip"
	held := push("k-2", ledger.Parked)
	held.Holds, held.Code, held.Text, held.Step = true, "map.field", "no price", "held"
	u := &ledger.Route{Record: r.ID, To: ledger.RecordRouted, Label: "A-1", Deliveries: []*ledger.NewDelivery{d, skip, held}}
	k.commit(u)
	if !u.Applied || d.ID == 0 || skip.ID <= d.ID || held.ID <= skip.ID {
		k.Fatalf("applied %v, ids %d %d %d", u.Applied, d.ID, skip.ID, held.ID)
	}
	rec := k.record(r.ID)
	k.equal("record", []any{rec.State, rec.Label, rec.Revision}, []any{ledger.RecordRouted, "A-1", 0})
	row := k.delivery(d.ID)
	k.equal("delivery", row, &ledger.Delivery{ID: d.ID, Record: r.ID, Doc: r.Doc, Source: "shop", Root: r.Root, Version: r.Version, Flow: "orders",
		Step: "push", Connection: "erp", Operation: "order.push", RemoteKey: "k-1", Generation: 2, State: ledger.Ready, Clean: true,
		Payload: row.Payload, Digest: d.Digest, MapVersion: "m-7", CreatedAt: row.CreatedAt, UpdatedAt: row.CreatedAt})
	if row.CreatedAt.IsZero() {
		k.Fatal("no time of creation")
	}
	k.equal("held", []any{k.delivery(held.ID).Holds, k.delivery(held.ID).Code}, []any{true, "map.field"})
	body, err := k.l.Payload(k.ctx, row.Payload)
	if err != nil || string(body) != "document of k-1" {
		k.Fatalf("payload %q, %v", body, err)
	}
	k.equal("filtered row claims nothing", k.linkOf("erp", "order.push", ""), (*ledger.Link)(nil))

	again := &ledger.Route{Record: r.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{push("k-1", ledger.Ready)}}
	none := &ledger.Route{Record: 999, To: ledger.RecordRouted}
	k.commit(again, none)
	if again.Applied || none.Applied {
		k.Fatal("a record that is routed, or is not there, was routed")
	}
	ds, err := k.l.RootDeliveries(k.ctx, r.Root)
	if err != nil || len(ds) != 3 || ds[0].ID != d.ID || ds[2].ID != held.ID {
		k.Fatalf("deliveries of the root: %v, %v", ds, err)
	}
	parked := k.newRecord()
	k.commit(&ledger.Route{Record: parked.ID, To: ledger.RecordParked, Code: "map.x", Text: "why"})
	k.equal("parked record", []any{k.record(parked.ID).State, k.record(parked.ID).Code, k.record(parked.ID).Text},
		[]any{ledger.RecordParked, "map.x", "why"})
}

func (k *kit) linkOf(connection, operation, key string) *ledger.Link {
	l, err := k.l.Link(k.ctx, connection, operation, key)
	if err != nil {
		return nil
	}
	return l
}

func replay(k *kit) {
	r := k.newRecord()
	k.commit(&ledger.Route{Record: r.ID, To: ledger.RecordParked, Code: "map.x", Label: "A-1"})
	u := &ledger.Route{Record: r.ID, From: []ledger.RecordState{ledger.RecordParked, ledger.RecordNoTarget}, To: ledger.RecordReceived, Replay: true}
	k.commit(u)
	rec := k.record(r.ID)
	k.equal("replayed", []any{u.Applied, rec.State, rec.Code, rec.Revision, rec.Label}, []any{true, ledger.RecordReceived, "", 1, "A-1"})
}

func claims(k *kit) {
	a := k.routed(push("k-1", ledger.Ready))
	l := k.linkOf("erp", "order.push", "k-1")
	if l == nil || l.Doc != a.Doc || l.Applied != 0 {
		k.Fatalf("claimed link %+v", l)
	}
	clash, free, waiting := push("k-1", ledger.Ready), push("k-1", ledger.Ready), push("k-1", ledger.Blocked, after(1))
	free.Operation = "sale.push"
	k.routed(clash, free, waiting)
	for _, d := range []*ledger.NewDelivery{clash, waiting} {
		if d.State != ledger.Parked || d.Code != ledger.CodeKeyClash || k.delivery(d.ID).State != ledger.Parked {
			k.Fatalf("a claimed key: %s %s", d.State, d.Code)
		}
		if deps, err := k.l.Deps(k.ctx, d.ID); err != nil || len(deps) != 0 {
			k.Fatalf("a parked delivery waits for %v, %v", deps, err)
		}
	}
	k.equal("another operation", free.State, ledger.Ready)
	k.equal("the link stays", k.linkOf("erp", "order.push", "k-1").Doc, a.Doc)

	// The same record key keeps its key over versions; two units of one commit clash too.
	v2 := item(a.DocKey.Key, 2, "v2", 0)
	k.intake(v2)
	mine := push("k-1", ledger.Ready)
	k.route(v2.ID, mine)
	k.equal("own key", mine.State, ledger.Ready)
	x, y := k.newRecord(), k.newRecord()
	dx, dy := push("k-9", ledger.Ready), push("k-9", ledger.Ready)
	k.commit(&ledger.Route{Record: x.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{dx}},
		&ledger.Route{Record: y.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{dy}})
	k.equal("one of two", []ledger.State{dx.State, dy.State}, []ledger.State{ledger.Ready, ledger.Parked})
}

func moves(k *kit) {
	for _, from := range []ledger.State{ledger.Blocked, ledger.Ready, ledger.Parked, ledger.Filtered, ledger.Superseded} {
		for _, to := range ledger.States() {
			d := push("", from, after(999))
			k.routed(d)
			m := &ledger.Move{Delivery: d.ID, To: to, Code: "c", Text: "t", Cause: 1, CauseNew: -1}
			u := &ledger.Route{Record: k.newRecord().ID, To: ledger.RecordRouted, Moves: []*ledger.Move{m}}
			k.commit(u)
			row := k.delivery(d.ID)
			if !u.Applied || m.Applied != ledger.CanMove(from, to) {
				k.Fatalf("%s to %s: applied %v", from, to, m.Applied)
			}
			want := from
			if m.Applied {
				want = to
				k.equal("moved", []any{row.Code, row.Text, row.Cause}, []any{"c", "t", int64(1)})
			}
			k.equal("state", row.State, want)
		}
	}
	d := push("", ledger.Ready)
	k.routed(d)
	k.settle(d.ID, ledger.Waiting, func(s *ledger.Settle) { s.NextAt = base }) // not clean
	dirty := &ledger.Move{Delivery: d.ID, To: ledger.Superseded, NeedClean: true, CauseNew: -1}
	wrong := &ledger.Move{Delivery: d.ID, From: []ledger.State{ledger.Ready}, To: ledger.Parked, CauseNew: -1}
	missing := &ledger.Move{Delivery: 999, To: ledger.Parked, CauseNew: -1}
	hold := &ledger.Move{Delivery: d.ID, From: []ledger.State{ledger.Waiting}, To: ledger.Parked, Holds: true, Who: "ann", CauseNew: -1}
	k.commit(&ledger.Route{Record: k.newRecord().ID, To: ledger.RecordRouted, Moves: []*ledger.Move{dirty, wrong, missing, hold}})
	k.equal("applied", []bool{dirty.Applied, wrong.Applied, missing.Applied, hold.Applied}, []bool{false, false, false, true})
	row := k.delivery(d.ID)
	k.equal("parked by a person", []any{row.Holds, row.NextAt.IsZero()}, []any{true, true})
	as, err := k.l.Attempts(k.ctx, d.ID)
	if err != nil || len(as) != 1 || as[0].Kind != "person" || as[0].Who != "ann" || as[0].State != ledger.Parked {
		k.Fatalf("the act of a person: %+v, %v", as, err)
	}
	// A cause among the new deliveries.
	old, next := push("k", ledger.Ready), push("k", ledger.Ready)
	r := k.routed(old)
	v2 := item(r.DocKey.Key, 2, "v2", 0)
	k.intake(v2)
	m := &ledger.Move{Delivery: old.ID, NeedClean: true, To: ledger.Superseded, CauseNew: 0}
	k.commit(&ledger.Route{Record: v2.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{next}, Moves: []*ledger.Move{m}})
	k.equal("cause", k.delivery(old.ID).Cause, next.ID)
}
