package api

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// ReplayRequest names what to replay: one message, one delivery, or all that a filter
// finds. Plan only counts.
type ReplayRequest struct {
	Message  int64  `json:"message,omitempty"`
	Delivery int64  `json:"delivery,omitempty"`
	Filter   *Where `json:"filter,omitempty"`
	Mode     string `json:"mode"`
	Confirm  bool   `json:"confirm,omitempty"`
	Plan     bool   `json:"plan,omitempty"`
	Who      string `json:"who,omitempty"`
}

// Where selects parked rows.
type Where struct {
	Kind       string `json:"kind,omitempty"` // message, delivery; empty = both
	Connection string `json:"connection,omitempty"`
	Operation  string `json:"operation,omitempty"`
	Flow       string `json:"flow,omitempty"`
	Code       string `json:"code,omitempty"`
	Limit      int    `json:"limit,omitempty"`
}

// ReplayResult is what became of a replay.
type ReplayResult struct {
	Planned  int                `json:"planned"`
	Replayed int                `json:"replayed"`
	Failed   int                `json:"failed"`
	Rows     []pipelines.Replay `json:"rows"`
}

func (a *API) replay(r *http.Request) (any, error) {
	var req ReplayRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	mode := pipelines.ReplayMode(req.Mode)
	switch mode {
	case "":
		mode = pipelines.Remap
	case pipelines.AsSent, pipelines.Remap, pipelines.Repull:
	default:
		return nil, &Error{Status: http.StatusBadRequest, Code: "replay.mode", Text: fmt.Sprintf("the mode %q is unknown", req.Mode), Hint: "use as-sent, re-map or re-pull"}
	}
	req.Who = who(r, req.Who)
	out := &ReplayResult{Rows: []pipelines.Replay{}}
	one := func(id int64, delivery bool) error {
		out.Planned++
		if req.Plan {
			return nil
		}
		var row pipelines.Replay
		var err error
		if delivery {
			row, err = a.opt.Engine.ReplayDelivery(r.Context(), id, mode, req.Who, req.Confirm)
		} else {
			row, err = a.opt.Engine.ReplayRecord(r.Context(), id, mode, req.Who)
		}
		switch {
		case err != nil && req.Filter == nil && delivery:
			return missing("delivery", id, err)
		case err != nil && req.Filter == nil:
			return missing("message", id, err)
		case err != nil:
			row.Text = err.Error()
			out.Failed++
		case row.Code != "":
			out.Failed++
		default:
			out.Replayed++
		}
		out.Rows = append(out.Rows, row)
		return nil
	}
	switch {
	case req.Delivery > 0:
		return out, one(req.Delivery, true)
	case req.Message > 0:
		return out, a.replayMessage(r, req.Message, one)
	case req.Filter != nil:
		return out, a.replayWhere(r, req.Filter, one)
	}
	return nil, &Error{Status: http.StatusBadRequest, Code: "replay.what", Text: "nothing to replay", Hint: "give message, delivery or filter"}
}

// replayMessage replays a parked record, or the parked deliveries of a routed one.
func (a *API) replayMessage(r *http.Request, id int64, one func(int64, bool) error) error {
	rec, err := a.opt.Ledger.Record(r.Context(), id)
	if err != nil {
		return missing("message", id, err)
	}
	if rec.State != ledger.RecordRouted {
		return one(id, false)
	}
	rows, err := a.opt.Ledger.RootDeliveries(r.Context(), rec.Root)
	if err != nil {
		return err
	}
	any := false
	for _, d := range rows {
		if d.Record == id && d.State == ledger.Parked {
			any = true
			if err := one(d.ID, true); err != nil {
				return err
			}
		}
	}
	if !any {
		return &Error{Code: "replay.nothing", Text: "nothing of this message is parked", Hint: "messages show lists its deliveries and their states"}
	}
	return nil
}

// replayWhere walks what is parked, in order of id so that lanes keep theirs.
func (a *API) replayWhere(r *http.Request, w *Where, one func(int64, bool) error) error {
	if err := a.knows(w.Connection, w.Operation, w.Flow); err != nil {
		return err
	}
	left := w.Limit
	if left <= 0 {
		left = 1_000_000
	}
	f := ledger.Filter{Connection: w.Connection, Operation: w.Operation, Flow: w.Flow, Code: w.Code, States: []string{"parked"}, Limit: 500}
	if w.Kind != "delivery" && w.Operation == "" && w.Flow == "" {
		for {
			rows, err := a.opt.Ledger.Records(r.Context(), f)
			if err != nil {
				return err
			}
			for _, rec := range rows {
				f.After = rec.ID
				if left--; left < 0 {
					return nil
				}
				if err := one(rec.ID, false); err != nil {
					return err
				}
			}
			if len(rows) < f.Limit {
				break
			}
		}
	}
	if w.Kind == "message" {
		return nil
	}
	f.After = 0
	for {
		rows, err := a.opt.Ledger.Deliveries(r.Context(), f)
		if err != nil {
			return err
		}
		for _, d := range rows {
			f.After = d.ID
			if left--; left < 0 {
				return nil
			}
			if err := one(d.ID, true); err != nil {
				return err
			}
		}
		if len(rows) < f.Limit {
			return nil
		}
	}
}

func (a *API) discard(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	var req struct {
		Why string `json:"why"`
		Who string `json:"who"`
	}
	if err := body(r, &req); err != nil {
		return nil, err
	}
	if req.Why == "" {
		return nil, &Error{Status: http.StatusBadRequest, Code: "discard.why", Text: "no reason is given", Hint: "say in why it is given up: the reason stays with it"}
	}
	if err := a.opt.Engine.Discard(r.Context(), id, who(r, req.Who), req.Why); err != nil {
		return nil, missing("delivery", id, err)
	}
	return map[string]any{"discarded": id}, nil
}

func (a *API) putLookup(r *http.Request) (any, error) {
	var req struct {
		Table string `json:"table"`
		Key   string `json:"key"`
		Value string `json:"value"`
		Who   string `json:"who"`
		Why   string `json:"why"`
	}
	if err := body(r, &req); err != nil {
		return nil, err
	}
	if req.Table == "" || req.Key == "" || req.Value == "" {
		return nil, &Error{Status: http.StatusBadRequest, Code: "lookup.empty", Text: "table, key and value must be given"}
	}
	if a.opt.Lookups != nil && !a.opt.Lookups.Has(req.Table) {
		return nil, unknown("table", req.Table, a.opt.Lookups.Names())
	}
	n, err := a.opt.Engine.PutLookup(r.Context(), req.Table, req.Key, req.Value, who(r, req.Who), req.Why)
	if err != nil {
		return nil, err
	}
	return map[string]any{"released": n}, nil
}

func (a *API) jobs(r *http.Request) (any, error) {
	list, err := a.opt.Scheduler.List(r.Context())
	if err != nil {
		return nil, err
	}
	return map[string]any{"jobs": list}, nil
}

func (a *API) runJob(r *http.Request) (any, error) {
	list, err := a.opt.Scheduler.List(r.Context())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, j := range list {
		names = append(names, j.Job)
	}
	if !slices.Contains(names, r.PathValue("name")) {
		return nil, unknown("job", r.PathValue("name"), names)
	}
	run, err := a.opt.Scheduler.RunNow(r.Context(), r.PathValue("name"))
	if run == nil {
		return nil, err
	}
	return map[string]any{"run": run}, err
}

// BackfillRequest is a window of a stream.
type BackfillRequest struct {
	Connection string    `json:"connection"`
	Stream     string    `json:"stream"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
}

func (a *API) backfill(r *http.Request) (any, error) {
	var req BackfillRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	if err := a.stream(req.Connection, req.Stream); err != nil {
		return nil, err
	}
	if !req.From.Before(req.To) {
		return nil, &Error{Status: http.StatusBadRequest, Code: "api.window", Text: "the window is empty: from must be before to"}
	}
	counts, err := a.opt.Engine.Backfill(r.Context(), req.Connection, req.Stream, connectors.Window{From: req.From, To: req.To}, nil)
	if err != nil {
		return nil, err
	}
	return map[string]any{"counts": counts.Map()}, nil
}

// ConnectionStatus is one row of the connections' overview.
type ConnectionStatus struct {
	Name   string        `json:"name"`
	Closed bool          `json:"closed"`
	Gates  []ledger.Gate `json:"gates,omitempty"`
	Queued int           `json:"queued"`
}

func (a *API) connections(r *http.Request) (any, error) {
	gates, err := a.opt.Ledger.Gates(r.Context())
	if err != nil {
		return nil, err
	}
	depth := a.opt.Engine.Depth()
	var out []ConnectionStatus
	for name, closed := range a.opt.Engine.Connections() {
		row := ConnectionStatus{Name: name, Closed: closed, Queued: depth["deliveries/"+name] + depth["hints/"+name] + depth["records/"+name]}
		for _, g := range gates {
			if g.Connection == name {
				row.Gates = append(row.Gates, g)
			}
		}
		out = append(out, row)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return map[string]any{"connections": out}, nil
}

type gateRequest struct {
	Operation string `json:"operation,omitempty"`
	Who       string `json:"who,omitempty"`
	Why       string `json:"why,omitempty"`
}

func (a *API) pause(r *http.Request) (any, error) {
	var req gateRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	if err := a.knows(r.PathValue("name"), req.Operation, ""); err != nil {
		return nil, err
	}
	return map[string]any{"paused": r.PathValue("name")}, a.opt.Engine.Pause(r.Context(), r.PathValue("name"), req.Operation, who(r, req.Who), req.Why)
}

func (a *API) resume(r *http.Request) (any, error) {
	var req gateRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	if err := a.knows(r.PathValue("name"), req.Operation, ""); err != nil {
		return nil, err
	}
	return map[string]any{"resumed": r.PathValue("name")}, a.opt.Engine.Resume(r.Context(), r.PathValue("name"), req.Operation)
}
