package api

import (
	"net/http"

	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// Rehearsed is what a replay would send, up to the first call that has an effect.
type Rehearsed struct {
	Rows []Rehearsal `json:"rows"`
}

// Rehearsal is the exact request of one delivery, masked, and what to know before it is
// sent.
type Rehearsal struct {
	Delivery   int64  `json:"delivery,omitempty"` // 0: the replay would create it
	Connection string `json:"connection"`
	Operation  string `json:"operation"`
	Key        string `json:"key"`
	// Call is the first call that would have an effect; without one, Code and Text say why,
	// and without those it is there already as wanted.
	Call *Call  `json:"call,omitempty"`
	Code string `json:"code,omitempty"`
	Text string `json:"text,omitempty"`
	// Reads: the call only reads and could not be made; what follows it is not known.
	Reads bool `json:"reads,omitempty"`

	Repeat    string `json:"repeat"`
	Attempts  int    `json:"attempts"`             // before this one
	Unsure    bool   `json:"unsure,omitempty"`     // one of them may have taken effect
	AsksFirst bool   `json:"asks_first,omitempty"` // the target is asked for it before anything is sent
	MultiStep bool   `json:"multi_step,omitempty"` // further calls follow
	Budget    int    `json:"budget,omitempty"`     // how often the vendor allows it for one key
	SettleMS  int64  `json:"settle_ms,omitempty"`  // until a look-up sees what was written
}

func (a *API) rehearseDelivery(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	mode, err := previewMode(r)
	if err != nil {
		return nil, err
	}
	row, err := a.opt.Engine.RehearseDelivery(r.Context(), id, mode)
	if err != nil {
		return nil, missing("delivery", id, err)
	}
	return a.rehearsed(r, row)
}

func (a *API) rehearseMessage(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	rows, err := a.opt.Engine.RehearseRecord(r.Context(), id)
	if err != nil {
		return nil, missing("message", id, err)
	}
	return a.rehearsed(r, rows...)
}

func (a *API) rehearsed(r *http.Request, rows ...pipelines.Rehearsal) (any, error) {
	out := Rehearsed{Rows: []Rehearsal{}}
	for _, p := range rows {
		row, err := a.rehearsal(r, p)
		if err != nil {
			return nil, err
		}
		out.Rows = append(out.Rows, *row)
	}
	return out, nil
}

func (a *API) rehearsal(r *http.Request, p pipelines.Rehearsal) (*Rehearsal, error) {
	d := &ledger.Delivery{Record: p.Record, Flow: p.Flow, Step: p.Step, Connection: p.Connection, Operation: p.Operation, RemoteKey: p.Key}
	if p.Delivery != 0 {
		stored, err := a.opt.Ledger.Delivery(r.Context(), p.Delivery)
		if err != nil {
			return nil, missing("delivery", p.Delivery, err)
		}
		d = stored
		d.RemoteKey = p.Key
	}
	k, err := a.known(r, p.Record, d, p.Document)
	if err != nil {
		return nil, err
	}
	out := &Rehearsal{Delivery: p.Delivery, Connection: p.Connection, Operation: p.Operation, Key: p.Key, Reads: p.Reads, Repeat: string(p.Repeat), Attempts: p.Attempts,
		Unsure: p.Unsure, AsksFirst: p.AsksFirst, MultiStep: p.MultiStep, Budget: p.Budget, SettleMS: p.Settle.Milliseconds(), Code: p.Code, Text: p.Text}
	if p.Why != nil {
		out.Code = p.Why.Code
		out.Text, _ = k.Say(p.Why.Text)
	}
	if p.Call != nil {
		c := callOf(*p.Call, k.Place(p.Call.URL))
		request := k.Request(p.Call.Request)
		c.Request = &request
		out.Call = &c
	}
	return out, nil
}
