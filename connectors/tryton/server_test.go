package tryton

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/tryton/trytonsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// erp is a server, simulated or real, and a connection to it.
type erp struct {
	*conn
	sim    *trytonsim.Sim // nil for a real server
	faults *simkit.Faults
	url    string
	creds  map[string]string
	unique string
}

// servers runs a test against the simulator, and against the real server that
// TRYTON_URL names (with TRYTON_PASSWORD, and TRYTON_DATABASE and TRYTON_USERNAME
// where they are not tryton and admin). Its data need products SKU-TEA-100 and
// SKU-MUG-01, a tax "VAT 13%", a payment term Direct, CNY and a warehouse.
func servers(t *testing.T, test func(t *testing.T, e *erp)) {
	t.Run("simulated", func(t *testing.T) { test(t, simulated(t)) })
	t.Run("real", func(t *testing.T) {
		url := os.Getenv("TRYTON_URL")
		if url == "" {
			if os.Getenv("CI") == "true" {
				t.Fatal("TRYTON_URL is not set: in CI the real server must be tested too")
			}
			t.Skip("TRYTON_URL is not set: no real Tryton to test against")
		}
		creds := map[string]string{"database": env("TRYTON_DATABASE", "tryton"), "username": env("TRYTON_USERNAME", "admin"), "password": os.Getenv("TRYTON_PASSWORD")}
		e := &erp{url: url, creds: creds, unique: fmt.Sprintf("T%d", time.Now().UnixNano())}
		e.conn = connect(t, url, creds, nil)
		t.Cleanup(func() { _ = e.Close() })
		test(t, e)
	})
}

func env(name, other string) string { return or(os.Getenv(name), other) }

func simulated(t *testing.T) *erp {
	t.Helper()
	faults := simkit.NewFaults(1)
	sim := trytonsim.New(trytonsim.Options{Options: simkit.Options{Faults: faults, Seed: 7}})
	server := httptest.NewServer(sim)
	e := &erp{sim: sim, faults: faults, url: server.URL, creds: sim.Credentials(), unique: "T1"}
	e.conn = connect(t, server.URL, e.creds, nil)
	t.Cleanup(func() {
		_ = e.Close()
		server.Close()
	})
	return e
}

// connect opens a connection; more are further fields.
func connect(t *testing.T, url string, creds, more map[string]string) *conn {
	t.Helper()
	return connectOver(t, url, creds, more, nil)
}

// connectOver opens a connection whose requests go through rt.
func connectOver(t *testing.T, url string, creds, more map[string]string, rt http.RoundTripper) *conn {
	t.Helper()
	c := Connector()
	v := connectors.Values{Text: map[string]string{"base_url": url}, Secrets: map[string]connectors.Secret{}}
	for _, f := range c.Config {
		value, ok := creds[f.Name]
		if m, given := more[f.Name]; given {
			value, ok = m, true
		}
		if ok && f.Kind == connectors.FieldSecret {
			v.Secrets[f.Name] = connectors.NewSecret(value)
		} else if ok {
			v.Text[f.Name] = value
		}
	}
	cfg, errs := connectors.NewConfig(c.Config, v)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	opened, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Name: "test", Transport: rt})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*conn)
}

func (e *erp) fault(t *testing.T, f simkit.Fault) {
	t.Helper()
	if _, err := e.faults.Add(f); err != nil {
		t.Fatal(err)
	}
}

func (e *erp) calls(name string) simkit.CallCount {
	for _, c := range e.sim.Calls() {
		if c.Call == name {
			return c
		}
	}
	return simkit.CallCount{}
}

// key makes a key that no other test uses.
func (e *erp) key(name string) string { return e.unique + "-" + name }

// keeper stores progress as the engine would.
type keeper struct {
	kept []string
	err  error
}

func (k *keeper) save(_ context.Context, p json.RawMessage) error {
	if k.err != nil {
		return k.err
	}
	k.kept = append(k.kept, string(p))
	return nil
}

func (k *keeper) last() json.RawMessage {
	if len(k.kept) == 0 {
		return nil
	}
	return json.RawMessage(k.kept[len(k.kept)-1])
}

// delivery makes one; document is a tree.
func delivery(t *testing.T, key string, document map[string]any) (connectors.Delivery, *keeper) {
	t.Helper()
	b, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{}
	return connectors.Delivery{ID: "d-" + key, Key: key, Base: key, Document: b, Attempt: 1, Save: k.save}, k
}

func (e *erp) deliver(t *testing.T, operation string, d connectors.Delivery) connectors.Result {
	t.Helper()
	results, err := e.Deliver(t.Context(), operation, []connectors.Delivery{d})
	if err != nil || len(results) != 1 || results[0].ID != d.ID {
		t.Fatalf("got %v, %v", results, err)
	}
	return results[0]
}

func (e *erp) lookup(t *testing.T, operation string, d connectors.Delivery) connectors.Finding {
	t.Helper()
	findings, err := e.Lookup(t.Context(), operation, []connectors.Delivery{d})
	if err != nil || len(findings) != 1 || findings[0].ID != d.ID {
		t.Fatalf("got %v, %v", findings, err)
	}
	return findings[0]
}

// done delivers and wants it done.
func (e *erp) done(t *testing.T, operation string, d connectors.Delivery) connectors.Result {
	t.Helper()
	r := e.deliver(t, operation, d)
	if r.Outcome != connectors.Done {
		t.Fatalf("outcome %d: %v", r.Outcome, r.Err)
	}
	if len(r.RemoteIDs) == 0 || len(r.Exchanges) == 0 {
		t.Fatalf("no remote ids or exchanges: %+v", r)
	}
	return r
}

// refused delivers and wants it refused, for a reason with the code.
func (e *erp) refused(t *testing.T, operation string, d connectors.Delivery, code string) *connectors.Error {
	t.Helper()
	r := e.deliver(t, operation, d)
	if r.Outcome != connectors.Refused || r.Err == nil || r.Err.Code != code {
		t.Fatalf("outcome %d, %v; want it refused with %s", r.Outcome, r.Err, code)
	}
	return r.Err
}

// alive reads the sales under a reference that are not cancelled, and no returns.
func (e *erp) alive(t *testing.T, key string) []saleRow {
	t.Helper()
	rows, err := e.run().sales(t.Context(), domain(is("reference", "=", key), is("state", "!=", cancelled), is("origin", "=", nil)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// goodsLine is two packets of tea: 2 × 78.3186 + 13 % = 177.00.
func goodsLine() map[string]any {
	return map[string]any{"product_code": "SKU-TEA-100", "description": "龙井茶 100g", "quantity": 2, "unit_price": "78.3186", "taxes": []string{"VAT 13%"}}
}

// saleDocument is a sale over 177.00 for a party that it brings along.
func saleDocument(key, party string) map[string]any {
	return map[string]any{
		"reference": key, "sale_date": "2026-11-20", "party_code": party, "currency": "CNY", "payment_term": "Direct",
		"party":            map[string]any{"name": "张三", "contact_mechanisms": []any{map[string]any{"type": "mobile", "value": "13800000001"}}},
		"shipment_address": map[string]any{"party_name": "张三", "street": "示例路1号", "city": "杭州", "postal_code": "310000"},
		"lines":            []any{goodsLine()},
		"expected_total":   "177.00",
	}
}

func with(document map[string]any, field string, value any) map[string]any {
	document[field] = value
	return document
}

func without(document map[string]any, field string) map[string]any {
	delete(document, field)
	return document
}
