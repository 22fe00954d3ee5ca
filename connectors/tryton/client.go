package tryton

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/token"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/schemas/codec"
)

// client calls one database with a session.
type client struct {
	http     *vendorhttp.Client
	url      string
	username string
	password connectors.Secret
	company  string
	language string
	sessions *token.Cache

	mu   sync.Mutex
	user user
}

// user is who is logged in and the context of its calls.
type user struct {
	id      id
	company id
}

func newClient(cfg connectors.Config, rt http.RoundTripper, now func() time.Time) *client {
	c := &client{
		// A failed login delays its answer, up to most of a minute.
		http:     vendorhttp.New(vendorhttp.Options{Transport: rt, Timeout: 75 * time.Second}),
		url:      strings.TrimRight(cfg.String("base_url"), "/") + "/" + url.PathEscape(cfg.String("database")) + "/",
		username: cfg.String("username"),
		password: cfg.Secret("password"),
		company:  strings.TrimSpace(cfg.String("company")),
		language: cfg.String("language"),
	}
	c.sessions = token.New(c.login, 0, now)
	return c
}

// CredentialEnds implements connectors.Expirer: a session has no end that is told.
func (c *conn) CredentialEnds() []connectors.Credential {
	t, ok := c.sessions.Current()
	if !ok {
		return nil
	}
	return []connectors.Credential{{Name: "session", Ends: t.Expires, Renews: true}}
}

// run is the calls of one delivery, look-up or page; it keeps their exchanges.
type run struct {
	*conn
	made  []connectors.Exchange
	wrote bool // there is a sale, or the taking back of one, in the making
}

func (c *conn) run() *run { return &run{conn: c} }

// call calls a method with the user's context as its last parameter and reads the
// result into out.
func (r *run) call(ctx context.Context, out any, method string, params ...any) *connectors.Error {
	return r.callOn(ctx, 0, out, method, params...)
}

// callOn calls like a client that has a sale open, as wizards need it; 0 is none. A
// session that the server no longer knows is replaced and the call repeated once: it was
// refused before execution.
func (r *run) callOn(ctx context.Context, sale id, out any, method string, params ...any) *connectors.Error {
	for again := false; ; again = true {
		tok, err := r.sessions.Get(ctx)
		if err != nil {
			return loginError(err)
		}
		who := r.who()
		context := map[string]any{"company": int64(who.company), "language": r.language}
		if sale != 0 {
			context["active_model"], context["active_id"], context["active_ids"] = "sale.sale", int64(sale), ids(sale)
		}
		ans, verr := r.post(ctx, tok.Value, method, append(append([]any{}, params...), context), false)
		r.made = append(r.made, ans.Exchange)
		if verr == nil && ans.Status == http.StatusUnauthorized {
			r.sessions.Drop(tok)
			if !again {
				continue
			}
			verr = &connectors.Error{Kind: connectors.Unauthorized, Scope: all, Code: "tryton.session",
				Text: "the server does not know the session that it has just given out"}
		}
		if verr == nil {
			verr = result(ans, out)
		}
		if verr != nil && reads(method) {
			verr.Sent = false
		}
		return verr
	}
}

// reads tells the methods that change nothing, whatever becomes of them. To open and to
// close a wizard changes nothing but the user's session.
func reads(method string) bool {
	if strings.HasPrefix(method, "wizard.") {
		return !strings.HasSuffix(method, ".execute")
	}
	switch method[strings.LastIndexByte(method, '.')+1:] {
	case "read", "search", "search_read", "search_count", "get_preferences", "today":
		return true
	}
	return false
}

func (c *client) who() user {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.user
}

// post makes one call. The envelope must have exactly these three members: with another
// one the server answers in another manner.
func (c *client) post(ctx context.Context, session connectors.Secret, method string, params []any, quiet bool) (*vendorhttp.Answer, *connectors.Error) {
	body, err := codec.Encode(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		return &vendorhttp.Answer{}, &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "tryton.request",
			Text: "the call cannot be written as JSON", Err: err}
	}
	h := http.Header{"Content-Type": {"application/json"}}
	if !session.Empty() {
		h.Set("Authorization", "Session "+session.Reveal())
	}
	return c.http.Do(ctx, vendorhttp.Call{Method: http.MethodPost, URL: c.url, Header: h, Body: body, Quiet: quiet, Reads: !quiet && reads(method) && !strings.HasPrefix(method, "wizard.")})
}

// result reads the envelope of an answer.
func result(ans *vendorhttp.Answer, out any) *connectors.Error {
	if e := statusError(ans); e != nil {
		return e
	}
	if ans.IsHTML() {
		return &connectors.Error{Kind: connectors.Unavailable, Scope: all, Code: "http.html", Sent: true,
			Text: "a web page came where a document was expected"}
	}
	var env struct {
		ID     json.Number     `json:"id"`
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := codec.Unmarshal(ans.Body, &env); err != nil {
		e := unreadable(ans.Body, "the answer is not one JSON envelope")
		e.Err = err
		return e
	}
	switch {
	case len(env.Error) > 0 && string(env.Error) != "null":
		return rpcError(env.Error)
	case env.ID != "1" || len(env.Result) == 0:
		return unreadable(ans.Body, "the answer does not belong to the call")
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(env.Result, out); err != nil {
		return unreadable(ans.Body, "the result has another shape than the server's series promises")
	}
	return nil
}

// login opens a session (common.db.login) and learns the user's company.
func (c *client) login(ctx context.Context, _ bool) (token.Token, error) {
	var got []json.RawMessage // user id, session key, and a third element in later series
	err := c.quiet(ctx, connectors.Secret{}, &got, "common.db.login", c.username, map[string]any{"password": c.password.Reveal()}, c.language)
	if err != nil {
		return token.Token{}, err
	}
	var who user
	var key string
	if len(got) < 2 || json.Unmarshal(got[0], &who.id) != nil || json.Unmarshal(got[1], &key) != nil || key == "" {
		return token.Token{}, &connectors.Error{Kind: connectors.Unreadable, Scope: all, Code: "tryton.login", Text: "the login gave no session"}
	}
	session := connectors.NewSecret(base64.StdEncoding.EncodeToString([]byte(c.username + ":" + who.id.String() + ":" + key)))
	if who.company, err = c.findCompany(ctx, session); err != nil {
		return token.Token{}, err
	}
	c.mu.Lock()
	c.user = who
	c.mu.Unlock()
	return token.Token{Value: session}, nil
}

// findCompany is the configured company, or the one that the user works in.
func (c *client) findCompany(ctx context.Context, session connectors.Secret) (id, *connectors.Error) {
	if c.company == "" {
		var prefs struct {
			Company id `json:"company"`
		}
		if err := c.quiet(ctx, session, &prefs, "model.res.user.get_preferences", true, map[string]any{}); err != nil {
			return 0, err
		}
		if prefs.Company == 0 {
			return 0, &connectors.Error{Kind: connectors.Invalid, Scope: all, Code: "tryton.company", Text: "the user works in no company",
				Hint: "choose a current company in the user's preferences, or set `company`"}
		}
		return prefs.Company, nil
	}
	var found []id
	if err := c.quiet(ctx, session, &found, "model.company.company.search", domain(is("party.name", "=", c.company)), 0, 2, nil, map[string]any{}); err != nil {
		return 0, err
	}
	if len(found) != 1 {
		return 0, &connectors.Error{Kind: connectors.Invalid, Scope: all, Code: "tryton.company",
			Text: "the user sees no company, or several, of the configured name", Hint: "check `company` and the user's companies"}
	}
	return found[0], nil
}

// quiet calls without leaving bodies in the exchanges: they carry password and session.
func (c *client) quiet(ctx context.Context, session connectors.Secret, out any, method string, params ...any) *connectors.Error {
	ans, err := c.post(ctx, session, method, params, true)
	if err == nil && ans.Status == http.StatusUnauthorized {
		err = &connectors.Error{Kind: connectors.Unauthorized, Scope: all, Code: "tryton.login", Text: "the server refuses the login",
			Hint: "check username and password"}
	}
	if err == nil {
		err = result(ans, out)
	}
	if err != nil {
		err.Scope, err.Sent, err.Raw = all, false, nil
	}
	return err
}

// loginError says why there is no session. The call itself never left.
func loginError(err error) *connectors.Error {
	var known *connectors.Error
	if !errors.As(err, &known) {
		return &connectors.Error{Kind: connectors.Unavailable, Scope: all, Code: "tryton.login", Text: "no session in time", Err: err}
	}
	e := *known
	return &e
}
