package webhook

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

// The vector was computed from the specification's text with another program.
const (
	vectorSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
	vectorID     = "msg_2hub0001"
	vectorTime   = "1760000000"
	vectorBody   = `{"type":"shipment.dispatched","timestamp":"2025-10-09T08:53:20Z","data":{"shipment_id":"SHP-1001","tracking_no":"SF0000000001"}}`
	vectorSign   = "v1,Dh7uNwiELFK9G5EHt2haR7GrFkpzoDmBJvQ99YEaJiY="
)

func TestSignatureVector(t *testing.T) {
	k, err := parseSecret(connectors.NewSecret(vectorSecret))
	if err != nil {
		t.Fatal(err)
	}
	if got := k.sign(vectorID, vectorTime, []byte(vectorBody)); got != vectorSign {
		t.Fatalf("signature %s, want %s", got, vectorSign)
	}
}

func TestSecretsThatCannotBeUsedAreRefused(t *testing.T) {
	for _, s := range []string{"", "whsec_", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=", "whsec_not base64!", "whsec_AQID"} {
		if _, err := parseSecret(connectors.NewSecret(s)); err == nil {
			t.Errorf("secret %q was taken", s)
		}
	}
}

func TestWebhookIDFollowsKeyAndContent(t *testing.T) {
	a := webhookID("S1-1.2", []byte(`{"v":1}`))
	if a != webhookID("S1-1.2", []byte(`{"v":1}`)) {
		t.Error("a repeat has another webhook-id")
	}
	if a == webhookID("S1-1.2", []byte(`{"v":2}`)) || a == webhookID("S1-1.3", []byte(`{"v":1}`)) {
		t.Error("another document has the same webhook-id")
	}
	for _, r := range a {
		if r == '.' {
			t.Errorf("webhook-id %s holds a dot", a)
		}
	}
}

func receiver(t testing.TB, text map[string]string, secrets map[string]connectors.Secret) *connection {
	t.Helper()
	if secrets == nil {
		secrets = map[string]connectors.Secret{"secret": connectors.NewSecret(vectorSecret)}
	}
	cfg, errs := connectors.NewConfig(Connector().Config, connectors.Values{Text: text, Secrets: secrets})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	c, err := Connector().OpenConnection(t.Context(), cfg, connectors.Env{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*connection)
}

func vectorRequest() connectors.Request {
	return connectors.Request{Method: http.MethodPost, Body: []byte(vectorBody), At: time.Unix(1760000000, 0), Header: http.Header{
		headerID: {vectorID}, headerTimestamp: {vectorTime}, headerSignature: {vectorSign},
	}}
}

func TestReceiveVerifies(t *testing.T) {
	c := receiver(t, nil, nil)
	cases := []struct {
		name   string
		change func(*connectors.Request)
		code   string // empty: taken
		status int
	}{
		{"the vector", func(*connectors.Request) {}, "", 200},
		{"among others", func(r *connectors.Request) { r.Header.Set(headerSignature, "v1a,AAAA v1,AAAA v1,*** "+vectorSign) }, "", 200},
		{"in two headers", func(r *connectors.Request) { r.Header[headerSignature] = []string{"v1,AAAA", vectorSign} }, "", 200},
		{"299 s early", func(r *connectors.Request) { r.At = r.At.Add(-299 * time.Second) }, "", 200},
		{"301 s late", func(r *connectors.Request) { r.At = r.At.Add(301 * time.Second) }, codeTimestamp, 401},
		{"body changed", func(r *connectors.Request) { r.Body = append(r.Body, ' ') }, codeSignature, 401},
		{"id changed", func(r *connectors.Request) { r.Header.Set(headerID, "msg_other") }, codeSignature, 401},
		{"unsigned", func(r *connectors.Request) { r.Header.Del(headerSignature) }, codeSignature, 401},
		{"another version only", func(r *connectors.Request) { r.Header.Set(headerSignature, "v2"+vectorSign[2:]) }, codeSignature, 401},
		{"a dot in the id", func(r *connectors.Request) { r.Header.Set(headerID, "msg.x") }, codeSignature, 401},
		{"a look", func(r *connectors.Request) { r.Method = http.MethodGet }, codeMethod, 405},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			req := vectorRequest()
			tc.change(&req)
			rcv, err := c.Receive(t.Context(), req)
			verdict := connectors.Stored
			if err != nil {
				verdict = connectors.Bad
			}
			if code := codeOf(err); code != tc.code {
				t.Fatalf("code %q, want %q (%v)", code, tc.code, err)
			}
			if got := c.Reply(verdict, rcv, err).Status; got != tc.status {
				t.Errorf("answered %d, want %d", got, tc.status)
			}
			if err == nil && (len(rcv.Items) != 1 || string(rcv.Items[0].Body) != vectorBody || rcv.Items[0].Key != vectorID) {
				t.Errorf("items %+v", rcv.Items)
			}
		})
	}
}

func codeOf(err error) string {
	if e := connectors.AsError(err); e != nil {
		return e.Code
	}
	return ""
}

// signed builds an authentic request around a body.
func signed(t testing.TB, body string) connectors.Request {
	k, err := parseSecret(connectors.NewSecret(vectorSecret))
	if err != nil {
		t.Fatal(err)
	}
	req := vectorRequest()
	req.Body = []byte(body)
	req.Header.Set(headerSignature, k.sign(vectorID, vectorTime, req.Body))
	return req
}

func TestReceiveReadsKeyRootAndVersion(t *testing.T) {
	c := receiver(t, map[string]string{"key_pointer": "/data/id", "root_pointer": "/data/a~1b/0", "version_pointer": "/at"}, nil)
	cases := []struct {
		body string
		want string // key root version, or the code
	}{
		{`{"data":{"id":"A-1","a/b":["R-1"]},"at":7}`, "A-1 R-1 7"},
		{`{"data":{"id":9007199254740993,"a/b":["R-1"]},"at":"2025-10-09T08:53:20+08:00"}`, "9007199254740993 R-1 1759971200000000"},
		{`{"data":{"id":"A-1","a/b":[]},"at":7}`, codePointer},
		{`{"data":{"id":"","a/b":["R-1"]},"at":7}`, codePointer},
		{`{"data":{"id":"A-1","a/b":["R-1"]},"at":"yesterday"}`, codePointer},
		{`{"data":{"id":"A-1"`, codeBody},
		{`{} {}`, codeBody},
	}
	for _, tc := range cases {
		rcv, err := c.Receive(t.Context(), signed(t, tc.body))
		got := codeOf(err)
		if err == nil {
			it := rcv.Items[0]
			got = fmt.Sprint(it.Key, " ", it.Root, " ", it.Version)
		} else if status := c.Reply(connectors.Bad, rcv, err).Status; status != 400 {
			t.Errorf("%s: answered %d, want 400", tc.body, status)
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s (%v)", tc.body, got, tc.want, err)
		}
	}
}

func TestReplyWhenBusyAsksToComeAgain(t *testing.T) {
	r := receiver(t, nil, nil).Reply(connectors.Busy, connectors.Received{}, nil)
	if r.Status != 503 || r.Header.Get("Retry-After") == "" {
		t.Fatalf("answered %d with %v", r.Status, r.Header)
	}
}

func TestOldSecretIsAcceptedBesideTheNewOne(t *testing.T) {
	fresh := connectors.NewSecret("whsec_aW52ZW50ZWQtc2VjcmV0LWZvci10aGUtdGVzdHM=")
	c := receiver(t, nil, map[string]connectors.Secret{"secret": fresh, "old_secret": connectors.NewSecret(vectorSecret)})
	if _, err := c.Receive(t.Context(), vectorRequest()); err != nil {
		t.Error(err)
	}
	c = receiver(t, nil, map[string]connectors.Secret{"secret": fresh})
	if _, err := c.Receive(t.Context(), vectorRequest()); connectors.AsError(err) == nil {
		t.Error("a signature of a forgotten secret was taken")
	}
}

func TestConfigurationErrorsNameTheField(t *testing.T) {
	for field, v := range map[string]connectors.Values{
		"secret":          {Secrets: map[string]connectors.Secret{"secret": connectors.NewSecret("hunter2")}},
		"old_secret":      {Secrets: map[string]connectors.Secret{"secret": connectors.NewSecret(vectorSecret), "old_secret": connectors.NewSecret("whsec_A")}},
		"version_pointer": {Text: map[string]string{"version_pointer": "version"}, Secrets: map[string]connectors.Secret{"secret": connectors.NewSecret(vectorSecret)}},
		"key_pointer":     {Text: map[string]string{"key_pointer": "/a~2"}, Secrets: map[string]connectors.Secret{"secret": connectors.NewSecret(vectorSecret)}},
	} {
		cfg, errs := connectors.NewConfig(Connector().Config, v)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		_, err := Connector().OpenConnection(t.Context(), cfg, connectors.Env{})
		fe, ok := err.(*connectors.FieldError)
		if !ok || fe.Field != field {
			t.Errorf("error %v, want one of field %s", err, field)
		}
	}
}

func FuzzReceive(f *testing.F) {
	for _, b := range []string{vectorBody, `{"k":[1,{"v":"2025-10-09T08:53:20Z"}]}`, `[]`, `7`, `{"k":`} {
		f.Add(b)
	}
	c := receiver(f, map[string]string{"key_pointer": "/k/0", "version_pointer": "/k/1/v"}, nil)
	f.Fuzz(func(t *testing.T, body string) {
		rcv, err := c.Receive(t.Context(), signed(t, body))
		if (err == nil) != (len(rcv.Items) == 1) {
			t.Fatalf("%d items, error %v", len(rcv.Items), err)
		}
		if err == nil && rcv.Items[0].Key == "" {
			t.Fatal("an item without a key")
		}
	})
}
