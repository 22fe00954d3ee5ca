package manifest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
	"github.com/minihub/minihub/schemas/codec"
)

// object is an object whose members keep the order of the manifest.
type object struct {
	names  []string
	values map[string]any
}

func (o *object) set(name string, v any) {
	if _, ok := o.values[name]; !ok {
		o.names = append(o.names, name)
	}
	o.values[name] = v
}

// eval works a body out. A member whose expression gives nothing is left out; a null as
// written stays.
func (x *tree) eval(env formula.Env) (any, error) {
	switch {
	case x.names != nil:
		o := &object{values: map[string]any{}}
		for i, name := range x.names {
			v, err := x.items[i].eval(env)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if v == nil && x.items[i].text.t != nil {
				continue
			}
			o.set(name, v)
		}
		return o, nil
	case x.text.t != nil:
		return x.text.t.Eval(env)
	case x.items != nil:
		out := make([]any, 0, len(x.items))
		for i := range x.items {
			v, err := x.items[i].eval(env)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	}
	return x.fixed, nil
}

// plain turns ordered objects into trees of the codec.
func plain(v any) any {
	switch v := v.(type) {
	case *object:
		out := make(map[string]any, len(v.names))
		for k, x := range v.values {
			out[k] = plain(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case map[string]any, string, nil, bool:
		return v
	}
	if _, err := codec.Encode(v); err == nil {
		return v
	}
	return formula.Text(v) // a time
}

func (d *draft) url(link string) string {
	if link != "" {
		return link
	}
	u := d.base
	if strings.HasPrefix(d.path, "http://") || strings.HasPrefix(d.path, "https://") {
		u = d.path
	} else if d.path != "" {
		u = strings.TrimSuffix(d.base, "/") + "/" + strings.TrimPrefix(d.path, "/")
	}
	var parts []string
	for _, p := range d.query {
		parts = append(parts, url.QueryEscape(p.name)+"="+url.QueryEscape(p.value))
	}
	if len(parts) == 0 {
		return u
	}
	sep := "?"
	if strings.Contains(u, "?") {
		sep = "&"
	}
	return u + sep + strings.Join(parts, "&")
}

// prepare builds the signed request of a call. It returns the texts that must not be
// shown along with it.
func (a *account) prepare(c *callSpec, vars formula.Env, sess map[string]any, o options) (vendorhttp.Call, []string, error) {
	call := vendorhttp.Call{Quiet: o.auth, Reads: o.reads}
	hidden := append([]string(nil), a.hidden...)
	env := a.base(vars).With(formula.Env{"secret": a.secrets, "session": sess, "stamp": a.stamp.Format(a.clock()), "nonce": nonce()})
	for _, v := range sess {
		hidden = append(hidden, variants(formula.Text(v))...)
	}
	d, err := a.draft(c, env, o)
	if err != nil {
		return call, hidden, err
	}
	env = env.With(formula.Env{"call": map[string]any{"method": d.method, "path": d.path}})
	if !o.auth && (c.Auth == nil || *c.Auth) {
		more, err := a.putAuth(d, env, sess)
		if err != nil {
			return call, hidden, err
		}
		hidden = append(hidden, more...)
	}
	if s := a.m.Sign; s != nil && (c.Sign == nil && !o.auth || c.Sign != nil && *c.Sign) {
		sig, err := a.signDraft(s, d, env)
		if err != nil {
			return call, hidden, err
		}
		hidden = append(hidden, variants(sig)...)
	}
	body, kind, err := d.bytes()
	if err != nil {
		return call, hidden, err
	}
	if kind != "" && d.header.Get("Content-Type") == "" {
		d.header.Set("Content-Type", kind)
	}
	if d.header.Get("Accept") == "" && first(c.Answer.Format, a.m.Request.Answer.Format, "json") == "json" {
		d.header.Set("Accept", "application/json")
	}
	call.Method, call.URL, call.Header, call.Body = d.method, d.url(o.link), d.header, body
	call.Shown = []byte(scrubber(hidden).Replace(string(body)))
	return call, hidden, nil
}

// putAuth adds what proves who sends the request; it returns texts to hide.
func (a *account) putAuth(d *draft, env formula.Env, sess map[string]any) ([]string, error) {
	s := a.m.Auth
	if s == nil {
		return nil, nil
	}
	var hidden []string
	if s.Kind == "basic" {
		user, err := s.User.t.Text(env)
		if err != nil {
			return nil, err
		}
		password, err := s.Password.t.Text(env)
		if err != nil {
			return nil, err
		}
		text := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		d.header.Set("Authorization", "Basic "+text)
		hidden = append(hidden, text)
	}
	if err := eachPair(s.Put.Headers, env, func(n, v string) { d.header.Set(n, v) }); err != nil {
		return nil, fmt.Errorf("auth.put: %w", err)
	}
	if err := eachPair(s.Put.Query, env, func(n, v string) { d.query = append(d.query, pair{n, v}) }); err != nil {
		return nil, fmt.Errorf("auth.put: %w", err)
	}
	var setErr error
	if d.method != http.MethodGet {
		if err := eachPair(s.Put.Body, env, func(n, v string) { setErr = errors.Join(setErr, d.setBody(n, v)) }); err != nil {
			return nil, fmt.Errorf("auth.put: %w", err)
		}
	}
	if len(s.Put.Headers)+len(s.Put.Query)+len(s.Put.Body) == 0 && a.session != nil && formula.Text(sess["token"]) != "" {
		d.header.Set("Authorization", "Bearer "+formula.Text(sess["token"]))
	}
	if c := formula.Text(sess["cookie"]); c != "" {
		d.header.Set("Cookie", c)
	}
	return hidden, setErr
}

func eachPair(p pairs, env formula.Env, f func(name, value string)) error {
	for i := range p {
		v, err := p[i].value.t.Eval(env)
		if err != nil {
			return fmt.Errorf("%s: %w", p[i].name, err)
		}
		if v != nil {
			f(p[i].name, formula.Text(plain(v)))
		}
	}
	return nil
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
