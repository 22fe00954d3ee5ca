package qimen

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/qimen/qimensim"
	"github.com/minihub/minihub/connectors/simkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// warehouse is a simulated warehouse and a connection to it.
type warehouse struct {
	*conn
	sim    *qimensim.Sim
	faults *simkit.Faults
}

func newWarehouse(t *testing.T, o qimensim.Options, more map[string]string) *warehouse {
	t.Helper()
	faults := simkit.NewFaults(1)
	o.Faults, o.Seed = faults, 7
	client := &http.Client{Transport: &http.Transport{}}
	o.Client = client
	sim := qimensim.New(o)
	server := httptest.NewServer(sim)
	creds := sim.Credentials()
	for k, v := range more {
		creds[k] = v
	}
	w := &warehouse{sim: sim, faults: faults, conn: connect(t, server.URL, creds)}
	t.Cleanup(func() {
		_ = w.Close()
		client.CloseIdleConnections()
		server.Close()
	})
	return w
}

func connect(t *testing.T, url string, settings map[string]string) *conn {
	t.Helper()
	c := Connector()
	v := connectors.Values{Text: map[string]string{"base_url": url + settings["address"]}, Secrets: map[string]connectors.Secret{}}
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
	opened, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*conn)
}

// stub opens a connection to a handler.
func stub(t *testing.T, h http.HandlerFunc) *conn {
	t.Helper()
	server := httptest.NewServer(h)
	c := connect(t, server.URL, map[string]string{"app_key": "1", "secret": "invented", "customer_id": "c1"})
	t.Cleanup(func() {
		_ = c.Close()
		server.Close()
	})
	return c
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

const orderText = `{
	"deliveryOrder": {
		"orderType": "JYCK", "warehouseCode": "WH01", "sourcePlatformCode": "OTHERS", "sourcePlatformName": "微信小程序",
		"createTime": "2026-01-01 10:01:05", "placeOrderTime": "2026-01-01 10:00:00", "payTime": "2026-01-01 10:01:00", "operateTime": "2026-01-01 10:01:05",
		"shopNick": "示例小程序店", "totalAmount": "118.00", "itemAmount": "120.00", "discountAmount": "10.00", "freight": "8.00",
		"arAmount": "0.00", "gotAmount": "118.00", "logisticsCode": "SF",
		"senderInfo": {"name": "仓库", "mobile": "13900000000", "province": "浙江省", "city": "杭州市", "detailAddress": "示例仓1号"},
		"receiverInfo": {"name": "张三", "mobile": "13800000000", "province": "浙江省", "city": "杭州市", "area": "余杭区", "detailAddress": "仓前 <街道> & 路1号"},
		"remark": "请尽快", "extendProps": {"giftWrap": "1"}
	},
	"orderLines": [
		{"orderLineNo": "1", "sourceOrderCode": "3729000000000000517", "ownerCode": "OWN01", "itemCode": "TEE-RED-L", "planQty": 2, "actualPrice": "55.00"},
		{"orderLineNo": "2", "sourceOrderCode": "3729000000000000517", "ownerCode": "OWN01", "itemCode": "CAP-BLUE", "planQty": 1, "actualPrice": "0.00"}
	]
}`

func orderOf(key string) connectors.Delivery {
	return connectors.Delivery{ID: "d-" + key, Key: key, Base: key, Document: json.RawMessage(orderText)}
}

func edited(d connectors.Delivery, old, text string) connectors.Delivery {
	d.Document = json.RawMessage(strings.ReplaceAll(string(d.Document), old, text))
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

func (w *warehouse) fault(t *testing.T, f simkit.Fault) {
	t.Helper()
	if _, err := w.faults.Add(f); err != nil {
		t.Fatal(err)
	}
}
