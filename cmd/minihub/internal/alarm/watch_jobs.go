package alarm

import "time"

// A tick is missed when the job has not started this long after it: a run before it may
// still have been busy.
const (
	leastGrace = time.Minute
	mostGrace  = 15 * time.Minute
	// longestRun is how long a run may make its job skip ticks.
	longestRun = 6 * time.Hour
	// failingRuns in a row are no accident.
	failingRuns = 3
)

func (w *watcher) jobs(s Sample, open standing) (out []Finding) {
	if !w.rules.Jobs {
		return nil
	}
	shut := map[string]bool{}
	for _, g := range s.Gates {
		shut[g.Connection] = shut[g.Connection] || g.Operation == ""
	}
	for _, j := range s.Jobs {
		if j.Paused {
			// Somebody means it not to run, as long as it is not forgotten.
			if most := w.rules.Pause; most > 0 && s.At.Sub(j.Since) >= most {
				out = append(out, Finding{Rule: RulePause, Name: j.Name, Since: j.Since, cause: "job pause/" + j.Name})
			}
			continue
		}
		f := Finding{Rule: RuleJob, Name: j.Name, cause: "job/" + j.Name}
		since := j.Last
		if since.Before(w.began) {
			since = w.began // nobody could run it before
		}
		i := open(f.cause)
		switch {
		case i != nil && i.Lead.Rule == RuleJob && j.Last.Before(i.OpenedAt):
			f.Since = j.Last // it has not run since, whenever the hub was started
		case j.Running && s.At.Sub(since) < longestRun:
			continue
		case missed(j, since, s.At):
			f.Since = j.Last
		case j.Failed >= failingRuns:
			f.Rule, f.N, f.Since = RuleJobFails, int64(j.Failed), j.Last
			for _, c := range j.Connections {
				if shut[c] {
					f.Connection = c // it fails because nothing may be asked there; see byCause
				}
			}
		default:
			continue
		}
		out = append(out, f)
	}
	return out
}

func missed(j Job, since, now time.Time) bool {
	if j.Running {
		return true // for longer than any run should
	}
	tick := j.Next(since)
	if tick.IsZero() {
		return false
	}
	grace := min(mostGrace, max(leastGrace, j.Next(tick).Sub(tick)))
	return now.After(tick.Add(grace))
}
