package manifest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
	"github.com/minihub/minihub/schemas/codec"
)

var callbackVars = []string{"call", "query", "header", "body", "fields"}

// callback compiles a callback.
func (ld *loader) callback(m *spec, c *callbackSpec, at spot) {
	vars := with(baseVars, callbackVars)
	below := func(key string) spot { return spot{path: at.path + "/" + key} }
	ld.expr(&c.When, vars)
	proofs := 0
	if c.Sign != nil {
		proofs++
		ld.sign(c.Sign, below("sign"), with(vars, []string{"secret"}), true)
	}
	if c.Secret != nil {
		proofs++
		ld.expr(&c.Secret.Given, vars)
		ld.tmpl(&c.Secret.Want, []string{"config", "secret"})
	}
	if c.Unsigned != "" {
		proofs++
		if c.Items != nil && !c.Items.Hint {
			ld.fail(below("items"), "hint: true", "an unsigned callback may only give keys: the documents are read from the vendor")
		}
	}
	if proofs != 1 {
		ld.fail(at, "sign: {...}, or unsigned: the vendor signs nothing", "say how an authentic request is told: one of sign, secret and unsigned")
	}
	if c.Handshake != nil {
		ld.expr(&c.Handshake.When, vars)
		ld.reply(&c.Handshake.Reply, with(vars, []string{"secret"}))
	}
	for _, r := range []*replySpec{&c.Replies.Stored, &c.Replies.Busy, &c.Replies.Bad} {
		ld.reply(r, vars)
	}
	if c.Items == nil {
		if c.Handshake == nil {
			ld.fail(at, "items: {stream: orders}", "the callback brings nothing")
		}
		return
	}
	s, ok := m.Streams.get(c.Items.Stream)
	if !ok {
		ld.fail(below("items/stream"), nearHint(c.Items.Stream, m.Streams.names()), "there is no stream %q", c.Items.Stream)
		return
	}
	if c.Items.Hint && s.Fetch == nil {
		ld.fail(below("items"), "describe fetch in the stream", "a hint is a key only, so the stream needs fetch")
	}
	ld.expr(&c.Items.Rows, vars)
	row := with(baseVars, []string{"row"})
	ld.expr(&c.Items.Each, row)
	row = with(row, []string{"part"})
	ld.expr(&c.Items.Key, row)
	ld.expr(&c.Items.Root, row)
	ld.version(c.Items.Version, below("items/version"), row)
}

func (ld *loader) reply(r *replySpec, vars []string) {
	ld.pairs(r.Headers, vars)
	ld.tree(&r.Body, vars)
}

// inbound is a request as the expressions of a callback read it.
type inbound struct {
	c     *callbackSpec
	env   formula.Env
	body  any
	spans *spans
	in    signed
}

// receive reads a request for the first callback that takes it.
func (a *account) inbound(req connectors.Request) (*inbound, *connectors.Error) {
	var unread *connectors.Error
	for i := range a.m.Callbacks {
		c := &a.m.Callbacks[i].value
		if c.Path != "" && strings.Trim(c.Path, "/") != strings.Trim(req.Path, "/") {
			continue
		}
		in, err := a.readInbound(c, req)
		if err != nil {
			unread = err
			continue
		}
		if c.When.given() {
			ok, everr := c.When.e.Bool(in.env)
			if everr != nil || !ok {
				continue
			}
		}
		return in, nil
	}
	if unread != nil {
		return nil, unread
	}
	return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: a.m.Name + ".callback", Text: "the callback is none that the hub takes",
		Hint: "compare it with callbacks of the manifest"}
}

func (a *account) readInbound(c *callbackSpec, req connectors.Request) (*inbound, *connectors.Error) {
	in := &inbound{c: c}
	b := req.Body
	if set := charset(a.m.Request.Charset); set != nil {
		if u, err := set.NewDecoder().Bytes(b); err == nil {
			b = u
		}
	}
	bad := func() (*inbound, *connectors.Error) {
		return nil, &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: a.m.Name + ".callback", Text: "the body of the callback cannot be read", Raw: req.Body}
	}
	var err error
	switch {
	case len(b) == 0:
	case c.Format == "form":
		if in.in.fields, err = formPairs(string(b)); err != nil {
			return bad()
		}
		in.body = pairMap(in.in.fields)
	case c.Format == "xml":
		if in.body, in.spans, err = decodeXML(b); err != nil {
			return bad()
		}
	case c.Format == "text":
		in.body = string(b)
	default:
		if in.body, err = codec.Decode(b); err != nil {
			return bad()
		}
		in.spans = jsonSpans(b, in.body)
	}
	if c.Format != "form" {
		names, get := members(in.body)
		for _, n := range names {
			in.in.fields = append(in.in.fields, pair{n, formula.Text(get(n))})
		}
	}
	for _, name := range sortedNames(req.Query) {
		for _, v := range req.Query[name] {
			in.in.query = append(in.in.query, pair{name, v})
		}
	}
	in.in.path = req.Path
	in.in.body = func() (string, error) { return string(req.Body), nil }
	header := map[string]any{}
	for name, values := range req.Header {
		header[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	in.env = a.base(formula.Env{
		"call": map[string]any{"method": req.Method, "path": req.Path}, "query": pairMap(in.in.query), "header": header, "body": in.body, "fields": pairMap(in.in.fields),
	})
	if !req.At.IsZero() {
		in.env["now"] = req.At
	}
	return in, nil
}

func sortedNames(q url.Values) []string {
	out := make([]string, 0, len(q))
	for n := range q {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// formPairs reads a form in its own order.
func formPairs(body string) ([]pair, error) {
	var out []pair
	for _, part := range strings.Split(body, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		out = append(out, pair{n, v})
	}
	return out, nil
}

func pairMap(list []pair) map[string]any {
	out := map[string]any{}
	for _, p := range list {
		if _, twice := out[p.name]; !twice {
			out[p.name] = p.value
		}
	}
	return out
}

// reply handed to Reply.
type replyTo struct{ in *inbound }

// Receive checks that a request is authentic and reads its items. It has no side effect.
func (a *account) Receive(_ context.Context, req connectors.Request) (connectors.Received, error) {
	in, err := a.inbound(req)
	if err != nil {
		return connectors.Received{}, err
	}
	rcv := connectors.Received{Reply: replyTo{in}}
	if err := a.authentic(in); err != nil {
		return rcv, err
	}
	if h := in.c.Handshake; h != nil {
		ok, everr := h.When.e.Bool(in.env)
		if everr != nil {
			return rcv, misfit("handshake.when", everr)
		}
		if ok {
			res := a.respond(&h.Reply, in.env.With(formula.Env{"secret": a.secrets}))
			rcv.Answer = &res
			return rcv, nil
		}
	}
	if rcv.Items, err = a.inboundItems(in); err != nil {
		return connectors.Received{Reply: rcv.Reply}, err
	}
	return rcv, nil
}

func (a *account) inboundItems(in *inbound) ([]connectors.Item, *connectors.Error) {
	spec := in.c.Items
	if spec == nil {
		return nil, nil
	}
	bad := func(text string) *connectors.Error {
		return &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: a.m.Name + ".callback.body", Text: text}
	}
	rows := []any{in.body}
	if spec.Rows.given() {
		v, err := spec.Rows.e.Eval(in.env)
		if err != nil {
			return nil, bad("rows cannot be worked out: " + err.Error())
		}
		switch v := v.(type) {
		case []any:
			rows = v
		case map[string]any:
			rows = []any{v}
		default:
			return nil, bad("the callback has no " + spec.Rows.source)
		}
	}
	s, _ := a.m.Streams.get(spec.Stream)
	how := s.recipe(spec.Stream)
	if spec.Each.given() {
		how.each = &spec.Each
	}
	if spec.Key.given() {
		how.key = &spec.Key
	}
	if spec.Root.given() {
		how.root = &spec.Root
	}
	if spec.Version != nil {
		how.version = spec.Version
	}
	if spec.Hint { // only the key counts: what else a hint says is not believed
		how.version = nil
		bare := *s
		bare.Deleted, bare.Rescan = expression{}, nil
		how.s = &bare
	}
	var out []connectors.Item
	for _, row := range rows {
		items, err := a.items(how, row, in.spans)
		if err != nil {
			err.Raw = nil
			return nil, err
		}
		for _, it := range items {
			if spec.Hint {
				it.Body = nil
			}
			out = append(out, it)
		}
	}
	if len(out) == 0 {
		return nil, bad("the callback carries nothing")
	}
	return out, nil
}

// Reply answers in the vendor's words.
func (a *account) Reply(v connectors.Verdict, rcv connectors.Received, _ error) connectors.Response {
	env := a.base(nil)
	var c *callbackSpec
	if r, ok := rcv.Reply.(replyTo); ok {
		c, env = r.in.c, r.in.env
	} else if len(a.m.Callbacks) > 0 {
		c = &a.m.Callbacks[0].value
	}
	if c == nil {
		return connectors.Response{Status: http.StatusNotFound}
	}
	switch v {
	case connectors.Stored:
		return a.respond(&c.Replies.Stored, env)
	case connectors.Busy:
		return a.respond(&c.Replies.Busy, env)
	}
	return a.respond(&c.Replies.Bad, env)
}

// respond writes a declared answer. One that cannot be worked out says so with a status
// that no vendor takes for success.
func (a *account) respond(r *replySpec, env formula.Env) connectors.Response {
	out := connectors.Response{Status: r.Status, Header: http.Header{}}
	if out.Status == 0 {
		out.Status = http.StatusOK
	}
	broken := connectors.Response{Status: http.StatusInternalServerError}
	body, err := r.Body.eval(env)
	if err != nil {
		return broken
	}
	if err := eachPair(r.Headers, env, func(n, v string) { out.Header.Set(n, v) }); err != nil {
		return broken
	}
	d := &draft{body: body, format: first(r.Format, "json"), root: first(a.m.Request.XMLRoot, "response"), set: charset(a.m.Request.Charset)}
	if _, isText := body.(string); isText {
		d.format = "text"
	}
	kind := ""
	if out.Body, kind, err = d.bytes(); err != nil {
		return broken
	}
	if out.Header.Get("Content-Type") == "" && kind != "" {
		out.Header.Set("Content-Type", kind)
	}
	return out
}
