package app

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/cmd/minihub/internal/api"
)

// rateSpan is over how long the picture of the flows measures.
const rateSpan = 5 * time.Minute

// flowing remembers how much was done when, for the rates of the picture. It is fed with
// what the alarms look at anyway.
type flowing struct {
	mu   sync.Mutex
	past []moment // oldest first; the first is at least a span old where there is one
}

type edgeKey struct{ kind, connection, name string }

type moment struct {
	at   time.Time
	done map[edgeKey]int64
}

func finished(c alarm.Count) bool {
	switch c.State {
	case "routed", "no_target", "delivered", "unchanged":
		return true
	}
	return false
}

func doneOf(counts []alarm.Count) map[edgeKey]int64 {
	out := map[edgeKey]int64{}
	for _, c := range counts {
		if finished(c) {
			out[edgeKey{c.Kind, c.Connection, c.Name}] += c.N
		}
	}
	return out
}

func (f *flowing) observe(counts []alarm.Count, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.past = append(f.past, moment{now, doneOf(counts)})
	for len(f.past) > 1 && now.Sub(f.past[1].at) >= rateSpan {
		f.past = f.past[1:]
	}
}

// rates is what was done a minute since the oldest moment that is remembered.
func (f *flowing) rates(counts []alarm.Count, now time.Time) map[edgeKey]float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[edgeKey]float64{}
	if len(f.past) == 0 || !now.After(f.past[0].at) {
		return out
	}
	first := f.past[0]
	for k, n := range doneOf(counts) {
		// Too short a time makes no rate.
		out[k] = max(0, float64(n-first.done[k])/max(now.Sub(first.at), 10*time.Second).Minutes())
	}
	return out
}

// FlowsNow says what moves along the flows; it looks at no row of the store.
func (a *App) FlowsNow(ctx context.Context) (*api.FlowsNow, error) {
	now := time.Now()
	counts, err := a.levels.read(ctx, now)
	if err != nil {
		return nil, err
	}
	gates, err := a.ledger.Gates(ctx)
	if err != nil {
		return nil, err
	}
	rates := a.flowing.rates(counts, now)
	edges := map[edgeKey]*api.Edge{}
	for _, c := range counts {
		if c.Kind != "record" && c.Kind != "delivery" {
			continue
		}
		k := edgeKey{c.Kind, c.Connection, c.Name}
		if edges[k] == nil {
			edges[k] = &api.Edge{Kind: c.Kind, Connection: c.Connection, Name: c.Name, PerMinute: rates[k]}
		}
		add(edges[k], c)
	}
	s := a.engine.Standing()
	out := &api.FlowsNow{At: now, Revision: s.Revision, Canary: s.Canary, Edges: []api.Edge{}, Gates: []api.FlowGate{}}
	for _, e := range edges {
		if e.Kind == "record" {
			e.Kind = "message"
		}
		out.Edges = append(out.Edges, *e)
	}
	slices.SortFunc(out.Edges, func(a, b api.Edge) int {
		return strings.Compare(a.Kind+a.Connection+"."+a.Name, b.Kind+b.Connection+"."+b.Name)
	})
	for _, g := range gates {
		out.Gates = append(out.Gates, api.FlowGate{Connection: g.Connection, Operation: g.Operation, Reason: g.Reason, Code: g.Code, Since: g.Since})
	}
	return out, nil
}

// add counts rows of one state into an edge.
func add(e *api.Edge, c alarm.Count) {
	switch c.State {
	case "parked", "unknown":
		e.Stuck += c.N
		return
	case "ready", "sending", "accepted", "waiting", "received", "blocked":
		e.Open += c.N
	default:
		if finished(c) {
			e.Done += c.N
		}
		return
	}
	if !c.Oldest.IsZero() && (e.Oldest.IsZero() || c.Oldest.Before(e.Oldest)) {
		e.Oldest = c.Oldest
	}
}
