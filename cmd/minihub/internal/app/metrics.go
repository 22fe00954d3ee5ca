package app

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/minihub/minihub/pipelines"
)

// metrics reads the hub's state when it is scraped. Labels are names of connections and
// states only (Invariant 8).
type metrics struct {
	app      *App
	registry *prometheus.Registry
	queued   *prometheus.Desc
	rows     *prometheus.Desc
	oldest   *prometheus.Desc
	closed   *prometheus.Desc
	commits  *prometheus.Desc
	bytes    *prometheus.Desc
	wal      *prometheus.Desc
	up       *prometheus.Desc
	revision *prometheus.Desc
	runs     *prometheus.Desc
	suspect  *prometheus.Desc
	pushes   *prometheus.CounterVec
	watched  *watched
}

func newMetrics(a *App) *metrics {
	m := &metrics{app: a, registry: prometheus.NewRegistry(), watched: newWatched(),
		queued:   prometheus.NewDesc("minihub_queued", "Ids waiting in memory.", []string{"kind", "connection"}, nil),
		rows:     prometheus.NewDesc("minihub_rows", "Rows of the ledger by state.", []string{"kind", "connection", "name", "state"}, nil),
		oldest:   prometheus.NewDesc("minihub_oldest_seconds", "Age of the oldest unfinished row.", []string{"kind", "connection", "name", "state"}, nil),
		closed:   prometheus.NewDesc("minihub_gate_closed", "1 while a connection's gate is closed.", []string{"connection"}, nil),
		commits:  prometheus.NewDesc("minihub_ledger_commits_total", "Commits of the ledger.", nil, nil),
		bytes:    prometheus.NewDesc("minihub_ledger_bytes", "Size of the ledger.", nil, nil),
		wal:      prometheus.NewDesc("minihub_ledger_wal_bytes", "Size of the write-ahead log.", nil, nil),
		up:       prometheus.NewDesc("minihub_uptime_seconds", "Since the hub started.", nil, nil),
		revision: prometheus.NewDesc("minihub_revision", "The revision in force; a canary's beside it.", []string{"role"}, nil),
		runs: prometheus.NewDesc("minihub_mapping_documents_total", "Documents by mapping and what became of them under the revision in force.",
			[]string{"mapping", "role", "outcome"}, nil),
		suspect: prometheus.NewDesc("minihub_mapping_suspect", "1 while a mapping fails more often than under the revision before.", []string{"mapping"}, nil),
	}
	m.pushes = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "minihub_intake_total", Help: "Pushes by what they were answered; what is refused is counted here and stored nowhere."},
		[]string{"connection", "status"})
	m.registry.MustRegister(m, m.pushes, a.attempts.outcomes, a.attempts.receipts, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if a.spans != nil {
		m.registry.MustRegister(a.spans.count)
	}
	return m
}

func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.queued, m.rows, m.oldest, m.closed, m.commits, m.bytes, m.wal, m.up, m.revision, m.runs, m.suspect} {
		ch <- d
	}
	m.watched.describe(ch)
}

func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for topic, n := range m.app.engine.Depth() {
		kind, connection, _ := strings.Cut(topic, "/")
		gauge(m.queued, float64(n), kind, connection)
	}
	for name, closed := range m.app.engine.Connections() {
		v := 0.0
		if closed {
			v = 1
		}
		gauge(m.closed, v, name)
	}
	gauge(m.up, time.Since(m.app.started).Seconds())
	m.collectRuns(ch, gauge)
	m.watched.collect(ctx, m.app, ch)
	counts, err := m.app.levels.read(ctx, time.Now())
	if err != nil {
		ch <- prometheus.NewInvalidMetric(m.rows, err)
		return
	}
	type key struct{ kind, connection, name, state string }
	sum := map[key]float64{}
	brought := map[[2]string]float64{}
	old := map[key]time.Time{}
	for _, c := range counts {
		k := key{c.Kind, c.Connection, c.Name, c.State}
		sum[k] += float64(c.N)
		if c.Kind == "record" {
			brought[[2]string{c.Connection, c.Name}] += float64(c.N)
		}
		if !c.Oldest.IsZero() && (old[k].IsZero() || c.Oldest.Before(old[k])) {
			old[k] = c.Oldest
		}
	}
	for k, n := range sum {
		gauge(m.rows, n, k.kind, k.connection, k.name, k.state)
	}
	for k, n := range brought {
		ch <- prometheus.MustNewConstMetric(m.watched.records, prometheus.CounterValue, n, k[0], k[1])
	}
	for k, t := range old {
		gauge(m.oldest, time.Since(t).Seconds(), k.kind, k.connection, k.name, k.state)
	}
	if st, err := m.app.ledger.Stats(ctx); err == nil {
		ch <- prometheus.MustNewConstMetric(m.commits, prometheus.CounterValue, float64(st.Commits))
		gauge(m.bytes, float64(st.Bytes))
		gauge(m.wal, float64(st.WAL))
	}
}

// collectRuns says how the mappings in force do.
func (m *metrics) collectRuns(ch chan<- prometheus.Metric, gauge func(*prometheus.Desc, float64, ...string)) {
	s := m.app.engine.Standing()
	gauge(m.revision, float64(s.Revision), "base")
	if s.Canary > 0 {
		gauge(m.revision, float64(s.Canary), "canary")
	}
	for role, list := range map[string][]pipelines.Runs{"base": s.Runs, "canary": s.Canaries} {
		for _, r := range list {
			for outcome, n := range map[string]int64{"mapped": r.Mapped - r.Failed, "failed": r.Failed, "delivered": r.Delivered, "refused": r.Refused} {
				ch <- prometheus.MustNewConstMetric(m.runs, prometheus.CounterValue, float64(n), r.Mapping, role, outcome)
			}
		}
	}
	seen := map[string]bool{}
	for _, x := range s.Suspects {
		if !seen[x.Now.Mapping] {
			seen[x.Now.Mapping] = true
			gauge(m.suspect, 1, x.Now.Mapping)
		}
	}
}

// counted counts what an intake answers. Only names of connections become labels:
// anybody may ask for any path.
func (m *metrics) counted(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, pipelines.IntakePrefix), "/")
		if _, _, known := m.app.engine.Conn(name); !known {
			name = "unknown"
		}
		answer := &answered{ResponseWriter: w, status: http.StatusOK}
		next(answer, r)
		m.pushes.WithLabelValues(name, strconv.Itoa(answer.status)).Inc()
	}
}

// answered remembers the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
}

func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.MaxBytesReader and others reach the connection.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }
