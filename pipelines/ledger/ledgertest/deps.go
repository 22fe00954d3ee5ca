package ledgertest

import (
	"github.com/minihub/minihub/pipelines/ledger"
)

func predecessors(k *kit) {
	first, second, third := push("a", ledger.Ready), push("b", ledger.Blocked, afterNew(0)), push("c", ledger.Blocked, afterNew(0), afterNew(1))
	r := k.routed(first, second, third)
	k.equal("created", []ledger.State{second.State, third.State}, []ledger.State{ledger.Blocked, ledger.Blocked})
	deps, err := k.l.Deps(k.ctx, third.ID)
	if err != nil || len(deps) != 2 || deps[0] != after(first.ID) || deps[1] != after(second.ID) {
		k.Fatalf("dependencies %v, %v", deps, err)
	}
	k.settle(first.ID, ledger.Parked)
	k.state(second.ID, ledger.Blocked)
	k.settle(first.ID, ledger.Ready)
	done := k.settle(first.ID, ledger.Delivered)
	k.equal("released", done.Released, []ledger.Pending{{Kind: "delivery", ID: second.ID, Connection: "erp", Source: "shop", Operation: "order.push",
		Root: r.Root, State: ledger.Ready}})
	k.state(third.ID, ledger.Blocked)
	k.equal("released", ids(k.settle(second.ID, ledger.Unchanged).Released), []int64{third.ID})
	k.state(third.ID, ledger.Ready)

	// What is satisfied at creation is no dependency; filtered satisfies.
	filtered := push("", ledger.Filtered)
	k.routed(filtered)
	late, open := push("e", ledger.Blocked, after(first.ID), after(filtered.ID)), push("f", ledger.Blocked, after(first.ID), after(third.ID))
	k.routed(late, open)
	k.equal("at creation", []ledger.State{late.State, open.State}, []ledger.State{ledger.Ready, ledger.Blocked})

	// What only a newer version ends stays blocked, whatever else is satisfied.
	held := push("k", ledger.Blocked, after(first.ID), ledger.Dep{Kind: ledger.DepNewer, Key: "an open after-sale"})
	k.routed(held)
	k.state(held.ID, ledger.Blocked)

	// Settled and waited for in one commit, in either order.
	p := push("g", ledger.Ready)
	k.routed(p)
	s := push("h", ledger.Blocked, after(p.ID))
	rec := k.newRecord()
	both := &ledger.Settle{Delivery: p.ID, To: ledger.Delivered}
	k.commit(&ledger.Route{Record: rec.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{s}}, both)
	k.equal("released by the next unit", ids(both.Released), []int64{s.ID})
	k.state(s.ID, ledger.Ready)

	// A delivery may come to wait by itself.
	x, y := push("i", ledger.Ready), push("j", ledger.Ready)
	k.routed(x, y)
	k.settle(x.ID, ledger.Blocked, func(s *ledger.Settle) { s.Deps = []ledger.Dep{after(y.ID)} })
	k.state(x.ID, ledger.Blocked)
	k.settle(y.ID, ledger.Delivered)
	k.state(x.ID, ledger.Ready)
	again := k.settle(x.ID, ledger.Blocked, func(s *ledger.Settle) { s.Deps = []ledger.Dep{after(y.ID)} })
	k.equal("nothing to wait for", ids(again.Released), []int64{x.ID})
	// Leaving blocked drops what is left.
	k.settle(x.ID, ledger.Blocked, func(s *ledger.Settle) { s.Deps = []ledger.Dep{after(third.ID)} })
	k.settle(x.ID, ledger.Parked)
	if deps, err := k.l.Deps(k.ctx, x.ID); err != nil || len(deps) != 0 {
		k.Fatalf("a parked delivery waits for %v, %v", deps, err)
	}
	k.equal("not released", len(k.settle(third.ID, ledger.Delivered).Released), 1) // "f" alone
	k.state(x.ID, ledger.Parked)
}

func cascade(k *kit) {
	a, b, c := push("a", ledger.Ready), push("b", ledger.Blocked, afterNew(0)), push("c", ledger.Blocked, afterNew(1))
	k.routed(a, b, c)
	k.settle(a.ID, ledger.Withdrawn, func(s *ledger.Settle) { s.Cause = 77 })
	k.equal("causes", []int64{k.delivery(a.ID).Cause, k.delivery(b.ID).Cause, k.delivery(c.ID).Cause}, []int64{77, a.ID, b.ID})
	for _, d := range []*ledger.NewDelivery{a, b, c} {
		k.state(d.ID, ledger.Withdrawn)
	}
	if l := k.linkOf("erp", "order.push", "b"); l == nil || l.Withdrawn {
		k.Fatalf("what falls with its predecessor is remembered as undone: %+v", l)
	}
	d, e := push("d", ledger.Parked), push("e", ledger.Blocked, afterNew(0))
	k.routed(d, e)
	k.settle(d.ID, ledger.Discarded)
	k.state(e.ID, ledger.Withdrawn)
	late, chain := push("f", ledger.Blocked, after(d.ID)), push("g", ledger.Blocked, afterNew(0))
	k.routed(late, chain)
	k.equal("at creation", []any{late.State, late.Cause, chain.State, chain.Cause}, []any{ledger.Withdrawn, d.ID, ledger.Withdrawn, late.ID})
}

func supersede(k *kit) {
	v1, next := push("a", ledger.Ready), push("b", ledger.Blocked, afterNew(0))
	next.Operation = "sale.push"
	r := k.routed(v1, next)
	v2 := push("a", ledger.Ready)
	it := item(r.DocKey.Key, 2, "v2", 0)
	k.intake(it)
	m := &ledger.Move{Delivery: v1.ID, To: ledger.Superseded, NeedClean: true, CauseNew: 0}
	k.commit(&ledger.Route{Record: it.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{v2}, Moves: []*ledger.Move{m}})
	k.state(next.ID, ledger.Blocked)
	deps, err := k.l.Deps(k.ctx, next.ID)
	if err != nil || len(deps) != 1 || deps[0] != after(v2.ID) {
		k.Fatalf("handed on to %v, %v", deps, err)
	}
	late := push("c", ledger.Blocked, after(v1.ID))
	k.routed(late)
	deps, err = k.l.Deps(k.ctx, late.ID)
	if err != nil || len(deps) != 1 || deps[0] != after(v2.ID) {
		k.Fatalf("at creation handed on to %v, %v", deps, err)
	}
	k.equal("released", ids(k.settle(v2.ID, ledger.Delivered).Released), []int64{next.ID, late.ID})

	// Superseded by what was done already releases, by nothing withdraws.
	x, y := push("x", ledger.Ready), push("y", ledger.Blocked, afterNew(0))
	k.routed(x, y)
	k.equal("released", ids(k.settle(x.ID, ledger.Superseded, func(s *ledger.Settle) { s.Cause = v2.ID }).Released), []int64{y.ID})
	x, y = push("x2", ledger.Ready), push("y2", ledger.Blocked, afterNew(0))
	k.routed(x, y)
	k.settle(x.ID, ledger.Superseded)
	k.state(y.ID, ledger.Withdrawn)
}

func party(key string, change ...func(*ledger.LinkChange)) func(*ledger.Settle) {
	c := &ledger.LinkChange{Connection: "erp", Operation: "party.push", RemoteKey: key, Applied: true, Version: 1}
	for _, f := range change {
		f(c)
	}
	return func(s *ledger.Settle) { s.Link = c }
}

func references(k *kit) {
	ref := ledger.Dep{Kind: ledger.DepReference, Key: ledger.ReferenceKey("erp", "party.push", "p")}
	sale := push("s", ledger.Blocked, ref)
	k.routed(sale)
	claim := push("p", ledger.Ready)
	claim.Operation = "party.push"
	k.routed(claim)
	k.state(sale.ID, ledger.Blocked) // a claim is not a party
	k.settle(claim.ID, ledger.Waiting, party("p", func(c *ledger.LinkChange) { c.Applied = false }))
	k.state(sale.ID, ledger.Blocked)
	k.equal("released", ids(k.settle(claim.ID, ledger.Delivered, party("p")).Released), []int64{sale.ID})
	early := push("s2", ledger.Blocked, ref)
	k.routed(early)
	k.equal("at creation", early.State, ledger.Ready)
	// A withdrawn party is none.
	yes := true
	cancel := push("p", ledger.Ready)
	cancel.Operation = "party.cancel"
	r, err := k.l.Record(k.ctx, k.delivery(claim.ID).Record)
	if err != nil {
		k.Fatal(err)
	}
	k.commit(&ledger.Route{Record: r.ID, From: []ledger.RecordState{r.State}, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{cancel}})
	k.settle(cancel.ID, ledger.Delivered, party("p", func(c *ledger.LinkChange) { c.Applied, c.Withdrawn = false, &yes }))
	late := push("s3", ledger.Blocked, ref)
	k.routed(late)
	k.equal("after its end", late.State, ledger.Withdrawn)
}

func lookupDeps(k *kit) {
	dep := ledger.Dep{Kind: ledger.DepLookup, Key: ledger.LookupKey("products", "sku-1")}
	a, b := push("a", ledger.Blocked, dep), push("b", ledger.Blocked, dep, afterNew(0))
	k.routed(a, b)
	other := &ledger.PutLookup{Table: "products", Key: "sku-2", Value: "9"}
	put := &ledger.PutLookup{Table: "products", Key: "sku-1", Value: "7", Who: "ann"}
	k.commit(other, put)
	k.equal("released", [][]int64{ids(other.Released), ids(put.Released)}, [][]int64{nil, {a.ID}})
	k.state(b.ID, ledger.Blocked)
	late := push("c", ledger.Blocked, dep)
	k.routed(late)
	k.equal("at creation", late.State, ledger.Ready)
	k.commit(&ledger.PutLookup{Table: "products", Key: "sku-1", Delete: true})
	gone := push("d", ledger.Blocked, dep)
	k.routed(gone)
	k.equal("after its end", gone.State, ledger.Blocked)
}

func cancelOf(key string, deps ...ledger.Dep) *ledger.NewDelivery {
	d := push(key, ledger.Blocked, deps...)
	d.Step, d.Operation, d.Undoes = "cancel", "order.cancel", "order.push"
	return d
}

func undo(k *kit) {
	create, next := push("a", ledger.Ready), push("b", ledger.Blocked, afterNew(0))
	next.Operation = "sale.push"
	r := k.routed(create, next)
	cancel, refund := cancelOf("a", after(create.ID)), push("r", ledger.Blocked, afterNew(0))
	refund.Operation = "refund.push"
	it := item(r.DocKey.Key, 2, "cancelled", 0)
	k.intake(it)
	m := &ledger.Move{Delivery: create.ID, NeedClean: true, To: ledger.Withdrawn, CauseNew: 0}
	u := &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{cancel, refund}, Moves: []*ledger.Move{m}}
	k.commit(u)
	k.equal("applied", m.Applied, true)
	k.equal("reported", []any{cancel.State, cancel.Cause, refund.State}, []any{ledger.NotNeeded, create.ID, ledger.Ready})
	k.equal("released", len(u.Released), 0) // the unit's own are reported in them
	k.state(create.ID, ledger.Withdrawn)
	k.state(next.ID, ledger.Withdrawn)
	l := k.linkOf("erp", "order.push", "a")
	k.equal("remembered", []any{l.Withdrawn, l.WithdrawnBy}, []any{true, cancel.ID})

	late := push("a", ledger.Ready)
	event := push("a", ledger.Ready)
	event.Event = true
	redo := push("a", ledger.Ready)
	redo.Generation = 1
	it = item(r.DocKey.Key, 3, "late", 0)
	k.intake(it)
	k.route(it.ID, late, event, redo)
	k.equal("late", []any{late.State, late.Code, late.Cause}, []any{ledger.Superseded, ledger.CodeWithdrawn, cancel.ID})
	k.equal("event and next generation", []any{event.State, redo.State}, []any{ledger.Ready, ledger.Ready})

	// Started: the cancel waits, and goes when the create is delivered.
	create = push("c", ledger.Ready)
	r = k.routed(create)
	st := &ledger.Start{Delivery: create.ID, Attempt: 1}
	k.commit(st)
	cancel = cancelOf("c", after(create.ID))
	it = item(r.DocKey.Key, 2, "cancelled", 0)
	k.intake(it)
	m = &ledger.Move{Delivery: create.ID, NeedClean: true, To: ledger.Withdrawn, CauseNew: 0}
	k.commit(&ledger.Route{Record: it.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{cancel}, Moves: []*ledger.Move{m}})
	k.equal("started", []any{m.Applied, cancel.State}, []any{false, ledger.Blocked})
	k.settle(create.ID, ledger.Unknown)
	k.state(cancel.ID, ledger.Blocked)
	k.equal("released", ids(k.settle(create.ID, ledger.Delivered).Released), []int64{cancel.ID})

	// Given up by a person after an attempt: nobody knows whether there is something to undo.
	create = push("d", ledger.Ready)
	k.routed(create)
	k.settle(create.ID, ledger.Parked)
	cancel = cancelOf("d", after(create.ID))
	k.routed(cancel)
	cancel2 := cancelOf("d", after(create.ID))
	cancel2.Claim = false
	k.routed(cancel2)
	k.settle(create.ID, ledger.Discarded)
	k.state(cancel2.ID, ledger.Withdrawn)
}

func spawn(k *kit) {
	create := push("a", ledger.Ready)
	r := k.routed(create)
	cancel := cancelOf("a")
	cancel.State = ledger.Ready
	u := k.settle(create.ID, ledger.Blocked, func(s *ledger.Settle) {
		s.Spawn, s.Deps = []*ledger.NewDelivery{cancel}, []ledger.Dep{afterNew(0)}
	})
	k.equal("spawned", []any{u.Applied, cancel.State, len(u.Released)}, []any{true, ledger.Ready, 0})
	row := k.delivery(cancel.ID)
	k.equal("of the same record", []any{row.Record, row.Doc, row.Root}, []any{r.ID, r.Doc, r.Root})
	k.state(create.ID, ledger.Blocked)
	k.equal("released", ids(k.settle(cancel.ID, ledger.Delivered).Released), []int64{create.ID})
}
