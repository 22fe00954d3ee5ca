package pipelines

import (
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/minihub/minihub/pipelines/flow"
)

// Runs is how a mapping has done under one revision since it came into force in this
// process.
type Runs struct {
	Mapping   string `json:"mapping"`
	Mapped    int64  `json:"mapped"`    // documents it was run for
	Failed    int64  `json:"failed"`    // of these: no document, or one that breaks its schema
	Delivered int64  `json:"delivered"` // documents the target took
	Refused   int64  `json:"refused"`   // documents the target refused
}

// bad is how many of how many documents came to nothing.
func (r Runs) bad() (bad, of int64) {
	return r.Failed + r.Refused, max(r.Mapped, r.Failed+r.Delivered+r.Refused)
}

// Suspect is a mapping that fails more often than under the revision before.
type Suspect struct {
	Revision int64 `json:"revision"`
	Before   int64 `json:"before_revision"`
	Now      Runs  `json:"now"`
	Then     Runs  `json:"then"`
}

// tally counts by mapping. Programs may share one, so the map is replaced and never
// changed.
type tally struct {
	revision int64
	by       atomic.Pointer[map[string]*runs]
}

type runs struct{ mapped, failed, delivered, refused atomic.Int64 }

func newTally(revision int64, flows []*flow.Flow) *tally {
	t := &tally{revision: revision}
	t.by.Store(&map[string]*runs{})
	t.add(flows)
	return t
}

// add makes room for the mappings of flows; one swap at a time does.
func (t *tally) add(flows []*flow.Flow) {
	by := maps.Clone(*t.by.Load())
	room := func(name string) {
		if by[name] == nil {
			by[name] = &runs{}
		}
	}
	for _, f := range flows {
		room(f.Canonical.Name())
		for _, s := range f.Steps {
			room(s.Map.Name())
		}
	}
	t.by.Store(&by)
}

func (t *tally) of(name string) *runs { return (*t.by.Load())[name] }

// mapped counts one run of a mapping.
func (t *tally) mapped(name string, ok bool) {
	r := t.of(name)
	if r == nil {
		return
	}
	r.mapped.Add(1)
	if !ok {
		r.failed.Add(1)
	}
}

// counted tells the program that it ran a mapping, unless that was a trial: a preview, or
// somebody who types.
func (e *Engine) counted(mapping string, ok bool) {
	if v := e.current(); !v.trial {
		v.tally.mapped(mapping, ok)
	}
}

// enterTrial is enter for what is only looked at.
func (e *Engine) enterTrial(root int64) (v *Engine, leave func()) {
	v, leave = e.enter(root)
	return &Engine{opt: v.opt, bus: v.bus, core: v.core, program: v.program, trial: true}, leave
}

// sent counts what a target said to a document.
func (t *tally) sent(name string, ok bool) {
	r := t.of(name)
	switch {
	case r == nil:
	case ok:
		r.delivered.Add(1)
	default:
		r.refused.Add(1)
	}
}

func (t *tally) list() []Runs {
	var out []Runs
	for name, r := range *t.by.Load() {
		out = append(out, r.read(name))
	}
	slices.SortFunc(out, func(a, b Runs) int { return strings.Compare(a.Mapping, b.Mapping) })
	return out
}

func (r *runs) read(name string) Runs {
	if r == nil {
		return Runs{Mapping: name}
	}
	return Runs{Mapping: name, Mapped: r.mapped.Load(), Failed: r.failed.Load(), Delivered: r.delivered.Load(), Refused: r.refused.Load()}
}

// Standing is what is in force.
type Standing struct {
	Revision int64     `json:"revision"`
	Canary   int64     `json:"canary,omitempty"`
	Share    int       `json:"share,omitempty"` // of 10,000 roots
	Runs     []Runs    `json:"runs"`
	Canaries []Runs    `json:"canary_runs,omitempty"`
	Suspects []Suspect `json:"suspects,omitempty"`
}

// Standing reports what is in force and how its mappings do.
func (e *Engine) Standing() Standing {
	s := e.stand.Load()
	out := Standing{Revision: s.base.revision, Runs: s.base.tally.list()}
	if s.before != nil {
		out.Suspects = suspects(s.base.tally, s.before)
	}
	if s.canary != nil {
		out.Canary, out.Share, out.Canaries = s.canary.revision, int(s.share), s.canary.tally.list()
		out.Suspects = append(out.Suspects, suspects(s.canary.tally, s.base.tally)...)
	}
	return out
}

// fewest failures make a suspect; innocence is the share of failures that a mapping
// without a past is held to.
const (
	fewest    = 3
	innocence = 0.05
)

// suspects are the mappings of which it is all but sure that they fail more often than
// before: even the best that fits the counts now is worse than the worst that fits the
// counts then.
func suspects(now, then *tally) []Suspect {
	var out []Suspect
	for _, r := range now.list() {
		bad, of := r.bad()
		if bad < fewest {
			continue
		}
		old := then.of(r.Mapping).read(r.Mapping)
		worst := innocence
		if b, n := old.bad(); n > 0 {
			_, worst = wilson(b, n)
		}
		if best, _ := wilson(bad, of); best > worst {
			out = append(out, Suspect{Revision: now.revision, Before: then.revision, Now: r, Then: old})
		}
	}
	return out
}

// wilson is the interval that holds the true share behind bad of n with 95 %.
func wilson(bad, n int64) (low, high float64) {
	const z = 1.96
	total := float64(n)
	p := float64(bad) / total
	mid := p + z*z/(2*total)
	half := z * math.Sqrt(p*(1-p)/total+z*z/(4*total*total))
	return max(0, (mid-half)/(1+z*z/total)), min(1, (mid+half)/(1+z*z/total))
}
