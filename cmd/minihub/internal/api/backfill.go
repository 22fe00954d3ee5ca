package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// BackfillRequest asks for the plan of a backfill: a window of a stream, or a preset.
type BackfillRequest struct {
	Connection string     `json:"connection"`
	Stream     string     `json:"stream"`
	Preset     string     `json:"preset,omitempty"` // yesterday, last-7-days; by the hub's time zone
	From       *time.Time `json:"from,omitempty"`
	To         *time.Time `json:"to,omitempty"`    // not included
	Leave      *int       `json:"leave,omitempty"` // percent of every limit that stay free for live traffic; 35 when left out
	Who        string     `json:"who,omitempty"`
	Why        string     `json:"why,omitempty"`
}

// usualLeave is the share of the limits that a backfill leaves to live traffic.
const usualLeave = 35

// Backfill is a backfill: its forecast and how far it is.
type Backfill struct {
	ID         int64     `json:"id"`
	State      string    `json:"state"`
	Connection string    `json:"connection"`
	Stream     string    `json:"stream"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	Leave      int       `json:"leave"`
	Who        string    `json:"who"`
	Why        string    `json:"why,omitempty"`
	Text       string    `json:"text,omitempty"`  // what went wrong last
	Waits      string    `json:"waits,omitempty"` // what it waits for now
	Created    time.Time `json:"created"`
	Started    time.Time `json:"started,omitzero"`
	Ended      time.Time `json:"ended,omitzero"`
	Method     string    `json:"method"` // of the forecast: counted, sampled, unknown
	Expected   Expected  `json:"expected"`
	// Seconds is how long it still takes, and Done about when that is, if it goes (on) now.
	Seconds float64   `json:"seconds_left,omitempty"`
	Done    time.Time `json:"done_about,omitzero"`
	Pages   int64     `json:"pages"`
	Items   int64     `json:"items"`
	New     int64     `json:"new"`
	Same    int64     `json:"unchanged"`
	Failed  int64     `json:"failed"` // not fetched: the hub asks for them again by itself
	// Busy is how long it has gone, in seconds, without pauses.
	Busy   float64        `json:"busy_seconds"`
	Limits []BackfillCost `json:"limits,omitempty"`
}

// Expected is what the source said when the backfill was planned.
type Expected struct {
	Items   int64   `json:"items"`
	New     int64   `json:"new"` // not seen since they changed
	Pages   int64   `json:"pages"`
	Seconds float64 `json:"seconds"`
}

// BackfillCost is what a backfill takes of one limit.
type BackfillCost struct {
	Connection string  `json:"connection"`
	Limit      string  `json:"limit"`
	Calls      int64   `json:"calls"`
	Used       int     `json:"used"`
	Allowed    int     `json:"allowed"`
	Per        float64 `json:"per_seconds"`
}

// BackfillList is a page of backfills, newest first.
type BackfillList struct {
	Backfills []Backfill `json:"backfills"`
	Next      string     `json:"next,omitempty"`
}

// backfills adds the calls about backfills.
func (a *API) backfills() {
	a.handle("POST /api/v1/backfills", a.planBackfill)
	a.handle("GET /api/v1/backfills", a.listBackfills)
	a.handle("GET /api/v1/backfills/{id}", a.showBackfill)
	for _, act := range longActs {
		a.handle("POST /api/v1/backfills/{id}/"+act, func(r *http.Request) (any, error) { return a.actBackfill(r, act) })
	}
}

func (a *API) fills() (*pipelines.Backfills, error) {
	if a.opt.Backfills == nil {
		return nil, &Error{Status: http.StatusNotImplemented, Code: "api.no_desk", Text: "this hub runs no backfills"}
	}
	return a.opt.Backfills, nil
}

func (a *API) planBackfill(r *http.Request) (any, error) {
	b, err := a.fills()
	if err != nil {
		return nil, err
	}
	var req BackfillRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	if err := a.stream(req.Connection, req.Stream); err != nil {
		return nil, err
	}
	job := ledger.Backfill{Connection: req.Connection, Stream: req.Stream, Leave: usualLeave, Who: cmp.Or(cut(who(r, req.Who), 200), "api"), Why: cut(req.Why, longestWhy)}
	if req.Leave != nil {
		job.Leave = *req.Leave
	}
	if job.Leave < 0 || job.Leave > 95 {
		return nil, &Error{Status: http.StatusBadRequest, Code: "backfills.leave", Text: fmt.Sprintf("leave %d is not a percentage from 0 to 95", job.Leave), Hint: "it is the share of the limits that stays free for live traffic"}
	}
	if job.From, job.To, err = a.window(&req); err != nil {
		return nil, err
	}
	s, err := b.Plan(r.Context(), job)
	if err != nil {
		return nil, err
	}
	return a.describeFill(s), nil
}

// window is what a request asks for; a preset goes by the days of the hub's time zone.
func (a *API) window(req *BackfillRequest) (from, to time.Time, err error) {
	y, m, d := a.now().In(a.opt.Zone).Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, a.opt.Zone)
	given := req.From != nil || req.To != nil
	switch {
	case given && req.Preset != "", !given && req.Preset == "", given && (req.From == nil || req.To == nil):
		return from, to, &Error{Status: http.StatusBadRequest, Code: "api.window", Text: "the window is not clear", Hint: "give from and to, or a preset"}
	case req.Preset == "yesterday":
		return today.AddDate(0, 0, -1), today, nil
	case req.Preset == "last-7-days":
		return today.AddDate(0, 0, -7), today, nil
	case req.Preset != "":
		return from, to, unknown("preset", req.Preset, []string{"yesterday", "last-7-days"})
	case !req.From.Before(*req.To):
		return from, to, &Error{Status: http.StatusBadRequest, Code: "api.window", Text: "the window is empty: from must be before to"}
	}
	return *req.From, *req.To, nil
}

func (a *API) describeFill(s *pipelines.FillStatus) Backfill {
	j := &s.Job
	out := Backfill{ID: j.ID, State: j.State, Connection: j.Connection, Stream: j.Stream, From: j.From, To: j.To, Leave: j.Leave, Who: j.Who, Why: j.Why,
		Text: j.Text, Waits: s.Waits, Created: j.CreatedAt, Started: j.StartedAt, Ended: j.EndedAt, Method: j.Method,
		Expected: Expected{Items: j.ExpectedItems, New: j.ExpectedNew, Pages: j.ExpectedPages, Seconds: j.Expected.Seconds()},
		Pages:    j.Pages, Items: j.Items, New: j.New, Same: j.Same, Failed: j.Failed, Busy: j.Busy.Seconds()}
	if s.Left > 0 {
		out.Seconds, out.Done = s.Left.Seconds(), a.now().Add(s.Left).Truncate(time.Second)
	}
	for _, c := range s.Cost {
		out.Limits = append(out.Limits, BackfillCost{c.Connection, c.Limit, c.Calls, c.Used, c.Allowed, c.Per.Seconds()})
	}
	return out
}

func (a *API) listBackfills(r *http.Request) (any, error) {
	b, err := a.fills()
	if err != nil {
		return nil, err
	}
	after, n, err := page(r)
	if err != nil {
		return nil, err
	}
	list, err := b.List(r.Context(), after, n)
	if err != nil {
		return nil, err
	}
	out := BackfillList{Backfills: []Backfill{}}
	for i := range list {
		out.Backfills = append(out.Backfills, a.describeFill(&list[i]))
	}
	if len(list) == n {
		out.Next = strconv.FormatInt(list[n-1].Job.ID, 10)
	}
	return out, nil
}

func (a *API) showBackfill(r *http.Request) (any, error) {
	b, err := a.fills()
	if err != nil {
		return nil, err
	}
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	s, err := b.Look(r.Context(), id)
	if err != nil {
		return nil, missing("backfill", id, err)
	}
	return a.describeFill(s), nil
}

func (a *API) actBackfill(r *http.Request, act string) (any, error) {
	b, err := a.fills()
	if err != nil {
		return nil, err
	}
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	var req whoWhy
	if err := body(r, &req); err != nil {
		return nil, err
	}
	_, err = b.Act(r.Context(), id, act)
	switch {
	case errors.Is(err, pipelines.ErrFillState):
		return nil, &Error{Status: http.StatusConflict, Code: "backfills.state", Text: err.Error(), Hint: "GET /api/v1/backfills/" + strconv.FormatInt(id, 10) + " says how far it is"}
	case err != nil:
		return nil, missing("backfill", id, err)
	}
	s, err := b.Look(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return a.describeFill(s), nil
}
