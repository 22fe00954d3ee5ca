package sfexpress

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/sfexpress/sfexpresssim"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/schemas"
)

func TestRoutesGrow(t *testing.T) {
	c := newCarrier(t, sfexpresssim.Options{}, map[string]string{"check_phone": "0001"})
	made := deliver(t, c.conn, opCreate, orderOf("HUB-1"))
	waybill := made.RemoteIDs[1].Value
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := set.Get("vendors/sfexpress/tracking")
	if !ok {
		t.Fatal("no schema")
	}
	var versions []int64
	for range 4 {
		items, err := c.Fetch(t.Context(), routes, []string{waybill})
		if err != nil || len(items) != 1 || items[0].Key != waybill || items[0].Stream != routes || items[0].Deleted {
			t.Fatalf("got %+v, %v", items, err)
		}
		if _, v := schema.ValidateBytes(items[0].Body); len(v) > 0 {
			t.Errorf("%v", v)
		}
		versions = append(versions, items[0].Version)
		if err := c.sim.Progress("HUB-1"); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.IsSorted(versions) || len(slices.Compact(versions)) != 4 || versions[0] <= 0 {
		t.Errorf("versions %v", versions)
	}
	c.fault(t, simkit.Fault{Call: svcRoutes, Kind: simkit.Reorder, Count: 1})
	one, err := c.Fetch(t.Context(), routes, []string{waybill})
	other, err2 := c.Fetch(t.Context(), routes, []string{waybill})
	if err != nil || err2 != nil || one[0].Version != other[0].Version {
		t.Errorf("the order of events makes a version: %v %v", one, other)
	}
	rows, err := c.Get(t.Context(), routes, []string{"SF0000000000009", waybill})
	if err != nil || len(rows) != 1 || rows[0].Key != waybill || rows[0].Modified.IsZero() {
		t.Errorf("got %+v, %v", rows, err)
	}
}

func TestReadRoutes(t *testing.T) {
	const event = `{"acceptTime":"2026-01-02 10:15:00","opCode":"80"}`
	for data, want := range map[string]int64{
		`{"routeResps":[{"mailNo":"SF1","routes":[]}]}`:                                                   1,
		`{"routeResps":[{"mailNo":"SF1"},{"mailNo":"SF1","routes":[` + event + `]},{"mailNo":"SF2"}]}`:    1,
		`{"routeResps":[{"mailNo":"SF1","routes":null,"reasonCode":["20028"]}]}`:                          1,
		`{"routeResps":[{"mailNo":"SF1","routes":[` + event + `]}]}`:                                      1767320100002,
		`{"routeResps":[{"mailNo":"SF1","routes":[` + event + `,{"acceptTime":"2026-01-01 10:15:00"}]}]}`: 1767320100003,
		`{"routeResps":[{"mailNo":"SF1","routes":[{"acceptTime":"soon"}]}]}`:                              2,
		`"{\"routeResps\":[{\"mailNo\":\"SF1\",\"routes\":[{\"acceptTime\":\"2026-01-02 10:15:00\"}]}]}"`: 1767320100002,
	} {
		items, err := readRoutes([]byte(data), []string{"SF1"})
		if err != nil || len(items) != 1 || items[0].Version != want {
			t.Errorf("%s: %+v, %v, want %d", data, items, err, want)
		}
	}
	for _, data := range []string{`null`, `[]`, `{"routeResps":7}`, `{"routeResps":[{"routes":[]}]}`, `{"routeResps":[{"mailNo":"SF1","routes":[7]}]}`} {
		if _, err := readRoutes([]byte(data), []string{"SF1"}); err == nil || err.Kind != connectors.Unreadable {
			t.Errorf("%s: %v", data, err)
		}
	}
	if items, err := readRoutes([]byte(`{}`), []string{"SF1"}); err != nil || len(items) != 0 {
		t.Errorf("got %v, %v", items, err)
	}
}

// hub is an intake below /in/sf that keeps what it received.
type hub struct {
	c       *conn
	verdict connectors.Verdict
	mu      sync.Mutex
	items   []connectors.Item
	errs    []error
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	rcv, err := h.c.Receive(r.Context(), connectors.Request{Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, "/in/sf"), Query: r.URL.Query(), Header: r.Header, Body: body})
	v := h.verdict
	if err != nil {
		v = connectors.Bad
	}
	h.mu.Lock()
	if v == connectors.Stored {
		h.items = append(h.items, rcv.Items...)
	}
	h.errs = append(h.errs, err)
	h.mu.Unlock()
	resp := h.c.Reply(v, rcv, err)
	w.WriteHeader(resp.Status)
	_, _ = w.Write(resp.Body)
}

func TestPushesNameWaybills(t *testing.T) {
	c := newCarrier(t, sfexpresssim.Options{}, nil)
	h := &hub{c: c.conn, verdict: connectors.Busy}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	made := deliver(t, c.conn, opCreate, orderOf("HUB-1"))
	if err := c.sim.Progress("HUB-1"); err != nil {
		t.Fatal(err)
	}
	c.sim.SetHub(server.URL + "/in/sf/" + pushSecret)
	if err := c.sim.PushRoutes(t.Context()); err == nil {
		t.Error("busy was taken as stored")
	}
	h.verdict = connectors.Stored
	c.fault(t, simkit.Fault{Call: "RoutePush", Kind: simkit.Duplicate, Count: 1})
	if err := c.sim.PushRoutes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(h.items) != 2 {
		t.Fatalf("received %v", h.items)
	}
	for _, item := range h.items {
		if item.Key != made.RemoteIDs[1].Value || item.Stream != routes || item.Body != nil || item.Root != "" {
			t.Errorf("got %+v", item)
		}
	}
	if err := c.sim.Progress("HUB-1"); err != nil {
		t.Fatal(err)
	}
	c.sim.SetHub(server.URL + "/in/sf/guessed")
	if err := c.sim.PushRoutes(t.Context()); err == nil {
		t.Error("a push to another address was taken")
	}
	if e := connectors.AsError(h.errs[len(h.errs)-1]); e.Kind != connectors.Unauthorized {
		t.Errorf("got %v", e)
	}
}

func TestReceive(t *testing.T) {
	c := newCarrier(t, sfexpresssim.Options{}, nil)
	receive := func(method, path, body string) (connectors.Received, error) {
		return c.Receive(t.Context(), connectors.Request{Method: method, Path: path, Body: []byte(body)})
	}
	const two = `{"Body":{"WaybillRoute":[{"id":"1","mailno":"SF0000000000001"},{"id":"2","mailno":"SF0000000000001"},{"id":3,"mailno":"444000000001"}]}}`
	rcv, err := receive(http.MethodPost, "/"+pushSecret, two)
	if err != nil || len(rcv.Items) != 2 || rcv.Items[1].Key != "444000000001" {
		t.Errorf("got %+v, %v", rcv, err)
	}
	if rcv, err := receive(http.MethodPost, pushSecret+"/", `{"Body":{"WaybillRoute":{"mailno":"SF0000000000001"}}}`); err != nil || len(rcv.Items) != 1 {
		t.Errorf("one object: %+v, %v", rcv, err)
	}
	for name, r := range map[string]struct {
		method, path, body string
		kind               connectors.Kind
	}{
		"no secret":   {http.MethodPost, "", two, connectors.Unauthorized},
		"GET":         {http.MethodGet, pushSecret, "", connectors.Unauthorized},
		"no JSON":     {http.MethodPost, pushSecret, `{`, connectors.Unreadable},
		"empty":       {http.MethodPost, pushSecret, ``, connectors.Unreadable},
		"no routes":   {http.MethodPost, pushSecret, `{"Body":{}}`, connectors.Unreadable},
		"no events":   {http.MethodPost, pushSecret, `{"Body":{"WaybillRoute":[]}}`, connectors.Unreadable},
		"no waybill":  {http.MethodPost, pushSecret, `{"Body":{"WaybillRoute":[{"id":"1"}]}}`, connectors.Unreadable},
		"bad waybill": {http.MethodPost, pushSecret, `{"Body":{"WaybillRoute":[{"mailno":"a b c d e f"}]}}`, connectors.Unreadable},
	} {
		_, err := receive(r.method, r.path, r.body)
		e := connectors.AsError(err)
		if e == nil || e.Kind != r.kind {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := c.Reply(connectors.Bad, connectors.Received{}, err); strings.Contains(string(got.Body), "0000") || (got.Status == http.StatusNotFound) != (r.kind == connectors.Unauthorized) {
			t.Errorf("%s: answered %d %s", name, got.Status, got.Body)
		}
	}
	off := stub(t, http.StatusOK, `{}`)
	if _, err := off.Receive(t.Context(), connectors.Request{Method: http.MethodPost, Body: []byte(two)}); connectors.AsError(err) == nil {
		t.Error("a connection without push_secret took a push")
	}
}

func TestGetAndSummarize(t *testing.T) {
	c := newCarrier(t, sfexpresssim.Options{}, nil)
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	deliver(t, c.conn, opCreate, orderOf("HUB-1"))
	deliver(t, c.conn, opCreate, orderOf("HUB-2"))
	if err := c.sim.Cancel("HUB-2"); err != nil {
		t.Fatal(err)
	}
	rows, err := c.Get(t.Context(), opCreate, []string{"HUB-0", "HUB-1", "HUB-2"})
	if err != nil || len(rows) != 2 || rows[0].Status != "open" || len(rows[0].RemoteIDs) != 2 || rows[1].Status != "cancelled" {
		t.Errorf("got %+v, %v", rows, err)
	}
	ours, err := c.Summarize(opCreate, []byte(`{"orderId":"HUB-1"}`))
	if err != nil || ours.Key != "HUB-1" || ours.Lines != -1 || ours.Currency != "" {
		t.Errorf("got %+v, %v", ours, err)
	}
	if _, err := c.List(t.Context(), opCreate, connectors.Window{}, ""); err == nil {
		t.Error("listed what cannot be listed")
	}
	if _, err := c.Get(t.Context(), opCancel, nil); err == nil {
		t.Error("got cancels")
	}
	for name, document := range map[string]string{opCreate: `[]`, opCancel: `{}`, routes: `{}`} {
		if _, err := c.Summarize(name, []byte(document)); err == nil {
			t.Errorf("%s: summarized %s", name, document)
		}
	}
	c.fault(t, simkit.Fault{Call: svcSearch, Kind: simkit.RateLimit, Count: 1})
	if _, err := c.Get(t.Context(), opCreate, []string{"HUB-1"}); connectors.AsError(err) == nil || connectors.AsError(err).Kind != connectors.RateLimited {
		t.Errorf("got %v", err)
	}
	c.fault(t, simkit.Fault{Call: svcRoutes, Kind: simkit.RateLimit, Count: 1})
	if _, err := c.Get(t.Context(), routes, []string{"SF0000000000001"}); err == nil {
		t.Error("a failed fetch is no answer")
	}
}
