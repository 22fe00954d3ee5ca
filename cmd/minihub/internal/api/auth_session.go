package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/people"
	"github.com/minihub/minihub/pipelines/ledger"
)

// Me is who is signed in, and what they may do.
type Me struct {
	Name   string         `json:"name"`
	Kind   string         `json:"kind"` // person, token, command
	Roles  []string       `json:"roles"`
	Rights []people.Right `json:"rights"`
	CSRF   string         `json:"csrf,omitempty"` // for changing calls of a session, in X-CSRF-Token
	// Provider: they sign in through an OpenID provider and have no password here.
	Provider bool `json:"provider,omitempty"`
}

func me(id *people.Identity) *Me {
	m := &Me{Name: id.Name, Kind: id.Kind, Roles: id.Roles, Rights: people.RightsOf(id.Roles), Provider: id.Provider}
	if id.Session != "" {
		m.CSRF = people.CSRF(id.Session)
	}
	return m
}

// signing are the calls that begin and end sessions.
func (a *API) signing() {
	a.answer("POST /api/v1/session", a.signIn)
	a.handle("GET /api/v1/session", func(r *http.Request) (any, error) { return me(caller(r)), nil })
	a.answer("DELETE /api/v1/session", a.signOut)
	a.answer("POST /api/v1/session/password", a.ownPassword)
	a.answer("POST /api/v1/invite", a.accept)
	a.handle("GET /api/v1/sessions", a.ownSessions)
	a.answer("DELETE /api/v1/sessions", a.signOutEverywhere)
	a.oidcCalls()
}

func (a *API) signIn(w http.ResponseWriter, r *http.Request) (any, error) {
	var req struct {
		Name     string `json:"name"`
		Password string `json:"password"`
	}
	if err := body(r, &req); err != nil {
		return nil, err
	}
	id, err := a.desk.SignIn(r.Context(), req.Name, req.Password, a.from(r))
	if errors.Is(err, people.ErrNoEntry) {
		err = errors.Join(err, a.noteRefused(r, req.Name))
	}
	if err != nil {
		return nil, signInError(err)
	}
	if err := a.note(r, &ledger.AuditEntry{Who: id.Name, Act: "sign_in", Phase: ledger.AuditDone}); err != nil {
		return nil, err
	}
	a.setCookie(w, r, id.Session)
	return me(id), nil
}

// noteRefused notes a wrong password. A name that nobody has is not kept: people type
// their password in its place. The limits of signing in bound how many these become.
func (a *API) noteRefused(r *http.Request, name string) error {
	known := "?"
	if name, err := people.CheckName(name); err == nil {
		switch p, err := a.opt.Ledger.Person(r.Context(), name); {
		case err == nil:
			known = p.Name
		case !errors.Is(err, ledger.ErrNotFound):
			return err
		}
	}
	return a.note(r, &ledger.AuditEntry{Who: known, Act: "sign_in", Phase: ledger.AuditRefused, Code: errNoEntry.Code})
}

// SignedOut is the end of a session.
type SignedOut struct {
	Name string `json:"signed_out"`
	// Leave is where the browser goes on, to sign out of the OpenID provider too.
	Leave string `json:"leave,omitempty"`
}

func (a *API) signOut(w http.ResponseWriter, r *http.Request) (any, error) {
	out := &SignedOut{Name: caller(r).Name}
	if s := caller(r).Session; s != "" {
		if err := a.desk.SignOut(r.Context(), s); err != nil {
			return nil, err
		}
		a.setCookie(w, r, "")
		out.Leave = a.leave(r)
	}
	return out, nil
}

// SessionRow is one sign-in of whoever asks.
type SessionRow struct {
	From    string    `json:"from"` // the address it began at
	Began   time.Time `json:"began_at"`
	Seen    time.Time `json:"seen_at"`
	Until   time.Time `json:"until"`
	Current bool      `json:"current"` // the one that asks
}

func (a *API) ownSessions(r *http.Request) (any, error) {
	out := []SessionRow{}
	if id := caller(r); id.Kind == people.KindPerson {
		open, err := a.desk.Sessions(r.Context(), id.Name)
		if err != nil {
			return nil, err
		}
		for _, s := range open {
			out = append(out, SessionRow{From: s.From, Began: s.Began, Seen: s.Seen, Until: s.Until, Current: people.SessionID(id.Session) == s.ID})
		}
	}
	return map[string]any{"sessions": out}, nil
}

// signOutEverywhere ends every session of whoever asks, this one too.
func (a *API) signOutEverywhere(w http.ResponseWriter, r *http.Request) (any, error) {
	id := caller(r)
	if id.Kind != people.KindPerson {
		return nil, &Error{Status: http.StatusConflict, Code: "person.none", Text: "only a person has sessions", Hint: "sign in by name"}
	}
	n, err := a.desk.SignOutEverywhere(r.Context(), id.Name)
	if err != nil {
		return nil, err
	}
	a.setCookie(w, r, "")
	return map[string]any{"signed_out": n}, nil
}

// accept uses a one-time link up: the holder sets a password and is signed in.
func (a *API) accept(w http.ResponseWriter, r *http.Request) (any, error) {
	var req struct {
		Invite   string `json:"invite"`
		Name     string `json:"name"`
		Password string `json:"password"`
	}
	if err := body(r, &req); err != nil {
		return nil, err
	}
	id, err := a.desk.Accept(r.Context(), req.Invite, req.Name, req.Password, a.from(r))
	if err != nil {
		return nil, signInError(err)
	}
	a.setCookie(w, r, id.Session)
	return me(id), nil
}

// ownPassword changes the password of whoever is signed in, which ends all their
// sessions, and begins a new one. The old password is asked for like at a sign-in, tries
// counted, so that a browser left open does not give the account away.
func (a *API) ownPassword(w http.ResponseWriter, r *http.Request) (any, error) {
	var req struct {
		Old string `json:"old"`
		New string `json:"new"`
	}
	if err := body(r, &req); err != nil {
		return nil, err
	}
	id := caller(r)
	if id.Kind != people.KindPerson {
		return nil, &Error{Status: http.StatusConflict, Code: "person.none", Text: "only a person has a password", Hint: "sign in by name"}
	}
	if err := a.local(r, id.Name); err != nil {
		return nil, err
	}
	if err := people.CheckPassword(id.Name, req.New); err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Code: "person.input", Text: err.Error()}
	}
	proof, err := a.desk.SignIn(r.Context(), id.Name, req.Old, a.from(r))
	if err != nil {
		return nil, signInError(err)
	}
	if err := a.desk.SignOut(r.Context(), proof.Session); err != nil {
		return nil, err
	}
	hash, err := people.HashPassword(r.Context(), req.New)
	if err != nil {
		return nil, err
	}
	if err := a.setPerson(r, &ledger.SetPerson{Name: id.Name, Hash: &hash}, "person.password", "", nil); err != nil {
		return nil, err
	}
	next, err := a.desk.SignIn(r.Context(), id.Name, req.New, a.from(r))
	if err != nil {
		return nil, signInError(err)
	}
	a.setCookie(w, r, next.Session)
	return me(next), nil
}
