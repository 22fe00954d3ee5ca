package qimen

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/qimen/qimensim"
	"github.com/minihub/minihub/connectors/simkit"
)

func TestConformance(t *testing.T) {
	var sim *qimensim.Sim // of the check that runs
	effect := map[string]string{opCreate: qimensim.Created, opCancel: qimensim.CancelDone}
	start := func(t *testing.T) *connectortest.System {
		faults := simkit.NewFaults(1)
		client := &http.Client{Transport: &http.Transport{}}
		sim = qimensim.New(qimensim.Options{Options: simkit.Options{Faults: faults, Seed: 7}, Repeat: qimensim.RepeatRefusedIfChanged, Client: client})
		held, server := sim, httptest.NewServer(sim)
		t.Cleanup(func() {
			client.CloseIdleConnections()
			server.Close()
		})
		creds := held.Credentials()
		return &connectortest.System{
			Name: held.System(), Faults: faults,
			Values: connectors.Values{
				Text: map[string]string{"base_url": server.URL, "app_key": creds["app_key"], "customer_id": creds["customer_id"],
					"owner_code": creds["owner_code"], "warehouse_code": creds["warehouse_code"]},
				Secrets: map[string]connectors.Secret{"secret": connectors.NewSecret(creds["secret"])},
			},
			Effects: func(operation, key string) int {
				n := 0
				for _, e := range held.History() {
					if e.Code == key && e.Effect == effect[operation] {
						n++
					}
				}
				return n
			},
		}
	}
	// A request as the warehouse signs it.
	pushed := func(t *testing.T, wrong bool) connectors.Request {
		var req connectors.Request
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			req = connectors.Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header, Body: body}
			_, _ = io.WriteString(w, `<response><flag>success</flag><code>0</code><message>ok</message></response>`)
		}))
		defer server.Close()
		sim.SetHub(server.URL)
		sim.SetWrongSignature(wrong)
		if _, err := sim.SendRaw(t.Context(), []byte(`<request><deliveryOrder><deliveryOrderCode>WX1</deliveryOrderCode><outBizCode>CF1</outBizCode></deliveryOrder></request>`)); err != nil {
			t.Fatal(err)
		}
		return req
	}
	order := func(_ string, change int) json.RawMessage {
		if change == 0 {
			return json.RawMessage(orderText)
		}
		return json.RawMessage(strings.Replace(orderText, `"planQty": 2`, `"planQty": 3`, 1))
	}
	connectortest.Run(t, connectortest.Suite{
		Connector: Connector(), Start: start,
		Operations: []connectortest.Operation{
			{
				Name: opCreate, Call: callCreate, Look: callQuery, ErrorCode: "invalid-parameter", Document: order,
				Bad: func(string) json.RawMessage { return json.RawMessage(strings.Replace(orderText, "WH01", "WH99", 1)) },
			},
			{
				Name: opCancel, Call: callCancel, Look: callQuery, ErrorCode: "invalid-parameter",
				Document: func(string, int) json.RawMessage {
					return json.RawMessage(`{"warehouseCode":"WH01","ownerCode":"OWN01"}`)
				},
				Bad: func(string) json.RawMessage { return json.RawMessage(`{"warehouseCode":"WH99","ownerCode":"OWN01"}`) },
				Prepare: func(t *testing.T, c connectors.Connection, key string) []connectors.RemoteID {
					return deliver(t, c.(*conn), opCreate, orderOf(key)).RemoteIDs
				},
			},
		},
		Streams: []connectortest.Stream{{
			Name: confirms, Pushed: []string{"WX1/CF1"},
			Push:   func(t *testing.T, _ *connectortest.System) connectors.Request { return pushed(t, false) },
			Forged: func(t *testing.T, _ *connectortest.System) connectors.Request { return pushed(t, true) },
		}},
	})
}
