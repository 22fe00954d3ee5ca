package pipelines

import (
	"context"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/bus"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// standing reports whether a link says that the target has what was created.
func standing(l *ledger.Link) bool { return l != nil && l.Applied != 0 && !l.Withdrawn }

// overtaken looks at what came after this delivery: a newer version of a state, or a
// cancel of something that surely had no effect (Invariant 4).
func (t *turn) overtaken(ctx context.Context) (next, bool, error) {
	if !t.d.Clean || !t.mayBeOvertaken() {
		return next{}, false, nil
	}
	rows, err := t.e.opt.Ledger.RootDeliveries(ctx, t.d.Root)
	if err != nil {
		return next{}, false, err
	}
	for i := range rows {
		r := &rows[i]
		if r.Connection != t.d.Connection || r.ID <= t.d.ID || r.RemoteKey != t.d.RemoteKey || r.State.Final() || r.State == ledger.Parked ||
			r.Doc == t.d.Doc && r.Version < t.d.Version {
			continue
		}
		if r.Operation == t.d.Operation && t.op.Carries == connectors.State {
			n, err := t.supersede(ctx, CodeNewer, "a newer version took over", r.ID)
			return n, true, err
		}
		// The undo of a redo (it has a cause) makes room; it cancels nothing.
		if r.Undoes == t.d.Operation && r.Cause == 0 && r.Code != CodeHeldByFlow {
			n, err := t.withdraw(ctx, r)
			return n, true, err
		}
	}
	return next{}, false, nil
}

// mayBeOvertaken spares the others a look at the root: what came later stands behind in
// the lane, unless it is blocked, by the flow's hold or as a cancel that waits.
func (t *turn) mayBeOvertaken() bool {
	step := t.e.step(t.d)
	undone := step != nil && step.UndoneBy != nil
	if t.op.Carries == connectors.Event && !undone {
		return false
	}
	return bus.Behind(t.msg) > 0 || undone || step != nil && step.Hold != nil
}

// withdraw ends a create that surely had no effect and the cancel behind it together;
// the link remembers, so that a late create ends superseded. Where an earlier version
// stands at the target, only this one ends: the cancel goes out for the other.
func (t *turn) withdraw(ctx context.Context, cancel *ledger.Delivery) (next, error) {
	link, err := t.link(ctx, t.op.Name)
	if err != nil {
		return next{}, err
	}
	if standing(link) {
		return t.supersede(ctx, CodeUndone, "it was cancelled before this version was sent", cancel.ID)
	}
	s := t.settle(ledger.Withdrawn)
	s.From = []ledger.State{ledger.Ready, ledger.Waiting}
	s.Code, s.Text, s.Cause, s.Clean = CodeUndone, "cancelled before it was sent", cancel.ID, true
	s.Attempt = t.attempt("job", t.e.opt.Now(), s.To, s.Code, s.Text)
	yes := true
	s.Link = &ledger.LinkChange{Connection: t.d.Connection, Operation: t.d.Operation, RemoteKey: t.d.RemoteKey,
		Generation: t.d.Generation, Withdrawn: &yes}
	s.Moves = []*ledger.Move{{Delivery: cancel.ID, From: []ledger.State{ledger.Ready, ledger.Blocked}, NeedClean: true, To: ledger.NotNeeded,
		Code: CodeNothingToUndo, Text: "what it cancels was never sent", Cause: t.d.ID, CauseNew: -1}}
	return t.commit(ctx, s)
}

// notNeeded ends a cancel whose create never took effect, and withdraws what of it is
// still unsent.
func (t *turn) notNeeded(ctx context.Context, created *ledger.Link) (next, error) {
	if t.redone() {
		return t.end(ctx, ledger.NotNeeded, CodeNothingToUndo, "it is undone already", 0)
	}
	s := t.settle(ledger.NotNeeded)
	s.From = []ledger.State{ledger.Ready, ledger.Waiting}
	s.Code, s.Text, s.Clean = CodeNothingToUndo, "what it cancels was never sent", true
	if created != nil && created.Withdrawn {
		s.Text = "it is cancelled already"
	}
	unsure, err := t.withdrawUnsent(ctx, s)
	if err != nil {
		return next{}, err
	}
	if unsure {
		// Parked after an attempt whose effect nobody knows: the cancel must wait.
		return next{later: t.e.opt.Now().Add(t.e.opt.Retry.Max)}, nil
	}
	s.Attempt = t.attempt("job", t.e.opt.Now(), s.To, s.Code, s.Text)
	yes := true
	s.Link = &ledger.LinkChange{Connection: t.d.Connection, Operation: t.op.Undoes, RemoteKey: t.d.RemoteKey,
		Generation: t.d.Generation, Withdrawn: &yes}
	return t.commit(ctx, s)
}

// withdrawUnsent ends, with the unit, every delivery that this one undoes and that
// surely had no effect. It reports one that may have had one.
func (t *turn) withdrawUnsent(ctx context.Context, s *ledger.Settle) (unsure bool, err error) {
	rows, err := t.e.opt.Ledger.RootDeliveries(ctx, t.d.Root)
	if err != nil {
		return false, err
	}
	for i := range rows {
		r := &rows[i]
		if r.Connection != t.d.Connection || r.Operation != t.op.Undoes || r.RemoteKey != t.d.RemoteKey || r.State.Final() {
			continue
		}
		unsure = unsure || !r.Clean && r.State == ledger.Parked
		s.Moves = append(s.Moves, &ledger.Move{Delivery: r.ID, From: []ledger.State{ledger.Blocked, ledger.Ready, ledger.Waiting, ledger.Parked},
			NeedClean: true, To: ledger.Withdrawn, Code: CodeUndone, Text: "cancelled before it was sent", Cause: t.d.ID, CauseNew: -1})
	}
	return unsure, nil
}

// undone says in the link of what was undone that it is: for ever, or to make room for
// a new create under the next generation of its key.
func (t *turn) undone(ctx context.Context, s *ledger.Settle) error {
	s.Link.Operation, s.Link.Applied = t.op.Undoes, false
	if t.redone() {
		s.Link.Reset, s.Link.Generation = true, t.d.Generation+1
		return nil
	}
	yes := true
	s.Link.Withdrawn = &yes
	// A version that waits for a person or a newer one shall not come to life again.
	_, err := t.withdrawUnsent(ctx, s)
	return err
}

// redone reports whether this undo makes room for a new create.
func (t *turn) redone() bool { return t.op.Undoes != "" && t.d.Cause != 0 }

// late ends what came too late: undone before, or older than what was applied.
func (t *turn) late(ctx context.Context, link *ledger.Link) (next, bool, error) {
	if link == nil || t.op.Carries != connectors.State {
		return next{}, false, nil
	}
	end := func(code, text string, cause int64) (next, bool, error) {
		n, err := t.end(ctx, ledger.Superseded, code, text, cause)
		return n, true, err
	}
	if link.Withdrawn && t.op.Undoes == "" && t.d.Generation <= link.Generation {
		cause := link.WithdrawnBy
		if cause == 0 {
			cause = link.Applied
		}
		return end(CodeUndoneBefore, "it was cancelled before", cause)
	}
	if link.Applied == 0 || link.Applied == t.d.ID || link.Doc != t.d.Doc {
		return next{}, false, nil
	}
	if link.Version > t.d.Version || link.Version == t.d.Version && link.Applied > t.d.ID && t.op.Undoes == "" {
		return end(CodeOlder, "a newer version was delivered already", link.Applied)
	}
	return next{}, false, nil
}

// end settles a turn that sends nothing.
func (t *turn) end(ctx context.Context, to ledger.State, code, text string, cause int64) (next, error) {
	s := t.settle(to)
	s.From = []ledger.State{ledger.Ready, ledger.Waiting}
	s.Code, s.Text, s.Cause, s.Clean = code, text, cause, t.d.Clean
	s.Attempt = t.attempt("job", t.e.opt.Now(), to, code, text)
	return t.commit(ctx, s)
}

// lift takes the delivery to the generation its key has come to: an undo has made the
// former one unusable since it was routed.
func (t *turn) lift(link *ledger.Link) {
	if link == nil || link.Generation <= t.d.Generation || !t.d.Clean {
		return
	}
	t.d.Generation = link.Generation
	t.d.Payload, t.doc = ledger.Ref{}, nil // the key stands in the document
}

// changed compares with what the target has: equal, or changed after a create that
// cannot be changed (Invariant 3).
func (t *turn) changed(ctx context.Context, link *ledger.Link) (next, bool, error) {
	if t.op.Undoes != "" || link == nil || link.Applied == 0 || link.Applied == t.d.ID {
		return next{}, false, nil
	}
	if link.Digest == t.d.Digest && t.d.Revision == 0 {
		n, err := t.end(ctx, ledger.Unchanged, CodeUnchangedSame, "equal to what was delivered last", link.Applied)
		return n, true, err
	}
	if t.op.Changes != connectors.CreateOnly {
		return next{}, false, nil
	}
	step := t.e.step(t.d)
	onChange := flow.Park
	if step != nil && step.OnChange != "" {
		onChange = step.OnChange
	}
	var n next
	var err error
	switch onChange {
	case flow.Ignore:
		n, err = t.end(ctx, ledger.Unchanged, CodeChangeIgnored, "changed after it was created; the flow says ignore", link.Applied)
	case flow.Redo:
		n, err = t.redo(ctx, step, link)
	default:
		n, err = t.park(ctx, CodeChangedLater, "the document changed after it was created at the target")
	}
	return n, true, err
}

// redo undoes what was created and creates it again under the next generation of its
// key, because a cancelled key can often not be used again.
func (t *turn) redo(ctx context.Context, step *flow.Step, link *ledger.Link) (next, error) {
	undo := step.UndoneBy
	if undo == nil {
		return t.park(ctx, CodeRedo, "the flow says redo, but has no step that undoes "+step.Name)
	}
	rec, err := t.e.opt.Ledger.Record(ctx, t.d.Record)
	if err != nil {
		return next{}, err
	}
	gone, err := t.e.prepare(ctx, rec, undo, t.d.RemoteKey, link.Generation)
	if err != nil {
		return t.unmapped(ctx, err)
	}
	fresh, err := t.e.prepare(ctx, rec, step, t.d.RemoteKey, link.Generation+1)
	if err != nil {
		return t.unmapped(ctx, err)
	}
	s := t.settle(ledger.Blocked)
	s.From = []ledger.State{ledger.Ready, ledger.Waiting}
	s.Code, s.Text, s.Clean = CodeRedo, "is undone first, then created again", true
	s.Revise = &ledger.Revision{Payload: fresh.doc, Digest: fresh.digest, MapVersion: fresh.version, Generation: link.Generation + 1}
	s.Spawn = []*ledger.NewDelivery{{
		Flow: t.d.Flow, Step: undo.Name, Connection: undo.Connection, Operation: undo.Operation,
		RemoteKey: t.d.RemoteKey, Generation: link.Generation, State: ledger.Ready, Code: CodeRedo,
		Payload: gone.doc, Digest: gone.digest, MapVersion: gone.version, Claim: true, Undoes: t.op.Name, Cause: t.d.ID,
	}}
	s.Deps = []ledger.Dep{{Kind: ledger.DepPredecessor, Key: "#0"}}
	if err := t.undoAgain(ctx, s, undo); err != nil {
		return next{}, err
	}
	s.Attempt = t.attempt("job", t.e.opt.Now(), s.To, s.Code, s.Text)
	n, err := t.commit(ctx, s)
	if err == nil && s.Applied {
		t.e.bus.Enqueue(ledger.Pending{Kind: "delivery", ID: s.Spawn[0].ID, Connection: undo.Connection, Source: t.d.Source, Root: t.d.Root, State: ledger.Ready})
	}
	return n, err
}

// undoAgain ends a refused undo of an earlier redo: a new one is tried for this version.
func (t *turn) undoAgain(ctx context.Context, s *ledger.Settle, undo *flow.Step) error {
	rows, err := t.e.opt.Ledger.RootDeliveries(ctx, t.d.Root)
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		if r.Connection == undo.Connection && r.Operation == undo.Operation && r.RemoteKey == t.d.RemoteKey && r.State == ledger.Parked {
			s.Moves = append(s.Moves, &ledger.Move{Delivery: r.ID, From: []ledger.State{ledger.Parked}, NeedClean: true,
				To: ledger.Superseded, Code: CodeNewer, Text: "a newer version is undone and made again", Cause: t.d.ID, CauseNew: -1})
		}
	}
	return nil
}
