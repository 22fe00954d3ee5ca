package salesforcesim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

func TestToken(t *testing.T) {
	b := start(t, Options{})
	good := []string{"grant_type", "client_credentials", "client_id", "sim-sf-client-id", "client_secret", "sim-sf-client-secret-not-real"}
	tok := b.form(good...).object()
	if tok["token_type"] != "Bearer" || tok["instance_url"] != b.url || tok["expires_in"] != nil || tok["refresh_token"] != nil {
		t.Errorf("%v", tok)
	}
	mac := hmac.New(sha256.New, []byte("sim-sf-client-secret-not-real"))
	mac.Write([]byte(tok["id"].(string) + tok["issued_at"].(string)))
	if tok["signature"] != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		t.Error("signature of id and issued_at does not hold")
	}
	for want, pairs := range map[string][]string{
		"unsupported_grant_type": {"grant_type", "password"},
		"invalid_client_id":      {"grant_type", "client_credentials", "client_id", "x"},
		"invalid_client":         {"grant_type", "client_credentials", "client_id", "sim-sf-client-id", "client_secret", "x"},
	} {
		a := b.form(pairs...)
		if a.status != 400 || a.object()["error"] != want {
			t.Errorf("%s: %d %s", want, a.status, a.raw)
		}
	}
	if c := b.count("oauth2/token"); c.Refused != 3 {
		t.Errorf("%+v", c)
	}
}

func TestSessionTimesOutWhenIdle(t *testing.T) {
	b := start(t, Options{SessionTimeout: time.Hour})
	for range 3 {
		b.clock.add(59 * time.Minute)
		b.call(http.MethodGet, "limits", "").want("in use", 200, "")
	}
	b.clock.add(time.Hour)
	b.call(http.MethodGet, "limits", "").want("idle", 401, "INVALID_SESSION_ID")
	b.token = b.login()
	b.call(http.MethodGet, "limits", "").want("new token", 200, "")
	b.ExpireSessions()
	b.call(http.MethodGet, "limits", "").want("ended", 401, "INVALID_SESSION_ID")
}

// At the limit the next call is refused and counted as the caller's own fault.
func TestDailyLimit(t *testing.T) {
	b := start(t, Options{DailyLimit: 6, Options: simkit.Options{LimitScale: 0.5}})
	for i := range 3 {
		a := b.call(http.MethodGet, "limits", "")
		if want := []string{"api-usage=1/3", "api-usage=2/3", "api-usage=3/3"}[i]; a.header.Get("Sforce-Limit-Info") != want {
			t.Errorf("header %q, want %q", a.header.Get("Sforce-Limit-Info"), want)
		}
	}
	a := b.call(http.MethodGet, "limits", "")
	a.want("fourth", 403, "REQUEST_LIMIT_EXCEEDED")
	if a.header.Get("Sforce-Limit-Info") != "api-usage=3/3" {
		t.Errorf("header %q", a.header.Get("Sforce-Limit-Info"))
	}
	if c := b.count("limits"); c.RateLimited != 1 || c.Refused != 1 {
		t.Errorf("%+v", c)
	}
	b.clock.add(24 * time.Hour)
	b.token = b.login()
	b.call(http.MethodGet, "limits", "").want("next day", 200, "")
}

func TestRoutes(t *testing.T) {
	b := start(t, Options{})
	b.call(http.MethodGet, "sobjects/Nothing__c/External_Id__c/1", "").want("unknown object", 404, "NOT_FOUND")
	b.call(http.MethodGet, "sobjects/Contact/LastName/x", "").want("no external id", 404, "NOT_FOUND")
	b.call(http.MethodGet, "sobjects/Contact/MemberNo__c/x", "").want("absent", 404, "NOT_FOUND")
	b.call(http.MethodPut, "sobjects/Contact", "{}").want("PUT", 405, "METHOD_NOT_ALLOWED")
	b.call(http.MethodPost, "limits", "{}").want("POST limits", 405, "METHOD_NOT_ALLOWED")
	b.call(http.MethodGet, "nowhere", "").want("no route", 404, "NOT_FOUND")
	b.call(http.MethodPatch, "sobjects/Contact/MemberNo__c/x", "not json").want("bad JSON", 400, "JSON_PARSER_ERROR")
	b.call(http.MethodGet, "query?q="+strings.Repeat("x", 17000), "").want("too long", 414, "URI_TOO_LONG")
	req, err := http.NewRequest(http.MethodPatch, b.url+v67+"sobjects/Contact/MemberNo__c/x", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	req.Header.Set("Content-Type", "text/plain")
	b.do(req).want("text", 415, "UNSUPPORTED_MEDIA_TYPE")
	req, err = http.NewRequest(http.MethodGet, b.url+"/services/data/v99.0/limits", nil)
	if err != nil {
		t.Fatal(err)
	}
	b.do(req).want("future version", 404, "NOT_FOUND")
	req, err = http.NewRequest(http.MethodGet, b.url+"/services/data/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := b.do(req); a.status != 200 || !strings.Contains(string(a.raw), `"version":"67.0"`) {
		t.Errorf("versions: %d", a.status)
	}
	d := b.call(http.MethodGet, "sobjects/TransactionLine__c/describe", "").object()
	if d["keyPrefix"] != "a02" || !strings.Contains(string(encode(d)), `"relationshipName":"Transaction__r"`) {
		t.Errorf("describe: %v", d["keyPrefix"])
	}
}

func TestFaultsInTheVendorsWords(t *testing.T) {
	b := start(t, Options{})
	b.fault(simkit.Fault{Kind: simkit.RateLimit, Call: "limits", Count: 1})
	b.fault(simkit.Fault{Kind: simkit.ErrorBody, Call: "query", Code: "SERVER_UNAVAILABLE", Count: 1})
	a := b.call(http.MethodGet, "limits", "")
	a.want("rate limit", 403, "REQUEST_LIMIT_EXCEEDED")
	if a.header.Get("Sforce-Limit-Info") == "" {
		t.Error("no limit header")
	}
	b.query("SELECT Id FROM Contact").want("error body", 503, "SERVER_UNAVAILABLE")
	b.fault(simkit.Fault{Kind: simkit.TokenExpiry, Call: "limits", Count: 1})
	b.call(http.MethodGet, "limits", "").want("token expiry", 401, "INVALID_SESSION_ID")
	if c := b.count("limits"); c.RateLimited != 0 || c.Faulted != 2 || c.Refused != 1 {
		t.Errorf("%+v", c)
	}
}

func TestSchema(t *testing.T) {
	if _, err := NewSchema(DefaultObjects()); err != nil {
		t.Fatal(err)
	}
	for name, objects := range map[string][]Object{
		"prefix":    {{Name: "A__c", Prefix: "a1"}},
		"twice":     {{Name: "A__c", Prefix: "a11", Fields: []Field{{Name: "X"}, {Name: "x"}}}},
		"reference": {{Name: "A__c", Prefix: "a11", Fields: []Field{{Name: "B__c", Type: Reference, ReferenceTo: "B__c"}}}},
		"same":      {{Name: "A__c", Prefix: "a11"}, {Name: "B__c", Prefix: "a11"}},
	} {
		if _, err := NewSchema(objects); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOtherObjects(t *testing.T) {
	schema, err := NewSchema(append(DefaultObjects(), Object{Name: "Coupon__c", Prefix: "a09", Fields: []Field{
		{Name: "Code__c", Type: Text, ExternalID: true, Unique: true}, {Name: "Uses__c", Type: Int}}}))
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, Options{Schema: schema})
	b.call(http.MethodPatch, "sobjects/Coupon__c/Code__c/C-1", `{"Uses__c":3}`).want("create", 201, "")
	if got := b.call(http.MethodGet, "sobjects/Coupon__c/Code__c/C-1", "").object(); got["Uses__c"] != json.Number("3") {
		t.Errorf("%v", got)
	}
}
