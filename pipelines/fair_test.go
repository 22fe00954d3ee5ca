package pipelines_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
)

// TestABurstOfOneStoreDoesNotDelayAnother fills a target's lanes from one store, then
// sells one order in another: it goes with the next that go, not behind all.
func TestABurstOfOneStoreDoesNotDelayAnother(t *testing.T) {
	const burst = 300
	other := &shop{docs: map[string]shopDoc{}}
	w := newWorld(t, "flow: test\nfrom: [shop.orders, other.orders]\ncanonical: in.yaml\nto:\n  - operation: oms.push\n"+
		"    key: 'T-{order_no}'\n    map: out.yaml\n",
		func(o *connectors.Operation) { o.Timeout = time.Minute },
		func(w *world) {
			w.opt.Connections = append(w.opt.Connections, pipelines.Connection{Name: "other", Connector: w.sc, Conn: other,
				Store: map[string]any{"code": "O"}})
		})
	free := make(chan struct{})
	w.target.answer(func(string, connectors.Delivery) (connectors.Result, bool) {
		<-free
		return connectors.Result{}, false
	})
	for i := range burst {
		w.shop.put(shopDoc{No: fmt.Sprintf("b%d", i), Status: "paid", Fen: 100, Version: 1})
	}
	w.pull()
	w.until("the burst to wait", func() bool { return w.eng.Depth()["deliveries/oms"] == burst })
	other.put(shopDoc{No: "quiet", Status: "paid", Fen: 100, Version: 1})
	if _, err := w.eng.Pull(t.Context(), "other", "orders", nil); err != nil {
		t.Fatal(err)
	}
	w.until("the other store's order to wait", func() bool { return w.eng.Depth()["deliveries/oms"] == burst+1 })
	close(free)
	w.rest()
	calls := w.target.calls()
	if len(calls) != burst+1 {
		t.Fatalf("%d documents reached the target, want %d", len(calls), burst+1)
	}
	// What was in flight goes first, as many again may overtake on the way.
	if at := slices.Index(calls, "push T-quiet"); at < 0 || at > 100 {
		t.Fatalf("the other store's order was number %d of %d", at+1, len(calls))
	}
}

// TestALargeBatchFills: more documents than the ordinary number in flight go in one call.
func TestALargeBatchFills(t *testing.T) {
	const n = 200
	w := newWorld(t, flowTo("bulk"), func(o *connectors.Operation) {
		if o.Name == "bulk" {
			o.Batch, o.Linger, o.Timeout = n, 3*time.Second, time.Minute
		}
	})
	for i := range n {
		w.shop.put(shopDoc{No: fmt.Sprint(i), Status: "paid", Fen: 100, Version: 1})
	}
	w.pull()
	w.rest()
	w.target.mu.Lock()
	defer w.target.mu.Unlock()
	if w.target.largest != n {
		t.Fatalf("the largest batch held %d of %d", w.target.largest, n)
	}
}
