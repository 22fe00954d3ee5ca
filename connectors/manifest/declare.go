package manifest

import (
	"context"
	"time"

	"github.com/minihub/minihub/connectors"
)

// connector declares what the manifest says.
func (m *spec) connector() *connectors.Connector {
	c := &connectors.Connector{Name: m.Name, Title: m.Title, Role: m.Role, Text: m.Text, Docs: m.Docs}
	for _, f := range m.Config {
		kind := connectors.FieldKind(f.value.Kind)
		if kind == "" {
			kind = connectors.FieldString
		}
		c.Config = append(c.Config, connectors.Field{Name: f.name, Kind: kind, Required: f.value.Required, Default: f.value.Default,
			Enum: f.value.Enum, Text: f.value.Text, Example: f.value.Example})
	}
	for _, l := range m.Limits {
		c.Limits = append(c.Limits, connectors.Limit{Name: l.name, Requests: l.value.Requests, Per: l.value.Per.Duration, Concurrent: l.value.Concurrent, Text: l.value.Text})
	}
	for i := range m.Streams {
		c.Streams = append(c.Streams, m.stream(m.Streams[i].name, &m.Streams[i].value))
	}
	for i := range m.Operations {
		c.Operations = append(c.Operations, m.Operations[i].value.operation(m.Operations[i].name))
	}
	c.Open = func(ctx context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
		return open(ctx, m, cfg, env)
	}
	return c
}

func (m *spec) stream(name string, s *streamSpec) connectors.Stream {
	out := connectors.Stream{
		Name: name, Entity: s.Entity, Text: s.Text, Schema: s.Schema,
		Pull: s.List != nil, Push: m.pushes(name), Hints: s.Hints || m.hints(name),
		RootEntity: s.RootEntity, Also: s.Also, PullUses: uses(s.Uses.Pull), FetchUses: uses(s.Uses.Fetch),
		List: listing(s.Reconcile, s.Unlisted),
	}
	if s.Fetch != nil {
		out.FetchBatch = max(1, s.Fetch.Batch)
	}
	if w := s.Window; w != nil {
		out.Windowed, out.MaxSpan, out.Overlap, out.Delay, out.Grain = true, w.Span.Duration, w.Overlap.Duration, w.Delay.Duration, w.grain()
	}
	if s.Rescan != nil {
		out.Complete = s.Rescan.Complete
	}
	return out
}

func (w *windowSpec) grain() time.Duration {
	if w.Grain.Duration == 0 {
		return time.Second
	}
	return w.Grain.Duration
}

// pushes reports whether a callback brings items of the stream, hints whether only keys.
func (m *spec) pushes(stream string) bool {
	for i := range m.Callbacks {
		if it := m.Callbacks[i].value.Items; it != nil && it.Stream == stream {
			return true
		}
	}
	return false
}

func (m *spec) hints(stream string) bool {
	for i := range m.Callbacks {
		if it := m.Callbacks[i].value.Items; it != nil && it.Stream == stream && it.Hint {
			return true
		}
	}
	return false
}

func uses(costs named[int]) []connectors.Use {
	var out []connectors.Use
	for _, c := range costs {
		out = append(out, connectors.Use{Limit: c.name, Cost: c.value})
	}
	return out
}

func listing(r *reconcileSpec, reason string) connectors.Listing {
	if r == nil {
		return connectors.Listing{Reason: reason}
	}
	return connectors.Listing{Can: true, By: r.By}
}

func (o *operationSpec) operation(name string) connectors.Operation {
	out := connectors.Operation{
		Name: name, Entity: o.Entity, Text: o.Text, Schema: o.Schema,
		Carries: connectors.Carries(o.Carries), Changes: connectors.Changes(o.Changes), Undoes: o.Undoes, AnyOrder: o.AnyOrder,
		Repeat: connectors.Repeat(o.Repeat), IdempotentFor: o.IdempotentFor.Duration, Settle: o.Settle.Duration, Always: o.Always,
		Budget: o.Budget, BudgetKey: o.BudgetKey,
		Batch: o.Batch, Linger: o.Linger.Duration, Timeout: o.Timeout.Duration,
		Uses: uses(o.Uses.Send), LookupUses: uses(o.Uses.Lookup), PollUses: uses(o.Uses.Poll),
		Key:  connectors.KeyRule{MaxLen: o.Key.Max, Pattern: o.Key.Pattern, Text: o.Key.Text, GenSep: o.Key.GenSep},
		List: listing(o.Reconcile, o.Unlisted),
	}
	if o.Poll != nil {
		out.Poll = o.Poll.Every.Duration
	}
	return out
}
