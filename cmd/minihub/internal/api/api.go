// Package api is the hub's HTTP interface under /api/v1: what the commands and the
// console can do. One error shape, JSON in and out, personal values masked.
package api

import (
	"encoding/json"
	"errors"
	"hash/maphash"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/oidc"
	"github.com/minihub/minihub/cmd/minihub/internal/people"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/reconcile"
	"github.com/minihub/minihub/pipelines/schedule"
	"github.com/minihub/minihub/schemas"
)

// Options is what the API stands on.
type Options struct {
	Engine     *pipelines.Engine
	Ledger     ledger.Ledger
	Scheduler  *schedule.Scheduler
	Schemas    *schemas.Set
	Reconciler *reconcile.Reconciler
	Lookups    Tables
	Changer    Changer
	Alarms     Alarms
	Bulks      *pipelines.Bulks     // nil: bulk replays are not served
	Backfills  *pipelines.Backfills // nil: backfills are not served
	Flowing    Flowing
	Live       *Live  // nil: no live events
	Token      string // the local command's; empty = the API serves this process only
	// Proxies are the networks of proxies whose X-Forwarded headers are believed.
	Proxies []netip.Prefix
	Idle    time.Duration    // of a session; 0 = people's
	Life    time.Duration    // of a session; 0 = people's
	OIDC    *oidc.Provider   // nil: people sign in by name and password alone
	Now     func() time.Time // nil: time.Now
	Zone    *time.Location
	// TraceLink is the page of a trace, empty without one; nil = there are none.
	TraceLink func(id string) string
}

// Tables names the lookup tables that mappings read.
type Tables interface {
	Has(table string) bool
	Names() []string
}

// API is an http.Handler.
type API struct {
	opt    Options
	mux    *http.ServeMux
	desk   *people.Desk
	origin *http.CrossOriginProtection
	served []string
	sights sights
}

// Endpoints are the patterns that the API serves.
func (a *API) Endpoints() []string { return slices.Sorted(slices.Values(a.served)) }

// Error is the one shape of an error.
type Error struct {
	Status int    `json:"-"`
	Code   string `json:"code"`
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
	// Problems is what is wrong with the hub's files, or with an edited document, where that
	// is the error.
	Problems mapper.Problems `json:"problems,omitempty"`
}

func (e *Error) Error() string { return e.Text }

// New returns the API.
func New(opt Options) *API {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Zone == nil {
		opt.Zone = time.Local
	}
	if opt.TraceLink == nil {
		opt.TraceLink = func(string) string { return "" }
	}
	a := &API{opt: opt, mux: http.NewServeMux(), origin: http.NewCrossOriginProtection(), sights: sights{by: map[string]*viewer{}, seed: maphash.MakeSeed()},
		desk: &people.Desk{Store: opt.Ledger, Idle: opt.Idle, Life: opt.Life, Now: opt.Now}}
	a.handle("GET /api/v1/messages", a.find)
	a.handle("GET /api/v1/messages/{id}", a.show)
	a.handle("GET /api/v1/deliveries", a.deliveries)
	a.handle("GET /api/v1/records", a.records)
	a.handle("GET /api/v1/counts", a.counts)
	a.handle("POST /api/v1/replay", a.replay)
	a.handle("POST /api/v1/deliveries/{id}/discard", a.discard)
	a.handle("POST /api/v1/lookups", a.putLookup)
	a.jobCalls()
	a.backfills()
	a.handle("GET /api/v1/connections", a.connections)
	a.handle("POST /api/v1/connections/{name}/pause", a.pause)
	a.handle("POST /api/v1/connections/{name}/resume", a.resume)
	a.handle("POST /api/v1/reconcile", a.reconcile)
	a.handle("GET /api/v1/reconcile/{id}", a.report)
	a.handle("POST /api/v1/reconcile/{id}/heal", a.heal)
	a.handle("POST /api/v1/messages/{id}/reveal", a.reveal)
	a.change()
	a.signing()
	a.managing()
	a.auditing()
	a.alarmCalls()
	a.look()
	a.editing()
	a.wire()
	a.causes()
	a.replays()
	a.events()
	a.openapi()
	a.handle("/api/v1/", func(r *http.Request) (any, error) {
		return nil, &Error{Status: http.StatusNotFound, Code: "api.call", Text: "there is no call " + r.Method + " " + r.URL.Path}
	})
	return a
}

func (a *API) now() time.Time { return a.opt.Now() }

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, pattern := a.mux.Handler(r)
	r, err := a.admit(r, pattern)
	if err != nil {
		e := asError(err)
		write(w, e.Status, e)
		return
	}
	a.mux.ServeHTTP(w, r)
}

const maxBody = 1 << 20

// handle serves an endpoint; calls says what it needs.
func (a *API) handle(pattern string, h func(r *http.Request) (any, error)) {
	a.answer(pattern, func(_ http.ResponseWriter, r *http.Request) (any, error) { return h(r) })
}

// answer is handle for what sets headers.
func (a *API) answer(pattern string, h func(w http.ResponseWriter, r *http.Request) (any, error)) {
	h = a.audited(pattern, h)
	a.served = append(a.served, pattern)
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		out, err := h(w, r)
		if err != nil {
			e := asError(err)
			write(w, e.Status, e)
			return
		}
		write(w, http.StatusOK, out)
	})
}

func asError(err error) *Error {
	var e *Error
	var ps mapper.Problems
	switch {
	case errors.As(err, &e):
	case errors.As(err, &ps):
		e = &Error{Status: http.StatusUnprocessableEntity, Code: "apply.problems", Text: "the hub's files have mistakes", Hint: "`minihub check` lists them", Problems: ps}
	case errors.Is(err, ledger.ErrNotFound):
		e = &Error{Status: http.StatusNotFound, Code: "api.not_found", Text: "there is no such row"}
	case errors.Is(err, pipelines.ErrNeedsConfirmation):
		e = &Error{Status: http.StatusConflict, Code: "replay.confirm", Text: err.Error(), Hint: "read what it would send, then repeat with confirm"}
	default:
		e = &Error{Status: http.StatusUnprocessableEntity, Code: "api.failed", Text: err.Error()}
	}
	if e.Status == 0 {
		e.Status = http.StatusUnprocessableEntity
	}
	return e
}

func write(w http.ResponseWriter, status int, v any) {
	if e, ok := v.(*Error); ok {
		v = map[string]*Error{"error": e}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}
