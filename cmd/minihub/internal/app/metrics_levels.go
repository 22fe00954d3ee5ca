package app

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas/iso4217"
)

// watched are the metrics of what alarms watch. Labels are names of connections, streams,
// operations, limits, jobs and rules only (Invariant 8).
type watched struct {
	gate     *prometheus.Desc
	used     *prometheus.Desc
	allowed  *prometheus.Desc
	started  *prometheus.Desc
	success  *prometheus.Desc
	failing  *prometheus.Desc
	records  *prometheus.Desc
	verdicts *prometheus.Desc
	alarms   *prometheus.Desc
	free     *prometheus.Desc
	stake    *prometheus.Desc
}

func newWatched() *watched {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("minihub_"+name, help, labels, nil)
	}
	return &watched{
		gate:     desc("gate_closed_since_seconds", "Unix time since which a gate is closed; absent while it is open.", "connection", "operation", "reason"),
		used:     desc("limit_used", "Calls that count against a vendor's limit now.", "connection", "limit"),
		allowed:  desc("limit_allowed", "Calls that a vendor's limit allows in its span.", "connection", "limit"),
		started:  desc("job_last_start_seconds", "Unix time when a job last began.", "job"),
		success:  desc("job_last_success_seconds", "Unix time when a run of a job that succeeded ended, of the last few; absent when none did.", "job"),
		failing:  desc("job_failed_runs", "Runs of a job in a row that failed, of the last few.", "job"),
		records:  desc("records_total", "Record versions that a stream has brought.", "connection", "stream"),
		verdicts: desc("intake_verdicts_total", "Pushes by what the connector made of them: stored, busy, bad.", "connection", "verdict"),
		alarms:   desc("alarms_open", "Open alarms by rule.", "rule"),
		stake:    desc("incident_money", "Money in open incidents in major units of its currency, for a picture: the API has it exactly.", "currency"),
		free:     desc("disk_free_bytes", "What may still be written where the store is."),
	}
}

func (w *watched) describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{w.gate, w.used, w.allowed, w.started, w.success, w.failing, w.records, w.verdicts, w.alarms, w.free, w.stake} {
		ch <- d
	}
}

// collect reads them. What comes from the store and cannot be read is left out: the
// scrape's own rows say that the store does not answer.
func (w *watched) collect(ctx context.Context, a *App, ch chan<- prometheus.Metric) {
	emit := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	unix := func(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
	for _, l := range a.engine.Limits() {
		if l.Allowed > 0 {
			emit(w.used, prometheus.GaugeValue, float64(l.Used), l.Connection, l.Limit)
			emit(w.allowed, prometheus.GaugeValue, float64(l.Allowed), l.Connection, l.Limit)
		}
	}
	for name, n := range a.engine.IntakeCounts() {
		for verdict, v := range map[string]int64{"stored": n.Stored, "busy": n.Busy, "bad": n.Bad} {
			emit(w.verdicts, prometheus.CounterValue, float64(v), name, verdict)
		}
	}
	open := a.alarms.Count()
	for _, r := range alarm.AllRules() {
		emit(w.alarms, prometheus.GaugeValue, float64(open[r]), string(r))
	}
	if free := a.free(); free > 0 {
		emit(w.free, prometheus.GaugeValue, float64(free))
	}
	if store, ok := a.ledger.(ledger.Desk); ok {
		if list, err := store.Stakes(ctx); err == nil {
			for _, s := range list {
				emit(w.stake, prometheus.GaugeValue, float64(s.Minor)/math.Pow10(iso4217.Digits(s.Currency)), s.Currency)
			}
		}
	}
	if gates, err := a.ledger.Gates(ctx); err == nil {
		for _, g := range gates {
			emit(w.gate, prometheus.GaugeValue, unix(g.Since), g.Connection, g.Operation, g.Reason)
		}
	}
	for _, j := range a.live.Load().dep.Jobs {
		runs, err := a.latestRuns(ctx, j.Name)
		if err != nil || len(runs) == 0 {
			continue
		}
		emit(w.started, prometheus.GaugeValue, unix(runs[0].Started), j.Name)
		failed := 0
		for i, r := range runs {
			if r.State == ledger.RunFailed && failed == i {
				failed++
			}
		}
		emit(w.failing, prometheus.GaugeValue, float64(failed), j.Name)
		for _, r := range runs {
			if r.State == ledger.RunDone {
				emit(w.success, prometheus.GaugeValue, unix(r.Ended), j.Name)
				break
			}
		}
	}
}
