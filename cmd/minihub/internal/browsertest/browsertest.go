// Package browsertest opens a real browser for the tests of pages.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Open starts a headless Chromium whose language is lang, for as long as the test and at
// most life. Without one the test is left out, and fails where CI=true.
func Open(t *testing.T, lang string, life time.Duration) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	switch {
	case path == "" && os.Getenv("CI") == "true":
		t.Fatal("there is no Chromium on this machine; install the package chromium")
	case path == "":
		t.Skip("there is no Chromium on this machine; install the package chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", lang), chromedp.Flag("accept-lang", lang), chromedp.UserDataDir(t.TempDir()))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	// The first use starts the browser, which lives as long as this context.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, timeout := context.WithTimeout(ctx, life)
	t.Cleanup(timeout)
	return ctx
}
