package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
)

// noteHub is a running hub with a receiver behind it and a sender in front of it.
type noteHub struct {
	t    *testing.T
	dir  string
	app  *app.App
	sink *webhooksim.Sim
	send *webhooksim.Sender
	sent int
}

// newNoteHub writes the deployment, points its sink at a receiver and starts it.
func newNoteHub(t *testing.T, f files) *noteHub {
	t.Helper()
	sim := webhooksim.New(webhooksim.Options{Options: simkit.Options{}, Secret: hookSecret})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	f = f.with(t, "connections/sink.yaml", "http://127.0.0.1:9/hook", server.URL+"/hook")
	h := &noteHub{t: t, dir: f.write(t), sink: sim}
	h.start()
	t.Cleanup(h.stop)
	return h
}

// start runs the hub on what the folder says now.
func (h *noteHub) start() {
	h.t.Helper()
	h.app = openHub(h.t, app.Options{Dir: h.dir})
	h.send = &webhooksim.Sender{URL: h.app.IntakeURL() + "/in/shop", Secret: hookSecret}
}

func (h *noteHub) stop() {
	if h.app == nil {
		return
	}
	if err := h.app.Stop(); err != nil {
		h.t.Error(err)
	}
	h.app = nil
}

// post sends one signed body as a new event and returns the answer.
func (h *noteHub) post(body []byte) webhooksim.Answer {
	h.t.Helper()
	h.sent++
	a, err := h.send.Send(h.t.Context(), webhooksim.Outgoing{ID: fmt.Sprintf("msg_%d", h.sent), Body: body})
	if err != nil {
		h.t.Fatal(err)
	}
	h.settle()
	return a
}

// settle waits until every row is in a state that nothing but a person or a new message
// moves on.
func (h *noteHub) settle() {
	h.t.Helper()
	moving := map[string]bool{"pending": true, "received": true, "ready": true, "sending": true, "waiting": true, "unknown": true, "accepted": true}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(h.t.Context(), 2*time.Minute)
	defer cancel()
	for {
		counts, err := h.app.Ledger().Counts(ctx)
		if err != nil {
			h.t.Fatal(err)
		}
		busy := false
		for _, c := range counts {
			busy = busy || moving[c.State]
		}
		if !busy {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			h.t.Fatalf("the hub does not come to rest: %+v", counts)
		}
	}
}

// get reads an answer of the API over HTTP, as a command does.
func (h *noteHub) get(path string, out any) {
	h.t.Helper()
	if err := ask(h.t.Context(), h.dir, http.MethodGet, path, nil, out); err != nil {
		h.t.Fatal(err)
	}
}

// counts lists how many rows are in each state.
func (h *noteHub) counts() []api.Count {
	h.t.Helper()
	var out struct{ Counts []api.Count }
	h.get("/api/v1/counts", &out)
	return out.Counts
}

// messages lists the records in a state; every state when it is empty.
func (h *noteHub) messages(state string) []api.Message {
	h.t.Helper()
	var out struct{ Messages []api.Message }
	h.get("/api/v1/records?limit=1000&state="+state, &out)
	return out.Messages
}

// deliveries lists the deliveries in a state.
func (h *noteHub) deliveries(state string) []api.Delivery {
	h.t.Helper()
	var out struct{ Deliveries []api.Delivery }
	h.get("/api/v1/deliveries?limit=1000&state="+state, &out)
	return out.Deliveries
}

// goodPasses sends a note that is in order and wants it at the receiver.
func (h *noteHub) goodPasses() {
	h.t.Helper()
	no := fmt.Sprintf("good-%d", h.sent)
	if a := h.post([]byte(fmt.Sprintf(`{"no":%q,"version":1,"kind":"note.made"}`, no))); a.Status != http.StatusOK {
		h.t.Fatalf("the next good note was answered %d: %s", a.Status, a.Body)
	}
	if got := h.received("shop-a-" + no); len(got) != 1 {
		h.t.Fatalf("the receiver holds the next good note %d times; parked: %+v %+v", len(got), h.messages("parked"), h.deliveries("parked"))
	}
}

// received returns the bodies that the receiver holds under a key.
func (h *noteHub) received(key string) (bodies []json.RawMessage) {
	h.t.Helper()
	for _, e := range h.sink.Events() {
		if e.Key == key {
			bodies = append(bodies, e.Body)
		}
	}
	return bodies
}
