package app

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/doctor"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// Doctor looks at what the hub stands on; online it goes the way to each vendor and tries
// the credentials, with the connections that are open.
func (a *App) Doctor(ctx context.Context, online bool) []doctor.Finding {
	out := a.machine(ctx)
	if online {
		out = append(out, a.vendors(ctx)...)
	} else {
		out = append(out, doctor.Offline()...)
		if c := a.live.Load().dep.Hub.People.OIDC; c != nil {
			out = append(out, doctor.Unasked(c))
		}
	}
	doctor.Sort(out)
	return out
}

// machine is what is known without a call to anybody.
func (a *App) machine(ctx context.Context) []doctor.Finding {
	st, err := a.ledger.Stats(ctx)
	out := []doctor.Finding{doctor.Opened(st, err)}
	folder := a.opt.Dir
	if file, ok := strings.CutPrefix(a.hub.Store, "sqlite:"); ok {
		folder = filepath.Dir(file)
		out = append(out, doctor.Sync(folder))
	}
	out = append(out, doctor.Space(folder))
	if gates, err := a.ledger.Gates(ctx); err == nil {
		for _, g := range gates {
			out = append(out, doctor.Closed(g))
		}
	}
	out = append(out, a.orphans(ctx)...)
	for _, u := range a.engine.Limits() {
		if f, near := doctor.Used(u.Connection, u.Limit, u.Used, u.Allowed); near {
			out = append(out, f)
		}
	}
	for _, s := range a.engine.Standing().Suspects {
		out = append(out, doctor.Fails(s.Now.Mapping, s.Revision, s.Now.Failed+s.Now.Refused, s.Now.Mapped))
	}
	return out
}

// orphans are connections that the hub does not have and that have unfinished work: their
// files were taken away while it was down.
func (a *App) orphans(ctx context.Context) []doctor.Finding {
	counts, err := a.ledger.Counts(ctx)
	if err != nil {
		return nil // the store has a finding of its own
	}
	left := map[string]int64{}
	for _, c := range counts {
		if _, _, known := a.engine.Conn(c.Connection); !known && unfinished(c) {
			left[c.Connection] += c.N
		}
	}
	var out []doctor.Finding
	for name, n := range left {
		if n > 0 {
			out = append(out, doctor.Orphans(name, n))
		}
	}
	return out
}

// unfinished reports whether rows of a count have something before them.
func unfinished(c ledger.Count) bool {
	if c.Kind == "delivery" {
		return !ledger.State(c.State).Final()
	}
	return c.State == string(ledger.RecordReceived) || c.State == "pending"
}

// atOnce is how many connections are looked at at the same time.
const atOnce = 8

// vendors goes the way to every connection's hosts and tries its credentials.
func (a *App) vendors(ctx context.Context) []doctor.Finding {
	var mu sync.Mutex
	var out []doctor.Finding
	ahead := map[string]time.Duration{}
	add := func(list ...doctor.Finding) {
		mu.Lock()
		defer mu.Unlock()
		out = append(out, list...)
	}
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	r := a.live.Load()
	for i := range r.dep.Connections {
		c := &r.dep.Connections[i]
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			for _, base := range urls(c) {
				way := doctor.Dialer{}.Go(ctx, c.Name, base)
				add(way.Findings...)
				if way.Timed {
					mu.Lock()
					ahead[base] = way.Ahead
					mu.Unlock()
				}
			}
			if conn, _, ok := a.engine.Conn(c.Name); ok {
				add(doctor.Ping(ctx, c.Name, conn)...)
			}
		})
	}
	if c := r.dep.Hub.People.OIDC; c != nil {
		all.Go(func() {
			add(doctor.Dialer{}.Go(ctx, c.Name, c.Issuer).Findings...)
			add(doctor.Provider(ctx, c)...)
		})
	}
	all.Wait()
	return append(out, doctor.Times(ahead))
}

// urls are the addresses that a connection is configured with.
func urls(c *config.Connection) []string {
	var out []string
	for _, f := range c.Connector.Config {
		if u := c.Config.String(f.Name); f.Kind == connectors.FieldURL && u != "" {
			out = append(out, u)
		}
	}
	return out
}
