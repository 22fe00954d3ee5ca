package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
)

// Serve answers the hub until it closes the input, says close, or the context ends. A
// call still running then is cancelled. It closes both streams.
func Serve(ctx context.Context, c *connectors.Connector, in io.ReadCloser, out io.WriteCloser) error {
	if _, err := connectors.NewRegistry(c); err != nil {
		return fmt.Errorf("the declaration is wrong: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &server{connector: c, ctx: ctx, stop: stop, running: map[uint64]context.CancelFunc{}}
	stream := &stream{in: in, r: wire.NewReader(in, wire.MaxMessage), out: out}
	peer := jsonrpc2.NewConn(ctx, stream, s, jsonrpc2.SetLogger(toStderr{}))
	<-peer.DisconnectNotify()
	stop()
	s.calls.Wait()
	return errors.Join(stream.fault(), s.close())
}

// toStderr takes what the library says: the hub reads it as log lines.
type toStderr struct{}

// Printf implements jsonrpc2.Logger.
func (toStderr) Printf(format string, a ...any) {
	fmt.Fprintln(os.Stderr, strings.TrimSuffix(fmt.Sprintf(format, a...), "\n"))
}

// stream carries messages one a line.
type stream struct {
	in  io.ReadCloser
	r   *wire.Reader
	out io.WriteCloser

	mu     sync.Mutex
	failed error // what ended reading, if not the hub or we ourselves
	closed bool
}

func (s *stream) ReadObject(v any) error {
	line, err := s.r.Next()
	if err == nil {
		err = json.Unmarshal(line, v)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && !s.closed && !errors.Is(err, io.EOF) {
		s.failed = err
	}
	return err
}

func (s *stream) fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

func (s *stream) WriteObject(v any) error {
	line, err := wire.Frame(v, wire.MaxMessage)
	if err != nil {
		return err
	}
	_, err = s.out.Write(line)
	return err
}

func (s *stream) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	return errors.Join(s.out.Close(), s.in.Close())
}

// server is one program: one connector, at most one connection.
type server struct {
	connector *connectors.Connector
	ctx       context.Context // ends with the program
	stop      context.CancelFunc
	calls     sync.WaitGroup

	mu      sync.Mutex
	running map[uint64]context.CancelFunc
	conn    connectors.Connection
}

// Handle starts each call in a goroutine of its own; a cancel is obeyed at once.
func (s *server) Handle(ctx context.Context, peer *jsonrpc2.Conn, req *jsonrpc2.Request) {
	var params json.RawMessage = []byte("{}")
	if req.Params != nil {
		params = *req.Params
	}
	if req.Notif {
		if req.Method == wire.MethodCancel {
			s.cancel(params)
		}
		return
	}
	ctx, done := context.WithCancel(ctx)
	s.mu.Lock()
	s.running[req.ID.Num] = done
	s.mu.Unlock()
	s.calls.Go(func() {
		defer func() {
			done()
			s.mu.Lock()
			delete(s.running, req.ID.Num)
			s.mu.Unlock()
		}()
		result, err := s.safely(ctx, peer, req, params)
		if err != nil {
			_ = peer.ReplyWithError(ctx, req.ID, failure(err)) // a hub that is gone reads no answer
			return
		}
		raw, err := wire.Encode(result)
		if err != nil {
			_ = peer.ReplyWithError(ctx, req.ID, failure(fmt.Errorf("the answer cannot be written: %w", err)))
			return
		}
		if err := peer.Reply(ctx, req.ID, raw); errors.Is(err, wire.ErrTooLarge) {
			_ = peer.ReplyWithError(ctx, req.ID, failure(fmt.Errorf("the answer cannot be sent: %w", err)))
		}
		if req.Method == wire.MethodClose {
			_ = peer.Close()
		}
	})
}

func (s *server) cancel(params json.RawMessage) {
	var c wire.Cancel
	if wire.DecodeKnown(params, &c) != nil || c.ID < 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stop := s.running[uint64(c.ID)]; stop != nil {
		stop()
	}
}

// safely turns a panic into an error whose outcome nobody knows (Invariant 3).
func (s *server) safely(ctx context.Context, peer *jsonrpc2.Conn, req *jsonrpc2.Request, params json.RawMessage) (result any, err error) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(os.Stderr, "panic in %s: %v\n%s", req.Method, r, debug.Stack())
			err = &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: "program.panic", Text: "the connector broke in " + req.Method, Sent: true}
		}
	}()
	return s.answer(ctx, peer, req, params)
}

// failure writes an error; what is no *connectors.Error may have been sent.
func failure(err error) *jsonrpc2.Error {
	var rpc *jsonrpc2.Error
	if errors.As(err, &rpc) {
		return rpc
	}
	var refusal *refusal
	e := connectors.AsError(err)
	var data any = *e
	if errors.As(err, &refusal) {
		data = wire.Refusal{Error: *e, Replies: refusal.replies}
	}
	out := &jsonrpc2.Error{Code: wire.CodeConnector, Message: e.Error()}
	if raw, err := wire.Encode(data); err == nil {
		out.Data = &raw
	}
	return out
}

func (s *server) close() error {
	s.mu.Lock()
	conn := s.conn
	s.conn = nil
	s.mu.Unlock()
	if conn == nil {
		return nil
	}
	return conn.Close()
}
