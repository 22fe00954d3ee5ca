package pipelines_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest/habits"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// open connects to an invented system over HTTP.
func open(t *testing.T, c *connectors.Connector, sys http.Handler, text map[string]string) connectors.Connection {
	t.Helper()
	srv := httptest.NewServer(sys)
	t.Cleanup(srv.Close)
	values := connectors.Values{Text: map[string]string{"url": srv.URL}, Secrets: map[string]connectors.Secret{"token": connectors.NewSecret(habits.Token)}}
	for k, v := range text {
		values.Text[k] = v
	}
	cfg, errs := connectors.NewConfig(c.Config, values)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Log: zap.NewNop(), Now: time.Now, Transport: http.DefaultTransport, Name: "oms"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// inPlaceOfOms puts an invented system in the place of oms.
func inPlaceOfOms(t *testing.T, c *connectors.Connector, sys http.Handler, text map[string]string) func(*world) {
	return func(w *world) {
		w.opt.Connections[1] = pipelines.Connection{Name: "oms", Connector: c, Conn: open(t, c, sys, text)}
		w.opt.Retry.Settle = 0.02
		w.files["out.yaml"] = `
mapping: order -> habits document
input: canonical/order
fields:
  - { to: payment, from: order_no }
  - { to: total, from: amounts.total.minor, convert: text }
  - to: lines
    each: lines
    fields:
      - { to: sku, value: TEE }
      - { to: qty, from: qty }
`
	}
}

func TestAnAsynchronousWriteIsPolledToItsEnd(t *testing.T) {
	faults := simkit.NewFaults(1)
	sim := habits.NewAsync(2, faults)
	w := newWorld(t, flowTo(habits.AsyncOperation), nil, inPlaceOfOms(t, habits.AsyncConnector(), sim, nil))
	for _, f := range []simkit.Fault{
		{Call: habits.AsyncPost, Kind: simkit.DropAnswer, Count: 1}, // the ticket is lost
	} {
		if _, err := faults.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	w.put(paid(1, 100))
	w.comes("document.post T-1 delivered lookup.same")
	w.put(shopDoc{No: "2", Status: "paid", Fen: 5, Version: 1})
	w.until("the ticket", func() bool { return len(w.states()) == 2 && w.delivery(2).State == ledger.Accepted })
	w.crash() // the ticket is durable
	w.comes("document.post T-1 delivered lookup.same", "document.post T-2 delivered ")
	if sim.Taken("T-1") != 1 || sim.Taken("T-2") != 1 || sim.Effects("T-2") != 1 {
		t.Fatalf("taken %d and %d times, done %d", sim.Taken("T-1"), sim.Taken("T-2"), sim.Effects("T-2"))
	}
}

func TestAPoolIsAcknowledgedAfterTheCommit(t *testing.T) {
	faults := simkit.NewFaults(1)
	sim := habits.NewPool(2, faults)
	w := newWorld(t, flowTo("push"), nil, func(w *world) {
		c := habits.PoolConnector()
		w.opt.Connections = append(w.opt.Connections, pipelines.Connection{Name: "pool", Connector: c, Conn: open(t, c, sim, nil)})
	})
	for _, id := range []string{"S-1", "S-2", "S-3"} {
		sim.Add(habits.Row{ID: id, Version: 1, Data: json.RawMessage(`{"waybill":"W"}`)})
	}
	// The row must be durable when its acknowledgement arrives.
	faults.OnWork(func(_, call string) {
		if call != habits.PoolAck {
			return
		}
		for _, id := range []string{"S-1", "S-2", "S-3"} {
			if sim.Acked(id) == 0 {
				continue
			}
			if _, err := w.led.Latest(t.Context(), ledger.DocKey{Connection: "pool", Entity: "shipment", Key: id}); err != nil {
				t.Errorf("%s was acknowledged before it was stored: %v", id, err)
			}
		}
	})
	if _, err := faults.Add(simkit.Fault{Call: habits.PoolAck, Kind: simkit.DropRequest, Count: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.eng.Pull(t.Context(), "pool", habits.PoolStream, nil); err == nil {
		t.Fatal("the failed acknowledgement was not reported")
	}
	if len(sim.Left()) != 3 {
		t.Fatalf("left %+v", sim.Left())
	}
	counts, err := w.eng.Pull(t.Context(), "pool", habits.PoolStream, nil)
	if err != nil || counts.New != 1 || counts.Repeats != 2 || len(sim.Left()) != 0 {
		t.Fatalf("%+v, %v, left %+v", counts, err, sim.Left())
	}
}

func TestAOneShotSystemIsNeverUploadedToTwiceUnasked(t *testing.T) {
	for _, lookup := range []string{"false", "true"} {
		faults := simkit.NewFaults(1)
		sim := habits.NewOneShot(faults)
		w := newWorld(t, flowTo(habits.OneShotOperation), nil, inPlaceOfOms(t, habits.OneShotConnector(), sim, map[string]string{"lookup": lookup}))
		if _, err := faults.Add(simkit.Fault{Call: habits.OneShotPost, Kind: simkit.DropAnswer, Count: 1}); err != nil {
			t.Fatal(err)
		}
		w.put(paid(1, 100))
		op := habits.OneShotOperation
		if lookup == "true" {
			w.comes(op + " T-1 delivered lookup.same")
			w.put(paid(2, 200)) // the one correction
			w.put(paid(3, 300))
			w.comes(op+" T-1 delivered lookup.same", op+" T-1 delivered ", op+" T-1 parked budget.spent")
		} else {
			w.comes(op + " T-1 parked unknown.one_shot")
			w.restart()
			w.comes(op + " T-1 parked unknown.one_shot")
		}
		if want := map[string]int{"false": 1, "true": habits.OneShotBudget}[lookup]; sim.Spent("1") != want {
			t.Fatalf("lookup %s: %d uploads, want %d", lookup, sim.Spent("1"), want)
		}
	}
}
