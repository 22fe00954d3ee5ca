package app

import (
	_ "embed"
	"html/template"
	"net/http"
	"sort"
	"time"
)

//go:embed status.html
var statusHTML string

var statusTemplate = template.Must(template.New("status").Parse(statusHTML))

type statusRow struct {
	Kind, Connection, Name, State, Code string
	N                                   int64
}

// statusPage is a plain live page of counts: no document, nothing personal.
func (a *App) statusPage(w http.ResponseWriter, r *http.Request) {
	counts, err := a.ledger.Counts(r.Context())
	if err != nil {
		http.Error(w, "the store does not answer: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	data := struct {
		Now, Since time.Time
		Gates      []string
		Rows       []statusRow
	}{Now: time.Now(), Since: a.started}
	for name, closed := range a.engine.Connections() {
		if closed {
			data.Gates = append(data.Gates, name)
		}
	}
	sort.Strings(data.Gates)
	for _, c := range counts {
		data.Rows = append(data.Rows, statusRow{c.Kind, c.Connection, c.Name, c.State, c.Code, c.N})
	}
	sort.Slice(data.Rows, func(i, j int) bool {
		x, y := data.Rows[i], data.Rows[j]
		return x.Kind+x.Connection+x.Name+x.State+x.Code < y.Kind+y.Connection+y.Name+y.State+y.Code
	})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	_ = statusTemplate.Execute(w, data)
}
