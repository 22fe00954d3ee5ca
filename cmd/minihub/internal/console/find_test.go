package console_test

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/chromedp/chromedp"
)

// causes types an error code, which leads to its cause, and the numbers of an order that
// no mapping takes.
func (b *tab) causes(w *world) {
	b.t.Helper()
	rec, err := w.hub.Ledger().Record(b.t.Context(), w.parked(b.t))
	if err != nil {
		b.t.Fatal(err)
	}
	raw, err := w.hub.Ledger().Payload(b.t.Context(), rec.Payload)
	if err != nil {
		b.t.Fatal(err)
	}
	var order struct {
		Detail struct {
			Pay struct {
				Transaction string `json:"transaction_id"`
			} `json:"pay_info"`
		} `json:"order_detail"`
	}
	if err := json.Unmarshal(raw, &order); err != nil || order.Detail.Pay.Transaction == "" {
		b.t.Fatalf("the order tells no transaction: %v", err)
	}
	if rec.Label != rec.DocKey.Key {
		b.t.Errorf("the label of an order that cannot be mapped is %q, want its number %s", rec.Label, rec.DocKey.Key)
	}
	hits, err := w.hub.Ledger().Find(b.t.Context(), order.Detail.Pay.Transaction, nil, 5)
	if err != nil || len(hits) != 1 || hits[0].Latest != rec.ID || !slices.Contains(hits[0].Kinds, "transaction_id") {
		b.t.Errorf("by its transaction the order is found as %+v, %v", hits, err)
	}
	look := func(value string) {
		b.js(fmt.Sprintf(`document.querySelector('#search').value = %q; document.querySelector('.searchbox').requestSubmit()`, value))
	}
	look(fmt.Sprintf("#%d", rec.ID))
	b.has("a message is found by its number", fmt.Sprintf(`location.hash.startsWith('#/message/%[1]d') || !!document.querySelector('.row[data-row="%[1]d"]')`, rec.ID))
	for i, size := range [][2]int64{{1440, 900}, {390, 844}} {
		b.do(chromedp.EmulateViewport(size[0], size[1]))
		look(rec.DocKey.Key)
		b.has("an order that cannot be mapped is found by its number", fmt.Sprintf(`location.hash === '#/message/%d' && !document.querySelector('main[aria-busy]')`, rec.ID))
		look(rec.Code)
		b.has("an error code leads to its cause", fmt.Sprintf(`document.querySelector('.card.cause')?.textContent.includes(%q)`, rec.Code))
		b.shot(fmt.Sprintf("causes-%d", i))
		b.sound("a search for an error code")
		b.do(chromedp.Click(chromedp.CSS("#language")))
		b.has("the other language", ready)
	}
	b.do(chromedp.EmulateViewport(1440, 900))
}
