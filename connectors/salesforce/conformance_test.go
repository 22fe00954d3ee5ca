package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/salesforce/salesforcesim"
	"github.com/minihub/minihub/connectors/simkit"
)

func TestConformance(t *testing.T) {
	objects := map[string]string{opContact: "Contact", opTransaction: "Transaction__c"}
	connectortest.Run(t, connectortest.Suite{
		Connector: Connector(),
		Start: func(t *testing.T) *connectortest.System {
			faults := simkit.NewFaults(1)
			sim := salesforcesim.New(salesforcesim.Options{Options: simkit.Options{Seed: 7, Faults: faults}})
			p := &proxy{next: sim, calls: map[string]int{}}
			server := httptest.NewServer(p)
			t.Cleanup(server.Close)
			return &connectortest.System{
				Name: sim.System(), Values: values(server.URL, sim.Credentials()), Faults: faults, Renewals: p.tokenCalls, Secrets: p.seen,
				Effects: func(operation, key string) int {
					done := sim.Effects(objects[operation], key)
					return done[salesforcesim.EffectCreated] + done[salesforcesim.EffectUpdated]
				},
			}
		},
		Operations: []connectortest.Operation{
			{
				Name: opContact, Call: "composite/sobjects/Contact", Look: "query", Looks: true,
				Document: func(key string, change int) json.RawMessage {
					return json.RawMessage(contactDocument(key, "李", fmt.Sprintf(`,"MobilePhone":"+861380000000%d","fields":{"Points__c":%d,"OptIn__c":true}`, change, change)))
				},
				Bad: func(key string) json.RawMessage {
					return json.RawMessage(contactDocument(key, "李", `,"Email":"not an address"`))
				},
				ErrorCode: "FIELD_CUSTOM_VALIDATION_EXCEPTION", UnknownCode: "NEVER_SEEN_BEFORE",
			},
			{
				Name: opTransaction, Call: "composite", Look: "query", Looks: true,
				Document: func(key string, change int) json.RawMessage {
					net := fmt.Sprintf("%d.00", 100+change)
					return json.RawMessage(transactionDocument(key, net, "", lineOf("1", "1", net), lineOf("2", "3", "0.00")))
				},
				Bad: func(key string) json.RawMessage {
					return json.RawMessage(transactionDocument(key, "1.00", `,"Type":"no such type"`, lineOf("1", "1", "1.00")))
				},
				ErrorCode: "FIELD_CUSTOM_VALIDATION_EXCEPTION", UnknownCode: "NEVER_SEEN_BEFORE",
			},
		},
	})
}
