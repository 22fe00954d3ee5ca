package api

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/schedule"
)

// A job is paused with a reason and resumed; its history is read page by page.
func TestJobsByTheAPI(t *testing.T) {
	a, s := deskAPI(t)
	var err error
	a.opt.Scheduler, err = schedule.New(s, []schedule.Job{{Name: "pull", Spec: "0 0 4 * * *",
		Run: func(context.Context) (map[string]int64, error) { return map[string]int64{"new": 3}, nil }}}, zap.NewNop(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var e struct{ Error Error }
	for path, code := range map[string]string{"jobs/pul/pause": "api.unknown_job", "jobs/pull/pause": "jobs.why", "jobs/pul/run": "api.unknown_job"} {
		if status := ask(t, a, "POST", "/api/v1/"+path, "{}", &e); status < 400 || e.Error.Code != code {
			t.Errorf("%s answered %d %+v, want %s", path, status, e, code)
		}
	}
	var any map[string]any
	for range 3 {
		if status := ask(t, a, "POST", "/api/v1/jobs/pull/run", "{}", &any); status != http.StatusOK {
			t.Fatalf("%d %v", status, any)
		}
	}
	if status := ask(t, a, "POST", "/api/v1/jobs/pull/pause", `{"why":"the source moves"}`, &any); status != http.StatusOK {
		t.Fatalf("%d %v", status, any)
	}
	var list struct{ Jobs []schedule.Status }
	ask(t, a, "GET", "/api/v1/jobs", "", &list)
	if j := list.Jobs[0]; !j.Paused || j.Pause.Why != "the source moves" || len(j.Upcoming) != 5 || j.Last.Counts["new"] != 3 {
		t.Fatalf("the job is %+v", j)
	}
	seen := map[int64]bool{}
	for next, pages := "", 0; ; pages++ {
		var page JobRuns
		if status := ask(t, a, "GET", "/api/v1/jobs/pull/runs?limit=2&cursor="+next, "", &page); status != http.StatusOK || pages > 2 {
			t.Fatalf("page %d answered %d", pages, status)
		}
		for _, r := range page.Runs {
			seen[r.ID] = true
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if len(seen) != 3 {
		t.Fatalf("%d runs in the history", len(seen))
	}
	ask(t, a, "POST", "/api/v1/jobs/pull/resume", "{}", &any)
	list.Jobs = nil
	if ask(t, a, "GET", "/api/v1/jobs", "", &list); list.Jobs[0].Paused {
		t.Fatal("it is still paused")
	}
}

func TestABackfillRefusesWhatItCannotRead(t *testing.T) {
	a, _ := deskAPI(t)
	a.opt.Backfills = pipelines.NewBackfills(a.opt.Engine)
	var e struct{ Error Error }
	if status := ask(t, a, "POST", "/api/v1/backfills", `{"connection":"shop","stream":"orders","preset":"yesterday"}`, &e); status != http.StatusNotFound || e.Error.Code != "api.unknown_connection" {
		t.Errorf("%d %+v", status, e)
	}
	for _, act := range []string{"start", "pause", "resume", "cancel"} {
		if status := ask(t, a, "POST", fmt.Sprintf("/api/v1/backfills/9/%s", act), "{}", &e); status != http.StatusNotFound || e.Error.Code != "api.not_found" {
			t.Errorf("%s: %d %+v", act, status, e)
		}
	}
	var list BackfillList
	if status := ask(t, a, "GET", "/api/v1/backfills", "", &list); status != http.StatusOK || list.Backfills == nil || len(list.Backfills) != 0 {
		t.Errorf("%d %+v", status, list)
	}
}
