package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/cli"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

// What is taken and does not fit is parked with a code, the place in the document and
// the rule; it does not stop what comes after it.
func TestBadInputParksWithItsPlace(t *testing.T) {
	h := newNoteHub(t, notes())
	for _, c := range []struct {
		name, no   string
		body       []byte
		delivery   bool // the delivery is parked, not the message
		code, says string
	}{
		{"missing in the canonical document", "p1", []byte(`{"no":"p1","version":1}`), false, "schema.canonical", "/kind is missing (required)"},
		{"too long for the canonical schema", "p2", note("p2", `,"title":"a title of more than twenty characters"`), false, "schema.canonical", "/title is longer than 20 characters (maxLength)"},
		{"another type", "p3", []byte(`{"no":"p3","version":1,"kind":12}`), false, "schema.canonical", "/kind is an integer, must be a string (type)"},
		{"against the target's schema", "p4", []byte(`{"no":"p4","version":1,"kind":"note made"}`), true, "schema.target", "/type does not match"},
		{"a key too long for the target", strings.Repeat("k", 400), note(strings.Repeat("k", 400), ""), true, "schema.target", "/key is longer than 256 characters (maxLength)"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			h.t = t
			if a := h.post(c.body); a.Status != http.StatusOK {
				t.Fatalf("answered %d %s", a.Status, a.Body)
			}
			code, said := "", ""
			for _, m := range h.messages("parked") {
				if !c.delivery && m.Key == c.no {
					code, said = m.Code, m.Text
				}
			}
			for _, d := range h.deliveries("parked") {
				if c.delivery && d.Key == "shop-a-"+c.no {
					code, said = d.Code, d.Text
				}
			}
			if code != c.code || !strings.Contains(said, c.says) {
				t.Errorf("parked as %q: %q; want %s: %q", code, said, c.code, c.says)
			}
			h.goodPasses()
		})
	}
	h.t = t
}

// A lookup entry that is missing holds its delivery back until somebody fills it, and
// nothing else.
func TestBadInputMissingLookupEntryIsReleasedWhenFilled(t *testing.T) {
	h := newNoteHub(t, notes())
	h.post(note("n1", `,"colour":"green"`))
	blocked := h.deliveries("blocked")
	if len(blocked) != 1 || blocked[0].Code != "blocked.lookup" || !strings.Contains(blocked[0].Text, `lookup table colours has no entry for "green"`) ||
		!strings.Contains(blocked[0].Text, "mappings/own/out/note.yaml:7") {
		t.Fatalf("blocked: %+v", blocked)
	}
	h.goodPasses()
	if code, out, errs := run(t, "lookups", "put", "colors", "green", "GREEN", "-c", h.dir); code != cli.Input || !strings.Contains(errs, `did you mean "colours"?`) {
		t.Errorf("an unknown table: exit %d, %s%s", code, out, errs)
	}
	if code, out, errs := run(t, "lookups", "put", "colours", "green", "GREEN", "--why", "a new colour", "-c", h.dir); code != cli.Fine || !strings.Contains(out, "released: 1") {
		t.Fatalf("exit %d, %s%s", code, out, errs)
	}
	h.settle()
	if got := h.received("shop-a-n1"); len(got) != 1 || !strings.Contains(string(got[0]), `"colour":"GREEN"`) {
		t.Errorf("received %s", got)
	}
	h.goodPasses()
}

// An entry that the canonical mapping wants parks the message: without it nobody knows
// where the message goes. Filled, it is replayed like any other cause.
func TestBadInputMissingLookupEntryOfACanonicalMapping(t *testing.T) {
	h := newNoteHub(t, notes().with(t, "mappings/own/in/note.yaml", "from: colour }", "from: colour, lookup: colours }").
		with(t, "mappings/own/out/note.yaml", ", lookup: colours }", " }"))
	h.post(note("n1", `,"colour":"green"`))
	parked := h.messages("parked")
	if len(parked) != 1 || parked[0].Code != "blocked.lookup" || !strings.Contains(parked[0].Text, `lookup table colours has no entry for "green"`) {
		t.Fatalf("parked: %+v", parked)
	}
	h.goodPasses()
	// What waits for the entry goes on by itself.
	if code, out, errs := run(t, "lookups", "put", "colours", "green", "GREEN", "-c", h.dir); code != cli.Fine {
		t.Fatalf("exit %d, %s%s", code, out, errs)
	}
	h.settle()
	if got := h.received("shop-a-n1"); len(got) != 1 || !strings.Contains(string(got[0]), `"colour":"GREEN"`) {
		t.Errorf("received %s", got)
	}
}

// A mapping that cannot map a document parks it; the mapping is mended on disk, the hub
// is started again, and the replay of all that was parked for that cause passes.
func TestBadInputMappingMendedOnDiskThenReplayed(t *testing.T) {
	h := newNoteHub(t, notes().with(t, "mappings/own/in/note.yaml", "from: title }", "from: title, map: { old: Old } }"))
	h.post(note("n1", `,"title":"new"`))
	h.post(note("n2", `,"title":"new"`))
	parked := h.messages("parked")
	if len(parked) != 2 || !strings.HasPrefix(parked[0].Code, "mapping.") || !strings.Contains(parked[0].Text, "mappings/own/in/note.yaml:7") {
		t.Fatalf("parked: %+v", parked)
	}
	h.goodPasses()
	code := parked[0].Code
	if exit, out, errs := run(t, "replay", "--code", code, "--start", "--wait", "-c", h.dir); exit != cli.Failed || !strings.Contains(out, "refused 2") {
		t.Errorf("replayed before it was mended: exit %d, %s%s", exit, out, errs)
	}
	put(t, filepath.Join(h.dir, "mappings/own/in/note.yaml"), notes().with(t, "mappings/own/in/note.yaml", "from: title }", "from: title, map: { old: Old, new: New } }")["mappings/own/in/note.yaml"])
	h.stop()
	h.start()
	if exit, out, errs := run(t, "replay", "--code", code, "--plan", "-c", h.dir); exit != cli.Fine || !strings.Contains(out, "planned, 2 rows") {
		t.Errorf("the plan: exit %d, %s%s", exit, out, errs)
	}
	if exit, out, errs := run(t, "replay", "--code", code, "--start", "--wait", "-c", h.dir); exit != cli.Fine || !strings.Contains(out, "replayed 2") {
		t.Fatalf("exit %d, %s%s", exit, out, errs)
	}
	h.settle()
	for _, no := range []string{"n1", "n2"} {
		if got := h.received("shop-a-" + no); len(got) != 1 || !strings.Contains(string(got[0]), `"title":"New"`) {
			t.Errorf("%s: received %s", no, got)
		}
	}
	if got := h.messages("parked"); len(got) != 0 {
		t.Errorf("still parked: %+v", got)
	}
}

// An answer of a source that cannot be decoded is kept raw and parked, and the document
// is there as soon as the source answers well.
func TestBadInputAnswerOfASource(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"two documents": func(b []byte) []byte { return append(append([]byte(nil), b...), b...) },
		"cut off":       func(b []byte) []byte { return b[:len(b)/2] },
		"NUL in a name": func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"order_id":"`, "\"order_id\":\"\x00", 1))
		},
		"a number of 50 digits": func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `{`, `{"more":`+strings.Repeat("9", 50)+`,`, 1))
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			shop := wechatshopsim.New(wechatshopsim.Options{Name: "wx", Options: simkit.Options{
				Now: func() time.Time { return time.Now().Add(-10 * time.Minute) }}}) // a pull leaves the newest moments for later
			defer shop.Close()
			var spoilt atomic.Bool
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rec := httptest.NewRecorder()
				shop.ServeHTTP(rec, r)
				body := rec.Body.Bytes()
				if strings.HasSuffix(r.URL.Path, "/order/get") && spoilt.Load() {
					body = spoil(body)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(rec.Code)
				_, _ = w.Write(body)
			}))
			defer server.Close()
			keys := shop.Credentials()
			f := notes()
			f["hub.yaml"] += "retry: {base: 1ms, max: 2ms, probe: 1ms}\n"
			f["secrets/app"] = keys["app_secret"]
			f["connections/wx.yaml"] = fmt.Sprintf("connection: wx\nconnector: wechatshop\nstart: %s\nconfig: {base_url: '%s', app_id: %s, app_secret: '${file:secrets/app}'}\n",
				time.Now().Add(-time.Hour).Format(time.RFC3339), server.URL, keys["app_id"])
			f["jobs.yaml"] += "  - {job: pull, every: '@every 1h', pull: [wx.orders]}\n"
			h := newNoteHub(t, f)
			order, err := shop.PlaceOrder(wechatshopsim.OrderSpec{Lines: []wechatshopsim.LineSpec{{SKUCode: "SKU-MUG-01", Qty: 1, UnitFen: 3900}}})
			if err != nil {
				t.Fatal(err)
			}
			spoilt.Store(true)
			if code, out, errs := run(t, "jobs", "run", "pull", "-c", h.dir); code != cli.Fine {
				t.Fatalf("exit %d, %s%s", code, out, errs)
			}
			h.settle()
			parked := h.messages("parked")
			if len(parked) == 0 || parked[0].Code != "record.unreadable" || parked[0].Key != order || parked[0].Text == "" {
				t.Fatalf("parked: %+v, hints %+v", parked, h.counts())
			}
			spoilt.Store(false)
			if err := shop.Pay(order); err != nil {
				t.Fatal(err)
			}
			if code, out, errs := run(t, "replay", fmt.Sprint(parked[0].ID), "--mode", "re-pull", "-c", h.dir); code != cli.Fine {
				t.Fatalf("re-pull: exit %d, %s%s", code, out, errs)
			}
			h.settle()
			if got := h.messages("no_target"); len(got) != 1 || got[0].Key != order {
				t.Errorf("after the source answered well: %+v", h.messages(""))
			}
		})
	}
}
