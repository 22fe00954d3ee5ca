package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// BulkRequest asks for the plan of a bulk replay: an incident, or all parked rows that a
// filter finds.
type BulkRequest struct {
	Incident int64      `json:"incident,omitempty"`
	Filter   *BulkWhere `json:"filter,omitempty"`
	Mode     string     `json:"mode,omitempty"` // re-map (the default), as-sent, re-pull
	Rate     int        `json:"rate,omitempty"` // rows a second; 0 = as fast as the targets' limits allow
	Who      string     `json:"who,omitempty"`
	Why      string     `json:"why,omitempty"`
}

// BulkWhere selects parked rows; empty fields match all.
type BulkWhere struct {
	Kind       string `json:"kind,omitempty"` // delivery, message; empty = deliveries, or messages when no delivery fits
	Connection string `json:"connection,omitempty"`
	Operation  string `json:"operation,omitempty"` // of deliveries
	Flow       string `json:"flow,omitempty"`      // of deliveries
	Stream     string `json:"stream,omitempty"`    // of messages
	Code       string `json:"code,omitempty"`
}

// Bulk is a bulk replay: its plan and how far it is.
type Bulk struct {
	ID         int64        `json:"id"`
	State      string       `json:"state"`
	Kind       string       `json:"kind"`
	Incident   int64        `json:"incident,omitempty"`
	Connection string       `json:"connection,omitempty"`
	Name       string       `json:"name,omitempty"` // operation or stream
	Flow       string       `json:"flow,omitempty"`
	Code       string       `json:"code,omitempty"`
	Mode       string       `json:"mode"`
	Rate       int          `json:"rate,omitempty"`
	Who        string       `json:"who"`
	Why        string       `json:"why,omitempty"`
	Created    time.Time    `json:"created"`
	Updated    time.Time    `json:"updated"`
	Total      int64        `json:"total"`
	Canary     int          `json:"canary,omitempty"`
	OneShot    int64        `json:"one_shot,omitempty"`
	Modes      []BulkMode   `json:"modes,omitempty"`
	Targets    []BulkTarget `json:"targets,omitempty"`
	// Seconds is how long what is left takes at least, by the targets' limits and the rate.
	Seconds float64          `json:"estimate_seconds"`
	Items   map[string]int64 `json:"items,omitempty"` // by what became of them
	Rows    map[string]int64 `json:"rows,omitempty"`  // those replayed, by their state now
	// Summed is when the results were dropped by age; the counts stay.
	Summed *time.Time `json:"summed,omitempty"`
}

// BulkActRequest is what a person does about a bulk replay.
type BulkActRequest struct {
	Confirm bool   `json:"confirm,omitempty"` // the warning about one-shot operations was read
	Mode    string `json:"mode,omitempty"`    // with the first start: another mode than planned
	Rate    *int   `json:"rate,omitempty"`    // rows a second from now on; 0 = as fast as the limits allow
	whoWhy
}

// BulkMode counts rows by how safe a mode is for them.
type BulkMode struct {
	Mode    string `json:"mode"`
	Safe    int64  `json:"safe"`
	Asks    int64  `json:"asks_first,omitempty"`
	Confirm int64  `json:"needs_confirm,omitempty"`
	Cannot  int64  `json:"cannot,omitempty"`
}

// BulkTarget is the rows for one operation.
type BulkTarget struct {
	Connection string  `json:"connection"`
	Operation  string  `json:"operation"`
	N          int64   `json:"count"`
	PerSecond  float64 `json:"per_second,omitempty"`
}

// BulkItem is one line of the results.
type BulkItem struct {
	Row     int64      `json:"id"`
	Message int64      `json:"message"`
	Key     string     `json:"key,omitempty"`
	State   string     `json:"state"` // pending, replayed, refused, skipped
	To      string     `json:"to,omitempty"`
	Code    string     `json:"code,omitempty"`
	Text    string     `json:"text,omitempty"`
	At      *time.Time `json:"at,omitempty"`
	Now     string     `json:"now"`
	Why     string     `json:"now_code,omitempty"`
}

// BulkList is a page of bulk replays, newest first.
type BulkList struct {
	Replays []Bulk `json:"replays"`
	Next    string `json:"next,omitempty"`
}

// longActs are what can be done to a bulk replay or a backfill.
var longActs = []string{"start", "pause", "resume", "cancel"}

// replays adds the calls about bulk replays.
func (a *API) replays() {
	a.handle("POST /api/v1/replays", a.planBulk)
	a.handle("GET /api/v1/replays", a.listBulks)
	a.handle("GET /api/v1/replays/{id}", a.showBulk)
	a.lines("GET /api/v1/replays/{id}/items", a.bulkItems)
	for _, act := range longActs {
		a.handle("POST /api/v1/replays/{id}/"+act, func(r *http.Request) (any, error) { return a.actBulk(r, act) })
	}
}

// lines is handle for what answers more than one document.
func (a *API) lines(pattern string, h http.HandlerFunc) {
	a.served = append(a.served, pattern)
	a.mux.HandleFunc(pattern, h)
}

func (a *API) bulks() (*pipelines.Bulks, error) {
	if a.opt.Bulks == nil {
		return nil, &Error{Status: http.StatusNotImplemented, Code: "api.no_desk", Text: "this hub runs no bulk replays"}
	}
	return a.opt.Bulks, nil
}

func (a *API) planBulk(r *http.Request) (any, error) {
	b, err := a.bulks()
	if err != nil {
		return nil, err
	}
	var req BulkRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	job := ledger.Bulk{Incident: req.Incident, Mode: req.Mode, Rate: req.Rate, Who: cmp.Or(cut(who(r, req.Who), 200), "api"), Why: cut(req.Why, longestWhy)}
	if err := modeAndRate(req.Mode, req.Rate); err != nil {
		return nil, err
	}
	if (req.Incident == 0) == (req.Filter == nil) {
		return nil, &Error{Status: http.StatusBadRequest, Code: "replay.what", Text: "a bulk replay is about one incident or one filter", Hint: "give incident or filter"}
	}
	if req.Filter != nil {
		if err := a.bulkFilter(req.Filter, &job); err != nil {
			return nil, err
		}
	}
	p, err := b.Plan(r.Context(), job)
	if errors.Is(err, pipelines.ErrBulkEmpty) && req.Filter != nil && req.Filter.Kind == "" && job.Operation == "" && job.Flow == "" {
		job.Kind = "record"
		p, err = b.Plan(r.Context(), job)
	}
	switch {
	case errors.Is(err, pipelines.ErrBulkEmpty):
		return nil, &Error{Status: http.StatusUnprocessableEntity, Code: "replays.empty", Text: err.Error(), Hint: "`minihub incidents list` shows what is parked"}
	case err != nil:
		return nil, missing("incident", req.Incident, err)
	}
	return describeBulk(p), nil
}

// modeAndRate refuses what is no mode or no rate.
func modeAndRate(mode string, rate int) error {
	switch pipelines.ReplayMode(mode) {
	case "", pipelines.AsSent, pipelines.Remap, pipelines.Repull:
	default:
		return &Error{Status: http.StatusBadRequest, Code: "replay.mode", Text: fmt.Sprintf("the mode %q is unknown", mode), Hint: "use as-sent, re-map or re-pull"}
	}
	const fastest = 100_000
	if rate < 0 || rate > fastest {
		return &Error{Status: http.StatusBadRequest, Code: "replays.rate", Text: fmt.Sprintf("the rate %d is not a number of rows a second from 0 to %d", rate, fastest), Hint: "0 is as fast as the targets' limits allow"}
	}
	return nil
}

func (a *API) bulkFilter(w *BulkWhere, job *ledger.Bulk) error {
	if err := a.knows(w.Connection, w.Operation, w.Flow); err != nil {
		return err
	}
	job.Connection, job.Operation, job.Flow, job.Code = w.Connection, w.Operation, w.Flow, w.Code
	switch w.Kind {
	case "":
		if job.Kind = "delivery"; w.Stream != "" {
			return a.bulkFilter(&BulkWhere{"message", w.Connection, w.Operation, w.Flow, w.Stream, w.Code}, job)
		}
	case "delivery":
		job.Kind = "delivery"
		if w.Stream != "" {
			return &Error{Status: http.StatusBadRequest, Code: "replays.filter", Text: "deliveries are not selected by stream", Hint: "give operation, or kind message"}
		}
	case "message":
		job.Kind, job.Operation = "record", w.Stream
		if w.Operation != "" || w.Flow != "" {
			return &Error{Status: http.StatusBadRequest, Code: "replays.filter", Text: "messages are not selected by operation or flow", Hint: "give stream, or kind delivery"}
		}
	default:
		return unknown("kind", w.Kind, []string{"delivery", "message"})
	}
	return nil
}

func describeJob(j *ledger.Bulk) Bulk {
	kind := j.Kind
	if kind == "record" {
		kind = "message"
	}
	b := Bulk{ID: j.ID, State: j.State, Kind: kind, Incident: j.Incident, Connection: j.Connection, Name: j.Operation, Flow: j.Flow, Code: j.Code,
		Mode: j.Mode, Rate: j.Rate, Who: j.Who, Why: j.Why, Created: j.CreatedAt, Updated: j.UpdatedAt, Total: j.Total, Items: j.Items, Rows: j.Rows}
	if !j.SummedAt.IsZero() {
		b.Summed = &j.SummedAt
	}
	return b
}

func describeBulk(p *pipelines.BulkPlan) Bulk {
	out := describeJob(&p.Job)
	out.Canary, out.OneShot, out.Seconds = min(pipelines.CanarySize, int(p.Job.Total)), p.OneShot, p.Estimate.Seconds()
	if p.Left == 0 {
		return out
	}
	for _, m := range p.Modes {
		out.Modes = append(out.Modes, BulkMode{string(m.Mode), m.Safe, m.Asks, m.Confirm, m.Cannot})
	}
	for _, t := range p.Targets {
		out.Targets = append(out.Targets, BulkTarget{t.Connection, t.Operation, t.N, t.PerSecond})
	}
	return out
}

func (a *API) listBulks(r *http.Request) (any, error) {
	b, err := a.bulks()
	if err != nil {
		return nil, err
	}
	after, n, err := page(r)
	if err != nil {
		return nil, err
	}
	f := ledger.BulkFilter{Before: after, Limit: n}
	if s := r.URL.Query().Get("incident"); s != "" {
		if f.Incident, err = strconv.ParseInt(s, 10, 64); err != nil || f.Incident <= 0 {
			return nil, &Error{Status: http.StatusBadRequest, Code: "api.incident", Text: fmt.Sprintf("%q is not the number of an incident", s), Hint: "give the id that GET /api/v1/incidents tells"}
		}
	}
	list, err := b.List(r.Context(), f)
	if err != nil {
		return nil, err
	}
	out := BulkList{Replays: []Bulk{}}
	for i := range list {
		out.Replays = append(out.Replays, describeJob(&list[i]))
	}
	if len(list) == n {
		out.Next = strconv.FormatInt(list[n-1].ID, 10)
	}
	return out, nil
}

func (a *API) showBulk(r *http.Request) (any, error) {
	b, err := a.bulks()
	if err != nil {
		return nil, err
	}
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	p, err := b.Look(r.Context(), id)
	if err != nil {
		return nil, missing("replay", id, err)
	}
	out := describeBulk(p)
	progress, err := b.Progress(r.Context(), &p.Job)
	out.Items, out.Rows = progress.Items, progress.Rows
	return out, err
}

func (a *API) actBulk(r *http.Request, act string) (any, error) {
	b, err := a.bulks()
	if err != nil {
		return nil, err
	}
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	var req BulkActRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	do := pipelines.BulkAct{Act: act, Confirm: req.Confirm, Mode: pipelines.ReplayMode(req.Mode), Rate: req.Rate, Why: cut(req.Why, longestWhy)}
	rate := 0
	if req.Rate != nil {
		rate = *req.Rate
	}
	if err := modeAndRate(req.Mode, rate); err != nil {
		return nil, err
	}
	job, err := b.Act(r.Context(), id, do)
	switch {
	case errors.Is(err, pipelines.ErrBulkState):
		return nil, &Error{Status: http.StatusConflict, Code: "replays.state", Text: err.Error(), Hint: "GET /api/v1/replays/" + strconv.FormatInt(id, 10) + " says how far it is"}
	case err != nil:
		return nil, missing("replay", id, err)
	}
	return describeJob(job), nil
}

// BulkItemPage is a page of results.
type BulkItemPage struct {
	Items []*BulkItem `json:"items"`
	Next  string      `json:"next,omitempty"`
}

var itemStates = []string{pipelines.ItemPending, pipelines.ItemReplayed, pipelines.ItemRefused, pipelines.ItemSkipped}

func (a *API) pageItems(r *http.Request, b *pipelines.Bulks, id int64, state string) (*BulkItemPage, error) {
	after, n, err := page(r)
	if err != nil {
		return nil, err
	}
	list, err := b.Items(r.Context(), id, after, state, n)
	if err != nil {
		return nil, missing("replay", id, err)
	}
	out := &BulkItemPage{Items: []*BulkItem{}}
	for i := range list {
		out.Items = append(out.Items, describeItem(&list[i]))
	}
	if len(list) == n {
		out.Next = strconv.FormatInt(list[n-1].Row, 10)
	}
	return out, nil
}

// bulkItems answers the results as a page, or all of them as a file of JSON lines or CSV,
// a page of the store at a time.
func (a *API) bulkItems(w http.ResponseWriter, r *http.Request) {
	fail := func(err error) {
		e := asError(err)
		write(w, e.Status, e)
	}
	b, err := a.bulks()
	if err != nil {
		fail(err)
		return
	}
	id, err := pathID(r)
	if err != nil {
		fail(err)
		return
	}
	state := r.URL.Query().Get("state")
	if state != "" && !slices.Contains(itemStates, state) {
		fail(unknown("state", state, itemStates))
		return
	}
	if r.URL.Query().Get("format") == "page" {
		page, err := a.pageItems(r, b, id, state)
		if err != nil {
			fail(err)
			return
		}
		write(w, http.StatusOK, page)
		return
	}
	file, err := resultFile(r, w)
	if err != nil {
		fail(err)
		return
	}
	const page = 1000
	list, err := b.Items(r.Context(), id, 0, state, page)
	if err != nil {
		fail(missing("replay", id, err))
		return
	}
	if len(list) == 0 && state == "" {
		fail(&Error{Status: http.StatusGone, Code: "replays.summed", Text: fmt.Sprintf("the results of replay %d were dropped by age", id), Hint: "what they came to stands in the replay itself"})
		return
	}
	w.Header().Set("Content-Type", file.kind)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=\"replay-%d.%s\"", id, file.ending))
	w.Header().Set("Cache-Control", "no-store")
	for file.head(); ; {
		for i := range list {
			if file.row(describeItem(&list[i])) != nil {
				return // the caller has gone
			}
		}
		if len(list) < page {
			file.end(nil)
			return
		}
		if list, err = b.Items(r.Context(), id, list[page-1].Row, state, page); err != nil {
			file.end(asError(err))
			return
		}
	}
}

func describeItem(it *ledger.BulkItem) *BulkItem {
	row := &BulkItem{Row: it.Row, Message: it.Record, Key: it.Key, State: it.State, To: it.To, Code: it.Code, Text: it.Text, Now: it.Now, Why: it.NowCode}
	if !it.At.IsZero() {
		row.At = &it.At
	}
	return row
}
