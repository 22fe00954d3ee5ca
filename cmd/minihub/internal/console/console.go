// Package console is the page on which support and ops work: find an order, see every
// hop, read why it stopped, replay it; jobs, connections and flows. It is embedded, loads
// nothing from elsewhere, and talks to /api/v1 only, which decides who may do what and
// masks what is personal.
package console

import (
	"embed"
	"io/fs"
	"net/http"
	"path"

	"github.com/minihub/minihub/cmd/minihub/internal/editor"
)

//go:embed page
var page embed.FS

var kinds = map[string]string{".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml"}

// Handler serves the console below any prefix that the caller strips; the page's own
// links are relative, and the API is the one of its host. The files hold no data, so
// anybody may read them.
func Handler() http.Handler {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the folder is embedded
	}
	names, err := fs.Glob(files, "*")
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	serve := func(name string, body []byte) {
		patterns := []string{"GET /" + name}
		if name == "index.html" {
			// An OpenID provider sends people back to /oidc; the page hands its answer to the API.
			patterns = []string{"GET /{$}", "GET /oidc"}
		}
		kind := kinds[path.Ext(name)] + "; charset=utf-8"
		for _, pattern := range patterns {
			mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				_, _ = w.Write(body)
			})
		}
	}
	for _, name := range names {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err)
		}
		serve(name, body)
	}
	serve("editor.css", editor.Style)
	serve("editor.js", editor.Script)
	return hardened(mux)
}

// Policy is the content security policy of the console.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// hardened sets what keeps a page to itself.
func hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", Policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}
