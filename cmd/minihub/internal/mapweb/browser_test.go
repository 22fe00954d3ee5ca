package mapweb

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
)

// seen is what the browser complained about and asked for.
type seen struct {
	mu       sync.Mutex
	errors   []string
	requests []string
}

func watch(t *testing.T, ctx context.Context) *seen {
	t.Helper()
	s := &seen{}
	err := chromedp.Listen(ctx, func(ev any) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			s.errors = append(s.errors, fmt.Sprint(e.ExceptionDetails.Text, " ", e.ExceptionDetails.URL, ":", e.ExceptionDetails.LineNumber))
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError && !strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
				s.errors = append(s.errors, e.Entry.Text+" "+e.Entry.URL)
			}
		case *network.EventRequestWillBeSent:
			s.requests = append(s.requests, e.Request.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// has waits until an expression of the page is true.
func has(t *testing.T, ctx context.Context, what, expression string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(time.Minute))); err != nil {
		state, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText + '\n---\n' + document.getElementById('result').value`))
		t.Fatalf("%s: %v\nthe page says\n%s", what, err, state)
	}
}

func act(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// shot keeps a picture where MINIHUB_SCREENSHOTS names a folder.
func shot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("MINIHUB_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

func line(editor string, n int, kind string) string {
	return fmt.Sprintf(`!!document.querySelector('#%s-editor .marks span.%s[data-line="%d"]')`, editor, kind, n)
}

// The page in a real browser: live result, errors at their line, violations at their
// field, keyboard, both languages, both themes; nothing from elsewhere.
func TestInABrowser(t *testing.T) {
	ctx := browsertest.Open(t, "en-US", 4*time.Minute)
	s := serve(t, Options{})
	saw := watch(t, ctx)
	act(t, ctx, chromedp.EmulateViewport(1400, 800), chromedp.Navigate(s.URL+"/map/"))
	has(t, ctx, "the case maps at once", `document.getElementById('result').value.includes('"note_no": "9007199254740993000"')`)
	has(t, ctx, "it fits", `document.getElementById('result-count').textContent === 'fits its schema'`)
	has(t, ctx, "fields without a value are named", `document.getElementById('unset').textContent.includes('colour')`)

	// A row with a mistake, typed at the end of the mapping: marked at its line, the last
	// result goes.
	act(t, ctx, chromedp.Focus(chromedp.CSS("#mapping")), chromedp.Evaluate[chromedp.Void](`(m => m.setSelectionRange(m.value.length, m.value.length))(document.getElementById('mapping'))`),
		chromedp.KeyEvent("  - { to: note, form: title }"))
	has(t, ctx, "the mistake is marked at line 8", line("mapping", 8, "bad"))
	has(t, ctx, "and said", `document.querySelector('#mapping-list .at').textContent.startsWith('line 8:')`)
	has(t, ctx, "the result waits", `document.getElementById('result').value === ''`)
	shot(t, ctx, "desktop-light-error")
	// F8 goes to it from anywhere.
	act(t, ctx, chromedp.Focus(chromedp.CSS("#sample")), chromedp.KeyEvent(kb.F8))
	has(t, ctx, "F8 puts the caret there", `document.activeElement.id === 'mapping' && document.activeElement.value.slice(0, document.activeElement.selectionStart).split('\n').length === 8`)
	act(t, ctx, chromedp.Evaluate[chromedp.Void](`(m => { m.value = m.value.split('\n').slice(0, 7).join('\n'); m.dispatchEvent(new Event('input')); })(document.getElementById('mapping'))`))
	has(t, ctx, "mended, it maps again", `document.getElementById('result').value !== '' && !document.querySelector('#mapping-list li')`)

	// A result that does not fit, at its field; a sample that is cut off, at its line.
	set := func(sample string) chromedp.Action[chromedp.Void] {
		return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(m => { m.value = %q; m.dispatchEvent(new Event('input')); })(document.getElementById('sample'))`, sample))
	}
	act(t, ctx, set(`{"no": "1", "kind": "made", "title": "longer than twenty characters"}`))
	has(t, ctx, "the violation is marked at the title", line("result", 4, "bad"))
	has(t, ctx, "and names its field", `document.querySelector('#result-list .at').textContent.includes('/title')`)
	shot(t, ctx, "desktop-light-violation")
	act(t, ctx, set("{\n \"no\": 1,\n}"))
	has(t, ctx, "the sample is marked at line 3", line("sample", 3, "bad"))
	act(t, ctx, set(`{"no": "1", "kind": "torn"}`))
	has(t, ctx, "a row that fails is marked", line("mapping", 5, "bad"))

	// Chinese, dark, on a phone.
	act(t, ctx, chromedp.Click(chromedp.CSS("#language")), chromedp.Click(chromedp.CSS("#theme")), chromedp.Click(chromedp.CSS("#theme")))
	has(t, ctx, "it speaks Chinese", `document.documentElement.lang === 'zh-CN' && document.getElementById('result-title').textContent.includes('结果')`)
	has(t, ctx, "it is dark", `getComputedStyle(document.body).backgroundColor === 'rgb(18, 22, 28)'`)
	shot(t, ctx, "desktop-dark-zh")
	act(t, ctx, chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	has(t, ctx, "nothing is wider than a phone", `document.documentElement.scrollWidth <= 390`)
	shot(t, ctx, "phone-dark-zh")
	act(t, ctx, chromedp.Click(chromedp.CSS("#theme")), chromedp.Click(chromedp.CSS("#theme")), chromedp.Click(chromedp.CSS("#language")))
	has(t, ctx, "it is light again", `getComputedStyle(document.body).backgroundColor !== 'rgb(18, 22, 28)'`)
	shot(t, ctx, "phone-light")

	saw.mu.Lock()
	defer saw.mu.Unlock()
	if len(saw.errors) > 0 {
		t.Errorf("the browser complains: %q", saw.errors)
	}
	for _, url := range saw.requests {
		if !strings.HasPrefix(url, s.URL+"/") {
			t.Errorf("the page asked for %s", url)
		}
	}
	if len(saw.requests) < 5 {
		t.Errorf("only %d requests were seen", len(saw.requests))
	}
}
