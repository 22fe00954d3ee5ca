package connectortest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/connectortest/habits"
	"github.com/minihub/minihub/connectors/simkit"
)

func document(key string, change int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"payment":"P-%s","total":"118.00","lines":[{"sku":"TEE-RED-L","qty":%d}]}`, key, change+1))
}

func badDocument(string) json.RawMessage {
	return json.RawMessage(`{"payment":"P","total":"0.00","lines":[]}`)
}

// at serves one of the systems and says how to connect to it.
func at(t *testing.T, name string, faults *simkit.Faults, sys http.Handler) *connectortest.System {
	t.Helper()
	srv := httptest.NewServer(sys)
	t.Cleanup(srv.Close)
	return &connectortest.System{Name: name, Faults: faults, Values: connectors.Values{
		Text: map[string]string{"url": srv.URL}, Secrets: map[string]connectors.Secret{"token": connectors.NewSecret(habits.Token)}}}
}

func TestAsyncConforms(t *testing.T) { connectortest.Run(t, asyncSuite(habits.AsyncConnector())) }

func asyncSuite(c *connectors.Connector) connectortest.Suite {
	return connectortest.Suite{
		Connector: c,
		Start: func(t *testing.T) *connectortest.System {
			faults := simkit.NewFaults(1)
			sim := habits.NewAsync(2, faults)
			sys := at(t, "async", faults, sim)
			sys.Effects = func(_, key string) int { return sim.Taken(key) }
			return sys
		},
		Operations: []connectortest.Operation{{
			Name: habits.AsyncOperation, Call: habits.AsyncPost, Look: habits.AsyncLook, Document: document, Bad: badDocument, UnknownCode: "E-77",
		}},
	}
}

func TestPoolConforms(t *testing.T) {
	connectortest.Run(t, connectortest.Suite{
		Connector: habits.PoolConnector(),
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
}

func TestOneShotConforms(t *testing.T) {
	for _, lookup := range []string{"false", "true"} {
		t.Run("lookup "+lookup, func(t *testing.T) {
			connectortest.Run(t, connectortest.Suite{
				Connector: habits.OneShotConnector(),
				Start: func(t *testing.T) *connectortest.System {
					faults := simkit.NewFaults(1)
					sim := habits.NewOneShot(faults)
					sys := at(t, "oneshot", faults, sim)
					sys.Values.Text["lookup"] = lookup
					sys.Effects = func(_, key string) int { return sim.Effects(key) }
					return sys
				},
				Operations: []connectortest.Operation{{
					Name: habits.OneShotOperation, Call: habits.OneShotPost, Look: habits.OneShotLook, Document: document, Bad: badDocument,
					UnknownCode: "E-77", Looks: lookup == "true",
				}},
			})
		})
	}
}

func TestOneShotRefusesWhenTheBudgetIsSpent(t *testing.T) {
	sim := habits.NewOneShot(nil)
	sys := at(t, "oneshot", nil, sim)
	c := habits.OneShotConnector()
	cfg, errs := connectors.NewConfig(c.Config, sys.Values)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var got []connectors.Outcome
	for range habits.OneShotBudget + 1 {
		res, err := conn.(connectors.Sink).Deliver(t.Context(), habits.OneShotOperation, []connectors.Delivery{{ID: "1", Key: "k", Document: document("k", 0)}})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, res[0].Outcome)
	}
	if want := []connectors.Outcome{connectors.Done, connectors.Done, connectors.Refused}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("outcomes %v, want %v", got, want)
	}
	if n := sim.Spent("P-k"); n != habits.OneShotBudget {
		t.Errorf("%d uploads took effect, want %d", n, habits.OneShotBudget)
	}
}
