package pipelines_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

func fault(kind connectors.Kind, scope connectors.Scope, sent bool) connectors.Result {
	r := connectors.Result{Outcome: connectors.NotSent, Err: &connectors.Error{Kind: kind, Scope: scope, Code: "test." + string(kind), Sent: sent}}
	if sent {
		r.Outcome = connectors.Unknown
	}
	return r
}

// counted counts the calls that a script answers.
func counted(n *atomic.Int64, s script) script {
	return func(op string, d connectors.Delivery) (connectors.Result, bool) {
		r, hit := s(op, d)
		if hit {
			n.Add(1)
		}
		return r, hit
	}
}

func (w *world) gates() []ledger.Gate {
	w.t.Helper()
	g, err := w.led.Gates(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func TestAnAuthFaultClosesTheGateAndOneProbeOpensIt(t *testing.T) {
	w := newWorld(t, flowTo("save"), nil, slowProbes)
	var calls atomic.Int64
	w.target.answer(counted(&calls, always("save", fault(connectors.Unauthorized, connectors.OfConnection, false))))
	w.put(paid(1, 100))
	w.until("the gate to close", func() bool { return len(w.gates()) == 1 })
	for i := range 9 {
		w.put(shopDoc{No: fmt.Sprint(i + 2), Status: "paid", Fen: 1, Version: 1})
	}
	if g := w.gates()[0]; g.Reason != "auth" || g.Operation != "" || g.Code != "test.unauthorized" {
		t.Fatalf("the gate is %+v", g)
	}
	if n := calls.Load(); n != 1 {
		t.Fatalf("%d calls went through a closed gate", n-1)
	}
	if d := w.delivery(1); d.State != "ready" || !d.Clean {
		t.Fatalf("the delivery is %s, clean %v: an attempt burned", d.State, d.Clean)
	}
	w.restart() // it is restored
	if !w.eng.Connections()["oms"] {
		t.Fatal("the gate did not outlive the process")
	}
	w.target.answer(nil)
	w.later()
	w.rest()
	if len(w.gates()) != 0 || len(w.target.calls()) != 10 {
		t.Fatalf("gates %+v, sent %q", w.gates(), w.target.calls())
	}
}

// slowProbes keeps closed gates from being probed before the test says later.
func slowProbes(w *world) {
	w.opt.Retry.FirstProbe = time.Hour
	w.opt.Now = func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
}

// later starts the hub again two hours on.
func (w *world) later() {
	w.t.Helper()
	w.ahead.Add(int64(2 * time.Hour))
	w.restart()
}

func TestAProbeThatFailsKeepsTheGateClosed(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		w := newWorld(t, flowTo("save"), nil)
		var calls atomic.Int64
		w.target.answer(counted(&calls, always("save", fault(connectors.Unavailable, connectors.OfConnection, false))))
		for i := range 5 {
			w.put(shopDoc{No: fmt.Sprint(i + 1), Status: "paid", Fen: 1, Version: 1})
		}
		w.until("the gate to close", func() bool { return len(w.gates()) == 1 })
		if restarted {
			w.restart()
		}
		before := calls.Load()
		since := w.gates()[0].Since
		w.until("three probes", func() bool { return calls.Load() >= before+3 })
		if g := w.gates(); len(g) != 1 || !g[0].Since.Equal(since) {
			t.Fatalf("a failed probe opened the gate: %+v", g)
		}
		w.target.answer(nil)
		w.rest()
	}
}

func TestARunOfFailedWritesClosesTheGate(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, slowProbes)
	var calls atomic.Int64
	w.target.answer(counted(&calls, always("push", fault(connectors.Unavailable, connectors.OfConnection, true))))
	w.put(paid(1, 100)) // retried by itself: an idempotent write
	w.until("the gate to close", func() bool { return len(w.gates()) == 1 })
	if n := calls.Load(); n != 5 {
		t.Fatalf("it closed after %d failures", n)
	}
	w.target.answer(nil)
	w.later()
	w.comes("push T-1 delivered ")
}

func TestAnAnswerEndsTheRunOfFailures(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, slowProbes)
	w.target.answer(sequence(
		fault(connectors.Unavailable, connectors.OfConnection, true), fault(connectors.Unavailable, connectors.OfConnection, true),
		fault(connectors.Unavailable, connectors.OfConnection, true), fault(connectors.Unavailable, connectors.OfConnection, true), refused))
	w.put(paid(1, 100))
	w.comes("push T-1 parked test.refused")
	w.target.answer(sequence(fault(connectors.Unavailable, connectors.OfConnection, true), connectors.Result{Outcome: connectors.Done}))
	w.put(shopDoc{No: "2", Status: "paid", Fen: 1, Version: 1})
	w.comes("push T-1 parked test.refused", "push T-2 delivered ")
	if g := w.gates(); len(g) != 0 {
		t.Fatalf("a run that was broken closed the gate: %+v", g)
	}
}

func TestQuotaWaitsAsLongAsTheVendorSays(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	r := fault(connectors.Quota, connectors.OfConnection, false)
	r.Err.Wait = time.Hour
	w.target.answer(times(1, "push", r))
	w.put(paid(1, 100))
	w.until("the gate to close", func() bool { return len(w.gates()) == 1 })
	g := w.gates()[0]
	if wait := g.Until.Sub(g.Since); g.Reason != "quota" || wait < time.Hour || wait > time.Hour+time.Minute {
		t.Fatalf("the gate is %+v", g)
	}
	if err := w.eng.Resume(t.Context(), "oms", ""); err != nil {
		t.Fatal(err)
	}
	w.comes("push T-1 delivered ")
}

func TestPauseHoldsAndResumeLetsGo(t *testing.T) {
	for _, operation := range []string{"", "push"} {
		w := newWorld(t, flowTo("push"), nil)
		pause(w, "oms", operation)
		w.put(paid(1, 100))
		w.put(shopDoc{No: "2", Status: "paid", Fen: 1, Version: 1})
		w.restart()
		w.comes("push T-1 ready ", "push T-2 ready ")
		w.wantCalls()
		if err := w.eng.Resume(t.Context(), "oms", operation); err != nil {
			t.Fatal(err)
		}
		w.comes("push T-1 delivered ", "push T-2 delivered ")
	}
}

// What was in flight when a person paused may fail or succeed: the pause stays.
func TestAPauseIsLiftedByAPersonOnly(t *testing.T) {
	for name, end := range map[string]connectors.Result{
		"success": {Outcome: connectors.Done}, "fault": fault(connectors.Unauthorized, connectors.OfConnection, false)} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, flowTo("push"), nil)
			reached, release := make(chan struct{}), make(chan struct{})
			first := times(1, "push", end)
			w.target.answer(func(op string, d connectors.Delivery) (connectors.Result, bool) {
				r, hit := first(op, d)
				if hit {
					close(reached)
					<-release
				}
				return r, hit
			})
			w.put(paid(1, 100))
			<-reached
			pause(w, "oms", "")
			close(release)
			w.put(shopDoc{No: "2", Status: "paid", Fen: 1, Version: 1})
			w.until("the call to end", func() bool {
				n := len(w.states())
				d := w.delivery(1)
				return n == 2 && (d.State == "delivered" || d.Attempts == 0)
			})
			if g := w.gates(); len(g) != 1 || g[0].Reason != "pause" || !g[0].Until.IsZero() {
				t.Fatalf("the pause became %+v", g)
			}
			if w.delivery(2).State != "ready" {
				t.Fatalf("a delivery passed the pause: %q", w.states())
			}
			if err := w.eng.Resume(t.Context(), "oms", ""); err != nil {
				t.Fatal(err)
			}
			w.rest()
		})
	}
}

func TestAFaultOfAnOperationClosesThatOperationOnly(t *testing.T) {
	flow := flowTo("push") + "  - operation: oms.note\n    key: 'T-{order_no}'\n    map: out.yaml\n"
	w := newWorld(t, flow, nil, slowProbes)
	var calls atomic.Int64
	w.target.answer(counted(&calls, always("push", fault(connectors.Forbidden, connectors.OfOperation, false))))
	w.put(paid(1, 100))
	w.until("the gate to close", func() bool { return len(w.gates()) == 1 })
	if g := w.gates()[0]; g.Operation != "push" || g.Reason != "auth" {
		t.Fatalf("the gate is %+v", g)
	}
	w.put(shopDoc{No: "2", Status: "cancelled", Fen: 1, Version: 1}) // its note only
	w.until("the note", func() bool { return len(w.target.calls()) == 1 })
	w.target.answer(nil)
	w.later()
	w.rest()
	if len(w.gates()) != 0 || calls.Load() != 1 || w.delivery(1).State != "delivered" {
		t.Fatalf("gates %+v, %d calls, states %q", w.gates(), calls.Load(), w.states())
	}
}

func TestAnotherConnectionIsNotAffected(t *testing.T) {
	w := newWorld(t, flowTo("push")+"  - operation: crm.push\n    key: 'T-{order_no}'\n    map: out.yaml\n", nil)
	pause(w, "oms", "")
	w.put(paid(1, 100))
	w.until("crm", func() bool { return len(w.crm.calls()) == 1 })
	w.wantCalls()
	if err := w.eng.Resume(t.Context(), "oms", ""); err != nil {
		t.Fatal(err)
	}
	w.rest()
}

// A connection that is only pulled has no delivery to probe its gate: the next pull is
// the probe.
func TestAPullProbesAndOpensTheGate(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, slowProbes)
	w.shop.fail(&connectors.Error{Kind: connectors.Unauthorized, Scope: connectors.OfConnection, Code: "test.token"})
	if _, err := w.eng.Pull(t.Context(), "shop", "orders", nil); err == nil {
		t.Fatal("the pull did not fail")
	}
	if _, err := w.eng.Pull(t.Context(), "shop", "orders", nil); err == nil || w.shop.pullCount() != 1 {
		t.Fatalf("a pull went through the closed gate: %v, %d pulls", err, w.shop.pullCount())
	}
	w.shop.fail(nil)
	w.shop.put(paid(1, 100))
	w.later()
	w.pull()
	w.comes("push T-1 delivered ")
	if g := w.gates(); len(g) != 0 {
		t.Fatalf("the gate is still closed: %+v", g)
	}
}

func TestAFailingFetchProbesItsGate(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.shop.failFetch(&connectors.Error{Kind: connectors.Unauthorized, Scope: connectors.OfConnection, Code: "test.token"})
	w.shop.put(paid(1, 100))
	w.pull()
	w.until("the gate to close", func() bool { return len(w.gates()) == 1 })
	w.until("two probes", func() bool { return w.shop.fetchCount() >= 3 })
	if len(w.gates()) != 1 {
		t.Fatal("a failed probe opened the gate")
	}
	w.shop.failFetch(nil)
	w.comes("push T-1 delivered ")
	w.until("the gate to open", func() bool { return len(w.gates()) == 0 })
}

func TestATargetThatIsNotOnGetsNothing(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	pause(w, "oms", "")
	w.put(paid(1, 100))
	w.comes("push T-1 ready ")
	w.opt.Connections[1].Mode = "shadow"
	w.restart()
	if err := w.eng.Resume(t.Context(), "oms", ""); err != nil {
		t.Fatal(err)
	}
	w.put(shopDoc{No: "2", Status: "cancelled", Fen: 1, Version: 1})
	w.comes("push T-1 ready ", "push  filtered flow.filtered")
	w.wantCalls()
	w.opt.Connections[1].Mode = "on"
	w.restart()
	w.comes("push T-1 delivered ", "push  filtered flow.filtered")
}
