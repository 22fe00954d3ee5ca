package pipelines_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// unstamped is a shop that lists its paid orders, two a page, and says neither when nor
// that one changed.
type unstamped struct {
	docs    map[string]shopDoc
	mu      sync.Mutex // batches are fetched side by side
	fetched []string
	scans   int
}

func (s *unstamped) Close() error { return nil }

func (s *unstamped) item(d shopDoc) connectors.Item {
	b, _ := json.Marshal(d)
	return connectors.Item{Key: d.No, Body: b, Final: d.Status == "completed"}
}

func (s *unstamped) Pull(_ context.Context, req connectors.PullRequest) (p connectors.Page, err error) {
	var open []string
	for no, d := range s.docs {
		if d.Status == "paid" {
			open = append(open, no)
		}
	}
	slices.Sort(open)
	from := 0
	if req.Cursor == "" {
		s.scans++
	} else if from, err = strconv.Atoi(req.Cursor); err != nil {
		return p, err
	}
	to := min(from+2, len(open))
	for _, no := range open[from:to] {
		p.Items = append(p.Items, s.item(s.docs[no]))
	}
	if p.More = to < len(open); p.More {
		p.Cursor = strconv.Itoa(to)
	}
	return p, nil
}

func (s *unstamped) Fetch(_ context.Context, _ string, keys []string) (out []connectors.Item, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		s.fetched = append(s.fetched, k)
		if d, ok := s.docs[k]; ok {
			out = append(out, s.item(d))
		} else {
			out = append(out, connectors.Item{Key: k, Deleted: true})
		}
	}
	return out, nil
}

// TestACompleteStreamNoticesWhatLeftItsList re-reads a list without times of change: what
// is the same makes no record, what left the list is fetched until it is final or gone.
func TestACompleteStreamNoticesWhatLeftItsList(t *testing.T) {
	src := &unstamped{docs: map[string]shopDoc{}}
	w := newWorld(t, pushFlow, nil, func(w *world) {
		w.sc = &connectors.Connector{Name: "unstamped", Streams: []connectors.Stream{
			{Name: "orders", Entity: "order", Pull: true, Complete: true, FetchBatch: 10, List: noList}}}
		w.opt.Connections[0].Connector, w.opt.Connections[0].Conn = w.sc, src
	})
	set := func(no, status string) { src.docs[no] = shopDoc{No: no, Status: status, Fen: 100} }
	pull := func(step string, fresh, repeats int, fetched ...string) {
		t.Helper()
		src.fetched = nil
		counts, err := w.eng.Pull(t.Context(), "shop", "orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		w.rest()
		slices.Sort(src.fetched)
		if d := cmp.Diff([]any{fresh, repeats, fmt.Sprint(fetched)}, []any{counts.New, counts.Repeats, fmt.Sprint(src.fetched)}); d != "" {
			t.Fatalf("%s: new, repeats, fetched (-want +got):\n%s", step, d)
		}
	}
	for i := range 5 {
		set(fmt.Sprint(i), "paid")
	}
	pull("first", 5, 0)
	pull("again", 0, 5)
	set("1", "cancelled")
	set("2", "completed")
	delete(src.docs, "3")
	pull("left the list", 0, 2, "1", "2", "3")
	pull("until final or gone", 0, 2, "1")
	src.docs["0"] = shopDoc{No: "0", Status: "paid", Fen: 99}
	pull("changed in the list", 1, 1, "1")
	rows, err := w.led.Records(t.Context(), ledger.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	gone := ""
	for _, r := range rows {
		n[r.DocKey.Key]++
		if r.Deleted {
			gone += r.DocKey.Key
		}
	}
	if d := cmp.Diff(map[string]int{"0": 2, "1": 2, "2": 2, "3": 2, "4": 1}, n); d != "" || gone != "3" {
		t.Fatalf("records (-want +got):\n%s\ngone: %q", d, gone)
	}
	// A restart in the middle of a list loses nothing.
	set("4", "cancelled")
	w.restart()
	pull("after a restart", 0, 1, "1", "4")
}
