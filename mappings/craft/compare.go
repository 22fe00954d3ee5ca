package craft

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
)

// keptSamples is how many messages each group of changes names.
const keptSamples = 3

// Pair is two versions of a mapping. It may be used by many goroutines, each with a
// [Tally] of its own.
type Pair struct {
	Old, New *mapper.Program
	// Validate answers where a document breaks the output schema; nil checks nothing.
	Validate func(doc any) []mappings.Violation
	// Mask copies a result with its personal values made unreadable; samples show no
	// others. nil shows no value at all.
	Mask func(doc any) any
}

// Tally is what changes over many messages.
type Tally struct {
	Messages int64 `json:"messages"` // that both versions were asked for
	Same     int64 `json:"same"`     // equal results, or the same errors
	Changed  int64 `json:"changed"`  // both give a result, and they differ
	Failing  int64 `json:"failing"`  // gave a result and would fail, or would no longer fit the schema
	Mended   int64 `json:"mended"`   // failed, or did not fit, and would give a result that does
	Other    int64 `json:"other"`    // fail both, for other reasons

	fields map[fieldKey]*FieldChange
	fails  map[failKey]*FailureChange
}

type fieldKey struct{ path, kind string }
type failKey struct{ code, target, text string }

// FieldChange is a target field that changes.
type FieldChange struct {
	Path     string   `json:"path"` // without list indexes: lines[].qty
	Kind     string   `json:"kind"` // changed, missing (goes), extra (comes), length (of a list)
	Messages int64    `json:"messages"`
	Samples  []Sample `json:"samples"` // of the first messages
}

// Sample is one change in one message, masked.
type Sample struct {
	Message int64  `json:"message"`
	Path    string `json:"path"`
	Before  string `json:"before,omitempty"`
	After   string `json:"after,omitempty"`
}

// FailureChange is an error that messages would have and had not.
type FailureChange struct {
	Code     string  `json:"code"`
	Target   string  `json:"target"` // without list indexes
	Text     string  `json:"text"`
	Line     int     `json:"line,omitempty"` // of the new version
	Messages int64   `json:"messages"`
	Samples  []int64 `json:"samples"` // message ids
}

// NewTally makes an empty one.
func NewTally() *Tally {
	return &Tally{fields: map[fieldKey]*FieldChange{}, fails: map[failKey]*FailureChange{}}
}

// Compare maps one message's document with both versions and counts what changes.
func (p *Pair) Compare(t *Tally, message int64, in any, ctx mapper.Context) {
	t.Messages++
	before, oldFail := p.run(p.Old, in, ctx)
	after, newFail := p.run(p.New, in, ctx)
	switch {
	case len(oldFail) > 0 && len(newFail) > 0:
		if mappings.ErrorLines(oldFail) == mappings.ErrorLines(newFail) {
			t.Same++
			return
		}
		t.Other++
		t.failures(message, newFail, oldFail)
		return
	case len(newFail) > 0:
		t.Failing++
		t.failures(message, newFail, nil)
		return
	case len(oldFail) == 0 && mappings.Same(before, after):
		t.Same++ // fits the schema as well as before
		return
	}
	oldFail, newFail = p.violations(before, oldFail), p.violations(after, nil)
	if len(newFail) > 0 && mappings.ErrorLines(oldFail) == mappings.ErrorLines(newFail) {
		t.Same++ // it is parked for the same reasons
		return
	}
	switch {
	case len(newFail) > 0 && len(oldFail) == 0:
		t.Failing++
		t.failures(message, newFail, nil)
	case len(newFail) > 0:
		t.Other++
		t.failures(message, newFail, oldFail)
	case len(oldFail) > 0:
		t.Mended++
	default:
		t.Changed++
	}
	if before != nil {
		t.differences(p, message, before, after)
	}
}

// run maps with one version; a panic is a failure like any other, so that one document
// does not end the comparison.
func (p *Pair) run(program *mapper.Program, in any, ctx mapper.Context) (doc any, failures []mappings.Failure) {
	defer func() {
		if r := recover(); r != nil {
			doc, failures = nil, []mappings.Failure{{Code: "internal.panic", Text: "the mapping " + program.Name() + " broke; this is a bug of minihub"}}
		}
	}()
	doc, err := program.Run(in, ctx)
	return doc, mappings.Failures(err)
}

func (p *Pair) violations(doc any, known []mappings.Failure) []mappings.Failure {
	if doc == nil || p.Validate == nil {
		return known
	}
	return mappings.SchemaFailures(p.New.Output(), p.Validate(doc))
}

// failures counts each kind of error once a message, unless the old version had it.
func (t *Tally) failures(message int64, now, before []mappings.Failure) {
	had := map[failKey]bool{}
	for _, f := range before {
		had[keyOf(f)] = true
	}
	for _, f := range now {
		k := keyOf(f)
		if had[k] {
			continue
		}
		had[k] = true
		group := t.fails[k]
		if group == nil {
			group = &FailureChange{Code: k.code, Target: k.target, Text: k.text, Line: f.Line}
			t.fails[k] = group
		}
		group.Messages++
		group.Samples = keepLowest(group.Samples, message, func(a, b int64) int { return cmp.Compare(a, b) })
	}
}

// keyOf leaves quoted values out, so that one cause is one group.
func keyOf(f mappings.Failure) failKey {
	text := f.Text
	if parts := strings.Split(text, `"`); len(parts) > 2 {
		for i := 1; i < len(parts); i += 2 {
			parts[i] = "..."
		}
		text = strings.Join(parts, `"`)
	}
	return failKey{f.Code, general(f.Target), text}
}

func (t *Tally) differences(p *Pair, message int64, before, after any) {
	var shown []mappings.Difference
	seen := map[fieldKey]bool{}
	found := mappings.Compare(before, after)
	for i, d := range found {
		k := fieldKey{general(d.Path), d.Kind}
		if seen[k] {
			continue
		}
		seen[k] = true
		group := t.fields[k]
		if group == nil {
			group = &FieldChange{Path: k.path, Kind: k.kind}
			t.fields[k] = group
		}
		group.Messages++
		if len(group.Samples) == keptSamples && group.Samples[keptSamples-1].Message < message {
			continue
		}
		if shown == nil {
			shown = mappings.CompareShown(before, after, p.masked(before), p.masked(after))
		}
		s := Sample{Message: message, Path: d.Path, Before: shown[i].Want, After: shown[i].Got}
		group.Samples = keepLowest(group.Samples, s, func(a, b Sample) int { return cmp.Compare(a.Message, b.Message) })
	}
}

func (p *Pair) masked(doc any) any {
	if p.Mask == nil {
		return nil
	}
	return p.Mask(doc)
}

// keepLowest inserts in order and keeps the first few.
func keepLowest[T any](list []T, v T, order func(a, b T) int) []T {
	i, _ := slices.BinarySearchFunc(list, v, order)
	if i >= keptSamples {
		return list
	}
	list = slices.Insert(list, i, v)
	return list[:min(len(list), keptSamples)]
}

// general is a place without its list indexes: lines[2].qty and /lines/2/qty are
// lines[].qty.
func general(place string) string {
	if strings.HasPrefix(place, "/") {
		var b strings.Builder
		for token := range strings.SplitSeq(place[1:], "/") {
			switch {
			case strings.Trim(token, "0123456789") == "" && token != "":
				b.WriteString("[]")
			case b.Len() > 0:
				b.WriteString("." + token)
			default:
				b.WriteString(token)
			}
		}
		return b.String()
	}
	if !strings.Contains(place, "[") {
		return place
	}
	var b strings.Builder
	for part := range strings.SplitAfterSeq(place, "[") {
		b.WriteString(strings.TrimLeft(part, "0123456789"))
	}
	return b.String()
}

// Add puts what another goroutine counted into t.
func (t *Tally) Add(o *Tally) {
	t.Messages += o.Messages
	t.Same += o.Same
	t.Changed += o.Changed
	t.Failing += o.Failing
	t.Mended += o.Mended
	t.Other += o.Other
	for k, f := range o.fields {
		group := t.fields[k]
		if group == nil {
			t.fields[k] = f
			continue
		}
		group.Messages += f.Messages
		for _, s := range f.Samples {
			group.Samples = keepLowest(group.Samples, s, func(a, b Sample) int { return cmp.Compare(a.Message, b.Message) })
		}
	}
	for k, f := range o.fails {
		group := t.fails[k]
		if group == nil {
			t.fails[k] = f
			continue
		}
		group.Messages += f.Messages
		for _, s := range f.Samples {
			group.Samples = keepLowest(group.Samples, s, func(a, b int64) int { return cmp.Compare(a, b) })
		}
	}
}

// Fields lists the target fields that change, the most frequent first.
func (t *Tally) Fields() []FieldChange {
	out := make([]FieldChange, 0, len(t.fields))
	for _, f := range slices.SortedFunc(maps.Values(t.fields), func(a, b *FieldChange) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
	}) {
		out = append(out, *f)
	}
	return out
}

// Failures lists the errors messages would have and had not, the most frequent first.
func (t *Tally) Failures() []FailureChange {
	out := make([]FailureChange, 0, len(t.fails))
	for _, f := range slices.SortedFunc(maps.Values(t.fails), func(a, b *FailureChange) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Text, b.Text))
	}) {
		out = append(out, *f)
	}
	return out
}

// String is the counts on one line.
func (t *Tally) String() string {
	return fmt.Sprintf("messages %d, same %d, changed %d, failing %d, mended %d, other errors %d", t.Messages, t.Same, t.Changed, t.Failing, t.Mended, t.Other)
}
