package wechatshop

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

const (
	placed = 130                 // orders, more than a page
	first  = 3729000000000100000 // id of the first
	joined = 60                  // members, more than a page
)

func orderID(n int) string { return strconv.FormatInt(first+int64(n), 10) }

func TestConformance(t *testing.T) {
	sims := map[*connectortest.System]*wechatshopsim.Sim{}
	start := func(t *testing.T) *connectortest.System {
		sys, sim := conformanceSystem(t)
		sims[sys] = sim
		return sys
	}
	_, sample := conformanceSystem(t) // the same seed gives the same ids
	var orders, afterSales, members []string
	for n := range placed {
		orders = append(orders, orderID(n))
	}
	for _, a := range sample.AfterSales() {
		afterSales = append(afterSales, a.AfterSaleID)
	}
	for _, m := range sample.Members() {
		members = append(members, m.OpenID)
	}
	event := func(name, from, key string, payload map[string]any) func(t *testing.T, sys *connectortest.System) connectors.Request {
		return func(t *testing.T, sys *connectortest.System) connectors.Request {
			return pushed(t, sims[sys], name, from, key, payload)
		}
	}
	forged := func(real func(t *testing.T, sys *connectortest.System) connectors.Request) func(t *testing.T, sys *connectortest.System) connectors.Request {
		return func(t *testing.T, sys *connectortest.System) connectors.Request {
			req := real(t, sys)
			req.Query.Set("msg_signature", strings.Repeat("0", 40))
			return req
		}
	}
	orderEvent := event("channels_ec_order_new", "oX", "order_info", map[string]any{"order_id": json.Number(orderID(1))})
	afterEvent := event("channels_ec_aftersale_update", "OpenID", "finder_shop_aftersale_status_update",
		map[string]any{"after_sale_order_id": afterSales[0], "order_id": orderID(0)})
	memberEvent := event("channels_ec_vip_join", members[0], "user_info", map[string]any{"join_time": 1})
	connectortest.Run(t, connectortest.Suite{
		Connector: Connector(),
		Start:     start,
		Operations: []connectortest.Operation{{
			Name: opShipment, Call: "order/delivery/send", Look: "order/get",
			Key: orderID, ErrorCode: "100002", UnknownCode: "918273",
			Document: func(key string, change int) json.RawMessage {
				return json.RawMessage(fmt.Sprintf(`{"order_id":%q,"delivery_list":[{"deliver_type":1,"delivery_id":"SF","waybill_id":"SF-%s",`+
					`"product_infos":[{"product_id":"10000000000001","sku_id":"20000001","product_cnt":%d}]}]}`, key, key, 2-change))
			},
			Bad: func(string) json.RawMessage {
				return json.RawMessage(`{"order_id":"3729000000000999999","delivery_list":[{"deliver_type":1,"delivery_id":"SF","waybill_id":"SF1",` +
					`"product_infos":[{"product_id":"10000000000001","sku_id":"20000001","product_cnt":1}]}]}`)
			},
		}},
		Streams: []connectortest.Stream{
			{Name: streamOrders, Call: "order/list/get", Want: orders, Missing: "3729000000000999999", Push: orderEvent, Forged: forged(orderEvent), Pushed: []string{orderID(1)}},
			{Name: streamAfterSales, Call: "aftersale/getaftersalelist", Want: afterSales, Missing: "1", Push: afterEvent, Forged: forged(afterEvent), Pushed: afterSales[:1]},
			{Name: streamMembers, Call: "vip/user/list/get", Want: members, Missing: "oNobody", Push: memberEvent, Forged: forged(memberEvent), Pushed: members[:1]},
		},
		Waivers: map[string]string{
			"fetch/" + streamAfterSales: "no document of the vendor lists the code for an after-sale that does not exist; it ends unclassified",
			"fetch/" + streamMembers:    "no document of the vendor lists the code for an openid that is no member; it ends unclassified",
		},
	})
}

func conformanceSystem(t *testing.T) (*connectortest.System, *wechatshopsim.Sim) {
	t.Helper()
	faults := simkit.NewFaults(1)
	sim := wechatshopsim.New(wechatshopsim.Options{
		Options: simkit.Options{Seed: 7, Faults: faults, LimitScale: 1000},
		Members: joined,
		Catalog: []wechatshopsim.Product{{ID: "10000000000001", Title: "Invented tee", Status: 5,
			SKUs: []*wechatshopsim.SKU{{ID: "20000001", Code: "TEE-RED-M", PriceFen: 5000, MarketFen: 6900, Stock: 100000}}}},
	})
	for n := range placed {
		id, err := sim.PlaceOrder(wechatshopsim.OrderSpec{OrderID: orderID(n), Lines: []wechatshopsim.LineSpec{{SKUCode: "TEE-RED-M", Qty: 2}}})
		if err == nil {
			err = sim.Pay(id)
		}
		if err == nil && n >= 100 { // not those that get shipped
			_, err = sim.PartialRefund(id, 0, 1, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		sim.Close()
	})
	creds := sim.Credentials()
	return &connectortest.System{
		Name: sim.System(), Faults: faults,
		Values: connectors.Values{
			Text: map[string]string{"base_url": server.URL, "app_id": creds["app_id"]},
			Secrets: map[string]connectors.Secret{
				"app_secret": connectors.NewSecret(creds["app_secret"]), "push_token": connectors.NewSecret(creds["push_token"]),
				"encoding_aes_key": connectors.NewSecret(creds["encoding_aes_key"]),
			},
		},
		Effects: func(_, key string) int {
			o, _ := sim.Order(key)
			return len(o.Parcels)
		},
		Renewals: func() int {
			for _, c := range sim.Calls() {
				if c.Call == "cgi-bin/stable_token" {
					return c.Requests
				}
			}
			return 0
		},
	}, sim
}

// pushed lets the shop push an event and returns the request as it came.
func pushed(t *testing.T, sim *wechatshopsim.Sim, name, from, key string, payload map[string]any) connectors.Request {
	t.Helper()
	came := make(chan connectors.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		came <- connectors.Request{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body}
		_, _ = w.Write([]byte("success"))
	}))
	defer server.Close()
	sim.SetPushURL(server.URL)
	sim.Push(name, from, key, payload)
	if err := sim.DrainPushes(t.Context()); err != nil {
		t.Fatal(err)
	}
	return <-came
}
