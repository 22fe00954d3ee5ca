package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/minihub/minihub/cmd/minihub/internal/browsertest"
	"github.com/minihub/minihub/cmd/minihub/internal/porttest"
	"github.com/minihub/minihub/cmd/minihub/internal/sims"
	"github.com/minihub/minihub/cmd/minihub/internal/starter"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

const (
	supportName     = "lin"
	supportPassword = "a long enough invented one"
	// The receiver of the order that people look for; invented, in no numbering plan.
	receiverPhone = "19900004321"
)

// desk is a hub as a program, with trouble of every common kind, and a person before it.
type desk struct {
	t     *testing.T
	sims  *sims.World
	hub   *process
	url   string
	ctx   context.Context
	heard *pager

	clicks int
}

// pager takes alarms as they come.
type pager struct {
	mu     sync.Mutex
	titles []string
}

func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct {
		Title string `json:"title"`
	}
	b, _ := io.ReadAll(r.Body)
	if json.Unmarshal(b, &m) == nil {
		p.mu.Lock()
		p.titles = append(p.titles, m.Title)
		p.mu.Unlock()
	}
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, heard: &pager{}}
	sink := httptest.NewServer(d.heard)
	t.Cleanup(sink.Close)
	var err error
	if d.sims, err = sims.Start(sims.Options{Seed: 11, LimitsX: 300, PushWaits: []time.Duration{50 * time.Millisecond, 200 * time.Millisecond}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.sims.Close() })
	dir, listen := filepath.Join(t.TempDir(), "hub"), porttest.Free()
	start := time.Now().Add(-48 * time.Hour).Format(time.RFC3339)
	if err := starter.ForWorld(dir, d.sims, starter.WorldOptions{Start: start, LimitsX: 300, Log: "warn", Listen: listen}); err != nil {
		t.Fatal(err)
	}
	appendTo(t, filepath.Join(dir, "hub.yaml"), fmt.Sprintf("\nalarms:\n  receivers:\n    - { receiver: duty, kind: webhook, url: '%s' }\n", sink.URL))
	d.hub = &process{t: t, binary: buildHub(t, ""), dir: dir, args: []string{"--settle-x", "0.02"}}
	t.Cleanup(d.hub.stop)
	d.hub.start()
	d.url = "http://" + listen
	d.call(http.MethodPost, "/api/v1/people", map[string]any{"name": supportName, "password": supportPassword, "roles": []string{"support", "ops"}}, nil)
	d.ctx = browsertest.Open(t, "en-US", 10*time.Minute)
	return d
}

// call uses the API as the hub's own token may.
func (d *desk) call(method, path string, in, out any) {
	d.t.Helper()
	if err := ask(d.t.Context(), d.hub.dir, method, path, in, out); err != nil {
		d.t.Fatal(err)
	}
}

// count is how many rows are in a state at a connection.
func (d *desk) count(connection, state, code string) (n int64) {
	var out struct {
		Counts []countRow `json:"counts"`
	}
	if err := d.hub.get("/api/v1/counts", &out); err != nil {
		return -1
	}
	for _, c := range out.Counts {
		if c.Connection == connection && c.State == state && (code == "" || c.Code == code) {
			n += c.Count
		}
	}
	return n
}

// until polls with a deadline.
func (d *desk) until(what string, limit time.Duration, done func() bool) {
	d.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			_, rows, _ := d.hub.unfinished()
			d.t.Fatalf("%s: not within %s; the ledger holds %s\n%s", what, limit, compact(rows), d.hub.tail())
		}
	}
}

// refuse makes the OMS refuse orders for their content until the faults are cleared.
func (d *desk) refuse() {
	d.t.Helper()
	if _, err := d.sims.Faults.Add(simkit.Fault{System: "jushuitan", Call: "orders/upload", Kind: simkit.ErrorBody, Code: "130"}); err != nil {
		d.t.Fatal(err)
	}
}

// sell places paid orders; the job that pulls them runs every few seconds.
func (d *desk) sell(n int, to *wechatshopsim.Address) (last string) {
	d.t.Helper()
	for range n {
		id, err := d.sims.ShopA.PlaceOrder(wechatshopsim.OrderSpec{Lines: []wechatshopsim.LineSpec{{SKUCode: "SKU-MUG-01", Qty: 1}}, Receiver: to})
		if err == nil {
			err = d.sims.ShopA.Pay(id)
		}
		if err != nil {
			d.t.Fatal(err)
		}
		last = id
	}
	return last
}

func (d *desk) js(expression string) {
	d.t.Helper()
	if err := chromedp.Do(d.ctx, chromedp.Evaluate[chromedp.Void](expression)); err != nil {
		d.t.Fatal(err)
	}
}

// sees waits until an expression of the page is true.
func (d *desk) sees(what, expression string) {
	d.t.Helper()
	if err := chromedp.Do(d.ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(time.Minute))); err != nil {
		page, _ := chromedp.Run(d.ctx, chromedp.Evaluate[string](`location.hash + '\n' + (document.querySelector('dialog[open]') || document.body).innerText`))
		d.t.Fatalf("%s: %v\nthe page says\n%s", what, err, page)
	}
}

func (d *desk) says(text string) {
	d.t.Helper()
	d.sees("the page says "+text, fmt.Sprintf(`document.body?.innerText.includes(%q)`, text))
}

// named finds what is visible and can be pressed by the words on it, in the dialog that
// is open or on the page.
const named = `(text) => [...(document.querySelector('dialog[open]') || document).querySelectorAll('button, a[href], summary, label:has(input[type=radio]), label:has(input[type=checkbox])')]
	.find((el) => el.checkVisibility() && !el.disabled && ((el.getAttribute('aria-label') || '') + ' ' + el.textContent).includes(text))`

// click presses what carries the words, and counts it.
func (d *desk) click(text string) {
	d.t.Helper()
	d.sees("there is "+text+" to press", fmt.Sprintf(`!!(%s)(%q)`, named, text))
	d.clicks++
	d.js(fmt.Sprintf(`(%s)(%q).click()`, named, text))
}

// enter types into the field that a label names, and Enter after the last one.
func (d *desk) enter(label, value string, last bool) {
	d.t.Helper()
	field := fmt.Sprintf(`[...(document.querySelector('dialog[open]') || document).querySelectorAll('input, textarea, select')].find((el) => el.checkVisibility() && [...(el.labels || [])].some((l) => l.textContent.includes(%q)))`, label)
	d.sees("there is a field "+label, "!!"+field)
	d.js(field + ".focus()")
	keys := value
	if last {
		keys += kb.Enter
	}
	if err := chromedp.Do(d.ctx, chromedp.KeyEvent(keys)); err != nil {
		d.t.Fatal(err)
	}
}

// search types into the one box from wherever the person is.
func (d *desk) search(key string) {
	d.t.Helper()
	if err := chromedp.Do(d.ctx, chromedp.KeyEvent("/")); err != nil {
		d.t.Fatal(err)
	}
	d.sees("/ goes to the search box", `document.activeElement.id === 'search'`)
	d.js(`document.activeElement.select()`)
	if err := chromedp.Do(d.ctx, chromedp.KeyEvent(key+kb.Enter)); err != nil {
		d.t.Fatal(err)
	}
}

// task starts at the first page and fails when it takes more than three clicks.
func (d *desk) task(name string, work func()) {
	d.t.Helper()
	d.js(`location.hash = '#/'`)
	if err := chromedp.Do(d.ctx, chromedp.Navigate(d.url+"/console/")); err != nil {
		d.t.Fatal(err)
	}
	d.says("How the hub stands")
	d.clicks = 0
	work()
	if d.clicks > 3 {
		d.t.Errorf("%s took %d clicks", name, d.clicks)
	}
	d.t.Logf("%s: %d clicks", name, d.clicks)
}

// The ten commonest tasks of the desk, each from the first page and within three clicks:
// presses of a button or a link, typing does not count. Done by somebody with the rights
// of support and ops.
func TestTheTenCommonestTasks(t *testing.T) {
	d := newDesk(t)
	if _, err := d.sims.ShopA.PlaceBad(wechatshopsim.BadUnknownSKU); err != nil {
		t.Fatal(err)
	}
	d.until("the lookup is missed", 30*time.Second, func() bool { return d.count("erp", "blocked", "blocked.lookup") > 0 })
	d.refuse()
	order := d.sell(1, &wechatshopsim.Address{Name: "王小明", Phone: receiverPhone, Province: "上海市", City: "上海市", County: "徐汇区", Detail: "示例路 1 号"})
	d.until("the OMS refuses one", 30*time.Second, func() bool { return d.count("oms", "parked", "") == 1 })
	d.sims.Faults.Clear()
	d.signIn()

	d.task("find an order by the tail of its phone", func() {
		d.search(receiverPhone[7:])
		d.opens(order)
	})
	d.task("read why it failed", func() {
		d.search(order)
		d.opens(order)
		d.sees("the reason stands above everything", `document.querySelector('section.alert')?.innerText.includes('oms.order.push')`)
		d.sees("what the OMS answered", `document.querySelector('.hop.bad[open] .hop-body')?.innerText.includes('系统异常')`)
	})
	d.task("reveal its phone", func() {
		d.search(order)
		d.opens(order)
		d.revealPhone()
	})
	d.task("fill in a lookup and release what waits", func() {
		d.click("wait for something else")
		d.enter("Its code", "SKU-MUG-01", false)
		d.enter("Reason", "new in the ERP since today", true)
		d.says("go on")
	})
	d.until("it goes on", 30*time.Second, func() bool { return d.count("erp", "blocked", "blocked.lookup") == 0 })
	d.task("edit an order and replay it", func() { d.edit(order) })
	d.until("it arrives", 30*time.Second, func() bool { return d.count("oms", "parked", "") == 0 })
	d.task("pause a connection", func() {
		d.click("Connections")
		d.click("Pause crm")
		d.enter("Reason", "the CRM moves house tonight", true)
		d.says("paused")
	})
	d.task("resume it", func() {
		d.click("Connections")
		d.click("Resume crm")
		d.says("It goes on.")
	})
	d.task("backfill yesterday", func() { d.backfill() })
	d.task("prove the way of the alarms", func() { d.tryAlarms() })

	for _, name := range []string{"crm", "erp", "wms", "sf", "events"} {
		// What goes elsewhere is not what this is about.
		d.call(http.MethodPost, "/api/v1/connections/"+name+"/pause", map[string]any{"who": "test", "why": "only the OMS"}, nil)
	}
	const many = 5000
	d.refuse()
	d.sell(many, nil)
	d.until("the OMS refuses 5,000", 3*time.Minute, func() bool { return d.count("oms", "parked", "") == many })
	d.sims.Faults.Clear()
	d.task("replay an incident of 5,000", func() { d.replayAll(many) })
	d.task("stop it half way", func() { d.hold() })
	before := d.count("oms", "parked", "")
	d.hub.kill()
	d.hub.start()
	if after := d.count("oms", "parked", ""); after > before {
		t.Errorf("%d were parked before the kill, %d are after it", before, after)
	}
	d.task("go on after a kill", func() { d.goOn() })
	d.until("all 5,000 arrive", 3*time.Minute, func() bool { return d.count("oms", "delivered", "") == many+2 })
	d.onceEach(many + 2)
}

func (d *desk) signIn() {
	d.t.Helper()
	if err := chromedp.Do(d.ctx, chromedp.EmulateViewport(1440, 900), chromedp.Navigate(d.url+"/console/")); err != nil {
		d.t.Fatal(err)
	}
	d.enter("Name", supportName, false)
	d.enter("Password", supportPassword, true)
	d.says("How the hub stands")
}

// opens waits for the order's own screen: a search that finds one thing shows it.
func (d *desk) opens(order string) {
	d.t.Helper()
	d.sees("the order is shown", fmt.Sprintf(`location.hash.startsWith('#/message/') && document.querySelector('h1')?.textContent.includes(%q)`, order))
}

// revealPhone shows the receiver's phone in the document that the OMS refused.
func (d *desk) revealPhone() {
	d.t.Helper()
	d.click("Show /receiver_mobile")
	d.enter("Reason", "the buyer asks where the parcel is", true)
	d.says(receiverPhone)
}

// edit marks an order that the OMS refused as urgent, and sends it.
func (d *desk) edit(order string) {
	d.t.Helper()
	d.search(order)
	d.opens(order)
	d.click("Edit")
	d.sees("the document is there", `document.getElementById('document')?.value.includes('"so_id"')`)
	d.js(`(area => { area.value = area.value.replace(/("labels": )"[^"]*"/, '$1"中台发货,加急"'); area.dispatchEvent(new Event('input')); })(document.getElementById('document'))`)
	d.click("Preview and send")
	d.enter("Why is it changed", "the buyer asked for it to be quick", true)
	d.says("Stored beside the original")
}

func (d *desk) backfill() {
	d.t.Helper()
	d.click("Jobs")
	d.click("Backfill yesterday")
	d.sees("the forecast is there", `!document.querySelector('dialog[open] button.main').disabled`)
	d.says("35")
	d.click("Start")
	d.sees("it is done", `[...document.querySelectorAll('article[id^=backfill-] .pill.good')].length > 0`)
}

// tryAlarms sends a test alarm and its end to the receiver, which notes both.
func (d *desk) tryAlarms() {
	d.t.Helper()
	d.click("Alarms")
	d.click("Test the path")
	d.says("The test alarm and its end arrived")
	d.heard.mu.Lock()
	defer d.heard.mu.Unlock()
	if n := len(d.heard.titles); n < 2 {
		d.t.Errorf("the receiver heard %q", d.heard.titles)
	}
}

// replayAll goes from the first page to a replay of a whole incident that runs.
func (d *desk) replayAll(n int) {
	d.t.Helper()
	d.click("Replay all")
	d.says("5,000 rows would be replayed")
	d.enter("Rows a second", "400", false)
	d.click("Try the first")
	d.click("Go on with the other 4,990")
	d.sees("it is under way", fmt.Sprintf(`(p => p && p.value > 100 && p.value < %d)(document.querySelector('progress'))`, n))
}

func (d *desk) hold() {
	d.t.Helper()
	d.click("Replays")
	d.click("5,000 rows")
	d.click("Hold it")
	d.says("It is held")
}

func (d *desk) goOn() {
	d.t.Helper()
	d.click("Replays")
	d.click("5,000 rows")
	d.click("Go on with the other")
}

// onceEach compares with what the OMS itself holds: every order once.
func (d *desk) onceEach(n int) {
	d.t.Helper()
	orders := d.sims.OMS.Orders()
	seen := map[string]int{}
	for _, o := range orders {
		seen[o.SoID]++
	}
	for so, times := range seen {
		if times != 1 {
			d.t.Errorf("the OMS has order %s %d times", so, times)
		}
	}
	if len(seen) != n {
		d.t.Errorf("the OMS has %d orders, want %d", len(seen), n)
	}
}
