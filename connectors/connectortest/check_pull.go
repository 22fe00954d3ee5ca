package connectortest

import (
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
)

// streams checks what a connection yields.
func (r *runner) streams(t *testing.T, st Stream) {
	decl, ok := r.Connector.Stream(st.Name)
	if !ok {
		return // declaration has said so
	}
	on := func(name string, f func(h *harness)) { r.check(t, name, st.Name, f) }
	if decl.Pull {
		on("pull.resume", func(h *harness) { resume(h, st, decl) })
		on("pull.faults", func(h *harness) { pullFaults(h, st, decl) })
		on("pull.token", func(h *harness) { pullToken(h, st, decl) })
		on("ack", func(h *harness) { ack(h, st, decl) })
	}
	if decl.Hints {
		on("fetch", func(h *harness) { fetch(h, st) })
	}
	if decl.Push {
		on("receive.good", func(h *harness) { receiveGood(h, st) })
		on("receive.forged", func(h *harness) { receiveForged(h, st) })
	}
}

func (h *harness) request(st Stream, decl *connectors.Stream, cursor string) connectors.PullRequest {
	req := connectors.PullRequest{Stream: st.Name, Cursor: cursor}
	if decl.Windowed {
		req.Window = h.sys.Window
	}
	return req
}

func (h *harness) pull(st Stream, decl *connectors.Stream, cursor string) (connectors.Page, error) {
	h.Helper()
	page, err := h.conn.(connectors.Source).Pull(h.Context(), h.request(st, decl, cursor))
	h.hearError(err)
	return page, err
}

// page is one page and the cursor that asked for it.
type page struct {
	asked string
	connectors.Page
}

// pages pulls to the end. Every page is asked for twice before it is acknowledged, as
// after a crash, and must then yield at least the same items.
func (h *harness) pages(st Stream, decl *connectors.Stream) []page {
	h.Helper()
	acker, _ := h.conn.(connectors.Acker)
	var out []page
	cursor := ""
	for range 1000 {
		p, err := h.pull(st, decl, cursor)
		if err != nil {
			h.Fatalf("pull %s: %v", st.Name, err)
		}
		h.comesAgain(st, decl, page{cursor, p})
		out = append(out, page{cursor, p})
		if len(p.Acks) > 0 && acker != nil {
			if err := acker.Ack(h.Context(), p.Acks); err != nil {
				h.hearError(err)
				h.Fatalf("ack: %v", err)
			}
		}
		if !p.More {
			return out
		}
		if p.Cursor == cursor && len(p.Acks) == 0 {
			h.Fatalf("pull %s: there is more, and yet the cursor stays and nothing is to be acknowledged", st.Name)
		}
		cursor = p.Cursor
	}
	h.Fatalf("pull %s does not end", st.Name)
	return nil
}

func (h *harness) comesAgain(st Stream, decl *connectors.Stream, p page) {
	h.Helper()
	again, err := h.pull(st, decl, p.asked)
	if err != nil {
		h.Fatalf("the same cursor again: %v", err)
	}
	for _, it := range p.Items {
		if !slices.ContainsFunc(again.Items, func(o connectors.Item) bool { return equalItems(it, o) }) {
			h.Errorf("item %s is missing or another when its cursor is asked again", it.Key)
		}
	}
}

// resume: the whole is what was put there, and every cursor still serves at the end.
func resume(h *harness, st Stream, decl *connectors.Stream) {
	all := h.pages(st, decl)
	if len(all) < 2 {
		h.Errorf("%d page: put more into the system, so that a cursor is needed", len(all))
	}
	var got []string
	for _, p := range all {
		for _, it := range p.Items {
			h.item(it, decl)
			got = append(got, it.Key)
		}
		if len(p.Acks) == 0 {
			h.comesAgain(st, decl, p)
		}
	}
	want := slices.Clone(st.Want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		h.Errorf("a whole pull yields %v, want %v without gap or repeat", got, want)
	}
}

func equalItems(a, b connectors.Item) bool {
	return a.Key == b.Key && a.Root == b.Root && a.Version == b.Version && string(a.Body) == string(b.Body) && a.Deleted == b.Deleted
}

// item holds an item against its stream's declaration.
func (h *harness) item(it connectors.Item, decl *connectors.Stream) {
	h.Helper()
	switch {
	case it.Key == "":
		h.Error("an item without a key")
	case it.Deleted && it.Body != nil:
		h.Errorf("%s is deleted and has a body", it.Key)
	case it.Body == nil && !it.Deleted && !decl.Hints:
		h.Errorf("%s is a hint in a stream without hints", it.Key)
	}
}

// pullFaults: a failing pull says so, classified, and the cursor can be asked again.
func pullFaults(h *harness, st Stream, decl *connectors.Stream) {
	first, err := h.pull(st, decl, "")
	if err != nil {
		h.Fatal(err)
	}
	for kind, want := range map[simkit.Kind][]connectors.Kind{
		simkit.Status:      {connectors.Unavailable},
		simkit.BadGateway:  {connectors.Unavailable},
		simkit.Garble:      {connectors.Unreadable},
		simkit.DropAnswer:  {connectors.Unavailable},
		simkit.DropRequest: {connectors.Unavailable},
		simkit.RateLimit:   {connectors.RateLimited, connectors.Quota},
		simkit.ErrorBody:   nil,
	} {
		// Without a count: net/http itself repeats a GET when a kept connection is cut.
		h.fault(simkit.Fault{Kind: kind, Call: st.Call})
		_, err := h.pull(st, decl, "")
		h.struck()
		h.sys.Faults.Clear()
		e := connectors.AsError(err)
		switch {
		case e == nil:
			h.Errorf("after %s: no error", kind)
			continue
		case want != nil && !slices.Contains(want, e.Kind):
			h.Errorf("after %s: kind %s, want %v: %v", kind, e.Kind, want, e)
		case kind == simkit.RateLimit:
			h.limited(e)
		case kind == simkit.Garble && len(e.Raw) == 0:
			h.Error("an unreadable answer without its bytes")
		}
		again, err := h.pull(st, decl, "")
		if err != nil {
			h.Errorf("after %s was over: %v", kind, err)
		}
		if len(again.Items) < len(first.Items) {
			h.Errorf("after %s was over: %d items, want %d", kind, len(again.Items), len(first.Items))
		}
	}
}

// pullToken: readers share one renewal, too.
func pullToken(h *harness, st Stream, decl *connectors.Stream) {
	if h.sys.Renewals == nil {
		h.Skip("the system has no tokens")
	}
	if _, err := h.pull(st, decl, ""); err != nil {
		h.Fatal(err)
	}
	before := h.sys.Renewals()
	h.fault(simkit.Fault{Kind: simkit.TokenExpiry, Call: st.Call, Count: 1})
	var g errgroup.Group
	var failed atomic.Int32
	for range 20 {
		g.Go(func() error {
			if _, err := h.pull(st, decl, ""); err != nil {
				failed.Add(1)
				h.Errorf("pull: %v", err)
			}
			return nil
		})
	}
	_ = g.Wait()
	h.struck()
	if got := h.sys.Renewals() - before; got != 1 && failed.Load() == 0 {
		h.Errorf("%d renewals for one expiry, want 1", got)
	}
}

// ack: rows come again until they are acknowledged, and an acknowledgement may be
// repeated.
func ack(h *harness, st Stream, decl *connectors.Stream) {
	acker, ok := h.conn.(connectors.Acker)
	if !ok {
		h.Skip("nothing to acknowledge")
	}
	first, err := h.pull(st, decl, "")
	if err != nil {
		h.Fatal(err)
	}
	if len(first.Acks) == 0 {
		h.Skip("the stream asks for no acknowledgement")
	}
	for range 2 {
		if err := acker.Ack(h.Context(), first.Acks); err != nil {
			h.hearError(err)
			h.Fatalf("ack: %v", err)
		}
	}
	for _, p := range h.pages(st, decl) {
		for _, it := range p.Items {
			if slices.ContainsFunc(first.Items, func(o connectors.Item) bool { return equalItems(it, o) }) {
				h.Errorf("%s comes again after it was acknowledged", it.Key)
			}
		}
	}
}

// fetch: a document for every key, and a tombstone for one that is not there.
func fetch(h *harness, st Stream) {
	items, err := h.conn.(connectors.Fetcher).Fetch(h.Context(), st.Name, append(slices.Clone(st.Want[:1]), st.Missing))
	h.hearError(err)
	if err != nil {
		h.Fatal(err)
	}
	found := map[string]connectors.Item{}
	for _, it := range items {
		found[it.Key] = it
	}
	if it := found[st.Want[0]]; it.Body == nil || it.Deleted {
		h.Errorf("%s has no document: %+v", st.Want[0], it)
	}
	if it, ok := found[st.Missing]; !ok || !it.Deleted {
		h.Errorf("a key that is not there gives %+v, want a tombstone", it)
	}
}
