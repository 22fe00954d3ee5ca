package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

const deployDir = "../../../../deploy/"

var (
	metricName = regexp.MustCompile(`\b(minihub|process|go)_[a-z_]+\b`)
	suffix     = regexp.MustCompile(`_(bucket|sum|count)$`)
	described  = regexp.MustCompile(`fqName: "([^"]+)"`)
)

// offered are the names of all metrics that the hub may show.
func offered(a *App) []string {
	ch := make(chan *prometheus.Desc, 1000)
	a.metrics.Describe(ch)
	a.attempts.outcomes.Describe(ch)
	a.attempts.receipts.Describe(ch)
	a.metrics.pushes.Describe(ch)
	close(ch)
	var out []string
	for d := range ch {
		out = append(out, described.FindStringSubmatch(d.String())[1])
	}
	return out
}

// exprs are the expressions of the dashboard's panels; each is one line of what follows.
func exprs(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(deployDir + "grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Type, Title string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range d.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
		for _, e := range p.Targets {
			out = append(out, e.Expr)
		}
	}
	return out
}

func TestDashboardAndRulesNameMetricsThatExist(t *testing.T) {
	dir, _ := hubDir(t)
	a := hub(t, dir)
	known := offered(a)
	rules, err := os.ReadFile(deployDir + "alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	used := metricName.FindAllString(string(rules), -1)
	for _, e := range exprs(t) {
		used = append(used, metricName.FindAllString(e, -1)...)
	}
	library := []string{"process_resident_memory_bytes", "go_goroutines"}
	shown := map[string]bool{}
	for _, name := range used {
		base := suffix.ReplaceAllString(name, "")
		if !slices.Contains(known, base) && !slices.Contains(library, name) {
			t.Errorf("there is no metric %s", name)
		}
		shown[base] = true
	}
	for _, name := range known {
		if !shown[name] {
			t.Errorf("neither the dashboard nor a rule shows %s", name)
		}
	}
}

func TestRulesPassPromtool(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("promtool is missing: install the Debian package prometheus")
	case err != nil:
		t.Skip("promtool is not installed")
	}
	for _, args := range [][]string{{"check", "rules", deployDir + "alerts.yml"}, {"test", "rules", deployDir + "alerts_test.yml"}} {
		if out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// What a scrape shows of a hub that has delivered.
func TestMetricsCountAttemptsAndTimeReceipts(t *testing.T) {
	dir, _ := hubDir(t)
	a := hub(t, dir)
	for i := range 40 {
		post(t, a.IntakeURL(), fmt.Sprintf("M%d", i))
	}
	sum := func(name string, labels map[string]string) (n float64) {
		families, err := a.metrics.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() != name {
				continue
			}
		metrics:
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					if want, is := labels[l.GetName()]; is && want != l.GetValue() {
						continue metrics
					}
				}
				n += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		return n
	}
	until(t, "all attempts to be counted", func() bool {
		return sum("minihub_attempts_total", map[string]string{"connection": "crm", "operation": "event.push", "kind": "send", "state": "delivered"}) == 40
	})
	if n := sum("minihub_receipt_seconds", nil); n < 3 || n > 7 {
		t.Errorf("%v receipts of 40 were timed, want every eighth", n)
	}
	if n := sum("minihub_records_total", map[string]string{"connection": "shop"}); n != 40 {
		t.Errorf("%v records are counted, want 40", n)
	}
	if n := sum("minihub_intake_verdicts_total", map[string]string{"connection": "shop", "verdict": "stored"}); n != 40 {
		t.Errorf("%v pushes are counted, want 40", n)
	}
	w := httptest.NewRecorder()
	a.servers[0].Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Errorf("a scrape answers %d: %s", w.Code, w.Body)
	}
}
