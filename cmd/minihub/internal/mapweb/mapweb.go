// Package mapweb is the page on which a mapping is tried: sample, mapping and result
// side by side, live. It is three embedded files and a small API; it loads nothing from
// elsewhere, so it works offline, and it neither stores nor sends what is typed into it.
package mapweb

import (
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/minihub/minihub/cmd/minihub/internal/editor"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/craft"
	"github.com/minihub/minihub/mappings/mapper"
)

// MaxBody is how many bytes of mapping, sample and context together are taken.
const MaxBody = 8 << 20

//go:embed page
var page embed.FS

// Workshop is what a mapping is tried against.
type Workshop struct {
	Bench *craft.Bench
	Set   *mappings.Set
	// Cases is the mappings folder whose cases serve as samples; may be nil.
	Cases fs.FS
}

// Options says what the page works on.
type Options struct {
	// Load reads the workshop anew; it is called when the page is opened. Its error is
	// shown on the page, and the last good workshop stays.
	Load func() (*Workshop, error)
	// Start is the mapping the page opens with, a name of the set or a file's; with
	// StartSource it need not be in the set.
	Start       string
	StartSource []byte
}

type handler struct {
	opt Options

	mu   sync.Mutex
	last *Workshop
}

// Handler serves the page and its API below any prefix that the caller strips; the
// page's own links are relative. The caller decides who may reach it.
func Handler(opt Options) http.Handler {
	h := &handler{opt: opt}
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux := http.NewServeMux()
	serve := func(pattern, kind string, body []byte) {
		mux.HandleFunc("GET /"+pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind+"; charset=utf-8")
			_, _ = w.Write(body)
		})
	}
	for name, kind := range map[string]string{"index.html": "text/html", "app.css": "text/css", "app.js": "text/javascript"} {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err)
		}
		if name == "index.html" {
			name = "{$}"
		}
		serve(name, kind, body)
	}
	serve("editor.css", "text/css", editor.Style)
	serve("editor.js", "text/javascript", editor.Script)
	mux.HandleFunc("GET /api/workshop", h.workshop)
	mux.HandleFunc("GET /api/mapping", h.mapping)
	mux.HandleFunc("POST /api/try", h.try)
	return http.NewCrossOriginProtection().Handler(hardened(mux))
}

// hardened sets what keeps a page to itself.
func hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// reload reads the workshop; when that fails the last good one is answered with the
// error.
func (h *handler) reload() (*Workshop, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, err := h.opt.Load()
	if err == nil {
		h.last = w
	}
	return h.last, err
}

func (h *handler) current() (*Workshop, error) {
	h.mu.Lock()
	w := h.last
	h.mu.Unlock()
	if w != nil {
		return w, nil
	}
	return h.reload()
}

type listed struct {
	Name  string `json:"name"`
	Own   bool   `json:"own"` // of the deployment, not shipped
	Title string `json:"title"`
}

// workshop lists the mappings; problems of the folder come with it.
func (h *handler) workshop(w http.ResponseWriter, _ *http.Request) {
	shop, err := h.reload()
	out := struct {
		Mappings []listed        `json:"mappings"`
		Start    string          `json:"start"`
		Source   *string         `json:"source,omitempty"`
		Problems mapper.Problems `json:"problems"`
		Error    string          `json:"error,omitempty"`
	}{Mappings: []listed{}, Start: h.opt.Start, Problems: mapper.Problems{}}
	if h.opt.StartSource != nil {
		s := string(h.opt.StartSource)
		out.Source = &s
	}
	if err != nil && !errors.As(err, &out.Problems) {
		out.Error = err.Error()
	}
	if shop != nil {
		for _, name := range shop.Set.Names() {
			p, err := shop.Set.Program(name)
			if err != nil {
				continue // it was listed a moment ago
			}
			out.Mappings = append(out.Mappings, listed{Name: name, Own: shop.Set.Own(name), Title: p.Title()})
		}
	}
	answer(w, http.StatusOK, out)
}

type sample struct {
	Name    string `json:"name"`
	About   string `json:"about"`
	Input   string `json:"input"`
	Context string `json:"context"`
}

// mapping answers a mapping's file and the cases of the folder that go through it.
func (h *handler) mapping(w http.ResponseWriter, r *http.Request) {
	shop, err := h.current()
	if shop == nil {
		refuse(w, http.StatusServiceUnavailable, "the folder cannot be read: "+err.Error())
		return
	}
	name := strings.TrimPrefix(r.URL.Query().Get("name"), "mappings/")
	out := struct {
		Name    string   `json:"name"`
		Source  string   `json:"source"`
		Samples []sample `json:"samples"`
	}{Name: name, Samples: []sample{}}
	src, ok := shop.Set.Source(name)
	if !ok && name != h.opt.Start {
		refuse(w, http.StatusNotFound, "there is no mapping "+name)
		return
	}
	out.Source = string(src)
	if shop.Cases != nil {
		out.Samples = samples(shop.Cases, name)
	}
	answer(w, http.StatusOK, out)
}

// samples are the documents of the cases of a mapping.
func samples(folder fs.FS, name string) []sample {
	out := []sample{}
	files, err := mappings.CaseFiles(folder)
	if err != nil {
		return out
	}
	for _, file := range files {
		data, err := fs.ReadFile(folder, file)
		if err != nil {
			continue // `map test` reports it
		}
		c, err := mappings.ReadCase(file, data)
		if err != nil || c.Mapping != name {
			continue
		}
		s := sample{Name: strings.TrimSuffix(path.Base(file), ".txtar"), About: c.About, Input: string(c.Part("input.json")), Context: string(c.Part("context.json"))}
		out = append(out, s)
	}
	return out
}

// try maps a sample.
func (h *handler) try(w http.ResponseWriter, r *http.Request) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "send application/json")
		return
	}
	var in struct {
		File    string `json:"file"`
		Mapping string `json:"mapping"`
		Sample  string `json:"sample"`
		Context string `json:"context"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, MaxBody)).Decode(&in); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			refuse(w, http.StatusRequestEntityTooLarge, "mapping and sample together are larger than 8 MiB")
			return
		}
		refuse(w, http.StatusBadRequest, "the request is not JSON")
		return
	}
	shop, err := h.current()
	if shop == nil {
		refuse(w, http.StatusServiceUnavailable, "the folder cannot be read: "+err.Error())
		return
	}
	answer(w, http.StatusOK, shop.Bench.Try(in.File, []byte(in.Mapping), []byte(in.Sample), []byte(in.Context)))
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that went away
}

func refuse(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"error": text})
}
