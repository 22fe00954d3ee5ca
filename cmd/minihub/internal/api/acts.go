package api

import (
	"net/http"
	"sort"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// ReplayRequest names what to replay: one message or one delivery. Many are replayed by
// POST /api/v1/replays. Plan only counts.
type ReplayRequest struct {
	Message  int64  `json:"message,omitempty"`
	Delivery int64  `json:"delivery,omitempty"`
	Mode     string `json:"mode"`
	Confirm  bool   `json:"confirm,omitempty"`
	Plan     bool   `json:"plan,omitempty"`
	Who      string `json:"who,omitempty"`
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
	if err := modeAndRate(req.Mode, 0); err != nil {
		return nil, err
	}
	mode := pipelines.ReplayMode(req.Mode)
	if mode == "" {
		mode = pipelines.Remap
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
		case err != nil && delivery:
			return missing("delivery", id, err)
		case err != nil:
			return missing("message", id, err)
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
	}
	return nil, &Error{Status: http.StatusBadRequest, Code: "replay.what", Text: "nothing to replay", Hint: "give message or delivery; POST /api/v1/replays replays many"}
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

// ConnectionStatus is one row of the connections' overview.
type ConnectionStatus struct {
	Name   string        `json:"name"`
	Closed bool          `json:"closed"`
	Gates  []ledger.Gate `json:"gates,omitempty"`
	Queued int           `json:"queued"`
	// Health counts its calls since the hub started, an hour back at most.
	Health pipelines.Health `json:"health"`
	// Credentials are what it signs in with now, where that ends.
	Credentials []Credential `json:"credentials,omitempty"`
}

// Credential is something a connection signs in with.
type Credential struct {
	Name   string    `json:"name"`
	Ends   time.Time `json:"ends,omitzero"` // left out: the vendor does not say
	Renews bool      `json:"renews"`        // by itself; otherwise a person must
}

func (a *API) signsInWith(connection string) (out []Credential) {
	conn, _, _ := a.opt.Engine.Conn(connection)
	if e, can := conn.(connectors.Expirer); can {
		for _, c := range e.CredentialEnds() {
			out = append(out, Credential{Name: c.Name, Ends: c.Ends, Renews: c.Renews})
		}
	}
	return out
}

func (a *API) connections(r *http.Request) (any, error) {
	gates, err := a.opt.Ledger.Gates(r.Context())
	if err != nil {
		return nil, err
	}
	depth := a.opt.Engine.Depth()
	health := a.opt.Engine.Health()
	var out []ConnectionStatus
	for name, closed := range a.opt.Engine.Connections() {
		row := ConnectionStatus{Name: name, Closed: closed, Queued: depth["deliveries/"+name] + depth["hints/"+name] + depth["records/"+name],
			Health: health[name], Credentials: a.signsInWith(name)}
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
