package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// skus is a lookup table in memory.
type skus map[string]string

func (s skus) Has(table string) bool { return table == "skus" }
func (s skus) Names() []string       { return []string{"skus"} }
func (s skus) Get(_, key string) (any, bool) {
	v, ok := s[key]
	return v, ok
}
func (s skus) Put(_, key, value string) { s[key] = value }

var _ mapper.Tables = skus{}

// deskAPI is the API over a fresh store and an engine without connections.
func deskAPI(t *testing.T) (*API, *sqlledger.Store) {
	t.Helper()
	s, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "hub.db"), Secret: []byte("invented secret, only for tests.")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	tables := skus{}
	e, err := pipelines.New(pipelines.Options{Ledger: s, Tables: tables})
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Engine: e, Ledger: s, Lookups: tables, Zone: time.UTC}), s
}

// ask makes a call and returns its status with the answer decoded into out.
func ask(t *testing.T, a *API, method, path, in string, out any) int {
	t.Helper()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(in)))
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
		t.Fatalf("%s %s answered %d %s", method, path, w.Code, w.Body)
	}
	return w.Code
}

// stop makes n deliveries, parked or blocked.
func stop(t *testing.T, s *sqlledger.Store, from, n int, state ledger.State, code, text string, deps ...ledger.Dep) (ids []int64) {
	t.Helper()
	for i := from; i < from+n; i++ {
		it := &ledger.IntakeItem{Entity: "order", Key: fmt.Sprint(i), RootEnt: "order", RootKey: fmt.Sprint(i), Version: 1, FetchedAt: time.Now(), Body: []byte(`{}`)}
		if err := s.Commit(t.Context(), &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{it}}); err != nil {
			t.Fatal(err)
		}
		d := &ledger.NewDelivery{Flow: "f", Step: "oms", Connection: "oms", Operation: "push", RemoteKey: it.Key, State: state, Code: code, Text: text, Deps: deps, Claim: true}
		if err := s.Commit(t.Context(), &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Amount: ledger.Amount{Minor: 1050, Currency: "CNY"}, Deliveries: []*ledger.NewDelivery{d}}); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.ID)
	}
	return ids
}

func TestIncidentsAreListedAndShown(t *testing.T) {
	a, s := deskAPI(t)
	ids := stop(t, s, 1, 5, ledger.Parked, "schema.target", "/qty is missing (required)")
	stop(t, s, 10, 1, ledger.Parked, "oms.77", "no such shop")
	var list IncidentList
	if status := ask(t, a, "GET", "/api/v1/incidents?limit=1", "", &list); status != http.StatusOK || len(list.Incidents) != 1 || list.Next == "" || list.Incidents[0].Code != "oms.77" {
		t.Fatalf("%d: %+v", status, list)
	}
	next := list.Next
	list = IncidentList{}
	ask(t, a, "GET", "/api/v1/incidents?limit=1&cursor="+next, "", &list)
	if len(list.Incidents) != 1 {
		t.Fatalf("the second page is %+v", list)
	}
	i := list.Incidents[0]
	if i.Now != 5 || i.Field != "/qty" || i.Fix != "map" || i.Means.Zh == "" || i.Recovered != nil {
		t.Fatalf("the incident is %+v", i)
	}
	if want := (Stake{Currency: "CNY", Minor: 5250, Amount: "52.50", Rows: 5}); len(i.Money) != 1 || i.Money[0] != want || i.Unpriced != 0 {
		t.Fatalf("at stake are %+v, want %+v", i.Money, want)
	}
	if want := (Stake{Currency: "CNY", Minor: 6300, Amount: "63.00", Rows: 6}); len(list.Money) != 1 || list.Money[0] != want {
		t.Fatalf("at stake together are %+v, want %+v", list.Money, want)
	}
	var detail IncidentDetail
	ask(t, a, "GET", fmt.Sprintf("/api/v1/incidents/%d?limit=3", i.ID), "", &detail)
	if len(detail.Rows) != 3 || detail.Rows[0].ID != ids[0] || detail.Next != fmt.Sprint(ids[2]) {
		t.Fatalf("the detail is %+v", detail)
	}
	for _, id := range ids {
		if err := s.Commit(t.Context(), &ledger.Settle{Delivery: id, To: ledger.Delivered, Clean: true}); err != nil {
			t.Fatal(err)
		}
	}
	detail = IncidentDetail{}
	ask(t, a, "GET", fmt.Sprintf("/api/v1/incidents/%d", i.ID), "", &detail)
	if w := detail.Incident.Recovered; detail.Incident.State != "closed" || w == nil || !strings.HasSuffix(w.En, ", 5 caught up, 0 left") || len(detail.Rows) != 0 {
		t.Fatalf("after the cure: %+v", detail)
	}
	for path, code := range map[string]string{"/api/v1/incidents?state=ajar": "api.unknown_state", "/api/v1/incidents?cursor=7": "api.cursor", "/api/v1/incidents?cursor=a.b": "api.cursor",
		"/api/v1/incidents?connection=nobody": "api.unknown_connection", "/api/v1/incidents/3": "api.not_found", "/api/v1/incidents/x": "api.id",
		"/api/v1/incidents?limit=0": "api.limit", "/api/v1/waiting?cursor=!": "api.cursor"} {
		var e struct{ Error Error }
		if status := ask(t, a, "GET", path, "", &e); status < 400 || e.Error.Code != code {
			t.Errorf("%s answered %d %+v, want %s", path, status, e, code)
		}
	}
}

func TestWaitingIsFilledIn(t *testing.T) {
	a, s := deskAPI(t)
	miss := func(key string) ledger.Dep {
		return ledger.Dep{Kind: ledger.DepLookup, Key: ledger.LookupKey("skus", key)}
	}
	stop(t, s, 1, 4, ledger.Blocked, "blocked.lookup", `a.yaml:1:1: sku: lookup table skus has no entry for "A"`, miss("A"))
	stop(t, s, 10, 1, ledger.Blocked, "blocked.lookup", `a.yaml:1:1: sku: lookup table skus has no entry for "B"`, miss("B"))
	var list WaitingList
	ask(t, a, "GET", "/api/v1/waiting?limit=1", "", &list)
	if len(list.Waiting) != 1 || list.Waiting[0].Key != "A" || list.Waiting[0].Deliveries != 4 || list.Waiting[0].Oldest.IsZero() || list.Next == "" {
		t.Fatalf("waiting are %+v", list)
	}
	next := list.Next
	list = WaitingList{}
	ask(t, a, "GET", "/api/v1/waiting?cursor="+next, "", &list)
	if len(list.Waiting) != 1 || list.Waiting[0].Key != "B" || list.Next != "" {
		t.Fatalf("the second page is %+v", list)
	}
	for in, code := range map[string]string{
		`{"table":"skus","key":"A","value":"a-1","who":"anna"}`:              "lookup.who",
		`{"table":"skus","key":"A","who":"anna","why":"new"}`:                "lookup.empty",
		`{"table":"sku","key":"A","value":"a-1","who":"anna","why":"new"}`:   "api.unknown_table",
		`{"table":"skus","key":"A","val":"a-1","who":"anna","why":"a typo"}`: "api.body",
	} {
		var e struct{ Error Error }
		if status := ask(t, a, "POST", "/api/v1/waiting", in, &e); status < 400 || e.Error.Code != code {
			t.Errorf("%s answered %d %+v, want %s", in, status, e, code)
		}
	}
	var done struct{ Released int }
	if status := ask(t, a, "POST", "/api/v1/waiting", `{"table":"skus","key":"A","value":"a-1","who":"anna","why":"new in the shop"}`, &done); status != http.StatusOK || done.Released != 4 {
		t.Fatalf("%d: %+v", status, done)
	}
	history, err := s.LookupHistory(t.Context(), "skus", "A")
	if err != nil || len(history) != 1 || history[0].Who != "anna" || history[0].Why != "new in the shop" {
		t.Fatalf("the history is %+v, %v", history, err)
	}
	ask(t, a, "GET", "/api/v1/waiting", "", &list)
	if len(list.Waiting) != 1 || list.Waiting[0].Key != "B" {
		t.Fatalf("left are %+v", list)
	}
}
