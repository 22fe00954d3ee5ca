package tryton

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
)

func partyDocument(name, street, phone string) map[string]any {
	return map[string]any{
		"name": name, "customer_payment_term": "Direct",
		"addresses":          []any{map[string]any{"party_name": name, "street": street, "city": "上海", "postal_code": "200000"}},
		"contact_mechanisms": []any{map[string]any{"type": "mobile", "value": phone}, map[string]any{"type": "email", "value": "m@example.test"}},
	}
}

func TestAPartyIsUpserted(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		code := e.key("member")
		d, _ := delivery(t, code, partyDocument("周梅", "示例路8号", "13900000001"))
		if f := e.lookup(t, opParty, d); f.Presence != connectors.Absent {
			t.Fatalf("before: %+v", f)
		}
		first := e.done(t, opParty, d)
		f := e.lookup(t, opParty, d)
		if f.Presence != connectors.Same || cmp.Diff(first.RemoteIDs, f.RemoteIDs) != "" {
			t.Fatalf("after: %+v", f)
		}
		// A new name, address and phone; the mail address stays.
		d, _ = delivery(t, code, partyDocument("周小梅", "示例路9号", "139-0000-0002"))
		f = e.lookup(t, opParty, d)
		if diff := cmp.Diff([]string{"/name", "/addresses", "/contact_mechanisms"}, f.Fields); f.Presence != connectors.Other || diff != "" {
			t.Errorf("presence %d, %s", f.Presence, diff)
		}
		second := e.done(t, opParty, d)
		if diff := cmp.Diff(first.RemoteIDs, second.RemoteIDs); diff != "" {
			t.Error(diff)
		}
		if f := e.lookup(t, opParty, d); f.Presence != connectors.Same {
			t.Errorf("after the change: %+v", f)
		}
		e.done(t, opParty, d) // and again: nothing is doubled
		p, err := e.run().readParty(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != "周小梅" || len(p.Addresses) != 2 || len(p.Contacts) != 3 || p.Term != "Direct" {
			t.Errorf("the server has %+v", p)
		}
	})
}

func TestPartiesThatCannotGo(t *testing.T) {
	e := simulated(t)
	for name, c := range map[string]struct {
		document map[string]any
		code     string
	}{
		"no name":      {map[string]any{}, "tryton.document"},
		"another code": {map[string]any{"name": "x", "code": "other"}, "tryton.key"},
		"a wrong type": {map[string]any{"name": 5}, "tryton.document"},
		"term":         {map[string]any{"name": "x", "customer_payment_term": "never"}, "tryton.payment_term"},
		"country":      {map[string]any{"name": "x", "addresses": []any{map[string]any{"street": "x", "country": "XX"}}}, "tryton.country"},
	} {
		d, _ := delivery(t, e.key("bad"), c.document)
		t.Run(name, func(t *testing.T) { e.refused(t, opParty, d, c.code) })
	}
}

func TestPhonesAreComparedWithoutSpaces(t *testing.T) {
	m := mechanism{"mobile", "+86 139 0000-0002"}
	for there, want := range map[mechanism]bool{
		{"mobile", "+8613900000002"}: true, {"phone", "+8613900000002"}: false, {"mobile", "+8613900000003"}: false,
	} {
		if m.same(there) != want {
			t.Errorf("%v: want %v", there, want)
		}
	}
}

// faster makes the party itself before the first create goes on, and cuts the request
// that follows.
type faster struct {
	make func()
	cut  bool
}

func (f *faster) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case f.cut:
		f.cut = false
		return nil, errors.New("cut before the request")
	case f.make != nil && bytes.Contains(body, []byte("party.party.create")):
		f.make()
		f.make, f.cut = nil, true
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestAFasterPartyIsNoRefusal: somebody made the party meanwhile, and the look for it
// failed. The document is not at fault, so it must not park.
func TestAFasterPartyIsNoRefusal(t *testing.T) {
	e := simulated(t)
	d, _ := delivery(t, e.key("member"), partyDocument("周梅", "示例路8号", "13900000001"))
	slow := &erp{sim: e.sim, unique: e.unique,
		conn: connectOver(t, e.url, e.creds, nil, &faster{make: func() { e.done(t, opParty, d) }})}
	if r := slow.deliver(t, opParty, d); r.Outcome != connectors.NotSent && r.Outcome != connectors.Unknown {
		t.Fatalf("outcome %d: %v", r.Outcome, r.Err)
	}
	slow.done(t, opParty, d)
	if err := slow.Close(); err != nil {
		t.Fatal(err)
	}
}
