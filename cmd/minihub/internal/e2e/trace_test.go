package e2e

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/sims"
	"github.com/minihub/minihub/cmd/minihub/internal/starter"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas/codec"
)

// traceWorld is a hub over simulators that is traced.
type traceWorld struct {
	t    *testing.T
	dir  string
	sims *sims.World
	hub  *app.App
	otlp *otlp
}

const collectorKey = "Bearer an-invented-key-of-the-collector"

func newTraceWorld(t *testing.T, endpoint string, o *otlp) *traceWorld {
	t.Helper()
	w := &traceWorld{t: t, otlp: o, dir: filepath.Join(t.TempDir(), "hub")}
	var err error
	if w.sims, err = sims.Start(sims.Options{Seed: 7, LimitsX: 50, Now: func() time.Time { return time.Now().Add(-20 * time.Second) }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.sims.Close() })
	if err := starter.ForWorld(w.dir, w.sims, starter.WorldOptions{Start: time.Now().AddDate(0, 0, -1).Format(time.RFC3339), LimitsX: 50}); err != nil {
		t.Fatal(err)
	}
	appendTo(t, filepath.Join(w.dir, "hub.yaml"),
		"\ntraces:\n  endpoint: "+endpoint+"\n  headers: { authorization: '${file:secrets/collector}' }\n  link: 'https://traces.example.test/t/{trace_id}'\n")
	if err := os.WriteFile(filepath.Join(w.dir, "secrets", "collector"), []byte(collectorKey), 0o600); err != nil {
		t.Fatal(err)
	}
	w.open()
	t.Cleanup(func() { w.close() })
	return w
}

func (w *traceWorld) open() {
	w.t.Helper()
	w.hub = openHub(w.t, app.Options{Dir: w.dir, Log: zap.NewNop(), Settle: 0.02, NoJobs: true})
}

func (w *traceWorld) close() {
	if w.hub == nil {
		return
	}
	if err := w.hub.Stop(); err != nil {
		w.t.Error(err)
	}
	w.hub = nil
}

func (w *traceWorld) until(what string, done func() bool) {
	w.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			rows, _ := w.hub.Ledger().Counts(context.Background())
			w.t.Fatalf("%s: not within 30 s; the ledger holds %+v", what, rows)
		}
	}
}

// sell places a paid order and has it pulled; it returns its message.
func (w *traceWorld) sell() *ledger.Record {
	w.t.Helper()
	ctx := w.t.Context()
	order, err := w.sims.ShopA.PlaceOrder(wechatshopsim.OrderSpec{Lines: []wechatshopsim.LineSpec{{SKUCode: "SKU-MUG-01", Qty: 2}}, Remark: "轻拿轻放谢谢"})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.sims.ShopA.Pay(order); err != nil {
		w.t.Fatal(err)
	}
	var rec *ledger.Record
	w.until("the order is mapped", func() bool {
		if _, err := w.hub.Engine().Pull(ctx, "shop-a", "orders", nil); err != nil {
			w.t.Fatal(err)
		}
		rec, err = w.hub.Ledger().Latest(ctx, ledger.DocKey{Connection: "shop-a", Entity: "order", Key: order})
		return err == nil && rec.State == ledger.RecordRouted
	})
	return rec
}

func (w *traceWorld) deliveries(rec *ledger.Record) (out []ledger.Delivery) {
	w.t.Helper()
	rows, err := w.hub.Ledger().RootDeliveries(w.t.Context(), rec.Root)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range rows {
		if d.Record == rec.ID {
			out = append(out, d)
		}
	}
	return out
}

// done reports whether nothing of a message moves any more. The CRM waits for a member who
// never comes.
func (w *traceWorld) done(rec *ledger.Record) bool {
	for _, d := range w.deliveries(rec) {
		if !d.State.Final() && d.Connection != "crm" {
			return false
		}
	}
	return true
}

func (w *traceWorld) message(id int64) (m api.Message) {
	w.t.Helper()
	if err := ask(w.t.Context(), w.dir, http.MethodGet, "/api/v1/messages/"+strconv.FormatInt(id, 10), nil, &m); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// An order's way is one trace, through a restart in its middle and a replay after it, and
// nothing in it is anybody's business.
func TestOneTraceFromPullToReceipt(t *testing.T) {
	o := newOTLP(t, collectorKey)
	w := newTraceWorld(t, o.URL, o)
	ctx := t.Context()
	if err := w.hub.Engine().Pause(ctx, "oms", "", "test", "held over the restart"); err != nil {
		t.Fatal(err)
	}
	rec := w.sell()
	before := w.message(rec.ID)

	w.close()
	if _, err := w.sims.Faults.Add(simkit.Fault{System: "jushuitan", Call: "orders/upload", Kind: simkit.ErrorBody, Code: "130", Count: 1}); err != nil {
		t.Fatal(err)
	}
	w.open()
	if err := w.hub.Engine().Resume(ctx, "oms", ""); err != nil {
		t.Fatal(err)
	}
	var parked ledger.Delivery
	w.until("the OMS refuses", func() bool {
		for _, d := range w.deliveries(rec) {
			if d.Connection == "oms" && d.State == ledger.Parked {
				parked = d
			}
		}
		return parked.ID != 0
	})
	w.close()
	w.open() // its trace goes on where nobody remembers it
	if _, err := w.hub.Engine().ReplayDelivery(ctx, parked.ID, pipelines.Remap, "somebody", false); err != nil {
		t.Fatal(err)
	}
	w.until("everything of the order is done", func() bool {
		return w.done(rec)
	})
	rows, private := w.deliveries(rec), w.private(rec)
	after := w.message(rec.ID)
	w.close() // the last spans are on their way
	if got := o.faults(); len(got) > 0 {
		t.Fatalf("the collector refused: %q", got)
	}

	id := before.TraceID
	if len(id) != 32 || after.TraceID != id || after.TraceURL != "https://traces.example.test/t/"+id {
		t.Fatalf("the message tells trace %q at %q, and told %q before the restart", after.TraceID, after.TraceURL, id)
	}
	w.checkTrace(o.trace(id), rec, rows, parked)
	for what, value := range private {
		if o.holds(value) {
			t.Errorf("a trace holds %s", what)
		}
	}
	// The canary of the canaries: what spans do say is found this way.
	if !o.holds("minihub.delivery") || !o.holds(parked.Operation) {
		t.Error("the collector's requests were not kept as they came")
	}
}

func (w *traceWorld) checkTrace(tr traced, rec *ledger.Record, rows []ledger.Delivery, parked ledger.Delivery) {
	t := w.t
	t.Helper()
	root := tr.one(t, "intake orders", nil, "minihub.connection", "shop-a", "minihub.from", "fetch", "minihub.entity", "order")
	if len(root.ParentSpanId) != 0 {
		t.Errorf("the first span stands below %x", root.ParentSpanId)
	}
	fetch := tr.one(t, "fetch orders", root)
	if len(tr.named("POST", fetch, "http.response.status_code", "200")) == 0 {
		t.Errorf("the fetch made no call:\n%s", tr)
	}
	w.checkPulled(fetch)
	mapped := tr.one(t, "map order", root, "minihub.state", "routed", "minihub.message", strconv.FormatInt(rec.ID, 10))
	delivered := 0
	for _, d := range rows {
		span := tr.one(t, "delivery "+d.Operation, mapped, "minihub.delivery", strconv.FormatInt(d.ID, 10), "minihub.connection", d.Connection, "minihub.flow", d.Flow)
		if d.State != ledger.Delivered {
			continue
		}
		delivered++
		send := tr.one(t, "send "+d.Operation, span, "minihub.state", "delivered", "minihub.connection", d.Connection)
		tr.one(t, "receipt", send, "minihub.delivery", strconv.FormatInt(d.ID, 10))
		if len(tr.named("POST", send, "http.response.status_code", "200")) == 0 {
			t.Errorf("%s of %s made no call:\n%s", d.Operation, d.Connection, tr)
		}
	}
	if delivered < 2 {
		t.Fatalf("%d deliveries of the order arrived: %+v", delivered, rows)
	}
	oms := tr.one(t, "delivery "+parked.Operation, mapped, "minihub.connection", "oms")
	refused := tr.one(t, "send "+parked.Operation, oms, "minihub.state", "parked", "minihub.attempt", "1")
	if refused.Status.GetCode().String() != "STATUS_CODE_ERROR" {
		t.Errorf("a refused send has the status %v", refused.Status)
	}
	tr.one(t, "resume "+parked.Operation, oms, "minihub.code", "replay.re-map")
}

// checkPulled follows the links from a fetch back to the page that named the document.
func (w *traceWorld) checkPulled(fetch *v1.Span) {
	w.t.Helper()
	all := w.otlp.all()
	for _, hint := range all.named("hint orders", nil) {
		for _, page := range all.named("pull orders", nil) {
			if linked(fetch, hint) && linked(hint, page) && linked(page, hint) {
				return
			}
		}
	}
	w.t.Error("no link leads from the fetch to the page that named the order")
}

// private are the values of an order that nobody else may learn, by what they are.
func (w *traceWorld) private(rec *ledger.Record) map[string]string {
	t := w.t
	t.Helper()
	raw, err := w.hub.Ledger().Payload(t.Context(), rec.Payload)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := codec.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := w.hub.Deployment().Schemas.Get("vendors/wechatshop/order")
	if !ok {
		t.Fatal("the shop's orders have no schema")
	}
	out := map[string]string{"the order's number": rec.DocKey.Key, "its label": rec.Label, "the collector's key": collectorKey}
	for i, v := range schema.PII(tree) {
		if len([]rune(v)) > 1 {
			out["personal value "+strconv.Itoa(i)] = v
		}
	}
	if len(out) < 7 {
		t.Fatalf("hardly anything in the order is personal: %d values", len(out))
	}
	for _, d := range w.deliveries(rec) {
		if d.RemoteKey != "" {
			out["the key at "+d.Connection+"."+d.Operation] = d.RemoteKey
		}
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "secrets", "*"))
	if err != nil || len(files) < 5 {
		t.Fatal(err, files)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out["the secret "+filepath.Base(f)] = strings.TrimSpace(string(b))
	}
	return out
}

// A collector that hangs slows nothing and loses nothing but spans, which are counted.
func TestACollectorThatHangsHoldsNothingUp(t *testing.T) {
	o := newOTLP(t, collectorKey)
	hang := make(chan struct{})
	stuck := http.NewServeMux()
	stuck.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	o.Config.Handler = stuck
	defer close(hang)
	w := newTraceWorld(t, o.URL, o)
	rec := w.sell()
	w.until("the order is done", func() bool { return w.done(rec) })
}
