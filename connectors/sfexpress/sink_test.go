package sfexpress

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/sfexpress/sfexpresssim"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/schemas"
)

func TestTheDeclarationIsSound(t *testing.T) {
	if _, err := connectors.NewRegistry(Connector()); err != nil {
		t.Error(err)
	}
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, document := range map[string]string{"vendors/sfexpress/order.create": orderText, "vendors/sfexpress/order.cancel": `{}`} {
		s, ok := set.Get(name)
		if !ok {
			t.Fatalf("no schema %s", name)
		}
		if _, v := s.ValidateBytes([]byte(document)); len(v) > 0 {
			t.Errorf("%s: %v", name, v)
		}
	}
}

func TestCreateAndCancel(t *testing.T) {
	for mode, name := range map[sfexpresssim.Mode]string{sfexpresssim.StandardMD5: digestStandard, sfexpresssim.SimpleMD5: digestSimple, sfexpresssim.SM3: digestSM3} {
		c := newCarrier(t, sfexpresssim.Options{Mode: mode}, map[string]string{"digest": name})
		d := orderOf("HUB-1")
		if f := lookup(t, c.conn, opCreate, d); f.Presence != connectors.Absent {
			t.Fatalf("before: %+v %v", f, f.Err)
		}
		r := deliver(t, c.conn, opCreate, d)
		if r.Outcome != connectors.Done {
			t.Fatalf("%s: %v", name, r.Err)
		}
		held, ok := c.sim.Order("HUB-1")
		if !ok || held.Receiver.Address != "样例街2号~*(1)'" || held.TotalWeight != "1.20" || held.MonthlyCard != "7551234567" || held.Cargo[0].Name != "T恤 & <帽>" {
			t.Errorf("the carrier holds %+v", held)
		}
		if d := cmp.Diff([]connectors.RemoteID{{Kind: idOrder, Value: "HUB-1"}, {Kind: idWaybill, Value: held.Waybills[0].No}}, r.RemoteIDs); d != "" {
			t.Error(d)
		}
		f := lookup(t, c.conn, opCreate, d)
		if f.Presence != connectors.Same || !cmp.Equal(f.RemoteIDs, r.RemoteIDs) {
			t.Errorf("after: %+v", f)
		}
		x := r.Exchanges[0]
		if shown := fmt.Sprintf("%+v", r.Exchanges); strings.Contains(shown, "inventedCheckWord") || !strings.Contains(x.Request, "msgDigest=****") || !strings.Contains(x.Request, svcCreate) {
			t.Errorf("shown %s", shown)
		}
		stop := connectors.Delivery{ID: "c", Key: "HUB-1", Base: "HUB-1", RemoteIDs: r.RemoteIDs, Document: json.RawMessage(`{}`)}
		if f := lookup(t, c.conn, opCancel, stop); f.Presence != connectors.Absent {
			t.Errorf("before the cancel: %+v", f)
		}
		for range 2 { // twice: 8037 counts as success
			if r := deliver(t, c.conn, opCancel, stop); r.Outcome != connectors.Done || r.Err != nil {
				t.Errorf("cancel: %v", r.Err)
			}
		}
		if held, _ := c.sim.Order("HUB-1"); !held.Cancelled {
			t.Error("the order is not cancelled")
		}
		if f := lookup(t, c.conn, opCancel, stop); f.Presence != connectors.Same {
			t.Errorf("after the cancel: %+v", f)
		}
		if r := deliver(t, c.conn, opCreate, d); r.Outcome != connectors.Duplicate {
			t.Errorf("a cancelled id: %d %v", r.Outcome, r.Err)
		}
		if f := lookup(t, c.conn, opCreate, d); f.Presence != connectors.Other || f.Fields[0] != "/cancelled" {
			t.Errorf("a cancelled id: %+v", f)
		}
		next := edited(orderOf("HUB-1-g1"), `"payMethod"`, `"orderId": "HUB-1", "payMethod"`)
		next.Base = "HUB-1"
		if r := deliver(t, c.conn, opCreate, next); r.Outcome != connectors.Done {
			t.Errorf("the next generation: %v", r.Err)
		}
	}
}

func TestParcels(t *testing.T) {
	c := newCarrier(t, sfexpresssim.Options{}, nil)
	d := edited(orderOf("HUB-1"), `"parcelQty": 1`, `"parcelQty": "3"`)
	r := deliver(t, c.conn, opCreate, d)
	kinds := map[string]int{}
	for _, id := range r.RemoteIDs {
		kinds[id.Kind]++
	}
	if r.Outcome != connectors.Done || kinds[idWaybill] != 1 || kinds[idChild] != 2 {
		t.Errorf("got %+v %v", r.RemoteIDs, r.Err)
	}
	if f := lookup(t, c.conn, opCreate, d); f.Presence != connectors.Same {
		t.Errorf("got %+v", f)
	}
	if f := lookup(t, c.conn, opCreate, orderOf("HUB-1")); f.Presence != connectors.Other || f.Fields[0] != "/parcelQty" {
		t.Errorf("one parcel: %+v", f)
	}
}

func TestARepeatMakesNoSecondWaybill(t *testing.T) {
	for repeat, want := range map[sfexpresssim.Repeat]connectors.Outcome{sfexpresssim.RepeatRefused: connectors.Duplicate, sfexpresssim.RepeatSame: connectors.Done} {
		c := newCarrier(t, sfexpresssim.Options{Repeat: repeat}, nil)
		deliver(t, c.conn, opCreate, orderOf("HUB-1"))
		if r := deliver(t, c.conn, opCreate, orderOf("HUB-1")); r.Outcome != want {
			t.Errorf("outcome %d, want %d: %v", r.Outcome, want, r.Err)
		}
		if made := c.sim.WaybillsMade()["HUB-1"]; len(made) != 1 {
			t.Errorf("waybills %v", made)
		}
	}
}

func TestAManualCheckIsPolled(t *testing.T) {
	c := newCarrier(t, sfexpresssim.Options{Filter: map[string]int{"杭州市": 1}}, nil)
	for name, result := range map[string]int{"served": 2, "not served": 3} {
		d := orderOf("HUB-" + fmt.Sprint(result))
		r := deliver(t, c.conn, opCreate, d)
		if r.Outcome != connectors.Took || r.Ticket != d.Key || r.Wait <= 0 {
			t.Fatalf("%s: %+v %v", name, r, r.Err)
		}
		if f := lookup(t, c.conn, opCreate, d); f.Presence != connectors.CannotTell || f.Err == nil {
			t.Errorf("%s: looked up as %d", name, f.Presence)
		}
		ticket := connectors.Ticket{ID: d.ID, Ticket: r.Ticket, Delivery: d}
		if r := poll(t, c.conn, ticket); r.Outcome != connectors.Took || r.Ticket != d.Key {
			t.Errorf("%s, still open: %+v", name, r)
		}
		c.fault(t, simkit.Fault{Call: svcSearch, Kind: simkit.DropAnswer, Count: 1})
		if r := poll(t, c.conn, ticket); r.Outcome != connectors.Took || r.Ticket != d.Key {
			t.Errorf("%s, a poll that failed: %+v", name, r)
		}
		if err := c.sim.SetFilterResult(d.Key, result); err != nil {
			t.Fatal(err)
		}
		r = poll(t, c.conn, ticket)
		if result == 2 && (r.Outcome != connectors.Done || len(r.RemoteIDs) != 2) || result == 3 && (r.Outcome != connectors.Refused || r.Err.Kind != connectors.Invalid) {
			t.Errorf("%s: %+v %v", name, r, r.Err)
		}
		if f := lookup(t, c.conn, opCreate, d); result == 3 && (f.Presence != connectors.Other || f.Fields[0] != "/filterResult") {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if r := poll(t, c.conn, connectors.Ticket{ID: "x", Ticket: "HUB-none"}); r.Outcome != connectors.Unknown || r.Err == nil {
		t.Errorf("an order nobody knows: %+v", r)
	}
	d := orderOf("HUB-9")
	deliver(t, c.conn, opCreate, d)
	if err := c.sim.Cancel(d.Key); err != nil {
		t.Fatal(err)
	}
	if r := poll(t, c.conn, connectors.Ticket{ID: "x", Ticket: d.Key}); r.Outcome != connectors.Refused {
		t.Errorf("cancelled by the carrier: %+v", r)
	}
	if _, err := c.Poll(t.Context(), opCancel, nil); err == nil {
		t.Error("a cancel was polled")
	}
}

func poll(t *testing.T, c *conn, ticket connectors.Ticket) connectors.Result {
	t.Helper()
	results, err := c.Poll(t.Context(), opCreate, []connectors.Ticket{ticket})
	if err != nil || len(results) != 1 || results[0].ID != ticket.ID {
		t.Fatalf("got %+v, %v", results, err)
	}
	return results[0]
}

func TestNotServedAtOnce(t *testing.T) {
	c := newCarrier(t, sfexpresssim.Options{Filter: map[string]int{"杭州市": 3}}, nil)
	if r := deliver(t, c.conn, opCreate, orderOf("HUB-1")); r.Outcome != connectors.Refused || r.Err.Hint == "" {
		t.Errorf("got %+v %v", r, r.Err)
	}
}

func TestACancelAfterPickupIsAConflict(t *testing.T) {
	c := newCarrier(t, sfexpresssim.Options{}, nil)
	deliver(t, c.conn, opCreate, orderOf("HUB-1"))
	if err := c.sim.AddRoute("HUB-1", sfexpresssim.Route{OpCode: "50", Remark: "已收取"}); err != nil {
		t.Fatal(err)
	}
	stop := connectors.Delivery{ID: "c", Key: "HUB-1", Document: json.RawMessage(`{"dealType":2}`)}
	if r := deliver(t, c.conn, opCancel, stop); r.Outcome != connectors.Refused || r.Err.Kind != connectors.Conflict {
		t.Errorf("got %d %v", r.Outcome, r.Err)
	}
	stop.Key = "HUB-2"
	if r := deliver(t, c.conn, opCancel, stop); r.Outcome != connectors.Refused || r.Err.Kind != connectors.NotFound {
		t.Errorf("an order nobody knows: %d %v", r.Outcome, r.Err)
	}
}

func TestFaults(t *testing.T) {
	for kind, want := range map[simkit.Kind]struct {
		outcome connectors.Outcome
		held    bool
		kind    connectors.Kind
	}{
		simkit.DropAnswer:  {connectors.Unknown, true, connectors.Unavailable},
		simkit.DropRequest: {connectors.Unknown, false, connectors.Unavailable},
		simkit.BadGateway:  {connectors.Unknown, true, connectors.Unavailable},
		simkit.Status:      {connectors.Unknown, false, connectors.Unavailable},
		simkit.Garble:      {connectors.Unknown, true, connectors.Unreadable},
		simkit.RateLimit:   {connectors.NotSent, false, connectors.RateLimited},
		simkit.ErrorBody:   {connectors.Unknown, false, connectors.Unavailable},
	} {
		t.Run(string(kind), func(t *testing.T) {
			c := newCarrier(t, sfexpresssim.Options{}, nil)
			c.fault(t, simkit.Fault{Call: svcCreate, Kind: kind, Count: 1})
			d := orderOf("HUB-1")
			r := deliver(t, c.conn, opCreate, d)
			if r.Outcome != want.outcome || r.Err == nil || r.Err.Kind != want.kind || r.Err.Sent != (want.outcome == connectors.Unknown) || len(r.Exchanges) != 1 {
				t.Errorf("outcome %d, %+v", r.Outcome, r.Err)
			}
			if kind == simkit.RateLimit && r.Err.Wait <= 0 {
				t.Error("no wait")
			}
			presence := connectors.Absent
			if want.held {
				presence = connectors.Same
			}
			if f := lookup(t, c.conn, opCreate, d); f.Presence != presence {
				t.Errorf("presence %d, %v", f.Presence, f.Err)
			}
			for _, op := range []string{opCreate, opCancel} {
				c.fault(t, simkit.Fault{Call: svcSearch, Kind: kind, Count: 1})
				if f := lookup(t, c.conn, op, d); f.Presence != connectors.CannotTell || f.Err == nil {
					t.Errorf("%s: a look-up that failed says %d", op, f.Presence)
				}
			}
			c.fault(t, simkit.Fault{Call: svcRoutes, Kind: kind, Count: 1})
			if _, err := c.Fetch(t.Context(), routes, []string{"SF0000000000001"}); connectors.AsError(err) == nil || connectors.AsError(err).Kind != want.kind {
				t.Errorf("fetch: %v", err)
			}
		})
	}
}

func TestRefusedDocuments(t *testing.T) {
	c := newCarrier(t, sfexpresssim.Options{}, nil)
	for name, tc := range map[string]struct{ op, document string }{
		"no JSON":         {opCreate, `{`},
		"no object":       {opCreate, `[]`},
		"another id":      {opCreate, `{"orderId":"HUB-9"}`},
		"parcels":         {opCreate, `{"parcelQty":0}`},
		"half a parcel":   {opCreate, `{"parcelQty":"1.5"}`},
		"a list of them":  {opCreate, `{"parcelQty":[1]}`},
		"cancel":          {opCancel, `7`},
		"cancel another":  {opCancel, `{"orderId":"HUB-9"}`},
		"cancel is a map": {opCancel, `{"orderId":{}}`},
	} {
		d := connectors.Delivery{ID: "1", Key: "HUB-1", Base: "HUB-1", Document: json.RawMessage(tc.document)}
		if r := deliver(t, c.conn, tc.op, d); r.Outcome != connectors.Refused || r.Err.Kind != connectors.Invalid || len(r.Exchanges) != 0 {
			t.Errorf("%s: %d, %v", name, r.Outcome, r.Err)
		}
		if f := lookup(t, c.conn, tc.op, d); f.Presence != connectors.CannotTell || f.Err == nil {
			t.Errorf("%s: looked up as %d", name, f.Presence)
		}
	}
	if r := deliver(t, c.conn, opCreate, edited(orderOf("HUB-1"), `"contact": "李示例", `, ``)); r.Outcome != connectors.Refused || r.Err.Kind != connectors.Invalid {
		t.Errorf("no receiver: %d, %v", r.Outcome, r.Err)
	}
	for _, err := range []error{second(c.Deliver(t.Context(), "x", nil)), second(c.Lookup(t.Context(), "x", nil)), second(c.Fetch(t.Context(), "x", nil))} {
		if e := connectors.AsError(err); e == nil || e.Scope != connectors.OfOperation {
			t.Errorf("a name that is not there: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results, err := c.Deliver(ctx, opCreate, []connectors.Delivery{orderOf("HUB-1")})
	if err != nil || results[0].Outcome != connectors.NotSent {
		t.Errorf("cancelled: %+v, %v", results, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestWrongSettings(t *testing.T) {
	c := newCarrier(t, sfexpresssim.Options{}, map[string]string{"check_word": "invented-other"})
	if e := connectors.AsError(c.Ping(t.Context())); e == nil || e.Kind != connectors.Unauthorized || e.Scope != connectors.OfConnection {
		t.Errorf("ping: %v", e)
	}
	if r := deliver(t, c.conn, opCreate, orderOf("HUB-1")); r.Outcome != connectors.NotSent {
		t.Errorf("create: %d", r.Outcome)
	}
	closed := newCarrier(t, sfexpresssim.Options{Services: []string{svcSearch}}, nil)
	if r := deliver(t, closed.conn, opCreate, orderOf("HUB-1")); r.Outcome != connectors.NotSent || r.Err.Kind != connectors.Forbidden || r.Err.Scope != connectors.OfOperation {
		t.Errorf("a service that is not linked: %d %v", r.Outcome, r.Err)
	}
	cfg := config(t, "http://sf.invalid", map[string]string{"partner_id": "P", "check_word": "w", "push_secret": "short"})
	if _, err := Connector().OpenConnection(t.Context(), cfg, connectors.Env{}); err == nil || !strings.Contains(err.Error(), "push_secret") {
		t.Errorf("a short secret: %v", err)
	}
}
