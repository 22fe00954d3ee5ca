package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// watch opens a stream and returns its status, the wait that it asks for, and its events.
func watch(t *testing.T, url string) (status int, retry string, next func() LiveState) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	in := bufio.NewScanner(resp.Body)
	in.Buffer(nil, 1<<20)
	return resp.StatusCode, resp.Header.Get("Retry-After"), func() LiveState {
		t.Helper()
		for in.Scan() {
			data, ok := strings.CutPrefix(in.Text(), "data: ")
			if !ok {
				continue
			}
			var s LiveState
			if err := json.Unmarshal([]byte(data), &s); err != nil {
				t.Fatal(err)
			}
			return s
		}
		t.Fatalf("the stream ended: %v", in.Err())
		return LiveState{}
	}
}

func TestLiveEventsTellWhatChanges(t *testing.T) {
	a, s := deskAPI(t)
	a.opt.Live = NewLive(s)
	a.opt.Live.every = 5 * time.Millisecond
	srv := httptest.NewServer(a)
	defer srv.Close()
	if status, _, _ := watch(t, srv.URL); status != http.StatusServiceUnavailable {
		t.Fatalf("before the hub runs it answers %d", status)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); a.opt.Live.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for {
		if c, ok := a.opt.Live.join(); ok {
			a.opt.Live.leave(c)
			break
		}
	}
	_, _, next := watch(t, srv.URL)
	if first := next(); len(first.Incidents) != 0 {
		t.Fatalf("the first event is %+v", first)
	}
	stop(t, s, 1, 3, ledger.Parked, "oms.77", "no such shop")
	for {
		if e := next(); len(e.Incidents) == 1 && e.Incidents[0].Now == 3 {
			break
		}
	}
	var now LiveState
	if status := ask(t, a, "GET", "/api/v1/live", "", &now); status != http.StatusOK || len(now.Incidents) != 1 || len(now.Counts) == 0 {
		t.Fatalf("the state of now: %d %+v", status, now)
	}
	// There is room for so many, and the end of the hub ends every stream.
	for {
		if _, ok := a.opt.Live.join(); !ok {
			break
		}
	}
	if status, retry, _ := watch(t, srv.URL); status != http.StatusServiceUnavailable || retry == "" {
		t.Fatalf("one too many is answered %d %q", status, retry)
	}
	a.opt.Live.mu.Lock()
	clients := len(a.opt.Live.clients)
	a.opt.Live.mu.Unlock()
	if clients != liveClients {
		t.Fatalf("%d clients", clients)
	}
	cancel()
	<-ended
	a.opt.Live.mu.Lock()
	defer a.opt.Live.mu.Unlock()
	if len(a.opt.Live.clients) != 0 {
		t.Fatal("streams are left")
	}
}
