package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/people"
	"github.com/minihub/minihub/pipelines/ledger"
)

// TokenRow is one API token as the API shows it.
type TokenRow struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Roles   []string  `json:"roles"`
	State   string    `json:"state"` // active, expired, revoked
	Maker   string    `json:"maker"`
	Created time.Time `json:"created_at"`
	Expires time.Time `json:"expires_at,omitzero"`
	Used    time.Time `json:"used_at,omitzero"`
	Token   string    `json:"token,omitempty"` // only in the answer that makes it
}

// TokenRequest makes a token.
type TokenRequest struct {
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
	Days  int      `json:"days,omitempty"` // it lives; 0 = 90
	Why   string   `json:"why,omitempty"`
}

// The life of a token, in days.
const (
	tokenDays     = 90
	mostTokenDays = 3650
)

func (a *API) tokenRow(t *ledger.Token) TokenRow {
	row := TokenRow{ID: t.ID, Name: t.Name, Roles: t.Roles, State: "active", Maker: t.Maker, Created: t.Created, Expires: t.Expires, Used: t.Used}
	switch {
	case !t.Revoked.IsZero():
		row.State = "revoked"
	case !t.Expires.IsZero() && !a.now().Before(t.Expires):
		row.State = "expired"
	}
	return row
}

func (a *API) listTokens(r *http.Request) (any, error) {
	all, err := a.opt.Ledger.Tokens(r.Context())
	if err != nil {
		return nil, err
	}
	out := []TokenRow{}
	for i := range all {
		out = append(out, a.tokenRow(&all[i]))
	}
	return map[string]any{"tokens": out}, nil
}

func (a *API) addToken(r *http.Request) (any, error) {
	var req TokenRequest
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
	if req.Days == 0 {
		req.Days = tokenDays
	}
	if req.Days < 0 || req.Days > mostTokenDays {
		return nil, &Error{Status: http.StatusBadRequest, Code: "token.days", Text: "a token lives from 1 to 3650 days"}
	}
	t, text := people.NewToken(name, req.Roles, who(r, ""), a.now().AddDate(0, 0, req.Days).UTC().Truncate(time.Second))
	put := &ledger.PutToken{Token: t}
	entry := a.entry(r, "token.add", ledger.AuditDone)
	entry.Target, entry.Why = "token "+t.ID, req.Why
	entry.Detail = map[string]string{"name": name, "roles": strings.Join(req.Roles, ","), "expires": t.Expires.Format(time.RFC3339)}
	if err := a.opt.Ledger.Commit(r.Context(), put, &ledger.AddAudit{Entry: *entry, When: &put.Applied}); err != nil {
		return nil, err
	}
	if !put.Applied {
		return nil, &Error{Status: http.StatusConflict, Code: "token.again", Text: "the token's id is taken", Hint: "try again"}
	}
	t.Created = a.now().UTC().Truncate(time.Second)
	row := a.tokenRow(&t)
	row.Token = text
	return row, nil
}

func (a *API) revokeToken(r *http.Request) (any, error) {
	id := r.PathValue("id")
	end := &ledger.RevokeToken{ID: id}
	entry := a.entry(r, "token.revoke", ledger.AuditDone)
	entry.Target = "token " + id
	if len(id) > 64 {
		return nil, unknown("token", id[:64], nil)
	}
	if err := a.opt.Ledger.Commit(r.Context(), end, &ledger.AddAudit{Entry: *entry, When: &end.Applied}); err != nil {
		return nil, err
	}
	if end.Applied {
		return map[string]any{"revoked": id}, nil
	}
	all, err := a.opt.Ledger.Tokens(r.Context())
	if err != nil {
		return nil, err
	}
	var active []string
	for i := range all {
		if all[i].Revoked.IsZero() {
			active = append(active, all[i].ID)
		}
	}
	return nil, unknown("token", id, active)
}
