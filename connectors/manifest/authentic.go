package manifest

import (
	"crypto/subtle"
	"regexp"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

var secretName = regexp.MustCompile(`\bsecret\.(\w+)`)

// authentic checks the proof of a request, in constant time. A secret that the connection
// does not have proves nothing.
func (a *account) authentic(in *inbound) *connectors.Error {
	refuse := func(code, text string) *connectors.Error {
		return &connectors.Error{Kind: connectors.Unauthorized, Scope: connectors.OfDocument, Code: a.m.Name + ".callback." + code, Text: text}
	}
	var sources []string
	switch c := in.c; {
	case c.Unsigned != "":
		return nil
	case c.Secret != nil:
		sources = []string{c.Secret.Want.source}
	default:
		sources = []string{c.Sign.Key.source}
		for _, p := range c.Sign.Parts {
			sources = append(sources, p.source)
		}
	}
	for _, m := range secretName.FindAllStringSubmatch(strings.Join(sources, " "), -1) {
		if formula.Text(a.secrets[m[1]]) == "" {
			return refuse("off", "this connection has no "+m[1]+", so no callback can be authentic")
		}
	}
	env := in.env.With(formula.Env{"secret": a.secrets})
	wrong := refuse("sign", "the signature of the callback does not fit: compare the connection's secrets with the vendor's")
	if s := in.c.Secret; s != nil {
		given, err := s.Given.e.Eval(in.env)
		want, werr := s.Want.t.Text(formula.Env{"config": a.config, "secret": a.secrets})
		if err != nil || werr != nil || want == "" || subtle.ConstantTimeCompare([]byte(formula.Text(given)), []byte(want)) != 1 {
			return wrong
		}
		return nil
	}
	s := in.c.Sign
	given, err := s.Given.e.Eval(in.env)
	if err != nil || formula.Text(given) == "" {
		return wrong
	}
	text, err := s.text(in.in, env)
	if err != nil {
		return wrong
	}
	key, err := newSignKey(s, env, true)
	if err != nil {
		return refuse("key", "the key of the callback's signature cannot be read")
	}
	ok, err := s.verify(text, formula.Text(given), env, key)
	if err != nil || !ok {
		return wrong
	}
	if s.StampOf.given() {
		l, _ := s.stamp()
		v, err := s.StampOf.e.Eval(in.env)
		if err != nil {
			return wrong
		}
		at, known, err := l.Parse(v)
		now, _ := in.env["now"].(time.Time)
		if err != nil || !known || now.Sub(at).Abs() > s.MaxAge.Duration {
			return refuse("stamp", "the timestamp of the callback is too far from now")
		}
	}
	return nil
}
