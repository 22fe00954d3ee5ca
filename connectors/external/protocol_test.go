package external_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/connectortest/habits"
	"github.com/minihub/minihub/connectors/external/wire"
	"github.com/minihub/minihub/schemas/codec"
)

const protocolDoc = "../../docs/external-protocol.md"

// documented is one line of an exchange in the protocol's document.
type documented struct {
	toProgram bool
	text      string
}

var block = regexp.MustCompile("(?s)```exchange (\\w+)\n(.*?)```")

func exchange(name string) ([]documented, error) {
	src, err := os.ReadFile(protocolDoc)
	if err != nil {
		return nil, err
	}
	for _, m := range block.FindAllStringSubmatch(string(src), -1) {
		if m[1] != name {
			continue
		}
		var out []documented
		for _, line := range strings.Split(strings.TrimSpace(m[2]), "\n") {
			arrow, text, ok := strings.Cut(line, " ")
			if !ok || arrow != "-->" && arrow != "<--" {
				return nil, fmt.Errorf("%q is no line of an exchange", line)
			}
			out = append(out, documented{arrow == "-->", text})
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s has no exchange %q", protocolDoc, name)
}

// same reads two messages, what differs from run to run made equal.
func same(t interface{ Errorf(string, ...any) }, want, got string) bool {
	var trees [2]any
	for i, text := range []string{want, got} {
		text = regexp.MustCompile(`"(timeout|took)":\s*"[^"]*"`).ReplaceAllString(text, `"$1":"x"`)
		tree, err := codec.Decode([]byte(text))
		if err != nil {
			t.Errorf("%v: %s", err, text)
			return false
		}
		trees[i] = tree
	}
	if diff := cmp.Diff(trees[0], trees[1]); diff != "" {
		t.Errorf("the document (-) and what was said (+) differ:\n%s", diff)
		return false
	}
	return true
}

type complaint struct{ text string }

func (c *complaint) Errorf(format string, a ...any) { c.text += fmt.Sprintf(format, a...) }

// script plays the program's side of a documented exchange and holds the hub to its own.
func script(name string) func(io.Reader, io.Writer) {
	return func(in io.Reader, out io.Writer) {
		lines, err := exchange(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(9)
		}
		r := bufio.NewReader(in)
		for _, l := range lines {
			if !l.toProgram {
				fmt.Fprintln(out, l.text)
				continue
			}
			got, err := r.ReadString('\n')
			var c complaint
			if err != nil || !same(&c, l.text, got) {
				fmt.Fprintln(os.Stderr, "UNLIKE", err, strings.ReplaceAll(c.text, "\n", " | "))
				os.Exit(9)
			}
		}
	}
}

func init() {
	rogues["script-uploads"] = script("uploads")
	rogues["script-callbacks"] = script("callbacks")
}

// declaredIn is the declaration in an exchange.
func declaredIn(t *testing.T, name string) connectors.Connector {
	t.Helper()
	lines, err := exchange(name)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Result json.RawMessage }
	if err := json.Unmarshal([]byte(lines[1].text), &answer); err != nil {
		t.Fatal(err)
	}
	var hello wire.Initialized
	if err := wire.Decode(answer.Result, &hello); err != nil {
		t.Fatal(err)
	}
	return hello.Declaration
}

func openScript(t *testing.T, name string, v connectors.Values, vault connectors.Vault) (connectors.Connection, *observer.ObservedLogs) {
	t.Helper()
	c := load(t, name, describedAs(t, "script-"+name, declaredIn(t, name)))
	cfg, errs := connectors.NewConfig(c.Config, v)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	core, logs := observer.New(zapcore.InfoLevel)
	t.Cleanup(func() {
		for _, e := range logs.FilterMessage("the program says").All() {
			t.Error(e.ContextMap()["stderr"])
		}
	})
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Log: zap.New(core), Name: name + "-1", Vault: vault})
	if err != nil {
		t.Fatal(err)
	}
	return conn, logs
}

func documentedDelivery(id, key, document string) []connectors.Delivery {
	return []connectors.Delivery{{ID: id, Key: key, Base: key, Document: json.RawMessage(document), Attempt: 1}}
}

func TestTheHubSpeaksAsDocumented(t *testing.T) {
	conn, _ := openScript(t, "uploads", connectors.Values{
		Text:    map[string]string{"url": "http://127.0.0.1:9999"},
		Secrets: map[string]connectors.Secret{"token": connectors.NewSecret(habits.Token)},
	}, nil)
	sink, look := conn.(connectors.Sink), conn.(connectors.Looker)
	results, err := sink.Deliver(t.Context(), "upload.post", documentedDelivery("D-1", "K-1", `{"payment":"P-1","total":"118.00","lines":[{"sku":"TEE-RED-L","qty":1}]}`))
	if err != nil || results[0].Outcome != connectors.Done || results[0].Exchanges[0].Took != 3*time.Millisecond {
		t.Errorf("%+v %v", results, err)
	}
	second := documentedDelivery("D-2", "K-2", `{"payment":"P-2","total":"1.00","lines":[]}`)
	results, err = sink.Deliver(t.Context(), "upload.post", second)
	if err != nil || results[0].Outcome != connectors.Refused || results[0].Err.Kind != connectors.Invalid {
		t.Errorf("%+v %v", results, err)
	}
	found, err := look.Lookup(t.Context(), "upload.post", second)
	if err != nil || found[0].Presence != connectors.Absent {
		t.Errorf("%+v %v", found, err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheHubAnswersCallbacksAsDocumented(t *testing.T) {
	conn, logs := openScript(t, "callbacks", connectors.Values{}, &connectortest.Vault{})
	s := &saves{}
	list := documentedDelivery("D-1", "K-1", `{"total":118.00}`)
	list[0].Save = s.save
	results, err := conn.(connectors.Sink).Deliver(t.Context(), "sale.push", list)
	if err != nil || results[0].Outcome != connectors.MissingReference || *results[0].Missing != (connectors.Missing{Operation: "party.push", Key: "P-7"}) {
		t.Fatalf("%+v %v", results, err)
	}
	if got := s.got(); len(got) != 1 || got[0] != `{"party":7}` {
		t.Errorf("saved %v", got)
	}
	page, err := conn.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: "orders", Cursor: "17"})
	if err != nil {
		t.Fatal(err)
	}
	want := connectors.Page{Cursor: "19", Items: []connectors.Item{
		{Key: "1001", Version: 9007199254740993, Body: []byte(`{"no":"1001"}`)}, {Key: "1002", Body: []byte{0xd6, 0xd0, 0xb9, 0xfa}}, {Key: "1003", Deleted: true}}}
	if diff := cmp.Diff(want, page); diff != "" {
		t.Error(diff)
	}
	rc := conn.(connectors.Receiver)
	rcv, err := rc.Receive(t.Context(), connectors.Request{Method: "POST", Path: "/orders", Header: map[string][]string{"X-Sign": {"wrong"}}, Body: []byte("{}"),
		At: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)})
	if e := connectors.AsError(err); e == nil || e.Kind != connectors.Unauthorized {
		t.Errorf("%v", err)
	}
	if r := rc.Reply(connectors.Bad, rcv, err); r.Status != 401 || string(r.Body) != `{"errno":1}` {
		t.Errorf("%+v", r)
	}
	if e := connectors.AsError(conn.(connectors.Pinger).Ping(t.Context())); e == nil || e.Wait != 2*time.Second || e.Sent {
		t.Errorf("%+v", e)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if logs.FilterMessage("the party is made").Len() != 1 {
		t.Error("the program's line is not in the log")
	}
}

// The Python program says what the document says, the system behind it at its own address.
func TestTheProgramSpeaksAsDocumented(t *testing.T) {
	path := python(t)
	lines, err := exchange("uploads")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(habits.NewOneShot(nil))
	defer srv.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, path, "testdata/uploads.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	here := func(s string) string { return strings.ReplaceAll(s, "http://127.0.0.1:9999", srv.URL) }
	for _, l := range lines {
		if l.toProgram {
			if _, err := fmt.Fprintln(in, here(l.text)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		same(t, here(l.text), got)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
