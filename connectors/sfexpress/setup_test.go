package sfexpress

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/sfexpress/sfexpresssim"
	"github.com/minihub/minihub/connectors/simkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const pushSecret = "invented-push-secret-0001"

// carrier is the simulated platform and a connection to it.
type carrier struct {
	*conn
	sim    *sfexpresssim.Sim
	faults *simkit.Faults
}

func newCarrier(t *testing.T, o sfexpresssim.Options, more map[string]string) *carrier {
	t.Helper()
	faults := simkit.NewFaults(1)
	o.Faults, o.Seed = faults, 7
	client := &http.Client{Transport: &http.Transport{}}
	o.Client = client
	sim := sfexpresssim.New(o)
	server := httptest.NewServer(sim)
	settings := sim.Credentials()
	settings["push_secret"] = pushSecret
	for k, v := range more {
		settings[k] = v
	}
	c := &carrier{sim: sim, faults: faults, conn: connect(t, server.URL, settings)}
	t.Cleanup(func() {
		_ = c.Close()
		client.CloseIdleConnections()
		server.Close()
	})
	return c
}

func connect(t *testing.T, url string, settings map[string]string) *conn {
	t.Helper()
	cfg := config(t, url, settings)
	opened, err := Connector().OpenConnection(t.Context(), cfg, connectors.Env{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*conn)
}

func config(t *testing.T, url string, settings map[string]string) connectors.Config {
	t.Helper()
	c := Connector()
	v := connectors.Values{Text: map[string]string{"base_url": url}, Secrets: map[string]connectors.Secret{}}
	for _, f := range c.Config {
		if value, ok := settings[f.Name]; ok && f.Kind == connectors.FieldSecret {
			v.Secrets[f.Name] = connectors.NewSecret(value)
		} else if ok {
			v.Text[f.Name] = value
		}
	}
	cfg, errs := connectors.NewConfig(c.Config, v)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return cfg
}

// stub opens a connection to a handler.
func stub(t *testing.T, status int, body string) *conn {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	c := connect(t, server.URL, map[string]string{"partner_id": "P", "check_word": "invented"})
	t.Cleanup(func() {
		_ = c.Close()
		server.Close()
	})
	return c
}

const orderText = `{
	"payMethod": 1, "expressTypeId": 2, "parcelQty": 1, "totalWeight": 1.20, "isDocall": 0, "isReturnRoutelabel": 1,
	"contactInfoList": [
		{"contactType": 1, "contact": "仓库A", "mobile": "13900000001", "country": "CN", "province": "广东省", "city": "深圳市", "county": "南山区", "address": "示例路1号"},
		{"contactType": 2, "contact": "李示例", "mobile": "13900000002", "country": "CN", "province": "浙江省", "city": "杭州市", "county": "西湖区", "address": "样例街2号~*(1)'"}],
	"cargoDetails": [{"name": "T恤 & <帽>", "count": 2, "unit": "件", "weight": 0.3, "amount": 59.00}]
}`

func orderOf(key string) connectors.Delivery {
	return connectors.Delivery{ID: "d-" + key, Key: key, Base: key, Document: json.RawMessage(orderText)}
}

func edited(d connectors.Delivery, old, text string) connectors.Delivery {
	d.Document = json.RawMessage(strings.Replace(string(d.Document), old, text, 1))
	return d
}

func deliver(t *testing.T, c *conn, op string, d connectors.Delivery) connectors.Result {
	t.Helper()
	results, err := c.Deliver(t.Context(), op, []connectors.Delivery{d})
	if err != nil || len(results) != 1 || results[0].ID != d.ID {
		t.Fatalf("got %+v, %v", results, err)
	}
	return results[0]
}

func lookup(t *testing.T, c *conn, op string, d connectors.Delivery) connectors.Finding {
	t.Helper()
	findings, err := c.Lookup(t.Context(), op, []connectors.Delivery{d})
	if err != nil || len(findings) != 1 || findings[0].ID != d.ID {
		t.Fatalf("got %+v, %v", findings, err)
	}
	return findings[0]
}

func (c *carrier) fault(t *testing.T, f simkit.Fault) {
	t.Helper()
	if _, err := c.faults.Add(f); err != nil {
		t.Fatal(err)
	}
}

func chinaNoon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, china()) }
