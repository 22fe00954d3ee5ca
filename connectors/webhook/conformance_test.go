package webhook_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/webhook"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
)

func document(key string, change int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"key":%q,"version":%d,"total":"118.00","lines":[{"sku":"TEE-RED-L","qty":%d}]}`, key, change+1, change+1))
}

func TestConformance(t *testing.T) {
	for name, deduping := range map[string]bool{"a receiver that dedupes": true, "a receiver to be asked": false} {
		t.Run(name, func(t *testing.T) { connectortest.Run(t, suite(deduping)) })
	}
}

// suite describes the connector against either kind of receiver; each kind waives what
// is promised for the other operation only.
func suite(deduping bool) connectortest.Suite {
	waivers := map[string]string{
		"deliver.garble": "any 2xx is done: the specification gives the body no meaning, so half of one is as good",
	}
	if !deduping {
		for _, check := range []string{"repeat", "html", "bad_gateway", "drop_answer", "drop_request"} {
			waivers["deliver."+check+"/event.push"] = "event.push is for receivers that dedupe"
		}
	}
	return connectortest.Suite{
		Connector: webhook.Connector(),
		Start: func(t *testing.T) *connectortest.System {
			faults := simkit.NewFaults(1)
			sim := webhooksim.New(webhooksim.Options{Options: simkit.Options{Faults: faults}, LookupToken: "invented-lookup-token", NoDedupe: !deduping})
			srv := httptest.NewServer(sim)
			t.Cleanup(srv.Close)
			return &connectortest.System{
				Name: sim.System(), Faults: faults,
				Values: connectors.Values{
					Text: map[string]string{"url": srv.URL + "/hook", "lookup_url": srv.URL + "/events", "key_pointer": "/key", "version_pointer": "/version"},
					Secrets: map[string]connectors.Secret{
						"secret":       connectors.NewSecret(sim.Credentials()["secret"]),
						"lookup_token": connectors.NewSecret(sim.Credentials()["lookup_token"]),
					},
				},
				Effects: func(_, key string) int { return len(sim.Versions(key)) },
			}
		},
		Operations: []connectortest.Operation{
			{Name: "event.push", Document: document},
			{Name: "event.push.asked", Document: document},
		},
		Streams: []connectortest.Stream{{
			Name: "events", Pushed: []string{"K-1"},
			Push:   func(t *testing.T, sys *connectortest.System) connectors.Request { return sent(t, sys, false) },
			Forged: func(t *testing.T, sys *connectortest.System) connectors.Request { return sent(t, sys, true) },
		}},
		Waivers: waivers,
	}
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
