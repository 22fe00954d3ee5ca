package tryton

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/tryton/trytonsim"
)

// sold pushes a sale over 177.00 and gives the delivery that cancels it.
func (e *erp) sold(t *testing.T, name string, change ...any) (d, c connectors.Delivery, k *keeper) {
	t.Helper()
	key := e.key(name)
	document := saleDocument(key, e.key("party"))
	for i := 0; i < len(change); i += 2 {
		document = with(document, change[i].(string), change[i+1])
	}
	d, _ = delivery(t, key, document)
	r := e.done(t, opSale, d)
	c, k = delivery(t, key, map[string]any{"reference": key})
	c.RemoteIDs = r.RemoteIDs
	return d, c, k
}

// books holds what the server has under a key against what it must have: sales that
// count, returns that are confirmed, and nothing half done or unpaid of what was taken
// back.
func (e *erp) books(t *testing.T, key string, alive, returns int) {
	t.Helper()
	if e.sim != nil {
		b := trytonsim.Books(e.sim.Sales(), nil)[key]
		if len(b.Alive) != alive || len(b.Unfinished) > 0 || (alive == 0) != b.Zero() {
			t.Errorf("the books of %s say %+v, want %d alive", key, b, alive)
		}
	}
	rows, err := e.run().sales(t.Context(), domain(is("reference", "=", key)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var living, back int
	for i := range rows {
		s := &rows[i]
		switch {
		case s.returned() && s.State == finished:
			back++
		case s.returned() && s.State != cancelled:
			t.Errorf("a return is left in state %s", s.State)
		case !s.returned() && !s.dead():
			living++
		}
		if s.Undone || s.returned() {
			e.noPapers(t, s)
		}
	}
	if living != alive || back != returns {
		t.Errorf("%s: %d alive and %d returns, want %d and %d", key, living, back, alive, returns)
	}
}

func (e *erp) noPapers(t *testing.T, s *saleRow) {
	t.Helper()
	p, err := e.run().papers(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.toShip()) > 0 || len(p.toBill()) > 0 || len(p.undecidedMoves()) > 0 || len(p.undecidedInvoices()) > 0 {
		t.Errorf("papers are left open: %+v", p)
	}
	if !s.returned() && s.State != finished {
		t.Errorf("what was taken back is in state %s", s.State)
	}
}

func TestAProcessedSaleIsTakenBack(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		for name, change := range map[string][]any{
			"invoice and shipment": nil,
			"invoice":              {"shipment_method", "manual"},
			"neither":              {"shipment_method", "manual", "invoice_method", "manual"},
			"shipment":             {"invoice_method", "shipment"},
			"lines": {"lines", []any{goodsLine(), goodsLine(), map[string]any{"description": "freight", "quantity": 1, "unit_price": "10.00"},
				map[string]any{"type": "comment", "description": "gift"}}, "expected_total", "364.01"},
			"a present": {"lines", []any{with(goodsLine(), "unit_price", "0")}, "expected_total", "0.00"},
		} {
			t.Run(name, func(t *testing.T) {
				d, c, k := e.sold(t, "back-"+name, change...)
				if f := e.lookup(t, opCancel, c); f.Presence != connectors.Absent || f.Progress != nil {
					t.Errorf("before: %+v", f)
				}
				r := e.done(t, opCancel, c)
				if len(r.RemoteIDs) != 3 || r.RemoteIDs[2].Kind != "return" || len(k.kept) < 3 {
					t.Errorf("remote ids %v, kept %v", r.RemoteIDs, k.kept)
				}
				e.books(t, d.Key, 0, 1)
				// Again, as after a restart and as after nothing: no second return.
				for _, p := range []json.RawMessage{nil, k.last()} {
					c.Progress = p
					if again := e.done(t, opCancel, c); cmp.Diff(r.RemoteIDs, again.RemoteIDs) != "" {
						t.Errorf("again: %+v", again)
					}
				}
				c.Progress, c.RemoteIDs = nil, nil
				e.done(t, opCancel, c) // by its reference
				if f := e.lookup(t, opCancel, c); f.Presence != connectors.Same || cmp.Diff(r.RemoteIDs, f.RemoteIDs) != "" {
					t.Errorf("after: %+v", f)
				}
				e.books(t, d.Key, 0, 1)
			})
		}
	})
}

// What was taken back is no sale any more, and the same order goes again under the next
// generation of its key.
func TestASaleThatWasTakenBackIsBookedAgain(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		from := time.Now().Add(-time.Minute)
		d, c, _ := e.sold(t, "redo")
		r := e.done(t, opCancel, c)
		if f := e.lookup(t, opSale, d); f.Presence != connectors.Other || f.Progress != nil || cmp.Diff([]string{"/state"}, f.Fields) != "" {
			t.Errorf("found: %+v", f)
		}
		if again := e.deliver(t, opSale, d); again.Outcome != connectors.Duplicate || !strings.Contains(again.Err.Text, "taken back") {
			t.Errorf("a late create: %+v", again)
		}
		key := d.Key + "-g1"
		fresh, _ := delivery(t, key, with(saleDocument(key, e.key("party")), "shipment_address", map[string]any{"party_name": "李四", "street": "示例路2号"}))
		if f := e.lookup(t, opSale, fresh); f.Presence != connectors.Absent {
			t.Errorf("before the redo: %+v", f)
		}
		e.done(t, opSale, fresh)
		if f := e.lookup(t, opSale, fresh); f.Presence != connectors.Same {
			t.Errorf("after the redo: %+v", f)
		}
		e.books(t, d.Key, 0, 1)
		e.books(t, key, 1, 0)

		want := map[string]string{d.Key: "cancelled", key: "open"}
		rows, err := e.Get(t.Context(), opSale, []string{d.Key, key})
		if err != nil || len(rows) != 2 {
			t.Fatalf("got %+v, %v", rows, err)
		}
		for _, s := range append(rows, e.listAll(t, opSale, connectors.Window{From: from, To: time.Now().Add(time.Minute)})...) {
			status, ours := want[s.Key]
			if !ours {
				continue
			}
			if s.Status != status || s.Amount != 17700 {
				t.Errorf("%s is %s over %d, want it %s", s.Key, s.Status, s.Amount, status)
			}
			if s.Key == d.Key && cmp.Diff(r.RemoteIDs, s.RemoteIDs) != "" {
				t.Errorf("a return passes for a sale: %v", s.RemoteIDs)
			}
		}
	})
}

func TestWhatIsShippedOrBilledIsNotTakenBack(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		press := func(t *testing.T, model string, list []id, buttons ...string) {
			t.Helper()
			for _, b := range buttons {
				if err := e.run().call(t.Context(), nil, "model."+model+"."+b, ids(list...)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for name, c := range map[string]struct {
			change []any
			before func(t *testing.T, p *papers)
			words  string
		}{
			"posted": {[]any{"shipment_method", "manual"}, func(t *testing.T, p *papers) { press(t, "account.invoice", p.toBill(), "post") }, "is posted"},
			"picked": {nil, func(t *testing.T, p *papers) {
				press(t, "stock.shipment.out", p.toShip(), "assign_force", "pick")
			}, "is picked"},
			"shipped": {nil, func(t *testing.T, p *papers) {
				press(t, "stock.shipment.out", p.toShip(), "assign_force", "pick", "pack", "done")
			}, "has left"},
		} {
			t.Run(name, func(t *testing.T) {
				d, cancel, k := e.sold(t, "stuck-"+name, c.change...)
				s, _, err := e.run().saleByReference(t.Context(), d.Key)
				if err != nil {
					t.Fatal(err)
				}
				p, err := e.run().papers(t.Context(), s.ID)
				if err != nil {
					t.Fatal(err)
				}
				c.before(t, p)
				refused := e.refused(t, opCancel, cancel, "tryton.processing")
				if refused.Kind != connectors.Conflict || !strings.Contains(refused.Text, c.words) || refused.Hint == "" {
					t.Errorf("got %v", refused)
				}
				if len(k.kept) > 0 {
					t.Errorf("a refusal left %v", k.kept)
				}
				if f := e.lookup(t, opCancel, cancel); f.Presence != connectors.Absent {
					t.Errorf("got %+v", f)
				}
				if f := e.lookup(t, opSale, d); f.Presence != connectors.Same {
					t.Errorf("the sale is no longer what it was: %+v", f)
				}
			})
		}
		t.Run("validated and assigned", func(t *testing.T) {
			d, cancel, _ := e.sold(t, "early")
			s, _, _ := e.run().saleByReference(t.Context(), d.Key)
			p, err := e.run().papers(t.Context(), s.ID)
			if err != nil {
				t.Fatal(err)
			}
			press(t, "account.invoice", p.toBill(), "validate_invoice")
			press(t, "stock.shipment.out", p.toShip(), "assign_force")
			e.done(t, opCancel, cancel)
			e.books(t, d.Key, 0, 1)
		})
	})
}

// What people began to return is theirs to finish; what they returned is taken back.
func TestReturnsThatPeopleMake(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		back := func(t *testing.T, d connectors.Delivery) (*saleRow, *saleRow) {
			t.Helper()
			s, _, err := e.run().saleByReference(t.Context(), d.Key)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.run().wizard(t.Context(), s.ID, "sale.return_sale", "return_", map[string]any{"start": map[string]any{}}); err != nil {
				t.Fatal(err)
			}
			backs, err := e.run().returns(t.Context(), s.ID)
			if err != nil || len(backs) != 1 {
				t.Fatalf("got %v, %v", backs, err)
			}
			return s, &backs[0]
		}
		confirm := func(t *testing.T, s *saleRow) {
			t.Helper()
			for _, b := range []string{"quote", "confirm"} {
				if err := e.run().call(t.Context(), nil, "model.sale.sale."+b, ids(s.ID)); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Run("all of it", func(t *testing.T) {
			d, c, k := e.sold(t, "all")
			_, r := back(t, d)
			confirm(t, r)
			if f := e.lookup(t, opCancel, c); f.Presence != connectors.Same {
				t.Errorf("got %+v", f)
			}
			e.done(t, opCancel, c)
			if len(k.kept) > 0 {
				t.Errorf("the hub had a hand in it: %v", k.kept)
			}
		})
		t.Run("some of it", func(t *testing.T) {
			d, c, _ := e.sold(t, "some")
			_, r := back(t, d)
			if err := e.run().call(t.Context(), nil, "model.sale.line.write", r.lineIDs(), map[string]any{"quantity": -1}); err != nil {
				t.Fatal(err)
			}
			// An unfinished one with other lines, as if the hub had begun it, is not confirmed.
			res := e.deliver(t, opCancel, c)
			if res.Outcome != connectors.Unknown || res.Err.Code != "tryton.return" {
				t.Errorf("got %+v", res)
			}
			confirm(t, r)
			if err := e.refused(t, opCancel, c, "tryton.return"); !strings.Contains(err.Text, "not the hub's") {
				t.Errorf("got %v", err)
			}
			if f := e.lookup(t, opSale, d); f.Presence != connectors.Same {
				t.Errorf("a sale of which a part came back is alive: %+v", f)
			}
		})
	})
}

// cutter breaks the connection at one request, before or after the server has done it.
type cutter struct {
	mu     sync.Mutex
	at, n  int
	before bool
	hit    bool
}

func (c *cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	strike := c.n == c.at
	c.n++
	c.hit = c.hit || strike
	c.mu.Unlock()
	if strike && c.before {
		return nil, errors.New("cut before the request")
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if strike && err == nil {
		_ = res.Body.Close()
		return nil, errors.New("cut before the answer")
	}
	return res, err
}

// again goes on as the engine would until the sale is taken back.
func (e *erp) again(t *testing.T, c connectors.Delivery, k *keeper, r connectors.Result) {
	t.Helper()
	for range 5 {
		c.Progress = k.last() // durable, whatever became of the attempt
		switch r.Outcome {
		case connectors.Done:
			return
		case connectors.NotSent:
		case connectors.Unknown:
			f := e.lookup(t, opCancel, c)
			if f.Presence == connectors.Same {
				return
			}
			if f.Err != nil || f.Presence == connectors.Other && f.Progress == nil {
				t.Fatalf("found %+v", f)
			}
			if f.Progress != nil {
				c.Progress = f.Progress
			}
		default:
			t.Fatalf("outcome %d: %v", r.Outcome, r.Err)
		}
		r = e.deliver(t, opCancel, c)
	}
	t.Fatalf("it does not end: %+v", r)
}

func TestTakingBackSurvivesABreakAtEveryRequest(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		stride := 1
		if e.sim == nil {
			stride = 15 // each takes seconds there
		}
		for _, before := range []bool{true, false} {
			at, hit := stride/2, true
			for ; hit; at += stride {
				d, c, k := e.sold(t, fmt.Sprintf("cut-%v-%d", before, at))
				cut := &cutter{at: at, before: before}
				broken := &erp{conn: connectOver(t, e.url, e.creds, nil, cut), sim: e.sim, unique: e.unique}
				r := broken.deliver(t, opCancel, c)
				_ = broken.Close()
				if hit = cut.hit; hit && r.Outcome != connectors.Unknown && r.Outcome != connectors.NotSent {
					t.Fatalf("request %d cut, before %v: outcome %d, %v", at, before, r.Outcome, r.Err)
				}
				e.again(t, c, k, r)
				e.books(t, d.Key, 0, 1)
			}
			if at < 20 {
				t.Errorf("only %d requests were cut", at)
			}
		}
	})
}

func TestTakingBackSurvivesEveryRefusalOfAStep(t *testing.T) {
	for _, f := range []simkit.Fault{
		{Kind: simkit.ErrorBody, Code: "ConcurrencyException"}, {Kind: simkit.ErrorBody, Code: "'nofield'"}, {Kind: simkit.Garble},
		{Kind: simkit.Status}, {Kind: simkit.BadGateway}, {Kind: simkit.TokenExpiry}, {Kind: simkit.Duplicate},
	} {
		t.Run(string(f.Kind)+f.Code, func(t *testing.T) {
			t.Parallel()
			e := simulated(t)
			struck := true
			for step := 0; struck; step++ {
				d, c, k := e.sold(t, fmt.Sprintf("step-%d", step))
				f.Count, f.Skip = 1, step
				e.fault(t, f)
				r := e.deliver(t, opCancel, c)
				struck = e.faults.List()[0].Hits > 0
				e.faults.Clear()
				e.again(t, c, k, r)
				e.books(t, d.Key, 0, 1)
			}
		})
	}
}

func TestProgressOfATakeBackThatCannotBeKept(t *testing.T) {
	e := simulated(t)
	d, c, k := e.sold(t, "unsaved")
	k.err = errors.New("disk full")
	if r := e.deliver(t, opCancel, c); r.Outcome != connectors.Unknown || r.Err.Code != "tryton.progress" {
		t.Fatalf("got %+v, %v", r, r.Err)
	}
	if b := trytonsim.Books(e.sim.Sales(), nil)[d.Key]; b.ToShip != 0 || b.Billed != "177.00" {
		t.Errorf("it must stop after the step that was not kept: %+v", b)
	}
	k.err = nil
	e.again(t, c, k, connectors.Result{})
	e.books(t, d.Key, 0, 1)
}
