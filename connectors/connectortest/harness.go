package connectortest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
)

// harness is one system, one connection to it, and an ear for leaking secrets.
type harness struct {
	*testing.T
	r     *runner
	sys   *System
	conn  connectors.Connection
	vault *Vault
	logs  *observer.ObservedLogs

	mu    sync.Mutex
	heard []string // all that the connection said
}

func (r *runner) open(t *testing.T) *harness {
	t.Helper()
	h := &harness{T: t, r: r, sys: r.Start(t), vault: &Vault{}}
	if h.sys.Now == nil {
		h.sys.Now = time.Now
	}
	if h.sys.Faults == nil {
		h.sys.Faults = simkit.NewFaults(1)
	}
	if h.sys.Window == (connectors.Window{}) {
		now := h.sys.Now()
		h.sys.Window = connectors.Window{From: now.Add(-24 * time.Hour), To: now.Add(time.Hour)}
	}
	cfg, errs := connectors.NewConfig(r.Connector.Config, h.sys.Values)
	if len(errs) > 0 {
		t.Fatalf("the system's configuration is refused: %v", errs)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	h.logs = logs
	conn, err := r.Connector.OpenConnection(t.Context(), cfg, connectors.Env{Log: zap.New(core), Now: h.sys.Now, Vault: h.vault, Name: "conformance"})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	h.conn = conn
	t.Cleanup(h.end)
	return h
}

// end closes the connection and searches all that was heard for secrets.
func (h *harness) end() {
	if err := h.conn.Close(); err != nil {
		h.Errorf("close: %v", err)
	}
	for _, e := range h.logs.All() {
		h.hear(e.Message, fmt.Sprint(e.ContextMap()))
	}
	secrets := h.vault.secrets()
	for _, s := range h.sys.Values.Secrets {
		secrets = append(secrets, s.Reveal())
	}
	if h.sys.Secrets != nil {
		secrets = append(secrets, h.sys.Secrets()...)
	}
	for _, s := range secrets {
		if s == "" {
			continue
		}
		for _, text := range h.heard {
			if strings.Contains(text, s) || strings.Contains(text, url.QueryEscape(s)) {
				h.Errorf("a secret is shown: %s", strings.NewReplacer(s, "<SECRET>", url.QueryEscape(s), "<SECRET>").Replace(text))
			}
		}
	}
}

func (h *harness) hear(text ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, text...)
}

func (h *harness) hearError(err error) {
	if err == nil {
		return
	}
	text := fmt.Sprintf("%v %+v", err, err)
	if e := connectors.AsError(err); e != nil {
		text += " " + e.Code + " " + e.Text + " " + e.Hint + " " + string(e.Raw)
	}
	h.hear(text)
}

func (h *harness) hearExchanges(list []connectors.Exchange) {
	for _, x := range list {
		h.hear(x.URL, x.Request, x.Response, x.Err)
	}
}

// fault switches a fault on.
func (h *harness) fault(f simkit.Fault) {
	h.Helper()
	f.System = h.sys.Name
	if _, err := h.sys.Faults.Add(f); err != nil {
		h.Fatal(err)
	}
}

// struck fails when no fault was hit: the check would have proved nothing.
func (h *harness) struck() {
	h.Helper()
	if h.hit() {
		return
	}
	h.Fatalf("no fault was struck: is the simulator's name of the call right? %+v", h.sys.Faults.List())
}

func (h *harness) hit() bool {
	return slices.ContainsFunc(h.sys.Faults.List(), func(f simkit.Fault) bool { return f.Hits > 0 })
}

// reached waits until a fault is hit, or ctx ends.
func (h *harness) reached(ctx context.Context) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !h.hit() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (h *harness) delivery(op Operation, n, change int) connectors.Delivery {
	h.Helper()
	key := op.key(n)
	var ids []connectors.RemoteID
	if op.Prepare != nil {
		ids = op.Prepare(h.T, h.conn, key)
	}
	return connectors.Delivery{ID: fmt.Sprintf("D-%d", n), Key: key, Base: key, Document: op.Document(key, change), RemoteIDs: ids, Attempt: 1,
		Save: func(context.Context, json.RawMessage) error { return nil }}
}

// deliver calls the sink as the engine would and reads its answer as the engine
// would: an error stands for the deliveries without a result.
func (h *harness) deliver(ctx context.Context, op Operation, batch ...connectors.Delivery) map[string]connectors.Result {
	h.Helper()
	results, err := h.conn.(connectors.Sink).Deliver(ctx, op.Name, batch)
	return h.read(results, err, ids(batch))
}

func ids(batch []connectors.Delivery) []string {
	out := make([]string, len(batch))
	for i, d := range batch {
		out[i] = d.ID
	}
	return out
}

func (h *harness) read(results []connectors.Result, err error, asked []string) map[string]connectors.Result {
	h.Helper()
	h.hearError(err)
	out := map[string]connectors.Result{}
	known := map[string]bool{}
	for _, id := range asked {
		known[id] = true
	}
	for _, res := range results {
		if _, twice := out[res.ID]; twice || !known[res.ID] {
			h.Errorf("result for %q comes twice or was not asked for", res.ID)
		}
		h.hearExchanges(res.Exchanges)
		if res.Err != nil {
			h.hearError(res.Err)
		}
		h.wellFormed(res)
		out[res.ID] = res
	}
	for _, id := range asked {
		if _, ok := out[id]; ok {
			continue
		}
		res := connectors.Result{ID: id, Err: connectors.AsError(err)}
		if res.Err != nil && !res.Err.Sent {
			res.Outcome = connectors.NotSent
		}
		out[id] = res
	}
	return out
}

// wellFormed holds a result against the contract.
func (h *harness) wellFormed(res connectors.Result) {
	h.Helper()
	switch {
	case res.Outcome == connectors.Done || res.Outcome == connectors.Took:
		if len(res.Exchanges) == 0 {
			h.Errorf("%s: no exchange on a result: support sees nothing", res.ID)
		}
	case res.Err == nil:
		h.Errorf("%s: outcome %d says no reason", res.ID, res.Outcome)
	case res.Outcome == connectors.NotSent && res.Err.Sent:
		h.Errorf("%s: not sent, and yet its error says sent: %v", res.ID, res.Err)
	}
	if res.Outcome == connectors.Took && res.Ticket == "" {
		h.Errorf("%s: taken without a ticket", res.ID)
	}
	if res.Outcome == connectors.MissingReference && res.Missing == nil {
		h.Errorf("%s: a missing reference without its name", res.ID)
	}
}

// settle polls an accepted delivery to its end; other results pass through.
func (h *harness) settle(op Operation, d connectors.Delivery, res connectors.Result) connectors.Result {
	h.Helper()
	poller, _ := h.conn.(connectors.Poller)
	for range 50 {
		if res.Outcome != connectors.Took || poller == nil {
			return res
		}
		if h.sys.Advance != nil {
			h.sys.Advance(max(res.Wait, time.Second))
		}
		list, err := poller.Poll(h.Context(), op.Name, []connectors.Ticket{{ID: d.ID, Ticket: res.Ticket, Delivery: d}})
		res = h.read(list, err, []string{d.ID})[d.ID]
	}
	h.Fatalf("%s: still not finished after 50 polls", d.ID)
	return res
}

// done delivers and settles, and insists on success.
func (h *harness) done(op Operation, d connectors.Delivery) connectors.Result {
	h.Helper()
	res := h.settle(op, d, h.deliver(h.Context(), op, d)[d.ID])
	if res.Outcome != connectors.Done {
		h.Fatalf("%s %s: %s, want done: %v", op.Name, d.Key, outcome(res.Outcome), res.Err)
	}
	return res
}

func (h *harness) effects(op Operation, key string, want int) {
	h.Helper()
	if got := h.sys.Effects(op.Name, key); got != want {
		h.Errorf("%s %s: %d effects at the target, want %d", op.Name, key, got, want)
	}
}

func outcome(o connectors.Outcome) string {
	names := []string{"unknown", "done", "took", "not sent", "refused", "duplicate", "missing reference"}
	if int(o) < 0 || int(o) >= len(names) {
		return fmt.Sprintf("outcome %d", o)
	}
	return names[o]
}
