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
	ctx := browsertest.Open(t, "zh-CN", time.Minute)
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			state, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + '\n' + document.body.innerText`))
			t.Fatalf("%v; the page is\n%s", err, state)
		}
	}
	fill := func(name, password string) {
		t.Helper()
		do(chromedp.Poll[chromedp.Void](`document.getElementById('go') && !document.getElementById('go').disabled`, chromedp.WithPollingTimeout(20*time.Second)),
			chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => { document.getElementById('name').value = %q; document.getElementById('password').value = %q; })()`, name, password)),
			chromedp.Click(chromedp.CSS("#go")))
	}
	says := func(want string) {
		t.Helper()
		do(chromedp.Poll[chromedp.Void](fmt.Sprintf(`document.getElementById('said').textContent.includes(%q)`, want), chromedp.WithPollingTimeout(20*time.Second)))
	}
	// A question that meets the page as it goes on to the console fails, and is asked again.
	arrives := func() {
		t.Helper()
		const who = `location.pathname === '/console/' ? fetch('/api/v1/session').then(r => r.json()).then(m => m.name + ' ' + m.roles) : ''`
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		got := ""
		for end := time.Now().Add(20 * time.Second); got == "" && time.Now().Before(end); <-tick.C {
			got, _ = chromedp.Run(ctx, chromedp.Evaluate[string](who, chromedp.EvalAwaitPromise))
		}
		if got != "chief admin" {
			t.Fatalf("signed in as %q", got)
		}
	}
	do(chromedp.Navigate(link), chromedp.Poll[chromedp.Void](`document.getElementById('title').textContent === '设置密码'`, chromedp.WithPollingTimeout(20*time.Second)))
	fill("Chief", "short")
	says("less than 10 characters")
	fill("Chief", password)
	arrives()
	do(chromedp.Navigate(h.app.AdminURL() + "/sign-in"))
	fill("chief", "a wrong password")
	says("用户名或密码不正确")
	fill("chief", password)
	arrives()
}
