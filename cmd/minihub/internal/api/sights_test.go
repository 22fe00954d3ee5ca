package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
	"github.com/minihub/minihub/pipelines/ledger"
)

// watched is the API over a hub, with a clock that the test moves.
type watched struct {
	*hub
	api *api.API
	mu  sync.Mutex
	now time.Time
}

func newWatched(h *hub) *watched {
	w := &watched{hub: h, now: time.Now()}
	w.api = api.New(api.Options{Engine: h.app.Engine(), Ledger: h.app.Ledger(), Schemas: h.app.Deployment().Schemas, Token: h.token, Now: func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now
	}})
	return w
}

func (w *watched) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *watched) get(path, token string) int {
	w.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	bearer(token)(r)
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	return rec.Code
}

func (w *watched) see(id int64, token string) {
	w.Helper()
	if code := w.get("/api/v1/messages/"+strconv.FormatInt(id, 10), token); code != http.StatusOK {
		w.Fatalf("message %d: %d", id, code)
	}
}

// sights lists who saw what, oldest first.
func (w *watched) sights() (out []string) {
	w.Helper()
	rows, err := w.app.Ledger().Audit(w.Context(), ledger.AuditFilter{Act: "see", Rising: true, Limit: 1000})
	if err != nil {
		w.Fatal(err)
	}
	for i := range rows {
		e, err := rows[i].Entry()
		if err != nil {
			w.Fatal(err)
		}
		out = append(out, e.Who+" "+e.Target+e.Detail["seen"])
	}
	return out
}

// many posts documents and returns their messages.
func (w *watched) many(n int) (ids []int64) {
	w.Helper()
	s := webhooksim.Sender{URL: w.app.IntakeURL() + "/in/shop", Secret: hookSecret}
	for i := range n {
		body := fmt.Sprintf(`{"no":"M-%d","version":1,"kind":"made"}`, i)
		if a, err := s.Send(w.Context(), webhooksim.Outgoing{ID: fmt.Sprint("msg_many_", i), Body: []byte(body)}); err != nil || a.Status != http.StatusOK {
			w.Fatalf("%+v %v", a, err)
		}
	}
	rows, err := w.app.Ledger().Records(w.Context(), ledger.Filter{Limit: n})
	if err != nil || len(rows) != n { // stored before they were answered
		w.Fatal(len(rows), err)
	}
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestWhoSawAMessageIsWrittenDownOnceInAWhile(t *testing.T) {
	w := newWatched(newHub(t))
	a := w.post(`{"no":"A-1","version":1,"kind":"made"}`, "A-1")
	b := w.post(`{"no":"A-2","version":1,"kind":"made"}`, "A-2")
	anna, bert := w.newToken("support"), w.newToken("viewer")
	for range 3 {
		w.see(a, anna)
	}
	if code := w.get("/api/v1/messages/999999", anna); code != http.StatusNotFound {
		t.Fatal(code)
	}
	for _, list := range []string{"/api/v1/records", "/api/v1/messages?key=A-2", "/api/v1/deliveries"} {
		if code := w.get(list, bert); code != http.StatusOK {
			t.Fatal(list, code)
		}
	}
	w.see(a, bert)
	w.see(b, anna)
	w.pass(10*time.Minute - time.Second)
	w.see(a, anna)
	w.pass(2 * time.Second)
	w.see(a, anna)
	want := fmt.Sprintf("[token:support message %d token:viewer message %[1]d token:support message %[2]d token:support message %[1]d]", a, b)
	if got := fmt.Sprint(w.sights()); got != want {
		t.Errorf("seen:\n%s, want\n%s", got, want)
	}
}

// Somebody who reads everything leaves some entries, and every message is in one of them.
func TestAReaderDoesNotFloodTheAudit(t *testing.T) {
	w := newWatched(newHub(t))
	const n = 700
	ids := w.many(n)
	token := w.newToken("viewer")
	for range 2 {
		for _, id := range ids {
			w.see(id, token)
		}
	}
	if err := w.api.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := w.sights()
	if len(rows) > 60+n/200+2 {
		t.Errorf("%d entries of %d messages", len(rows), n)
	}
	seen := strings.Join(rows, ", ") + ", "
	for _, id := range ids {
		if one := fmt.Sprintf("message %d, ", id); strings.Count(seen, one) != 1 {
			t.Fatalf("%s stands %d times in the audit", one, strings.Count(seen, one))
		}
	}
	var v struct{ Broken int64 }
	w.into(w.call("GET", "/api/v1/audit/verify", "", bearer(w.token)), &v)
	if v.Broken != 0 {
		t.Errorf("the chain is broken at %d", v.Broken)
	}
}
