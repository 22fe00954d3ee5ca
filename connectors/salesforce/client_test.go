package salesforce

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/salesforce/salesforcesim"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

func TestASessionThatEndedIsReplacedOnce(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{})
	d := delivery("M-1", contactDocument("M-1", "李", ""))
	want(t, o.push(t, opContact, d)["M-1"], connectors.Done, "")
	o.sim.ExpireSessions()
	want(t, o.push(t, opContact, d)["M-1"], connectors.Done, "")
	if n := o.proxy.tokenCalls(); n != 2 {
		t.Errorf("%d token calls, want 2", n)
	}
	var calls atomic.Int32
	c := stub(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]`)
	})
	res := pushTo(t, c, opContact, d)["M-1"]
	want(t, res, connectors.NotSent, "INVALID_SESSION_ID")
	if res.Err.Kind != connectors.Unauthorized || res.Err.Scope != all || calls.Load() != 2 {
		t.Errorf("%d calls, %+v", calls.Load(), res.Err)
	}
}

func TestTokenAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		kind   connectors.Kind
	}{
		"refused":     {400, `{"error":"invalid_client","error_description":"invalid client credentials"}`, connectors.Unauthorized},
		"no run-as":   {400, `{"error":"invalid_grant","error_description":"no client credentials user enabled"}`, connectors.Unauthorized},
		"down":        {503, `<html></html>`, connectors.Unavailable},
		"no token":    {200, `{"instance_url":"https://brand.example.test"}`, connectors.Unreadable},
		"no instance": {200, `{"access_token":"invented-token"}`, connectors.Unreadable},
		"a file":      {200, `{"access_token":"invented-token","instance_url":"file:///etc"}`, connectors.Unreadable},
		"cut":         {200, `{"access_token":"invented-tok`, connectors.Unreadable},
		"with a user": {200, `{"access_token":"invented-token","instance_url":"https://u:p@brand.example.test"}`, connectors.Unreadable},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/services/oauth2/token") {
				t.Errorf("%s: called %s", name, r.URL.Path)
			}
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, tc.body)
		}))
		t.Cleanup(server.Close)
		c := connect(t, values(server.URL, map[string]string{"client_id": "invented-id", "client_secret": "invented-secret"}), nil)
		res := pushTo(t, c, opContact, delivery("M-1", contactDocument("M-1", "李", "")))["M-1"]
		switch {
		case res.Outcome != connectors.NotSent || res.Err == nil:
			t.Errorf("%s: %d %+v", name, res.Outcome, res.Err)
		case res.Err.Kind != tc.kind || res.Err.Scope != all || res.Err.Sent:
			t.Errorf("%s: %+v", name, res.Err)
		case strings.Contains(fmt.Sprint(res.Err, string(res.Err.Raw), res.Exchanges), "invented-"):
			t.Errorf("%s: a secret is shown: %v", name, res.Err)
		}
	}
}

func TestATokenIsNotSentInTheClear(t *testing.T) {
	// The login is over TLS; the answer names an instance without it.
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"access_token":"invented-token","instance_url":"http://brand.example.test"}`)
	}))
	t.Cleanup(server.Close)
	cfg, errs := connectors.NewConfig(fields(), values(server.URL, map[string]string{"client_id": "invented-id", "client_secret": "invented-secret"}))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	c, err := Connector().OpenConnection(t.Context(), cfg, connectors.Env{Transport: server.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	err = c.(*conn).Ping(t.Context())
	if e := connectors.AsError(err); e == nil || e.Code != "salesforce.token" {
		t.Errorf("%v", err)
	}
}

func TestDailyCallsAreWatched(t *testing.T) {
	core, logs := observer.New(zapcore.WarnLevel)
	used := 0
	o := newOrg(t, salesforcesim.Options{})
	o.log = zap.New(core)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/1000; per-app-api-usage=17/250(appName=hub)", used))
		_, _ = io.WriteString(w, `{}`)
	}))
	t.Cleanup(server.Close)
	if err := o.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	o.address = server.URL
	o.mu.Unlock()
	for _, tc := range []struct{ used, warnings int }{{899, 0}, {900, 1}, {950, 1}, {100, 1}, {999, 2}} {
		used = tc.used
		if err := o.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := logs.Len(); n != tc.warnings {
			t.Errorf("at %d: %d warnings, want %d", tc.used, n, tc.warnings)
		}
	}
}

func TestTheAllowanceIsAQuota(t *testing.T) {
	o := newOrg(t, salesforcesim.Options{DailyLimit: 1})
	d := delivery("M-1", contactDocument("M-1", "李", ""))
	o.push(t, opContact, d)
	res := o.push(t, opContact, d)["M-1"]
	for range 3 { // whether the call that reaches the limit passes is the vendor's
		if res.Outcome == connectors.Done {
			res = o.push(t, opContact, d)["M-1"]
		}
	}
	want(t, res, connectors.NotSent, "REQUEST_LIMIT_EXCEEDED")
	if e := res.Err; e.Kind != connectors.Quota || e.Scope != all || e.Wait <= 0 {
		t.Errorf("%+v", e)
	}
}

func TestConfigurationThatCannotWork(t *testing.T) {
	for field, set := range map[string]func(v connectors.Values){
		"api_version":        func(v connectors.Values) { v.Text["api_version"] = "67" },
		"contact_object":     func(v connectors.Values) { v.Text["contact_object"] = "Contact WHERE" },
		"line_parent":        func(v connectors.Values) { v.Text["line_parent"] = "a/b" },
		"transaction_fields": func(v connectors.Values) { v.Maps["transaction_fields"] = map[string]string{"Total": "Total__c"} },
		"line_fields":        func(v connectors.Values) { v.Maps["line_fields"] = map[string]string{"Quantity": ""} },
		"status_classes":     func(v connectors.Values) { v.Maps["status_classes"] = map[string]string{"paid": "good"} },
	} {
		v := values("https://brand.example.test", map[string]string{"client_id": "invented-id", "client_secret": "invented-secret"})
		set(v)
		cfg, errs := connectors.NewConfig(fields(), v)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		_, err := Connector().OpenConnection(t.Context(), cfg, connectors.Env{})
		var fe *connectors.FieldError
		if !errors.As(err, &fe) || fe.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestSchemasAndConnectorAgree: what the schema shows as an example goes through.
func TestSchemasAndConnectorAgree(t *testing.T) {
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	o := newOrg(t, salesforcesim.Options{})
	if _, err := o.sim.Insert("Account", map[string]any{"Name": "invented", "Hub_Account_Id__c": "A-7"}); err != nil {
		t.Fatal(err)
	}
	for _, op := range operations() {
		s, ok := set.Get(op.Schema)
		if !ok {
			t.Fatalf("%s has no schema %s", op.Name, op.Schema)
		}
		tree, err := codec.Decode(s.Source())
		if err != nil {
			t.Fatal(err)
		}
		example := tree.(map[string]any)["examples"].([]any)[0]
		if v := s.Validate(example); len(v) > 0 {
			t.Errorf("%s: its example: %v", op.Name, v)
		}
		document, err := codec.Encode(example)
		if err != nil {
			t.Fatal(err)
		}
		key := example.(map[string]any)["external_id"].(string)
		want(t, o.push(t, op.Name, delivery(key, string(document)))[key], connectors.Done, "")
		if f := o.look(t, op.Name, key, string(document)); f.Presence != connectors.Same {
			t.Errorf("%s: %+v", op.Name, f)
		}
	}
}

// A session without a known end is nobody's worry.
func TestHowLongASessionLives(t *testing.T) {
	c := newOrg(t, salesforcesim.Options{})
	if got := c.CredentialEnds(); len(got) != 0 {
		t.Errorf("before any call: %+v", got)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.CredentialEnds(); len(got) != 1 || got[0].Name != "session" || !got[0].Renews || !got[0].Ends.IsZero() {
		t.Errorf("the session is %+v", got)
	}
}
