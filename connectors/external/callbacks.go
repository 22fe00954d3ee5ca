package external

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sourcegraph/jsonrpc2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
)

// callbackWithin bounds a call of a program to the hub.
const callbackWithin = 30 * time.Second

// callbacks answers what one run of the program asks of the hub.
type callbacks struct {
	c     *connection
	slots chan struct{} // bounds how many are under way; the program waits beyond
}

// Handle implements jsonrpc2.Handler.
func (h *callbacks) Handle(ctx context.Context, peer *jsonrpc2.Conn, req *jsonrpc2.Request) {
	params := json.RawMessage("{}")
	if req.Params != nil {
		params = *req.Params
	}
	if req.Notif {
		if req.Method == wire.MethodLog {
			h.c.logLine(params)
		}
		return
	}
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	began := h.c.spawn(func() {
		defer func() { <-h.slots }()
		ctx, done := context.WithTimeout(ctx, callbackWithin)
		defer done()
		result, err := h.c.answer(ctx, req.Method, params)
		if err != nil {
			_ = peer.ReplyWithError(ctx, req.ID, refused(err)) // a program that is gone reads no answer
			return
		}
		raw, encodeErr := wire.Encode(result)
		if encodeErr == nil {
			_ = peer.Reply(ctx, req.ID, raw)
		}
	})
	if !began {
		<-h.slots
	}
}

func refused(err error) *jsonrpc2.Error {
	e := connectors.AsError(err)
	out := &jsonrpc2.Error{Code: wire.CodeConnector, Message: e.Error()}
	if e.Code == CodeCallback {
		out.Code = wire.CodeParams
	}
	if raw, err := wire.Encode(*e); err == nil {
		out.Data = &raw
	}
	return out
}

// wrongCall refuses a call that is not of the protocol.
func wrongCall(text string) error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfConnection, Code: CodeCallback, Text: text}
}

func (c *connection) answer(ctx context.Context, method string, params json.RawMessage) (any, error) {
	switch method {
	case wire.MethodVaultGet:
		var p wire.VaultGet
		if err := wire.Decode(params, &p); err != nil {
			return nil, wrongCall(err.Error())
		}
		if c.vault == nil {
			return nil, wrongCall("the hub lends no vault here")
		}
		s, version, err := c.vault.Get(ctx, p.Name)
		c.scrub.learn(s.Reveal())
		return wire.VaultValue{Value: s.Reveal(), Version: version}, err
	case wire.MethodVaultSwap:
		var p wire.VaultSwap
		if err := wire.Decode(params, &p); err != nil {
			return nil, wrongCall(err.Error())
		}
		if c.vault == nil {
			return nil, wrongCall("the hub lends no vault here")
		}
		c.scrub.learn(p.Next)
		return struct{}{}, c.vault.Swap(ctx, p.Name, p.Version, connectors.NewSecret(p.Next))
	case wire.MethodSave:
		var p wire.Save
		if err := wire.Decode(params, &p); err != nil {
			return nil, wrongCall(err.Error())
		}
		return struct{}{}, c.save(p)
	}
	return nil, wrongCall(fmt.Sprintf("the hub has no method %q", method))
}

// save makes progress durable, as long as its deliver is under way: a program that was
// given up must not write over the progress of the next attempt.
func (c *connection) save(p wire.Save) error {
	c.mu.Lock()
	b, ok := c.batches[p.Call]
	c.mu.Unlock()
	if ok && b.ctx.Err() == nil {
		for _, d := range b.deliveries {
			if d.ID == p.Delivery && d.Save != nil {
				return d.Save(b.ctx, p.Progress)
			}
		}
	}
	return &connectors.Error{Kind: connectors.Conflict, Scope: connectors.OfDocument, Code: CodeNoSave,
		Text: fmt.Sprintf("delivery %q of call %d is not under way: end it at once", p.Delivery, p.Call)}
}

// logLine writes a program's line into the hub's log, its fields under "program".
func (c *connection) logLine(params json.RawMessage) {
	var l wire.Log
	if err := wire.Decode(params, &l); err != nil {
		c.log.Warn("the program wrote a log line that is not in the protocol's form", zap.Error(err))
		return
	}
	level, err := zapcore.ParseLevel(l.Level)
	if err != nil || level > zapcore.ErrorLevel { // a program does not end the hub
		level = zapcore.ErrorLevel
	}
	fields := []zap.Field{zap.Namespace("program")}
	for _, name := range slices.Sorted(maps.Keys(l.Fields)) {
		fields = append(fields, zap.String(name, c.scrub.text(cut(l.Fields[name]))))
	}
	c.log.Log(level, c.scrub.text(cut(l.Text)), fields...)
}
