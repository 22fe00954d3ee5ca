package external

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
)

// exchange makes one call and reads its answer.
func (c *connection) exchange(ctx context.Context, p *process, method string, params, result any) *connectors.Error {
	answer, err := c.send(ctx, p, method, params, c.seq.Add(1))
	if err != nil {
		return err
	}
	if err := wire.Decode(answer, result); err != nil {
		return c.scrub.err(unreadable(method, answer, err))
	}
	return nil
}

// send makes one call. Its answer is never waited for beyond the context and a grace.
func (c *connection) send(ctx context.Context, p *process, method string, params any, id int64) (json.RawMessage, *connectors.Error) {
	raw, err := wire.Encode(params)
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: CodeMessage, Text: "this cannot be handed to the program", Err: err}
	}
	if ctx.Err() != nil {
		return nil, before(CodeCancelled, "the call ended before it began", 0, nil)
	}
	waiter, err := p.peer.DispatchCall(ctx, method, raw, jsonrpc2.PickID(jsonrpc2.ID{Num: uint64(id)}))
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: CodeMessage, Text: "this is too large for the program", Err: err}
	case errors.Is(err, errQueue):
		return nil, before(CodeBusy, err.Error(), time.Second, nil)
	case err != nil:
		return nil, before(CodeGone, "the program has ended", backoffBase, nil)
	}
	answer, cerr := c.await(ctx, p, waiter, method, id)
	return answer, c.scrub.err(cerr)
}

func (c *connection) await(ctx context.Context, p *process, w jsonrpc2.Waiter, method string, id int64) (json.RawMessage, *connectors.Error) {
	var answer json.RawMessage
	err := w.Wait(ctx, &answer)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		// It may still tell the truth: that nothing was sent, or how it ended.
		if raw, encodeErr := wire.Encode(wire.Cancel{ID: id}); encodeErr == nil {
			_ = p.peer.Notify(context.WithoutCancel(ctx), wire.MethodCancel, raw) // a program that is gone needs none
		}
		grace, done := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
		defer done()
		err = w.Wait(grace, &answer)
		if err != nil && grace.Err() != nil && errors.Is(err, grace.Err()) {
			if c.unread.Add(1) > mostUnread {
				p.end(0, errors.New("it left "+strconv.Itoa(mostUnread)+" calls without an answer"))
			}
			return nil, outOfTime(ctx, method)
		}
	}
	var rpc *jsonrpc2.Error
	switch {
	case err == nil:
		return answer, nil
	case errors.As(err, &rpc):
		return nil, said(method, rpc)
	case errors.Is(err, jsonrpc2.ErrClosed):
		return nil, during(CodeGone, "the program ended during "+method)
	}
	return nil, unreadable(method, answer, err)
}

// call makes one call to a running program.
func (c *connection) call(ctx context.Context, method string, params func(wire.Timed) any, result any) *connectors.Error {
	return c.callAs(ctx, method, c.seq.Add(1), params, result)
}

func (c *connection) callAs(ctx context.Context, method string, id int64, params func(wire.Timed) any, result any) *connectors.Error {
	ctx, done := c.bounded(ctx)
	defer done()
	if ctx.Err() != nil {
		return before(CodeCancelled, "the call ended before it began", 0, nil)
	}
	p, err := c.running(ctx)
	if err != nil {
		return err
	}
	deadline, _ := ctx.Deadline()
	answer, err := c.send(ctx, p, method, params(wire.Timed{Timeout: max(time.Millisecond, time.Until(deadline).Round(time.Millisecond))}), id)
	if err != nil {
		return err
	}
	if err := wire.Decode(answer, result); err != nil {
		return c.scrub.err(unreadable(method, answer, err))
	}
	return nil
}

// bounded gives a call a deadline: nothing waits for ever.
func (c *connection) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.program.spec.timeout)
}
