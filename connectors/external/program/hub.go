package program

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/sourcegraph/jsonrpc2"
	"go.uber.org/zap/zapcore"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
)

// ask calls the hub; result may be nil.
func ask(ctx context.Context, peer *jsonrpc2.Conn, method string, params, result any) error {
	raw, err := wire.Encode(params)
	if err != nil {
		return err
	}
	var answer json.RawMessage
	if err := peer.Call(ctx, method, raw, &answer); err != nil {
		return hubError(err)
	}
	if result == nil {
		return nil
	}
	return wire.DecodeKnown(answer, result)
}

// hubError finds the *connectors.Error in an answer of the hub.
func hubError(err error) error {
	var rpc *jsonrpc2.Error
	if !errors.As(err, &rpc) || rpc.Data == nil {
		return err
	}
	var e connectors.Error
	if wire.DecodeKnown(*rpc.Data, &e) != nil {
		return err
	}
	return &e
}

// vault keeps credentials in the hub.
type vault struct{ peer *jsonrpc2.Conn }

func (v vault) Get(ctx context.Context, name string) (connectors.Secret, int64, error) {
	var got wire.VaultValue
	err := ask(ctx, v.peer, wire.MethodVaultGet, wire.VaultGet{Name: name}, &got)
	return connectors.NewSecret(got.Value), got.Version, err
}

func (v vault) Swap(ctx context.Context, name string, version int64, next connectors.Secret) error {
	return ask(ctx, v.peer, wire.MethodVaultSwap, wire.VaultSwap{Name: name, Version: version, Next: next.Reveal()}, nil)
}

// core is a zap core whose lines go to the hub's log.
type core struct {
	zapcore.LevelEnabler
	peer   *jsonrpc2.Conn
	fields []zapcore.Field
}

func newCore(peer *jsonrpc2.Conn, level string) core {
	l, err := zapcore.ParseLevel(level)
	if err != nil {
		l = zapcore.InfoLevel
	}
	return core{LevelEnabler: l, peer: peer}
}

func (c core) With(fields []zapcore.Field) zapcore.Core {
	c.fields = append(c.fields[:len(c.fields):len(c.fields)], fields...)
	return c
}

func (c core) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	enc := zapcore.NewMapObjectEncoder()
	for _, f := range append(c.fields[:len(c.fields):len(c.fields)], fields...) {
		f.AddTo(enc)
	}
	line := wire.Log{Level: e.Level.String(), Text: e.Message, Fields: map[string]string{}}
	for name, v := range enc.Fields {
		text, ok := v.(string)
		if !ok {
			b, err := json.Marshal(v)
			if err != nil {
				return err
			}
			text = string(b)
		}
		line.Fields[name] = text
	}
	raw, err := wire.Encode(line)
	if err != nil {
		return err
	}
	return c.peer.Notify(context.Background(), wire.MethodLog, raw)
}

func (c core) Sync() error { return nil }
