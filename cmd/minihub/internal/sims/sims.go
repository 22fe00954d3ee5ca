// Package sims stands all simulators up over real HTTP: for `minihub sim`, the demo and
// the end-to-end tests. It is the only package of the program that links them; the
// engine cannot.
package sims

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors/jushuitan/jushuitansim"
	"github.com/minihub/minihub/connectors/qimen/qimensim"
	"github.com/minihub/minihub/connectors/salesforce/salesforcesim"
	"github.com/minihub/minihub/connectors/sfexpress/sfexpresssim"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/tryton/trytonsim"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

// Options shape a world.
type Options struct {
	Seed    int64
	Addr    string  // of the control listener; the systems take the ports after it, or free ones for port 0
	LimitsX float64 // multiplies the vendors' rate limits, and nothing else; 0 = 1
	// Orders and Members exist in each shop from the start.
	Orders, Members int
	// NoDedupe makes the webhook target one that cannot dedupe and must be asked.
	NoDedupe bool
	// PushWaits are the pauses before a shop's push is tried again; nil = the vendor's.
	PushWaits []time.Duration
	Now       func() time.Time
}

// World is every simulator, listening.
type World struct {
	Faults *simkit.Faults
	ShopA  *wechatshopsim.Sim
	ShopB  *wechatshopsim.Sim
	OMS    *jushuitansim.Sim
	WMS    *qimensim.Sim
	ERP    *trytonsim.Sim
	CRM    *salesforcesim.Sim
	SF     *sfexpresssim.Sim
	Hook   *webhooksim.Sim

	order   []string
	systems map[string]*System
	servers []*http.Server
	control net.Listener
}

// System is one simulator with its address.
type System struct {
	Name        string            `json:"system"`
	URL         string            `json:"url"`
	Credentials map[string]string `json:"credentials"`

	sim simkit.Sim
}

// controller is a simulator that takes commands behind the hub's back.
type controller interface {
	ControlHTTP(w http.ResponseWriter, r *http.Request)
}

// Start makes the simulators and serves them.
func Start(opt Options) (*World, error) {
	w := &World{Faults: simkit.NewFaults(opt.Seed), systems: map[string]*System{}}
	kit := simkit.Options{Seed: opt.Seed, Now: opt.Now, LimitScale: opt.LimitsX, Faults: w.Faults}
	shop := func(name string, seed int64) *wechatshopsim.Sim {
		o := wechatshopsim.Options{Options: kit, Name: name, ShopName: name, Orders: opt.Orders, Members: opt.Members,
			Push: wechatshopsim.PushOptions{Waits: opt.PushWaits}}
		o.Seed = seed
		return wechatshopsim.New(o)
	}
	w.ShopA, w.ShopB = shop("shop-a", opt.Seed), shop("shop-b", opt.Seed+1)
	w.OMS = jushuitansim.New(jushuitansim.Options{Options: kit})
	w.WMS = qimensim.New(qimensim.Options{Options: kit})
	w.ERP = trytonsim.New(trytonsim.Options{Options: kit})
	w.CRM = salesforcesim.New(salesforcesim.Options{Options: kit})
	w.SF = sfexpresssim.New(sfexpresssim.Options{Options: kit})
	w.Hook = webhooksim.New(webhooksim.Options{Options: kit, NoDedupe: opt.NoDedupe})
	if err := w.listen(opt.Addr); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *World) listen(addr string) (err error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("the address %q: %w", addr, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return fmt.Errorf("the address %q has no port number", addr)
	}
	if w.control, err = net.Listen("tcp", addr); err != nil {
		return err
	}
	for _, s := range []simkit.Sim{w.ShopA, w.ShopB, w.OMS, w.WMS, w.ERP, w.CRM, w.SF, w.Hook} {
		if port != 0 {
			port++
		}
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			return err
		}
		w.order = append(w.order, s.System())
		w.systems[s.System()] = &System{Name: s.System(), URL: "http://" + l.Addr().String(), Credentials: s.Credentials(), sim: s}
		w.serve(l, s)
	}
	mux := http.NewServeMux()
	mux.Handle("/_sim/faults", w.Faults)
	mux.HandleFunc("GET /_sim/systems", func(rw http.ResponseWriter, _ *http.Request) { reply(rw, w.Systems()) })
	mux.HandleFunc("GET /_sim/record/{system}", w.record)
	mux.HandleFunc("/_sim/{system}/", w.command)
	w.serve(w.control, mux)
	return nil
}

func (w *World) serve(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	w.servers = append(w.servers, s)
	go func() { _ = s.Serve(l) }()
}

// Systems lists the simulators with their addresses and invented credentials.
func (w *World) Systems() []*System {
	var out []*System
	for _, name := range w.order {
		out = append(out, w.systems[name])
	}
	return out
}

// System returns one simulator's address and credentials by name.
func (w *World) System(name string) *System { return w.systems[name] }

// ControlURL is where faults, records and commands are served.
func (w *World) ControlURL() string { return "http://" + w.control.Addr().String() }

func (w *World) record(rw http.ResponseWriter, r *http.Request) {
	s := w.systems[r.PathValue("system")]
	if s == nil {
		http.Error(rw, "there is no such system; GET /_sim/systems lists them", http.StatusNotFound)
		return
	}
	reply(rw, s.sim.Record())
}

func (w *World) command(rw http.ResponseWriter, r *http.Request) {
	s := w.systems[r.PathValue("system")]
	if s == nil {
		http.Error(rw, "there is no such system; GET /_sim/systems lists them", http.StatusNotFound)
		return
	}
	c, ok := s.sim.(controller)
	if !ok {
		http.Error(rw, "this system takes no commands", http.StatusNotFound)
		return
	}
	c.ControlHTTP(rw, r)
}

func reply(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	enc := json.NewEncoder(rw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
	}
}

// PointAt tells the systems that push where the hub takes their pushes, by connection.
func (w *World) PointAt(ctx context.Context, intakeURL string) error {
	at := func(connection string) string { return strings.TrimSuffix(intakeURL, "/") + "/in/" + connection }
	w.WMS.SetHub(at("wms"))
	w.SF.SetHub(at("sf"))
	return errors.Join(w.ShopA.Subscribe(ctx, at("shop-a")), w.ShopB.Subscribe(ctx, at("shop-b")))
}

// Close stops everything; it may be called twice.
func (w *World) Close() error {
	var errs []error
	for _, shop := range []*wechatshopsim.Sim{w.ShopA, w.ShopB} {
		if shop != nil {
			shop.Close()
		}
	}
	for _, s := range w.servers {
		errs = append(errs, s.Close())
	}
	w.servers = nil
	return errors.Join(errs...)
}
