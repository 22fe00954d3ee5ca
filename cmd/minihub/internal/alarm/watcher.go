package alarm

import (
	"slices"
	"time"
)

// watcher turns samples into findings. It remembers what rules compare with: earlier
// counts, and what is usual.
type watcher struct {
	rules   Rules
	began   time.Time // of the first sample: nothing is held against jobs before
	history []mark
	usual   usual
}

// mark is the counts at an earlier moment.
type mark struct {
	at     time.Time
	counts map[countKey]int64
}

type countKey struct{ kind, connection, name, state, code string }

// markEvery is how far the kept counts stand apart.
const markEvery = 30 * time.Second

// standing returns the open incident of a cause; nil = none is open.
type standing func(cause string) *Incident

// look returns what does not hold. A sample of a broken store says nothing about messages.
func (w *watcher) look(s Sample, open standing) []Finding {
	if w.began.IsZero() {
		w.began = s.At
	}
	out := w.machine(s)
	if s.Broken != "" {
		return out
	}
	out = append(out, w.gates(s)...)
	out = append(out, w.waiting(s)...)
	out = append(out, w.failures(s, open)...)
	out = append(out, w.silence(s, open)...)
	out = append(out, w.jobs(s, open)...)
	out = append(out, w.quota(s)...)
	for _, t := range s.Tokens {
		if w.rules.Token > 0 && t.Until.Sub(s.At) < w.rules.Token {
			out = append(out, Finding{Rule: RuleToken, Connection: t.Connection, Since: t.Until, cause: "token/" + t.Connection})
		}
	}
	return out
}

func (w *watcher) machine(s Sample) (out []Finding) {
	if s.Broken != "" {
		out = append(out, Finding{Rule: RuleStore, cause: "store"})
	}
	if w.rules.Disk > 0 && s.Free > 0 && s.Free < w.rules.Disk {
		out = append(out, Finding{Rule: RuleDisk, N: int64(s.Free), cause: "disk"})
	}
	return out
}

func (w *watcher) gates(s Sample) (out []Finding) {
	for _, g := range s.Gates {
		f := Finding{Rule: RuleGate, Connection: g.Connection, Name: g.Operation, Code: g.Code, Since: g.Since,
			cause: "gate/" + path(g.Connection, g.Operation)}
		most := w.rules.Gate
		switch g.Reason {
		case "pause":
			f.Rule, most = RulePause, w.rules.Pause
		case "shadow":
			continue
		}
		if most > 0 && s.At.Sub(g.Since) >= most {
			out = append(out, f)
		}
	}
	return out
}

// moves reports whether a row of this state is on its way by itself. Blocked ones wait
// for what has a finding of its own.
func moves(c Count) bool {
	switch c.State {
	case "ready", "sending", "waiting", "unknown", "accepted", "received", "pending":
		return true
	}
	return false
}

func (w *watcher) waiting(s Sample) (out []Finding) {
	backlog := map[string]int64{}
	oldest := map[string]Finding{}
	for _, c := range s.Counts {
		if !moves(c) {
			continue
		}
		backlog[c.Connection] += c.N
		age := s.At.Sub(c.Oldest)
		if w.rules.Oldest <= 0 || c.N == 0 || c.Oldest.IsZero() || age < w.rules.Oldest {
			continue
		}
		if f, is := oldest[c.Connection]; !is || c.Oldest.Before(f.Since) {
			oldest[c.Connection] = Finding{Rule: RuleOldest, Connection: c.Connection, Name: c.Name, Code: c.Code, N: c.N, Since: c.Oldest,
				cause: "waiting/" + c.Connection}
		}
	}
	for connection, n := range backlog {
		if w.rules.Backlog > 0 && n >= w.rules.Backlog {
			out = append(out, Finding{Rule: RuleBacklog, Connection: connection, N: n, cause: "waiting/" + connection})
		}
	}
	for _, f := range oldest {
		out = append(out, f)
	}
	return out
}

// outcome says how rows in a state count for the failure rate.
func outcome(state, code string) (failed, ended bool) {
	switch state {
	case "blocked":
		return code == "blocked.lookup", code == "blocked.lookup" // a person must fill the table
	case "parked", "unknown":
		return true, true
	case "delivered", "unchanged", "routed", "no_target":
		return false, true
	}
	return false, false
}

// urgent codes are no noise at any rate: goods leave although they must not, or a stream
// stands still.
var urgent = map[string]bool{"undo.refused": true, "source.unreadable": true}

// failures compares with the least that each count was within the rule's span. An
// incident that is open ends when the count is back where it was before it: what was
// repaired and replayed is over, whenever that was.
func (w *watcher) failures(s Sample, open standing) (out []Finding) {
	now := map[countKey]int64{}
	for _, c := range s.Counts {
		k := countKey{c.Kind, c.Connection, c.Name, c.State, c.Code}
		if _, ended := outcome(c.State, c.Code); ended {
			now[k] += c.N
		}
	}
	rule := w.rules.Failures
	w.history = slices.DeleteFunc(w.history, func(m mark) bool { return s.At.Sub(m.at) > max(rule.Within, markEvery) })
	if rule.Least > 0 {
		ended := map[[3]string]int64{}
		for k, n := range now {
			ended[[3]string{k.kind, k.connection, k.name}] += max(0, n-w.least(k, n))
		}
		for k, n := range now {
			failed, _ := outcome(k.state, k.code)
			if !failed {
				continue
			}
			f := Finding{Rule: RuleFailures, Connection: k.connection, Name: k.name, Code: k.code, N: n, Base: w.least(k, n),
				cause: "failures/" + k.kind + "/" + path(k.connection, k.name) + "/" + k.state + "/" + k.code}
			grown, of := n-f.Base, ended[[3]string{k.kind, k.connection, k.name}]
			f.Of = of
			i := open(f.cause)
			if i != nil && n > i.Base || grown > 0 && urgent[k.code] || grown >= rule.Least && (grown*100 >= of*int64(rule.Percent) || rule.Most > 0 && grown >= rule.Most) {
				if f.N = grown; i != nil {
					f.N = n - min(f.Base, i.Base)
				}
				out = append(out, f)
			}
		}
	}
	if n := len(w.history); n == 0 || s.At.Sub(w.history[n-1].at) >= markEvery {
		w.history = append(w.history, mark{s.At, now})
	}
	return out
}

// least is the smallest value that a count had within the rule's span; now, when nothing
// is remembered: what was there before the hub started is nothing new.
func (w *watcher) least(k countKey, now int64) int64 {
	least := now
	for _, m := range w.history {
		least = min(least, m.counts[k])
	}
	return least
}

// A quota that fills and empties within the hour is how a limit is meant to work.
const shortestQuota = time.Hour

func (w *watcher) quota(s Sample) (out []Finding) {
	for _, l := range s.Limits {
		if w.rules.Quota > 0 && l.Allowed > 0 && l.Per >= shortestQuota && l.Used*100 >= l.Allowed*w.rules.Quota {
			out = append(out, Finding{Rule: RuleQuota, Connection: l.Connection, Name: l.Name, N: int64(l.Used), Of: int64(l.Allowed),
				cause: "quota/" + path(l.Connection, l.Name)})
		}
	}
	return out
}
