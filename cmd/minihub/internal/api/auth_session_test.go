package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
)

const password = "an invented password"

// add makes a person with the password.
func (h *hub) add(name string, roles ...string) {
	h.Helper()
	b, _ := json.Marshal(api.PersonRequest{Name: name, Roles: roles, Password: password})
	if got := h.call("POST", "/api/v1/people", string(b), bearer(h.token)); got.status != http.StatusOK {
		h.Fatalf("%d %s", got.status, got.body)
	}
}

// signIn returns what a browser then sends: the cookie, and with it the token against
// forged calls.
func (h *hub) signIn(name string) (me api.Me, cookie, both func(*http.Request)) {
	h.Helper()
	got := h.call("POST", "/api/v1/session", `{"name":"`+name+`","password":"`+password+`"}`)
	h.into(got, &me)
	if len(got.cookies) != 1 {
		h.Fatalf("%d cookies", len(got.cookies))
	}
	c := got.cookies[0]
	if c.Name != "minihub" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure || c.Domain != "" || !c.Expires.IsZero() {
		h.Fatalf("cookie %+v", c)
	}
	cookie = func(r *http.Request) { r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value}) }
	return me, cookie, func(r *http.Request) {
		cookie(r)
		r.Header.Set("X-CSRF-Token", me.CSRF)
	}
}

func (h *hub) want(what string, got answer, status int, code string) {
	h.Helper()
	if got.status != status || got.code != code {
		h.Errorf("%s: %d %s, want %d %s", what, got.status, got.code, status, code)
	}
}

func TestAPersonSignsInAndOut(t *testing.T) {
	h := newHub(t)
	link, err := h.app.FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	address, secret, _ := strings.Cut(link, "#invite=")
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the page of the link: %d", resp.StatusCode)
	}
	invite := `{"invite":"` + secret + `","name":"Chief","password":"` + password + `"}`
	h.want("a forged invite", h.call("POST", "/api/v1/invite", invite, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }), 403, "api.csrf")
	var chief api.Me
	h.into(h.call("POST", "/api/v1/invite", invite), &chief)
	if chief.Name != "chief" || chief.Kind != "person" || len(chief.Rights) != 8 {
		t.Fatalf("%+v", chief)
	}
	h.want("the link again", h.call("POST", "/api/v1/invite", invite), 401, "invite.refused")

	h.add("anna", "support")
	for name, in := range map[string]string{"a wrong password": `{"name":"anna","password":"wrong password"}`, "a wrong name": `{"name":"nobody","password":"` + password + `"}`} {
		got := h.call("POST", "/api/v1/session", in)
		h.want(name, got, 401, "session.refused")
		if len(got.cookies) > 0 || strings.Contains(string(got.body), "anna") {
			t.Errorf("%s: %s %v", name, got.body, got.cookies)
		}
	}
	if rows := h.audit("sign_in"); len(rows) != 2 || rows[0].Who+" "+rows[1].Who != "? anna" && rows[0].Who+" "+rows[1].Who != "anna ?" || rows[0].Phase != "refused" {
		t.Errorf("refused sign-ins: %+v", rows)
	}
	me, cookie, both := h.signIn("anna")
	var again api.Me
	h.into(h.call("GET", "/api/v1/session", "", cookie), &again)
	if again.Name != "anna" || again.CSRF != me.CSRF || again.CSRF == "" {
		t.Fatalf("%+v, then %+v", me, again)
	}
	put := `{"table":"colours","key":"red","value":"RED","who":"somebody else","why":"a test"}`
	h.want("without the token against forgery", h.call("POST", "/api/v1/lookups", put, cookie), 403, "api.csrf")
	h.want("with a wrong one", h.call("POST", "/api/v1/lookups", put, cookie, func(r *http.Request) { r.Header.Set("X-CSRF-Token", "x") }), 403, "api.csrf")
	h.want("from another site", h.call("POST", "/api/v1/lookups", put, both, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }), 403, "api.csrf")
	h.want("with it", h.call("POST", "/api/v1/lookups", put, both), 200, "")
	h.want("without the right", h.call("POST", "/api/v1/connections/crm/pause", "{}", both), 403, "api.forbidden")
	if hist, err := h.app.Ledger().LookupHistory(t.Context(), "colours", "red"); err != nil || len(hist) != 1 || hist[0].Who != "anna" {
		t.Errorf("who changed it is not who was signed in: %+v %v", hist, err)
	}

	h.want("a wrong old password", h.call("POST", "/api/v1/session/password", `{"old":"wrong password","new":"another invented one"}`, both), 401, "session.refused")
	h.want("a short new password", h.call("POST", "/api/v1/session/password", `{"old":"`+password+`","new":"short"}`, both), 400, "person.input")
	h.want("a token's password", h.call("POST", "/api/v1/session/password", `{"old":"`+password+`","new":"another invented one"}`, bearer(h.newToken("admin"))), 409, "person.none")
	_, second, _ := h.signIn("anna")
	changed := h.call("POST", "/api/v1/session/password", `{"old":"`+password+`","new":"another invented one"}`, both)
	h.want("a new password", changed, 200, "")
	h.want("another session after it", h.call("GET", "/api/v1/session", "", second), 401, "api.token")
	h.want("the session that changed it", h.call("GET", "/api/v1/session", "", func(r *http.Request) { r.AddCookie(changed.cookies[0]) }), 200, "")

	h.add("bert", "viewer")
	_, cookie, both = h.signIn("bert")
	h.want("signing out without the token", h.call("DELETE", "/api/v1/session", "", cookie), 403, "api.csrf")
	h.want("signing out", h.call("DELETE", "/api/v1/session", "", both), 200, "")
	h.want("after it", h.call("GET", "/api/v1/session", "", cookie), 401, "api.token")
	_, _, both = h.signIn("bert")
	h.want("disabling", h.call("POST", "/api/v1/people/bert", `{"disabled":true}`, bearer(h.token)), 200, "")
	h.want("a disabled person", h.call("GET", "/api/v1/session", "", both), 401, "api.token")
}

func TestGuessingIsRefused(t *testing.T) {
	h := newHub(t)
	h.add("anna", "support")
	in := `{"name":"anna","password":"wrong password"}`
	n := 0
	for ; n < 30; n++ {
		if got := h.call("POST", "/api/v1/session", in); got.status == http.StatusTooManyRequests {
			h.want("too many", got, 429, "session.locked")
			break
		}
	}
	if n != 8 {
		t.Fatalf("%d guesses went through", n)
	}
	h.want("the right password then", h.call("POST", "/api/v1/session", `{"name":"anna","password":"`+password+`"}`), 429, "session.locked")
}

func TestAnAdminDoesNotChangeThemselves(t *testing.T) {
	h := newHub(t)
	h.add("chief", "admin")
	_, _, both := h.signIn("chief")
	h.want("own roles", h.call("POST", "/api/v1/people/chief", `{"roles":["viewer"]}`, both), 409, "person.self")
	h.want("disabling oneself", h.call("POST", "/api/v1/people/Chief", `{"disabled":true}`, both), 409, "person.self")
	h.want("nothing", h.call("POST", "/api/v1/people/anna", `{}`, both), 400, "person.nothing")
	h.want("nobody", h.call("POST", "/api/v1/people/anna", `{"disabled":true}`, both), 404, "api.unknown_person")
	h.want("nobody's password", h.call("POST", "/api/v1/people/anna/password", `{}`, both), 404, "api.unknown_person")
}

// Behind a proxy that is trusted the browser speaks TLS; nobody else may say so.
func TestOnlyATrustedProxySaysWhereACallComesFrom(t *testing.T) {
	h := newHub(t)
	h.add("anna", "support")
	for _, c := range []struct {
		name, forwarded, from string
		proxies               []netip.Prefix
		cookie                string
	}{
		{"nobody is trusted", "203.0.113.9", "127.0.0.1", nil, "minihub"},
		{"another is trusted", "203.0.113.9", "127.0.0.1", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "minihub"},
		{"the proxy is trusted", "203.0.113.9", "203.0.113.9", []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, "__Host-minihub"},
		{"a claimed address before it", "198.51.100.1, 203.0.113.9", "203.0.113.9", []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, "__Host-minihub"},
		{"two proxies", "203.0.113.9, 10.0.0.2", "203.0.113.9", []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8")}, "__Host-minihub"},
		{"nonsense", "here", "127.0.0.1", []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, "__Host-minihub"},
	} {
		a := api.New(api.Options{Ledger: h.app.Ledger(), Token: "invented", Proxies: c.proxies})
		req := httptest.NewRequest("POST", "/api/v1/session", strings.NewReader(`{"name":"anna","password":"`+password+`"}`))
		req.RemoteAddr = "127.0.0.1:4711"
		req.Header.Set("X-Forwarded-For", c.forwarded)
		req.Header.Set("X-Forwarded-Proto", "https")
		w := httptest.NewRecorder()
		a.ServeHTTP(w, req)
		got := w.Result().Cookies()
		if w.Code != http.StatusOK || len(got) != 1 || got[0].Name != c.cookie || got[0].Secure != (c.cookie != "minihub") {
			t.Errorf("%s: %d %s %+v", c.name, w.Code, w.Body, got)
		}
		if rows := h.audit("sign_in"); rows[0].From != c.from {
			t.Errorf("%s: it came from %s, want %s", c.name, rows[0].From, c.from)
		}
	}
}

// post sends a document to the hub's intake and waits until it is a message.
func (h *hub) post(body, key string) int64 {
	h.Helper()
	s := webhooksim.Sender{URL: h.app.IntakeURL() + "/in/shop", Secret: hookSecret}
	if a, err := s.Send(h.Context(), webhooksim.Outgoing{ID: "msg_" + key, Body: []byte(body)}); err != nil || a.Status != http.StatusOK {
		h.Fatalf("%+v %v", a, err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-tick.C {
		var out struct {
			Messages []api.Found `json:"messages"`
		}
		h.into(h.call("GET", "/api/v1/messages?key="+key, "", bearer(h.token)), &out)
		if len(out.Messages) == 1 {
			return out.Messages[0].Message
		}
	}
	h.Fatal("the message does not come")
	return 0
}

func TestOneFieldIsRevealedWithAReason(t *testing.T) {
	h := newHub(t)
	id := h.post(`{"no":"A-1","version":1,"kind":"made","colour":"green"}`, "A-1")
	h.add("anna", "support")
	_, _, both := h.signIn("anna")
	path := "/api/v1/messages/" + strconv.FormatInt(id, 10) + "/reveal"
	before := h.audit("reveal")
	for name, c := range map[string]struct {
		body, code string
		status     int
	}{
		"no reason":     {`{"pointer":"/no"}`, "reveal.reason", 400},
		"a short one":   {`{"pointer":"/no","reason":" x  "}`, "reveal.reason", 400},
		"no pointer":    {`{"pointer":"no","reason":"the courier asks"}`, "reveal.pointer", 400},
		"no such field": {`{"pointer":"/phone","reason":"the courier asks"}`, "reveal.pointer", 404},
		"everything":    {`{"pointer":"","reason":"the courier asks"}`, "reveal.pointer", 400},
		"a strange key": {`{"pointer":"/no","reason":"the courier asks","all":true}`, "api.body", 400},
		"no delivery":   {`{"pointer":"/no","reason":"the courier asks","delivery":99999}`, "api.not_found", 404},
		"a call alone":  {`{"reason":"the courier asks","try":1,"call":1}`, "reveal.call", 400},
		"a field of it": {`{"pointer":"/no","reason":"the courier asks","delivery":99999,"try":1,"call":1}`, "reveal.call", 400},
	} {
		h.want(name, h.call("POST", path, c.body, both), c.status, c.code)
	}
	h.want("no message", h.call("POST", "/api/v1/messages/99999/reveal", `{"pointer":"/no","reason":"the courier asks"}`, both), 404, "api.not_found")
	if after := h.audit("reveal"); len(after) != len(before) {
		t.Errorf("what was not shown is in the audit: %+v", after)
	}
	other := h.post(`{"no":"A-2","version":1,"kind":"made"}`, "A-2")
	d := h.deliveryOf(other)
	ask := `{"pointer":"/nothing","reason":"the courier asks","delivery":` + strconv.FormatInt(d, 10) + `}`
	h.want("another message's delivery", h.call("POST", path, ask, both), 404, "api.not_found")
	h.want("its own message's", h.call("POST", "/api/v1/messages/"+strconv.FormatInt(other, 10)+"/reveal", ask, both), 404, "reveal.pointer")
	var out struct{ Pointer, Value string }
	h.into(h.call("POST", path, `{"pointer":"/no","reason":"the courier asks"}`, both), &out)
	if out.Value != "A-1" {
		t.Fatalf("%+v", out)
	}
	rows := h.audit("reveal")
	if len(rows) != 1 || rows[0].Who != "anna" || rows[0].Why != "the courier asks" || rows[0].Target != "message "+strconv.FormatInt(id, 10) ||
		rows[0].Detail["pointer"] != "/no" || rows[0].From != "127.0.0.1" {
		t.Fatalf("%+v", rows)
	}
	for _, r := range rows {
		if b, _ := json.Marshal(r); strings.Contains(string(b), "A-1") {
			t.Errorf("the value is in the audit: %s", b)
		}
	}
}

// What went over the wire is shown masked, and one call of it as it was, with a reason.
func TestOneCallIsRevealedWithAReason(t *testing.T) {
	h := newHub(t)
	id := h.post(`{"no":"A-1","version":1,"kind":"made","title":"call 13800005678"}`, "A-1")
	d := h.deliveryOf(id)
	h.add("anna", "support")
	_, _, both := h.signIn("anna")
	var shown api.Calls
	h.into(h.call("GET", "/api/v1/deliveries/"+strconv.FormatInt(d, 10)+"/calls", "", both), &shown)
	if shown.Message != id || len(shown.Tries) != 1 || len(shown.Tries[0].Calls) != 1 {
		t.Fatalf("%+v", shown)
	}
	c := shown.Tries[0].Calls[0]
	if c.Request.Format != "json" || c.Request.Bytes == 0 || !strings.Contains(c.Request.Text, "A-1") || strings.Contains(c.Request.Text, "13800005678") || c.Request.Hidden == 0 {
		t.Errorf("the request is shown as %+v", c.Request)
	}
	path := "/api/v1/messages/" + strconv.FormatInt(id, 10) + "/reveal"
	ask := func(try, call int) string {
		return fmt.Sprintf(`{"reason":"the vendor asks","delivery":%d,"try":%d,"call":%d}`, d, try, call)
	}
	h.want("another try", h.call("POST", path, ask(2, 1), both), 404, "reveal.call")
	h.want("another call", h.call("POST", path, ask(1, 2), both), 404, "reveal.call")
	h.want("the last one but none", h.call("POST", path, ask(1, -1), both), 400, "reveal.call")
	var out struct{ Request, Response string }
	h.into(h.call("POST", path, ask(1, 1), both), &out)
	if !strings.Contains(out.Request, "13800005678") {
		t.Fatalf("%+v", out)
	}
	rows := h.audit("reveal")
	if len(rows) != 1 || rows[0].Why != "the vendor asks" || rows[0].Detail["try"] != "1" || rows[0].Detail["call"] != "1" || rows[0].Detail["delivery"] != strconv.FormatInt(d, 10) {
		t.Fatalf("%+v", rows)
	}
	h.want("nobody's calls", h.call("GET", "/api/v1/deliveries/99999/calls", "", both), 404, "api.not_found")
}

// deliveryOf waits until a message has a delivery with a document.
func (h *hub) deliveryOf(message int64) int64 {
	h.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-tick.C {
		var m api.Message
		h.into(h.call("GET", "/api/v1/messages/"+strconv.FormatInt(message, 10), "", bearer(h.token)), &m)
		if len(m.Deliveries) == 1 && m.Deliveries[0].State == "delivered" {
			return m.Deliveries[0].ID
		}
	}
	h.Fatal("the message is not delivered")
	return 0
}

// audit returns the entries of an act, newest first.
func (h *hub) audit(act string) []api.AuditRow {
	h.Helper()
	var out struct {
		Entries []api.AuditRow `json:"entries"`
	}
	h.into(h.call("GET", "/api/v1/audit?act="+act, "", bearer(h.token)), &out)
	return out.Entries
}

func TestTheLastAdminStaysOne(t *testing.T) {
	h := newHub(t)
	h.add("chief", "admin")
	h.add("deputy", "admin")
	_, _, chief := h.signIn("chief")
	_, _, deputy := h.signIn("deputy")
	for name, body := range map[string]string{"roles": `{"roles":["viewer"]}`, "block": `{"disabled":true}`} {
		h.want("one's own "+name, h.call("POST", "/api/v1/people/chief", body, chief), 409, "person.self")
	}
	// Each takes it from the other: the one who comes second is no admin any more.
	h.want("one of two", h.call("POST", "/api/v1/people/deputy", `{"roles":["ops"]}`, chief), 200, "")
	h.want("no longer an admin", h.call("POST", "/api/v1/people/chief", `{"roles":["ops"]}`, deputy), 403, "api.forbidden")
	for name, body := range map[string]string{"roles": `{"roles":["viewer"]}`, "block": `{"disabled":true}`} {
		h.want("the last one's "+name, h.call("POST", "/api/v1/people/chief", body, bearer(h.token)), 409, "person.last_admin")
	}
	h.want("more roles", h.call("POST", "/api/v1/people/chief", `{"roles":["admin","ops"]}`, bearer(h.token)), 200, "")
	if rows := h.audit("person.change"); len(rows) != 3 || rows[1].Phase != "refused" {
		t.Errorf("the audit tells of %+v", rows)
	}
}

func TestOneSeesAndEndsOnesSessions(t *testing.T) {
	h := newHub(t)
	h.add("anna", "viewer")
	h.add("bert", "viewer")
	_, _, here := h.signIn("anna")
	_, there, _ := h.signIn("anna")
	_, other, _ := h.signIn("bert")
	var out struct {
		Sessions []api.SessionRow `json:"sessions"`
	}
	h.into(h.call("GET", "/api/v1/sessions", "", here), &out)
	if len(out.Sessions) != 2 || out.Sessions[0].Current == out.Sessions[1].Current || out.Sessions[0].From != "127.0.0.1" {
		t.Fatalf("%+v", out)
	}
	var list struct {
		People []api.PersonRow `json:"people"`
	}
	h.into(h.call("GET", "/api/v1/people", "", bearer(h.token)), &list)
	if len(list.People) != 2 || time.Since(list.People[0].SignedIn) > time.Minute {
		t.Errorf("%+v", list)
	}
	h.want("without proof", h.call("DELETE", "/api/v1/sessions", "", there), 403, "api.csrf")
	h.want("everywhere", h.call("DELETE", "/api/v1/sessions", "", here), 200, "")
	h.want("here", h.call("GET", "/api/v1/session", "", here), 401, "api.token")
	h.want("there", h.call("GET", "/api/v1/session", "", there), 401, "api.token")
	h.want("somebody else", h.call("GET", "/api/v1/session", "", other), 200, "")
	h.want("a program", h.call("DELETE", "/api/v1/sessions", "", bearer(h.newToken("viewer"))), 409, "person.none")
}

func TestEveryChangeIsWrittenDown(t *testing.T) {
	h := newHub(t)
	ops := bearer(h.newToken("ops"))
	viewer := bearer(h.newToken("viewer"))
	h.want("pause", h.call("POST", "/api/v1/connections/crm/pause", `{"why":"maintenance","who":"somebody else"}`, ops), 200, "")
	h.want("pause what is not there", h.call("POST", "/api/v1/connections/cmr/pause", `{}`, ops), 404, "api.unknown_connection")
	h.want("pause without the right", h.call("POST", "/api/v1/connections/crm/pause", `{}`, viewer), 403, "api.forbidden")
	rows := h.audit("pause")
	type short struct{ who, on, phase, code, why string }
	var got []short
	for _, r := range rows {
		got = append(got, short{r.Who, r.Target, r.Phase, r.Code, r.Why})
	}
	want := []short{{"token:viewer", "", "refused", "api.forbidden", ""},
		{"token:ops", "connection cmr", "failed", "api.unknown_connection", ""}, {"token:ops", "connection cmr", "intent", "", ""},
		{"token:ops", "connection crm", "done", "", ""}, {"token:ops", "connection crm", "intent", "", "maintenance"}}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("entry %d: %+v, want %+v", i, got[i], want[i])
		}
	}
	if rows[1].Of != rows[2].ID || rows[3].Of != rows[4].ID {
		t.Errorf("ends do not name their intents: %+v", rows)
	}
	gates, err := h.app.Ledger().Gates(t.Context())
	if err != nil || len(gates) != 1 || gates[0].Who != "token:ops" {
		t.Errorf("the gate: %+v %v", gates, err)
	}
	h.want("counting what would be replayed", h.call("POST", "/api/v1/replay", `{"delivery":7,"plan":true}`, ops), 200, "")
	if rows := h.audit("replay"); len(rows) != 0 {
		t.Errorf("a plan is in the audit: %+v", rows)
	}
	h.want("replaying", h.call("POST", "/api/v1/replay", `{"message":99,"mode":"re-map"}`, ops), 404, "api.not_found")
	if rows := h.audit("replay"); len(rows) != 2 || rows[1].Detail["message"] != "99" || rows[1].Detail["mode"] != "re-map" {
		t.Errorf("%+v", rows)
	}
	h.want("a body that is none", h.call("POST", "/api/v1/replay", `{`, ops), 400, "api.body")
	h.want("one too large", h.call("POST", "/api/v1/replay", `{"mode":"`+strings.Repeat("x", 2<<20)+`"}`, ops), 413, "api.too_large")
	var v struct {
		Entries int64 `json:"entries"`
		Broken  int64 `json:"broken"`
	}
	h.into(h.call("GET", "/api/v1/audit/verify", "", ops), &v)
	if v.Entries < 10 || v.Broken != 0 {
		t.Errorf("%+v", v)
	}
}
