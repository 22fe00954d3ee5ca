package external_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external"
)

// opened opens a connection to one of the rogues.
func opened(t *testing.T, name string) (connectors.Connection, *observer.ObservedLogs) {
	t.Helper()
	conn, logs, err := tried(t, name)
	if err != nil {
		t.Fatal(err)
	}
	return conn, logs
}

func tried(t *testing.T, name string) (connectors.Connection, *observer.ObservedLogs, error) {
	t.Helper()
	declared := *rogueConnector()
	declared.Name = ""
	c := load(t, "rogue", describedAs(t, name, declared))
	cfg, errs := connectors.NewConfig(c.Config, connectors.Values{Secrets: map[string]connectors.Secret{"token": connectors.NewSecret("invented-token-1234")}})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Log: zap.New(core), Name: "rogue-1"})
	if err == nil {
		t.Cleanup(func() {
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return conn, logs, err
}

// push delivers documents as the engine would within a time.
func push(t *testing.T, conn connectors.Connection, within time.Duration, ids ...string) ([]connectors.Result, *connectors.Error) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), within)
	defer stop()
	var list []connectors.Delivery
	for _, id := range ids {
		list = append(list, connectors.Delivery{ID: id, Key: "K-" + id, Base: "K-" + id, Document: json.RawMessage(`{"a":1}`), Attempt: 1})
	}
	results, err := conn.(connectors.Sink).Deliver(ctx, "event.push", list)
	if err == nil {
		return results, nil
	}
	return results, connectors.AsError(err)
}

// eventually repeats a call while the program is waited for.
func eventually(t *testing.T, try func() *connectors.Error) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		e := try()
		if e == nil {
			return
		}
		if e.Code != external.CodeDown || time.Now().After(end) {
			t.Fatal(e)
		}
		if e.Wait <= 0 || e.Sent {
			t.Fatalf("a program that is waited for gives %+v, want a wait and nothing sent", e)
		}
		timer := time.NewTimer(e.Wait)
		<-timer.C
	}
}

// Whatever the program does in the middle of a write, nobody knows what it led to, and
// the call comes back.
func TestAWriteThatIsNotAnsweredIsUnknown(t *testing.T) {
	for name, want := range map[string]string{
		"mute": external.CodeTimeout, "garbage": external.CodeGone, "huge": external.CodeGone, "forks": external.CodeGone,
		"typo": external.CodeAnswer, "plain": external.CodeFailed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, _ := opened(t, name)
			within := 10 * time.Second
			if name == "mute" {
				within = 200 * time.Millisecond
			}
			began := time.Now()
			results, err := push(t, conn, within, "D-1")
			if len(results) > 0 || err == nil || err.Code != want || !err.Sent {
				t.Errorf("%+v %+v, want %s, sent", results, err, want)
			}
			if took := time.Since(began); took > within+5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestAMethodThatIsNotThereIsNotSent(t *testing.T) {
	conn, _ := opened(t, "methodless")
	if _, err := push(t, conn, 10*time.Second, "D-1"); err == nil || err.Code != external.CodeNoMethod || err.Sent || err.Scope != connectors.OfOperation {
		t.Errorf("%+v", err)
	}
}

func TestAnAnswerThatNobodyWaitsForIsPassedOver(t *testing.T) {
	t.Run("twice and foreign", func(t *testing.T) {
		conn, _ := opened(t, "twice")
		for _, id := range []string{"D-1", "D-2", "D-3"} {
			results, err := push(t, conn, 10*time.Second, id)
			if err != nil || len(results) != 1 || results[0].ID != id || results[0].Outcome != connectors.Done {
				t.Fatalf("%s: %+v %v", id, results, err)
			}
		}
	})
	t.Run("late", func(t *testing.T) {
		conn, _ := opened(t, "late")
		if _, err := push(t, conn, 100*time.Millisecond, "D-1"); err == nil || err.Code != external.CodeTimeout || !err.Sent {
			t.Fatalf("%+v", err)
		}
		results, err := push(t, conn, 10*time.Second, "D-2")
		if err != nil || len(results) != 1 || results[0].ID != "D-2" {
			t.Errorf("%+v %v", results, err)
		}
	})
}

// The outcome decides, and what contradicts itself is unknown.
func TestResultsAreHeldAgainstTheContract(t *testing.T) {
	conn, _ := opened(t, "odd")
	results, err := push(t, conn, 10*time.Second, "D-1", "D-2", "D-3", "D-4", "D-5", "D-6", "D-7")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		sent := r.Err == nil || r.Err.Sent
		got = append(got, fmt.Sprintf("%s %d sent=%t", r.ID, r.Outcome, sent))
	}
	want := []string{"D-1 0 sent=true", "D-2 0 sent=true", "D-3 0 sent=true", "D-4 4 sent=false", "D-5 0 sent=true", "D-6 0 sent=true"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAProgramThatDoesNotReadIsEnded(t *testing.T) {
	defer external.WriteWithin(300 * time.Millisecond)()
	conn, _ := opened(t, "deaf")
	if _, err := push(t, conn, 50*time.Millisecond, "D-1"); err == nil || err.Code != external.CodeTimeout {
		t.Fatalf("%+v", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	large := json.RawMessage(`"` + strings.Repeat("x", 4<<20) + `"`)
	_, err := conn.(connectors.Sink).Deliver(ctx, "event.push", []connectors.Delivery{{ID: "D-2", Key: "K", Document: large}})
	if e := connectors.AsError(err); e == nil || e.Code != external.CodeGone || !e.Sent {
		t.Errorf("%+v, want that it is gone", e)
	}
	if ctx.Err() != nil {
		t.Error("it hung until the end of the call")
	}
}

func TestWhatIsTooLargeIsNotSent(t *testing.T) {
	conn, _ := opened(t, "twice")
	large := json.RawMessage(`"` + strings.Repeat("x", 33<<20) + `"`)
	_, err := conn.(connectors.Sink).Deliver(t.Context(), "event.push", []connectors.Delivery{{ID: "D-1", Key: "K", Document: large}})
	if e := connectors.AsError(err); e == nil || e.Code != external.CodeMessage || e.Sent || e.Scope != connectors.OfDocument {
		t.Errorf("%+v", e)
	}
	if results, err := push(t, conn, 10*time.Second, "D-2"); err != nil || len(results) != 1 {
		t.Errorf("the next one: %+v %v", results, err)
	}
}

func TestAProgramIsStartedAgainAfterAWait(t *testing.T) {
	conn, logs := opened(t, "garbage")
	for range 3 { // every one ends the program anew
		eventually(t, func() *connectors.Error {
			_, err := push(t, conn, 10*time.Second, "D-1")
			if err != nil && err.Code == external.CodeGone {
				return nil
			}
			return err
		})
	}
	if logs.FilterMessage("the program ended").Len() == 0 {
		t.Error("the log does not say that it ended")
	}
}

func TestAProgramThatCannotBeUsedSaysWhy(t *testing.T) {
	for name, want := range map[string]struct{ code, text string }{
		"crash":   {external.CodeGone, "(exit status 4); its last line on standard error: no such library"},
		"strange": {external.CodeGone, "is no message of JSON-RPC"},
		"elder":   {external.CodeStart, "protocol 7"},
		"changed": {external.CodeDeclaration, `/operations/0/repeat is "ask-first" in the description and "idempotent" in the program`},
		"unable":  {external.CodeAbility, `"recieve" is no ability`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := tried(t, name)
			e := connectors.AsError(err)
			if e == nil || e.Code != want.code || !strings.Contains(e.Error(), want.text) {
				t.Errorf("%v, want %s with %q", err, want.code, want.text)
			}
		})
	}
}

func TestWhatAProgramSaysIsScrubbed(t *testing.T) {
	conn, logs := opened(t, "chatty")
	_, err := push(t, conn, 10*time.Second, "D-1")
	if err == nil || err.Sent || err.Text != "for ****" {
		t.Errorf("%+v", err)
	}
	if cerr := conn.Close(); cerr != nil {
		t.Fatal(cerr)
	}
	var all bytes.Buffer
	for _, e := range logs.All() {
		fmt.Fprintln(&all, e.Level, e.Message, e.ContextMap())
	}
	if strings.Contains(all.String(), "invented-token") || !strings.Contains(all.String(), "with ****") || !strings.Contains(all.String(), "the token is ****") {
		t.Error(all.String())
	}
}
