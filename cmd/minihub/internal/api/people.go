package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/people"
	"github.com/minihub/minihub/pipelines/ledger"
)

// PersonRow is one person as the API shows them.
type PersonRow struct {
	Name     string    `json:"name"`
	Roles    []string  `json:"roles"`
	Disabled bool      `json:"disabled"`
	Password bool      `json:"password"` // one is set
	Provider bool      `json:"provider"` // they sign in through the OpenID provider, which gives the roles
	SignedIn time.Time `json:"signed_in_at,omitzero"`
	Created  time.Time `json:"created_at"`
	Changed  time.Time `json:"changed_at"`
}

// PersonRequest makes or changes a person. Without a password the answer has an invite.
type PersonRequest struct {
	Name     string   `json:"name,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	Disabled *bool    `json:"disabled,omitempty"`
	Password string   `json:"password,omitempty"`
	Why      string   `json:"why,omitempty"`
}

// Invited is a one-time link: the secret follows the # of the address of the hub's page
// /invite. It is shown this once.
type Invited struct {
	Person string    `json:"person"`
	Invite string    `json:"invite,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

func (a *API) managing() {
	a.handle("GET /api/v1/people", a.listPeople)
	a.handle("POST /api/v1/people", a.addPerson)
	a.handle("POST /api/v1/people/{name}", a.changePerson)
	a.handle("POST /api/v1/people/{name}/password", a.setPassword)
	a.handle("GET /api/v1/tokens", a.listTokens)
	a.handle("POST /api/v1/tokens", a.addToken)
	a.handle("DELETE /api/v1/tokens/{id}", a.revokeToken)
}

func inputError(err error) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "person.input", Text: err.Error()}
}

func (a *API) listPeople(r *http.Request) (any, error) {
	all, err := a.opt.Ledger.Persons(r.Context())
	if err != nil {
		return nil, err
	}
	out := []PersonRow{}
	for _, p := range all {
		out = append(out, PersonRow{Name: p.Name, Roles: p.Roles, Disabled: p.Disabled, Password: p.Hash != "", Provider: p.Subject != "", SignedIn: p.SignedIn, Created: p.Created, Changed: p.Changed})
	}
	return map[string]any{"people": out}, nil
}

// setPerson commits a change of a person with its audit entry and further units.
func (a *API) setPerson(r *http.Request, set *ledger.SetPerson, act, why string, detail map[string]string, more ...ledger.Unit) error {
	entry := a.entry(r, act, ledger.AuditDone)
	entry.Target, entry.Why, entry.Detail = "person "+set.Name, why, detail
	units := append([]ledger.Unit{set, &ledger.AddAudit{Entry: *entry, When: &set.Applied}}, more...)
	if err := a.opt.Ledger.Commit(r.Context(), units...); err != nil {
		return err
	}
	switch {
	case set.Applied:
		return nil
	case set.Last:
		return &Error{Status: http.StatusConflict, Code: "person.last_admin", Text: fmt.Sprintf("%q is the last admin who can sign in by password", set.Name), Hint: "make somebody else an admin first"}
	case set.Make:
		return &Error{Status: http.StatusConflict, Code: "person.exists", Text: fmt.Sprintf("there is a person %q already", set.Name), Hint: "change their roles, or take another name"}
	}
	return a.noPerson(r, set.Name)
}

func (a *API) noPerson(r *http.Request, name string) error {
	all, err := a.opt.Ledger.Persons(r.Context())
	if err != nil {
		return err
	}
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	return unknown("person", name, names)
}

// local refuses what is the provider's to decide: the password of a person whom it vouches
// for, and their roles, which its claims renew. Who it no longer lets in would keep both.
func (a *API) local(r *http.Request, name string) error {
	p, err := a.opt.Ledger.Person(r.Context(), name)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return a.noPerson(r, name)
	case err == nil && p.Subject != "":
		return &Error{Status: http.StatusConflict, Code: "person.provider", Text: "the person signs in through the OpenID provider, which decides on password and roles",
			Hint: "change their groups there, or the map in people.oidc of hub.yaml; disabling them here works"}
	}
	return err
}

// credentials are what a password or, without one, an invite adds to a change.
func (a *API) credentials(r *http.Request, name, password string) (hash *string, invite []ledger.Unit, out *Invited, err error) {
	out = &Invited{Person: name}
	if password != "" {
		if err := people.CheckPassword(name, password); err != nil {
			return nil, nil, nil, inputError(err)
		}
		h, err := people.HashPassword(r.Context(), password)
		return &h, nil, out, err
	}
	out.Until = a.now().Add(people.InviteLife).UTC().Truncate(time.Second)
	i, secret := people.NewInvite(name, nil, out.Until)
	out.Invite = secret
	return nil, []ledger.Unit{&ledger.PutInvite{Invite: i}}, out, nil
}

func (a *API) addPerson(r *http.Request) (any, error) {
	var req PersonRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	name, err := people.CheckName(req.Name)
	if err != nil {
		return nil, inputError(err)
	}
	if err := people.CheckRoles(req.Roles); err != nil {
		return nil, inputError(err)
	}
	hash, invite, out, err := a.credentials(r, name, req.Password)
	if err != nil {
		return nil, err
	}
	set := &ledger.SetPerson{Name: name, Make: true, Hash: hash, Roles: req.Roles, Disabled: req.Disabled}
	return out, a.setPerson(r, set, "person.add", req.Why, map[string]string{"roles": strings.Join(req.Roles, ",")}, invite...)
}

func (a *API) changePerson(r *http.Request) (any, error) {
	var req PersonRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	name := strings.ToLower(r.PathValue("name"))
	detail := map[string]string{}
	if req.Roles != nil {
		if err := people.CheckRoles(req.Roles); err != nil {
			return nil, inputError(err)
		}
		detail["roles"] = strings.Join(req.Roles, ",")
	}
	if req.Disabled != nil {
		detail["disabled"] = fmt.Sprint(*req.Disabled)
	}
	switch {
	case len(detail) == 0:
		return nil, &Error{Status: http.StatusBadRequest, Code: "person.nothing", Text: "nothing would change", Hint: "give roles or disabled"}
	case req.Name != "" || req.Password != "":
		return nil, &Error{Status: http.StatusBadRequest, Code: "person.fixed", Text: "neither the name nor the password is changed by this call", Hint: "POST /api/v1/people/{name}/password sets a password"}
	case caller(r).Kind == people.KindPerson && caller(r).Name == name:
		return nil, &Error{Status: http.StatusConflict, Code: "person.self", Text: "nobody changes their own roles or disables themselves", Hint: "ask another admin, or use `minihub users` where the hub runs"}
	}
	if req.Roles != nil {
		if err := a.local(r, name); err != nil {
			return nil, err
		}
	}
	set := &ledger.SetPerson{Name: name, Roles: req.Roles, Disabled: req.Disabled, Keep: string(people.Admin)}
	return &Invited{Person: name}, a.setPerson(r, set, "person.change", req.Why, detail)
}

func (a *API) setPassword(r *http.Request) (any, error) {
	var req PersonRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	if req.Name != "" || req.Roles != nil || req.Disabled != nil {
		return nil, &Error{Status: http.StatusBadRequest, Code: "person.fixed", Text: "this call sets the password only", Hint: "POST /api/v1/people/{name} changes roles"}
	}
	name := strings.ToLower(r.PathValue("name"))
	// The invite must not be kept for somebody who is not there.
	if err := a.local(r, name); err != nil {
		return nil, err
	}
	hash, invite, out, err := a.credentials(r, name, req.Password)
	if err != nil {
		return nil, err
	}
	how := "invite"
	if hash != nil {
		how = "set"
	}
	return out, a.setPerson(r, &ledger.SetPerson{Name: name, Hash: hash}, "person.password", req.Why, map[string]string{"how": how}, invite...)
}
