package sqlledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

type (
	vaultRow struct {
		version int64
		value   []byte
	}
	runKey struct {
		job  string
		tick int64
	}
	reportRow struct {
		kind string
		at   time.Time
		body []byte
	}
)

func vaultTable() *table[string, vaultRow] {
	return newTable(spec{name: "vault", key: "name:t", moving: "version:i value:b"}, table[string, vaultRow]{
		bindKey:    func(b binder, k string) { b.Text(k) },
		bindFixed:  func(binder, *vaultRow) {},
		bindMoving: func(b binder, v *vaultRow) { b.Int(v.version); b.Blob(v.value) },
		scan:       func(r row) (string, vaultRow) { return r.Text(0), vaultRow{r.Int(1), r.Blob(2)} },
	})
}

func runTable() *table[runKey, ledger.JobRun] {
	return newTable(spec{name: "job_run", key: "job:t tick:i", fixed: "id:i owner:t started_at:i",
		moving: "ended_at:i state:t counts:t text:t"}, table[runKey, ledger.JobRun]{
		bindKey:   func(b binder, k runKey) { b.Text(k.job); b.Int(k.tick) },
		bindFixed: func(b binder, r *ledger.JobRun) { b.Int(r.ID); b.Text(r.Owner); b.Int(micros(r.Started)) },
		bindMoving: func(b binder, r *ledger.JobRun) {
			b.Int(micros(r.Ended))
			b.Text(r.State)
			b.Text(encodeCounts(r.Counts))
			b.Text(r.Text)
		},
		scan: func(r row) (runKey, ledger.JobRun) {
			return runKey{r.Text(0), r.Int(1)}, scanRun(r)
		},
	})
}

func scanRun(r row) ledger.JobRun {
	run := ledger.JobRun{Job: r.Text(0), Tick: instant(r.Int(1)), ID: r.Int(2), Owner: r.Text(3), Started: instant(r.Int(4)),
		Ended: instant(r.Int(5)), State: r.Text(6), Text: r.Text(8)}
	if counts := r.Text(7); counts != "" {
		if err := json.Unmarshal([]byte(counts), &run.Counts); err != nil {
			run.Text += " (the counts are unreadable)"
		}
	}
	return run
}

func encodeCounts(m map[string]int64) string {
	if len(m) == 0 {
		return ""
	}
	b, _ := json.Marshal(m)
	return string(b)
}

func reportTable() *table[int64, reportRow] {
	return newTable(spec{name: "report", key: "id:i", fixed: "kind:t at:i body:b"}, table[int64, reportRow]{
		bindKey:    func(b binder, k int64) { b.Int(k) },
		bindFixed:  func(b binder, r *reportRow) { b.Text(r.kind); b.Int(micros(r.at)); b.Blob(r.body) },
		bindMoving: func(binder, *reportRow) {},
		scan: func(r row) (int64, reportRow) {
			return r.Int(0), reportRow{r.Text(1), instant(r.Int(2)), r.Blob(3)}
		},
	})
}

// direct is an op of the store itself.
type direct struct {
	ask func(w *work)
	do  func(w *work)
}

func (o *direct) want(w *work) {
	if o.ask != nil {
		o.ask(w)
	}
}
func (o *direct) more(*work)    {}
func (o *direct) apply(w *work) { o.do(w) }

// ClaimTick records that this process runs the job's tick; see ledger.Ledger.
func (s *Store) ClaimTick(ctx context.Context, job string, tick time.Time) (*ledger.JobRun, bool, error) {
	c := &checker{what: "job"}
	c.key("name", job)
	if c.err != nil {
		return nil, false, c.err
	}
	k := runKey{job, micros(tick)}
	var run ledger.JobRun
	claimed := false
	err := s.submit(ctx, &direct{
		ask: func(w *work) { w.runs.want(k) },
		do: func(w *work) {
			old := w.runs.get(k)
			if claimed = w.guard("tick.once", old == nil); !claimed {
				run = *old
				return
			}
			run = ledger.JobRun{ID: w.s.ids.run.next(), Job: job, Tick: instant(k.tick), Owner: s.opts.Owner, Started: w.now,
				State: ledger.RunRunning}
			if old == nil {
				w.runs.add(k, run)
			}
		},
	})
	if err != nil {
		return nil, false, err
	}
	return &run, claimed, nil
}

// EndRun writes how a run ended: State, Counts and Text of run, and Ended, now when it
// is zero. It answers ledger.ErrNotFound for a run nobody claimed.
func (s *Store) EndRun(ctx context.Context, run *ledger.JobRun) error {
	c := &checker{what: "job run"}
	c.text("job", run.Job)
	c.text("state", run.State)
	c.text("text", run.Text)
	for name := range run.Counts {
		c.text("count", name)
	}
	if c.err != nil {
		return c.err
	}
	k := runKey{run.Job, micros(run.Tick)}
	ended := *run
	found := false
	err := s.submit(ctx, &direct{
		ask: func(w *work) { w.runs.want(k) },
		do: func(w *work) {
			if found = w.runs.get(k) != nil; !found {
				return
			}
			r := w.runs.edit(k)
			r.State, r.Counts, r.Text, r.Ended = ended.State, ended.Counts, ended.Text, trunc(ended.Ended)
			if r.Ended.IsZero() {
				r.Ended = w.now
			}
		},
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: run of job %s at %s", ledger.ErrNotFound, run.Job, run.Tick)
	}
	return err
}

// JobRuns returns the history of a job, newest first; see ledger.Ledger.
func (s *Store) JobRuns(ctx context.Context, job string, before int64, limit int) ([]ledger.JobRun, error) {
	text, args := "SELECT "+s.t.runs.selected+" FROM job_run t WHERE (? = 0 OR t.id < ?)", []any{before, before}
	if job != "" {
		text, args = text+" AND t.job = ?", append(args, job)
	}
	var runs []ledger.JobRun
	err := s.read(ctx, "job runs", text+" ORDER BY t.id DESC LIMIT ?", append(args, limitOf(limit)), func(r row) error {
		runs = append(runs, scanRun(r))
		return nil
	})
	return runs, err
}

var (
	addPause  = newInsert("job_pause", columns("job:t who:t why:t since:i"), "(job) DO UPDATE SET who = excluded.who, why = excluded.why")
	dropPause = newDelete("job_pause", columns("job:t"))
)

// PauseJob keeps a pause; one that is there keeps its beginning.
func (s *Store) PauseJob(ctx context.Context, p ledger.JobPause) error {
	c := &checker{what: "job pause"}
	c.key("name", p.Job)
	c.text("person or reason", p.Who+p.Why)
	if c.err != nil {
		return c.err
	}
	return s.submit(ctx, &direct{do: s.writing(change{addPause, 1, func(_ int, to binder) {
		to.Text(p.Job)
		to.Text(p.Who)
		to.Text(p.Why)
		to.Int(micros(trunc(p.Since)))
	}})})
}

// ResumeJob ends a pause.
func (s *Store) ResumeJob(ctx context.Context, job string) (bool, error) {
	list, err := s.JobPauses(ctx)
	if err != nil || !slices.ContainsFunc(list, func(p ledger.JobPause) bool { return p.Job == job }) {
		return false, err
	}
	return true, s.submit(ctx, &direct{do: s.writing(change{dropPause, 1, func(_ int, to binder) { to.Text(job) }})})
}

// JobPauses returns the jobs that a person has paused.
func (s *Store) JobPauses(ctx context.Context) ([]ledger.JobPause, error) {
	var out []ledger.JobPause
	err := s.read(ctx, "job pauses", "SELECT job, who, why, since FROM job_pause ORDER BY job", nil, func(r row) error {
		out = append(out, ledger.JobPause{Job: r.Text(0), Who: r.Text(1), Why: r.Text(2), Since: instant(r.Int(3))})
		return nil
	})
	return out, err
}

// VaultGet returns a credential and its version, or ledger.ErrNotFound.
func (s *Store) VaultGet(ctx context.Context, name string) ([]byte, int64, error) {
	var v vaultRow
	err := s.one(ctx, "vault entry "+name, "SELECT value, version FROM vault WHERE name = ?", []any{name}, func(r row) error {
		v = vaultRow{r.Int(1), r.Blob(0)}
		return nil
	})
	return v.value, v.version, err
}

// VaultSwap writes a credential when its version is still the given one, and raises
// the version by one; see ledger.Ledger.
func (s *Store) VaultSwap(ctx context.Context, name string, version int64, value []byte) error {
	c := &checker{what: "vault"}
	c.key("name", name)
	if c.err != nil {
		return c.err
	}
	value = bytes.Clone(value)
	swapped := false
	err := s.submit(ctx, &direct{
		ask: func(w *work) { w.vault.want(name) },
		do: func(w *work) {
			stored := int64(0)
			old := w.vault.get(name)
			if old != nil {
				stored = old.version
			}
			swapped = w.guard("vault.version", stored == version)
			switch {
			case !swapped:
			case old == nil:
				w.vault.add(name, vaultRow{version + 1, value})
			default:
				*w.vault.edit(name) = vaultRow{version + 1, value}
			}
		},
	})
	if err == nil && !swapped {
		err = fmt.Errorf("%w: vault entry %s", ledger.ErrConflict, name)
	}
	return err
}

// PutReport keeps a report and returns its id.
func (s *Store) PutReport(ctx context.Context, kind string, at time.Time, body []byte) (int64, error) {
	c := &checker{what: "report"}
	c.key("kind", kind)
	if c.err != nil {
		return 0, c.err
	}
	r := reportRow{kind, at, bytes.Clone(body)}
	var id int64
	err := s.submit(ctx, &direct{do: func(w *work) {
		id = w.s.ids.report.next()
		w.reports.add(id, r)
	}})
	return id, err
}

// Report returns a report, or the newest of its kind for id 0.
func (s *Store) Report(ctx context.Context, kind string, id int64) ([]byte, time.Time, error) {
	text, args := "SELECT body, at FROM report WHERE kind = ? ORDER BY id DESC LIMIT 1", []any{kind}
	if id != 0 {
		text, args = "SELECT body, at FROM report WHERE kind = ? AND id = ?", append(args, id)
	}
	var body []byte
	var at time.Time
	err := s.one(ctx, "report of "+kind, text, args, func(r row) error {
		body, at = r.Blob(0), instant(r.Int(1))
		return nil
	})
	return body, at, err
}
