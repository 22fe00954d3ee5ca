package connectortest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
)

// Suite describes one connector to the checks.
type Suite struct {
	Connector *connectors.Connector
	// Start brings up a fresh simulated system; what it takes it gives back in
	// t.Cleanup. Vendor rate limits should be scaled out of the way.
	Start func(t *testing.T) *System
	// Operations and Streams must cover everything the connector declares.
	Operations []Operation
	Streams    []Stream
	// Waivers maps a check's name, or name/subject, to the reason why it does not hold.
	Waivers map[string]string
}

// System is one running simulator and how to connect to it.
type System struct {
	Name   string // simkit.Sim.System, by which faults are filed
	Values connectors.Values
	Faults *simkit.Faults
	// Effects counts the effects at the target under a remote key.
	Effects func(operation, key string) int
	// Renewals counts the token calls so far; nil for systems without tokens.
	Renewals func() int
	// Secrets returns secrets that arose at run time, tokens above all; may be nil.
	Secrets func() []string
	// Now is the clock of both sides, nil for the real one; Advance moves it.
	Now     func() time.Time
	Advance func(time.Duration)
	// Window is what windowed pulls and lists ask for; zero means a day back to an hour ahead.
	Window connectors.Window
}

// Operation gives samples for one declared operation.
type Operation struct {
	Name string
	// Call is the simulator's name for the write, Look for the look-up, Check for the
	// poll; empty matches every call.
	Call, Look, Check string
	// Key returns the nth remote key; nil makes K-<n>.
	Key func(n int) string
	// Document is a valid target document for a key. A higher change is a later version
	// that differs in receiver, amount or lines.
	Document func(key string, change int) json.RawMessage
	// Bad is a document that the target refuses for its data; nil when there is none.
	Bad func(key string) json.RawMessage
	// Prepare makes what the operation needs first, like the order that a cancel
	// undoes, and returns the remote ids to hand over.
	Prepare func(t *testing.T, conn connectors.Connection, key string) []connectors.RemoteID
	// Looks runs the look-up checks on operations that are not ask-first, too.
	Looks bool
	// ErrorCode is a code of the vendor that says "refused"; UnknownCode one that is in
	// no table. Both are answered inside HTTP 200; an empty UnknownCode skips the check.
	ErrorCode, UnknownCode string
}

// Stream gives samples for one declared stream.
type Stream struct {
	Name string
	Call string // the simulator's name for the pull
	// Want are the keys one whole pull yields, in any order. They should fill more than
	// one page.
	Want []string
	// Missing is a key that Fetch does not find.
	Missing string
	// Push builds an authentic request, Forged one that is not; for streams that are pushed.
	Push, Forged func(t *testing.T, sys *System) connectors.Request
	// Pushed are the keys that Push carries.
	Pushed []string
}

// Run checks a connector.
func Run(t *testing.T, s Suite) {
	before := goleak.IgnoreCurrent()
	r := &runner{Suite: s, used: map[string]bool{}}
	t.Run("declaration", r.declaration)
	t.Run("config", r.config)
	r.check(t, "close", "", closeTwice)
	for _, op := range s.Operations {
		r.writes(t, op)
		r.lookups(t, op)
		r.polls(t, op)
		r.queries(t, op)
		r.dryRuns(t, op)
	}
	for _, st := range s.Streams {
		r.streams(t, st)
	}
	if reason, ok := r.waived("leak", ""); ok {
		t.Logf("leak waived: %s", reason)
	} else if err := goleak.Find(before); err != nil {
		t.Errorf("leak: %v", err)
	}
	for name, reason := range s.Waivers {
		if !r.used[name] {
			t.Errorf("waiver %s names no check that was to run", name)
		}
		if reason == "" {
			t.Errorf("waiver %s gives no reason", name)
		}
	}
}

type runner struct {
	Suite
	used map[string]bool
}

func (r *runner) waived(name, subject string) (string, bool) {
	for _, n := range []string{name + "/" + subject, name} {
		if reason, ok := r.Waivers[n]; ok {
			r.used[n] = true
			return reason, true
		}
	}
	return "", false
}

// check runs f against a system and a connection of its own.
func (r *runner) check(t *testing.T, name, subject string, f func(h *harness)) {
	full := name
	if subject != "" {
		full += "/" + subject
	}
	t.Run(full, func(t *testing.T) {
		if reason, ok := r.waived(name, subject); ok {
			t.Skipf("waived: %s", reason)
		}
		f(r.open(t))
	})
}

func (o Operation) key(n int) string {
	if o.Key != nil {
		return o.Key(n)
	}
	return fmt.Sprintf("K-%d", n)
}
