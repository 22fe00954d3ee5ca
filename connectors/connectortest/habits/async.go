package habits

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/schemas/codec"
)

// The calls of an Async, for faults.
const (
	AsyncPost = "POST /documents"
	AsyncLook = "GET /documents"
	AsyncPoll = "GET /tickets/{ticket}"
)

// Async takes a document, answers a ticket and finishes when the ticket was asked for
// the Polls-th time. It does not dedupe: a document that is posted twice takes effect
// twice.
type Async struct {
	system
	polls int
	jobs  []*job // ticket T-1 is the first
}

type job struct {
	ticket, id, key string
	document        json.RawMessage
	valid           bool
	asked           int
	finished        bool
}

// NewAsync returns a system whose work is done at the polls-th poll; below one means
// two. faults may be nil.
func NewAsync(polls int, faults *simkit.Faults) *Async {
	if polls < 1 {
		polls = 2
	}
	s := &Async{polls: polls}
	s.start("async", faults)
	s.mux.HandleFunc(AsyncPost, s.post)
	s.mux.HandleFunc(AsyncPoll, s.poll)
	s.mux.HandleFunc(AsyncLook, s.look)
	return s
}

// Effects counts the documents that took effect under a key.
func (s *Async) Effects(key string) int {
	return s.count(func(j *job) bool { return j.key == key && j.finished })
}

// Taken counts the documents under a key that took effect or will.
func (s *Async) Taken(key string) int {
	return s.count(func(j *job) bool { return j.key == key && j.valid })
}

func (s *Async) count(which func(*job) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, j := range s.jobs {
		if which(j) {
			n++
		}
	}
	return n
}

func (s *Async) post(w http.ResponseWriter, r *http.Request) {
	p, _, valid := readPosted(r)
	if p.Key == "" {
		refuse(w, codeInvalid)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.jobs) + 1
	j := &job{ticket: fmt.Sprintf("T-%d", n), id: fmt.Sprintf("R-%d", n), key: p.Key, document: p.Document, valid: valid}
	s.jobs = append(s.jobs, j)
	respond(w, map[string]string{"ticket": j.ticket})
}

func (s *Async) poll(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.jobs, func(j *job) bool { return j.ticket == r.PathValue("ticket") })
	if i < 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	j := s.jobs[i]
	j.asked++
	switch {
	case j.asked < s.polls:
		respond(w, map[string]string{"state": "working"})
	case !j.valid:
		refuse(w, codeInvalid)
	default:
		j.finished = true
		respond(w, map[string]string{"state": "done", "id": j.id})
	}
}

// look shows what is taken, too: work that is under way is there.
func (s *Async) look(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range slices.Backward(s.jobs) {
		if j.key == r.FormValue("key") && j.valid {
			respond(w, map[string]any{"found": true, "id": j.id, "document": j.document})
			return
		}
	}
	respond(w, map[string]any{"found": false})
}

// AsyncOperation is the operation of AsyncConnector.
const AsyncOperation = "document.post"

// AsyncConnector speaks to an Async.
func AsyncConnector() *connectors.Connector {
	return &connectors.Connector{
		Name: "async", Title: "Async", Role: "any", Docs: "this package", Config: configFields(),
		Text: "An invented system that finishes a write later.",
		Operations: []connectors.Operation{{
			Name: AsyncOperation, Entity: "order", Text: "Posts a document and polls its ticket.",
			Carries: connectors.State, Changes: connectors.CreateOnly, Repeat: connectors.AskFirst, Settle: time.Second, Poll: time.Second,
			List: connectors.Listing{Reason: "the system has no list call"},
		}},
		Open: func(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
			return asyncConnection{newClient(cfg, env)}, nil
		},
	}
}

type asyncConnection struct{ *client }

var (
	_ connectors.Sink   = asyncConnection{}
	_ connectors.Looker = asyncConnection{}
	_ connectors.Poller = asyncConnection{}
)

type asyncReply struct {
	Error  *failure `json:"error"`
	Ticket string   `json:"ticket"`
	State  string   `json:"state"`
	ID     string   `json:"id"`
}

func (r *asyncReply) inside() *failure { return r.Error }

// Deliver implements connectors.Sink.
func (c asyncConnection) Deliver(ctx context.Context, _ string, batch []connectors.Delivery) ([]connectors.Result, error) {
	var out []connectors.Result
	for _, d := range batch {
		tree, derr := codec.Decode(d.Document)
		if derr != nil {
			return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "habits.document", Text: "the document cannot be read", Err: derr}
		}
		var reply asyncReply
		x, err := c.call(ctx, http.MethodPost, "/documents", nil, map[string]any{"key": d.Key, "document": tree}, &reply)
		r := result(d.ID, x, err)
		if r.Outcome == connectors.Done {
			r.Outcome, r.Ticket, r.Wait = connectors.Took, reply.Ticket, time.Second
		}
		out = append(out, r)
	}
	return out, nil
}

// Poll implements connectors.Poller.
func (c asyncConnection) Poll(ctx context.Context, _ string, tickets []connectors.Ticket) ([]connectors.Result, error) {
	var out []connectors.Result
	for _, t := range tickets {
		var reply asyncReply
		x, err := c.call(ctx, http.MethodGet, "/tickets/"+t.Ticket, nil, nil, &reply)
		r := result(t.ID, x, err)
		switch {
		case err != nil && (err.Scope != connectors.OfDocument || err.Sent):
			// The poll failed, not the write: it is still taken.
			r.Outcome, r.Ticket, r.Wait = connectors.Took, t.Ticket, max(err.Wait, time.Second)
		case err == nil && reply.State != "done":
			r.Outcome, r.Ticket, r.Wait = connectors.Took, t.Ticket, time.Second
		case err == nil:
			r.RemoteIDs = []connectors.RemoteID{{Kind: "id", Value: reply.ID}}
		}
		out = append(out, r)
	}
	return out, nil
}

// Lookup implements connectors.Looker.
func (c asyncConnection) Lookup(ctx context.Context, _ string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	return c.look(ctx, "/documents", "key", func(d connectors.Delivery) string { return d.Key }, batch), nil
}
