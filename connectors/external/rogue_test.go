package external_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
)

// rogueConnector is what the rogues below declare.
func rogueConnector() *connectors.Connector {
	no := connectors.Listing{Reason: "nothing is kept"}
	return &connectors.Connector{
		Name: "rogue", Title: "Rogue", Role: "any", Text: "Breaks the protocol.", Docs: "https://rogue.example",
		Config:  []connectors.Field{{Name: "token", Kind: connectors.FieldSecret, Text: "a token"}},
		Streams: []connectors.Stream{{Name: "events", Entity: "event", Push: true, List: no}},
		Operations: []connectors.Operation{{Name: "event.push", Entity: "event", Carries: connectors.Event, Changes: connectors.Upsert,
			Repeat: connectors.AskFirst, List: no}},
	}
}

// said is one request as a rogue reads it.
type said struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// rogue answers the handshake as it should be and everything else with do.
type rogue struct {
	out io.Writer
	in  *bufio.Reader
}

func (r rogue) result(id json.RawMessage, result string) {
	fmt.Fprintf(r.out, `{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", id, strings.ReplaceAll(result, "\n", " "))
}

func (r rogue) fail(id json.RawMessage, failure string) {
	fmt.Fprintf(r.out, `{"jsonrpc":"2.0","id":%s,"error":%s}`+"\n", id, failure)
}

func (r rogue) hello(id json.RawMessage) {
	raw, err := wire.Encode(wire.Initialized{Protocol: wire.Version, Declaration: *rogueConnector()})
	if err != nil {
		panic(err)
	}
	r.result(id, string(raw))
}

const rogueAbilities = `{"abilities":["deliver","lookup","receive"]}`

func (r rogue) next() (said, bool) {
	line, err := r.in.ReadBytes('\n')
	var s said
	if err != nil || json.Unmarshal(line, &s) != nil {
		return s, false
	}
	return s, true
}

func behaves(do func(r rogue, s said)) func(io.Reader, io.Writer) {
	return func(in io.Reader, out io.Writer) {
		r := rogue{out, bufio.NewReader(in)}
		for {
			s, ok := r.next()
			if !ok {
				return
			}
			switch s.Method {
			case "initialize":
				r.hello(s.ID)
			case "open":
				r.result(s.ID, rogueAbilities)
			case "close":
				r.result(s.ID, "{}")
				return
			case "cancel":
			default:
				do(r, s)
			}
		}
	}
}

// first is the id of the first delivery of a call.
func first(s said) string {
	var b wire.Batch
	if err := wire.Decode(s.Params, &b); err != nil || len(b.Deliveries) == 0 {
		return ""
	}
	return b.Deliveries[0].ID
}

func done(s said) string { return fmt.Sprintf(`{"results":[{"id":%q,"outcome":"done"}]}`, first(s)) }

// rogues are programs that break the protocol, by name.
var rogues = map[string]func(in io.Reader, out io.Writer){
	"mute":    behaves(func(rogue, said) {}),
	"garbage": behaves(func(r rogue, _ said) { fmt.Fprintln(r.out, "Traceback (most recent call last):") }),
	"huge": behaves(func(r rogue, _ said) {
		part := strings.Repeat("x", 1<<20)
		for {
			if _, err := io.WriteString(r.out, part); err != nil {
				return
			}
		}
	}),
	"twice": behaves(func(r rogue, s said) {
		r.result(json.RawMessage("987654"), done(s))
		r.result(s.ID, done(s))
		r.result(s.ID, `{"results":[]}`)
	}),
	// late answers a call only when the next one comes.
	"late": behaves(func(r rogue, s said) {
		for {
			next, ok := r.next()
			if !ok {
				return
			}
			if next.Method == "deliver" {
				r.result(s.ID, done(s))
				r.result(next.ID, done(next))
				return
			}
		}
	}),
	"deaf": behaves(func(rogue, said) { select {} }),
	"typo": behaves(func(r rogue, s said) {
		r.result(s.ID, fmt.Sprintf(`{"results":[{"id":%q,"outcom":"done"}]}`, first(s)))
	}),
	"odd": behaves(func(r rogue, s said) {
		r.result(s.ID, `{"results":[
			{"id":"D-1","outcome":"done"},{"id":"D-1","outcome":"refused","err":{"kind":"invalid"}},
			{"id":"foreign","outcome":"done"},
			{"id":"D-2","outcome":"took"},
			{"id":"D-3","outcome":"not_sent"},
			{"id":"D-4","outcome":"refused","err":{"kind":"invalid","sent":true,"text":"no"}},
			{"id":"D-5","outcome":"missing_reference"},
			{"id":"D-6","outcome":"unknown","err":{"kind":"unavailable","sent":false}}]}`)
	}),
	"plain": behaves(func(r rogue, s said) {
		r.fail(s.ID, `{"code":-32603,"message":"KeyError: 'order_no'"}`)
	}),
	"methodless": behaves(func(r rogue, s said) {
		r.fail(s.ID, `{"code":-32601,"message":"no such method"}`)
	}),
	"chatty": behaves(func(r rogue, s said) {
		fmt.Fprintln(os.Stderr, "the token is invented-token-1234")
		fmt.Fprintf(r.out, `{"jsonrpc":"2.0","method":"log","params":{"level":"warn","text":"with invented-token-1234","fields":{"token":"invented-token-1234"}}}`+"\n")
		r.fail(s.ID, `{"code":-32000,"message":"m","data":{"kind":"unavailable","scope":"connection","code":"E1","text":"for invented-token-1234","sent":false}}`)
	}),
	"forks": behaves(func(rogue, said) {
		cmd := exec.Command("sleep", "600")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		os.Exit(3)
	}),
	"crash":   func(io.Reader, io.Writer) { fmt.Fprintln(os.Stderr, "no such library"); os.Exit(4) },
	"strange": func(_ io.Reader, out io.Writer) { fmt.Fprintln(out, "Welcome!"); select {} },
	"elder": func(in io.Reader, out io.Writer) {
		r := rogue{out, bufio.NewReader(in)}
		s, _ := r.next()
		r.result(s.ID, `{"protocol":7,"declaration":{}}`)
		_, _ = r.next()
	},
	"changed": func(in io.Reader, out io.Writer) {
		c := rogueConnector()
		c.Operations[0].Repeat = connectors.Idempotent
		raw, err := wire.Encode(wire.Initialized{Protocol: wire.Version, Declaration: *c})
		if err != nil {
			panic(err)
		}
		r := rogue{out, bufio.NewReader(in)}
		s, _ := r.next()
		r.result(s.ID, string(raw))
		_, _ = r.next()
	},
	"unable": func(in io.Reader, out io.Writer) {
		r := rogue{out, bufio.NewReader(in)}
		s, _ := r.next()
		r.hello(s.ID)
		s, _ = r.next()
		r.result(s.ID, `{"abilities":["deliver","recieve"]}`)
		_, _ = r.next()
	},
}
