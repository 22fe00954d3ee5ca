package console_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/minihub/minihub/cmd/minihub/internal/cli"
	"github.com/minihub/minihub/cmd/minihub/internal/console"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas/codec"
)

// editable is a document as the editor gets it.
type editable struct {
	Message  int64           `json:"message"`
	Key      string          `json:"key"`
	Revision int             `json:"revision"`
	Text     string          `json:"text"`
	Schema   json.RawMessage `json:"schema"`
}

type checked struct {
	Problems []struct {
		Pointer, Rule, Text string
		Line, Column        int
	} `json:"problems"`
	Unchanged bool   `json:"unchanged"`
	State     string `json:"state"`
	Code      string `json:"code"`
	Rows      []struct {
		State    string          `json:"state"`
		Document json.RawMessage `json:"document"`
	} `json:"rows"`
}

// says makes a call that may be refused, and returns the status and the error's code.
func (w *world) says(t *testing.T, token, method, path string, body any) (int, string) {
	t.Helper()
	resp := w.send(t, token, method, path, body)
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, out.Error.Code
}

// parkedAtOMS is the delivery that the OMS refused.
func (w *world) parkedAtOMS(t *testing.T) *ledger.Delivery {
	t.Helper()
	rows, err := w.hub.Ledger().Deliveries(t.Context(), ledger.Filter{States: []string{"parked"}, Connection: "oms"})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d deliveries are parked at the OMS, %v", len(rows), err)
	}
	return &rows[0]
}

// phones are the telephone numbers of a stored document.
func (w *world) phones(t *testing.T, ref ledger.Ref) (out []string) {
	t.Helper()
	body, err := w.hub.Ledger().Payload(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"receiver_phone", "receiver_mobile"} {
		if s, _ := doc[name].(string); len(s) > 7 {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		t.Fatalf("the document has no telephone number: %s", body)
	}
	return out
}

// An edit needs the right to it, a reason, and the document that one saw; what was masked
// and left alone goes out as it was, and the audit holds who and why and no document.
func TestEditing(t *testing.T) {
	w := newWorld(t)
	t.Run("by call and command", func(t *testing.T) { byCall(t, w) })
	t.Run("in a browser", func(t *testing.T) { inBrowser(t, w) })
}

func byCall(t *testing.T, w *world) {
	t.Helper()
	d := w.parkedAtOMS(t)
	phones := w.phones(t, d.Payload)
	path := fmt.Sprintf("deliveries/%d/edit", d.ID)
	var doc editable
	w.ask(t, http.MethodGet, path, nil, &doc)
	if doc.Key != d.RemoteKey || doc.Message != d.Record || !strings.Contains(doc.Text, "\n  \"so_id\": \""+d.RemoteKey+"\"") || len(doc.Schema) < 100 || strings.Contains(doc.Text, phones[0]) || !strings.Contains(doc.Text, "****") {
		t.Fatalf("the editor gets %+v", doc)
	}
	check := func(text string) (out checked) {
		w.ask(t, http.MethodPost, path+"/check", map[string]any{"document": text}, &out)
		return out
	}
	if got := check(doc.Text); !got.Unchanged || len(got.Problems) > 0 || len(got.Rows) != 1 || got.Rows[0].State != "ready" {
		t.Fatalf("as it came: %+v", got)
	}
	line := func(text, part string) int { return strings.Count(text[:strings.Index(text, part)], "\n") + 1 }
	swap := func(old, better string) string {
		if !strings.Contains(doc.Text, old) {
			t.Fatalf("the document has no %s: %s", old, doc.Text)
		}
		return strings.Replace(doc.Text, old, better, 1)
	}
	for name, c := range map[string]struct{ text, rule, at string }{
		"no JSON":         {swap(`"so_id":`, `"so_id"`), "codec.syntax", "\"so_id\""},
		"a wrong kind":    {swap(`"so_id": "`+d.RemoteKey+`"`, `"so_id": 7`), "frozen", "\"so_id\""},
		"an unknown name": {swap(`"so_id":`, `"colour": 1, "so_id":`), "additionalProperties", "\"colour\""},
		"a stray mask":    {swap(`"receiver_city": "***"`, `"receiver_city": "`+mask(phones[0])+`"`), "hidden", "\"receiver_city\""},
	} {
		got := check(c.text)
		if len(got.Problems) == 0 || !slices.ContainsFunc(got.Problems, func(p struct {
			Pointer, Rule, Text string
			Line, Column        int
		}) bool {
			return p.Rule == c.rule && p.Line == line(c.text, c.at)
		}) {
			t.Errorf("%s: %+v, want %s in line %d", name, got.Problems, c.rule, line(c.text, c.at))
		}
	}
	const said = "轻放, 周末送"
	edited := swap(`"buyer_message": "***"`, `"buyer_message": "`+said+`"`)
	began := time.Now()
	for range 20 {
		if got := check(edited); len(got.Problems) > 0 || got.Unchanged || strings.Contains(string(got.Rows[0].Document), said) {
			t.Fatalf("an edit that fits: %+v", got)
		}
	}
	t.Logf("a check takes %v", time.Since(began)/20)
	var exact struct {
		Rows []struct {
			Attempts int
			Call     json.RawMessage
		}
	}
	before := len(w.sims.OMS.Orders())
	w.ask(t, http.MethodPost, path+"/rehearsal", map[string]any{"document": edited}, &exact)
	if len(exact.Rows) != 1 || !strings.Contains(string(exact.Rows[0].Call), d.RemoteKey) || exact.Rows[0].Attempts != 1 {
		t.Fatalf("the exact request of an edit: %+v", exact)
	}
	if text := string(exact.Rows[0].Call); strings.Contains(text, phones[0]) || strings.Contains(text, said) || len(w.sims.OMS.Orders()) != before {
		t.Fatalf("the exact request of an edit shows what is hidden, or went out: %s", text)
	}

	viewer := w.tokenOf(t, "viewer")
	for name, c := range map[string]struct {
		token, method, path string
		body                map[string]any
		status              int
		code                string
	}{
		"without the right to see it":   {viewer, http.MethodGet, path, nil, http.StatusForbidden, "api.forbidden"},
		"without the right to check":    {viewer, http.MethodPost, path + "/check", map[string]any{"document": edited}, http.StatusForbidden, "api.forbidden"},
		"without the right to rehearse": {viewer, http.MethodPost, path + "/rehearsal", map[string]any{"document": edited}, http.StatusForbidden, "api.forbidden"},
		"rehearsed with a mistake":      {w.token, http.MethodPost, path + "/rehearsal", map[string]any{"document": "{}"}, http.StatusUnprocessableEntity, "edit.problems"},
		"without the right":             {viewer, http.MethodPost, path, map[string]any{"document": edited, "why": "a test"}, http.StatusForbidden, "api.forbidden"},
		"without a reason":              {w.token, http.MethodPost, path, map[string]any{"document": edited}, http.StatusBadRequest, "edit.why"},
		"of another revision":           {w.token, http.MethodPost, path, map[string]any{"document": edited, "why": "a test", "revision": 1}, http.StatusConflict, "edit.moved"},
		"without a change":              {w.token, http.MethodPost, path, map[string]any{"document": doc.Text, "why": "a test"}, http.StatusUnprocessableEntity, "edit.unchanged"},
		"with a mistake":                {w.token, http.MethodPost, path, map[string]any{"document": "{}", "why": "a test"}, http.StatusUnprocessableEntity, "edit.problems"},
		"of a delivery's own original":  {w.token, http.MethodPost, path, map[string]any{"original": true, "why": "a test"}, http.StatusBadRequest, "edit.original"},
		"of a message that was routed":  {w.token, http.MethodGet, fmt.Sprintf("messages/%d/edit", d.Record), nil, http.StatusUnprocessableEntity, "edit.not"},
		"of a delivery that never was":  {w.token, http.MethodGet, "deliveries/99999/edit", nil, http.StatusNotFound, "api.not_found"},
		"back to what was never edited": {w.token, http.MethodPost, fmt.Sprintf("messages/%d/edit", d.Record), map[string]any{"original": true, "why": "a test"}, http.StatusUnprocessableEntity, "edit.not"},
	} {
		if status, code := w.says(t, c.token, c.method, c.path, c.body); status != c.status || code != c.code {
			t.Errorf("%s: %d %s, want %d %s", name, status, code, c.status, c.code)
		}
	}
	if now := w.parkedAtOMS(t); now.Revision != 0 || now.Payload != d.Payload {
		t.Fatalf("a refusal changed it: %+v", now)
	}
	w.command(t, d, said)
	w.until(t, "the OMS has the new text and the old number", func() bool {
		took, err := json.Marshal(w.sims.OMS.Orders())
		return err == nil && strings.Contains(string(took), said) && strings.Contains(string(took), phones[0])
	})
	var shown struct {
		Deliveries []struct {
			ID    int64 `json:"id"`
			Edits []struct {
				Who, Why      string
				Before, After map[string]any
				Changed       []string
			} `json:"edits"`
		} `json:"deliveries"`
	}
	w.ask(t, http.MethodGet, fmt.Sprintf("messages/%d", d.Record), nil, &shown)
	found := false
	for _, row := range shown.Deliveries {
		if row.ID != d.ID {
			continue
		}
		found = len(row.Edits) == 1 && row.Edits[0].Why == "the buyer called" && row.Edits[0].Before["so_id"] == d.RemoteKey && row.Edits[0].After["so_id"] == d.RemoteKey && slices.Equal(row.Edits[0].Changed, []string{"/buyer_message"})
		if text := fmt.Sprint(row.Edits); strings.Contains(text, phones[0]) || strings.Contains(text, said) {
			t.Errorf("the history is not masked: %s", text)
		}
	}
	if !found {
		t.Errorf("the history is %+v", shown)
	}
	var log struct {
		Entries []json.RawMessage `json:"entries"`
	}
	w.ask(t, http.MethodGet, "audit?act=edit", nil, &log)
	var all []string
	for _, e := range log.Entries {
		all = append(all, string(e))
	}
	text := strings.Join(all, "\n")
	if !strings.Contains(text, fmt.Sprintf("delivery %d", d.ID)) || !strings.Contains(text, "the buyer called") || strings.Contains(text, said) || strings.Contains(text, "so_id") {
		t.Errorf("the audit says %s", text)
	}
}

// command prints the document, checks a file and sends it.
func (w *world) command(t *testing.T, d *ledger.Delivery, message string) {
	t.Helper()
	run := func(want int, args ...string) (out, errs string) {
		t.Helper()
		var o, e bytes.Buffer
		args = append([]string{"deliveries", "edit", fmt.Sprint(d.ID), "-c", w.dir}, args...)
		if code := cli.Run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e}); code != want {
			t.Fatalf("%q: exit %d, %s%s", args, code, &o, &e)
		}
		return o.String(), e.String()
	}
	text, said := run(cli.Fine)
	if !strings.Contains(text, "****") || !strings.Contains(said, "revision 0") {
		t.Fatalf("it prints %s%s", text, said)
	}
	file := filepath.Join(t.TempDir(), "doc.json")
	write := func(old, better string) {
		if err := os.WriteFile(file, []byte(strings.Replace(text, old, better, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`"freight": `, `"freigt": `)
	if out, _ := run(cli.Failed, "--file", file, "--check"); !strings.Contains(out, "3:3: /freigt") || !strings.Contains(out, "did you mean freight?") {
		t.Errorf("the check says %s", out)
	}
	if _, errs := run(cli.Input, "--file", file); !strings.Contains(errs, "--why") {
		t.Errorf("without a reason it says %s", errs)
	}
	write(`"buyer_message": "***"`, `"buyer_message": "`+message+`"`)
	if out, _ := run(cli.Fine, "--file", file, "--check"); !strings.Contains(out, "oms.order.push "+d.RemoteKey+": ready") {
		t.Errorf("the check says %s", out)
	}
	if _, errs := run(cli.Input, "--file", file, "--why", "a test", "--revision", "3"); !strings.Contains(errs, "quicker") {
		t.Errorf("of another revision it says %s", errs)
	}
	run(cli.Fine, "--file", file, "--why", "the buyer called", "--revision", "0")
}

func mask(phone string) string { return phone[:3] + "****" + phone[len(phone)-4:] }

// tokenOf makes an API token of a role.
func (w *world) tokenOf(t *testing.T, role string) string {
	t.Helper()
	var out struct {
		Secret string `json:"token"`
	}
	w.ask(t, http.MethodPost, "tokens", map[string]any{"name": "test-" + role, "roles": []string{role}}, &out)
	return out.Secret
}

// The page finds where a text stops being JSON at the very place where the hub does.
func TestTheBrowserReadsJSONAsTheHubDoes(t *testing.T) {
	b := browser(t)
	s := httptest.NewServer(console.Handler())
	t.Cleanup(s.Close)
	b.do(chromedp.Navigate(s.URL + "/json.js"))
	texts := []string{`{}`, ` [] `, `{"a":9007199254740993,"b":[1.10,-0,1e3,true,false,null,"x\u4e2d\n"]}`, "{\n  \"a\": 1,\n}", `{"a":1 "b":2}`, `{"a" 1}`, `{a:1}`, `{"a":}`, `[1,]`, `[1 2]`,
		`{"名字":"张三","x":[1,2,}`, "\"ab\ncd\"", `"\x"`, `"\u12G4"`, `01`, `1.`, `-`, `1e`, `nul`, `nullx`, `tru e`, `{"a":1}{"b":2}`, ``, "  \n ", `{"a":[{"b":"c"`, `"abc`, `"abc\`,
		strings.Repeat("[", 101) + strings.Repeat("]", 101), strings.Repeat("[", 100) + strings.Repeat("]", 100), strings.Repeat("1", 41), `1e401`, `[1e400]`, `"\u0000"`, "[\n\n  \"x\",\n  'y'\n]"}
	for _, text := range texts {
		want := "fine"
		var bad *codec.Error
		if _, err := codec.Decode([]byte(text)); errors.As(err, &bad) {
			want = fmt.Sprintf("%d:%d", bad.Line, bad.Column)
		}
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(`import('/json.js').then((m) => { const f = m.fault(%s); return f ? f.line + ':' + f.column : 'fine'; })`, quoted(t, text)), chromedp.EvalAwaitPromise))
		if err != nil || got != want {
			t.Errorf("%q: the page finds %s, the hub %s, %v", text, got, want, err)
		}
	}
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Edit and replay in three clicks from the order: the mistakes show while one types, the
// new text goes out, and the original stays to be seen.
func inBrowser(t *testing.T, w *world) {
	t.Helper()
	b := browser(t)
	w.refuse(t)
	d := w.parkedAtOMS(t)
	phones := w.phones(t, d.Payload)
	b.do(chromedp.EmulateViewport(1440, 900), chromedp.Navigate(w.hub.AdminURL()+"/console/#token="+w.token))
	b.has("it shows how the hub stands", `!!document.querySelector('.tile.bad') && location.hash === '#/'`)
	b.open(fmt.Sprintf("#/message/%d?delivery=%d", d.Record, d.ID))
	edit := `.hop.bad[open] a[href^="#/edit/"]`
	b.has("the hop can be edited", fmt.Sprintf(`!!document.querySelector(%q)`, edit))
	b.js(fmt.Sprintf(`document.querySelector(%q).click()`, edit)) // the first click
	b.has("the document is there, masked", fmt.Sprintf(`(a => !!a && a.value.includes('so_id') && a.value.includes('****') && !a.value.includes(%q) && document.querySelectorAll('.gutter div').length > 20)(document.getElementById('document'))`, phones[0]))
	b.has("nothing is changed", `document.getElementById('check').textContent.startsWith('Nothing') && document.querySelector('button.main').disabled`)
	b.shot("edit")
	b.sound("the editor")
	typed := func(js string) {
		b.js(fmt.Sprintf(`(a => { a.value = %s; a.dispatchEvent(new Event('input')); })(document.getElementById('document'))`, js))
	}
	typed(`a.value.replace('"so_id":', '"so_id"')`)
	b.has("no JSON is told at once, with its line", `(l => !!l && l.textContent.includes('A colon is expected') && document.querySelector('.marks span.bad')?.dataset.line === l.textContent.match(/Line (\d+)/)[1])(document.querySelector('#found li'))`)
	b.js(`document.querySelector('#found button').click()`)
	b.has("and leads there", `(a => document.activeElement === a && a.value.slice(a.selectionStart).startsWith('"shop'))(document.getElementById('document'))`)
	b.shot("edit-syntax")
	typed(`a.value.replace('"so_id"', '"so_id":').replace('"shop_id": 10001', '"shop_id": "ten", "colour": 9007199254740993')`)
	b.has("the schema is told as one types", `document.querySelectorAll('#found li').length === 2 && document.querySelector('#found').textContent.includes('/colour') && document.querySelector('button.main').disabled`)
	b.shot("edit-schema")
	b.sound("the editor with mistakes")
	b.do(chromedp.EmulateViewport(375, 812))
	b.shot("edit-phone")
	b.sound("the editor on a phone")
	b.js(`document.getElementById('language').click()`)
	b.has("what was typed is still there, and told of in Chinese", `document.getElementById('document')?.value.includes('9007199254740993') && document.querySelector('#found')?.textContent.includes('没有该字段')`)
	b.js(`document.documentElement.dataset.theme = 'dark'`)
	b.shot("edit-phone-zh-dark")
	b.sound("the editor in Chinese")
	b.js(`document.documentElement.dataset.theme = 'light'; document.getElementById('language').click()`)
	b.do(chromedp.EmulateViewport(1440, 900))
	b.has("it is checked again", `document.querySelectorAll('#found li').length === 2`)

	const said = "ring twice"
	typed(fmt.Sprintf(`a.value.replace('"shop_id": "ten", "colour": 9007199254740993', '"shop_id": 10001').replace('"buyer_message": "***"', '"buyer_message": %q')`, said))
	b.has("it fits", `document.getElementById('check').textContent.startsWith('It fits') && !document.querySelector('button.main').disabled && !document.querySelector('#found li')`)
	b.js(`document.querySelector('main button.main').click()`) // the second
	b.has("what changed is marked on both sides", `[...document.querySelectorAll('dialog .docs section')].length === 2 && [...document.querySelectorAll('dialog .docs section')].every(s => s.querySelectorAll('mark').length === 1 && s.querySelector('mark').textContent.includes('buyer_message'))`)
	b.has("and the exact request is there", `(p => !!p && p.textContent.includes('POST') && !p.textContent.includes('…'))(document.querySelector('dialog .rehearsal .goes'))`)
	b.shot("edit-preview")
	b.sound("the preview of an edit")
	b.js(`(d => { d.querySelector('#why').value = 'the buyer called'; d.querySelector('button.main').click(); })(document.querySelector('dialog'))`) // the third
	b.has("it is on its way, and the order tells who edited it", `!document.querySelector('dialog') && location.hash.startsWith('#/message/') && !!document.querySelector('details.edit')`)
	w.until(t, "the OMS has the new text and the old number", func() bool {
		took, err := json.Marshal(w.sims.OMS.Orders())
		return err == nil && strings.Contains(string(took), said) && strings.Contains(string(took), phones[0])
	})
	b.js(`document.querySelector('details.edit').open = true`)
	b.has("with the reason, and the original beside it", `(e => e.textContent.includes('because “the buyer called”') && e.querySelectorAll('.doc').length === 2 && e.querySelectorAll('mark').length === 2)(document.querySelector('details.edit'))`)
	b.shot("edit-history")
	b.sound("the history of an edit")
	b.source(w)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.errors) > 0 {
		t.Errorf("the browser complains: %q", b.errors)
	}
}

// source edits the document of a message that no mapping takes, goes back, and on.
func (b *tab) source(w *world) {
	b.t.Helper()
	id := w.parked(b.t)
	b.open(fmt.Sprintf("#/edit/message/%d", id))
	b.has("the source document is there", `document.getElementById('document')?.value.includes('"status"')`)
	b.has("and stands still as it is", `document.getElementById('check').textContent !== '' && !document.getElementById('check').textContent.includes('…')`)
	typed := func(js string) {
		b.js(fmt.Sprintf(`(a => { a.value = %s; a.dispatchEvent(new Event('input')); })(document.getElementById('document'))`, js))
	}
	typed(`a.value.replace(/("remark"|"customer_notes"): [^\n]*/, (m) => m) + ' '`)
	b.has("spaces are no change, and the mapping still refuses it", `document.querySelector('#check .alert')?.textContent.includes('stand still') && document.querySelector('main button.main').disabled`)
	b.shot("edit-source")
	b.sound("a source document that stands still")
	typed(`a.value.replace(/"status": \d+/, '"status": 20')`)
	b.has("the mapping takes it", `document.getElementById('check').textContent.startsWith('It fits') && !document.querySelector('main button.main').disabled`)
	b.js(`document.querySelector('main button.main').click()`)
	b.has("what will go out is shown", `document.querySelectorAll('dialog .goes').length > 0 && document.querySelector('dialog').textContent.includes('a person edited')`)
	b.sound("the preview of a source document")
	b.js(`(d => { d.querySelector('#why').value = 'a status nobody knows'; d.querySelector('button.main').click(); })(document.querySelector('dialog'))`)
	b.has("it is mapped", `!document.querySelector('dialog') && document.querySelectorAll('.hop').length > 1`)
	b.js(`(s => s.parentElement.open || s.click())(document.querySelector('[data-row^="m"]'))`)
	b.has("the original stays and can be taken back", `!!document.querySelector('.hop[open] details.edit') && [...document.querySelectorAll('.hop[open] button')].some(x => x.textContent === 'Use the original again')`)
	b.js(`[...document.querySelectorAll('.hop[open] button')].find(x => x.textContent === 'Use the original again').click()`)
	b.has("it asks why", `!!document.querySelector('dialog input')`)
	b.sound("going back to the original")
	b.js(`(d => { d.querySelector('input').value = 'a mistake'; d.querySelector('button.main').click(); })(document.querySelector('dialog'))`)
	b.has("and the original counts", `!document.querySelector('dialog') && document.querySelectorAll('.hop[open] details.edit').length === 2`)
}
