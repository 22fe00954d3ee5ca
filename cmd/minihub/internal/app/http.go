package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/console"
	"github.com/minihub/minihub/cmd/minihub/internal/mapweb"
	"github.com/minihub/minihub/cmd/minihub/internal/oidc"
	"github.com/minihub/minihub/cmd/minihub/internal/people"
	"github.com/minihub/minihub/mappings/craft"
	"github.com/minihub/minihub/pipelines"
)

// Endpoint is what a running hub leaves in its directory, readable by its user only, so
// that commands find it.
type Endpoint struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	PID   int    `json:"pid"`
}

// EndpointFile is the path of a deployment's Endpoint.
func EndpointFile(dir string) string { return filepath.Join(dir, ".minihub.json") }

// Handler is the API over this hub, started or not.
func (a *App) Handler(token string) *api.API {
	r := a.live.Load()
	settings := &r.dep.Hub.People // of what is in force, not of the start
	var provider *oidc.Provider
	if settings.OIDC != nil {
		provider = oidc.New(*settings.OIDC, nil)
	}
	return api.New(api.Options{Engine: a.engine, Ledger: a.ledger, Scheduler: a.scheduler, Schemas: r.dep.Schemas,
		Reconciler: a.reconciler(), Lookups: r.tables, Bulks: a.bulks, Backfills: a.backfills, Flowing: a, Live: a.events, Changer: a, Alarms: a.alarms, Token: token,
		Proxies: settings.Proxies, Idle: settings.Idle, Life: settings.Life, OIDC: provider,
		Zone: r.dep.Hub.Zone, TraceLink: a.hub.Traces.LinkTo})
}

// serveAPI lets the API stand on what is in force now.
func (a *App) serveAPI() {
	a.api.Store(a.Handler(a.token))
}

// listen opens both listeners: admin on the loopback unless told otherwise, and the
// webhook intake (Invariant 8).
func (a *App) listen() (err error) {
	if a.admin, err = net.Listen("tcp", a.hub.Listen); err != nil {
		return &ListenError{Key: "listen", Err: err}
	}
	if a.intake, err = net.Listen("tcp", a.hub.Intake); err != nil {
		return errors.Join(&ListenError{Key: "intake.listen", Err: err}, a.admin.Close())
	}
	token := a.hub.Token.Reveal()
	if token == "" {
		var b [24]byte
		rand.Read(b[:])
		token = hex.EncodeToString(b[:])
	}
	admin := http.NewServeMux()
	a.token = token
	a.serveAPI()
	admin.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) { a.api.Load().ServeHTTP(w, r) })
	admin.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	admin.HandleFunc("GET /readyz", a.ready)
	admin.Handle("GET /metrics", promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{}))
	admin.HandleFunc("GET /{$}", a.statusPage)
	workshop := http.StripPrefix("/console/map", mapweb.Handler(mapweb.Options{Load: a.workshop}))
	admin.HandleFunc("/console/map/", func(w http.ResponseWriter, r *http.Request) { a.api.Load().Page(people.Change, workshop, w, r) })
	admin.Handle("/console/", http.StripPrefix("/console", console.Handler()))
	in := http.NewServeMux()
	in.HandleFunc(pipelines.IntakePrefix, a.metrics.counted(a.engine.ServeIntake))
	a.serve(a.admin, admin)
	a.serve(a.intake, in)
	return a.announce(token)
}

// workshop is the mappings in force, to try changes on; nothing there is stored.
func (a *App) workshop() (*mapweb.Workshop, error) {
	r := a.live.Load()
	w := &mapweb.Workshop{Bench: &craft.Bench{Tables: r.tables, Schemas: mapweb.SchemasOf(r.dep.Schemas)}, Set: r.dep.Mappings}
	if dir := filepath.Join(a.opt.Dir, "mappings"); isDir(dir) {
		w.Cases = os.DirFS(dir)
	}
	return w, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// ListenError is an address of hub.yaml that cannot be listened at.
type ListenError struct {
	Key string // listen or intake.listen
	Err error
}

func (e *ListenError) Error() string {
	return "hub.yaml " + e.Key + ": " + e.Err.Error() + " (another program listens there, or the address is not this machine's)"
}

func (e *ListenError) Unwrap() error { return e.Err }

func (a *App) serve(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	a.servers = append(a.servers, s)
	go func() {
		if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			a.opt.Log.Error("a listener failed", zap.Error(err))
		}
	}()
}

func (a *App) announce(token string) error {
	b, err := json.Marshal(Endpoint{URL: a.AdminURL(), Token: token, PID: os.Getpid()})
	if err != nil {
		return err
	}
	if err := os.WriteFile(EndpointFile(a.opt.Dir), b, 0o600); err != nil {
		return fmt.Errorf("leaving the hub's address for the commands: %w", err)
	}
	return nil
}

// ready says whether the hub can take and move messages.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if _, err := a.ledger.Stats(ctx); err != nil {
		http.Error(w, "the store does not answer: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}
