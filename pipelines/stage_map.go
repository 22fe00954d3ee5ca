package pipelines

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/bus"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
)

// handleRecord is the router's handler of records/CONNECTION: it maps a record, routes
// it by the flows and commits its state with all its deliveries. Records of one root
// come one after another, so events cannot overtake each other before the lane.
func (e *Engine) handleRecord(c *connection) message.NoPublishHandlerFunc {
	return func(msg *message.Message) error {
		ctx := msg.Context()
		rec, err := e.opt.Ledger.Record(ctx, bus.ID(msg))
		if err != nil {
			return err
		}
		if rec.State != ledger.RecordReceived {
			bus.Settled(msg)
			return nil
		}
		_, tr := e.begin(ctx, "map", e.opt.Now())
		route, err := e.route(ctx, c, rec, source{body: msg.Payload}, false)
		if err != nil {
			return err
		}
		if err := e.commitRoute(ctx, rec, route, tr); err != nil {
			return err
		}
		bus.Settled(msg)
		return nil
	}
}

// commitRoute writes a route and lets its deliveries into their lanes.
func (e *Engine) commitRoute(ctx context.Context, rec *ledger.Record, route *ledger.Route, tr *work) error {
	if err := e.opt.Ledger.Commit(ctx, route); err != nil {
		return err
	}
	if !route.Applied {
		return nil
	}
	tr.routed(rec, route, e.opt.Now())
	for _, d := range route.Deliveries {
		if d.State == ledger.Ready || d.State == ledger.Parked && d.Holds || d.State == ledger.Blocked && e.keepsOrder(d.Connection, d.Operation) {
			e.bus.Enqueue(ledger.Pending{Kind: "delivery", ID: d.ID, Connection: d.Connection, Source: rec.DocKey.Connection, Root: rec.Root, State: d.State, Holds: d.Holds})
		}
	}
	for _, m := range route.Moves {
		if m.Applied {
			e.leftAnywhere(ctx, rec.Root, m.Delivery)
		}
	}
	for _, p := range route.Released {
		e.bus.Enqueue(p)
	}
	return nil
}

// keepsOrder reports whether a parked or blocked delivery of the operation holds its
// lane.
func (e *Engine) keepsOrder(connection, operation string) bool {
	c := e.connections()[connection]
	if c == nil {
		return false
	}
	op, ok := c.Connector.Operation(operation)
	return ok && holds(op)
}

// route maps a record through every flow that takes its stream.
func (e *Engine) route(ctx context.Context, c *connection, rec *ledger.Record, src source, older bool) (*ledger.Route, error) {
	r := &ledger.Route{Record: rec.ID, To: ledger.RecordRouted}
	park := func(code, text string) *ledger.Route {
		r.To, r.Code, r.Text, r.Deliveries, r.Moves = ledger.RecordParked, storable(code), storable(text), nil, nil
		return r
	}
	flows := e.flowsOf(rec.DocKey.Connection, rec.Stream)
	if rec.Deleted {
		r.Code = CodeTombstone
		var err error
		if flows, src, err = e.ofDeleted(ctx, rec, flows); err != nil {
			return nil, err
		}
	}
	if len(flows) == 0 {
		r.To = ledger.RecordNoTarget
		return r, nil
	}
	tree, err := c.read(rec.Stream, src)
	if err != nil {
		return park(CodeUnreadable, err.Error()), nil
	}
	rt := &routing{e: e, ctx: ctx, rec: rec, out: r, older: older, docs: map[string]any{}}
	if err := rt.load(); err != nil {
		return nil, err
	}
	for _, f := range flows {
		if perr := rt.flow(f, tree); perr != nil {
			return park(perr.code, perr.text), nil
		}
	}
	if len(r.Deliveries) == 0 {
		r.To = ledger.RecordNoTarget
	}
	return r, nil
}

// routing is one record on its way through its flows.
type routing struct {
	e     *Engine
	ctx   context.Context
	rec   *ledger.Record
	out   *ledger.Route
	older bool           // a newer version of the record was routed already
	docs  map[string]any // canonical documents by mapping, so that flows share one
	links []ledger.Link
	rows  []ledger.Delivery // of the root, from earlier records
}

func (rt *routing) load() (err error) {
	if rt.rows, err = rt.e.opt.Ledger.RootDeliveries(rt.ctx, rt.rec.Root); err != nil || len(rt.rows) == 0 {
		return err
	}
	rt.links, err = rt.e.opt.Ledger.LinksByDoc(rt.ctx, rt.rec.Doc)
	return err
}

func (rt *routing) flow(f *flow.Flow, tree any) *prepareError {
	doc, done := rt.docs[f.Canonical.Name()]
	if !done {
		var perr *prepareError
		if doc, perr = rt.e.toCanonical(rt.rec, f, tree); perr != nil {
			rt.amount(f.Input, tree)
			rt.keys(f.Entity, f.Input, tree) // what cannot be mapped is looked for first of all
			return perr
		}
		rt.amount(f.Schema, doc)
		rt.docs[f.Canonical.Name()] = doc
		rt.keys(f.Entity, f.Schema, doc)
	}
	mc := rt.e.mapContext(rt.rec)
	if f.When != nil {
		if ok, err := f.When.Eval(doc, mc); err != nil {
			return mappingError(err)
		} else if !ok {
			return nil
		}
	}
	made := make([]int, len(f.Steps)) // index of each step's delivery in the route
	for i, s := range f.Steps {
		made[i] = len(rt.out.Deliveries)
		rt.out.Deliveries = append(rt.out.Deliveries, rt.step(f, s, doc, made))
	}
	return nil
}

// amount notes how much money the record is about, where a document of it tells.
func (rt *routing) amount(s *schemas.Schema, doc any) {
	if s == nil || rt.out.Amount.Currency != "" {
		return
	}
	if minor, currency, ok := s.Amount(doc); ok {
		rt.out.Amount = ledger.Amount{Minor: minor, Currency: currency}
	}
}

// keys adds what a document is searched by, and gives the route its label.
func (rt *routing) keys(entity string, s *schemas.Schema, doc any) {
	if s == nil {
		return
	}
	keys := s.SearchKeys(doc)
	for _, k := range keys {
		rt.out.Keys = append(rt.out.Keys, ledger.SearchKey{Kind: k.Kind, Value: storable(k.Value)})
	}
	if rt.out.Label == "" {
		rt.out.Label = storable(label(entity, keys))
	}
}

// numbers are the kinds of search key that a document of an entity is known by.
var numbers = map[string]string{"order": schemas.KindOrderNo, "after_sale": schemas.KindRefundNo, "payment": schemas.KindPaymentNo, "shipment": schemas.KindShipmentNo,
	"tracking": schemas.KindWaybill, "points": schemas.KindMovementNo, "coupon": schemas.KindCouponCode, "member": schemas.KindMemberNo,
	"product": schemas.KindProductCode, "inventory": schemas.KindSKU, "store": schemas.KindStoreCode}

// label is what people call a document: its number, or another key of it that is nobody's
// name or phone (Invariant 8: labels are stored as they are).
func label(entity string, keys []schemas.SearchKey) string {
	other := ""
	for _, k := range keys {
		switch {
		case k.Kind == numbers[entity]:
			return k.Value
		case other == "" && !schemas.Personal(k.Kind):
			other = k.Value
		}
	}
	return other
}

// step makes the delivery of one step: whatever is wrong with it is its own state, never
// the record's.
func (rt *routing) step(f *flow.Flow, s *flow.Step, doc any, made []int) *ledger.NewDelivery {
	d := &ledger.NewDelivery{Flow: f.Name, Step: s.Name, Connection: s.Connection, Operation: s.Operation, State: ledger.Ready,
		Undoes: s.Decl.Undoes, Event: s.Decl.Carries == connectors.Event, MapVersion: rt.e.mapVersion(f, s)}
	end := func(state ledger.State, code, text string) *ledger.NewDelivery {
		d.State, d.Code, d.Text = state, storable(code), storable(text)
		d.Holds = state == ledger.Parked && holds(s.Decl)
		return d
	}
	mc := rt.e.mapContext(rt.rec)
	if s.When != nil {
		if ok, err := s.When.Eval(doc, mc); err != nil {
			perr := mappingError(err)
			return end(ledger.Parked, perr.code, perr.text)
		} else if !ok {
			return end(ledger.Filtered, CodeFiltered, "")
		}
	}
	if s.Mode == flow.Off {
		return end(ledger.Filtered, CodeTargetOff, "")
	}
	key, perr := rt.key(s, doc)
	if perr != nil {
		return end(ledger.Parked, perr.code, perr.text)
	}
	d.RemoteKey, d.Generation = key, rt.generation(s, key)
	d.Claim = s.Mode == flow.On
	if !s.Late {
		p, perr := rt.e.toTarget(rt.rec, f, s, doc, key, d.Generation, rt.links)
		switch {
		case perr != nil && len(perr.deps) > 0:
			end(ledger.Blocked, perr.code, perr.text)
			d.Deps = append(d.Deps, perr.deps...)
		case perr != nil:
			return end(ledger.Parked, perr.code, perr.text)
		default:
			d.Payload, d.Digest, d.MapVersion = p.doc, p.digest, p.version
		}
	}
	if s.Mode == flow.Shadow {
		return end(ledger.Filtered, CodeShadow, "")
	}
	if s.Hold != nil {
		if held, err := s.Hold.Eval(doc, mc); err != nil {
			perr := mappingError(err)
			return end(ledger.Parked, perr.code, perr.text)
		} else if held {
			end(ledger.Blocked, CodeHeldByFlow, "waits for a newer version: "+s.HoldText)
			d.Deps = append(d.Deps, ledger.Dep{Kind: ledger.DepNewer, Key: s.Name})
		}
	}
	if rt.older && s.Decl.Carries == connectors.State {
		d.Deps = nil
		return end(ledger.Superseded, CodeNewer, "a newer version was mapped before")
	}
	rt.after(d, s, made)
	rt.overtake(d, s)
	return d
}

// key builds the remote key, checks the target's rule, and keeps what was used at the
// first send: it is frozen there.
func (rt *routing) key(s *flow.Step, doc any) (string, *prepareError) {
	operation := s.Operation
	if s.Undoes != nil {
		operation = s.Undoes.Operation
	}
	for _, l := range rt.links {
		if l.Connection == s.Connection && l.Operation == operation {
			return l.RemoteKey, nil
		}
	}
	key, err := s.Key.Eval(doc, rt.e.mapContext(rt.rec))
	if err != nil {
		return "", mappingError(err)
	}
	rule := s.Decl.Key
	if key != storable(key) {
		return "", &prepareError{code: CodeKey, text: "the remote key holds characters that cannot be stored"}
	}
	if rule.MaxLen > 0 && len(key) > rule.MaxLen {
		return "", &prepareError{code: CodeKey, text: fmt.Sprintf("the remote key has %d bytes, %s allows %d; shorten the flow's `key:`", len(key), s.Name, rule.MaxLen)}
	}
	if rule.Pattern != "" && !rt.e.pattern(rule.Pattern).MatchString(key) {
		return "", &prepareError{code: CodeKey, text: fmt.Sprintf("the remote key breaks the rule of %s: %s", s.Name, rule.Text)}
	}
	return key, nil
}

func (rt *routing) generation(s *flow.Step, key string) int {
	operation := s.Operation
	if s.Undoes != nil {
		operation = s.Undoes.Operation
	}
	g := 0
	for _, l := range rt.links {
		if l.Connection == s.Connection && l.Operation == operation && l.RemoteKey == key {
			g = max(g, l.Generation)
		}
	}
	return g
}

// after ties a delivery to the deliveries it waits for.
func (rt *routing) after(d *ledger.NewDelivery, s *flow.Step, made []int) {
	for _, a := range s.After {
		before := rt.out.Deliveries[made[a.Step.Index]]
		if before.State == ledger.Filtered {
			if !a.Required {
				continue
			}
			d.Deps = append(d.Deps, rt.earlier(a.Step))
		} else {
			d.Deps = append(d.Deps, ledger.Dep{Kind: ledger.DepPredecessor, Key: fmt.Sprintf("#%d", made[a.Step.Index])})
		}
		if d.State == ledger.Ready {
			d.State, d.Code, d.Text = ledger.Blocked, CodeWaitsFor, "waits for "+a.Step.Name
		}
	}
}

// earlier finds what a required predecessor stands for when this version does not need
// it: the last delivery that an earlier version made of it, or a version to come.
func (rt *routing) earlier(s *flow.Step) ledger.Dep {
	for i := range slices.Backward(rt.rows) {
		r := &rt.rows[i]
		if r.Flow == s.Flow && r.Step == s.Name && r.Doc == rt.rec.Doc && r.State != ledger.Filtered {
			return ledger.Dep{Kind: ledger.DepPredecessor, Key: strconv.FormatInt(r.ID, 10)}
		}
	}
	return ledger.Dep{Kind: ledger.DepNewer, Key: s.Name}
}

// overtake ends older deliveries of the same operation and key that stand outside the
// lanes, blocked or parked, when this one carries a newer state (Invariant 4); those in
// the lanes are looked at when their turn comes.
func (rt *routing) overtake(d *ledger.NewDelivery, s *flow.Step) {
	if s.Decl.Carries != connectors.State {
		return
	}
	for i := range rt.rows {
		r := &rt.rows[i]
		if r.Connection != d.Connection || r.Operation != d.Operation || r.RemoteKey != d.RemoteKey || r.Doc != rt.rec.Doc {
			continue
		}
		if r.State != ledger.Blocked && r.State != ledger.Parked || r.Version > rt.rec.Version {
			continue
		}
		rt.out.Moves = append(rt.out.Moves, &ledger.Move{Delivery: r.ID, From: []ledger.State{ledger.Blocked, ledger.Parked}, NeedClean: true,
			To: ledger.Superseded, Code: CodeNewer, Text: "a newer version took over", CauseNew: len(rt.out.Deliveries)})
	}
}

func (e *Engine) pattern(p string) *regexp.Regexp {
	e.mu.Lock()
	defer e.mu.Unlock()
	re := e.patterns[p]
	if re == nil {
		re = regexp.MustCompile("^(?:" + strings.TrimSuffix(strings.TrimPrefix(p, "^"), "$") + ")$")
		e.patterns[p] = re
	}
	return re
}
