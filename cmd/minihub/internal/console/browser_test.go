package console_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/minihub/minihub/cmd/minihub/internal/browsertest"
	"github.com/minihub/minihub/pipelines/ledger"
)

// tab is a page in a headless Chromium and what it complained about.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	errors   []string
	requests []string
}

// browser opens a tab and notes what it complains about.
func browser(t *testing.T) *tab {
	t.Helper()
	ctx := browsertest.Open(t, "en-US", 6*time.Minute)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.note); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *tab) note(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, fmt.Sprint(e.ExceptionDetails.Text, " ", e.ExceptionDetails.URL, ":", e.ExceptionDetails.LineNumber, " ", e.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.errors = append(b.errors, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) js(expression string) { b.t.Helper(); b.do(chromedp.Evaluate[chromedp.Void](expression)) }

// has waits until an expression of the page is true.
func (b *tab) has(what, expression string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(time.Minute))); err != nil {
		state, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.hash + '\n' + document.body.innerText`))
		b.mu.Lock()
		defer b.mu.Unlock()
		b.t.Fatalf("%s: %v\nthe page says\n%s\nthe browser complains: %q", what, err, state, b.errors)
	}
}

// shot keeps a picture where MINIHUB_SCREENSHOTS names a folder.
func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("MINIHUB_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

const ready = `!!document.querySelector('main h1') && !document.querySelector('main[aria-busy]')`

// sound lists what is wrong with the page as it is drawn: wider than the window, texts
// that are missing, cut off or, in Chinese, not translated, poor contrast, and controls
// without a name.
const sound = `(() => {
  const wrong = [];
  const root = document.querySelector('dialog[open]') || document.body;
  if (document.documentElement.scrollWidth > innerWidth) wrong.push('the page is ' + document.documentElement.scrollWidth + ' wide');
  if (document.body.textContent.includes('⟦')) wrong.push('a text is missing: ' + document.body.textContent.match(/⟦[^⟧]*⟧/)[0]);
  const rgb = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (el) => { for (; el; el = el.parentElement) { const c = rgb(getComputedStyle(el).backgroundColor); if (c.length === 3 || c[3] > 0.9) return c; } return [255, 255, 255]; };
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const el = n.parentElement;
    const text = n.textContent.trim();
    if (!text || el.closest('svg') || !el.checkVisibility() || el.closest('.skip')) continue;
    if (document.documentElement.lang === 'zh-CN' && !el.closest('[translate=no]') && /[A-Za-z]{3,}/.test(text.replace(/SKU|API|Esc/g, ''))) wrong.push('not translated: ' + text);
    if (document.documentElement.lang === 'en' && !el.closest('[translate=no]') && /[\u4e00-\u9fff]/.test(text)) wrong.push('Chinese: ' + text);
    if (el.closest(':disabled')) continue;
    const [a, b] = [light(rgb(getComputedStyle(el).color)), light(ground(el))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) wrong.push('contrast ' + ratio.toFixed(2) + ': ' + text);
    const r = document.createRange(); r.selectNodeContents(n);
    const box = r.getBoundingClientRect();
    if (box.width && box.right > innerWidth + 1 && !el.closest('nav')) wrong.push('cut at the edge: ' + text);
  }
  for (const el of root.querySelectorAll('button, a[href], input, select')) {
    const name = el.getAttribute('aria-label') || el.textContent.trim() || (el.labels && [...el.labels].map((l) => l.textContent).join(''));
    if (!name) wrong.push('a control without a name: ' + el.outerHTML.slice(0, 100));
  }
  const ids = [...document.querySelectorAll('[id]')].map((el) => el.id);
  if (new Set(ids).size !== ids.length) wrong.push('an id stands twice');
  return [...new Set(wrong)].slice(0, 8).join(' | ');
})()`

func (b *tab) sound(what string) {
	b.t.Helper()
	wrong, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](sound))
	if err != nil {
		b.t.Fatal(err)
	}
	if wrong != "" {
		b.t.Errorf("%s: %s", what, wrong)
	}
}

// press clicks an element as soon as it is there: a page that draws itself anew may lack it
// for a moment.
func (b *tab) press(what, element string) {
	b.t.Helper()
	b.has(what+" can be pressed", fmt.Sprintf(`(x => !!x && (x.click(), true))(%s)`, element))
}

func (b *tab) open(hash string) {
	b.t.Helper()
	b.js(fmt.Sprintf(`(() => { document.querySelector('main').setAttribute('aria-busy', 'true'); if (location.hash === %[1]q) dispatchEvent(new Event('hashchange')); else location.hash = %[1]q; })()`, hash))
	b.has("the page "+hash, ready)
}

// Find an order, read why it stopped, replay it; then every page in both languages, both
// themes, on a phone and on a desk.
func TestInABrowser(t *testing.T) {
	b := browser(t)
	w := newWorld(t)
	b.do(chromedp.EmulateViewport(1440, 900), chromedp.Navigate(w.hub.AdminURL()+"/console/"))
	b.has("it asks who is there", `document.activeElement?.autocomplete === 'username'`)
	b.shot("sign-in")
	b.sound("sign-in")
	b.js(fmt.Sprintf(`location.hash = '#token=%s'`, w.token))
	b.has("it shows how the hub stands", `!!document.querySelector('.tile.bad') && location.hash === '#/'`)
	w.atStake(t)
	w.preview(t)
	w.calls(t)
	rehearsed := w.rehearse(t)
	b.find(w)
	w.sentAs(t, rehearsed)
	b.causes(w)
	b.fill(w)
	b.pause(w)
	b.pages(w)
	b.once(w)
	b.reveal(w)
	b.person(w)
	b.admin(w)

	b.mu.Lock()
	defer b.mu.Unlock()
	// The browser tells of each refused call; the one before the sign-in is meant.
	var complaints []string
	for _, e := range b.errors {
		if !strings.Contains(e, "401") {
			complaints = append(complaints, e)
		}
	}
	if len(complaints) > 0 {
		t.Errorf("the browser complains: %q", complaints)
	}
	for _, url := range b.requests {
		if strings.HasPrefix(url, "data:") {
			continue // the browser draws its own calendar button so
		}
		if !strings.HasPrefix(url, w.hub.AdminURL()+"/console/") && !strings.HasPrefix(url, w.hub.AdminURL()+"/api/v1/") {
			t.Errorf("the page asked for %s", url)
		}
	}
}

// find goes from a number on a slip of paper to a delivered order, by keyboard.
func (b *tab) find(w *world) {
	b.t.Helper()
	b.do(chromedp.KeyEvent("/"))
	b.has("/ goes to the search box", `document.activeElement.id === 'search'`)
	// The driver sends the character apart from the key, whose default was prevented.
	b.js(`document.activeElement.select()`)
	b.do(chromedp.KeyEvent(w.refused), chromedp.KeyEvent(kb.Enter))
	b.has("the order is found and shown", fmt.Sprintf(`location.hash.startsWith('#/message/') && document.querySelector('h1')?.textContent.includes(%q)`, w.refused))
	b.do(chromedp.KeyEvent("j"))
	b.has("j goes to the first that stands still", `document.activeElement.matches('section.alert [data-row]')`)
	b.has("it says what stands still and why", `document.querySelector('section.alert')?.textContent.includes('oms.order.push')`)
	b.press("it", `document.querySelector('section.alert a')`)
	b.has("the hop tells attempts and both documents", `(x => !!x && x.querySelectorAll('.doc').length === 2 && x.querySelectorAll('.doc mark').length > 0 && x.querySelectorAll('.tries li').length > 0)(document.querySelector('.hop.bad[open]'))`)
	b.has("what is personal is masked", `!document.querySelector('.hop.bad .doc').textContent.includes('13800') && document.querySelector('.hop.bad .docs').textContent.includes('*')`)
	b.shot("order-open")
	b.sound("an open order")
	b.wire(w)
	b.press("it", `document.querySelector('.hop.bad[open] button.main')`)
	b.has("the document that will go out is shown", `document.querySelector('dialog .goes .doc')?.textContent.includes('so_id')`)
	b.has("and the exact request", fmt.Sprintf(`(x => !!x && x.textContent.includes(%q))(document.querySelector('dialog .rehearsal .wire .doc'))`, w.refused))
	b.has("to the place it goes to, nobody shown", `document.querySelector('dialog .rehearsal').textContent.includes('/orders/upload') && !/1[3-9]\d{9}/.test(document.querySelector('dialog .rehearsal').textContent)`)
	b.shot("replay")
	b.sound("the replay")
	b.press("it", `document.querySelector('dialog button.main')`)
	b.has("it was replayed", `!document.querySelector('dialog')`)
	b.has("and is delivered", `![...document.querySelectorAll('.hop')].some(x => x.textContent.includes('oms.order.push') && !x.querySelector('.pill.good'))`)
	if n := b.parkedAt(w, "oms"); n != 0 {
		b.t.Errorf("%d rows are still parked at the OMS", n)
	}
}

// reveal goes from the last digits of a phone to the whole of it in three clicks and a
// reason; the audit tells of each.
func (b *tab) reveal(w *world) {
	b.t.Helper()
	number, pointer := w.phone(b.t)
	show := fmt.Sprintf(`.hop[open] .doc button[aria-label="Show %s"]`, pointer)
	b.do(chromedp.EmulateViewport(1440, 900))
	b.js(fmt.Sprintf(`document.querySelector('#search').value = %q; document.querySelector('.searchbox').requestSubmit()`, number[7:]))
	// Of several that share the tail one is chosen.
	b.has("the order is found by the phone's tail", fmt.Sprintf(`location.hash.startsWith('#/message/') || [...document.querySelectorAll('main a.row')].some(r => r.textContent.includes(%q) && (r.click(), true))`, w.refused))
	b.has("the order", ready+` && [...document.querySelectorAll('.hop summary')].some(s => s.textContent.includes('oms.order.push'))`)
	b.js(`[...document.querySelectorAll('.hop summary')].find(s => s.textContent.includes('oms.order.push')).click()`)
	b.has("masked values can be shown", fmt.Sprintf(`!!document.querySelector(%q)`, show))
	b.js(fmt.Sprintf(`document.querySelector(%q).click()`, show))
	b.has("it asks what for", `document.activeElement?.minLength === 4`)
	b.shot("reveal")
	b.sound("the reveal")
	b.js(`(d => { d.querySelector('input').value = 'the courier asks'; d.querySelector('form').requestSubmit(); })(document.querySelector('dialog'))`)
	b.has("the phone is shown", fmt.Sprintf(`document.querySelector('.revealed')?.textContent === '"%s"' && !document.querySelector('dialog')`, number))
	b.shot("revealed")
	b.sound("a revealed field")
	b.has("it can be hidden", `(x => !!x && (x.click(), true))(document.querySelector('.revealed + button'))`) // the page may be drawn anew meanwhile
	b.has("and is masked again", `!document.querySelector('.revealed')`)
	for _, act := range []string{"find", "see", "reveal"} {
		rows, err := w.hub.Ledger().Audit(b.t.Context(), ledger.AuditFilter{Act: act})
		if err != nil || len(rows) == 0 {
			b.t.Errorf("the audit tells of %d %s, %v", len(rows), act, err)
		}
		for _, r := range rows {
			if strings.Contains(string(r.Body), `"`+number[7:]) || strings.Contains(string(r.Body), number) {
				b.t.Errorf("the audit keeps what was asked for: %s", r.Body)
			}
		}
	}
}

func (b *tab) parkedAt(w *world, connection string) int {
	return w.count(ledger.Filter{States: []string{"parked"}, Connection: connection})
}

// fill types a missing code once; what waited for it goes on.
func (b *tab) fill(w *world) {
	b.t.Helper()
	b.open("#/waiting")
	b.has("the missing code is named", `document.querySelector('form.card h2')?.textContent.includes('NO-SUCH-SKU')`)
	b.shot("waiting")
	b.sound("waiting")
	b.js(`(f => { f.elements.value.value = 'SKU-MUG-01'; f.elements.why.value = 'the new code of the mug'; f.requestSubmit(); })(document.querySelector('form.card'))`)
	b.has("they go on", `!document.querySelector('form.card') && document.getElementById('said').textContent !== ''`)
	w.until(b.t, "nothing waits for the code", func() bool { return w.count(ledger.Filter{States: []string{"blocked"}, Code: "blocked.lookup"}) == 0 })
}

// pause holds a connection, which a person resumes.
func (b *tab) pause(w *world) {
	b.t.Helper()
	b.open("#/connections")
	b.press("it", `document.querySelector('[aria-label="Pause crm"]')`)
	b.has("it asks why", `!!document.querySelector('dialog input')`)
	b.js(`(d => { d.querySelector('input').value = 'a test'; d.querySelector('form').requestSubmit(); })(document.querySelector('dialog'))`)
	b.has("it is paused", `!!document.querySelector('[aria-label="Resume crm"]') && !document.querySelector('dialog')`)
	if !w.hub.Engine().Connections()["crm"] {
		b.t.Error("the hub does not hold the connection")
	}
	b.shot("connections-paused")
	b.js(`document.querySelector('[aria-label="Resume crm"]').click()`)
	b.has("it goes on", `!!document.querySelector('[aria-label="Pause crm"]')`)
	if w.hub.Engine().Connections()["crm"] {
		b.t.Error("the hub still holds the connection")
	}
}

// once sees that a call which may cost twice is not sent before its key is typed. No
// simulated vendor has one, so the preview is played.
func (b *tab) once(w *world) {
	b.t.Helper()
	b.js(`localStorage.setItem('minihub.theme', 'light'); document.documentElement.lang.startsWith('zh') && document.getElementById('language').click()`)
	b.open(fmt.Sprintf("#/message/%d", w.parked(b.t)))
	b.press("it", `document.querySelector('section.alert a')`)
	b.has("the hop can be replayed", `!!document.querySelector('.hop.bad[open] button.main')`)
	b.js(`window.asked = window.fetch; window.fetch = (url, ...rest) => String(url).includes('/preview') ? Promise.resolve(new Response(JSON.stringify({ rows: [
		{ connection: 'shop', operation: 'shipment.upload', key: 'K-1', state: 'ready', repeat: 'one-shot', confirm: true, document: { id: 9007199254740993 } }] }))) : window.asked(url, ...rest)`)
	b.press("it", `document.querySelector('.hop.bad[open] button.main')`)
	b.has("it waits for the key", `!!document.getElementById('confirm') && document.querySelector('dialog button.main').disabled`)
	b.sound("a one-shot replay")
	typed := func(text string) {
		b.js(fmt.Sprintf(`(i => { i.value = %q; i.dispatchEvent(new Event('input')); })(document.getElementById('confirm'))`, text))
	}
	typed("K-2")
	b.has("another key is not enough", `document.querySelector('dialog button.main').disabled`)
	typed("K-1")
	b.has("the key is", `!document.querySelector('dialog button.main').disabled`)
	b.js(`window.fetch = window.asked; document.querySelector('dialog').close()`)
}

// person signs in by name: changing calls of a session must be proven, and are.
func (b *tab) person(w *world) {
	b.t.Helper()
	const password = "an invented pass phrase 71"
	w.add(b.t, "mei", password, "ops")
	b.js(`[...document.querySelectorAll('.tools button')].at(-1).click()`)
	b.has("it asks who is there", `!!document.querySelector('input[autocomplete=username]')`)
	b.js(fmt.Sprintf(`(f => { f.querySelector('input').value = 'mei'; f.querySelector('[type=password]').value = %q; f.requestSubmit(); })(document.querySelector('main form'))`, password))
	b.has("mei is in", ready+` && !!document.querySelector('nav a[href="#/flows"]') && !document.querySelector('nav a[href="map/"]')`)
	b.open("#/jobs")
	b.js(`document.querySelector('[aria-label="Run now sweep"]').click()`)
	b.has("the job ran", `document.getElementById('said').textContent.startsWith('It ran')`)
	b.open("#/connections")
	b.js(`document.querySelector('[aria-label="Test call oms"]').click()`)
	b.has("the vendor answers", `[...document.querySelectorAll('.card')].some(c => c.querySelector('h2')?.textContent === 'oms' && c.querySelectorAll('li .pill.good').length > 0)`)
	b.sound("a test call")
	b.js(`[...document.querySelectorAll('.tools button')].at(-1).click()`)
	b.has("mei is out", `!!document.querySelector('input[autocomplete=username]') && document.querySelectorAll('nav a').length === 0`)
}

// admin goes from the link of an invitation to the people, the audit and the alarms.
func (b *tab) admin(w *world) {
	b.t.Helper()
	const password = "an invented pass phrase 72"
	b.js(fmt.Sprintf(`location.hash = '#token=%s'`, w.token))
	b.has("the hub's own token opens", ready+` && !!document.querySelector('nav a[href="#/people"]')`)
	b.open("#/people")
	b.has("mei is there", `[...document.querySelectorAll('.card')].some(c => c.querySelector('h2')?.textContent === 'mei' && c.querySelector('time'))`)
	b.js(`document.querySelector('.heading button.main').click()`)
	b.sound("add a person")
	b.js(`(d => { d.querySelector('input').value = 'Lin'; d.querySelector('[value=admin]').checked = true; d.querySelector('form').requestSubmit(); })(document.querySelector('dialog'))`)
	b.has("a link is shown", `document.querySelector('.secret input')?.value.includes('#invite=')`)
	b.shot("invite")
	b.sound("an invitation")
	link, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector('.secret input').value`))
	if err != nil {
		b.t.Fatal(err)
	}
	b.js(`document.querySelector('dialog').close(); [...document.querySelectorAll('main button')].find(x => x.textContent === 'New token').click()`)
	b.js(`(d => { d.querySelector('input').value = 'robot'; d.querySelector('form').requestSubmit(); })(document.querySelector('dialog[open]'))`)
	b.has("a token is shown once", `document.querySelector('.secret input')?.value.startsWith('mhub_') && [...document.querySelectorAll('.card h2')].some(h => h.textContent === 'robot')`)
	b.js(`document.querySelector('dialog').close(); document.querySelector('[aria-label="Revoke robot"]').click(); document.querySelector('dialog[open] form').requestSubmit()`)
	b.has("it is revoked", `!document.querySelector('dialog') && !document.querySelector('[aria-label="Revoke robot"]')`)
	b.js(`[...document.querySelectorAll('.tools button')].at(-1).click()`)
	b.has("signed out", `!!document.querySelector('input[autocomplete=username]')`)
	b.do(chromedp.Navigate(link))
	b.has("the link asks for a password", `document.activeElement?.autocomplete === 'new-password' && !location.hash.includes('invite')`)
	b.shot("invited")
	b.sound("the page of an invitation")
	b.js(fmt.Sprintf(`(f => { f.querySelector('[type=password]').value = %q; f.requestSubmit(); })(document.querySelector('main form'))`, password))
	b.has("lin is in", ready+` && !!document.querySelector('nav a[href="#/me"]')`)
	b.open("#/me")
	b.has("this browser is named", `[...document.querySelectorAll('.row')].some(r => r.querySelector('.pill.good'))`)
	b.open("#/audit?act=invite.accept")
	b.has("the invitation is in the audit", `document.querySelector('.row')?.textContent.includes('lin')`)
	b.js(`[...document.querySelectorAll('main button')].find(x => x.textContent === 'Check the chain').click()`)
	b.has("the chain is intact", `document.querySelector('.fine')?.textContent.startsWith('The chain is intact')`)
	b.open("#/alarms")
	b.press("it", `document.querySelector('[aria-label="Test the path pager"]')`)
	b.has("the alarm and its end arrive", `document.querySelector('.card .fine')?.textContent.includes('HTTP 200 noted')`)
	w.mu.Lock()
	got := strings.Join(w.pages, "\n")
	w.mu.Unlock()
	if !strings.Contains(got, `"test"`) || !strings.Contains(got, `"test_recovered"`) {
		b.t.Errorf("the receiver heard %s", got)
	}
	b.look(map[string]string{"me": "#/me", "people": "#/people", "audit": "#/audit", "alarms": "#/alarms"})
}

// pages looks at every page in both languages, both themes and two widths.
func (b *tab) pages(w *world) {
	b.t.Helper()
	list := map[string]string{"home": "#/", "order": fmt.Sprintf("#/message/%d", w.parked(b.t)), "rows": "#/rows?kind=delivery&state=delivered",
		"waiting": "#/waiting", "jobs": "#/jobs", "connections": "#/connections", "flows": "#/flows"}
	b.look(list)
}

// look draws pages in both languages, both themes and two widths.
func (b *tab) look(list map[string]string) {
	b.t.Helper()
	b.js(`localStorage.setItem('minihub.theme', 'light')`)
	for _, size := range []struct {
		name string
		w, h int64
	}{{"desk", 1440, 900}, {"phone", 390, 844}} {
		b.do(chromedp.EmulateViewport(size.w, size.h))
		for _, language := range []string{"en", "zh"} {
			if got, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.documentElement.lang.slice(0, 2)`)); got != language {
				b.do(chromedp.Click(chromedp.CSS("#language")))
			}
			b.has("the language", fmt.Sprintf(`document.documentElement.lang.startsWith(%q)`, language))
			for name, hash := range list {
				if name == "home" {
					b.js(`document.querySelector('#search').value = ''; document.querySelector('.searchbox').requestSubmit()`)
				}
				b.open(hash)
				if name == "order" {
					b.js(`document.querySelectorAll('.hop:not([open]) summary').forEach((s, i) => i < 1 && s.click())`)
					b.has("the hop is open", `!!document.querySelector('.hop[open] .doc')`)
				}
				for _, theme := range []string{"light", "dark"} {
					b.js(fmt.Sprintf(`document.documentElement.dataset.theme = %q`, theme))
					what := strings.Join([]string{name, size.name, language, theme}, "-")
					b.sound(what)
					b.shot(what)
				}
			}
		}
	}
}
