package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors/qimen/qimensim"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

// note is a body with all that the connection reads from it.
func note(no, more string) []byte {
	return []byte(`{"no":"` + no + `","version":1,"kind":"note.made"` + more + `}`)
}

// A signed push whose body cannot be decoded is kept as it came and parked; one that has
// no key is refused with a code, stored nowhere and counted. The next one passes.
func TestBadInputPushIsRefused(t *testing.T) {
	h := newNoteHub(t, notes())
	nested := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for _, c := range []struct {
		name   string
		body   []byte
		status int
		says   string
	}{
		{"ten megabytes", note("n1", `,"title":"`+strings.Repeat("a", 10<<20)+`"`), http.StatusRequestEntityTooLarge, "intake.max_body"},
		{"empty", nil, http.StatusBadRequest, "webhook.body"},
		{"cut off", note("n1", "")[:20], http.StatusOK, "accepted"},
		{"two documents", append(note("n1", ""), note("n2", "")...), http.StatusOK, "accepted"},
		{"a page", []byte("<html>502</html>"), http.StatusOK, "accepted"},
		{"NUL in a name", []byte("{\"no\":\"n\x001\",\"version\":1,\"kind\":\"note.made\"}"), http.StatusOK, "accepted"},
		{"escaped NUL in a name", note(`n\u00001`, ""), http.StatusOK, "accepted"},
		{"NUL after the document", append(note("n1", ""), 0), http.StatusOK, "accepted"},
		{"not UTF-8", note("n1", ",\"title\":\"\xff\xfe\""), http.StatusOK, "accepted"},
		{"half a surrogate pair", note("n1", `,"title":"\ud800"`), http.StatusOK, "accepted"},
		{"nested 100,000 deep", note("n1", `,"title":`+nested), http.StatusOK, "accepted"},
		{"a number of 50 digits", note("n1", `,"big":`+strings.Repeat("9", 50)), http.StatusOK, "accepted"},
		{"a list", []byte(`[]`), http.StatusBadRequest, "webhook.pointer"},
		{"a text", []byte(`"n1"`), http.StatusBadRequest, "webhook.pointer"},
		{"null", []byte(`null`), http.StatusBadRequest, "webhook.pointer"},
		{"no key at key_pointer", []byte(`{"version":1,"kind":"note.made"}`), http.StatusBadRequest, "webhook.pointer"},
		{"a key that is an object", []byte(`{"no":{},"version":1,"kind":"note.made"}`), http.StatusBadRequest, "webhook.pointer"},
		{"an empty key", note("", ""), http.StatusBadRequest, "webhook.pointer"},
		{"no version at version_pointer", []byte(`{"no":"n1","kind":"note.made"}`), http.StatusBadRequest, "webhook.pointer"},
		{"a version beyond 64 bits", []byte(`{"no":"n1","version":99999999999999999999,"kind":"note.made"}`), http.StatusBadRequest, "webhook.pointer"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			h.t = t
			before, parked, counted := len(h.messages("")), len(h.messages("parked")), h.counted("shop", c.status)
			kept := 0
			if c.status == http.StatusOK {
				kept = 1
			}
			a := h.post(c.body)
			if a.Status != c.status || !strings.Contains(string(a.Body), c.says) {
				t.Errorf("answered %d %s, want %d that says %q", a.Status, a.Body, c.status, c.says)
			}
			if got := len(h.messages("")); got != before+kept {
				t.Errorf("%d messages are stored, want %d", got, before+kept)
			}
			if rows := h.messages("parked"); len(rows) != parked+kept || kept > 0 && rows[len(rows)-1].Code != "record.unreadable" {
				t.Errorf("parked %+v, want %d more as record.unreadable", rows, kept)
			}
			if got := h.counted("shop", c.status); got != counted+1 {
				t.Errorf("counted %d, want %d", got, counted+1)
			}
			h.goodPasses()
		})
	}
	h.t = t
}

// A push that nobody can have signed is refused before anything of it is believed.
func TestBadInputPushThatIsNotAuthentic(t *testing.T) {
	h := newNoteHub(t, notes())
	good := note("n1", "")
	for name, o := range map[string]webhooksim.Outgoing{
		"wrong signature": {ID: "msg_a", Body: good, WrongSignature: true},
		"unsigned":        {ID: "msg_b", Body: good, Unsigned: true},
		"an hour old":     {ID: "msg_c", Body: good, Age: time.Hour},
		"from the future": {ID: "msg_d", Body: good, Age: -time.Hour},
		"another body":    {ID: "msg_e", Body: good, Header: http.Header{"Webhook-Id": {"msg_f"}}},
	} {
		counted := h.counted("shop", http.StatusUnauthorized)
		a, err := h.send.Send(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if a.Status != http.StatusUnauthorized || !strings.Contains(string(a.Body), "not authentic") {
			t.Errorf("%s: answered %d %s", name, a.Status, a.Body)
		}
		if got := h.counted("shop", http.StatusUnauthorized); got != counted+1 {
			t.Errorf("%s: counted %d, want %d", name, got, counted+1)
		}
	}
	if got := h.messages(""); len(got) != 0 {
		t.Errorf("stored %+v", got)
	}
	for path, want := range map[string]int{"/in/nobody": http.StatusNotFound, "/in/": http.StatusNotFound, "/elsewhere": http.StatusNotFound} {
		a, err := (&webhooksim.Sender{URL: h.app.IntakeURL() + path, Secret: hookSecret}).Send(t.Context(), webhooksim.Outgoing{ID: "msg_x", Body: good})
		if err != nil || a.Status != want {
			t.Errorf("POST %s answered %d %s, %v; want %d", path, a.Status, a.Body, err, want)
		}
	}
	resp, err := http.Get(h.app.IntakeURL() + "/in/shop")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != http.MethodPost {
		t.Errorf("GET answered %d, Allow %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
	h.goodPasses()
}

// counted reads how many pushes of a connection were answered with a status.
func (h *noteHub) counted(connection string, status int) int {
	h.t.Helper()
	resp, err := http.Get(h.app.AdminURL() + "/metrics")
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		n := 0
		if _, err := fmt.Sscanf(line, fmt.Sprintf("minihub_intake_total{connection=%q,status=\"%d\"} %%d", connection, status), &n); err == nil {
			return n
		}
	}
	return 0
}

// A push of WeChat with a signature that does not fit is refused each time that it
// comes, counted and not stored; the next true one is taken.
func TestBadInputWeChatPush(t *testing.T) {
	faults := simkit.NewFaults(1)
	shop := wechatshopsim.New(wechatshopsim.Options{Options: simkit.Options{Faults: faults}, Name: "wx",
		Push: wechatshopsim.PushOptions{Waits: []time.Duration{time.Millisecond, time.Millisecond}}})
	defer shop.Close()
	server := httptest.NewServer(shop)
	defer server.Close()
	keys := shop.Credentials()
	f := notes()
	f["secrets/app"], f["secrets/push"], f["secrets/aes"] = keys["app_secret"], keys["push_token"], keys["encoding_aes_key"]
	f["connections/wx.yaml"] = "connection: wx\nconnector: wechatshop\nstart: now\nconfig:\n  base_url: " + server.URL + "\n  app_id: " + keys["app_id"] + "\n" +
		"  app_secret: ${file:secrets/app}\n  push_token: ${file:secrets/push}\n  encoding_aes_key: ${file:secrets/aes}\n"
	h := newNoteHub(t, f)
	if err := shop.Subscribe(t.Context(), h.app.IntakeURL()+"/in/wx"); err != nil {
		t.Fatalf("the URL verification: %v", err)
	}
	if _, err := faults.Add(simkit.Fault{Call: "push", Kind: simkit.Garble, Count: 1}); err != nil {
		t.Fatal(err)
	}
	order, err := shop.PlaceOrder(wechatshopsim.OrderSpec{Lines: []wechatshopsim.LineSpec{{SKUCode: "SKU-MUG-01", Qty: 1, UnitFen: 3900}}})
	if err != nil {
		t.Fatal(err)
	}
	drain := func() {
		if err := shop.DrainPushes(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.settle()
	}
	drain()
	if got := h.counted("wx", http.StatusForbidden); got != 3 {
		t.Errorf("counted %d pushes with a wrong signature, want the first and its two repeats", got)
	}
	if got := h.messages(""); len(got) != 0 {
		t.Errorf("stored %+v", got)
	}
	if err := shop.Pay(order); err != nil {
		t.Fatal(err)
	}
	drain()
	if got := h.messages("no_target"); len(got) != 1 || got[0].Key != order {
		t.Errorf("the next true push brought %+v, want order %s", got, order)
	}
	h.goodPasses()
}

// A signed confirmation in XML that declares entities, or is no XML, expands nothing: its
// bytes are parked. One that nobody signed is refused in the vendor's own words.
func TestBadInputQimenConfirmWithEntities(t *testing.T) {
	warehouse := qimensim.New(qimensim.Options{})
	server := httptest.NewServer(warehouse)
	defer server.Close()
	keys := warehouse.Credentials()
	f := notes()
	f["secrets/wms"] = keys["secret"]
	f["connections/wms.yaml"] = "connection: wms\nconnector: qimen\nconfig: {base_url: '" + server.URL + "', app_key: '" + keys["app_key"] + "', secret: '${file:secrets/wms}', customer_id: '" + keys["customer_id"] + "'}\n"
	h := newNoteHub(t, f)
	warehouse.SetHub(h.app.IntakeURL() + "/in/wms")
	const order = `<request><deliveryOrder><deliveryOrderCode>WX1</deliveryOrderCode></deliveryOrder></request>`
	unreadable := []string{
		`<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]><request><deliveryOrder><deliveryOrderCode>&e;</deliveryOrderCode></deliveryOrder></request>`,
		`<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><request><deliveryOrder><deliveryOrderCode>&b;</deliveryOrderCode></deliveryOrder></request>`,
		order + order, order[:40],
	}
	for _, body := range unreadable {
		if a, err := warehouse.SendRaw(t.Context(), []byte(body)); err != nil || a.Flag != "success" {
			t.Errorf("%.60q was answered %+v, %v", body, a, err)
		}
	}
	if a, err := warehouse.SendRaw(t.Context(), nil); err != nil || a.Flag != "failure" || a.Code != "qimen.message" {
		t.Errorf("nothing at all was answered %+v, %v", a, err)
	}
	warehouse.SetWrongSignature(true)
	if a, err := warehouse.SendRaw(t.Context(), []byte(order)); err != nil || a.Flag != "failure" || a.Code != "sign-check-failure" {
		t.Errorf("a wrong signature was answered %+v, %v", a, err)
	}
	if got := h.messages(""); len(got) != len(unreadable) || len(h.messages("parked")) != len(unreadable) || got[0].Code != "record.unreadable" {
		t.Errorf("stored %+v, want %d parked as record.unreadable", got, len(unreadable))
	}
	warehouse.SetWrongSignature(false)
	if a, err := warehouse.SendRaw(t.Context(), []byte(order)); err != nil || a.Flag != "success" {
		t.Errorf("the next good confirmation was answered %+v, %v", a, err)
	}
	h.settle()
	if got := h.messages("no_target"); len(got) != 1 || !strings.HasPrefix(got[0].Key, "WX1") {
		t.Errorf("stored %+v", got)
	}
}

// What is beyond 2^53 arrives digit for digit, as an id and as a number.
func TestBadInputNumbersStayExact(t *testing.T) {
	h := newNoteHub(t, notes())
	const id, big = "9007199254740993", "123456789012345678901234567890123456789"
	if a := h.post([]byte(`{"no":` + id + `,"version":9007199254740993,"kind":"note.made","big":` + big + `}`)); a.Status != http.StatusOK {
		t.Fatalf("answered %d %s", a.Status, a.Body)
	}
	got := h.received("shop-a-" + id)
	if len(got) != 1 {
		t.Fatalf("the receiver has it %d times; parked %+v", len(got), h.messages("parked"))
	}
	var event struct {
		Data struct {
			NoteNo string      `json:"note_no"`
			Big    json.Number `json:"big"`
		}
	}
	if err := json.Unmarshal(got[0], &event); err != nil {
		t.Fatal(err)
	}
	if event.Data.NoteNo != id || event.Data.Big != big {
		t.Errorf("arrived as %q and %s", event.Data.NoteNo, event.Data.Big)
	}
	if m := h.messages("routed"); len(m) != 1 || m[0].Version != 9007199254740993 || m[0].Key != id {
		t.Errorf("stored as %+v", m)
	}
}
