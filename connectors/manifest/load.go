package manifest

import (
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// Load reads a manifest; name is its file's. With any problem there is no connector.
func Load(name string, src []byte) (*connectors.Connector, []Problem) {
	ld := &loader{file: name}
	root := ld.parse(src)
	if root == nil {
		return nil, ld.sorted()
	}
	ld.root = root
	m := &spec{}
	ld.value(reflect.ValueOf(m).Elem(), root, spot{line: root.Line, column: root.Column})
	if len(ld.problems) > 0 { // expressions of a file that is not whole give false alarms
		return nil, ld.sorted()
	}
	ld.manifest(m)
	if len(ld.problems) > 0 {
		return nil, ld.sorted()
	}
	c := m.connector()
	if _, err := connectors.NewRegistry(c); err != nil {
		for _, text := range strings.Split(err.Error(), "\n") {
			ld.fail(spot{}, "", "%s", text)
		}
		return nil, ld.sorted()
	}
	return c, nil
}

var wordPattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// manifest compiles the expressions and checks what must fit together.
func (ld *loader) manifest(m *spec) {
	if base := strings.TrimSuffix(strings.TrimSuffix(path.Base(ld.file), ".yaml"), ".yml"); base != m.Name {
		ld.fail(spot{path: "/name"}, "name: "+base, "the name is %q and the file's is %q", m.Name, base)
	}
	if !wordPattern.MatchString(m.Name) {
		ld.fail(spot{path: "/name"}, "small letters, digits and _", "%q is not a name of a connector", m.Name)
	}
	for _, f := range m.Config {
		if !wordPattern.MatchString(f.name) {
			ld.fail(f.at, "small letters, digits and _", "%q is not a name of a setting", f.name)
		}
		if f.value.Kind == "secret" && f.value.Default != "" {
			ld.fail(f.at, "take the default away", "a secret has no default")
		}
	}
	for _, l := range m.Limits {
		if (l.value.Requests > 0) != (l.value.Per.Duration > 0) {
			ld.fail(l.at, "{requests: 600, per: 1m}", "requests and per go together")
		}
		if l.value.Requests == 0 && l.value.Concurrent == 0 {
			ld.fail(l.at, "{requests: 600, per: 1m}, or {concurrent: 5}", "the limit limits nothing")
		}
	}
	r := &m.Request
	common := with(baseVars, secretVars, []string{"call"})
	ld.tmpl(&r.URL, with(baseVars, secretVars))
	ld.pairs(r.Headers, common)
	ld.pairs(r.Query, common)
	ld.tree(&r.Envelope, with(common, []string{"payload"}))
	ld.errors(m)
	ld.auth(m.Auth)
	if m.Sign != nil {
		ld.sign(m.Sign, spot{path: "/sign"}, with(baseVars, secretVars, []string{"call", "fields"}), false)
	}
	if m.Ping != nil {
		ld.call(m.Ping, spot{path: "/ping"}, nil, false)
	}
	for i := range m.Streams {
		ld.stream(m, m.Streams[i].name, &m.Streams[i].value, m.Streams[i].at)
	}
	for i := range m.Operations {
		ld.operation(m, &m.Operations[i].value, m.Operations[i].at)
	}
	for i := range m.Callbacks {
		ld.callback(m, &m.Callbacks[i].value, m.Callbacks[i].at)
	}
	if len(m.Streams) == 0 && len(m.Operations) == 0 {
		ld.fail(spot{}, "streams: what can be read; operations: what can be written", "the manifest has no stream and no operation")
	}
	ld.members(m)
}

func (ld *loader) errors(m *spec) {
	vars := with(baseVars, answerVars)
	ld.expr(&m.Errors.OK, vars)
	ld.expr(&m.Errors.Code, vars)
	ld.expr(&m.Errors.Text, vars)
	ld.rules(m.Errors.Rules, vars, spot{path: "/errors/rules"})
}

func (ld *loader) auth(a *authSpec) {
	if a == nil {
		return
	}
	at := spot{path: "/auth"}
	vars := with(baseVars, secretVars)
	for _, p := range []pairs{a.Put.Headers, a.Put.Query, a.Put.Body} {
		ld.pairs(p, with(vars, []string{"call"}))
	}
	for _, t := range []*tmpl{&a.User, &a.Password, &a.URL, &a.ClientID, &a.ClientSecret, &a.Scope} {
		ld.tmpl(t, vars)
	}
	ld.pairs(a.First, []string{"config", "secret"})
	answer := with(baseVars, answerVars)
	ld.exprs(a.Take, answer)
	ld.expr(&a.Life, answer)
	ld.expr(&a.RefreshLife, answer)
	ld.expr(&a.Expired, answer)
	need := func(ok bool, key string) {
		if !ok {
			ld.fail(at, "", "auth of kind %s needs %s", a.Kind, key)
		}
	}
	switch a.Kind {
	case "basic":
		need(a.User.given(), "user")
		need(a.Password.given(), "password")
	case "header":
		need(len(a.Put.Headers)+len(a.Put.Query)+len(a.Put.Body) > 0, "put")
	case "oauth2":
		need(a.URL.given(), "url")
		need(a.ClientID.given(), "client_id")
		if a.Grant == "password" {
			need(a.User.given() && a.Password.given(), "user and password")
		}
	case "login":
		need(a.Login != nil || a.Refresh != nil, "login or refresh")
		_, token := a.Take.get("token")
		need(token || len(a.Cookies) > 0, "take with token, or cookies")
		if a.Refresh != nil {
			_, first := a.First.get("refresh_token")
			_, taken := a.Take.get("refresh_token")
			need(first || taken, "refresh_token in first or take, for refresh")
		}
	}
	if a.Login != nil {
		ld.call(a.Login, spot{path: "/auth/login"}, nil, true)
	}
	if a.Refresh != nil {
		ld.call(a.Refresh, spot{path: "/auth/refresh"}, nil, true)
	}
}

// members finds config.x and secret.x that no setting declares.
func (ld *loader) members(m *spec) {
	var plain, secret []string
	for _, f := range m.Config {
		if f.value.Kind == "secret" {
			secret = append(secret, f.name)
		} else {
			plain = append(plain, f.name)
		}
	}
	for _, t := range ld.texts {
		for _, found := range memberPattern.FindAllStringSubmatchIndex(t.source, -1) {
			root, name := t.source[found[2]:found[3]], t.source[found[4]:found[5]]
			known := plain
			if root == "secret" {
				known = secret
			}
			if slices.Contains(known, name) || t.braces && !inBraces(t.source, found[2]) {
				continue
			}
			place := t.at
			place.column += found[4]
			hint := "declare it under config"
			if near := formula.Nearest(name, known); near != "" {
				hint = "did you mean " + root + "." + near + "?"
			} else if root == "config" && slices.Contains(secret, name) {
				hint = "it is a secret: secret." + name
			}
			ld.fail(place, hint, "there is no setting %s.%s", root, name)
		}
	}
}

// inBraces reports a place inside {{ }}.
func inBraces(s string, at int) bool {
	return strings.LastIndex(s[:at], "{{") > strings.LastIndex(s[:at], "}}")
}

var memberPattern = regexp.MustCompile(`(?:^|[^\w.])(config|secret)\.(\w+)`)
