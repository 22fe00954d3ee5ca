package jushuitan_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/jushuitan"
	"github.com/minihub/minihub/connectors/jushuitan/jushuitansim"
	"github.com/minihub/minihub/connectors/manifest"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/schemas/codec"
)

const shop = "10001"

func order(key string, change int) json.RawMessage {
	qty := 2 + change
	return json.RawMessage(fmt.Sprintf(`{"shop_id":%s,"so_id":%q,"order_date":"2025-01-01 10:00:00","shop_status":"WAIT_SELLER_SEND_GOODS",
		"shop_buyer_id":"u_7731","receiver_state":"浙江省","receiver_city":"杭州市","receiver_district":"余杭区","receiver_address":"仓前街道示例路%d号",
		"receiver_name":"示例收件人","receiver_mobile":"13800000000","pay_amount":118.00,"freight":8.00,"shop_modified":"2025-01-01 10:0%d:00",
		"items":[{"sku_id":"TEE-RED-L","shop_sku_id":"TEE-RED-L","outer_oi_id":"%s-1","name":"T恤","qty":%d,"amount":110.00,"base_price":60.00}],
		"pay":{"outer_pay_id":"4200000000202501010000000001","pay_date":"2025-01-01 10:01:00","payment":"微信支付","seller_account":"1900000001","buyer_account":"o-invented","amount":118.00}}`,
		shop, key, change+1, change+1, key, qty))
}

func badOrder(key string) json.RawMessage {
	return json.RawMessage(strings.Replace(string(order(key, 0)), `"shop_buyer_id":"u_7731"`, `"shop_buyer_id":""`, 1))
}

func cancel(key string, _ int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"shop_id":%s,"so_id":%q,"cancel_type":"买家取消","remark":""}`, shop, key))
}

func afterSale(key string, change int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"shop_id":%s,"so_id":"S-%s","outer_as_id":%q,"type":"仅退款","shop_status":"WAIT_SELLER_AGREE","good_status":"BUYER_NOT_RECEIVED",
		"question_type":"不想要了","total_amount":55.00,"refund":%d.00,"payment":0,"items":[{"outer_oi_id":"S-%s-1","sku_id":"TEE-RED-L","qty":1,"amount":55.00,"type":"其它"}]}`,
		shop, key, key, 55-change, key))
}

// start brings up a simulated merchant whose limits are out of the way.
func start(t *testing.T, o jushuitansim.Options) (*jushuitansim.Sim, *connectortest.System) {
	t.Helper()
	faults := simkit.NewFaults(1)
	o.Options = simkit.Options{Faults: faults, LimitScale: 1000}
	sim := jushuitansim.New(o)
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	creds := sim.Credentials()
	return sim, &connectortest.System{
		Name: jushuitansim.System, Faults: faults,
		Values: connectors.Values{
			Text: map[string]string{"url": srv.URL, "app_key": creds["app_key"], "shop_id": creds["shop_id"]},
			Secrets: map[string]connectors.Secret{
				"app_secret":    connectors.NewSecret(creds["app_secret"]),
				"access_token":  connectors.NewSecret(creds["access_token"]),
				"refresh_token": connectors.NewSecret(creds["refresh_token"]),
			},
		},
		Effects: func(operation, key string) int { return effects(sim, operation, key) },
		Secrets: func() []string {
			c := sim.Credentials()
			return []string{c["access_token"], c["refresh_token"]}
		},
		Renewals: func() int { return renewals(sim) },
	}
}

func effects(sim *jushuitansim.Sim, operation, key string) int {
	e := sim.Effects(shop + "/" + key)
	if operation == "order.cancel" {
		return e[jushuitansim.EffectCancelled]
	}
	return e[jushuitansim.EffectCreated] + e[jushuitansim.EffectUpdated]
}

// renewals counts the token calls in the simulator's record.
func renewals(sim *jushuitansim.Sim) int {
	b, err := json.Marshal(sim.Record())
	if err != nil {
		panic(err)
	}
	var rec struct {
		Calls []simkit.CallCount `json:"calls"`
	}
	if err := json.Unmarshal(b, &rec); err != nil {
		panic(err)
	}
	n := 0
	for _, c := range rec.Calls {
		if strings.Contains(strings.ToLower(c.Call), "token") {
			n += c.Requests
		}
	}
	return n
}

func pushed(t *testing.T, conn connectors.Connection, op, key string, doc json.RawMessage) []connectors.RemoteID {
	t.Helper()
	res, err := conn.(connectors.Sink).Deliver(t.Context(), op, []connectors.Delivery{{ID: "P", Key: key, Document: doc}})
	if err != nil || len(res) != 1 || res[0].Outcome != connectors.Done {
		t.Fatalf("%s %s: %+v %v", op, key, res, err)
	}
	return res[0].RemoteIDs
}

// shippedOrders fill three pages of logistic/query.
const shippedOrders = 120

// stocked starts a merchant with orders that have shipped, and names their shipments.
func stocked(t *testing.T) (*jushuitansim.Sim, *connectortest.System, []string) {
	t.Helper()
	sim, sys := start(t, jushuitansim.Options{})
	sys.Values.Secrets["callback_key"] = connectors.NewSecret(jushuitansim.PartnerKey)
	sys.Values.Text["callback_partner"] = jushuitansim.PartnerID
	var keys []string
	for n := range shippedOrders {
		so := fmt.Sprintf("L-%d", n)
		insert(t, sim, so)
		p, err := sim.Ship(so)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, p.OID+"/"+so)
	}
	return sim, sys, keys
}

func insert(t *testing.T, sim *jushuitansim.Sim, so string) {
	t.Helper()
	tree, err := codec.Decode(order(so, 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sim.InsertOrder(tree.(map[string]any)); err != nil {
		t.Fatal(err)
	}
}

// called is a callback as the hub receives it.
func called(c jushuitansim.Callback) connectors.Request {
	return connectors.Request{Method: http.MethodPost, Query: c.Query, Body: c.Body}
}

func TestConformance(t *testing.T) { conform(t, jushuitan.Connector()) }

// TestConformanceOfTheManifest holds the vendor's description in YAML to what the connector
// in Go is held to: the same suite, the same samples, the same simulator.
func TestConformanceOfTheManifest(t *testing.T) {
	src, err := os.ReadFile("../manifest/testdata/jushuitan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, problems := manifest.Load("connectors/jushuitan.yaml", src)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	conform(t, c)
}

func conform(t *testing.T, c *connectors.Connector) {
	t.Helper()
	sims := map[*connectortest.System]*jushuitansim.Sim{}
	_, _, keys := stocked(t) // the same orders get the same numbers
	callback := func(t *testing.T, sys *connectortest.System) jushuitansim.Callback {
		calls, err := sims[sys].LogisticsCallback(shop, "L-7")
		if err != nil || len(calls) != 1 {
			t.Fatalf("%d callbacks, %v", len(calls), err)
		}
		return calls[0]
	}
	connectortest.Run(t, connectortest.Suite{
		Connector: c,
		Start: func(t *testing.T) *connectortest.System {
			sim, sys, _ := stocked(t)
			sims[sys] = sim
			return sys
		},
		Streams: []connectortest.Stream{{
			Name: "shipments", Call: "logistic/query", Want: keys, Missing: "1/L-none", Pushed: keys[7:8],
			Push: func(t *testing.T, sys *connectortest.System) connectors.Request { return called(callback(t, sys)) },
			Forged: func(t *testing.T, sys *connectortest.System) connectors.Request {
				return called(callback(t, sys).WithBadSign())
			},
		}},
		Waivers: map[string]string{
			"query.get/aftersale.push": "refund/single/query finds an after-sale by its order, a window or the ERP's own number, not by outer_as_id",
		},
		Operations: []connectortest.Operation{{
			Name: "order.push", Call: "orders/upload", Look: "orders/single/query", Document: order, Bad: badOrder, Looks: true, ErrorCode: "130", UnknownCode: "987",
		}, {
			Name: "order.cancel", Call: "orderbyoid/cancel", Look: "orders/single/query", Document: cancel, ErrorCode: "130", UnknownCode: "987",
			Prepare: func(t *testing.T, conn connectors.Connection, key string) []connectors.RemoteID {
				return pushed(t, conn, "order.push", key, order(key, 0))
			},
		}, {
			Name: "aftersale.push", Call: "aftersale/upload", Look: "refund/single/query", Looks: true, Document: afterSale, ErrorCode: "130", UnknownCode: "987",
			Bad: func(key string) json.RawMessage {
				return json.RawMessage(strings.Replace(string(afterSale(key, 0)), "仅退款", "随便", 1))
			},
			Prepare: func(t *testing.T, conn connectors.Connection, key string) []connectors.RemoteID {
				pushed(t, conn, "order.push", "S-"+key, order("S-"+key, 0))
				return nil
			},
		}},
	})
}
