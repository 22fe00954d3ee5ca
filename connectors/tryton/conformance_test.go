package tryton

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/tryton/trytonsim"
)

func TestConformance(t *testing.T) {
	raw := func(format string, args ...any) json.RawMessage { return json.RawMessage(fmt.Sprintf(format, args...)) }
	// 2 × 78.3186 or 3 × 78.3186, and 13 %.
	sale := func(key string, change int) json.RawMessage {
		return raw(`{"reference":%q,"party_code":"P-%s","party":{"name":"张三"},"currency":"CNY","shipment_address":{"street":"示例路1号"},`+
			`"lines":[{"product_code":"SKU-TEA-100","quantity":%d,"unit_price":"78.3186","taxes":["VAT 13%%"]}],"expected_total":%q}`,
			key, key, 2+change, []string{"177.00", "265.50"}[change])
	}
	connectortest.Run(t, connectortest.Suite{
		Connector: Connector(),
		Start:     startConformance,
		Operations: []connectortest.Operation{
			{
				Name: opParty, Call: "model.party.party.create", Look: "model.party.party.search_read",
				ErrorCode: "UserError", UnknownCode: "'nofield'",
				Document: func(key string, change int) json.RawMessage {
					return raw(`{"code":%q,"name":"张三","contact_mechanisms":[{"type":"mobile","value":"1380000000%d"}]}`, key, change)
				},
				Bad: func(string) json.RawMessage { return raw(`{"name":"张三","customer_payment_term":"never"}`) },
			},
			{
				// The last step is the one whose answer decides.
				Name: opSale, Call: "model.sale.sale.confirm", Look: "model.sale.sale.search_read",
				ErrorCode: "UserError", UnknownCode: "'nofield'",
				Document: sale,
				Bad:      func(key string) json.RawMessage { return replaced(sale(key, 0), "SKU-TEA-100", "NO-SUCH-SKU") },
			},
			{
				// The last step is the one that takes the sale back.
				Name: opCancel, Call: "model.sale.sale.confirm", Look: "model.sale.sale.search_read",
				ErrorCode: "UserError", UnknownCode: "'nofield'",
				Document: func(key string, _ int) json.RawMessage { return raw(`{"reference":%q}`, key) },
				Bad:      func(string) json.RawMessage { return raw(`{"reference":5}`) },
				Prepare: func(t *testing.T, opened connectors.Connection, key string) []connectors.RemoteID {
					d := connectors.Delivery{ID: "prepare", Key: key, Base: key, Document: sale(key, 0),
						Save: func(context.Context, json.RawMessage) error { return nil }}
					results, err := opened.(connectors.Sink).Deliver(t.Context(), opSale, []connectors.Delivery{d})
					if err != nil || results[0].Outcome != connectors.Done {
						t.Fatalf("no sale to take back: %+v, %v", results, err)
					}
					return results[0].RemoteIDs
				},
			},
		},
		Waivers: map[string]string{
			"deliver.rate_limit":       "Tryton has no rate limit",
			"lookup.other/" + opCancel: "a cancel has no content to differ: its document only names the sale",
		},
	})
}

func replaced(document json.RawMessage, old, new string) json.RawMessage {
	return bytes.ReplaceAll(document, []byte(old), []byte(new))
}

func startConformance(t *testing.T) *connectortest.System {
	t.Helper()
	faults := simkit.NewFaults(1)
	sim := trytonsim.New(trytonsim.Options{Options: simkit.Options{Seed: 7, Faults: faults}})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	creds := sim.Credentials()
	return &connectortest.System{
		Name: sim.System(), Faults: faults,
		Values: connectors.Values{
			Text:    map[string]string{"base_url": server.URL, "database": creds["database"], "username": creds["username"]},
			Secrets: map[string]connectors.Secret{"password": connectors.NewSecret(creds["password"])},
		},
		Effects: func(operation, key string) int { return effects(sim, operation, key) },
		Renewals: func() int {
			for _, c := range sim.Calls() {
				if c.Call == "common.db.login" {
					return c.Requests
				}
			}
			return 0
		},
	}
}

// effects counts parties with the code, sales that were confirmed under the reference, or
// returns of those.
func effects(sim *trytonsim.Sim, operation, key string) int {
	n := 0
	if operation == opParty {
		for _, p := range sim.Parties() {
			if p.Code == key {
				n++
			}
		}
		return n
	}
	for _, s := range sim.SalesByReference(key) {
		switch {
		case operation == opCancel && s.ReturnOf == 0:
			n += len(s.ReturnedBy)
		case operation == opSale && s.ReturnOf == 0 && s.Confirmed():
			n++
		}
	}
	return n
}
