package webhooksim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors/simkit"
)

const (
	vectorSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
	vectorBody   = `{"type":"shipment.dispatched","timestamp":"2025-10-09T08:53:20Z","data":{"shipment_id":"SHP-1001","tracking_no":"SF0000000001"}}`
	vectorSign   = "v1,Dh7uNwiELFK9G5EHt2haR7GrFkpzoDmBJvQ99YEaJiY="
)

var vectorTime = time.Unix(1760000000, 0)

// bench is a receiver on a clock of its own, with a sender for it.
type bench struct {
	*Sim
	sender *Sender
	url    string
	mu     sync.Mutex
	now    time.Time
}

func start(t *testing.T, o Options) *bench {
	t.Helper()
	b := &bench{now: vectorTime}
	o.Now = func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.now }
	if o.Faults == nil {
		o.Faults = simkit.NewFaults(1)
	}
	b.Sim = New(o)
	srv := httptest.NewServer(b.Sim)
	t.Cleanup(srv.Close)
	b.url = srv.URL
	b.sender = &Sender{URL: srv.URL + "/hook", Secret: b.Credentials()["secret"], Client: srv.Client(), Now: o.Now, Faults: o.Faults}
	return b
}

func (b *bench) advance(d time.Duration) { b.mu.Lock(); defer b.mu.Unlock(); b.now = b.now.Add(d) }

func (b *bench) send(t *testing.T, o Outgoing) Answer {
	t.Helper()
	a, err := b.sender.Send(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (b *bench) fault(t *testing.T, f simkit.Fault) {
	t.Helper()
	if _, err := b.opt.Faults.Add(f); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) get(t *testing.T, query string) []Event {
	t.Helper()
	resp, err := http.Get(b.url + "/events?" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out struct{ Events []Event }
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out.Events
}

func order(key, version string) []byte {
	return fmt.Appendf(nil, `{"type":"order.paid","data":{"key":%q,"version":%q,"total":9007199254740993}}`, key, version)
}

func TestPublishedVectorIsAcceptedAndItsSenderMakesIt(t *testing.T) {
	b := start(t, Options{Secret: vectorSecret})
	key, err := parseSecret(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	if got := "v1," + key.sign("msg_2hub0001", "1760000000", []byte(vectorBody)); got != vectorSign {
		t.Fatalf("signature is %s, the specification's example has %s", got, vectorSign)
	}
	h := http.Header{}
	h.Set("webhook-id", "msg_2hub0001")
	h.Set("webhook-timestamp", "1760000000")
	h.Set("webhook-signature", "v1a,AAAA v1,bm90IGl0 "+vectorSign)
	if a := b.send(t, Outgoing{Body: []byte(vectorBody), Unsigned: true, Header: h}); a.Status != 200 {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	if got := b.Events(); len(got) != 1 || string(got[0].Body) != vectorBody || got[0].Type != "shipment.dispatched" {
		t.Fatalf("held: %+v", got)
	}
}

func TestRefusesWhatTheSpecificationForbids(t *testing.T) {
	signed := func(id string, change func(http.Header)) Outgoing {
		key, _ := parseSecret(vectorSecret)
		h := http.Header{}
		stamp := strconv.FormatInt(vectorTime.Unix(), 10)
		h.Set(headerID, id)
		h.Set(headerTimestamp, stamp)
		h.Set(headerSignature, "v1,"+key.sign(id, stamp, []byte(vectorBody)))
		if change != nil {
			change(h)
		}
		return Outgoing{Body: []byte(vectorBody), Unsigned: true, Header: h}
	}
	for name, tc := range map[string]struct {
		out  Outgoing
		want int
	}{
		"wrong signature":        {Outgoing{ID: "a", Body: []byte(vectorBody), WrongSignature: true}, 401},
		"too old":                {Outgoing{ID: "a", Body: []byte(vectorBody), Age: 301 * time.Second}, 401},
		"from the future":        {Outgoing{ID: "a", Body: []byte(vectorBody), Age: -301 * time.Second}, 401},
		"at the tolerance":       {Outgoing{ID: "a", Body: []byte(vectorBody), Age: 300 * time.Second}, 200},
		"no headers":             {Outgoing{Body: []byte(vectorBody), Unsigned: true}, 400},
		"full stop in the id":    {signed("a.b", nil), 400},
		"long id":                {signed(strings.Repeat("a", 257), nil), 400},
		"timestamp in text":      {signed("a", func(h http.Header) { h.Set(headerTimestamp, "2025-10-09T08:53:20Z") }), 400},
		"no version prefix":      {signed("a", func(h http.Header) { h.Set(headerSignature, strings.TrimPrefix(h.Get(headerSignature), "v1,")) }), 401},
		"content type":           {signed("a", func(h http.Header) { h.Set("Content-Type", "text/plain") }), 415},
		"not JSON":               {Outgoing{ID: "a", Body: []byte("{")}, 400},
		"structured cloud event": {signed("a", func(h http.Header) { h.Set("Content-Type", "application/cloudevents+json") }), 400},
		"binary cloud event":     {signed("a", func(h http.Header) { h.Set("ce-specversion", "1.0"); h.Set("ce-id", "1") }), 400},
		"whole binary event": {signed("a", func(h http.Header) {
			h.Set("ce-specversion", "1.0")
			h.Set("ce-id", "1")
			h.Set("ce-source", "/stores/1")
			h.Set("ce-type", "x")
		}), 200},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Options{Secret: vectorSecret})
			a := b.send(t, tc.out)
			if a.Status != tc.want {
				t.Fatalf("answer %d %s, want %d", a.Status, a.Body, tc.want)
			}
			refused := 0
			if tc.want != 200 {
				refused = 1
			}
			if len(b.Refusals()) != refused || len(b.Events()) != 1-refused {
				t.Fatalf("refusals %v, events %v", b.Refusals(), b.Events())
			}
		})
	}
}

func TestUnusableSecretsRefuseEverything(t *testing.T) {
	for _, secret := range []string{"AQID", "whsec_!", "whsec_AQID"} {
		b := start(t, Options{Secret: secret})
		b.sender.Secret = vectorSecret
		if a := b.send(t, Outgoing{ID: "a", Body: []byte("{}")}); a.Status != 500 {
			t.Errorf("secret %q: answer %d", secret, a.Status)
		}
	}
}

func TestOldSecretIsAcceptedWhileItIsReplaced(t *testing.T) {
	b := start(t, Options{OldSecret: vectorSecret})
	b.sender.Secret = vectorSecret
	if a := b.send(t, Outgoing{ID: "a", Body: []byte("{}")}); a.Status != 200 {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
}

func TestRepeatHasOneEffect(t *testing.T) {
	b := start(t, Options{})
	if a := b.send(t, Outgoing{ID: "1", Body: order("WX1", "1")}); string(a.Body) != "{\"status\":\"accepted\"}\n" {
		t.Fatalf("first answer %s", a.Body)
	}
	for _, o := range []Outgoing{{ID: "1", Body: order("WX1", "1"), Age: time.Minute}, {ID: "1", Body: order("WX1", "9")}} {
		if a := b.send(t, o); a.Status != 200 || string(a.Body) != "{\"status\":\"already\"}\n" {
			t.Fatalf("repeat answered %d %s", a.Status, a.Body)
		}
	}
	b.send(t, Outgoing{ID: "2", Body: order("WX1", "2")})
	if diff := cmp.Diff([]string{"1", "2"}, b.Versions("WX1")); diff != "" {
		t.Error(diff)
	}
	want := Stats{Accepted: 2, Duplicates: 2, Conflicts: 1, Bytes: int64(2 * len(order("WX1", "1")))}
	if diff := cmp.Diff(want, b.Stats()); diff != "" {
		t.Error(diff)
	}
	var effects []string
	for _, e := range b.History() {
		effects = append(effects, e.ID+" "+e.Effect)
	}
	if diff := cmp.Diff([]string{"1 created", "1 duplicate", "1 conflict", "2 created"}, effects); diff != "" {
		t.Error(diff)
	}
}

func TestStrictRepeatRefusesAnotherBody(t *testing.T) {
	b := start(t, Options{StrictRepeat: true})
	b.send(t, Outgoing{ID: "1", Body: order("WX1", "1")})
	if a := b.send(t, Outgoing{ID: "1", Body: order("WX1", "2")}); a.Status != 422 {
		t.Fatalf("answer %d", a.Status)
	}
}

func TestWithoutDedupeEveryPostTakesEffectAndLookUpsShowThem(t *testing.T) {
	b := start(t, Options{NoDedupe: true})
	b.send(t, Outgoing{ID: "1", Body: order("WX1", "1")})
	b.send(t, Outgoing{ID: "1", Body: order("WX1", "1")})
	b.send(t, Outgoing{ID: "2", Body: order("WX2", "1")})
	if got := b.get(t, "key=WX1"); len(got) != 2 || !strings.Contains(string(got[0].Body), "9007199254740993") {
		t.Fatalf("look-up found %v", got)
	}
	if got := b.get(t, "id=2"); len(got) != 1 || got[0].Key != "WX2" {
		t.Fatalf("look-up by id found %v", got)
	}
	b.fault(t, simkit.Fault{System: system, Call: callEvents, Kind: simkit.Lag, DelayMS: 2000})
	if got := b.get(t, "key=WX1"); len(got) != 0 {
		t.Fatalf("young events are visible: %v", got)
	}
	b.advance(2 * time.Second)
	if got := b.get(t, "key=WX1"); len(got) != 2 {
		t.Fatalf("old events stay hidden: %v", got)
	}
}

func TestLookUpAsksForItsToken(t *testing.T) {
	b := start(t, Options{LookupToken: "invented"})
	for token, want := range map[string]int{"": 401, "Bearer other": 401, "Bearer invented": 200} {
		req, _ := http.NewRequest(http.MethodGet, b.url+"/events?key=a", nil)
		req.Header.Set("Authorization", token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("token %q: %d, want %d", token, resp.StatusCode, want)
		}
	}
}

func TestFaultsSpeakHTTP(t *testing.T) {
	b := start(t, Options{})
	for _, tc := range []struct {
		fault simkit.Fault
		want  int
		held  int
	}{
		{simkit.Fault{Kind: simkit.ErrorBody, Code: "410"}, 410, 0},
		{simkit.Fault{Kind: simkit.ErrorBody}, 400, 0},
		{simkit.Fault{Kind: simkit.Status, Status: 503}, 503, 0},
		{simkit.Fault{Kind: simkit.RateLimit}, 429, 0},
		{simkit.Fault{Kind: simkit.BadGateway}, 502, 1},
	} {
		b.opt.Faults.Clear()
		b.fault(t, tc.fault)
		a := b.send(t, Outgoing{ID: "1", Body: order("WX1", "1")})
		if a.Status != tc.want || len(b.Events()) != tc.held {
			t.Errorf("%s: answer %d with %d events, want %d with %d", tc.fault.Kind, a.Status, len(b.Events()), tc.want, tc.held)
		}
		if (a.Status == 429) != (a.RetryAfter == "1") {
			t.Errorf("%s: Retry-After %q", tc.fault.Kind, a.RetryAfter)
		}
	}
}

func TestLimitIsPerSecondAndScaled(t *testing.T) {
	b := start(t, Options{PerSecond: 4, RetryAfter: 7 * time.Second, Options: simkit.Options{LimitScale: 0.5}})
	for i, want := range []int{200, 200, 429} {
		a := b.send(t, Outgoing{ID: strconv.Itoa(i), Body: []byte("{}")})
		if a.Status != want {
			t.Fatalf("POST %d: %d, want %d", i, a.Status, want)
		}
		if want == 429 && a.RetryAfter != "7" {
			t.Fatalf("Retry-After %q", a.RetryAfter)
		}
	}
	b.advance(time.Second)
	if a := b.send(t, Outgoing{ID: "9", Body: []byte("{}")}); a.Status != 200 {
		t.Fatalf("next second: %d", a.Status)
	}
	if c := b.gate.Counts(); c[0].RateLimited != 1 || c[0].Refused != 1 {
		t.Fatalf("counts %+v", c)
	}
}

func TestCountOnlyChecksSignaturesAndCountsRepeats(t *testing.T) {
	b := start(t, Options{CountOnly: true})
	b.send(t, Outgoing{ID: "1", Body: order("WX1", "1")})
	b.send(t, Outgoing{ID: "1", Body: order("WX1", "1")})
	b.send(t, Outgoing{ID: "2", Body: order("WX1", "2")})
	if a := b.send(t, Outgoing{ID: "3", Body: []byte("{}"), WrongSignature: true}); a.Status != 401 {
		t.Fatalf("wrong signature: %d", a.Status)
	}
	b.fault(t, simkit.Fault{Kind: simkit.DropAnswer, Count: 1})
	if _, err := b.sender.Send(context.Background(), Outgoing{ID: "4", Body: []byte("{}")}); err == nil {
		t.Fatal("faults are passed over in count-only mode")
	}
	want := Stats{Accepted: 3, Duplicates: 1, Bytes: int64(2*len(order("WX1", "1")) + 2)}
	if diff := cmp.Diff(want, b.Stats()); diff != "" {
		t.Fatal(diff)
	}
}

func TestSenderDuplicatesAndReorders(t *testing.T) {
	b := start(t, Options{})
	b.fault(t, simkit.Fault{Call: callSend, Kind: simkit.Duplicate, Count: 1})
	b.fault(t, simkit.Fault{Call: callSend, Kind: simkit.Reorder, Count: 1})
	list := []Outgoing{{ID: "1", Body: order("WX1", "1")}, {ID: "2", Body: order("WX1", "2")}, {ID: "3", Body: order("WX1", "3")}}
	if _, err := b.sender.SendAll(context.Background(), list); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"3", "2", "1"}, b.Versions("WX1")); diff != "" {
		t.Error(diff)
	}
	if b.Stats().Duplicates != 1 {
		t.Errorf("duplicates %d, want 1", b.Stats().Duplicates)
	}
}

func TestControlChangesWhatIsHeld(t *testing.T) {
	b := start(t, Options{})
	b.send(t, Outgoing{ID: "1", Body: order("WX1", "1")})
	do := func(name, body string) int {
		w := httptest.NewRecorder()
		b.ControlHTTP(w, httptest.NewRequest(http.MethodPost, "/_sim/webhook/"+name, strings.NewReader(body)))
		return w.Code
	}
	if code := do("change", `{"key":"WX1","body":{"key":"WX1","total":2}}`); code != 200 {
		t.Fatalf("change: %d", code)
	}
	if got := string(b.Events()[0].Body); got != `{"key":"WX1","total":2}` {
		t.Fatalf("after change: %s", got)
	}
	if code := do("insert", `{"key":"ORPHAN","version":"1","body":{}}`); code != 200 || len(b.Versions("ORPHAN")) != 1 {
		t.Fatalf("insert: %d, %v", code, b.Versions("ORPHAN"))
	}
	if code := do("delete", `{"key":"WX1"}`); code != 200 || len(b.Versions("WX1")) != 0 {
		t.Fatalf("delete: %d", code)
	}
	do("disable", `{}`)
	if a := b.send(t, Outgoing{ID: "2", Body: []byte("{}")}); a.Status != 410 {
		t.Fatalf("disabled: %d", a.Status)
	}
	do("enable", `{}`)
	if a := b.send(t, Outgoing{ID: "1", Body: order("WX1", "1")}); string(a.Body) != "{\"status\":\"accepted\"}\n" {
		t.Fatalf("a deleted event is taken anew; got %s", a.Body)
	}
	for name, body := range map[string]string{"delete": `{"key":"nobody"}`, "explode": `{}`, "insert": `{"kee":"x"}`} {
		if code := do(name, body); code != 400 {
			t.Errorf("%s %s: %d, want 400", name, body, code)
		}
	}
	w := httptest.NewRecorder()
	b.ControlHTTP(w, httptest.NewRequest(http.MethodGet, "/_sim/webhook/record", nil))
	var record struct {
		Documents map[string][]Event
		History   []Entry
		Calls     []simkit.CallCount
	}
	if err := json.Unmarshal(w.Body.Bytes(), &record); err != nil {
		t.Fatal(err)
	}
	if len(record.Documents["WX1"]) != 1 || len(record.History) != 5 || len(record.Calls) != 1 {
		t.Fatalf("record: %s", w.Body)
	}
}

func TestConcurrentPostsOfOneIDTakeEffectOnce(t *testing.T) {
	for _, countOnly := range []bool{false, true} {
		b := start(t, Options{CountOnly: countOnly})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for i := range 20 {
					_, _ = b.sender.Send(context.Background(), Outgoing{ID: strconv.Itoa(i), Body: order("WX1", strconv.Itoa(i))})
				}
			})
		}
		wg.Wait()
		if got := b.Stats(); got.Accepted != 20 || got.Duplicates != 140 {
			t.Fatalf("count only %v: %+v", countOnly, got)
		}
	}
}

func FuzzHook(f *testing.F) {
	f.Add("msg_1", "1760000000", vectorSign, []byte(vectorBody))
	f.Add("", "-1", "v1,", []byte("[]"))
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte) {
		s := New(Options{Options: simkit.Options{Now: func() time.Time { return vectorTime }}})
		r := httptest.NewRequest(http.MethodPost, "/hook", bytes.NewReader(body))
		r.Header[headerID], r.Header[headerTimestamp], r.Header[headerSignature] = []string{id}, []string{stamp}, []string{signature}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == 200 {
			t.Fatalf("accepted without the secret: id %q", id)
		}
		s.read(body)
	})
}

func BenchmarkCountOnly(b *testing.B) {
	s := New(Options{CountOnly: true})
	key := s.keys[0]
	body := bytes.Repeat([]byte("x"), 1024)
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id := "msg_" + strconv.Itoa(i)
		r := httptest.NewRequest(http.MethodPost, "/hook", bytes.NewReader(body))
		r.Header[headerID], r.Header[headerTimestamp] = []string{id}, []string{stamp}
		r.Header[headerSignature] = []string{"v1," + key.sign(id, stamp, body)}
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}
