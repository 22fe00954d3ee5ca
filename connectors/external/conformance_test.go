package external_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/connectortest/habits"
	"github.com/minihub/minihub/connectors/jushuitan"
	"github.com/minihub/minihub/connectors/jushuitan/jushuitansim"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/webhook"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
)

// noDryRun is why: nobody here sees what a program sends.
const noDryRun = "what a program sends, the hub never sees"

func document(key string, change int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"key":%q,"payment":"P-%s","version":%d,"total":"118.00","lines":[{"sku":"TEE-RED-L","qty":%d}]}`, key, key, change+1, change+1))
}

func bad(string) json.RawMessage { return json.RawMessage(`{"payment":"P","total":"0.00","lines":[]}`) }

// at serves a simulator and says how to connect to it.
func at(t *testing.T, name string, faults *simkit.Faults, sys http.Handler) *connectortest.System {
	t.Helper()
	srv := httptest.NewServer(sys)
	t.Cleanup(srv.Close)
	return &connectortest.System{Name: name, Faults: faults, Values: connectors.Values{
		Text: map[string]string{"url": srv.URL}, Secrets: map[string]connectors.Secret{"token": connectors.NewSecret(habits.Token)}}}
}

// A connector that pushes and takes pushes passes the suite as a program of its own.
func TestWebhookConformsAsAProgram(t *testing.T) {
	c := loaded(t, webhook.Connector())
	connectortest.Run(t, connectortest.Suite{
		Connector: c,
		Start: func(t *testing.T) *connectortest.System {
			faults := simkit.NewFaults(1)
			sim := webhooksim.New(webhooksim.Options{Options: simkit.Options{Faults: faults}, LookupToken: "invented-lookup-token"})
			sys := at(t, sim.System(), faults, sim)
			url := sys.Values.Text["url"]
			sys.Values = connectors.Values{
				Text: map[string]string{"url": url + "/hook", "lookup_url": url + "/events", "key_pointer": "/key", "version_pointer": "/version"},
				Secrets: map[string]connectors.Secret{
					"secret":       connectors.NewSecret(sim.Credentials()["secret"]),
					"lookup_token": connectors.NewSecret(sim.Credentials()["lookup_token"]),
				},
			}
			sys.Effects = func(_, key string) int { return len(sim.Versions(key)) }
			return sys
		},
		Operations: []connectortest.Operation{{Name: "event.push", Document: document}, {Name: "event.push.asked", Document: document}},
		Streams: []connectortest.Stream{{
			Name: "events", Pushed: []string{"K-1"},
			Push:   func(t *testing.T, sys *connectortest.System) connectors.Request { return sent(t, sys, false) },
			Forged: func(t *testing.T, sys *connectortest.System) connectors.Request { return sent(t, sys, true) },
		}},
		Waivers: map[string]string{"dry_run": noDryRun, "deliver.garble": "any 2xx is done: the specification gives the body no meaning"},
	})
}

// sent lets the simulator's sender post an event and returns the request as it came.
func sent(t *testing.T, sys *connectortest.System, forged bool) connectors.Request {
	t.Helper()
	got := make(chan connectors.Request, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- connectors.Request{Method: r.Method, Header: r.Header.Clone(), Body: body, At: time.Now()}
	}))
	defer srv.Close()
	sender := webhooksim.Sender{URL: srv.URL, Secret: sys.Values.Secrets["secret"].Reveal(), Client: srv.Client()}
	if _, err := sender.Send(t.Context(), webhooksim.Outgoing{ID: "msg_1", Body: document("K-1", 0), WrongSignature: forged}); err != nil {
		t.Fatal(err)
	}
	return <-got
}

// Accepted writes that are polled, rows that are acknowledged, budgets and look-ups.
func TestHabitsConformAsPrograms(t *testing.T) {
	t.Run("async", func(t *testing.T) {
		connectortest.Run(t, connectortest.Suite{
			Waivers:   map[string]string{"dry_run": noDryRun},
			Connector: loaded(t, habits.AsyncConnector()),
			Start: func(t *testing.T) *connectortest.System {
				faults := simkit.NewFaults(1)
				sim := habits.NewAsync(2, faults)
				sys := at(t, "async", faults, sim)
				sys.Effects = func(_, key string) int { return sim.Taken(key) }
				return sys
			},
			Operations: []connectortest.Operation{{
				Name: habits.AsyncOperation, Call: habits.AsyncPost, Look: habits.AsyncLook, Document: document, Bad: bad, UnknownCode: "E-77",
			}},
		})
	})
	t.Run("pool", func(t *testing.T) {
		connectortest.Run(t, connectortest.Suite{
			Connector: loaded(t, habits.PoolConnector()),
			Start: func(t *testing.T) *connectortest.System {
				faults := simkit.NewFaults(1)
				sim := habits.NewPool(2, faults)
				for n := range 5 {
					sim.Add(habits.Row{ID: fmt.Sprintf("S-%d", n), Version: 1, Data: json.RawMessage(`{"waybill":"W1"}`)})
				}
				return at(t, "pool", faults, sim)
			},
			Streams: []connectortest.Stream{{Name: habits.PoolStream, Call: habits.PoolPull, Want: []string{"S-0", "S-1", "S-2", "S-3", "S-4"}}},
		})
	})
	t.Run("oneshot", func(t *testing.T) {
		connectortest.Run(t, connectortest.Suite{
			Waivers:   map[string]string{"dry_run": noDryRun},
			Connector: loaded(t, habits.OneShotConnector()),
			Start: func(t *testing.T) *connectortest.System {
				faults := simkit.NewFaults(1)
				sim := habits.NewOneShot(faults)
				sys := at(t, "oneshot", faults, sim)
				sys.Values.Text["lookup"] = "true"
				sys.Effects = func(_, key string) int { return sim.Effects(key) }
				return sys
			},
			Operations: []connectortest.Operation{{
				Name: habits.OneShotOperation, Call: habits.OneShotPost, Look: habits.OneShotLook, Document: document, Bad: bad, UnknownCode: "E-77", Looks: true,
			}},
		})
	})
}

// Tokens that rotate in the hub's vault, windowed pulls, batches and lists: the suite of
// the one built-in connector that has them all, order.push and shipments of it.
func TestJushuitanConformsAsAProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("the long one of the conformance tests")
	}
	c := jushuitan.Connector()
	for i := range c.Operations {
		if c.Operations[i].Name == "order.push" {
			c.Operations = c.Operations[i : i+1]
			break
		}
	}
	c.Streams = nil
	// The program declares all that it has; here the suite is told of one operation.
	whole := loaded(t, jushuitan.Connector())
	c.Open = whole.Open
	connectortest.Run(t, connectortest.Suite{
		Waivers:   map[string]string{"dry_run": noDryRun},
		Connector: c,
		Start: func(t *testing.T) *connectortest.System {
			faults := simkit.NewFaults(1)
			sim := jushuitansim.New(jushuitansim.Options{Options: simkit.Options{Faults: faults, LimitScale: 1000}})
			sys := at(t, jushuitansim.System, faults, sim)
			creds := sim.Credentials()
			sys.Values.Text["app_key"], sys.Values.Text["shop_id"] = creds["app_key"], creds["shop_id"]
			sys.Values.Secrets = map[string]connectors.Secret{}
			for _, name := range []string{"app_secret", "access_token", "refresh_token"} {
				sys.Values.Secrets[name] = connectors.NewSecret(creds[name])
			}
			sys.Effects = func(_, key string) int {
				e := sim.Effects("10001/" + key)
				return e[jushuitansim.EffectCreated] + e[jushuitansim.EffectUpdated]
			}
			sys.Secrets = func() []string {
				c := sim.Credentials()
				return []string{c["access_token"], c["refresh_token"]}
			}
			sys.Renewals = func() int { return renewals(t, sim) }
			return sys
		},
		Operations: []connectortest.Operation{{
			Name: "order.push", Call: "orders/upload", Look: "orders/single/query", Document: order, Looks: true, ErrorCode: "130", UnknownCode: "987",
			Bad: func(key string) json.RawMessage {
				return json.RawMessage(strings.Replace(string(order(key, 0)), `"shop_buyer_id":"u_7731"`, `"shop_buyer_id":""`, 1))
			},
		}},
	})
}

func order(key string, change int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"shop_id":10001,"so_id":%q,"order_date":"2025-01-01 10:00:00","shop_status":"WAIT_SELLER_SEND_GOODS",
		"shop_buyer_id":"u_7731","receiver_state":"浙江省","receiver_city":"杭州市","receiver_district":"余杭区","receiver_address":"仓前街道示例路%d号",
		"receiver_name":"示例收件人","receiver_mobile":"13800000000","pay_amount":118.00,"freight":8.00,"shop_modified":"2025-01-01 10:0%d:00",
		"items":[{"sku_id":"TEE-RED-L","shop_sku_id":"TEE-RED-L","outer_oi_id":"%s-1","name":"T恤","qty":%d,"amount":110.00,"base_price":60.00}],
		"pay":{"outer_pay_id":"4200000000202501010000000001","pay_date":"2025-01-01 10:01:00","payment":"微信支付","seller_account":"1900000001","buyer_account":"o-invented","amount":118.00}}`,
		key, change+1, change+1, key, 2+change))
}

// renewals counts the token calls in the simulator's record.
func renewals(t *testing.T, sim *jushuitansim.Sim) int {
	b, err := json.Marshal(sim.Record())
	if err != nil {
		t.Fatal(err)
	}
	var rec struct {
		Calls []simkit.CallCount `json:"calls"`
	}
	if err := json.Unmarshal(b, &rec); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range rec.Calls {
		if strings.Contains(strings.ToLower(c.Call), "token") {
			n += c.Requests
		}
	}
	return n
}
