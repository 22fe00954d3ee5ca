package manifest

import (
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// code is the vendor's code, or a stable word.
func (a *account) code(ans *answer) string {
	if x := a.m.Errors.Code; x.given() && ans.env != nil {
		if v, err := x.e.Eval(ans.env); err == nil && formula.Text(v) != "" {
			return formula.Text(v)
		}
	}
	return a.m.Name + ".answer"
}

func (a *account) text(ans *answer, otherwise string) string {
	if x := a.m.Errors.Text; x.given() && ans.env != nil {
		if v, err := x.e.Eval(ans.env); err == nil && formula.Text(v) != "" {
			return formula.Text(v)
		}
	}
	return otherwise
}

// ruled makes the error of a rule.
func (a *account) ruled(r *ruleSpec, ans *answer, env formula.Env) *connectors.Error {
	kind := connectors.Kind(r.Kind)
	if kind == "" {
		switch {
		case r.Then == "renew":
			kind = connectors.Unauthorized
		case r.Then == "clock":
			kind = connectors.Unavailable
		case r.Outcome == "duplicate":
			kind = connectors.Conflict
		case r.Outcome == "missing":
			kind = connectors.NotFound
		case r.Outcome == "unknown":
			kind = connectors.Unclassified
		case r.Outcome == "not_sent":
			kind = connectors.Unavailable
		default:
			kind = connectors.Invalid
		}
	}
	e := &connectors.Error{Kind: kind, Scope: connectors.Scope(r.Scope), Code: a.code(ans), Text: a.text(ans, "the vendor refuses the call"), Hint: r.Hint}
	if e.Scope == "" {
		e.Scope = scopeOf(kind)
	}
	e.Sent = r.Then == "" && r.Outcome != "not_sent" && r.Outcome != "refused" && (kind == connectors.Unavailable || kind == connectors.Unreadable || kind == connectors.Unclassified)
	if r.Sent != nil {
		e.Sent = *r.Sent
	}
	if r.Code.t != nil {
		if s, err := r.Code.t.Text(env); err == nil && s != "" {
			e.Code = s
		}
	}
	if r.Text.t != nil {
		if s, err := r.Text.t.Text(env); err == nil && s != "" {
			e.Text = s
		}
	}
	if r.Wait.t != nil {
		if s, err := r.Wait.t.Text(env); err == nil {
			if d, ok := formula.Duration(s); ok && d > 0 {
				e.Wait = d
			}
		}
	}
	if e.Wait == 0 && (kind == connectors.RateLimited || kind == connectors.Quota) {
		e.Wait = time.Minute
	}
	return e
}

func scopeOf(kind connectors.Kind) connectors.Scope {
	switch kind {
	case connectors.Unauthorized, connectors.Forbidden, connectors.RateLimited, connectors.Quota, connectors.Unavailable:
		return connectors.OfConnection
	}
	return connectors.OfDocument
}
