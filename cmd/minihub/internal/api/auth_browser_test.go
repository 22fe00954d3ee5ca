package api_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/minihub/minihub/cmd/minihub/internal/browsertest"
)

// TestTheFirstLinkInABrowser opens the link that `serve` prints, chooses a name and a
// password, and is an admin; then signs in again with them, after a wrong password.
func TestTheFirstLinkInABrowser(t *testing.T) {
	h := newHub(t)
	link, err := h.app.FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx := browsertest.Open(t, "zh-CN", 4*time.Minute)
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			state, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + '\n' + document.body.innerText`))
			t.Fatalf("%v; the page is\n%s", err, state)
		}
	}
	wait := func(what string) {
		t.Helper()
		do(chromedp.Poll[chromedp.Void](what, chromedp.WithPollingTimeout(time.Minute)))
	}
	fill := func(name, password string) {
		t.Helper()
		wait(`!document.querySelector('main form button').disabled && document.querySelector('main form input:not([type=password])')`)
		do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(f => { f.querySelector('input:not([type=password])').value = %q; f.querySelector('[type=password]').value = %q; f.requestSubmit(); })(document.querySelector('main form'))`, name, password)))
	}
	says := func(want string) {
		t.Helper()
		wait(fmt.Sprintf(`document.querySelector('[role=alert]')?.textContent.includes(%q)`, want))
	}
	// A question that meets the page as it goes on to the console fails, and is asked again.
	arrives := func() {
		t.Helper()
		const who = `location.pathname === '/console/' && document.querySelector('nav a') ? fetch('/api/v1/session').then(r => r.json()).then(m => m.name + ' ' + m.roles) : ''`
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		got := ""
		for end := time.Now().Add(time.Minute); got == "" && time.Now().Before(end); <-tick.C {
			got, _ = chromedp.Run(ctx, chromedp.Evaluate[string](who, chromedp.EvalAwaitPromise))
		}
		if got != "chief admin" {
			t.Fatalf("signed in as %q", got)
		}
	}
	do(chromedp.Navigate(link))
	wait(`document.querySelector('h1')?.textContent === '设置密码'`)
	fill("Chief-of-all", "chief-of-all")
	says("the password is the name")
	fill("Chief", password)
	arrives()
	do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.tools button:last-child').click()`))
	wait(`document.querySelector('main form input[autocomplete=username]') && document.querySelectorAll('nav a').length === 0`)
	fill("chief", "a wrong password")
	says("用户名或密码不正确")
	fill("chief", password)
	arrives()
	do(chromedp.Navigate(link))
	wait(`document.querySelector('h1')?.textContent === '设置密码'`)
	fill("eve", "another password")
	says("链接已使用")
}
