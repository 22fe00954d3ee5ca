package pipelines_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
)

// lostAfter does the work of the first delivery of an operation and loses the answer.
func lostAfter(w *world, op string) script {
	first := times(1, op, lost)
	return func(o string, d connectors.Delivery) (connectors.Result, bool) {
		r, hit := first(o, d)
		if hit {
			w.target.take(o, d)
		}
		return r, hit
	}
}

func TestAnIdempotentWriteIsRepeatedAfterUnknown(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.target.answer(lostAfter(w, "push"))
	w.put(paid(1, 100))
	w.comes("push T-1 delivered ")
	w.wantCalls("push T-1", "push T-1") // the target dedupes by the key
	if n := w.target.lookups(); n != 0 {
		t.Fatalf("an idempotent write was looked up %d times", n)
	}
}

func TestAnIdempotentWriteIsAskedForWhenTheTargetNoLongerDedupes(t *testing.T) {
	short := func(o *connectors.Operation) { o.IdempotentFor = 1 }
	w := newWorld(t, flowTo("push"), short)
	w.target.answer(lostAfter(w, "push"))
	w.put(paid(1, 100))
	w.comes("push T-1 delivered lookup.same")
	w.wantCalls("push T-1")

	w = newWorld(t, flowTo("push"), short, blindTarget)
	w.target.answer(lostAfter(w, "push"))
	w.put(paid(1, 100))
	w.comes("push T-1 parked unknown.one_shot")
}

func TestAnAskFirstWriteIsResentOnlyWhenAbsentTwice(t *testing.T) {
	w := newWorld(t, flowTo("save"), nil)
	w.target.answer(times(1, "save", lost))
	w.put(paid(1, 100))
	w.comes("save T-1 delivered ")
	w.wantCalls("save T-1")
	if n := w.target.lookups(); n != 2 {
		t.Fatalf("it was looked up %d times, want 2", n)
	}
}

// What a look-up said before a send must not count after it.
func TestALookupBeforeTheSendDoesNotCountAfterIt(t *testing.T) {
	w := newWorld(t, flowTo("save"), func(o *connectors.Operation) { o.Always = true })
	w.target.answer(times(2, "save", lost))
	w.put(paid(1, 100))
	w.comes("save T-1 delivered ")
	if n := w.target.lookups(); n != 5 { // before the first send, and twice after each lost one
		t.Fatalf("it was looked up %d times, want 5", n)
	}
}

func TestAFoundWriteIsNotRepeated(t *testing.T) {
	for op, want := range map[string]string{"save": "save T-1 delivered lookup.same", "create": "create T-1 delivered lookup.same"} {
		w := newWorld(t, flowTo(op), nil)
		w.target.answer(lostAfter(w, op))
		w.put(paid(1, 100))
		w.comes(want)
		w.wantCalls(op + " T-1")
	}
}

func TestFoundWithOtherContentIsNotDelivered(t *testing.T) {
	other := json.RawMessage(`{"key":"T-1","status":"paid","total":1}`)
	t.Run("create-only parks", func(t *testing.T) {
		w := newWorld(t, flowTo("create"), nil)
		w.target.docs["create T-1"] = other
		w.target.answer(times(1, "create", lost))
		w.put(paid(1, 100))
		w.comes("create T-1 parked found.other")
		w.wantCalls()
	})
	t.Run("upsert corrects", func(t *testing.T) {
		w := newWorld(t, flowTo("save"), nil)
		w.target.docs["save T-1"] = other
		w.target.answer(times(1, "save", lost))
		w.put(paid(1, 100))
		w.comes("save T-1 delivered ")
		w.wantCalls("save T-1")
	})
	t.Run("before the first send", func(t *testing.T) {
		w := newWorld(t, flowTo("create"), nil, func(w *world) { w.opt.Connections[1].Recheck = true })
		w.target.docs["create T-1"] = other
		w.put(paid(1, 100))
		w.comes("create T-1 parked found.other")
	})
}

func TestDuplicateIsLookedUpAndCompared(t *testing.T) {
	ours := json.RawMessage(`{"key":"T-1","status":"paid","total":100}`)
	for _, c := range []struct {
		name, op, want string
		held           json.RawMessage
		more           []func(*world)
	}{
		{"the same", "create", "create T-1 delivered lookup.same", ours, nil},
		{"another", "create", "create T-1 parked found.other", json.RawMessage(`{}`), nil},
		{"another, of an upsert", "push", "push T-1 parked found.other", json.RawMessage(`{}`), nil},
		{"cannot be asked", "push", "push T-1 parked duplicate.unverified", ours, []func(*world){blindTarget}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, flowTo(c.op), nil, c.more...)
			w.target.docs[c.op+" T-1"] = c.held
			w.target.answer(always(c.op, duplicate))
			w.put(paid(1, 100))
			w.comes(c.want)
		})
	}
	t.Run("of our own earlier try", func(t *testing.T) {
		w := newWorld(t, flowTo("push"), nil, blindTarget)
		w.target.answer(sequence(lost, duplicate))
		w.put(paid(1, 100))
		w.comes("push T-1 delivered duplicate.own")
	})
	t.Run("after a try that never left", func(t *testing.T) {
		w := newWorld(t, flowTo("push"), nil, blindTarget)
		w.target.answer(sequence(busy, duplicate))
		w.put(paid(1, 100))
		w.comes("push T-1 parked duplicate.unverified")
	})
}

// sequence answers one delivery after another; the last answer stays.
func sequence(rs ...connectors.Result) script {
	var n atomic.Int64
	return func(string, connectors.Delivery) (connectors.Result, bool) {
		return rs[min(int(n.Add(1)), len(rs))-1], true
	}
}

func TestAlwaysAsksBeforeTheFirstSend(t *testing.T) {
	w := newWorld(t, flowTo("create"), func(o *connectors.Operation) { o.Always = true })
	w.target.docs["create T-1"] = json.RawMessage(`{"key":"T-1","status":"paid","total":100}`)
	w.put(paid(1, 100))
	w.comes("create T-1 delivered lookup.same")
	w.put(shopDoc{No: "2", Status: "paid", Fen: 5, Version: 1})
	w.comes("create T-1 delivered lookup.same", "create T-2 delivered ")
	w.wantCalls("create T-2")
}

// A sink of two steps that dies between them goes on with the second.
func TestAMultiStepSinkGoesOnWhereItStopped(t *testing.T) {
	var firsts, seconds atomic.Int64
	steps := func(die bool) script {
		return func(op string, d connectors.Delivery) (connectors.Result, bool) {
			if len(d.Progress) == 0 {
				firsts.Add(1)
				if err := d.Save(context.Background(), json.RawMessage(`{"step":1}`)); err != nil {
					return connectors.Result{}, true
				}
			}
			if die {
				return lost, true
			}
			seconds.Add(1)
			return connectors.Result{Outcome: connectors.Done}, true
		}
	}
	half := func(op string, d connectors.Delivery) connectors.Finding {
		return connectors.Finding{Presence: connectors.Other, Progress: json.RawMessage(`{"step":1}`)}
	}
	t.Run("after an unknown outcome", func(t *testing.T) {
		firsts.Store(0)
		seconds.Store(0)
		w := newWorld(t, flowTo("steps"), nil)
		w.target.answerLook(half)
		var tries atomic.Int64
		w.target.answer(func(op string, d connectors.Delivery) (connectors.Result, bool) {
			return steps(tries.Add(1) == 1)(op, d)
		})
		w.put(paid(1, 100))
		w.comes("steps T-1 delivered ")
		if firsts.Load() != 1 || seconds.Load() != 1 {
			t.Fatalf("the first step ran %d times, the second %d", firsts.Load(), seconds.Load())
		}
	})
	t.Run("after a crash", func(t *testing.T) {
		firsts.Store(0)
		seconds.Store(0)
		w := newWorld(t, flowTo("steps"), nil)
		w.target.answerLook(half)
		reached, gone := make(chan struct{}), make(chan struct{})
		w.target.answer(func(op string, d connectors.Delivery) (connectors.Result, bool) {
			r, done := steps(true)(op, d)
			close(reached)
			<-gone
			return r, done
		})
		w.put(paid(1, 100))
		<-reached
		w.target.answer(steps(false))
		w.crash()
		close(gone)
		w.comes("steps T-1 delivered ")
		if firsts.Load() != 1 || seconds.Load() != 1 {
			t.Fatalf("the first step ran %d times, the second %d", firsts.Load(), seconds.Load())
		}
	})
}

func TestAOneShotIsNeverResentByItself(t *testing.T) {
	two := func(o *connectors.Operation) { o.Budget = 2 }
	t.Run("cannot be asked", func(t *testing.T) {
		w := newWorld(t, flowTo("ship"), two, blindTarget)
		w.target.answer(times(1, "ship", lost))
		w.put(paid(1, 100))
		w.comes("ship T-1 parked unknown.one_shot")
		w.put(paid(2, 200)) // it may be done: a newer version waits behind it
		w.restart()
		w.comes("ship T-1 parked unknown.one_shot", "ship T-1 ready ")
		_, err := w.eng.ReplayDelivery(t.Context(), w.delivery(1).ID, pipelines.AsSent, "tester", false)
		if !errors.Is(err, pipelines.ErrNeedsConfirmation) {
			t.Fatalf("a replay without confirmation: %v", err)
		}
		w.wantCalls()
		if _, err = w.eng.ReplayDelivery(t.Context(), w.delivery(1).ID, pipelines.AsSent, "tester", true); err != nil {
			t.Fatal(err)
		}
		// Two calls were made for this key: the third is over the budget.
		w.comes("ship T-1 delivered ", "ship T-1 parked budget.spent")
		w.wantCalls("ship T-1")
	})
	t.Run("looked up and absent", func(t *testing.T) {
		w := newWorld(t, flowTo("ship"), two)
		w.target.answer(times(1, "ship", lost))
		w.put(paid(1, 100))
		w.comes("ship T-1 parked unknown.one_shot")
		if _, err := w.eng.ReplayDelivery(t.Context(), w.delivery(1).ID, pipelines.AsSent, "tester", false); !errors.Is(err, pipelines.ErrNeedsConfirmation) {
			t.Fatalf("a replay without confirmation: %v", err)
		}
		w.wantCalls()
	})
	t.Run("looked up and there", func(t *testing.T) {
		w := newWorld(t, flowTo("ship"), nil)
		w.target.answer(lostAfter(w, "ship"))
		w.put(paid(1, 100))
		w.comes("ship T-1 delivered lookup.same")
		w.wantCalls("ship T-1")
	})
}

func TestABudgetIsNeverExceededAcrossRestarts(t *testing.T) {
	w := newWorld(t, flowTo("ship"), func(o *connectors.Operation) { o.Budget = 2 })
	for v := int64(1); v <= 2; v++ {
		w.put(paid(v, 100*v))
		w.rest()
		w.restart()
	}
	w.put(paid(3, 300))
	w.comes("ship T-1 delivered ", "ship T-1 delivered ", "ship T-1 parked budget.spent")
	w.wantCalls("ship T-1", "ship T-1")
	if n, err := w.led.BudgetUsed(t.Context(), "oms", "ship", "T-1"); n != 2 || err != nil {
		t.Fatalf("the budget used is %d, %v", n, err)
	}
}

func TestAnAttemptThatNeverLeftGivesItsBudgetBack(t *testing.T) {
	w := newWorld(t, flowTo("ship"), nil)
	w.target.answer(times(3, "ship", busy))
	w.put(paid(1, 100))
	w.comes("ship T-1 delivered ")
}

func TestWhatASinkAnswersIsHeldToTheContract(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(d connectors.Delivery) ([]connectors.Result, error)
		want   string
	}{
		{"a missing row", func(connectors.Delivery) ([]connectors.Result, error) { return nil, nil }, "save T-1 unknown lookup.cannot_tell"},
		{"a zero value", func(d connectors.Delivery) ([]connectors.Result, error) { return []connectors.Result{{ID: d.ID}}, nil }, "save T-1 unknown lookup.cannot_tell"},
		{"a wrong id", func(connectors.Delivery) ([]connectors.Result, error) {
			return []connectors.Result{{ID: "77", Outcome: connectors.Done}}, nil
		}, "save T-1 unknown lookup.cannot_tell"},
		{"a panic", func(connectors.Delivery) ([]connectors.Result, error) { panic("a bug") }, "save T-1 unknown lookup.cannot_tell"},
		{"a foreign error", func(connectors.Delivery) ([]connectors.Result, error) { return nil, errors.New("boom") }, "save T-1 unknown lookup.cannot_tell"},
		{"an error after the first byte", func(connectors.Delivery) ([]connectors.Result, error) {
			return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "x", Sent: true}
		}, "save T-1 unknown lookup.cannot_tell"},
		{"a refusal as an error", func(connectors.Delivery) ([]connectors.Result, error) {
			return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "x"}
		}, "save T-1 parked x"},
		{"a refusal without a reason", func(d connectors.Delivery) ([]connectors.Result, error) {
			return []connectors.Result{{ID: d.ID, Outcome: connectors.Refused}}, nil
		}, "save T-1 parked connector.no_reason"},
		{"a text that no store can hold", func(d connectors.Delivery) ([]connectors.Result, error) {
			return []connectors.Result{{ID: d.ID, Outcome: connectors.Refused, Err: &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "x", Text: "\xff\x00 bad"}}}, nil
		}, "save T-1 parked x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, flowTo("save"), nil, func(w *world) { w.opt.Connections[1].Conn = odd{w.target, c.answer} })
			w.target.answerLook(func(string, connectors.Delivery) connectors.Finding { return connectors.Finding{} })
			w.put(paid(1, 100))
			w.comes(c.want)
		})
	}
}

// odd is a target whose whole answer is the test's.
type odd struct {
	*target
	answer func(connectors.Delivery) ([]connectors.Result, error)
}

func (o odd) Deliver(_ context.Context, _ string, batch []connectors.Delivery) ([]connectors.Result, error) {
	return o.answer(batch[0])
}

// fussy refuses a whole batch that holds order 3.
type fussy struct{ *target }

func (f fussy) Deliver(ctx context.Context, op string, batch []connectors.Delivery) ([]connectors.Result, error) {
	for _, d := range batch {
		if d.Key == "T-3" {
			return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "test.bad_row"}
		}
	}
	return f.target.Deliver(ctx, op, batch)
}

func TestABatchRefusedForItsDataIsBisected(t *testing.T) {
	w := newWorld(t, flowTo("bulk"), func(o *connectors.Operation) { o.Uses = []connectors.Use{{Limit: "one", Cost: 1}} }, func(w *world) {
		w.tc.Limits = []connectors.Limit{{Name: "one", Concurrent: 1}} // the halves need the limit that the whole held
		w.opt.Connections[1].Conn = fussy{w.target}
	})
	for i := range 4 {
		w.shop.put(shopDoc{No: fmt.Sprint(i + 1), Status: "paid", Fen: 100, Version: 1})
	}
	w.pull()
	w.rest()
	parked := 0
	for i := range 4 {
		d := w.delivery(i + 1)
		switch {
		case d.RemoteKey == "T-3" && d.State == "parked" && d.Code == "test.bad_row":
			parked++
		case d.State != "delivered":
			t.Fatalf("%s ended %s %s", d.RemoteKey, d.State, d.Code)
		}
	}
	if parked != 1 || len(w.target.sent()) != 3 {
		t.Fatalf("parked %d, sent %q", parked, w.target.calls())
	}
}

func TestWhatIsTriedForTooLongParks(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, func(w *world) { w.opt.Retry.Age = 1 })
	w.target.answer(always("push", busy))
	w.put(paid(1, 100))
	w.comes("push T-1 parked retry.too_old")
}
