package webhook

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
)

func TestStatusesOfAPost(t *testing.T) {
	const html = "<!DOCTYPE html><html></html>"
	cases := []struct {
		status int
		body   string
		header string // Retry-After
		want   string // outcome, kind, scope, sent, wait
	}{
		{200, `{"status":"accepted"}`, "", "done"},
		{204, "", "", "done"},
		{200, `{"error":"we never read it"}`, "", "done"},
		{200, html, "", "unknown unreadable connection true 0s"},
		{301, "", "", "not sent not_found connection false 0s"},
		{303, "", "", "unknown unclassified connection true 0s"},
		{308, "", "", "not sent not_found connection false 0s"},
		{400, "", "", "refused invalid document false 0s"},
		{401, "", "", "not sent unauthorized connection false 0s"},
		{403, html, "", "not sent forbidden connection false 0s"},
		{404, "", "", "not sent not_found connection false 0s"},
		{405, "", "", "not sent not_found connection false 0s"},
		{408, "", "", "unknown unavailable connection true 0s"},
		{409, "", "", "unknown conflict document true 0s"},
		{410, "", "", "not sent forbidden connection false 0s"},
		{413, "", "", "refused invalid document false 0s"},
		{422, "", "", "refused invalid document false 0s"},
		{425, "", "", "not sent rate_limited connection false 5s"},
		{429, "", "", "not sent rate_limited connection false 5s"},
		{429, "", "17", "not sent rate_limited connection false 17s"},
		{500, "", "", "unknown unavailable connection true 0s"},
		{502, html, "", "unknown unavailable connection true 0s"},
		{503, html, "60", "unknown unavailable connection true 1m0s"},
		{504, "", "", "unknown unavailable connection true 0s"},
	}
	names := map[connectors.Outcome]string{connectors.Done: "done", connectors.Unknown: "unknown", connectors.NotSent: "not sent", connectors.Refused: "refused"}
	for _, tc := range cases {
		t.Run(fmt.Sprint(tc.status, tc.header), func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tc.header != "" {
					w.Header().Set("Retry-After", tc.header)
				}
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			defer srv.Close()
			c := receiver(t, map[string]string{"url": srv.URL}, nil)
			res, err := c.Deliver(t.Context(), opPush, []connectors.Delivery{{ID: "1", Key: "k", Document: []byte(`{"a":1}`)}})
			if err != nil || len(res) != 1 {
				t.Fatal(res, err)
			}
			got := names[res[0].Outcome]
			if e := res[0].Err; e != nil {
				got += fmt.Sprint(" ", e.Kind, " ", e.Scope, " ", e.Sent, " ", e.Wait)
			}
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if len(res[0].Exchanges) != 1 || res[0].Exchanges[0].Status != tc.status {
				t.Errorf("exchanges %+v", res[0].Exchanges)
			}
		})
	}
}

func TestWhatIsNotConfiguredIsNamed(t *testing.T) {
	d := []connectors.Delivery{{ID: "1", Key: "k", Document: []byte(`{}`)}}
	c := receiver(t, nil, nil)
	if _, err := c.Deliver(t.Context(), opPush, d); err == nil || !strings.Contains(err.Error(), "url") {
		t.Errorf("without url: %v", err)
	}
	c = receiver(t, map[string]string{"url": "http://127.0.0.1:1/"}, nil)
	if _, err := c.Deliver(t.Context(), opAsked, d); err == nil || !strings.Contains(err.Error(), "lookup_url") {
		t.Errorf("without lookup_url: %v", err)
	}
	if _, err := c.Deliver(t.Context(), "order.push", d); connectors.AsError(err).Scope != connectors.OfOperation {
		t.Errorf("of an unknown operation: %v", err)
	}
}

func TestARefusedConnectionIsNotSent(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	c := receiver(t, map[string]string{"url": srv.URL}, nil)
	res, err := c.Deliver(t.Context(), opPush, []connectors.Delivery{{ID: "1", Key: "k", Document: []byte(`{}`)}})
	if err != nil || res[0].Outcome != connectors.NotSent || res[0].Err.Kind != connectors.Unavailable {
		t.Fatalf("%+v %v", res, err)
	}
}

// asking opens a connection to a simulated receiver that cannot dedupe.
func asking(t *testing.T, faults *simkit.Faults) (*connection, *webhooksim.Sim) {
	t.Helper()
	sim := webhooksim.New(webhooksim.Options{Options: simkit.Options{Faults: faults}, NoDedupe: true, LookupToken: "invented-lookup-token"})
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	return receiver(t, map[string]string{"url": srv.URL + "/hook", "lookup_url": srv.URL + "/events?kind=order"}, map[string]connectors.Secret{
		"secret":       connectors.NewSecret(sim.Credentials()["secret"]),
		"lookup_token": connectors.NewSecret(sim.Credentials()["lookup_token"]),
	}), sim
}

func TestLookupTellsWhatBecameOfAPost(t *testing.T) {
	faults := simkit.NewFaults(1)
	c, sim := asking(t, faults)
	d := connectors.Delivery{ID: "1", Key: "S1-9", Document: []byte(`{"key":"S1-9","version":1,"total":"118.00","lines":[{"qty":2}]}`)}
	look := func(doc string) connectors.Finding {
		t.Helper()
		q := d
		if doc != "" {
			q.Document = []byte(doc)
		}
		f, err := c.Lookup(t.Context(), opAsked, []connectors.Delivery{q})
		if err != nil || len(f) != 1 {
			t.Fatal(f, err)
		}
		return f[0]
	}
	if f := look(""); f.Presence != connectors.Absent {
		t.Fatalf("before: %+v", f)
	}
	if _, err := faults.Add(simkit.Fault{Kind: simkit.DropAnswer, Count: 1}); err != nil {
		t.Fatal(err)
	}
	res, err := c.Deliver(t.Context(), opAsked, []connectors.Delivery{d})
	if err != nil || res[0].Outcome != connectors.Unknown || !res[0].Err.Sent {
		t.Fatalf("dropped answer: %+v %v", res, err)
	}
	if f := look(""); f.Presence != connectors.Same || f.RemoteIDs[0].Value != webhookID(d.Key, d.Document) {
		t.Errorf("after: %+v", f)
	}
	f := look(`{"key":"S1-9","version":2,"total":"118.00","lines":[{"qty":3}]}`)
	if diff := cmp.Diff([]string{"/lines/0/qty", "/version"}, f.Fields); f.Presence != connectors.Other || diff != "" {
		t.Errorf("changed content: %+v %s", f, diff)
	}
	if err := sim.Delete("S1-9"); err != nil {
		t.Fatal(err)
	}
	if f := look(""); f.Presence != connectors.Absent {
		t.Errorf("deleted: %+v", f)
	}
	if _, err := faults.Add(simkit.Fault{Kind: simkit.Garble, Count: 1}); err != nil {
		t.Fatal(err)
	}
	if f := look(""); f.Presence != connectors.CannotTell || f.Err.Kind != connectors.Unreadable {
		t.Errorf("garbled: %+v", f)
	}
}

func TestDifferences(t *testing.T) {
	for _, tc := range []struct{ ours, theirs, want string }{
		{`{"a":1,"b":["x"]}`, `{"b":["x"],"a":1.0,"added":true}`, "[]"},
		{`{"a":9007199254740993}`, `{"a":9007199254740992}`, "[/a]"},
		{`{"a":null}`, `{}`, "[]"},
		{`{"a":[1,2]}`, `{"a":[1]}`, "[/a]"},
		{`{"a":{"b/c":1}}`, `{"a":{"b/c":"1"}}`, "[/a/b~1c]"},
		{`{"a":{}}`, `{"a":"x"}`, "[/a]"},
	} {
		events, err := readHeld([]byte(`[{"id":7,"body":` + tc.theirs + `}]`))
		if err != nil {
			t.Fatal(err)
		}
		ours, err := readHeld([]byte(`[{"body":` + tc.ours + `}]`))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(differences(ours[0].Body, events[0].Body)); got != tc.want {
			t.Errorf("%s against %s: %s, want %s", tc.ours, tc.theirs, got, tc.want)
		}
	}
}

func TestReceiverSeesOneVersionAtATime(t *testing.T) {
	sim := webhooksim.New(webhooksim.Options{StrictRepeat: true})
	srv := httptest.NewServer(sim)
	defer srv.Close()
	c := receiver(t, map[string]string{"url": srv.URL + "/hook"}, map[string]connectors.Secret{"secret": connectors.NewSecret(sim.Credentials()["secret"])})
	c.now = func() time.Time { return time.Now().Add(-time.Minute) }
	for _, v := range []string{"1", "1", "2"} {
		res, err := c.Deliver(t.Context(), opPush, []connectors.Delivery{{ID: v, Key: "k", Document: []byte(`{"key":"k","version":` + v + `}`)}})
		if err != nil || res[0].Outcome != connectors.Done {
			t.Fatalf("%+v %v", res, err)
		}
	}
	if diff := cmp.Diff([]string{"1", "2"}, sim.Versions("k")); diff != "" {
		t.Error(diff)
	}
}
