package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sort"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
)

// look adds the calls that only show: what flows there are, what limits are used, and
// what a replay would send.
func (a *API) look() {
	a.handle("GET /api/v1/flows", a.flows)
	a.handle("GET /api/v1/flows/now", a.flowsNow)
	a.handle("GET /api/v1/limits", a.limits)
	a.handle("GET /api/v1/messages/{id}/preview", a.previewMessage)
	a.handle("GET /api/v1/deliveries/{id}/preview", a.previewDelivery)
}

// Flow is a flow in force.
type Flow struct {
	Name   string     `json:"name"`
	Entity string     `json:"entity"`
	From   []string   `json:"from"` // connection.stream
	Steps  []FlowStep `json:"steps"`
}

// FlowStep is one operation of a flow.
type FlowStep struct {
	Name       string   `json:"name"`
	Connection string   `json:"connection"`
	Operation  string   `json:"operation"`
	Mode       string   `json:"mode"`
	Repeat     string   `json:"repeat"`
	After      []string `json:"after,omitempty"`  // names of steps
	Undoes     string   `json:"undoes,omitempty"` // name of a step
}

func (a *API) flows(*http.Request) (any, error) {
	out := []Flow{}
	for _, f := range a.opt.Engine.Flows() {
		row := Flow{Name: f.Name, Entity: f.Entity, Steps: []FlowStep{}}
		for _, s := range f.Sources {
			row.From = append(row.From, s.Connection+"."+s.Stream)
		}
		for _, s := range f.Steps {
			row.Steps = append(row.Steps, flowStep(s))
		}
		out = append(out, row)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return map[string]any{"flows": out}, nil
}

func flowStep(s *flow.Step) FlowStep {
	out := FlowStep{Name: s.Name, Connection: s.Connection, Operation: s.Operation, Mode: string(s.Mode)}
	if s.Decl != nil {
		out.Repeat = string(s.Decl.Repeat)
	}
	for _, after := range s.After {
		out.After = append(out.After, after.Step.Name)
	}
	if s.Undoes != nil {
		out.Undoes = s.Undoes.Name
	}
	return out
}

// Limit is how much of a vendor's limit is used; Allowed 0 limits calls at once only.
type Limit struct {
	Connection string `json:"connection"`
	Limit      string `json:"limit"`
	Used       int    `json:"used"`
	Allowed    int    `json:"allowed"`
}

func (a *API) limits(*http.Request) (any, error) {
	out := []Limit{}
	for _, l := range a.opt.Engine.Limits() {
		out = append(out, Limit{Connection: l.Connection, Limit: l.Limit, Used: l.Used, Allowed: l.Allowed})
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Connection+"\x00"+out[i].Limit < out[j].Connection+"\x00"+out[j].Limit
	})
	return map[string]any{"limits": out}, nil
}

// Preview is a document as a replay would send it, personal values masked.
type Preview struct {
	Delivery   int64           `json:"delivery,omitempty"` // 0: the replay would create it
	Flow       string          `json:"flow"`
	Step       string          `json:"step"`
	Connection string          `json:"connection"`
	Operation  string          `json:"operation"`
	Key        string          `json:"key"`
	State      string          `json:"state"` // what it would become
	Code       string          `json:"code,omitempty"`
	Text       string          `json:"text,omitempty"`
	Document   json.RawMessage `json:"document,omitempty"`
	Repeat     string          `json:"repeat"`
	// Confirm: it may take effect twice, or must not be sent twice; a person confirms.
	Confirm bool `json:"confirm"`
	// Edited: it is made of a document that a person changed, or is one.
	Edited bool `json:"edited,omitempty"`
}

// Previewed is what a replay would do; State, Code and Text are the message's where
// nothing of it would go out.
type Previewed struct {
	State string    `json:"state,omitempty"`
	Code  string    `json:"code,omitempty"`
	Text  string    `json:"text,omitempty"`
	Rows  []Preview `json:"rows"`
}

func (a *API) previewMessage(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	rows, route, err := a.opt.Engine.PreviewRecord(r.Context(), id)
	if err != nil {
		return nil, missing("message", id, err)
	}
	out := Previewed{State: string(route.To), Code: route.Code, Text: route.Text, Rows: []Preview{}}
	for _, p := range rows {
		out.Rows = append(out.Rows, a.preview(p))
	}
	return out, nil
}

func (a *API) previewDelivery(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	mode, err := previewMode(r)
	if err != nil {
		return nil, err
	}
	p, err := a.opt.Engine.PreviewDelivery(r.Context(), id, mode)
	if err != nil {
		return nil, missing("delivery", id, err)
	}
	return Previewed{Rows: []Preview{a.preview(p)}}, nil
}

// previewMode reads how a replay would make its document.
func previewMode(r *http.Request) (pipelines.ReplayMode, error) {
	mode := pipelines.ReplayMode(r.URL.Query().Get("mode"))
	switch mode {
	case "":
		mode = pipelines.Remap
	case pipelines.AsSent, pipelines.Remap:
	default:
		return "", &Error{Status: http.StatusBadRequest, Code: "replay.mode", Text: fmt.Sprintf("the mode %q cannot be previewed", mode),
			Hint: "use as-sent or re-map; re-pull maps what the source answers"}
	}
	return mode, nil
}

func (a *API) preview(p pipelines.Preview) Preview {
	out := Preview{Delivery: p.Delivery, Flow: p.Flow, Step: p.Step, Connection: p.Connection, Operation: p.Operation, Key: p.Key, State: string(p.State),
		Code: p.Code, Text: p.Text, Edited: p.Edited, Repeat: string(p.Repeat), Confirm: p.Repeat == connectors.OneShot && p.State == ledger.Ready}
	var schema *schemas.Schema
	if f := a.opt.Engine.Flows()[p.Flow]; f != nil {
		if s := f.StepNamed(p.Step); s != nil {
			schema = s.Schema
		}
	}
	out.Document, _ = maskedBytes(schema, p.Document)
	return out
}
