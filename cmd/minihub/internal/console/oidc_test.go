package console_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/browsertest"
	"github.com/minihub/minihub/cmd/minihub/internal/porttest"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/pipelines/ledger"
)

const providerSecret = "an invented secret"

// installProvider returns the folder of npm's oidc-provider with what it needs; a test
// without it is left out, and fails where CI=true.
func installProvider(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../oidc/testdata/provider")
	if err != nil {
		t.Fatal(err)
	}
	lack := func(what string) {
		t.Helper()
		if os.Getenv("CI") == "true" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	if _, err := exec.LookPath("node"); err != nil {
		lack("there is no node on this machine; install the packages nodejs and npm")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider")); err == nil {
		return dir
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		lack(fmt.Sprintf("npm ci in %s: %v\n%s", dir, err, out))
	}
	return dir
}

// startProvider starts it for a hub at an address, and returns its issuer.
func startProvider(t *testing.T, hub string) string {
	t.Helper()
	cmd := exec.Command("node", "provider.mjs", "minihub", providerSecret, hub+"console/oidc", hub+"console/")
	cmd.Dir = installProvider(t)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends with its input
		_ = cmd.Wait()
	})
	// A provider that ends without an address ends this read too.
	issuer, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the provider does not start: %v", err)
	}
	return strings.TrimSpace(issuer)
}

// companyHub is a hub whose people sign in with their company's account.
func companyHub(t *testing.T) *app.App {
	t.Helper()
	at := porttest.Free()
	issuer := startProvider(t, "http://"+at+"/")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/deployment")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"secrets/oidc": providerSecret, "hub.yaml": `store: sqlite:hub.db
listen: '` + at + `'
intake: { listen: '127.0.0.1:0' }
log: error
secrets: { search_key: '${file:secrets/key}' }
people:
  url: http://` + at + `
  oidc:
    issuer: ` + issuer + `
    client_id: minihub
    client_secret: ${file:secrets/oidc}
    name: Acme
    scopes: [openid, profile, email, groups]
    domains: [example.com]
    roles: { claim: groups, map: { hub-support: support, hub-ops: ops } }
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fixture(t, dir)
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.Options{Dir: dir, Registry: registry, Log: zap.NewNop(), NoJobs: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop() })
	return a
}

// fixture fills in what the transcripts' deployment leaves open.
func fixture(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	values := strings.NewReplacer("@SINK@", "http://127.0.0.1:1", "@SECRET@", "whsec_bm90LWEtc2VjcmV0LWJ1dC1pbnZlbnRlZC1mb3ItdGVzdHM=")
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(values.Replace(string(b))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const pressed = `[...document.querySelectorAll('main button')].find(b => b.textContent.includes('Acme'))`

// arrives is has over a change of page: a question that meets the browser on its way fails,
// and is asked again.
func (b *tab) arrives(what, expression string) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-tick.C {
		if yes, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`Promise.resolve(`+expression+`)`, chromedp.EvalAwaitPromise)); err == nil && yes {
			return
		}
	}
	state, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + '\n' + document.body.innerText`))
	b.t.Fatalf("%s: not within 20 s; the page says\n%s", what, state)
}

// atProvider fills in the provider's own pages: who one is, and that the hub may know it.
func (b *tab) atProvider(name string) {
	b.t.Helper()
	b.arrives("the way through the company", `!!(`+pressed+`)`)
	b.js(pressed + `.click()`)
	b.arrives("the provider asks who is there", `location.hostname === 'localhost' && !!document.querySelector('input[name=login]')`)
	b.js(fmt.Sprintf(`(f => { f.elements.login.value = %q; f.elements.password.value = 'anything'; f.requestSubmit(); })(document.querySelector('form'))`, name))
	b.arrives("it asks whether the hub may know", `location.hostname === 'localhost' && !document.querySelector('input[name=login]') && !!document.querySelector('form button[type=submit]')`)
	b.js(`document.querySelector('form button[type=submit]').click()`)
}

// leaves signs out of the hub and then of the provider, which asks, and comes back.
func (b *tab) leaves() {
	b.t.Helper()
	b.js(`[...document.querySelectorAll('.tools button')].at(-1).click()`)
	b.arrives("the provider asks whether to sign out there too", `location.hostname === 'localhost' && !!document.querySelector('button[name=logout]')`)
	b.js(`document.querySelector('button[name=logout]').click()`)
	b.arrives("and back", `location.pathname === '/console/' && !!document.querySelector('input[autocomplete=username]')`)
}

// People of a company sign in through its provider, a real one, by its own pages in a real
// browser; each sees what their groups' role may, and nobody comes in without one.
func TestSigningInThroughARealProvider(t *testing.T) {
	hub := companyHub(t)
	b := browser(t)
	b.do(chromedp.EmulateViewport(1440, 900), chromedp.Navigate(hub.AdminURL()+"/console/#/jobs"))
	b.arrives("it asks who is there", `!!document.querySelector('input[autocomplete=username]') && !!(`+pressed+`)`)
	b.shot("sign-in-company")
	b.sound("sign-in with a company's account")
	b.atProvider("mei")
	b.arrives("mei is in, where she was going", ready+` && location.pathname === '/console/' && location.hash === '#/jobs' && location.search === ''`)
	b.may("support", "repair,lookup,reveal", "operate,change,audit,people")
	b.js(`location.hash = '#/me'`)
	b.arrives("her password is the company's", ready+` && location.hash === '#/me' && document.querySelectorAll('main ul.rows li').length > 0 && !document.querySelector('main input[type=password]')`)
	b.leaves()
	b.atProvider("omar")
	b.arrives("omar is in", ready+` && location.pathname === '/console/'`)
	b.may("ops", "repair,operate,audit", "change,people")
	b.leaves()
	b.atProvider("guest")
	b.arrives("guest is told why not", `location.pathname === '/console/' && document.querySelector('[role=alert]')?.textContent.includes('no role in this hub')`)
	b.sound("no role")
	b.shot("sign-in-no-role")
	b.do(chromedp.EmulateViewport(375, 812))
	b.sound("no role on a phone")
	b.refusedInChinese(hub)
	people, err := hub.Ledger().Persons(t.Context())
	if err != nil || len(people) != 2 || people[0].Name != "mei" || people[1].Name != "omar" {
		t.Errorf("%+v %v", people, err)
	}
	rows, err := hub.Ledger().Audit(t.Context(), ledger.AuditFilter{Act: "sign_in", Limit: 10})
	var got []string
	for i := range rows {
		got = append(got, rows[i].Who)
	}
	if err != nil || strings.Join(got, " ") != "? ? omar mei" {
		t.Errorf("the audit tells of %q %v", got, err)
	}
}

// may sees that the session has the role, some rights, and none of others.
func (b *tab) may(role, rights, none string) {
	b.t.Helper()
	b.arrives(role, fmt.Sprintf(`(async () => { const me = await (await fetch('../api/v1/session')).json();
		return me.roles.join() === %q && %q.split(',').every(r => me.rights.includes(r)) && !%q.split(',').some(r => me.rights.includes(r)); })()`, role, rights, none))
}

// refusedInChinese is somebody who declines at the provider, on a phone, in Chinese.
func (b *tab) refusedInChinese(hub *app.App) {
	b.t.Helper()
	ctx := browsertest.Open(b.t, "zh-CN", 4*time.Minute)
	c := &tab{t: b.t, ctx: ctx}
	c.do(chromedp.EmulateViewport(375, 812), chromedp.Navigate(hub.AdminURL()+"/console/"))
	c.arrives("the way through the company in Chinese", `(`+pressed+`)?.textContent === '使用 Acme 登录'`)
	c.shot("sign-in-company-zh-phone")
	c.sound("sign-in in Chinese")
	c.js(pressed + `.click()`)
	c.arrives("the provider asks who is there", `location.hostname === 'localhost' && !!document.querySelector('input[name=login]')`)
	c.js(`[...document.querySelectorAll('a')].find(a => /cancel/i.test(a.textContent)).click()`)
	c.arrives("it is told why not, in Chinese", `location.pathname === '/console/' && document.querySelector('[role=alert]')?.textContent.includes('没有放行')`)
	c.sound("declined, in Chinese")
	c.shot("sign-in-declined-zh")
}
