package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// working lets the bulk replays of an API run until the test ends.
func working(t *testing.T, a *API) {
	t.Helper()
	b, err := pipelines.NewBulks(a.opt.Engine)
	if err != nil {
		t.Fatal(err)
	}
	a.opt.Bulks = b
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
}

// reaches waits until a bulk replay is in a state.
func reaches(t *testing.T, a *API, id int64, state string) Bulk {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		var b Bulk
		if status := ask(t, a, "GET", fmt.Sprintf("/api/v1/replays/%d", id), "", &b); status != http.StatusOK {
			t.Fatalf("it answered %d", status)
		}
		if b.State == state {
			return b
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s: %+v", state, b)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func TestABulkReplayByTheAPI(t *testing.T) {
	a, s := deskAPI(t)
	working(t, a)
	ids := stop(t, s, 1, 25, ledger.Parked, "oms.77", "no such shop")
	var list IncidentList
	ask(t, a, "GET", "/api/v1/incidents", "", &list)
	var plan Bulk
	in := fmt.Sprintf(`{"incident":%d,"mode":"as-sent","why":"the shop is there"}`, list.Incidents[0].ID)
	if status := ask(t, a, "POST", "/api/v1/replays", in, &plan); status != http.StatusOK || plan.Total != 25 || plan.State != "planned" || plan.Canary != 10 || len(plan.Modes) != 3 {
		t.Fatalf("%d: %+v", status, plan)
	}
	at := fmt.Sprintf("/api/v1/replays/%d", plan.ID)
	var e struct{ Error Error }
	if status := ask(t, a, "POST", at+"/resume", "{}", &e); status != http.StatusConflict || e.Error.Code != "replays.state" {
		t.Fatalf("resuming a plan: %d %+v", status, e)
	}
	// There is no connection any more, so that every row is refused with that reason.
	ask(t, a, "POST", at+"/start", "{}", &plan)
	if b := reaches(t, a, plan.ID, "asking"); b.Items["refused"] != 10 || b.Items["pending"] != 15 {
		t.Fatalf("the canary is %+v", b)
	}
	ask(t, a, "POST", at+"/start", `{"confirm":true}`, &plan)
	if b := reaches(t, a, plan.ID, "done"); b.Items["refused"] != 25 {
		t.Fatalf("the end is %+v", b)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", at+"/items", nil))
	lines := bytes.Split(bytes.TrimSpace(w.Body.Bytes()), []byte("\n"))
	if len(lines) != 25 {
		t.Fatalf("%d results: %s", len(lines), w.Body)
	}
	for i, line := range lines {
		var it BulkItem
		if err := json.Unmarshal(line, &it); err != nil || it.Row != ids[i] || it.Text != `there is no connection "oms"` || it.Now != "parked" {
			t.Fatalf("result %d is %s, %v", i, line, err)
		}
	}
	var more Bulk
	ask(t, a, "POST", "/api/v1/replays", `{"filter":{"code":"oms.77"},"rate":50}`, &more)
	var page BulkList
	if ask(t, a, "GET", "/api/v1/replays?limit=1", "", &page); len(page.Replays) != 1 || page.Replays[0].ID != more.ID || page.Next == "" {
		t.Fatalf("the list is %+v", page)
	}
	next := page.Next
	if ask(t, a, "GET", "/api/v1/replays?limit=1&cursor="+next, "", &page); len(page.Replays) != 1 || page.Replays[0].ID != plan.ID {
		t.Fatalf("the second page is %+v", page)
	}
	ask(t, a, "POST", fmt.Sprintf("/api/v1/replays/%d/cancel", more.ID), "{}", &more)
	if more.State != "cancelled" {
		t.Fatalf("after a cancel it is %+v", more)
	}
}

func TestABulkReplayRefusesWhatItCannotRead(t *testing.T) {
	a, _ := deskAPI(t)
	working(t, a)
	for in, code := range map[string]string{
		`{}`:                           "replay.what",
		`{"incident":7,"filter":{}}`:   "replay.what",
		`{"incident":7}`:               "api.not_found",
		`{"filter":{},"mode":"again"}`: "replay.mode",
		`{"filter":{},"rate":-1}`:      "replays.rate",
		`{"filter":{"kind":"hint"}}`:   "api.unknown_kind",
		`{"filter":{"kind":"delivery","stream":"orders"}}`: "replays.filter",
		`{"filter":{"kind":"message","flow":"nil"}}`:       "api.unknown_flow",
		`{"filter":{"connection":"nobody"}}`:               "api.unknown_connection",
		`{"filter":{"code":"none"}}`:                       "replays.empty",
		`{"filter":{"kind":"message","stream":"orders"}}`:  "replays.empty",
	} {
		var e struct{ Error Error }
		if status := ask(t, a, "POST", "/api/v1/replays", in, &e); status < 400 || e.Error.Code != code {
			t.Errorf("%s answered %d %+v, want %s", in, status, e, code)
		}
	}
	for _, path := range []string{"/api/v1/replays/99", "/api/v1/replays/99/items"} {
		var e struct{ Error Error }
		if status := ask(t, a, "GET", path, "", &e); status != http.StatusNotFound || e.Error.Code != "api.not_found" {
			t.Errorf("%s answered %d %+v", path, status, e)
		}
	}
}
