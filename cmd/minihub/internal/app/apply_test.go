package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/plan"
	"github.com/minihub/minihub/cmd/minihub/internal/porttest"
	"github.com/minihub/minihub/connectors"
)

// call makes an API call to the hub of a directory.
func call(ctx context.Context, dir, method, path string, in, out any) error {
	b, err := os.ReadFile(EndpointFile(dir))
	if err != nil {
		return err
	}
	var e Endpoint
	if err := json.Unmarshal(b, &e); err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, e.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+e.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d", path, resp.StatusCode)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// A hub that is killed in the middle of an apply runs the old revision afterwards, or the
// new one: what the history says, what it makes and what it says of it agree.
func TestKilledDuringAnApply(t *testing.T) {
	dir, sim := hubDir(t)
	intake := porttest.Free()
	b, err := os.ReadFile(filepath.Join(dir, "hub.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "hub.yaml", strings.Replace(string(b), "intake: { listen: '127.0.0.1:0'", "intake: { listen: '"+intake+"'", 1))
	noteMapping(t, dir, "made-by-1")
	content := map[int64]string{1: "made-by-1"} // by revision
	olds, news := 0, 0
	cmd := spawn(t, dir)
	kill := func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	defer func() { kill() }()
	// The kills are spread over the time that an apply takes here, and a little longer.
	lasts := time.Duration(0)
	const rounds = 6
	for round := 0; round < rounds; round++ {
		var before api.History
		if err := call(t.Context(), dir, http.MethodGet, "/api/v1/revisions?limit=1", nil, &before); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("made-by-round-%d", round)
		noteMapping(t, dir, want)
		var p plan.Plan
		if err := call(t.Context(), dir, http.MethodGet, "/api/v1/plan?sample=0", nil, &p); err != nil {
			t.Fatal(err)
		}
		applied := make(chan struct{})
		began := time.Now()
		go func() {
			defer close(applied)
			var done api.Applied
			_ = call(context.WithoutCancel(t.Context()), dir, http.MethodPost, "/api/v1/apply", api.ApplyRequest{Plan: p.Hash}, &done)
		}()
		if round == 0 {
			<-applied
			lasts = time.Since(began)
		} else {
			<-time.After(lasts * time.Duration(round) / (rounds - 2))
		}
		kill()
		<-applied

		cmd = spawn(t, dir)
		var after api.History
		if err := call(t.Context(), dir, http.MethodGet, "/api/v1/revisions?limit=1", nil, &after); err != nil {
			t.Fatal(err)
		}
		old, now := before.Entries[0].Base, after.Entries[0].Base
		switch {
		case now.Number == old.Number && now.Hash == old.Hash:
			olds++
		case now.Number == old.Number+1 && now.Hash == p.Content:
			news++
			content[now.Number] = want
		default:
			t.Fatalf("round %d: revision %d %s ran before, %s was applied, and now %d %s runs", round, old.Number, old.Hash, p.Content, now.Number, now.Hash)
		}
		if after.Standing.Revision != now.Number {
			t.Fatalf("the history says %d, and %d runs", now.Number, after.Standing.Revision)
		}
		no := fmt.Sprintf("K-%d", round)
		post(t, "http://"+intake, no)
		until(t, no+" to be delivered", func() bool { return subject(t, sim, no) != "" })
		if got := subject(t, sim, no); got != content[now.Number] {
			t.Fatalf("round %d: revision %d runs and made %q, want %q", round, now.Number, got, content[now.Number])
		}
	}
	if news == 0 {
		t.Fatal("no apply came to its end before a kill: not even the one that was waited for")
	}
	t.Logf("%d kills: %d times the old revision ran afterwards, %d times the new", rounds, olds, news)
}

// probe is a connector that counts how often it is opened and closed.
type probe struct {
	mu             sync.Mutex
	opened, closed map[string]int // by the configured word
}

type probeConn struct {
	p    *probe
	word string
	once sync.Once
}

func (c *probeConn) Close() error {
	c.once.Do(func() {
		c.p.mu.Lock()
		defer c.p.mu.Unlock()
		c.p.closed[c.word]++
	})
	return nil
}

func (c *probeConn) Deliver(_ context.Context, _ string, batch []connectors.Delivery) ([]connectors.Result, error) {
	var out []connectors.Result
	for _, d := range batch {
		out = append(out, connectors.Result{ID: d.ID, Outcome: connectors.Done})
	}
	return out, nil
}

func (p *probe) connector() *connectors.Connector {
	none := connectors.Listing{Reason: "a test"}
	return &connectors.Connector{Name: "probe", Config: []connectors.Field{{Name: "word", Kind: connectors.FieldString, Required: true}},
		Operations: []connectors.Operation{{Name: "take", Entity: "note", Carries: connectors.State, Changes: connectors.Upsert, Repeat: connectors.Idempotent, List: none}},
		Open: func(_ context.Context, cfg connectors.Config, _ connectors.Env) (connectors.Connection, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.opened[cfg.String("word")]++
			return &probeConn{p: p, word: cfg.String("word")}, nil
		}}
}

// open is how many connections of each word stand open. A check opens and closes one.
func (p *probe) open() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]int{}
	for word, n := range p.opened {
		if left := n - p.closed[word]; left > 0 {
			out[word] = left
		}
	}
	return out
}

func TestOnlyWhatChangedIsReopened(t *testing.T) {
	dir, _ := hubDir(t)
	connection := func(name, word string) {
		put(t, dir, "connections/"+name+".yaml", "connection: "+name+"\nconnector: probe\nconfig: { word: "+word+" }\n")
	}
	connection("a", "one")
	connection("b", "two")
	p := &probe{opened: map[string]int{}, closed: map[string]int{}}
	a := hub(t, dir, p.connector())
	conn := func(name string) connectors.Connection {
		c, _, _ := a.Engine().Conn(name)
		return c
	}
	same := conn("a")
	noteMapping(t, dir, "changed")
	apply(t, a, 0)
	if conn("a") != same {
		t.Fatal("a change of a mapping reopened a connection")
	}
	connection("b", "three")
	apply(t, a, 0)
	until(t, "the replaced connection to close", func() bool { return cmp.Equal(p.open(), map[string]int{"one": 1, "three": 1}) })
	if conn("a") != same {
		t.Fatal("a change of another connection reopened this one")
	}
	// A removed one is closed at the first swap that finds nothing left of it.
	if err := os.Remove(filepath.Join(dir, "connections", "b.yaml")); err != nil {
		t.Fatal(err)
	}
	apply(t, a, 0)
	noteMapping(t, dir, "changed again")
	apply(t, a, 0)
	until(t, "the removed connection to close", func() bool { return cmp.Equal(p.open(), map[string]int{"one": 1}) })
	// What does not open changes nothing, and leaves nothing open.
	connection("b", "four")
	put(t, dir, "connections/c.yaml", "connection: c\nconnector: probe\nconfig: {}\n")
	if _, err := a.Plan(t.Context(), 0); err == nil {
		t.Fatal("a plan with mistakes was made")
	}
	until(t, "what was opened in vain to close", func() bool { return cmp.Equal(p.open(), map[string]int{"one": 1}) })
}

// An apply that cannot be kept changes nothing.
type fullLedger struct{ plan.Store }

var errFull = errors.New("no space left")

func (fullLedger) PutReport(context.Context, string, time.Time, []byte) (int64, error) {
	return 0, errFull
}

func TestAnApplyThatCannotBeKeptChangesNothing(t *testing.T) {
	dir, sim := hubDir(t)
	noteMapping(t, dir, "old")
	a := hub(t, dir)
	noteMapping(t, dir, "new")
	p, err := a.Plan(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	whole := a.history
	a.history = fullLedger{whole}
	_, err = a.Apply(t.Context(), api.ApplyRequest{Plan: p.Hash})
	a.history = whole
	if !errors.Is(err, errFull) {
		t.Fatalf("the apply answered %v", err)
	}
	post(t, a.IntakeURL(), "F-1")
	until(t, "the note", func() bool { return subject(t, sim, "F-1") != "" })
	if got := subject(t, sim, "F-1"); got != "old" {
		t.Fatalf("it was made by %q", got)
	}
	if _, err := a.Apply(t.Context(), api.ApplyRequest{Plan: p.Hash}); err != nil {
		t.Fatalf("the same plan, once there is room: %v", err)
	}
}

func TestAFailingMappingIsNamedWithTheWayBack(t *testing.T) {
	dir, _ := hubDir(t)
	noteMapping(t, dir, "fine")
	a := hub(t, dir)
	for i := range 10 {
		post(t, a.IntakeURL(), fmt.Sprintf("G-%d", i))
	}
	noteMapping(t, dir, "x, convert: 'nothing'")
	if _, err := a.Plan(t.Context(), 0); err == nil {
		t.Fatal("the test's mapping is wrong in a way that a check finds")
	}
	put(t, dir, "mappings/own/out/note.yaml", `mapping: note -> event
input: canonical/note
output: vendors/webhook/event.push
fields:
  - { to: type, from: kind }
  - { to: key, from: '@key' }
  - { to: subject, from: colour, required: true }
  - { to: data, from: $ }
`)
	apply(t, a, 0)
	for i := range 5 {
		post(t, a.IntakeURL(), fmt.Sprintf("H-%d", i))
	}
	var h *api.History
	until(t, "the mapping to be noticed", func() bool {
		var err error
		if h, err = a.Revisions(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		return h.Entries[0].Act == failing
	})
	if got := h.Entries[0].Failing; !slices.Equal(got, []string{"mappings/own/out/note.yaml"}) {
		t.Fatalf("named are %q", got)
	}
	if s := h.Standing.Suspects; len(s) != 1 || s[0].Now.Failed != 5 || s[0].Then.Failed != 0 || s[0].Then.Mapped != 10 {
		t.Fatalf("suspects %+v", s)
	}
	done, err := a.Back(t.Context(), 0, api.ApplyRequest{Who: "tester"})
	if err != nil || done.Entry.Base.Restores != 1 || done.Entry.Base.Number != 3 {
		t.Fatalf("back answered %+v, %v", done, err)
	}
	if s := a.Engine().Standing(); len(s.Suspects) != 0 || s.Revision != 3 {
		t.Fatalf("after going back %+v stands", s)
	}
}

// A canary stands again after a restart, on its side of the roots.
func TestACanaryOutlivesARestart(t *testing.T) {
	dir, sim := hubDir(t)
	noteMapping(t, dir, "base")
	a := hub(t, dir)
	noteMapping(t, dir, "canary")
	apply(t, a, 5000)
	for i := range 20 {
		post(t, a.IntakeURL(), fmt.Sprintf("C-%d", i))
	}
	sides := func(prefix string) []string {
		var out []string
		for i := range 20 {
			no := fmt.Sprintf("%s-%d", prefix, i)
			until(t, no, func() bool { return subject(t, sim, no) != "" })
			out = append(out, subject(t, sim, no))
		}
		return out
	}
	before := sides("C")
	if !slices.Contains(before, "base") || !slices.Contains(before, "canary") {
		t.Fatalf("the sides are %v", before)
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	a = hub(t, dir)
	if s := a.Engine().Standing(); s.Revision != 1 || s.Canary != 2 || s.Share != 5000 {
		t.Fatalf("after the restart %+v stands", s)
	}
	if _, err := a.Back(t.Context(), 0, api.ApplyRequest{}); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		post(t, a.IntakeURL(), fmt.Sprintf("D-%d", i))
	}
	if after := sides("D"); slices.Contains(after, "canary") {
		t.Fatalf("after taking the canary back: %v", after)
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	// The directory still holds the canary's files; the restart does not take them for new.
	a = hub(t, dir)
	if s := a.Engine().Standing(); s.Revision != 1 || s.Canary != 0 {
		t.Fatalf("after the second restart %+v stands", s)
	}
}

// What a removed flow left unfinished is finished after a restart too.
func TestARemovedConnectionDrainsAfterARestart(t *testing.T) {
	dir, sim := hubDir(t)
	noteMapping(t, dir, "old")
	a := hub(t, dir)
	if err := a.Engine().Pause(t.Context(), "crm", "", "tester", "a test"); err != nil {
		t.Fatal(err)
	}
	post(t, a.IntakeURL(), "R-1")
	until(t, "the note to wait", func() bool { return a.Engine().Depth()["deliveries/crm"] == 1 })
	b, err := os.ReadFile(filepath.Join(dir, "connections", "crm.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "connections/crm2.yaml", strings.Replace(string(b), "connection: crm", "connection: crm2", 1))
	if err := os.Remove(filepath.Join(dir, "connections", "crm.yaml")); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "flows/notes.yaml", "flow: notes\nfrom: [shop.events]\ncanonical: mappings/own/in/note.yaml\nto:\n"+
		"  - { operation: crm2.event.push, key: '{store.code}-{note_no}', map: mappings/own/out/note.yaml }\n")
	apply(t, a, 0)
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	a = hub(t, dir)
	flows, conns := a.Engine().Draining()
	if diff := cmp.Diff([][]string{{"notes"}, {"crm"}}, [][]string{flows, conns}); diff != "" {
		t.Fatal(diff)
	}
	if err := a.Engine().Resume(t.Context(), "crm", ""); err != nil {
		t.Fatal(err)
	}
	until(t, "the old note", func() bool { return subject(t, sim, "R-1") == "old" })
}

// Work of a connection whose file was taken away while the hub was down is told.
func TestDoctorTellsOrphans(t *testing.T) {
	dir, _ := hubDir(t)
	a := hub(t, dir)
	if err := a.Engine().Pause(t.Context(), "crm", "", "tester", "a test"); err != nil {
		t.Fatal(err)
	}
	post(t, a.IntakeURL(), "O-1")
	until(t, "the note to wait", func() bool { return a.Engine().Depth()["deliveries/crm"] == 1 })
	count := func() (n int) {
		for _, f := range a.Doctor(t.Context(), false) {
			if f.Code == "doctor.gate.orphan" {
				n++
			}
		}
		return n
	}
	if n := count(); n != 0 {
		t.Fatalf("%d orphans while the connection is there", n)
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "connections", "crm.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "connections", "crm.yaml")); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "connections/other.yaml", strings.Replace(string(b), "connection: crm", "connection: other", 1))
	put(t, dir, "flows/notes.yaml", "flow: notes\nfrom: [shop.events]\ncanonical: mappings/own/in/note.yaml\nto:\n"+
		"  - { operation: other.event.push, key: '{store.code}-{note_no}', map: mappings/own/out/note.yaml }\n")
	a = hub(t, dir)
	if _, conns := a.Engine().Draining(); !slices.Equal(conns, []string{"crm"}) || count() != 0 {
		t.Fatalf("draining are %v, orphans %d", conns, count())
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	// The former revision's secret is gone: nothing can drain by it any more.
	put(t, dir, "secrets/hook2", hookSecret)
	if err := os.Remove(filepath.Join(dir, "secrets", "hook")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"connections/shop.yaml", "connections/other.yaml"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, name, strings.Replace(string(b), "secrets/hook", "secrets/hook2", 1))
	}
	a = hub(t, dir)
	if n := count(); n != 1 {
		t.Fatalf("%d orphans, want the one of crm", n)
	}
}
