package console_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/pipelines/ledger"
)

// refuseMany places orders that the OMS refuses, until all of them are parked; then it
// would take them.
func (w *world) refuseMany(t *testing.T, n int) {
	t.Helper()
	before := w.count(ledger.Filter{States: []string{"parked"}, Connection: "oms"})
	if _, err := w.sims.Faults.Add(simkit.Fault{System: "jushuitan", Call: "orders/upload", Kind: simkit.ErrorBody, Code: "130"}); err != nil {
		t.Fatal(err)
	}
	for range n {
		o, err := w.sims.ShopA.PlaceOrder(wechatshopsim.OrderSpec{Lines: []wechatshopsim.LineSpec{{SKUCode: "SKU-MUG-01", Qty: 1}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.sims.ShopA.Pay(o); err != nil {
			t.Fatal(err)
		}
	}
	w.pull(t)
	w.until(t, "the OMS refuses them all", func() bool {
		return w.count(ledger.Filter{States: []string{"parked"}, Connection: "oms"}) == before+n
	})
	w.sims.Faults.Clear()
}

// looks draws a page on a desk in English and on a phone in Chinese; where pictures are
// kept, in both languages and themes on each.
func (b *tab) looks(name, hash string) {
	b.t.Helper()
	all := os.Getenv("MINIHUB_SCREENSHOTS") != ""
	for _, size := range []struct {
		name, language, theme string
		width                 int64
	}{{"phone", "zh", "dark", 375}, {"desk", "en", "light", 1440}} {
		b.do(chromedp.EmulateViewport(size.width, 900))
		for _, language := range []string{"zh", "en"} {
			if !all && language != size.language {
				continue
			}
			b.js(fmt.Sprintf(`document.documentElement.lang.startsWith(%q) || document.getElementById('language').click()`, language))
			b.open(hash)
			for _, theme := range []string{"light", "dark"} {
				if !all && theme != size.theme {
					continue
				}
				b.js(fmt.Sprintf(`document.documentElement.dataset.theme = %q`, theme))
				what := name + "-" + size.name + "-" + language + "-" + theme
				b.sound(what)
				b.shot(what)
			}
		}
	}
}

// One replays an incident: its plan, the first ten, a look, the rest; held and let go
// again on the way. From the incident to a running canary are two clicks.
func TestABulkReplayInABrowser(t *testing.T) {
	b := browser(t)
	w := newWorld(t)
	const n = 60
	w.refuseMany(t, n-1)
	b.do(chromedp.EmulateViewport(1440, 900), chromedp.Navigate(w.hub.AdminURL()+"/console/#token="+w.token))
	b.has("it shows how the hub stands", ready+` && !!document.querySelector('.tile.bad')`)
	b.open("#/incidents")
	b.has("the incident tells its size", fmt.Sprintf(`[...document.querySelectorAll('.card')].some(c => c.querySelector('.count').textContent === '%d' && c.textContent.includes('oms.order.push'))`, n))
	b.looks("incidents", "#/incidents")
	card := `[...document.querySelectorAll('.card')].find(c => c.textContent.includes('oms.order.push'))`
	b.js(card + `.querySelector('h2 a').click()`)
	b.has("the incident's page lists its rows", ready+` && location.hash.startsWith('#/incident/') && document.querySelectorAll('.rows a.row').length === 50`)
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.hash`))
	if err != nil {
		t.Fatal(err)
	}
	b.looks("incident", at)
	b.js(`document.querySelector('button.more').click()`)
	b.has("one pages on", fmt.Sprintf(`document.querySelectorAll('.rows a.row').length === %d`, n))

	b.js(`[...document.querySelectorAll('main button')].find(e => e.textContent.startsWith('Replay all')).click()`)
	b.has("the plan is counted", ready+fmt.Sprintf(` && location.hash === '#/replay/1' && document.querySelector('.todo').textContent.startsWith('%d rows')`, n))
	b.looks("replay-planned", "#/replay/1")
	b.js(`(i => { i.value = '400'; i.dispatchEvent(new Event('input')); })(document.querySelector('input[type=number]'))`)
	b.js(`document.querySelector('button[data-row=start]').click()`)
	b.has("the first ten went, and it asks", `document.querySelector('.heading .pill')?.textContent === 'waits for you' && document.querySelector('.todo')?.textContent.startsWith('The first 10')`)
	w.until(t, "ten to be delivered", func() bool { return w.count(ledger.Filter{States: []string{"parked"}, Connection: "oms"}) == n-10 })
	b.has("they are told as delivered", `[...document.querySelectorAll('.rows a.row')].filter(r => r.querySelector('.pill.good')).length === 10`)
	b.looks("replay-asking", "#/replay/1")

	// Held half way: a target that is slow lets nobody race the test.
	b.js(`(i => { i.value = '8'; i.dispatchEvent(new Event('input')); })(document.querySelector('input[type=number]'))`)
	b.js(`document.querySelector('button[data-row=start]').click()`)
	b.has("it goes", `!!document.querySelector('button[data-row=pause]')`)
	b.sound("a running replay")
	b.shot("replay-running")
	b.js(`document.querySelector('button[data-row=pause]').click()`)
	b.has("it is held", `document.querySelector('.heading .pill')?.textContent === 'paused'`)
	held := w.count(ledger.Filter{States: []string{"parked"}, Connection: "oms"})
	if held == 0 {
		t.Error("nothing was left to hold")
	}
	b.looks("replay-paused", "#/replay/1")
	b.js(`(i => { i.value = ''; i.dispatchEvent(new Event('input')); })(document.querySelector('input[type=number]'))`)
	b.js(`document.querySelector('button[data-row=resume]').click()`)
	b.has("it is done, without a reload", `document.querySelector('.heading .pill')?.textContent === 'done'`)
	b.has("all of it arrived", fmt.Sprintf(`document.querySelector('.pill.good + *') !== null && document.body.innerText.includes('delivered %d')`, n))
	b.looks("replay-done", "#/replay/1")

	b.js(`window.made = URL.createObjectURL; window.blobs = []; URL.createObjectURL = (blob) => { window.blobs.push(blob); return window.made(blob); }`)
	b.js(`[...document.querySelectorAll('main button')].filter(e => e.textContent.startsWith('Save as')).forEach(e => e.click())`)
	b.has("both files are there", `window.blobs.length === 2`)
	b.js(`Promise.all(window.blobs.map(x => x.text())).then(x => { window.texts = x; })`)
	b.has("with a line for each row", fmt.Sprintf(`!!window.texts && window.texts.map(x => x.trim().split('\n').length).sort().join() === '%d,%d'`, n, n+1))

	b.open("#/replays")
	b.has("it is listed", `document.querySelectorAll('.rows a.row').length === 1`)
	b.looks("replays", "#/replays")
	b.open("#/incidents")
	b.has("the incident is over", fmt.Sprintf(`[...document.querySelectorAll('.rows a.row')].some(r => / caught up, 0 left/.test(r.textContent) && r.textContent.includes('%d'))`, n))
	b.looks("incidents-over", "#/incidents")
	b.open(at)
	b.has("its page says so", `/recovered .* 0 left/.test(document.querySelector('.fine')?.textContent)`)

	b.open("#/rows?kind=message&state=parked&code=mapping.enum")
	b.js(`[...document.querySelectorAll('main button')].find(e => e.textContent.startsWith('Replay all')).click()`)
	b.has("a list is planned too", ready+` && location.hash === '#/replay/2'`)
	b.js(`document.querySelector('button[data-row=cancel]').click()`)
	b.has("and dropped", `document.querySelector('.heading .pill')?.textContent === 'ended'`)

	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.errors) > 0 {
		t.Errorf("the browser complains: %q", b.errors)
	}
}
