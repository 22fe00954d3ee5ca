package api

import (
	"context"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/minihub/minihub/cmd/minihub/internal/people"
)

// csrfHeader carries the session's token in changing calls.
const csrfHeader = "X-CSRF-Token"

type identityKey struct{}

// caller is who makes a call; ServeHTTP has put it there.
func caller(r *http.Request) *people.Identity {
	id, _ := r.Context().Value(identityKey{}).(*people.Identity)
	return id
}

// who is how a change is signed. The local command may say for whom it acts; everybody
// else is who they are, whatever the body says.
func who(r *http.Request, said string) string {
	id := caller(r)
	switch {
	case id == nil:
		return ""
	case id.Kind == people.KindCommand && said != "":
		return said
	}
	return id.Who()
}

var (
	errNoToken  = &Error{Status: http.StatusUnauthorized, Code: "api.token", Text: "the request carries no valid token", Hint: "send Authorization: Bearer TOKEN; a running hub leaves its token in .minihub.json"}
	errForged   = &Error{Status: http.StatusForbidden, Code: "api.csrf", Text: "the call does not come from the hub's own page", Hint: "send " + csrfHeader + " as GET /api/v1/session gives it"}
	errNoRow    = &Error{Status: http.StatusForbidden, Code: "api.no_right", Text: "nobody was given the right to this call", Hint: "this is a mistake in the hub: the call is not in its table of rights"}
	errNoEntry  = &Error{Status: http.StatusUnauthorized, Code: "session.refused", Text: people.ErrNoEntry.Error(), Hint: "an admin can send you a link to set a new password"}
	errNoInvite = &Error{Status: http.StatusUnauthorized, Code: "invite.refused", Text: people.ErrNoInvite.Error(), Hint: "ask for another; `minihub serve` prints one while there is nobody"}
)

// identify returns who makes a call, nil for nobody, and whether a cookie says so.
func (a *API) identify(r *http.Request) (*people.Identity, bool, error) {
	if a.opt.Token == "" {
		return people.Command(), false, nil // within the command's own process
	}
	if given := r.Header.Get("Authorization"); given != "" {
		given, ok := strings.CutPrefix(given, "Bearer ")
		if !ok {
			return nil, false, nil
		}
		if subtle.ConstantTimeCompare([]byte(given), []byte(a.opt.Token)) == 1 {
			return people.Command(), false, nil
		}
		id, err := a.desk.Bearer(r.Context(), given)
		return id, false, err
	}
	c, err := r.Cookie(a.cookieName(r))
	if err != nil || c.Value == "" {
		return nil, false, nil
	}
	id, err := a.desk.Session(r.Context(), c.Value)
	return id, true, err
}

// admit decides whether a call may be made, and returns it with its caller.
func (a *API) admit(r *http.Request, pattern string) (*http.Request, error) {
	c, ok := calls[pattern]
	if !ok {
		return nil, errNoRow
	}
	id, cookie, err := a.identify(r)
	if err != nil {
		return nil, err
	}
	// A browser sends what it holds whoever asks it to: what changes something, and is not
	// proven by a header that a foreign page cannot set, must come from our own page.
	if changing(r.Method) && r.Header.Get("Authorization") == "" && a.origin.Check(r) != nil {
		return nil, errForged
	}
	if c.right == people.Public {
		return r, nil
	}
	if id == nil {
		return nil, errNoToken
	}
	if cookie && changing(r.Method) && subtle.ConstantTimeCompare([]byte(r.Header.Get(csrfHeader)), []byte(people.CSRF(id.Session))) != 1 {
		return nil, errForged
	}
	r = r.WithContext(context.WithValue(r.Context(), identityKey{}, id))
	if !id.May(c.right) {
		if changing(r.Method) {
			if err := a.refusal(r, c); err != nil {
				return nil, err
			}
		}
		return nil, lacks(c.right)
	}
	return r, nil
}

// Page serves a page outside the API to callers who have the right; a browser without a
// session is sent to sign in.
func (a *API) Page(right people.Right, page http.Handler, w http.ResponseWriter, r *http.Request) {
	id, _, err := a.identify(r)
	switch {
	case err != nil:
	case changing(r.Method) && r.Header.Get("Authorization") == "" && a.origin.Check(r) != nil:
		err = errForged
	case id == nil && r.Method == http.MethodGet:
		http.Redirect(w, r, "/console/", http.StatusSeeOther)
		return
	case id == nil:
		err = errNoToken
	case !id.May(right):
		err = lacks(right)
	}
	if err != nil {
		e := asError(err)
		write(w, e.Status, e)
		return
	}
	page.ServeHTTP(w, r)
}

func lacks(right people.Right) *Error {
	return &Error{Status: http.StatusForbidden, Code: "api.forbidden", Text: "the call needs the right " + string(right) + ", and none of your roles has it",
		Hint: "ask an admin for a role that has it"}
}

// proxied reports whether the peer is a proxy whose headers are believed.
func (a *API) proxied(r *http.Request) bool { return a.trusted(peer(r)) }

func (a *API) trusted(address string) bool {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	for _, p := range a.opt.Proxies {
		if p.Contains(ip.Unmap()) {
			return true
		}
	}
	return false
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// from is the address that a call comes from: the last one that no proxy of ours has.
func (a *API) from(r *http.Request) string {
	at := peer(r)
	if !a.trusted(at) {
		return at
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		if _, err := netip.ParseAddr(hop); err != nil {
			return at
		}
		if at = hop; !a.trusted(hop) {
			return at
		}
	}
	return at
}

// secure reports whether the browser speaks TLS, to us or to a proxy of ours.
func (a *API) secure(r *http.Request) bool {
	return r.TLS != nil || a.proxied(r) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// cookieName binds the cookie to the host where the browser speaks TLS.
func (a *API) cookieName(r *http.Request) string {
	if a.secure(r) {
		return "__Host-minihub"
	}
	return "minihub"
}

func (a *API) setCookie(w http.ResponseWriter, r *http.Request, value string) {
	c := &http.Cookie{Name: a.cookieName(r), Value: value, Path: "/", HttpOnly: true, Secure: a.secure(r), SameSite: http.SameSiteStrictMode}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// signInError hides which part of it was wrong.
func signInError(err error) error {
	var locked *people.LockedError
	var input *people.InputError
	switch {
	case errors.Is(err, people.ErrNoEntry):
		return errNoEntry
	case errors.Is(err, people.ErrNoInvite):
		return errNoInvite
	case errors.As(err, &locked):
		return &Error{Status: http.StatusTooManyRequests, Code: "session.locked", Text: err.Error(), Hint: "wait, or ask an admin for a link"}
	case errors.As(err, &input):
		return &Error{Status: http.StatusBadRequest, Code: "person.input", Text: err.Error()}
	}
	return err
}
