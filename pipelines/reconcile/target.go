package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
)

// target is one operation of one connection, and the steps that deliver to it.
type target struct {
	*run
	connection, operation string
	connector             *connectors.Connector
	decl                  *connectors.Operation
	view                  *view
	steps                 []*targetStep
	docs                  map[int64]bool  // record keys that were compared
	explained             map[string]bool // keys that belong to them
	pending               []*expectation  // not in the list: to be asked for by key
}

type targetStep struct {
	flow  *flow.Flow
	step  *flow.Step
	place Place
	form  *keyForm // nil: nobody can tell its keys from others
}

// targets groups the steps by what they deliver to. A step that undoes another is
// looked at with the other.
func (r *run) targets() []*target {
	var out []*target
	at := map[[2]string]*target{}
	for _, f := range r.flows {
		for _, s := range f.Steps {
			if s.Decl == nil || s.Decl.Undoes != "" {
				continue
			}
			k := [2]string{s.Connection, s.Operation}
			t := at[k]
			if t == nil {
				t = &target{run: r, connection: s.Connection, operation: s.Operation, decl: s.Decl,
					docs: map[int64]bool{}, explained: map[string]bool{}}
				at[k] = t
				out = append(out, t)
			}
			st := &targetStep{flow: f, step: s, place: Place{Flow: f.Name, Step: s.Name, Connection: s.Connection, Name: s.Operation, Role: RoleTarget}}
			if s.Key != nil {
				st.form = newKeyForm(s.Key.Text(), s.Decl)
			}
			t.steps = append(t.steps, st)
		}
	}
	return out
}

func (t *target) compare(ctx context.Context) error {
	conn, connector, ok := t.r.opt.Engine.Conn(t.connection)
	var on []*targetStep
	for _, st := range t.steps {
		switch {
		case !ok:
			t.book.notCompared(st.place, "target", 0, "", "the connection is not there any more")
		case st.step.Mode == flow.Off || st.step.Mode == flow.Shadow:
			t.book.notCompared(st.place, "target", 0, "", fmt.Sprintf("the target's mode is %s: nothing was sent to it", st.step.Mode))
		default:
			on = append(on, st)
		}
	}
	if t.steps = on; len(on) == 0 {
		return nil
	}
	t.connector = connector
	t.view = operationView(t.run, t.connection, conn, t.decl)
	if err := t.list(ctx); err != nil {
		return err
	}
	for _, st := range t.steps {
		for _, of := range st.flow.Sources {
			if err := t.expectAll(ctx, st, t.sources[of]); err != nil {
				return err
			}
		}
	}
	if err := t.leftovers(ctx); err != nil {
		return err
	}
	if err := t.ask(ctx); err != nil {
		return err
	}
	for _, st := range t.steps {
		side := t.book.side(st.place)
		side.Listed, side.ByKey, side.CanList, side.Complete = t.view.listed, t.view.asked, t.decl.List.Can && t.view.querier != nil, t.view.complete
	}
	return nil
}

// list reads the target's list over the window and a margin around it, because its
// clock and its times are not the source's.
func (t *target) list(ctx context.Context) error {
	if t.view.querier == nil {
		for _, st := range t.steps {
			t.book.notCompared(st.place, "target", 0, "", reasonOr(t.decl.List.Reason, "the connection answers no questions about what it holds")+": nothing of it is compared")
		}
		return nil
	}
	if !t.decl.List.Can {
		for _, st := range t.steps {
			t.book.notCompared(st.place, "list", 0, "", reasonOr(t.decl.List.Reason, "the connection cannot be listed")+
				": compared by key only; doubles and orphans cannot be seen")
		}
		return nil
	}
	to := t.to.Add(t.r.opt.Margin)
	if to.After(t.now) {
		to = t.now
	}
	if err := t.view.list(ctx, t.from.Add(-t.r.opt.Margin), to); err != nil {
		return err
	}
	if t.view.fault != nil {
		t.rep.Partial = true
		code, text := reason(t.view.fault)
		for _, st := range t.steps {
			t.book.notCompared(st.place, "list", 0, code, "the list ended early: "+text)
		}
	}
	return nil
}

// expectAll holds a source's documents against the target.
func (t *target) expectAll(ctx context.Context, st *targetStep, src *source) error {
	for i, key := range slices.Sorted(maps.Keys(src.docs)) {
		d := src.docs[key]
		if d.rec == nil {
			continue // never pulled: said of the source
		}
		t.docs[d.rec.doc] = true
		if d.late {
			continue
		}
		e, err := t.judge(ctx, st, d)
		if err != nil {
			return err
		}
		e.counted = true
		if err := t.weigh(ctx, e); err != nil {
			return err
		}
		if i%1000 == 0 {
			t.tell(Progress{Stage: "compare", Connection: t.connection, Name: t.operation, Rows: i})
		}
	}
	return ctx.Err()
}

// weigh compares with what the list showed, or puts the document off until it has been
// asked for by key.
func (t *target) weigh(ctx context.Context, e *expectation) error {
	if e.key != "" {
		t.explained[e.key] = true
		e.st.learn(e.base, e.doc)
	}
	if err := t.olderGenerations(ctx, e); err != nil {
		return err
	}
	if !e.needsRows() {
		return t.conclude(ctx, e, nil)
	}
	rows, err := t.view.settled(ctx, e.key)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		t.pending = append(t.pending, e)
		return nil
	}
	return t.conclude(ctx, e, rows)
}

// olderGenerations finds what a newer generation of its key has replaced.
func (t *target) olderGenerations(ctx context.Context, e *expectation) error {
	for g := range e.generation {
		key := keyOf(t.decl, e.base, g)
		t.explained[key] = true
		rows, err := t.view.settled(ctx, key)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.status == open && e.state != inFlight {
				f := e.finding(CancelledAlive, WhyGeneration, "", "it was replaced by a newer generation of its key and is still alive")
				f.Key, f.RemoteIDs = key, remoteIDs(r.ids)
				t.book.find(f)
			}
		}
	}
	return nil
}

// ask asks for what the list did not show: it changed outside the list's window, or the
// target cannot list.
func (t *target) ask(ctx context.Context) error {
	keys := make([]string, len(t.pending))
	for i, e := range t.pending {
		keys[i] = e.key
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	got, answered, err := t.view.get(ctx, keys)
	if err != nil {
		return err
	}
	sure := map[string]bool{}
	for _, k := range keys[:answered] {
		sure[k] = true
	}
	missed := map[*targetStep]int{}
	for _, e := range t.pending {
		if !sure[e.key] && !e.provenAbsent(t.view) {
			missed[e.st]++
			e.undecided(t.book)
			continue
		}
		if err := t.conclude(ctx, e, got[e.key]); err != nil {
			return err
		}
	}
	t.pending = nil
	for _, st := range t.steps {
		if n := missed[st]; n > 0 && t.view.querier != nil {
			code, text := reason(t.view.refused)
			if !structural(t.view.refused) {
				t.rep.Partial = true
			}
			t.book.notCompared(st.place, "get", n, code, "whether the target has them is not known: "+text)
		}
	}
	return nil
}
