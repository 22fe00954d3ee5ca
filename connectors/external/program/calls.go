package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sourcegraph/jsonrpc2"
	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
	"github.com/minihub/minihub/schemas/codec"
)

// answer does one call.
func (s *server) answer(ctx context.Context, peer *jsonrpc2.Conn, req *jsonrpc2.Request, params json.RawMessage) (any, error) {
	switch req.Method {
	case wire.MethodInitialize:
		return take(params, s.initialize)
	case wire.MethodOpen:
		return take(params, func(p wire.Open) (any, error) { return s.open(ctx, peer, p) })
	case wire.MethodClose:
		return struct{}{}, s.close()
	}
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn == nil {
		return nil, notSent("program.not_open", "the connection is not open; initialize and open come first")
	}
	c := call{ctx: ctx, peer: peer, id: int64(req.ID.Num)}
	switch req.Method {
	case wire.MethodPull, wire.MethodFetch, wire.MethodAck, wire.MethodDecode:
		return c.source(conn, req.Method, params)
	case wire.MethodReceive:
		return take(params, func(p wire.Receive) (any, error) { return c.receive(conn, p) })
	case wire.MethodDeliver, wire.MethodLookup, wire.MethodPoll:
		return c.sink(conn, req.Method, params)
	case wire.MethodList, wire.MethodGet, wire.MethodSummarize:
		return c.query(conn, req.Method, params)
	case wire.MethodPing:
		pinger, err := able[connectors.Pinger](conn, req.Method)
		if err != nil {
			return nil, err
		}
		return struct{}{}, pinger.Ping(ctx)
	}
	return nil, noMethod(req.Method)
}

func noMethod(name string) error {
	return &jsonrpc2.Error{Code: wire.CodeNoMethod, Message: fmt.Sprintf("the connection has no method %q", name)}
}

// take reads the parameters of a call.
func take[P any](params json.RawMessage, do func(P) (any, error)) (any, error) {
	var p P
	if err := wire.DecodeKnown(params, &p); err != nil {
		return nil, &jsonrpc2.Error{Code: wire.CodeParams, Message: err.Error()}
	}
	return do(p)
}

// able finds an ability of the connection.
func able[A any](conn connectors.Connection, method string) (A, error) {
	a, ok := conn.(A)
	if !ok {
		return a, noMethod(method)
	}
	return a, nil
}

func (s *server) initialize(p wire.Initialize) (any, error) {
	if p.Protocol != wire.Version {
		return nil, notSent("program.protocol", fmt.Sprintf("the hub speaks protocol %d, this program speaks %d", p.Protocol, wire.Version))
	}
	return wire.Initialized{Protocol: wire.Version, Declaration: *s.connector}, nil
}

func (s *server) open(ctx context.Context, peer *jsonrpc2.Conn, p wire.Open) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		return nil, notSent("program.open", "the connection is open already: a program holds one")
	}
	v := connectors.Values{Text: p.Config.Text, Maps: p.Config.Maps, Secrets: map[string]connectors.Secret{}}
	for name, value := range p.Config.Secrets {
		v.Secrets[name] = connectors.NewSecret(value)
	}
	cfg, errs := connectors.NewConfig(s.connector.Config, v)
	if len(errs) > 0 {
		return nil, openError(errors.Join(errs...))
	}
	conn, err := s.connector.OpenConnection(s.ctx, cfg, connectors.Env{
		Log: zap.New(newCore(peer, p.LogLevel)), Now: time.Now, Vault: vault{peer}, Name: p.Connection,
	})
	if err != nil {
		return nil, openError(err)
	}
	s.conn = conn
	return wire.Opened{Abilities: abilities(conn)}, nil
}

func abilities(conn connectors.Connection) (out []string) {
	add := func(can bool, name string) {
		if can {
			out = append(out, name)
		}
	}
	_, source := conn.(connectors.Source)
	_, fetcher := conn.(connectors.Fetcher)
	_, acker := conn.(connectors.Acker)
	_, decoder := conn.(connectors.Decoder)
	_, receiver := conn.(connectors.Receiver)
	_, sink := conn.(connectors.Sink)
	_, looker := conn.(connectors.Looker)
	_, poller := conn.(connectors.Poller)
	_, querier := conn.(connectors.Querier)
	_, pinger := conn.(connectors.Pinger)
	add(source, wire.CanPull)
	add(fetcher, wire.CanFetch)
	add(acker, wire.CanAck)
	add(decoder, wire.CanDecode)
	add(receiver, wire.CanReceive)
	add(sink, wire.CanDeliver)
	add(looker, wire.CanLookup)
	add(poller, wire.CanPoll)
	add(querier, wire.CanQuery)
	add(pinger, wire.CanPing)
	return out
}

// openError keeps the name of the field at fault: the hub points at its line.
func openError(err error) error {
	var field *connectors.FieldError
	if errors.As(err, &field) {
		return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfConnection, Code: "config." + field.Field, Text: field.Text}
	}
	var e *connectors.Error
	if errors.As(err, &e) {
		return e
	}
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfConnection, Code: "program.open", Text: err.Error()}
}

func notSent(code, text string) error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfConnection, Code: code, Text: text}
}

// call is one call of the hub.
type call struct {
	ctx  context.Context
	peer *jsonrpc2.Conn
	id   int64
}

func (c call) source(conn connectors.Connection, method string, params json.RawMessage) (any, error) {
	switch method {
	case wire.MethodPull:
		source, err := able[connectors.Source](conn, method)
		if err != nil {
			return nil, err
		}
		return take(params, func(p wire.Pull) (any, error) { return source.Pull(c.ctx, p.PullRequest) })
	case wire.MethodFetch:
		fetcher, err := able[connectors.Fetcher](conn, method)
		if err != nil {
			return nil, err
		}
		return take(params, func(p wire.Fetch) (any, error) {
			items, err := fetcher.Fetch(c.ctx, p.Stream, p.Keys)
			return wire.Fetched{Items: items}, err
		})
	case wire.MethodAck:
		acker, err := able[connectors.Acker](conn, method)
		if err != nil {
			return nil, err
		}
		return take(params, func(p wire.Ack) (any, error) { return struct{}{}, acker.Ack(c.ctx, p.Acks) })
	}
	decoder, err := able[connectors.Decoder](conn, method)
	if err != nil {
		return nil, err
	}
	return take(params, func(p wire.DecodeBody) (any, error) {
		tree, err := decoder.Decode(p.Stream, p.Body)
		if err != nil {
			return nil, &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: "program.decode", Text: err.Error()}
		}
		document, err := codec.Encode(tree)
		return wire.Decoded{Document: document}, err
	})
}

// refusal is a failed receive with the vendor's words for it.
type refusal struct {
	error
	replies wire.Replies
}

func (r *refusal) Unwrap() error { return r.error }

func (c call) receive(conn connectors.Connection, p wire.Receive) (any, error) {
	receiver, err := able[connectors.Receiver](conn, wire.MethodReceive)
	if err != nil {
		return nil, err
	}
	rcv, err := receiver.Receive(c.ctx, p.Request)
	replies := wire.Replies{Stored: receiver.Reply(connectors.Stored, rcv, err), Busy: receiver.Reply(connectors.Busy, rcv, err)}
	if err != nil {
		replies.Bad = receiver.Reply(connectors.Bad, rcv, err)
		return nil, &refusal{err, replies}
	}
	return wire.Received{Received: rcv, Replies: replies}, nil
}

func (c call) sink(conn connectors.Connection, method string, params json.RawMessage) (any, error) {
	switch method {
	case wire.MethodDeliver:
		sink, err := able[connectors.Sink](conn, method)
		if err != nil {
			return nil, err
		}
		return take(params, func(p wire.Batch) (any, error) {
			for i := range p.Deliveries {
				p.Deliveries[i].Save = c.saver(p.Deliveries[i].ID)
			}
			results, err := sink.Deliver(c.ctx, p.Operation, p.Deliveries)
			return wire.Results{Results: standing(ids(p.Deliveries), results, err)}, onlyWhole(results, err)
		})
	case wire.MethodLookup:
		looker, err := able[connectors.Looker](conn, method)
		if err != nil {
			return nil, err
		}
		return take(params, func(p wire.Batch) (any, error) {
			found, err := looker.Lookup(c.ctx, p.Operation, p.Deliveries)
			return wire.Findings{Findings: found}, err
		})
	}
	poller, err := able[connectors.Poller](conn, method)
	if err != nil {
		return nil, err
	}
	return take(params, func(p wire.Poll) (any, error) {
		list := make([]string, len(p.Tickets))
		for i, t := range p.Tickets {
			list[i] = t.ID
		}
		results, err := poller.Poll(c.ctx, p.Operation, p.Tickets)
		return wire.Results{Results: standing(list, results, err)}, onlyWhole(results, err)
	})
}

func ids(batch []connectors.Delivery) []string {
	out := make([]string, len(batch))
	for i, d := range batch {
		out[i] = d.ID
	}
	return out
}

// standing spells out what an error beside results says: it stands for every delivery
// without one.
func standing(asked []string, results []connectors.Result, err error) []connectors.Result {
	if err == nil {
		return results
	}
	e := connectors.AsError(err)
	known := map[string]bool{}
	for _, r := range results {
		known[r.ID] = true
	}
	for _, id := range asked {
		if known[id] {
			continue
		}
		r := connectors.Result{ID: id, Err: e}
		if !e.Sent {
			r.Outcome = connectors.NotSent
		}
		results = append(results, r)
	}
	return results
}

func onlyWhole(results []connectors.Result, err error) error {
	if len(results) > 0 {
		return nil
	}
	return err
}

func (c call) saver(delivery string) func(context.Context, json.RawMessage) error {
	return func(ctx context.Context, progress json.RawMessage) error {
		return ask(ctx, c.peer, wire.MethodSave, wire.Save{Call: c.id, Delivery: delivery, Progress: progress}, nil)
	}
}

func (c call) query(conn connectors.Connection, method string, params json.RawMessage) (any, error) {
	querier, err := able[connectors.Querier](conn, method)
	if err != nil {
		return nil, err
	}
	switch method {
	case wire.MethodList:
		return take(params, func(p wire.List) (any, error) { return querier.List(c.ctx, p.Name, p.Window, p.Cursor) })
	case wire.MethodGet:
		return take(params, func(p wire.Get) (any, error) {
			rows, err := querier.Get(c.ctx, p.Name, p.Keys)
			return wire.Summaries{Rows: rows}, err
		})
	}
	return take(params, func(p wire.Summarize) (any, error) { return querier.Summarize(p.Name, p.Document) })
}
