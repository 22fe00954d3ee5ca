package console_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Backfill yesterday in three clicks from the first page, and pause a job.
func TestJobsInABrowser(t *testing.T) {
	b := browser(t)
	w := newWorld(t)
	b.do(chromedp.EmulateViewport(1440, 900), chromedp.Navigate(w.hub.AdminURL()+"/console/"))
	b.has("it asks who is there", `document.activeElement?.autocomplete === 'username'`)
	b.js(fmt.Sprintf(`location.hash = '#token=%s'`, w.token))
	b.has("it shows how the hub stands", ready+` && location.hash === '#/'`)

	b.has("jobs are offered", `!!document.querySelector('nav a[href="#/jobs"]')`)
	b.js(`document.querySelector('nav a[href="#/jobs"]').click()`)
	b.has("the jobs are there", `!!document.getElementById('backfill-yesterday')`)
	b.js(`document.getElementById('backfill-yesterday').click()`)
	b.has("it says when it would be done", `!!document.querySelector('dialog button.main:not(:disabled)') && document.querySelector('dialog').textContent.includes('35 %') && /, in \d+ (second|minute)/.test(document.querySelector('dialog').textContent)`)
	b.shot("backfill-plan")
	b.sound("the plan of a backfill")
	b.js(`document.querySelector('dialog button.main').click()`)
	b.has("it is done", `!document.querySelector('dialog') && !!document.querySelector('[id^="backfill-"] .pill.good')`)

	b.js(`document.querySelector('[aria-label="Pause sweep"]').click()`)
	b.has("it asks why", `!!document.querySelector('dialog input')`)
	b.sound("the pause of a job")
	b.js(`(d => { d.querySelector('input').value = 'the disk moves'; d.querySelector('form').requestSubmit(); })(document.querySelector('dialog'))`)
	b.has("it says so loudly", `!document.querySelector('dialog') && [...document.querySelectorAll('.card .alert')].some(x => x.textContent.includes('the disk moves'))`)
	b.js(`document.querySelector('[aria-label="Run now sweep"]').click()`)
	b.has("it runs all the same", `document.getElementById('said').textContent.startsWith('It ran')`)
	b.js(`document.querySelector('[aria-label="History sweep"]').click()`)
	b.has("its run is told", `!!document.querySelector('dialog .rows .pill.good')`)
	b.shot("jobs-history")
	b.sound("the history of a job")
	b.js(`document.querySelector('dialog').close()`)
	for _, size := range []struct {
		name string
		w, h int64
	}{{"desk", 1440, 900}, {"phone", 375, 812}} {
		b.do(chromedp.EmulateViewport(size.w, size.h))
		for _, language := range []string{"zh", "en"} {
			b.do(chromedp.Click(chromedp.CSS("#language")))
			b.has("the language", fmt.Sprintf(`document.documentElement.lang.startsWith(%q)`, language))
			for _, page := range []string{"jobs", "flows"} {
				b.open("#/" + page)
				for _, theme := range []string{"light", "dark"} {
					b.js(fmt.Sprintf(`document.documentElement.dataset.theme = %q`, theme))
					what := strings.Join([]string{page, "now", size.name, language, theme}, "-")
					b.sound(what)
					b.has("numbers are numbers", `!document.querySelector('main').textContent.includes('NaN')`)
					b.shot(what)
				}
			}
		}
	}
	b.js(`document.querySelector('main') && (location.hash = '#/jobs')`)
	b.has("it can be resumed", `!!document.querySelector('[aria-label="Resume sweep"]')`)
	b.js(`document.querySelector('[aria-label="Resume sweep"]').click()`)
	b.has("it runs at its ticks again", `!!document.querySelector('[aria-label="Pause sweep"]')`)
}
