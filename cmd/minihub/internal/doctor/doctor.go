// Package doctor looks at what a hub stands on: clock, disk, store, the way to each
// vendor, its credentials and its limits. Every finding that is not fine says how to mend
// it. What it says is known by codes of package text.
package doctor

import (
	"cmp"
	"slices"

	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

// State is how a finding is to be taken.
type State string

// The states. Skipped was not looked at, and says why.
const (
	Fine    State = "ok"
	Warn    State = "warn"
	Fail    State = "fail"
	Skipped State = "skipped"
)

// The checks, in the order in which they are told.
const (
	Files       = "files"
	Disk        = "disk"
	Store       = "store"
	Clock       = "clock"
	Reach       = "reach"
	Credentials = "credentials"
	Address     = "address"
	Quota       = "quota"
	Gate        = "gate"
	Mapping     = "mapping"
	SignIn      = "sign_in"
)

var order = []string{Files, Disk, Store, Clock, Reach, Credentials, Address, Quota, Gate, Mapping, SignIn}

// Finding is the answer of one check.
type Finding struct {
	Check  string   `json:"check"`
	Of     string   `json:"of,omitempty"` // a connection, or a host
	State  State    `json:"state"`
	Code   string   `json:"code"` // doctor.CHECK.WHAT
	Args   []string `json:"args,omitempty"`
	Text   string   `json:"text"`
	Remedy string   `json:"remedy,omitempty"`
}

// remedies are known by the code of their finding.
const remedies = ".mend"

// find makes a finding; code is the word behind doctor.CHECK.
func find(check, of string, s State, code string, args ...string) Finding {
	f := Finding{Check: check, Of: of, State: s, Code: "doctor." + check + "." + code, Args: args}
	f.Text, f.Remedy = f.Say(text.Texts{})
	return f
}

// Say returns a finding and its remedy in a language; what a newer hub found stays in the
// words that it came with.
func (f Finding) Say(t text.Texts) (said, remedy string) {
	said, ok := t.Fill(text.ID(f.Code), f.Args...)
	if !ok {
		said = f.Text
	}
	if remedy, ok = t.Fill(text.ID(f.Code+remedies), f.Args...); !ok {
		remedy = f.Remedy
	}
	return said, remedy
}

// Sort puts findings into the order of the checks, then by what they are of.
func Sort(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(slices.Index(order, a.Check)-slices.Index(order, b.Check), cmp.Compare(a.Of, b.Of))
	})
}

// Worst is the worst state of findings.
func Worst(list []Finding) State {
	worst := Fine
	for _, f := range list {
		if f.State == Fail || f.State == Warn && worst != Fail {
			worst = f.State
		}
	}
	return worst
}
