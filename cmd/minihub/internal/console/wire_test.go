package console_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

// wire opens what was sent for the parked order and what came back.
func (b *tab) wire(w *world) {
	b.t.Helper()
	b.press("a call", `document.querySelector('.hop.bad[open] .call:last-child summary')`)
	b.has("both sides are shown", `document.querySelectorAll('.hop.bad[open] .call[open] .wire .doc').length === 2`)
	b.has("with what may be shown", fmt.Sprintf(`document.querySelector('.call[open] .wire .doc').textContent.includes(%q)`, w.refused))
	b.has("and marks where it may not", `document.querySelectorAll('.call[open] mark.masked').length > 2 && !/1[3-9]\d{9}/.test(document.querySelector('.call[open]').textContent)`)
	b.shot("order-wire")
	b.sound("what was sent")
	b.js(`document.getElementById('language').click()`)
	b.has("it stays open", `document.documentElement.lang === 'zh-CN' && document.querySelectorAll('.call[open] .wire .doc').length === 2`)
	b.shot("order-wire-zh")
	b.sound("what was sent, in Chinese")
	b.do(chromedp.EmulateViewport(375, 812))
	b.js(`document.documentElement.dataset.theme = 'dark'`)
	b.shot("order-wire-phone-dark")
	b.sound("what was sent, on a phone")
	b.js(`delete document.documentElement.dataset.theme; document.getElementById('language').click()`)
	b.do(chromedp.EmulateViewport(1440, 900))
	b.has("it is English again", `document.documentElement.lang === 'en' && !!document.querySelector('.call[open] .wire')`)
}

// calls sees that what was sent to every system, and what they answered, tells nobody who
// bought.
func (w *world) calls(t *testing.T) {
	t.Helper()
	raw := w.personal(t)
	rows, err := w.hub.Ledger().Deliveries(t.Context(), ledger.Filter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, d := range rows {
		var out api.Calls
		w.ask(t, "GET", fmt.Sprintf("deliveries/%d/calls", d.ID), nil, &out)
		for _, try := range out.Tries {
			for _, c := range try.Calls {
				if c.Request == nil || c.Response == nil {
					t.Fatalf("a call of delivery %d shows neither side: %+v", d.ID, c)
				}
				seen[d.Connection] = true
				for _, v := range raw {
					for _, text := range []string{c.URL, c.Error, c.Request.Text, c.Response.Text} {
						if strings.Contains(text, v) {
							t.Errorf("%s %s shows %q:\n%s", d.Connection, d.Operation, v, text)
						}
					}
				}
				if d.Connection == "oms" && d.Operation == "order.push" && c.Method == "POST" && !strings.Contains(c.Request.Text, d.RemoteKey) {
					t.Errorf("the order number is not shown in\n%s", c.Request.Text)
				}
			}
		}
	}
	if !seen["oms"] || len(raw) < 4 {
		t.Errorf("calls of %v were seen, against %d personal values", seen, len(raw))
	}
}

// personal lists the personal values of the orders that were sold.
func (w *world) personal(t *testing.T) []string {
	t.Helper()
	recs, err := w.hub.Ledger().Records(t.Context(), ledger.Filter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := set.Get("vendors/wechatshop/order")
	if !ok {
		t.Fatal("no schema of the orders")
	}
	var out []string
	for _, rec := range recs {
		body, err := w.hub.Ledger().Payload(t.Context(), rec.Payload)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := codec.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range schema.PII(tree) {
			if len([]rune(v)) > 1 && !strings.Contains(v, "**") { // the shop masks some itself
				out = append(out, v)
			}
		}
	}
	return out
}

// rehearse sees the exact request of the parked order, and that nothing was sent for it.
func (w *world) rehearse(t *testing.T) api.Rehearsal {
	t.Helper()
	uploads := func() (n int) {
		b, err := json.Marshal(w.sims.OMS.Record())
		if err != nil {
			t.Fatal(err)
		}
		var record struct {
			Calls []simkit.CallCount `json:"calls"`
		}
		if err := json.Unmarshal(b, &record); err != nil {
			t.Fatal(err)
		}
		for _, c := range record.Calls {
			if c.Call == "orders/upload" {
				n += c.Requests
			}
		}
		return n
	}
	rows, err := w.hub.Ledger().Deliveries(t.Context(), ledger.Filter{States: []string{"parked"}, Connection: "oms", Limit: 10})
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	before := uploads()
	if before == 0 {
		t.Fatal("the OMS tells of no uploads")
	}
	var first api.Rehearsal
	for _, mode := range []string{"as-sent", "re-map"} {
		var out api.Rehearsed
		w.ask(t, "GET", fmt.Sprintf("deliveries/%d/rehearsal?mode=%s", rows[0].ID, mode), nil, &out)
		if len(out.Rows) != 1 || out.Rows[0].Call == nil || out.Rows[0].Reads || out.Rows[0].Attempts != 1 {
			t.Fatalf("%s: %+v", mode, out)
		}
		c := out.Rows[0].Call
		if c.Method != "POST" || !strings.HasSuffix(c.URL, "/orders/upload") || c.Status != 0 || !strings.Contains(c.Request.Text, w.refused) || c.Response != nil {
			t.Errorf("%s: %s %s\n%s", mode, c.Method, c.URL, c.Request.Text)
		}
		if first = out.Rows[0]; first.Call.Request.Hidden == 0 {
			t.Errorf("nothing of it is masked: %s", c.Request.Text)
		}
	}
	if after := uploads(); after != before {
		t.Errorf("a rehearsal made %d uploads", after-before)
	}
	return first
}

// sentAs sees that what was then sent is what was shown before.
func (w *world) sentAs(t *testing.T, r api.Rehearsal) {
	t.Helper()
	var out api.Calls
	w.ask(t, "GET", fmt.Sprintf("deliveries/%d/calls", r.Delivery), nil, &out)
	for _, try := range out.Tries {
		for _, c := range try.Calls {
			if try.State == "delivered" && c.Request.Text == r.Call.Request.Text && c.URL == r.Call.URL {
				return
			}
		}
	}
	t.Errorf("shown was\n%s %s\n%s\nand sent %+v", r.Call.Method, r.Call.URL, r.Call.Request.Text, out.Tries)
}
