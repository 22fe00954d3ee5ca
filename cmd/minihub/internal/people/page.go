package people

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"net/http"
)

//go:embed sign_in.html
var signInPage []byte

// SignInPage is the page on which people sign in; with the secret of an invite behind
// the # of its address they choose their password there.
func SignInPage() http.Handler {
	policy := "default-src 'none'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; script-src '" +
		inline("script") + "'; style-src '" + inline("style") + "'"
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		_, _ = w.Write(signInPage)
	})
}

// inline is the policy's name for the one script or style that stands in the page.
func inline(tag string) string {
	_, rest, _ := bytes.Cut(signInPage, []byte("<"+tag+">"))
	text, _, _ := bytes.Cut(rest, []byte("</"+tag+">"))
	sum := sha256.Sum256(text)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
