package api

import (
	"net/http"
	"strconv"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/schedule"
)

// JobRuns is a page of a job's history, newest first: its runs, and rows for ticks that
// began none.
type JobRuns struct {
	Runs []ledger.JobRun `json:"runs"`
	Next string          `json:"next,omitempty"`
}

// jobCalls adds the calls about scheduled jobs.
func (a *API) jobCalls() {
	a.handle("GET /api/v1/jobs", a.jobs)
	a.handle("GET /api/v1/jobs/{name}/runs", a.jobRuns)
	a.handle("POST /api/v1/jobs/{name}/run", a.runJob)
	a.handle("POST /api/v1/jobs/{name}/pause", a.pauseJob)
	a.handle("POST /api/v1/jobs/{name}/resume", a.resumeJob)
}

func (a *API) jobs(r *http.Request) (any, error) {
	list, err := a.opt.Scheduler.List(r.Context())
	if err != nil {
		return nil, err
	}
	return map[string]any{"jobs": list}, nil
}

// job returns the job that a call names.
func (a *API) job(r *http.Request) (*schedule.Status, error) {
	list, err := a.opt.Scheduler.List(r.Context())
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range list {
		if list[i].Job == r.PathValue("name") {
			return &list[i], nil
		}
		names = append(names, list[i].Job)
	}
	return nil, unknown("job", r.PathValue("name"), names)
}

func (a *API) jobRuns(r *http.Request) (any, error) {
	after, n, err := page(r)
	if err != nil {
		return nil, err
	}
	j, err := a.job(r)
	if err != nil {
		return nil, err
	}
	runs, err := a.opt.Ledger.JobRuns(r.Context(), j.Job, after, n)
	if err != nil {
		return nil, err
	}
	out := JobRuns{Runs: append([]ledger.JobRun{}, runs...)}
	if len(runs) == n {
		out.Next = strconv.FormatInt(runs[n-1].ID, 10)
	}
	return out, nil
}

func (a *API) runJob(r *http.Request) (any, error) {
	j, err := a.job(r)
	if err != nil {
		return nil, err
	}
	run, err := a.opt.Scheduler.RunNow(r.Context(), j.Job)
	if run == nil {
		return nil, err
	}
	return map[string]any{"run": run}, err
}

func (a *API) pauseJob(r *http.Request) (any, error) {
	var req whoWhy
	if err := body(r, &req); err != nil {
		return nil, err
	}
	j, err := a.job(r)
	if err != nil {
		return nil, err
	}
	if req.Why == "" {
		return nil, &Error{Status: http.StatusBadRequest, Code: "jobs.why", Text: "no reason is given", Hint: "say in why the job is paused: whoever finds it paused will ask"}
	}
	return map[string]any{"paused": j.Job}, a.opt.Scheduler.Pause(r.Context(), j.Job, cut(who(r, req.Who), 200), cut(req.Why, longestWhy))
}

func (a *API) resumeJob(r *http.Request) (any, error) {
	var req whoWhy
	if err := body(r, &req); err != nil {
		return nil, err
	}
	j, err := a.job(r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"resumed": j.Job}, a.opt.Scheduler.Resume(r.Context(), j.Job)
}
