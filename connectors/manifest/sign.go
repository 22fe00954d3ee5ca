package manifest

import (
	"crypto"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // vendors ask for it
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // vendors ask for it
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// sign compiles a signature's rule; inbound is one of a callback, which is checked.
func (ld *loader) sign(s *signSpec, at spot, vars []string, inbound bool) {
	for i := range s.Parts {
		ld.tmpl(&s.Parts[i], vars)
	}
	if s.Params != nil {
		ld.pairs(s.Params.With, vars)
	}
	ld.tmpl(&s.Key, vars)
	ld.tmpl(&s.Put.Prefix, vars)
	ld.expr(&s.Given, vars)
	ld.expr(&s.StampOf, vars)
	keyed := strings.HasPrefix(s.Digest, "hmac-") || strings.HasPrefix(s.Digest, "rsa-")
	if keyed != s.Key.given() {
		ld.fail(at, "key: '{{ secret.app_secret }}'", "key goes with the hmac and rsa digests, and they need it")
	}
	if st := s.Stamp; st != nil {
		if _, err := formula.NewLayout(first(st.Format, "unix"), st.Zone); err != nil {
			ld.fault(at, err)
		}
	}
	puts := 0
	for _, p := range []string{s.Put.Header, s.Put.Query, s.Put.Body} {
		if p != "" {
			puts++
		}
	}
	switch {
	case inbound && (puts > 0 || !s.Given.given()):
		ld.fail(at, "given: query.sign", "the signature of a callback says where the request carries it: given, not put")
	case !inbound && puts != 1:
		ld.fail(at, "put: {query: sign}", "put needs one of header, query and body")
	case !inbound && (s.Given.given() || s.StampOf.given() || s.MaxAge.Duration != 0):
		ld.fail(at, "use put", "given, stamp_given and max_age belong to callbacks")
	case s.Put.Body != "" && s.has("body"):
		ld.fail(at, "put it into a header or the query, or sign params", "a signature over body cannot stand inside the body")
	}
	if (s.MaxAge.Duration != 0) != s.StampOf.given() {
		ld.fail(at, "stamp_given: query.timestamp", "max_age and stamp_given go together")
	}
}

func (s *signSpec) has(word string) bool {
	if s.Params != nil && slices.ContainsFunc(s.Params.With, func(e entry[tmpl]) bool { return e.value.source == word }) {
		return true
	}
	return slices.ContainsFunc(s.Parts, func(t tmpl) bool { return t.source == word })
}

func (s *signSpec) stamp() (formula.Layout, time.Duration) {
	if s.Stamp == nil {
		l, _ := formula.NewLayout("unix", "")
		return l, 0
	}
	l, _ := formula.NewLayout(first(s.Stamp.Format, "unix"), s.Stamp.Zone) // checked when it was loaded
	return l, s.Stamp.Offset.Duration
}

// signKey is an RSA key, read once.
type signKey struct {
	private *rsa.PrivateKey
	public  *rsa.PublicKey
}

func newSignKey(s *signSpec, env formula.Env, public bool) (*signKey, error) {
	if !strings.HasPrefix(s.Digest, "rsa-") {
		return &signKey{}, nil
	}
	text, err := s.Key.t.Text(env)
	if err != nil {
		return nil, fmt.Errorf("sign.key: %w", err)
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		// Vendors hand keys out as bare base64, too.
		der, derr := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if derr != nil {
			return nil, errors.New("sign.key: the RSA key is neither PEM nor base64")
		}
		block = &pem.Block{Bytes: der}
	}
	if public {
		k, err := x509.ParsePKIXPublicKey(block.Bytes)
		if pub, ok := k.(*rsa.PublicKey); err == nil && ok {
			return &signKey{public: pub}, nil
		}
		return nil, errors.New("sign.key: this is not an RSA public key")
	}
	if k, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if priv, ok := k.(*rsa.PrivateKey); ok {
			return &signKey{private: priv}, nil
		}
	}
	if k, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return &signKey{private: k}, nil
	}
	return nil, errors.New("sign.key: this is not an RSA private key")
}

// signed is what a signature covers.
type signed struct {
	query  []pair
	fields []pair // of the body
	body   func() (string, error)
	path   string
	own    string // name of the signature's own parameter
}

// signDraft signs a request and puts the signature into it.
func (a *account) signDraft(s *signSpec, d *draft, env formula.Env) (string, error) {
	own := first(s.Put.Query, s.Put.Body)
	in := signed{query: d.query, fields: d.fields(), path: d.path, own: own, body: func() (string, error) {
		b, _, err := d.bytes()
		return string(b), err
	}}
	text, err := s.text(in, env)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	sig, err := s.digest(text, env, a.key)
	if err != nil {
		return "", err
	}
	value := sig
	if s.Put.Prefix.t != nil {
		p, err := s.Put.Prefix.t.Text(env)
		if err != nil {
			return "", fmt.Errorf("sign.put.prefix: %w", err)
		}
		value = p + sig
	}
	switch {
	case s.Put.Header != "":
		d.header.Set(s.Put.Header, value)
	case s.Put.Query != "":
		d.query = append(d.query, pair{s.Put.Query, value})
	default:
		return sig, d.setBody(s.Put.Body, value)
	}
	return sig, nil
}

// text puts together what is signed.
func (s *signSpec) text(in signed, env formula.Env) (string, error) {
	fields := map[string]any{}
	for _, p := range in.fields {
		fields[p.name] = p.value
	}
	env = env.With(formula.Env{"fields": fields})
	var parts []string
	for i := range s.Parts {
		t := &s.Parts[i]
		switch t.source {
		case "params":
			p, err := s.params(in, env)
			if err != nil {
				return "", err
			}
			parts = append(parts, p)
		case "body":
			b, err := in.body()
			if err != nil {
				return "", err
			}
			parts = append(parts, b)
		case "path":
			parts = append(parts, in.path)
		case "query":
			var q []string
			for _, p := range in.query {
				q = append(q, p.name+"="+p.value)
			}
			parts = append(parts, strings.Join(q, "&"))
		default:
			p, err := t.t.Text(env)
			if err != nil {
				return "", err
			}
			parts = append(parts, p)
		}
	}
	text := strings.Join(parts, s.Join)
	if s.Escape == "url" {
		text = formEscape(text)
	}
	return text, nil
}

// formEscape escapes as Java's URLEncoder does, which is what vendors sign.
func formEscape(s string) string {
	return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(s))
}

func (s *signSpec) params(in signed, env formula.Env) (string, error) {
	p := s.Params
	if p == nil {
		p = &paramsSpec{}
	}
	var list []pair
	if len(p.From) == 0 || slices.Contains(p.From, "query") {
		list = append(list, in.query...)
	}
	if len(p.From) == 0 || slices.Contains(p.From, "body") {
		list = append(list, in.fields...)
	}
	for i := range p.With {
		v, err := p.With[i].value.t.Text(env)
		if p.With[i].value.source == "body" {
			v, err = in.body()
		}
		if err != nil {
			return "", fmt.Errorf("params.with.%s: %w", p.With[i].name, err)
		}
		list = append(list, pair{p.With[i].name, v})
	}
	list = slices.DeleteFunc(list, func(x pair) bool {
		return x.name == in.own || slices.Contains(p.Skip, x.name) || p.Only != nil && !slices.Contains(p.Only, x.name) || p.Empty != "keep" && x.value == ""
	})
	switch {
	case p.Order == "values":
		slices.SortStableFunc(list, func(x, y pair) int { return strings.Compare(x.value, y.value) })
	case p.Order != "given":
		slices.SortStableFunc(list, func(x, y pair) int { return strings.Compare(x.name, y.name) })
	case p.Only != nil:
		slices.SortStableFunc(list, func(x, y pair) int { return slices.Index(p.Only, x.name) - slices.Index(p.Only, y.name) })
	}
	var out []string
	for _, x := range list {
		v := x.value
		if p.Escape == "url" {
			v = formEscape(v)
		}
		if p.Values {
			out = append(out, v)
			continue
		}
		out = append(out, x.name+p.Pair+v)
	}
	return strings.Join(out, p.Join), nil
}

var hashes = map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

func (s *signSpec) digest(text string, env formula.Env, key *signKey) (string, error) {
	var sum []byte
	switch {
	case s.Digest == "rsa-sha256":
		h := sha256.Sum256([]byte(text))
		var err error
		if sum, err = rsa.SignPKCS1v15(rand.Reader, key.private, crypto.SHA256, h[:]); err != nil {
			return "", errors.New("sign: the RSA key cannot sign")
		}
	case strings.HasPrefix(s.Digest, "hmac-"):
		k, err := s.Key.t.Text(env)
		if err != nil {
			return "", fmt.Errorf("sign.key: %w", err)
		}
		h := hmac.New(hashes[strings.TrimPrefix(s.Digest, "hmac-")], []byte(k))
		h.Write([]byte(text))
		sum = h.Sum(nil)
	default:
		h := hashes[s.Digest]()
		h.Write([]byte(text))
		sum = h.Sum(nil)
	}
	if s.Encoding == "base64" {
		return base64.StdEncoding.EncodeToString(sum), nil
	}
	out := hex.EncodeToString(sum)
	if s.Case == "upper" {
		out = strings.ToUpper(out)
	}
	if s.Encoding == "base64_hex" {
		out = base64.StdEncoding.EncodeToString([]byte(out))
	}
	return out, nil
}

// verify checks a signature that came in, in constant time.
func (s *signSpec) verify(text, given string, env formula.Env, key *signKey) (bool, error) {
	if s.Digest == "rsa-sha256" {
		sig, err := base64.StdEncoding.DecodeString(given)
		if s.Encoding != "base64" {
			sig, err = hex.DecodeString(strings.ToLower(given))
		}
		if err != nil {
			return false, nil
		}
		h := sha256.Sum256([]byte(text))
		return rsa.VerifyPKCS1v15(key.public, crypto.SHA256, h[:], sig) == nil, nil
	}
	want, err := s.digest(text, env, key)
	if err != nil {
		return false, err
	}
	if s.Encoding == "" || s.Encoding == "hex" {
		want, given = strings.ToLower(want), strings.ToLower(given)
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(given)) == 1, nil
}

func nonce() string { return rand.Text()[:16] }
