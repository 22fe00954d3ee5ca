package manifest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/token"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
	"github.com/minihub/minihub/schemas/codec"
)

// answer is what a call brought, good or bad.
type answer struct {
	status   int
	header   map[string]any
	body     any
	raw      []byte
	spans    *spans
	exchange connectors.Exchange
	rule     *ruleSpec   // that made it an error
	env      formula.Env // the variables of its expressions
	token    token.Token // of the session that it was asked with
	cookies  []*http.Cookie
	mask     *strings.Replacer // of the secrets that the call carried
}

// hide masks secrets in an error made of the answer later on.
func (ans *answer) hide(e *connectors.Error) *connectors.Error {
	if ans.mask == nil {
		return e
	}
	return hide(e, ans.mask)
}

// call makes one call and reads its answer. One that was refused before it was executed,
// for its session or its timestamp, is repeated once (Invariant 7). The answer is never
// nil.
func (a *account) call(ctx context.Context, c *callSpec, vars formula.Env, o options) (*answer, *connectors.Error) {
	for try := 0; ; try++ {
		ans, again, err := a.once(ctx, c, vars, o)
		if err == nil || try > 0 || again == "" {
			return ans, err
		}
		switch again {
		case "renew":
			if a.session == nil || o.auth {
				return ans, err
			}
			a.session.drop(ans.token)
		case "clock":
			if !a.learnClock(http.Header{"Date": {formula.Text(ans.header["date"])}}) {
				return ans, err
			}
		}
	}
}

// once makes one attempt; again says what would mend it.
func (a *account) once(ctx context.Context, c *callSpec, vars formula.Env, o options) (ans *answer, again string, failed *connectors.Error) {
	ans = &answer{header: map[string]any{}}
	sess, _ := vars["session"].(map[string]any)
	if a.session != nil && !o.auth && (c.Auth == nil || *c.Auth) {
		var err *connectors.Error
		if ans.token, sess, err = a.session.get(ctx); err != nil {
			return ans, "", err
		}
	}
	call, hidden, err := a.prepare(c, vars, sess, o)
	mask := scrubber(hidden)
	ans.mask = mask
	if err != nil {
		return ans, "", hide(misfit("the request", err), mask)
	}
	got, cerr := a.http.Do(ctx, call)
	ans.exchange = got.Exchange
	x := &ans.exchange
	x.URL, x.Request, x.Response, x.Err = mask.Replace(x.URL), mask.Replace(x.Request), mask.Replace(x.Response), mask.Replace(x.Err)
	if cerr != nil {
		return ans, "", hide(cerr, mask)
	}
	ans.status, ans.raw, ans.cookies = got.Status, got.Body, (&http.Response{Header: got.Header}).Cookies()
	for name, values := range got.Header {
		ans.header[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	again, cerr = a.read(c, got, ans, vars, o)
	if cerr != nil {
		hide(cerr, mask)
		if o.auth {
			cerr.Raw = nil // it may hold a token
		}
	}
	return ans, again, cerr
}

// hide masks secrets in an error.
func hide(e *connectors.Error, mask *strings.Replacer) *connectors.Error {
	e.Text, e.Code, e.Hint = mask.Replace(e.Text), mask.Replace(e.Code), mask.Replace(e.Hint)
	if len(e.Raw) > 0 {
		e.Raw = []byte(mask.Replace(string(e.Raw)))
	}
	if e.Err != nil {
		if text := mask.Replace(e.Err.Error()); text != e.Err.Error() {
			e.Err = errors.New(text)
		}
	}
	return e
}

// read decodes an answer and tells success from failure: the rules first, then the
// status, then whether it can be read at all, then ok.
func (a *account) read(c *callSpec, got *vendorhttp.Answer, ans *answer, vars formula.Env, o options) (again string, failed *connectors.Error) {
	unreadable := a.decode(c, got, ans)
	ans.env = a.base(vars).With(formula.Env{"status": formula.Number(int64(ans.status)), "header": ans.header, "body": ans.body})
	expired := a.m.Auth != nil && a.session != nil && !o.auth
	for _, rules := range [][]ruleSpec{c.Errors, a.m.Errors.Rules} {
		for i := range rules {
			r := &rules[i]
			if unreadable != nil && r.When.e.Uses("body") {
				continue
			}
			hit, err := r.When.e.Bool(ans.env)
			if err != nil {
				return "", a.unreadable(ans, "the rule "+r.When.source+" cannot be worked out: "+err.Error())
			}
			if hit && !(r.Kind == "" && r.Outcome == "" && r.Then == "renew" && !expired) {
				ans.rule = r
				return r.Then, a.ruled(r, ans, ans.env)
			}
		}
	}
	if expired && a.expired(ans, unreadable) {
		return "renew", &connectors.Error{Kind: connectors.Unauthorized, Scope: connectors.OfConnection, Code: a.code(ans), Text: a.text(ans, "the session is over"),
			Hint: "the session was renewed and is still refused: check the credentials"}
	}
	if e := got.StatusError(); e != nil {
		if unreadable == nil {
			e.Text = a.text(ans, e.Text)
		}
		return "", e
	}
	if unreadable != nil {
		return "", unreadable
	}
	ok := c.OK
	if !ok.given() {
		ok = a.m.Errors.OK
	}
	if !ok.given() {
		if first(c.Format, a.m.Request.Format) == "graphql" || c.GraphQL != "" {
			if m, _ := ans.body.(map[string]any); m["errors"] != nil {
				return "", a.unclassified(ans)
			}
		}
		return "", nil
	}
	good, err := ok.e.Bool(ans.env)
	if err != nil {
		return "", a.unreadable(ans, "ok cannot be worked out: "+err.Error())
	}
	if !good {
		return "", a.unclassified(ans)
	}
	return "", nil
}

func (a *account) unclassified(ans *answer) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: a.code(ans), Text: a.text(ans, "the answer says neither success nor a known failure"), Sent: true,
		Hint: "find out what the code means and give it a rule under errors"}
}

func (a *account) unreadable(ans *answer, text string) *connectors.Error {
	return ans.hide(&connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: a.m.Name + ".answer", Text: text, Sent: true, Raw: ans.raw})
}

func (a *account) expired(ans *answer, unreadable *connectors.Error) bool {
	x := a.m.Auth.Expired
	if !x.given() {
		return ans.status == http.StatusUnauthorized
	}
	if unreadable != nil && x.e.Uses("body") {
		return false
	}
	over, err := x.e.Bool(ans.env)
	return err == nil && over
}

// decode reads the body of an answer.
func (a *account) decode(c *callSpec, got *vendorhttp.Answer, ans *answer) *connectors.Error {
	spec := a.m.Request.Answer
	format := first(c.Answer.Format, spec.Format, "json")
	b := got.Body
	if set := charset(a.m.Request.Charset); set != nil {
		u, err := set.NewDecoder().Bytes(b)
		if err != nil {
			return a.unreadable(ans, "the answer is not in the vendor's character set")
		}
		b = u
	}
	if first(c.Answer.Clean, spec.Clean) == "nul" {
		b = withoutNUL(b)
	}
	if format == "text" {
		ans.body = string(b)
		return nil
	}
	// JSON sent as text/html, which is what PHP says unasked, is an answer all the same.
	if got.IsHTML() && bytes.HasPrefix(bytes.TrimSpace(b), []byte("<")) {
		return a.unreadable(ans, "a page came instead of an answer")
	}
	if format == "xml" {
		tree, s, err := decodeXML(b)
		if err != nil {
			return a.unreadable(ans, err.Error())
		}
		ans.body, ans.spans = tree, s
		s.mask = ans.mask
		return nil
	}
	tree, err := codec.Decode(b)
	var ce *codec.Error
	if trailing := first(c.Answer.Trailing, spec.Trailing); trailing != "" && trailing != "error" && errors.As(err, &ce) && (ce.Code == codec.CodeTrailing || ce.Code == codec.CodeNUL) {
		if b = pickDocument(b, trailing == "last"); b != nil {
			tree, err = codec.Decode(b)
		}
	}
	if err != nil {
		if errors.As(err, &ce) && ce.Code == codec.CodeEmpty && len(bytes.TrimSpace(got.Body)) == 0 {
			e := a.unreadable(ans, "the answer is empty")
			return e
		}
		e := a.unreadable(ans, "the answer cannot be decoded")
		e.Err = err
		return e
	}
	ans.body, ans.spans = tree, jsonSpans(b, tree)
	ans.spans.mask = ans.mask
	return nil
}

// pickDocument takes the first or the last of the JSON documents in an answer; nil when
// something else stands among them.
func pickDocument(b []byte, last bool) []byte {
	dec := json.NewDecoder(bytes.NewReader(b))
	var found json.RawMessage
	for n := 0; n < 1000; n++ {
		var one json.RawMessage
		if err := dec.Decode(&one); err != nil {
			if errors.Is(err, io.EOF) {
				return found
			}
			return nil
		}
		if found == nil || last {
			found = one
		}
	}
	return nil
}

// withoutNUL takes NUL bytes and \u0000 out of an answer.
func withoutNUL(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte{0}, nil)
	esc := []byte(`\u0000`)
	if !bytes.Contains(b, esc) {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		if bytes.HasPrefix(b[i:], esc) {
			i += len(esc) - 1
			continue
		}
		out = append(out, b[i], b[i+1]) // an escape, a backslash among them
		i++
	}
	return out
}
