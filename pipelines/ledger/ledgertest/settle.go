package ledgertest

import (
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

func start(k *kit) {
	budget := &ledger.Budget{Connection: "erp", Operation: "ship.upload", Key: "pay-1", Max: 2}
	d := push("a", ledger.Ready)
	k.routed(d)
	one := &ledger.Start{Delivery: d.ID, Attempt: 1, Budget: budget}
	twice := &ledger.Start{Delivery: d.ID, Attempt: 1, Budget: budget}
	k.commit(one, twice)
	k.equal("applied", []bool{one.Applied, twice.Applied, twice.OverBudget}, []bool{true, false, false})
	row := k.delivery(d.ID)
	k.equal("started", []any{row.State, row.Attempts, row.Clean}, []any{ledger.Sending, 1, false})
	k.settle(d.ID, ledger.Waiting, func(s *ledger.Settle) { s.NextAt = base.Add(time.Hour) })
	wrong := &ledger.Start{Delivery: d.ID, Attempt: 3, Budget: budget}
	next := &ledger.Start{Delivery: d.ID, Attempt: 2, Budget: budget}
	missing := &ledger.Start{Delivery: 999, Attempt: 1}
	k.commit(wrong, next, missing)
	k.equal("applied", []bool{wrong.Applied, next.Applied, missing.Applied}, []bool{false, true, false})
	used, err := k.l.BudgetUsed(k.ctx, "erp", "ship.upload", "pay-1")
	if err != nil || used != 2 {
		k.Fatalf("budget used %d, %v", used, err)
	}
	k.settle(d.ID, ledger.Ready)
	over := &ledger.Start{Delivery: d.ID, Attempt: 3, Budget: budget}
	k.commit(over)
	k.equal("over budget", []any{over.Applied, over.OverBudget, k.delivery(d.ID).Attempts}, []any{false, true, 2})
	k.settle(d.ID, ledger.Waiting, func(s *ledger.Settle) { s.Refund = budget })
	k.commit(over)
	k.equal("after a refund", []any{over.Applied, over.OverBudget}, []any{true, false})
	zero := push("b", ledger.Ready)
	k.routed(zero)
	none := &ledger.Start{Delivery: zero.ID, Attempt: 1, Budget: &ledger.Budget{Connection: "erp", Operation: "x", Key: "y"}}
	k.commit(none)
	k.equal("a budget of nothing", []bool{none.Applied, none.OverBudget}, []bool{false, true})
}

func settle(k *kit) {
	d := push("a", ledger.Ready)
	r := k.routed(d)
	next := base.Add(time.Minute)
	u := k.settle(d.ID, ledger.Waiting, func(s *ledger.Settle) {
		s.From, s.Code, s.Text, s.NextAt, s.Clean, s.CountTry = []ledger.State{ledger.Ready}, "busy", "later", next, true, true
		s.Progress = []byte(`{"step":1}`)
		s.Attempt = &ledger.Attempt{Kind: "send", StartedAt: base, EndedAt: base.Add(time.Second), Code: "busy", Text: "later",
			MapVersion: "m-1", Body: []byte("POST /order")}
	})
	if !u.Applied {
		k.Fatal("not applied")
	}
	row := k.delivery(d.ID)
	k.equal("waiting", []any{row.State, row.Code, row.Text, row.NextAt, row.Clean, row.Attempts, string(row.Progress)},
		[]any{ledger.Waiting, "busy", "later", next, true, 1, `{"step":1}`})
	if !k.settle(d.ID, ledger.Ready).Applied || k.settle(d.ID, ledger.Delivered, func(s *ledger.Settle) {
		s.From = []ledger.State{ledger.Waiting}
	}).Applied {
		k.Fatal("From did not guard")
	}
	u = k.settle(d.ID, ledger.Accepted, func(s *ledger.Settle) { s.Ticket, s.NextAt, s.Absent = "T-1", next, 1 })
	row = k.delivery(d.ID)
	k.equal("accepted", []any{u.Applied, row.State, row.Ticket, row.Absent, row.NextAt, string(row.Progress)},
		[]any{true, ledger.Accepted, "T-1", 1, next, `{"step":1}`})
	u = k.settle(d.ID, ledger.Delivered, func(s *ledger.Settle) {
		s.NextAt, s.Holds, s.Who, s.Code = next, true, "ann", "by.hand"
		s.Keys = []ledger.SearchKey{{Kind: "remote_id", Value: "R-7"}}
		s.Link = &ledger.LinkChange{Connection: "erp", Operation: "order.push", RemoteKey: "a", Applied: true, Version: 1,
			Digest: ledger.Digest{9}, RemoteIDs: []ledger.RemoteID{{Kind: "id", Value: "R-7"}}}
	})
	row = k.delivery(d.ID)
	k.equal("delivered", []any{u.Applied, row.State, row.NextAt.IsZero(), row.Holds, row.Ticket}, []any{true, ledger.Delivered, true, false, "T-1"})
	if k.settle(d.ID, ledger.Ready).Applied {
		k.Fatal("a final state was left")
	}
	l := k.linkOf("erp", "order.push", "a")
	k.equal("link", l, &ledger.Link{Connection: "erp", Operation: "order.push", RemoteKey: "a", Doc: r.Doc, Applied: d.ID, Version: 1,
		Digest: ledger.Digest{9}, RemoteIDs: []ledger.RemoteID{{Kind: "id", Value: "R-7"}}, UpdatedAt: l.UpdatedAt})
	ls, err := k.l.LinksByDoc(k.ctx, r.Doc)
	if err != nil || len(ls) != 1 || ls[0].Applied != d.ID {
		k.Fatalf("links of the record key: %v, %v", ls, err)
	}
	hits, err := k.l.Find(k.ctx, "R-7", nil, 10)
	if err != nil || len(hits) != 1 || hits[0].Doc != r.Doc {
		k.Fatalf("the remote id finds %v, %v", hits, err)
	}
	as, err := k.l.Attempts(k.ctx, d.ID)
	if err != nil || len(as) != 2 {
		k.Fatalf("attempts %v, %v", as, err)
	}
	k.equal("send", as[0], ledger.Attempt{Delivery: d.ID, N: 1, Kind: "send", StartedAt: base, EndedAt: base.Add(time.Second),
		State: ledger.Waiting, Code: "busy", Text: "later", MapVersion: "m-1", Exchange: as[0].Exchange})
	body, err := k.l.Payload(k.ctx, as[0].Exchange)
	if err != nil || string(body) != "POST /order" {
		k.Fatalf("exchange %q, %v", body, err)
	}
	k.equal("the act of a person", []any{as[1].Kind, as[1].Who, as[1].State, as[1].Code}, []any{"person", "ann", ledger.Delivered, "by.hand"})
	if k.settle(999, ledger.Parked).Applied {
		k.Fatal("a delivery that is not there was settled")
	}
	hold := push("h", ledger.Ready)
	k.routed(hold)
	k.settle(hold.ID, ledger.Parked, func(s *ledger.Settle) { s.Holds = true })
	k.equal("holds", k.delivery(hold.ID).Holds, true)
	// Other deliveries move with the outcome.
	a, b := push("m", ledger.Ready), push("n", ledger.Ready)
	k.routed(a, b)
	m := &ledger.Move{Delivery: b.ID, From: []ledger.State{ledger.Ready}, To: ledger.NotNeeded, CauseNew: -1}
	k.settle(a.ID, ledger.Delivered, func(s *ledger.Settle) { s.Moves = []*ledger.Move{m} })
	k.equal("moved along", []any{m.Applied, k.delivery(b.ID).State, k.delivery(b.ID).Cause}, []any{true, ledger.NotNeeded, a.ID})
}

func links(k *kit) {
	change := func(d *ledger.NewDelivery, f func(c *ledger.LinkChange)) *ledger.LinkChange {
		c := &ledger.LinkChange{Connection: "erp", Operation: "order.push", RemoteKey: "a", Generation: d.Generation}
		f(c)
		if u := k.settle(d.ID, ledger.Ready, func(s *ledger.Settle) { s.Link = c }); !u.Applied {
			k.Fatal("not applied")
		}
		return c
	}
	get := func() *ledger.Link { return k.linkOf("erp", "order.push", "a") }
	id := func(v string) ledger.RemoteID { return ledger.RemoteID{Kind: "waybill", Value: v} }
	d := push("a", ledger.Ready)
	d.Generation = 1
	r := k.routed(d)
	change(d, func(c *ledger.LinkChange) { c.RemoteIDs = []ledger.RemoteID{id("1"), id("2")} })
	change(d, func(c *ledger.LinkChange) {
		c.RemoteIDs, c.Applied, c.Version, c.Digest = []ledger.RemoteID{id("2"), id("3")}, true, 4, ledger.Digest{4}
	})
	k.equal("merged", get().RemoteIDs, []ledger.RemoteID{id("1"), id("2"), id("3")})
	k.equal("applied", []any{get().Applied, get().Version, get().Generation}, []any{d.ID, int64(4), 1})
	change(d, func(c *ledger.LinkChange) {
		c.Generation, c.Applied, c.Version, c.RemoteIDs = 0, true, 9, []ledger.RemoteID{id("0")}
	})
	k.equal("an earlier generation", []any{get().Version, get().Generation, len(get().RemoteIDs)}, []any{int64(4), 1, 4})
	yes := true
	change(d, func(c *ledger.LinkChange) { c.Withdrawn = &yes })
	k.equal("withdrawn", []any{get().Withdrawn, get().WithdrawnBy}, []any{true, d.ID})
	change(d, func(c *ledger.LinkChange) { c.Generation = 2 })
	k.equal("the next generation", []any{get().Withdrawn, get().WithdrawnBy, get().Generation}, []any{false, int64(0), 2})
	change(d, func(c *ledger.LinkChange) { c.Generation, c.Reset = 3, true })
	k.equal("reset", get(), &ledger.Link{Connection: "erp", Operation: "order.push", RemoteKey: "a", Doc: r.Doc, Generation: 3,
		UpdatedAt: get().UpdatedAt})
	thief := push("z", ledger.Ready)
	k.routed(thief)
	c := change(thief, func(c *ledger.LinkChange) { c.Applied, c.Generation = true, 9 })
	k.equal("another's link", []any{c.Clash, get().Applied, get().Generation}, []any{true, int64(0), 3})
	loose := push("", ledger.Ready)
	r2 := k.routed(loose)
	c = &ledger.LinkChange{Connection: "erp", Operation: "order.push", RemoteKey: "new", Applied: true, Version: 1}
	k.settle(loose.ID, ledger.Delivered, func(s *ledger.Settle) { s.Link = c })
	k.equal("a link nobody had", k.linkOf("erp", "order.push", "new").Doc, r2.Doc)
}

func revise(k *kit) {
	d := push("", ledger.Ready)
	r := k.routed(d)
	rev := &ledger.Revision{Payload: []byte("edited"), Digest: ledger.Digest{5}, MapVersion: "m-2", RemoteKey: "a", Generation: 2, Bump: true}
	u := k.settle(d.ID, ledger.Waiting, func(s *ledger.Settle) { s.Revise, s.CountTry = rev, true })
	row := k.delivery(d.ID)
	k.equal("revised", []any{u.Applied, row.RemoteKey, row.Generation, row.Revision, row.MapVersion, row.Digest},
		[]any{true, "a", 2, 1, "m-2", ledger.Digest{5}})
	body, err := k.l.Payload(k.ctx, row.Payload)
	if err != nil || string(body) != "edited" {
		k.Fatalf("payload %q, %v", body, err)
	}
	k.equal("claimed", k.linkOf("erp", "order.push", "a").Doc, r.Doc)
	change := func(id int64, rev *ledger.Revision) *ledger.Settle {
		return k.settle(id, ledger.Ready, func(s *ledger.Settle) { s.Revise = rev })
	}
	sent := &ledger.Revision{RemoteKey: "b"}
	if change(d.ID, sent).Applied || !sent.Clash {
		k.Fatal("a remote key changed after the first send")
	}
	k.equal("unchanged", k.delivery(d.ID).State, ledger.Waiting)
	if !change(d.ID, &ledger.Revision{RemoteKey: "a", Bump: true}).Applied {
		k.Fatal("the same remote key was refused")
	}
	row = k.delivery(d.ID)
	k.equal("bumped only", []any{row.Revision, row.MapVersion, row.Digest, row.Generation}, []any{2, "m-2", ledger.Digest{5}, 2})
	other := push("c", ledger.Ready)
	k.routed(other)
	taken := &ledger.Revision{RemoteKey: "a"}
	if change(other.ID, taken).Applied || !taken.Clash || k.delivery(other.ID).RemoteKey != "c" {
		k.Fatal("a claimed remote key was taken")
	}
	free := &ledger.Revision{RemoteKey: "d"}
	if !change(other.ID, free).Applied || free.Clash || k.delivery(other.ID).RemoteKey != "d" {
		k.Fatal("an unsent delivery could not change its remote key")
	}
}

func progress(k *kit) {
	d := push("a", ledger.Ready)
	k.routed(d)
	early := &ledger.Progress{Delivery: d.ID, Progress: []byte("0")}
	st := &ledger.Start{Delivery: d.ID, Attempt: 1}
	step := &ledger.Progress{Delivery: d.ID, Progress: []byte("step 1")}
	k.commit(early, st, step)
	k.equal("applied", []bool{early.Applied, step.Applied}, []bool{false, true})
	k.equal("kept", string(k.delivery(d.ID).Progress), "step 1")
	k.settle(d.ID, ledger.Unknown)
	k.equal("after the attempt", string(k.delivery(d.ID).Progress), "step 1")
	missing := &ledger.Progress{Delivery: 999}
	k.commit(missing)
	k.equal("missing", missing.Applied, false)
}

func attempts(k *kit) {
	d := push("a", ledger.Ready)
	k.routed(d)
	for i := range 5 {
		k.settle(d.ID, ledger.Waiting, func(s *ledger.Settle) {
			s.CountTry = true
			s.Attempt = &ledger.Attempt{Kind: "send", Code: string(rune('a' + i))}
		})
		k.settle(d.ID, ledger.Ready, func(s *ledger.Settle) { s.Attempt = &ledger.Attempt{Kind: "job", N: 77} })
	}
	as, err := k.l.Attempts(k.ctx, d.ID)
	if err != nil || len(as) != 10 {
		k.Fatalf("%d attempts, %v", len(as), err)
	}
	for i := range 5 {
		k.equal("send", []any{as[2*i].N, as[2*i].Code, as[2*i].State}, []any{i + 1, string(rune('a' + i)), ledger.Waiting})
		k.equal("job", as[2*i+1].N, 77)
	}
	refused := &ledger.Settle{Delivery: d.ID, From: []ledger.State{ledger.Unknown}, To: ledger.Parked, Attempt: &ledger.Attempt{Kind: "send"}}
	k.commit(refused)
	if as, err = k.l.Attempts(k.ctx, d.ID); err != nil || len(as) != 10 {
		k.Fatalf("a refused outcome left an attempt: %d, %v", len(as), err)
	}
}
