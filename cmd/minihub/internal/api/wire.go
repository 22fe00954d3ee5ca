package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/minihub/minihub/cmd/minihub/internal/redact"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// Calls is what went over the wire for a delivery: its tries with the requests and answers
// of each, masked (Invariant 8).
type Calls struct {
	Delivery int64 `json:"delivery"`
	Message  int64 `json:"message"`
	Tries    []Try `json:"tries"`
}

func (a *API) wire() {
	a.handle("GET /api/v1/deliveries/{id}/calls", a.callsOf)
	a.handle("GET /api/v1/deliveries/{id}/rehearsal", a.rehearseDelivery)
	a.handle("GET /api/v1/messages/{id}/rehearsal", a.rehearseMessage)
}

func (a *API) callsOf(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	d, err := a.opt.Ledger.Delivery(r.Context(), id)
	if err != nil {
		return nil, missing("delivery", id, err)
	}
	k, err := a.known(r, d.Record, d, nil)
	if err != nil {
		return nil, err
	}
	out := Calls{Delivery: d.ID, Message: d.Record}
	out.Tries, err = a.tries(r, d.ID, func(x connectors.Exchange) Call { return shownCall(k, x) })
	if out.Tries == nil {
		out.Tries = []Try{}
	}
	return out, err
}

// shownCall is a call with what was said.
func shownCall(k *redact.Known, x connectors.Exchange) Call {
	c := callOf(x, k.Place(x.URL))
	c.Error, _ = k.Say(x.Err)
	request, response := k.Request(x.Request), k.Response(x.Response)
	c.Request, c.Response = &request, &response
	return c
}

func callOf(x connectors.Exchange, url string) Call {
	return Call{Method: x.Method, URL: url, Status: x.Status, TookMS: x.Took.Milliseconds(), Sent: len(x.Request), Got: len(x.Response)}
}

// known gathers what speaks for and against showing a value of a delivery's calls. doc is
// its target document where none is stored.
func (a *API) known(r *http.Request, record int64, d *ledger.Delivery, doc []byte) (*redact.Known, error) {
	c, err := a.opt.Engine.CarriesOf(r.Context(), record, d, doc)
	if err != nil {
		return nil, err
	}
	c.Source.Schema = a.sourceSchema(c.Record.DocKey.Connection, c.Record.Stream)
	k := redact.New()
	take := func(into func(doc, masked any), doc pipelines.Carried) {
		for _, tree := range doc.Trees {
			if doc.Schema != nil {
				into(tree, doc.Schema.Mask(tree))
			}
		}
	}
	take(k.Document, c.Source)
	take(k.Document, c.Canonical)
	take(k.Made, c.Target)
	k.Vouch(c.Record.DocKey.Key, c.Record.Label, d.RemoteKey)
	link, err := a.opt.Ledger.Link(r.Context(), d.Connection, d.Operation, d.RemoteKey)
	if err == nil {
		for _, id := range link.RemoteIDs {
			k.Vouch(id.Value)
		}
	}
	return k, nil
}

// tries lists what was tried for a delivery; show makes a call of each exchange.
func (a *API) tries(r *http.Request, delivery int64, show func(connectors.Exchange) Call) ([]Try, error) {
	rows, err := a.opt.Ledger.Attempts(r.Context(), delivery)
	if err != nil {
		return nil, err
	}
	var out []Try
	for _, t := range rows {
		try := Try{N: t.N, Kind: t.Kind, Started: t.StartedAt, Ended: t.EndedAt, State: string(t.State), Code: t.Code, Text: t.Text, Who: t.Who, Mapping: t.MapVersion}
		for _, x := range a.exchanges(r, t.Exchange) {
			try.Calls = append(try.Calls, show(x))
		}
		out = append(out, try)
	}
	return out, nil
}

// exchanges reads the calls of a try; none when its age ended.
func (a *API) exchanges(r *http.Request, ref ledger.Ref) []connectors.Exchange {
	if ref == (ledger.Ref{}) {
		return nil
	}
	raw, err := a.opt.Ledger.Payload(r.Context(), ref)
	if err != nil {
		return nil
	}
	var list []connectors.Exchange
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// revealCall returns one call of a delivery as it was captured.
func (a *API) revealCall(r *http.Request, req *RevealRequest) (any, error) {
	rows, err := a.opt.Ledger.Attempts(r.Context(), req.Delivery)
	if err != nil {
		return nil, err
	}
	if req.Try < 1 || req.Try > len(rows) {
		return nil, &Error{Status: http.StatusNotFound, Code: "reveal.call", Text: fmt.Sprintf("delivery %d has no try %d", req.Delivery, req.Try),
			Hint: "tries are counted from 1, as deliveries/ID/calls lists them"}
	}
	list := a.exchanges(r, rows[req.Try-1].Exchange)
	if req.Call > len(list) {
		return nil, &Error{Status: http.StatusNotFound, Code: "reveal.call", Text: fmt.Sprintf("try %d of delivery %d has no call %d that is still kept", req.Try, req.Delivery, req.Call),
			Hint: "calls are counted from 1, as deliveries/ID/calls lists them"}
	}
	x := list[req.Call-1]
	return map[string]any{"request": x.Request, "response": x.Response}, nil
}

// detail says in the audit what was revealed.
func (req *RevealRequest) detail() map[string]string {
	out := map[string]string{}
	if req.Pointer != "" {
		out["pointer"] = req.Pointer
	}
	if req.Delivery != 0 {
		out["delivery"] = strconv.FormatInt(req.Delivery, 10)
	}
	if req.Call != 0 {
		out["try"], out["call"] = strconv.Itoa(req.Try), strconv.Itoa(req.Call)
	}
	return out
}
