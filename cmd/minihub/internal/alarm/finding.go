package alarm

import (
	"slices"
	"strings"
	"time"
)

// Finding is one rule that does not hold now.
type Finding struct {
	Rule       Rule      `json:"rule"`
	Connection string    `json:"connection,omitempty"`
	Name       string    `json:"name,omitempty"` // stream, operation, job or limit
	Code       string    `json:"code,omitempty"`
	N          int64     `json:"n,omitempty"` // how many messages, calls, runs or bytes
	Of         int64     `json:"of,omitempty"`
	Since      time.Time `json:"since,omitzero"`
	// Base is the level that ends the finding; see Incident.Base.
	Base int64 `json:"-"`
	// cause groups findings.
	cause string
}

// path is a name below a connection; a job's or a connection's own stands alone.
func path(connection, name string) string {
	if name == "" || connection == "" {
		return connection + name
	}
	return connection + "." + name
}

// rank orders findings of one cause.
func rank(r Rule) int { return slices.Index(AllRules(), r) }

// lead is the finding that speaks for a cause.
func lead(list []Finding) Finding {
	return slices.MinFunc(list, func(a, b Finding) int { return rank(a.Rule) - rank(b.Rule) })
}

// split parts connection.stream; names of connections have no dot.
func split(name string) (connection, rest string) {
	connection, rest, _ = strings.Cut(name, ".")
	return connection, rest
}

// follows reports whether a finding is what a closed gate brings with it.
func follows(r Rule) bool {
	return r == RuleBacklog || r == RuleOldest || r == RuleSilence || r == RuleQuota || r == RuleJobFails
}

// byCause groups findings. What follows from a closed gate has the gate as its cause, and
// says nothing before the gate does: a pause of an hour is somebody's intention.
func byCause(list []Finding, gates []Gate, rules Rules) map[string][]Finding {
	shut := map[string]string{} // connection or connection.operation -> cause
	for _, g := range gates {
		if g.Reason == "pause" && rules.Pause > 0 || g.Reason != "pause" && rules.Gate > 0 {
			at := path(g.Connection, g.Operation)
			shut[at] = "gate/" + at
		}
	}
	out, later := map[string][]Finding{}, map[string][]Finding{}
	for _, f := range list {
		cause := ""
		if follows(f.Rule) {
			cause = shut[f.Connection]
			if cause == "" {
				cause = shut[path(f.Connection, f.Name)]
			}
		}
		if cause == "" {
			out[f.cause] = append(out[f.cause], f)
		} else {
			later[cause] = append(later[cause], f)
		}
	}
	for cause, list := range later {
		if len(out[cause]) > 0 {
			out[cause] = append(out[cause], list...)
		}
	}
	return out
}
