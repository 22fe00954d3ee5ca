package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

var (
	modelOperations = []string{"push", "sale", "cancel"}
	modelDocs       = []string{"a", "b"}
	modelKeys       = []string{"", "k1", "k2"}
)

// step makes one commit of one or two random units and books it in the model.
func (r *run) step() (string, error) {
	steps := []func() (ledger.Unit, func() error){r.intakeStep, r.intakeStep, r.hintStep, r.routeStep, r.routeStep, r.routeStep,
		r.startStep, r.startStep, r.settleStep, r.settleStep, r.settleStep, r.settleStep, r.progressStep, r.lookupStep}
	switch r.pick("alone", 20) {
	case 0:
		return "swap", r.swap()
	case 1:
		return "tick", r.tick()
	}
	var units []ledger.Unit
	var books []func() error
	for range 1 + r.pick("units", 2) {
		u, book := choose(r, "step", steps)()
		if u != nil {
			units, books = append(units, u), append(books, book)
		}
	}
	if err := r.l.Commit(r.ctx, units...); err != nil {
		return "commit", err
	}
	what := ""
	for i, book := range books {
		what += describe(units[i]) + "; "
		if err := book(); err != nil {
			return what, err
		}
	}
	return what, nil
}

func describe(u ledger.Unit) string {
	switch u := u.(type) {
	case *ledger.Intake:
		s := "intake"
		for _, it := range u.Items {
			s += fmt.Sprintf(" %s v%d %s -> %d %s", it.Key, it.Version, it.Body, it.ID, it.Outcome)
		}
		for _, h := range u.Hints {
			s += fmt.Sprintf(" hint %s", h.Key)
		}
		return s + fmt.Sprintf(" %+v", u.Answered)
	case *ledger.Route:
		s := fmt.Sprintf("route %d %v", u.Record, u.Applied)
		for _, d := range u.Deliveries {
			s += fmt.Sprintf(" (%d %s %s g%d %s %q)", d.ID, d.Operation, d.RemoteKey, d.Generation, d.State, d.Deps)
		}
		for _, m := range u.Moves {
			s += fmt.Sprintf(" [%d -> %s cause %d/%d %v]", m.Delivery, m.To, m.Cause, m.CauseNew, m.Applied)
		}
		return s
	case *ledger.Settle:
		return fmt.Sprintf("settle %d -> %s %v link %+v", u.Delivery, u.To, u.Applied, u.Link)
	default:
		return fmt.Sprintf("%T %+v", u, u)
	}
}

func (r *run) intakeStep() (ledger.Unit, func() error) {
	u := &ledger.Intake{Connection: r.shop, Stream: "orders"}
	for range 1 + r.pick("items", 2) {
		it := item(choose(r, "doc", modelDocs), int64(r.pick("version", 3)), choose(r, "body", []string{"x", "y"}),
			time.Duration(r.pick("fetched", 4))*time.Second)
		u.Items = append(u.Items, it)
	}
	if r.pick("cursor", 3) == 0 {
		u.Cursor = &ledger.Cursor{Connection: r.shop, Stream: "orders", Name: "live", From: choose(r, "from", []string{"", "1", "2"}),
			To: choose(r, "to", []string{"1", "2"})}
	}
	return u, func() error {
		if c := u.Cursor; c != nil {
			if u.Applied != (c.From == r.m.cursor) {
				return fmt.Errorf("page from %q applied %v, the cursor is %q", c.From, u.Applied, r.m.cursor)
			}
			if !u.Applied {
				return nil
			}
			r.m.cursor = c.To
		}
		for _, it := range u.Items {
			if err := r.m.intake(it, u.Stream); err != nil {
				return err
			}
			if it.Outcome != "repeat" {
				rec, err := r.l.Record(r.ctx, it.ID)
				if err != nil {
					return err
				}
				r.m.records[it.ID].Doc = rec.Doc
			}
		}
		return nil
	}
}

func (r *run) hintStep() (ledger.Unit, func() error) {
	u := &ledger.Intake{Connection: r.shop, Stream: "events"}
	key := choose(r, "hint", []string{"h1", "h2"})
	h := r.m.hints[key]
	if h == nil || r.bool("ask") {
		u.Hints = []*ledger.NewHint{{Stream: "orders", Key: key, RootEnt: "order", RootKey: key}}
		return u, func() error { return r.m.hint(u.Hints[0]) }
	}
	u.Answered = []ledger.HintDone{{ID: h.ID, Asked: max(0, h.Asked-int64(r.pick("missed", 2))),
		State: choose(r, "answer", []string{"", "pending", "parked"})}}
	return u, func() error { return r.m.answer(key, u.Answered[0]) }
}

// anyRecord is a record, mostly one that waits to be routed.
func (r *run) anyRecord() int64 {
	var waiting, all []int64
	for id, rec := range r.m.records {
		all = append(all, id)
		if rec.State == ledger.RecordReceived {
			waiting = append(waiting, id)
		}
	}
	if len(waiting) > 0 && r.pick("routed", 5) > 0 {
		all = waiting
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return choose(r, "record", all)
}

// withdrawn is a link of the record's document that was undone.
func (r *run) withdrawn(record int64) *ledger.Link {
	for _, operation := range modelOperations {
		for _, key := range modelKeys {
			if l := r.m.links[linkName(operation, key)]; l != nil && l.Withdrawn && l.Doc == r.m.records[record].Doc {
				return l
			}
		}
	}
	return nil
}

// anyDelivery is a delivery, mostly one that may still move.
func (r *run) anyDelivery() *modelDelivery {
	all := r.m.sorted()
	live := slices.DeleteFunc(slices.Clone(all), func(id int64) bool { return r.m.deliveries[id].State.Final() })
	if len(live) > 0 && r.pick("final", 8) > 0 {
		all = live
	}
	if len(all) == 0 {
		return nil
	}
	return r.m.deliveries[choose(r, "delivery", all)]
}

func (r *run) dep(created int) ledger.Dep {
	switch n := r.pick("dep", 6); {
	case n == 0:
		return ledger.Dep{Kind: ledger.DepLookup, Key: ledger.LookupKey(r.erp, choose(r, "entry", []string{"e1", "e2"}))}
	case n == 1:
		return ledger.Dep{Kind: ledger.DepReference, Key: ledger.ReferenceKey(r.erp, choose(r, "operation", modelOperations), choose(r, "key", modelKeys[1:]))}
	case n == 2 && created > 0:
		return afterNew(r.pick("new", created))
	}
	if d := r.anyDelivery(); d != nil {
		return after(d.ID)
	}
	return ledger.Dep{Kind: ledger.DepLookup, Key: ledger.LookupKey(r.erp, "e1")}
}

func (r *run) routeStep() (ledger.Unit, func() error) {
	id := r.anyRecord()
	if id == 0 {
		return nil, nil
	}
	u := &ledger.Route{Record: id, To: ledger.RecordRouted}
	if r.pick("replay", 6) == 0 {
		u.From, u.To, u.Replay = []ledger.RecordState{ledger.RecordRouted}, ledger.RecordReceived, true
	} else {
		for i := range r.pick("deliveries", 4) {
			d := &ledger.NewDelivery{Flow: "f", Step: fmt.Sprint(i), Connection: r.erp, Operation: choose(r, "operation", modelOperations),
				RemoteKey: choose(r, "key", modelKeys), Generation: r.pick("generation", 2), Claim: true, Holds: r.bool("holds"), Event: r.pick("event", 4) == 0,
				State:   choose(r, "state", []ledger.State{ledger.Ready, ledger.Ready, ledger.Blocked, ledger.Blocked, ledger.Parked, ledger.Filtered}),
				Payload: []byte("p")}
			if l := r.withdrawn(id); l != nil && r.bool("late") {
				d.Operation, d.RemoteKey = l.Operation, l.RemoteKey
			}
			if d.Operation == "cancel" {
				d.Undoes = "push"
			}
			for range r.pick("deps", 3) {
				d.Deps = append(d.Deps, r.dep(i)) // on earlier ones: no cycles
			}
			u.Deliveries = append(u.Deliveries, d)
		}
	}
	u.IfRevision = r.revision()
	for range r.pick("moves", 3) {
		if m := r.moveOf(len(u.Deliveries)); m != nil {
			u.Moves = append(u.Moves, m)
		}
	}
	var asked []ledger.NewDelivery
	for _, d := range u.Deliveries {
		asked = append(asked, *d)
	}
	return u, func() error {
		rec := r.m.records[id]
		from := u.From
		if from == nil {
			from = []ledger.RecordState{ledger.RecordReceived}
		}
		if u.Applied != (slices.Contains(from, rec.State) && (u.IfRevision == nil || *u.IfRevision == rec.Revision)) {
			return fmt.Errorf("route of %d applied %v, it was %s of revision %d", id, u.Applied, rec.State, rec.Revision)
		}
		if !u.Applied {
			return nil
		}
		rec.State = u.To
		if u.Replay {
			rec.Revision++
		}
		before := r.ready()
		if err := r.m.create(rec, asked, u.Deliveries); err != nil {
			return err
		}
		for _, m := range u.Moves {
			cause := m.Cause
			if cause == 0 && m.CauseNew >= 0 && m.CauseNew < len(u.Deliveries) {
				cause = u.Deliveries[m.CauseNew].ID
			}
			if err := r.m.move(m, cause); err != nil {
				return err
			}
		}
		for _, d := range u.Deliveries {
			if got := r.m.deliveries[d.ID]; d.State != got.State || d.Code != got.Code || d.Cause != got.Cause {
				return fmt.Errorf("new delivery %d is reported as %s %s cause %d, want %s %s %d", d.ID, d.State, d.Code, d.Cause, got.State, got.Code, got.Cause)
			}
			before[d.ID] = true
		}
		return r.released(u.Released, before)
	}
}

// ready are the deliveries that are not blocked: only others can be released.
func (r *run) ready() map[int64]bool {
	clear(r.m.byHand)
	out := map[int64]bool{}
	for id, d := range r.m.deliveries {
		out[id] = d.State != ledger.Blocked
	}
	return out
}

func (r *run) released(got []ledger.Pending, before map[int64]bool) error {
	var want []int64
	for _, id := range r.m.sorted() {
		if !before[id] && !r.m.byHand[id] && r.m.deliveries[id].State == ledger.Ready {
			want = append(want, id)
		}
	}
	if !slices.Equal(ids(got), want) {
		return fmt.Errorf("released %v, want %v", ids(got), want)
	}
	return nil
}

func (r *run) moveOf(created int) *ledger.Move {
	d := r.anyDelivery()
	if d == nil {
		return nil
	}
	m := &ledger.Move{Delivery: d.ID, NeedClean: r.bool("clean"), Code: "moved", CauseNew: -1, Holds: r.bool("holds"),
		To: choose(r, "to", []ledger.State{ledger.Superseded, ledger.Withdrawn, ledger.Parked, ledger.Ready, ledger.NotNeeded, ledger.Discarded, ledger.Delivered})}
	if r.bool("from") {
		m.From = []ledger.State{choose(r, "from", ledger.States())}
	}
	switch {
	case created > 0 && r.bool("cause"):
		m.CauseNew = r.pick("cause", created)
	case r.bool("cause"):
		m.Cause = r.newer(d).ID
	}
	if r.pick("who", 4) == 0 {
		m.Who = "ann"
	}
	return m
}

// newer is a delivery after d, or d itself: causes never point back in a circle.
func (r *run) newer(d *modelDelivery) *modelDelivery {
	later := slices.DeleteFunc(r.m.sorted(), func(id int64) bool { return id < d.ID })
	return r.m.deliveries[choose(r, "newer", later)]
}

func (r *run) budget() *ledger.Budget {
	return &ledger.Budget{Connection: r.erp, Operation: "upload", Key: "b", Max: 1 + r.pick("max", 2)}
}

func (r *run) startStep() (ledger.Unit, func() error) {
	d := r.anyDelivery()
	for _, id := range r.m.sorted() {
		if ledger.CanMove(r.m.deliveries[id].State, ledger.Sending) && r.bool("this one") {
			d = r.m.deliveries[id]
			break
		}
	}
	if d == nil {
		return nil, nil
	}
	u := &ledger.Start{Delivery: d.ID, Attempt: d.Attempts + 1}
	if r.pick("wrong", 5) == 0 {
		u.Attempt += r.pick("by", 3) - 1
	}
	if r.pick("budget", 3) > 0 {
		u.Budget = r.budget()
	}
	return u, func() error { return r.m.start(u) }
}

// revision is now and then the one that a person saw.
func (r *run) revision() *int {
	if r.pick("revision", 5) > 0 {
		return nil
	}
	n := r.pick("seen", 2)
	return &n
}

func (r *run) settleStep() (ledger.Unit, func() error) {
	d := r.anyDelivery()
	if d == nil {
		return nil, nil
	}
	u := &ledger.Settle{Delivery: d.ID, To: choose(r, "to", ledger.States()), Clean: r.bool("clean"), Holds: r.bool("holds"), CountTry: r.bool("count")}
	if r.pick("from", 4) == 0 {
		u.From = []ledger.State{choose(r, "from", ledger.States())}
	}
	u.IfRevision = r.revision()
	if u.To == ledger.Superseded && r.bool("cause") {
		u.Cause = r.newer(d).ID
	}
	if u.To == ledger.Blocked {
		for range 1 + r.pick("deps", 2) {
			if dep := r.dep(0); dep != after(d.ID) {
				u.Deps = append(u.Deps, dep)
			}
		}
	}
	if r.pick("attempt", 3) == 0 {
		u.Attempt = &ledger.Attempt{Kind: "send"}
	}
	if r.pick("refund", 5) == 0 {
		u.Refund = r.budget()
	}
	if r.pick("revise", 4) == 0 {
		u.Revise = &ledger.Revision{RemoteKey: choose(r, "key", modelKeys), Generation: r.pick("generation", 3), Bump: true}
	}
	if r.bool("link") {
		u.Link = r.linkChange(d)
	}
	if r.pick("moves", 4) == 0 {
		if m := r.moveOf(0); m != nil && m.Delivery != d.ID {
			u.Moves = append(u.Moves, m)
		}
	}
	return u, func() error {
		before := r.ready()
		blocked := r.m.deliveries[d.ID].State != ledger.Blocked && u.To == ledger.Blocked
		if err := r.m.settle(u); err != nil {
			return err
		}
		if !u.Applied {
			return nil
		}
		if c := u.Link; c != nil {
			if clash := r.m.links[linkName(c.Operation, c.RemoteKey)].Doc != d.Doc; clash != c.Clash {
				return fmt.Errorf("link of %d clash %v, want %v", d.ID, c.Clash, clash)
			}
		}
		if blocked {
			before[d.ID] = false
		}
		return r.released(u.Released, before)
	}
}

func (r *run) linkChange(d *modelDelivery) *ledger.LinkChange {
	c := &ledger.LinkChange{Connection: r.erp, Operation: d.Operation, RemoteKey: choose(r, "key", modelKeys[1:]), Generation: r.pick("generation", 3),
		Applied: r.bool("applied"), Version: int64(r.pick("version", 3)), Reset: r.pick("reset", 8) == 0}
	if r.bool("ids") {
		c.RemoteIDs = []ledger.RemoteID{{Kind: "id", Value: choose(r, "id", []string{"1", "2"})}}
	}
	if r.pick("withdrawn", 4) == 0 {
		yes := r.bool("yes")
		c.Withdrawn = &yes
	}
	return c
}

func (r *run) progressStep() (ledger.Unit, func() error) {
	d := r.anyDelivery()
	if d == nil {
		return nil, nil
	}
	u := &ledger.Progress{Delivery: d.ID, Progress: []byte(choose(r, "progress", []string{"1", "2"}))}
	return u, func() error {
		d := r.m.deliveries[u.Delivery]
		if u.Applied != (d.State == ledger.Sending) {
			return fmt.Errorf("progress of %d applied %v, it was %s", d.ID, u.Applied, d.State)
		}
		if u.Applied {
			d.Progress = u.Progress
		}
		return nil
	}
}

func (r *run) lookupStep() (ledger.Unit, func() error) {
	entry := choose(r, "entry", []string{"e1", "e2"})
	u := &ledger.PutLookup{Table: r.erp, Key: entry, Value: "v", Delete: r.bool("delete")}
	return u, func() error {
		before := r.ready()
		r.m.lookups[entry] = !u.Delete
		r.m.rest()
		return r.released(u.Released, before)
	}
}

func (r *run) swap() error {
	version := r.m.vault - int64(r.pick("stale", 2))
	err := r.l.VaultSwap(r.ctx, r.erp, max(version, 0), []byte("v"))
	if max(version, 0) != r.m.vault {
		if !errors.Is(err, ledger.ErrConflict) {
			return fmt.Errorf("swap of version %d answered %w, it is %d", version, err, r.m.vault)
		}
		return nil
	}
	r.m.vault++
	return err
}

func (r *run) tick() error {
	n := r.pick("tick", 2)
	_, claimed, err := r.l.ClaimTick(r.ctx, r.erp, base.Add(time.Duration(n)*time.Minute))
	if err == nil && claimed == r.m.ticks[n] {
		err = fmt.Errorf("tick %d claimed %v, and it had been claimed: %v", n, claimed, r.m.ticks[n])
	}
	r.m.ticks[n] = true
	return err
}
