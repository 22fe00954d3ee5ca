package sfexpress

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/sfexpress/sfexpresssim"
	"github.com/minihub/minihub/connectors/simkit"
)

func TestConformance(t *testing.T) {
	start := func(t *testing.T) *connectortest.System {
		faults := simkit.NewFaults(1)
		sim := sfexpresssim.New(sfexpresssim.Options{Options: simkit.Options{Faults: faults, Seed: 7}, PerSecond: -1, PerDay: -1})
		server := httptest.NewServer(sim)
		t.Cleanup(server.Close)
		creds := sim.Credentials()
		return &connectortest.System{
			Name: sim.System(), Faults: faults,
			Values: connectors.Values{
				Text: map[string]string{"base_url": server.URL, "partner_id": creds["partner_id"], "monthly_card": creds["monthly_card"]},
				Secrets: map[string]connectors.Secret{
					"check_word": connectors.NewSecret(creds["check_word"]), "push_secret": connectors.NewSecret(pushSecret)},
			},
			Effects: func(operation, key string) int {
				if operation == opCreate {
					return len(sim.WaybillsMade()[key])
				}
				n := 0
				for _, e := range sim.History() {
					if e.OrderID == key && e.Effect == sfexpresssim.CancelDone {
						n++
					}
				}
				return n
			},
		}
	}
	push := func(path string) func(*testing.T, *connectortest.System) connectors.Request {
		return func(*testing.T, *connectortest.System) connectors.Request {
			return connectors.Request{Method: http.MethodPost, Path: path, Body: []byte(`{"Body":{"WaybillRoute":[{"id":"1","mailno":"SF0000000000001","orderid":"HUB-1","opCode":"80"}]}}`)}
		}
	}
	connectortest.Run(t, connectortest.Suite{
		Connector: Connector(), Start: start,
		Operations: []connectortest.Operation{
			{
				Name: opCreate, Call: svcCreate, Look: svcSearch, Check: svcSearch, ErrorCode: "1016", UnknownCode: "4711",
				Document: func(_ string, change int) json.RawMessage {
					if change == 0 {
						return json.RawMessage(orderText)
					}
					return json.RawMessage(strings.Replace(orderText, `"parcelQty": 1`, `"parcelQty": 2`, 1))
				},
				Bad: func(string) json.RawMessage {
					return json.RawMessage(strings.Replace(orderText, `"contact": "李示例", `, ``, 1))
				},
			},
			{
				Name: opCancel, Call: svcUpdate, Look: svcSearch, ErrorCode: "8018", UnknownCode: "4711",
				Document: func(string, int) json.RawMessage { return json.RawMessage(`{}`) },
				Bad:      func(string) json.RawMessage { return json.RawMessage(`{"orderId":"HUB-of-another"}`) },
				Prepare: func(t *testing.T, c connectors.Connection, key string) []connectors.RemoteID {
					return deliver(t, c.(*conn), opCreate, orderOf(key)).RemoteIDs
				},
			},
		},
		Streams: []connectortest.Stream{{
			Name: routes, Call: svcRoutes, Pushed: []string{"SF0000000000001"}, Push: push("/" + pushSecret), Forged: push("/guessed"),
		}},
		Waivers: map[string]string{
			"fetch/routes":           "the platform answers an unknown waybill like one without events: both give a document without routes (TestRoutesGrow, TestReadRoutes)",
			"poll.done/order.create": "an order is polled only while the carrier checks it by hand; the usual one is done at once (TestAManualCheckIsPolled)",
		},
	})
}
