package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/minihub/minihub/cmd/minihub/internal/oidc"
	"github.com/minihub/minihub/cmd/minihub/internal/people"
	"github.com/minihub/minihub/pipelines/ledger"
)

// Ways is how people can sign in; name and password always do.
type Ways struct {
	OIDC *OIDCWay `json:"oidc,omitempty"`
}

// OIDCWay is sign-in through an OpenID provider.
type OIDCWay struct {
	Name  string            `json:"name"`            // the provider's
	Label map[string]string `json:"label,omitempty"` // of the button, by language
	// Console is where it begins: the provider sends people back there, and only the browser
	// that began there is let in.
	Console string `json:"console"`
}

// OIDCBegun is a sign-in under way: the browser goes to the provider's address.
type OIDCBegun struct {
	URL string `json:"url"`
}

// OIDCAnswer is what the provider sent the browser back with.
type OIDCAnswer struct {
	State  string `json:"state"`
	Code   string `json:"code,omitempty"`
	Error  string `json:"error,omitempty"`
	Issuer string `json:"iss,omitempty"`
}

var errNoProvider = &Error{Status: http.StatusNotFound, Code: "oidc.none", Text: "this hub signs nobody in through a provider", Hint: "sign in by name, or set people.oidc in hub.yaml"}

var refusedStatus = map[string]int{oidc.CodeProvider: http.StatusBadGateway, oidc.CodeState: http.StatusBadRequest, oidc.CodeAnswer: http.StatusBadGateway}

// oidcCalls begin and end a sign-in at the provider. Both are the page's own: what the
// provider sends a browser back with changes nothing before a page of ours, in the
// browser that began, hands it in.
func (a *API) oidcCalls() {
	a.handle("GET /api/v1/session/ways", a.ways)
	a.answer("POST /api/v1/session/oidc", a.oidcBegin)
	a.answer("POST /api/v1/session/oidc/finish", a.oidcFinish)
}

func (a *API) ways(*http.Request) (any, error) {
	if a.opt.OIDC == nil {
		return &Ways{}, nil
	}
	c := a.opt.OIDC.Config()
	return &Ways{OIDC: &OIDCWay{Name: c.Name, Label: c.Label, Console: c.Console()}}, nil
}

func (a *API) oidcBegin(w http.ResponseWriter, r *http.Request) (any, error) {
	if a.opt.OIDC == nil {
		return nil, errNoProvider
	}
	address, kept, err := a.opt.OIDC.Begin(r.Context())
	if err != nil {
		return nil, oidcError(err)
	}
	a.keepFlow(w, kept)
	return &OIDCBegun{URL: address}, nil
}

// flowCookie is the cookie of a sign-in under way. The browser keeps it for the address
// that the provider sends it back to, whatever stands between it and the hub.
func (a *API) flowCookie() (name string, secure bool) {
	c := a.opt.OIDC.Config()
	if secure = strings.HasPrefix(c.URL, "https:"); secure {
		return "__Host-minihub-oidc", true
	}
	return "minihub-oidc", false
}

func (a *API) keepFlow(w http.ResponseWriter, kept string) {
	name, secure := a.flowCookie()
	c := &http.Cookie{Name: name, Value: kept, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode, MaxAge: int(oidc.FlowLife.Seconds())}
	if kept == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// oidcFinish lets somebody in whom the provider vouches for. Each try is counted before
// anybody is asked, and what the browser kept is used up by it, whatever comes out.
func (a *API) oidcFinish(w http.ResponseWriter, r *http.Request) (any, error) {
	if a.opt.OIDC == nil {
		return nil, errNoProvider
	}
	var req OIDCAnswer
	if err := body(r, &req); err != nil {
		return nil, err
	}
	kept := ""
	name, _ := a.flowCookie()
	if c, err := r.Cookie(name); err == nil {
		kept = c.Value
		a.keepFlow(w, "")
	}
	id, who, err := a.oidcEnter(r, kept, oidc.Answer{State: req.State, Code: req.Code, Error: req.Error, Issuer: req.Issuer})
	var no *oidc.Refusal
	if errors.As(err, &no) {
		e := &ledger.AuditEntry{Who: who, Act: "sign_in", Phase: ledger.AuditRefused, Code: no.Code, Detail: oidcDetail}
		if no.Cause != "" {
			e.Detail = map[string]string{"by": oidcDetail["by"], "cause": no.Cause}
		}
		err = errors.Join(err, a.note(r, e))
	}
	if err != nil {
		return nil, oidcError(err)
	}
	if err := a.note(r, &ledger.AuditEntry{Who: id.Name, Act: "sign_in", Phase: ledger.AuditDone, Detail: oidcDetail}); err != nil {
		return nil, err
	}
	a.setCookie(w, r, id.Session)
	return me(id), nil
}

// oidcDetail tells sign-ins by the provider from those by password in the audit.
var oidcDetail = map[string]string{"by": "provider"}

// oidcEnter asks the provider, then the desk; it returns who it was as far as is known.
func (a *API) oidcEnter(r *http.Request, kept string, answer oidc.Answer) (*people.Identity, string, error) {
	const nobody = "?"
	from := a.from(r)
	switch err := a.desk.TryExternal(r.Context(), from, kept, oidc.FlowLife); {
	case errors.Is(err, people.ErrUsed):
		return nil, nobody, &oidc.Refusal{Code: oidc.CodeState, Cause: "used before"}
	case err != nil:
		return nil, nobody, err
	}
	who, refused := a.opt.OIDC.Finish(r.Context(), kept, answer)
	if who == nil {
		return nil, nobody, refused
	}
	id, name, err := a.desk.SignInExternal(r.Context(), who, from)
	if name == "" {
		name = nobody
	}
	switch {
	case errors.Is(err, people.ErrBlocked):
		err = &oidc.Refusal{Code: oidc.CodeBlocked}
	case errors.Is(err, people.ErrNoRole) && refused != nil:
		err = refused
	case errors.Is(err, people.ErrNoRole):
		err = &oidc.Refusal{Code: oidc.CodeRole}
	}
	return id, name, err
}

func oidcError(err error) error {
	var no *oidc.Refusal
	if !errors.As(err, &no) {
		return signInError(err)
	}
	status, ok := refusedStatus[no.Code]
	if !ok {
		status = http.StatusForbidden
	}
	return &Error{Status: status, Code: no.Code, Text: no.Error(), Hint: no.Hint()}
}

// leave is where somebody goes on to sign out of the provider too; empty for who did not
// come through it.
func (a *API) leave(r *http.Request) string {
	if a.opt.OIDC == nil || caller(r).Kind != people.KindPerson {
		return ""
	}
	p, err := a.opt.Ledger.Person(r.Context(), caller(r).Name)
	if err != nil || p.Subject == "" {
		return ""
	}
	return a.opt.OIDC.Leave(r.Context())
}
