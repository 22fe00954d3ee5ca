package external_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/external"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/webhook"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
)

// stepsConnector does what the document says, to show what passes between a program and
// the hub while a call is under way.
func stepsConnector() *connectors.Connector {
	return &connectors.Connector{
		Name: "steps", Title: "Steps", Role: "any", Text: "Saves progress.", Docs: "https://steps.example",
		Operations: []connectors.Operation{{Name: "doc.push", Entity: "order", Carries: connectors.State, Changes: connectors.Upsert,
			Repeat: connectors.AskFirst, MultiStep: true, List: connectors.Listing{Reason: "nothing is kept"}}},
		Open: func(_ context.Context, _ connectors.Config, env connectors.Env) (connectors.Connection, error) {
			return &steps{env}, nil
		},
	}
}

type steps struct{ env connectors.Env }

func (*steps) Close() error { return nil }

func (s *steps) Lookup(context.Context, string, []connectors.Delivery) ([]connectors.Finding, error) {
	return nil, nil
}

func (s *steps) Deliver(ctx context.Context, _ string, batch []connectors.Delivery) ([]connectors.Result, error) {
	var out []connectors.Result
	for _, d := range batch {
		var do string
		if err := json.Unmarshal(d.Document, &do); err != nil {
			return nil, err
		}
		r := connectors.Result{ID: d.ID, Outcome: connectors.Done}
		var err error
		switch do {
		case "steps":
			r.RemoteIDs = []connectors.RemoteID{{Kind: "found", Value: string(d.Progress)}}
			for _, p := range []string{`{"step":1}`, `{"step":2}`} {
				err = errors.Join(err, d.Save(ctx, json.RawMessage(p)))
			}
		case "late":
			<-ctx.Done() // the hub waits no longer
			err = d.Save(context.Background(), json.RawMessage(`{"step":"too late"}`))
		case "panic":
			panic("invented")
		case "vault":
			err = s.rotate(ctx)
		}
		if err != nil {
			r = connectors.Result{ID: d.ID, Outcome: connectors.NotSent, Err: connectors.AsError(err)}
			r.Err.Sent = false
		}
		out = append(out, r)
	}
	return out, nil
}

// rotate stores a new credential, and then once more against the version it had.
func (s *steps) rotate(ctx context.Context) error {
	_, version, err := s.env.Vault.Get(ctx, "refresh")
	if err != nil {
		return err
	}
	if err := s.env.Vault.Swap(ctx, "refresh", version, connectors.NewSecret("invented-next-token")); err != nil {
		return err
	}
	got, _, err := s.env.Vault.Get(ctx, "refresh")
	if err != nil || got.Reveal() != "invented-next-token" {
		return errors.New("the vault does not give back what it took")
	}
	return s.env.Vault.Swap(ctx, "refresh", version, connectors.NewSecret("invented-other-token"))
}

type saves struct {
	mu   sync.Mutex
	list []string
	fail error
}

func (s *saves) save(_ context.Context, p json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, string(p))
	return s.fail
}

func (s *saves) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

func openSteps(t *testing.T, vault connectors.Vault) connectors.Connection {
	t.Helper()
	conn, err := loaded(t, stepsConnector()).OpenConnection(t.Context(), connectors.Config{}, connectors.Env{Vault: vault, Name: "steps-1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func do(t *testing.T, conn connectors.Connection, within time.Duration, what string, s *saves) (connectors.Result, *connectors.Error) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), within)
	defer stop()
	results, err := conn.(connectors.Sink).Deliver(ctx, "doc.push", []connectors.Delivery{{
		ID: "D-1", Key: "K-1", Document: json.RawMessage(`"` + what + `"`), Progress: json.RawMessage(`{"step":0}`), Save: s.save}})
	if err != nil {
		return connectors.Result{}, connectors.AsError(err)
	}
	if len(results) != 1 {
		t.Fatalf("%+v", results)
	}
	return results[0], nil
}

func TestProgressIsSavedBetweenSteps(t *testing.T) {
	conn := openSteps(t, nil)
	s := &saves{}
	r, err := do(t, conn, 10*time.Second, "steps", s)
	if err != nil || r.Outcome != connectors.Done || r.RemoteIDs[0].Value != `{"step":0}` {
		t.Errorf("%+v %v", r, err)
	}
	if got := s.got(); !slices.Equal(got, []string{`{"step":1}`, `{"step":2}`}) {
		t.Errorf("saved %v", got)
	}
	s.fail = &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: "ledger.full"}
	if r, _ = do(t, conn, 10*time.Second, "steps", s); r.Err == nil || r.Err.Code != "ledger.full" {
		t.Errorf("a store that fails is told to the program as %+v", r.Err)
	}
}

func TestProgressOfACallThatWasGivenUpIsNotSaved(t *testing.T) {
	conn := openSteps(t, nil)
	s := &saves{}
	if r, err := do(t, conn, 100*time.Millisecond, "late", s); err != nil || r.Err == nil || r.Err.Code != external.CodeNoSave {
		t.Fatalf("%+v %v, want that the save was refused", r, err)
	}
	if got := s.got(); len(got) > 0 {
		t.Errorf("saved %v", got)
	}
}

func TestAPanicIsUnknownAndTheProgramGoesOn(t *testing.T) {
	conn := openSteps(t, nil)
	if _, err := do(t, conn, 10*time.Second, "panic", &saves{}); err == nil || err.Code != "program.panic" || !err.Sent {
		t.Errorf("%+v", err)
	}
	if r, err := do(t, conn, 10*time.Second, "steps", &saves{}); err != nil || r.Outcome != connectors.Done {
		t.Errorf("%+v %v", r, err)
	}
}

func TestTheVaultComparesAndSwaps(t *testing.T) {
	conn := openSteps(t, &connectortest.Vault{})
	r, err := do(t, conn, 10*time.Second, "vault", &saves{})
	if err != nil || r.Err == nil || r.Err.Kind != connectors.Conflict {
		t.Errorf("%+v %v, want the conflict of the second swap", r, err)
	}
}

// mortalField names a file: the program that finds it takes it away and dies after its
// next delivery, before it can answer.
const mortalField = "die_once"

// mortalConnector is a webhook whose process is killed between work and answer.
func mortalConnector() *connectors.Connector {
	c := webhook.Connector()
	c.Name = "mortal"
	c.Config = append(c.Config, connectors.Field{Name: mortalField, Kind: connectors.FieldString, Text: "a file to die by"})
	open := c.Open
	c.Open = func(ctx context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
		conn, err := open(ctx, cfg, env)
		if err != nil {
			return nil, err
		}
		return &mortal{conn, conn.(connectors.Sink), conn.(connectors.Looker), conn.(connectors.Receiver), cfg.String(mortalField)}, nil
	}
	return c
}

type mortal struct {
	connectors.Connection
	sink connectors.Sink
	connectors.Looker
	connectors.Receiver
	file string
}

func (m *mortal) Deliver(ctx context.Context, op string, batch []connectors.Delivery) ([]connectors.Result, error) {
	results, err := m.sink.Deliver(ctx, op, batch)
	if os.Remove(m.file) == nil {
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill() // SIGKILL
		}
		select {}
	}
	return results, err
}

// TestAKillBetweenWorkAndAnswerDoublesNothing does what the engine does for ask-first:
// unknown, then the look-up, and no second send.
func TestAKillBetweenWorkAndAnswerDoublesNothing(t *testing.T) {
	sim := webhooksim.New(webhooksim.Options{Options: simkit.Options{}, NoDedupe: true, LookupToken: "invented-lookup-token"})
	sys := at(t, "webhook", nil, http.Handler(sim))
	file := filepath.Join(t.TempDir(), "die")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := loaded(t, mortalConnector())
	url := sys.Values.Text["url"]
	cfg, errs := connectors.NewConfig(c.Config, connectors.Values{
		Text: map[string]string{"url": url + "/hook", "lookup_url": url + "/events", mortalField: file},
		Secrets: map[string]connectors.Secret{"secret": connectors.NewSecret(sim.Credentials()["secret"]),
			"lookup_token": connectors.NewSecret("invented-lookup-token")},
	})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Name: "crm"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	d := connectors.Delivery{ID: "D-1", Key: "K-1", Base: "K-1", Document: document("K-1", 0), Attempt: 1}
	results, err := conn.(connectors.Sink).Deliver(t.Context(), "event.push.asked", []connectors.Delivery{d})
	if e := connectors.AsError(err); len(results) > 0 || e == nil || !e.Sent || e.Code != external.CodeGone {
		t.Fatalf("after the kill: %+v %v, want unknown", results, err)
	}
	if n := len(sim.Versions("K-1")); n != 1 {
		t.Fatalf("%d effects: the work was not done before the kill", n)
	}
	var found []connectors.Finding
	eventually(t, func() *connectors.Error {
		list, err := conn.(connectors.Looker).Lookup(t.Context(), "event.push.asked", []connectors.Delivery{d})
		if err != nil {
			return connectors.AsError(err)
		}
		found = list
		return nil
	})
	if len(found) != 1 || found[0].Presence != connectors.Same {
		t.Errorf("the look-up by the new process says %+v, want same", found)
	}
	// The next document goes out once, by the new process.
	d = connectors.Delivery{ID: "D-2", Key: "K-2", Base: "K-2", Document: document("K-2", 0), Attempt: 1}
	results, err = conn.(connectors.Sink).Deliver(t.Context(), "event.push.asked", []connectors.Delivery{d})
	if err != nil || len(results) != 1 || results[0].Outcome != connectors.Done {
		t.Errorf("%+v %v", results, err)
	}
	for _, key := range []string{"K-1", "K-2"} {
		if n := len(sim.Versions(key)); n != 1 {
			t.Errorf("%s took effect %d times, want once", key, n)
		}
	}
}
