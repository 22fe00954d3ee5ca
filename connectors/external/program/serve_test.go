package program_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/program"
)

// peer is the hub's side of a program that runs in this process.
type peer struct {
	t     *testing.T
	in    io.WriteCloser
	lines *bufio.Reader
	ended chan error
}

func serve(t *testing.T, c *connectors.Connector) *peer {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	p := &peer{t: t, in: inW, lines: bufio.NewReader(outR), ended: make(chan error, 1)}
	go func() { p.ended <- program.Serve(context.Background(), c, inR, outW) }()
	t.Cleanup(func() {
		_ = inW.Close()
		_ = outR.Close()
	})
	return p
}

func (p *peer) say(line string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		p.t.Fatal(err)
	}
}

// hear reads one message and returns it as text.
func (p *peer) hear() string {
	p.t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func (p *peer) end() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(time.Minute):
		p.t.Fatal("the program does not end")
		return nil
	}
}

// waiting delivers when its context ends.
type waiting struct {
	begun  chan struct{}
	closed chan struct{}
}

func (w *waiting) Close() error {
	close(w.closed)
	return nil
}

func (w *waiting) Deliver(ctx context.Context, _ string, batch []connectors.Delivery) ([]connectors.Result, error) {
	w.begun <- struct{}{}
	<-ctx.Done()
	return nil, &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: "test.ended", Err: errors.New("by the context")}
}

func connector(w *waiting) *connectors.Connector {
	return &connectors.Connector{Name: "waits", Operations: []connectors.Operation{{Name: "x", Carries: connectors.Event, Changes: connectors.Upsert,
		Repeat: connectors.Idempotent, List: connectors.Listing{Reason: "none"}}},
		Open: func(context.Context, connectors.Config, connectors.Env) (connectors.Connection, error) { return w, nil }}
}

const deliver = `{"jsonrpc":"2.0","id":7,"method":"deliver","params":{"operation":"x","deliveries":[{"id":"D-1","key":"K"}]}}`

func open(t *testing.T) (*peer, *waiting) {
	t.Helper()
	w := &waiting{begun: make(chan struct{}, 1), closed: make(chan struct{})}
	p := serve(t, connector(w))
	p.say(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":1,"name":"waits"}}`)
	if got := p.hear(); !strings.Contains(got, `"repeat":"idempotent"`) {
		t.Fatal(got)
	}
	p.say(`{"jsonrpc":"2.0","id":2,"method":"open","params":{"connection":"c"}}`)
	if got := p.hear(); !strings.Contains(got, `"abilities":["deliver"]`) {
		t.Fatal(got)
	}
	return p, w
}

// The end of the input ends calls and connection, as when the hub was killed.
func TestTheEndOfTheInputEndsEverything(t *testing.T) {
	p, w := open(t)
	p.say(deliver)
	<-w.begun
	if err := p.in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.end(); err != nil {
		t.Error(err)
	}
	<-w.closed
}

func TestACancelledCallTellsTheTruth(t *testing.T) {
	p, w := open(t)
	p.say(deliver)
	<-w.begun
	p.say(`{"jsonrpc":"2.0","method":"cancel","params":{"id":7}}`)
	var got struct {
		ID    int
		Error struct {
			Data struct {
				Code, Text string
				Sent       bool
			}
		}
	}
	if err := json.Unmarshal([]byte(p.hear()), &got); err != nil {
		t.Fatal(err)
	}
	if d := got.Error.Data; got.ID != 7 || d.Code != "test.ended" || d.Text != "by the context" || d.Sent {
		t.Errorf("%+v", got)
	}
	p.say(`{"jsonrpc":"2.0","id":8,"method":"close","params":{}}`)
	if got := p.hear(); got != `{"id":8,"result":{},"jsonrpc":"2.0"}` {
		t.Error(got)
	}
	if err := p.end(); err != nil {
		t.Error(err)
	}
	<-w.closed
}

func TestCallsThatCannotBe(t *testing.T) {
	for call, want := range map[string]string{
		`"method":"pull","params":{"stream":"s"}`:                                           "program.not_open",
		`"method":"initialize","params":{"protocol":9}`:                                     "speaks protocol 9",
		`"method":"open","params":{"config":{"text":7}}`:                                    `/config/text: an object is wanted`,
		`"method":"open","params":{"connection":"c","newer":1,"config":{"text":{"a":"x"}}}`: "a: unknown field",
	} {
		t.Run(want, func(t *testing.T) {
			p := serve(t, connector(&waiting{closed: make(chan struct{})}))
			p.say(`{"jsonrpc":"2.0","id":1,` + call + `}`)
			if got := p.hear(); !strings.Contains(got, want) || !strings.Contains(got, `"error"`) {
				t.Errorf("%s, want %s", got, want)
			}
			if err := p.in.Close(); err != nil {
				t.Fatal(err)
			}
			if err := p.end(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("no such ability", func(t *testing.T) {
		p, _ := open(t)
		p.say(`{"jsonrpc":"2.0","id":3,"method":"lookup","params":{"operation":"x"}}`)
		if got := p.hear(); !strings.Contains(got, "-32601") {
			t.Error(got)
		}
		p.say(`{"jsonrpc":"2.0","id":4,"method":"open","params":{"connection":"c"}}`)
		if got := p.hear(); !strings.Contains(got, "program.open") {
			t.Error(got)
		}
	})
}

func TestGarbageEndsTheProgram(t *testing.T) {
	p := serve(t, connector(&waiting{closed: make(chan struct{})}))
	p.say("hello")
	if err := p.end(); err == nil {
		t.Error("a line that is no message is passed over")
	}
}

func TestADeclarationThatIsWrongIsNotServed(t *testing.T) {
	c := connector(nil)
	c.Operations[0].Repeat = ""
	if err := program.Serve(t.Context(), c, io.NopCloser(strings.NewReader("")), nil); err == nil {
		t.Error("it is served")
	}
}
