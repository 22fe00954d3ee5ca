package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

const (
	liveClients = 64               // streams at once
	liveEvery   = time.Second      // how often the hub looks, while somebody watches
	liveBeat    = 15 * time.Second // a comment keeps proxies from closing a quiet stream
	liveWrite   = 10 * time.Second // a client that takes no byte for so long is let go
	liveLife    = time.Hour        // then the client comes again, and is asked again who it is
	liveList    = 100              // incidents in one event
)

// LiveState is what an event of GET /api/v1/live tells.
type LiveState struct {
	Counts    []LiveCount    `json:"counts"`
	Incidents []LiveIncident `json:"incidents"` // open ones, the newest first, at most 100
	Replays   []LiveReplay   `json:"replays"`   // bulk replays that are not over, the newest first, at most 100
}

// LiveReplay is a bulk replay in short.
type LiveReplay struct {
	ID      int64     `json:"id"`
	State   string    `json:"state"`
	Updated time.Time `json:"updated"`
}

// LiveCount is rows in one state.
type LiveCount struct {
	Kind       string `json:"kind"`
	Connection string `json:"connection"`
	Name       string `json:"name"`
	State      string `json:"state"`
	N          int64  `json:"count"`
}

// LiveIncident is an open incident in short.
type LiveIncident struct {
	ID         int64     `json:"id"`
	Kind       string    `json:"kind"`
	Connection string    `json:"connection"`
	Name       string    `json:"name,omitempty"`
	Code       string    `json:"code"`
	Field      string    `json:"field,omitempty"`
	Since      time.Time `json:"since"`
	Now        int64     `json:"now"`
}

// Live tells clients what has changed. It reads the store once for all of them, and not
// at all while there are none; a slow client gets the newest state only.
type Live struct {
	store ledger.Desk
	every time.Duration

	mu      sync.Mutex
	running bool
	last    []byte
	clients map[chan []byte]struct{}
}

// NewLive returns the live events of a store; they come while Run runs.
func NewLive(l ledger.Ledger) *Live {
	store, _ := l.(ledger.Desk)
	return &Live{store: store, every: liveEvery, clients: map[chan []byte]struct{}{}}
}

// Run looks at the store until ctx ends, and then ends every stream.
func (l *Live) Run(ctx context.Context) {
	if l.store == nil {
		return
	}
	l.mu.Lock()
	l.running = true
	l.mu.Unlock()
	defer l.end()
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (l *Live) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = false
	for c := range l.clients {
		close(c)
		delete(l.clients, c)
	}
}

func (l *Live) look(ctx context.Context) {
	l.mu.Lock()
	watched := len(l.clients) > 0
	l.mu.Unlock()
	if !watched {
		return
	}
	b, err := l.state(ctx)
	if err != nil {
		return // the next look tells
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if bytes.Equal(b, l.last) {
		return
	}
	l.last = b
	for c := range l.clients {
		select {
		case <-c: // what it has not read yet is old
		default:
		}
		c <- b
	}
}

func (l *Live) state(ctx context.Context) ([]byte, error) {
	counts, err := l.store.Tally(ctx)
	if err != nil {
		return nil, err
	}
	list, err := l.store.Incidents(ctx, ledger.IncidentFilter{State: "open", Limit: liveList})
	if err != nil {
		return nil, err
	}
	replays, err := l.store.Bulks(ctx, ledger.BulkFilter{States: pipelines.BulkOpen, Limit: liveList})
	if err != nil {
		return nil, err
	}
	s := LiveState{Counts: []LiveCount{}, Incidents: []LiveIncident{}, Replays: []LiveReplay{}}
	for i := range replays {
		s.Replays = append(s.Replays, LiveReplay{replays[i].ID, replays[i].State, replays[i].UpdatedAt})
	}
	for _, c := range counts {
		s.Counts = append(s.Counts, LiveCount{c.Kind, c.Connection, c.Name, c.State, c.N})
	}
	for _, i := range list {
		s.Incidents = append(s.Incidents, LiveIncident{i.ID, i.Kind, i.Connection, i.Name, i.Code, i.Field, i.OpenedAt, i.Now})
	}
	return json.Marshal(s)
}

// join adds a client; false when there are too many, or the hub does not run.
func (l *Live) join() (c chan []byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.running || len(l.clients) >= liveClients {
		return nil, false
	}
	c = make(chan []byte, 1)
	l.clients[c] = struct{}{}
	return c, true
}

func (l *Live) leave(c chan []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, in := l.clients[c]; in {
		delete(l.clients, c)
		close(c)
	}
}

// events adds the live events.
func (a *API) events() { a.lines("GET /api/v1/live", a.live) }

// live answers a stream of events to who asks for one, and the state of now to others.
func (a *API) live(w http.ResponseWriter, r *http.Request) {
	fail := func(e *Error) { write(w, e.Status, e) }
	l := a.opt.Live
	if l == nil || l.store == nil {
		fail(&Error{Status: http.StatusNotImplemented, Code: "api.no_desk", Text: "this hub has no live events"})
		return
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		now, err := l.state(r.Context())
		if err != nil {
			fail(asError(err))
			return
		}
		write(w, http.StatusOK, json.RawMessage(now))
		return
	}
	c, ok := l.join()
	if !ok {
		w.Header().Set("Retry-After", "10")
		fail(&Error{Status: http.StatusServiceUnavailable, Code: "live.full", Text: fmt.Sprintf("the hub serves %d live streams and no more, or is not running", liveClients), Hint: "close a window, or ask without Accept: text/event-stream for the state of now"})
		return
	}
	defer l.leave(c)
	now, err := l.state(r.Context())
	if err != nil {
		fail(asError(err))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the server's is for reading the request, and would end the stream
	send := func(text string) bool {
		// A recorder of a test has no deadlines.
		_ = out.SetWriteDeadline(time.Now().Add(liveWrite))
		_, err := fmt.Fprint(w, text)
		return err == nil && out.Flush() == nil
	}
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	over := time.NewTimer(liveLife)
	defer over.Stop()
	if !send("retry: 3000\nevent: state\ndata: " + string(now) + "\n\n") {
		return
	}
	for {
		select {
		case b, open := <-c:
			if !open || !send("event: state\ndata: "+string(b)+"\n\n") {
				return
			}
		case <-beat.C:
			if !send(": still here\n\n") {
				return
			}
		case <-over.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}
