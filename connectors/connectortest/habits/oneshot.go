package habits

import (
	"context"
	"fmt"
	"net/http"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/schemas/codec"
)

// The calls of a OneShot, for faults.
const (
	OneShotPost = "POST /uploads"
	OneShotLook = "GET /uploads"
)

// OneShotBudget is how many uploads a payment allows: the first and one correction.
const OneShotBudget = 2

// OneShot takes OneShotBudget uploads per payment, counts every one of them, equal or
// not, and then refuses.
type OneShot struct {
	system
	uploads map[string][]posted // by payment
}

// NewOneShot returns a system; faults may be nil.
func NewOneShot(faults *simkit.Faults) *OneShot {
	s := &OneShot{uploads: map[string][]posted{}}
	s.start("oneshot", faults)
	s.mux.HandleFunc(OneShotPost, s.post)
	s.mux.HandleFunc(OneShotLook, s.look)
	return s
}

// Effects counts the uploads that took effect under a key.
func (s *OneShot) Effects(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, list := range s.uploads {
		for _, p := range list {
			if p.Key == key {
				n++
			}
		}
	}
	return n
}

// Spent counts the uploads of a payment.
func (s *OneShot) Spent(payment string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.uploads[payment])
}

func (s *OneShot) post(w http.ResponseWriter, r *http.Request) {
	p, d, ok := readPosted(r)
	if !ok || d.Payment == "" {
		refuse(w, codeInvalid)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.uploads[d.Payment]) >= OneShotBudget {
		refuse(w, codeUsedUp)
		return
	}
	s.uploads[d.Payment] = append(s.uploads[d.Payment], p)
	respond(w, map[string]string{"id": fmt.Sprintf("%s/%d", d.Payment, len(s.uploads[d.Payment]))})
}

func (s *OneShot) look(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	payment := r.FormValue("payment")
	list := s.uploads[payment]
	if len(list) == 0 {
		respond(w, map[string]any{"found": false})
		return
	}
	respond(w, map[string]any{"found": true, "id": fmt.Sprintf("%s/%d", payment, len(list)), "document": list[len(list)-1].Document})
}

// OneShotOperation is the operation of OneShotConnector.
const OneShotOperation = "upload.post"

// OneShotConnector speaks to a OneShot. With the configuration lookup: true its
// connections can look an upload up; without, an unknown outcome needs a person.
func OneShotConnector() *connectors.Connector {
	return &connectors.Connector{
		Name: "oneshot", Title: "OneShot", Role: "any", Docs: "this package",
		Text:   "An invented system that allows two uploads per payment.",
		Config: append(configFields(), connectors.Field{Name: "lookup", Kind: connectors.FieldBool, Default: "false", Text: "whether uploads can be looked up"}),
		Operations: []connectors.Operation{{
			Name: OneShotOperation, Entity: "shipment", Text: "Uploads a document for its payment.",
			Carries: connectors.State, Changes: connectors.Upsert, Repeat: connectors.OneShot, Budget: OneShotBudget, BudgetKey: "/payment",
			List: connectors.Listing{Reason: "the system has no list call"},
		}},
		Open: func(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
			c := oneShotConnection{newClient(cfg, env)}
			if cfg.Bool("lookup") {
				return oneShotLooker{c}, nil
			}
			return c, nil
		},
	}
}

type oneShotConnection struct{ *client }

type oneShotLooker struct{ oneShotConnection }

var (
	_ connectors.Sink   = oneShotConnection{}
	_ connectors.Looker = oneShotLooker{}
)

type oneShotReply struct {
	Error *failure `json:"error"`
	ID    string   `json:"id"`
}

func (r *oneShotReply) inside() *failure { return r.Error }

// Deliver implements connectors.Sink.
func (c oneShotConnection) Deliver(ctx context.Context, _ string, batch []connectors.Delivery) ([]connectors.Result, error) {
	var out []connectors.Result
	for _, d := range batch {
		tree, derr := codec.Decode(d.Document)
		if derr != nil {
			return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "habits.document", Text: "the document cannot be read", Err: derr}
		}
		var reply oneShotReply
		x, err := c.call(ctx, http.MethodPost, "/uploads", nil, map[string]any{"key": d.Key, "document": tree}, &reply)
		r := result(d.ID, x, err)
		if r.Outcome == connectors.Done {
			r.RemoteIDs = []connectors.RemoteID{{Kind: "upload", Value: reply.ID}}
		}
		out = append(out, r)
	}
	return out, nil
}

// Lookup implements connectors.Looker.
func (c oneShotLooker) Lookup(ctx context.Context, _ string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	payment := func(d connectors.Delivery) string {
		var doc Document
		if err := codec.Unmarshal(d.Document, &doc); err != nil {
			return ""
		}
		return doc.Payment
	}
	return c.look(ctx, "/uploads", "payment", payment, batch), nil
}
