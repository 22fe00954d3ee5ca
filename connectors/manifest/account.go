package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// account is one opened connection of a manifest.
type account struct {
	m       *spec
	http    *vendorhttp.Client
	log     *zap.Logger
	now     func() time.Time
	config  map[string]any
	secrets map[string]any
	session *keeper // nil: no session to keep
	ahead   atomic.Int64
	stamp   formula.Layout
	offset  time.Duration
	key     *signKey
	hidden  []string // texts that must not be shown
}

var (
	_ connectors.Source   = (*account)(nil)
	_ connectors.Fetcher  = (*account)(nil)
	_ connectors.Acker    = (*account)(nil)
	_ connectors.Decoder  = (*account)(nil)
	_ connectors.Sink     = (*account)(nil)
	_ connectors.Poller   = (*account)(nil)
	_ connectors.Querier  = (*account)(nil)
	_ connectors.Receiver = (*account)(nil)
)

// pinger pings, looker looks up: an engine asks a connection for these abilities, so one
// has them only if its manifest declares them.
type (
	pinger struct{ *account }
	looker struct{ *account }
)

var (
	_ connectors.Pinger = pinger{}
	_ connectors.Looker = looker{}
)

// able gives the account the abilities that its manifest declares.
func (a *account) able() connectors.Connection {
	looks := false
	for i := range a.m.Operations {
		looks = looks || a.m.Operations[i].value.Lookup != nil
	}
	switch {
	case looks && a.m.Ping != nil:
		return struct {
			*account
			connectors.Pinger
			connectors.Looker
		}{a, pinger{a}, looker{a}}
	case looks:
		return looker{a}
	case a.m.Ping != nil:
		return pinger{a}
	}
	return a
}

// Ping makes the declared call.
func (p pinger) Ping(ctx context.Context) error {
	if _, err := p.call(ctx, p.m.Ping, nil, options{}); err != nil {
		return err
	}
	return nil
}

func open(_ context.Context, m *spec, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
	a := &account{m: m, log: env.Log, now: env.Now, config: map[string]any{}, secrets: map[string]any{}}
	if a.now == nil {
		a.now = time.Now
	}
	if a.log == nil {
		a.log = zap.NewNop()
	}
	for _, f := range m.Config {
		switch f.value.Kind {
		case "secret":
			s := cfg.Secret(f.name).Reveal()
			a.secrets[f.name] = s
			a.hidden = append(a.hidden, variants(s)...)
		case "map":
			values := map[string]any{}
			for k, v := range cfg.Map(f.name) {
				values[k] = v
			}
			a.config[f.name] = values
		case "int":
			a.config[f.name] = nil
			if s := cfg.String(f.name); s != "" {
				a.config[f.name] = json.Number(s)
			}
		case "bool":
			a.config[f.name] = cfg.Bool(f.name)
		default:
			a.config[f.name] = cfg.String(f.name)
		}
	}
	base, err := m.Request.URL.t.Text(formula.Env{"config": a.config, "secret": a.secrets})
	if u, perr := url.Parse(base); err != nil || perr != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("connector " + m.Name + ": request.url does not come out as http(s)://host/path; set the connection's address")
	}
	if s := m.Sign; s != nil {
		a.stamp, a.offset = s.stamp()
		if a.key, err = newSignKey(s, formula.Env{"config": a.config, "secret": a.secrets}, false); err != nil {
			return nil, err
		}
	} else {
		a.stamp, _ = formula.NewLayout("unix", "")
	}
	a.http = vendorhttp.New(vendorhttp.Options{Transport: env.Transport, Timeout: m.Request.Timeout.Duration})
	if m.Auth != nil && (m.Auth.Kind == "oauth2" || m.Auth.Kind == "login") {
		a.session = newKeeper(a, env)
	}
	return a.able(), nil
}

// Close drops idle connections.
func (a *account) Close() error {
	a.http.Close()
	return nil
}

// base are the variables known everywhere.
func (a *account) base(vars formula.Env) formula.Env {
	return formula.Env{"config": a.config, "now": a.now()}.With(vars)
}

// clock is now as the vendor has it.
func (a *account) clock() time.Time {
	return a.now().Add(time.Duration(a.ahead.Load()) + a.offset)
}

// learnClock takes the vendor's clock from an answer.
func (a *account) learnClock(h http.Header) bool {
	t, err := http.ParseTime(h.Get("Date"))
	if err == nil {
		a.ahead.Store(int64(t.Sub(a.now())))
	}
	return err == nil
}

// variants are the forms in which a secret may come back.
func variants(s string) []string {
	if len(s) < 3 {
		return nil
	}
	out := []string{s}
	for _, v := range []string{url.QueryEscape(s), url.PathEscape(s), jsonText(s)} {
		if v != s {
			out = append(out, v)
		}
	}
	return out
}

func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return strings.Trim(string(b), `"`)
}

// scrubber masks secrets in what is shown (Invariant 8).
func scrubber(hidden []string) *strings.Replacer {
	var list []string
	for _, s := range hidden {
		list = append(list, s, "****")
	}
	return strings.NewReplacer(list...)
}

// misfit is a template that cannot be worked out: nothing was sent.
func misfit(where string, err error) *connectors.Error {
	var f *formula.Fault
	e := &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "manifest.expression", Text: where + " cannot be worked out: " + err.Error()}
	if errors.As(err, &f) {
		e.Text, e.Hint = where+" cannot be worked out: "+f.Text, f.Hint
	}
	return e
}
