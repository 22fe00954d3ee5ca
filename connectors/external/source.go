package external

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
	"github.com/minihub/minihub/schemas/codec"
)

// Pull implements connectors.Source.
func (a abilities) Pull(ctx context.Context, req connectors.PullRequest) (connectors.Page, error) {
	var page connectors.Page
	if err := a.call(ctx, wire.MethodPull, func(t wire.Timed) any { return wire.Pull{Timed: t, PullRequest: req} }, &page); err != nil {
		return connectors.Page{}, err
	}
	return page, nil
}

// Fetch implements connectors.Fetcher.
func (a abilities) Fetch(ctx context.Context, stream string, keys []string) ([]connectors.Item, error) {
	var got wire.Fetched
	if err := a.call(ctx, wire.MethodFetch, func(t wire.Timed) any { return wire.Fetch{Timed: t, Stream: stream, Keys: keys} }, &got); err != nil {
		return nil, err
	}
	return got.Items, nil
}

// Ack implements connectors.Acker.
func (a abilities) Ack(ctx context.Context, acks []connectors.Ack) error {
	var nothing struct{}
	if err := a.call(ctx, wire.MethodAck, func(t wire.Timed) any { return wire.Ack{Timed: t, Acks: acks} }, &nothing); err != nil {
		return err
	}
	return nil
}

// shortly bounds the calls that the contract makes without a context: they only read
// what they are given.
const shortly = 10 * time.Second

// Decode implements connectors.Decoder.
func (d decoder) Decode(stream string, body []byte) (any, error) {
	ctx, done := context.WithTimeout(d.c.closing, shortly)
	defer done()
	var got wire.Decoded
	if err := d.c.call(ctx, wire.MethodDecode, func(t wire.Timed) any { return wire.DecodeBody{Timed: t, Stream: stream, Body: body} }, &got); err != nil {
		return nil, err
	}
	return codec.Decode(got.Document)
}

// Receive implements connectors.Receiver. The program's answers for each verdict come
// with it, so that the verdict needs no second call.
func (a abilities) Receive(ctx context.Context, req connectors.Request) (connectors.Received, error) {
	var got wire.Received
	err := a.call(ctx, wire.MethodReceive, func(t wire.Timed) any { return wire.Receive{Timed: t, Request: req} }, &got)
	if err != nil {
		var r *replied
		if errors.As(err.Err, &r) {
			err.Err = nil
			return connectors.Received{Reply: r.replies}, err
		}
		return connectors.Received{}, err
	}
	out := got.Received
	out.Reply = got.Replies
	return out, nil
}

// Reply implements connectors.Receiver. Where the program gave no answer, the bare
// status says it.
func (a abilities) Reply(v connectors.Verdict, rcv connectors.Received, err error) connectors.Response {
	replies, _ := rcv.Reply.(wire.Replies)
	r := map[connectors.Verdict]connectors.Response{connectors.Stored: replies.Stored, connectors.Busy: replies.Busy, connectors.Bad: replies.Bad}[v]
	if r.Status >= 100 && r.Status <= 599 {
		return r
	}
	e := connectors.AsError(err)
	switch {
	case v == connectors.Stored:
		return connectors.Response{Status: http.StatusOK}
	case v == connectors.Bad && e != nil && e.Kind == connectors.Unauthorized:
		return connectors.Response{Status: http.StatusUnauthorized}
	case v == connectors.Bad && e != nil && e.Kind != connectors.Unavailable:
		return connectors.Response{Status: http.StatusBadRequest}
	}
	// The program is away: the vendor shall come again.
	return connectors.Response{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"5"}}}
}

// Ping implements connectors.Pinger; a program without the ability is well while it
// runs.
func (a abilities) Ping(ctx context.Context) error {
	if !a.can(wire.CanPing) {
		if _, err := a.running(ctx); err != nil {
			return err
		}
		return nil
	}
	var nothing struct{}
	if err := a.call(ctx, wire.MethodPing, func(t wire.Timed) any { return wire.Nothing{Timed: t} }, &nothing); err != nil {
		return err
	}
	return nil
}
