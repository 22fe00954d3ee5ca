package alarm

import "time"

// Rules are the thresholds. A zero one turns its rule off.
type Rules struct {
	Oldest   time.Duration // age of the oldest message that waits
	Backlog  int64         // messages that wait for one connection
	Failures Failures
	Silence  bool          // a source that is silent for longer than is usual for the hour
	Jobs     bool          // a job that did not run, or fails every time
	Quota    int           // percent of an allowance whose span is an hour or longer
	Token    time.Duration // before a credential ends
	Disk     uint64        // bytes that must be free
	Gate     time.Duration // how long a gate may be closed
	Pause    time.Duration // how long a person's pause may last
}

// Failures says when failing messages are more than everyday noise: at least Least more
// than before and Percent of all that ended, or Most more, within Within.
type Failures struct {
	Least   int64
	Percent int
	Most    int64
	Within  time.Duration
}

// Defaults are the rules of a hub that says nothing about them.
func Defaults() Rules {
	return Rules{Oldest: 30 * time.Minute, Backlog: 10_000, Failures: Failures{Least: 10, Percent: 5, Most: 500, Within: 15 * time.Minute},
		Silence: true, Jobs: true, Quota: 90, Token: 72 * time.Hour, Disk: 2 << 30, Gate: 15 * time.Second, Pause: 24 * time.Hour}
}

// Rule names a rule; texts and metrics are known by it.
type Rule string

// The rules.
const (
	RuleStore    Rule = "store"
	RuleDisk     Rule = "disk"
	RuleGate     Rule = "gate"
	RulePause    Rule = "pause"
	RuleToken    Rule = "token"
	RuleFailures Rule = "failures"
	RuleSilence  Rule = "silence"
	RuleJob      Rule = "job"
	RuleJobFails Rule = "job_fails"
	RuleQuota    Rule = "quota"
	RuleBacklog  Rule = "backlog"
	RuleOldest   Rule = "oldest"
)

// AllRules lists the rules, the most telling first: where several findings have one
// cause, the first one speaks.
func AllRules() []Rule {
	return []Rule{RuleStore, RuleDisk, RuleGate, RulePause, RuleToken, RuleFailures, RuleSilence, RuleJob, RuleJobFails, RuleQuota, RuleBacklog, RuleOldest}
}

// hold is how long a finding must last before it is an incident. What has a span of its
// own in its rule needs none.
func hold(r Rule) time.Duration {
	switch r {
	case RuleBacklog, RuleQuota:
		return 2 * time.Minute // a peak that is worked off by itself is no alarm
	case RuleStore:
		return 10 * time.Second
	}
	return 0
}
