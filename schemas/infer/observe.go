package infer

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
)

// Limits that keep memory bounded whatever the samples hold.
const (
	maxKeys   = 300    // of one object; beyond it is a map from keys to values
	maxFields = 20_000 // of all objects together
	maxWords  = 24     // different values of a field
	maxWord   = 64     // bytes of a value that is remembered
)

// Samples is what has been seen in sample documents. The zero value is not usable; see New.
type Samples struct {
	root   *seen
	fields int
}

// New makes an empty collection of samples.
func New() *Samples { return &Samples{root: &seen{}} }

// Documents is how many documents were read.
func (s *Samples) Documents() int { return s.root.count }

// Read adds every document of a sample: JSON documents one after another, as JSON Lines has
// them, or the items of one list. The error is *Error where the sample is at fault.
func (s *Samples) Read(r io.Reader) error {
	for split := newSplitter(r); ; {
		v, err := split.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		s.root.add(v, s)
	}
}

// seen is what has been seen at one place.
type seen struct {
	count                                              int // values, null included
	nulls, bools, wholes, decimals, texts, maps, lists int
	empty                                              int // empty texts
	classes                                            map[class]int
	longest                                            int // characters of a text or digits of a number
	negative                                           bool
	words                                              map[string]int
	manyWords                                          bool
	starred                                            bool   // a text holds an asterisk
	form                                               string // of the first value that says something
	fields                                             map[string]*seen
	values                                             *seen // of a map from keys to values
	items                                              *seen
}

func (n *seen) add(v any, s *Samples) {
	n.count++
	switch v := v.(type) {
	case nil:
		n.nulls++
	case bool:
		n.bools++
	case json.Number:
		n.number(string(v))
	case string:
		n.text(v)
	case []any:
		n.lists++
		if n.items == nil {
			n.items = &seen{}
		}
		for _, item := range v {
			n.items.add(item, s)
		}
	case map[string]any:
		n.maps++
		n.object(v, s)
	}
}

func (n *seen) number(text string) {
	if strings.ContainsAny(text, ".eE") {
		n.decimals++
	} else {
		n.wholes++
	}
	n.negative = n.negative || text[0] == '-'
	n.longest = max(n.longest, len(strings.TrimPrefix(text, "-")))
	n.classify(classesOfNumber(text))
	n.word(text)
}

func (n *seen) text(text string) {
	n.texts++
	if text == "" {
		n.empty++
		return
	}
	n.longest = max(n.longest, len([]rune(text)))
	n.starred = n.starred || strings.Contains(text, "*")
	n.classify(classesOfText(text))
	n.word(text)
}

func (n *seen) classify(list []class) {
	if n.classes == nil {
		n.classes = map[class]int{}
	}
	for _, c := range list {
		n.classes[c]++
	}
}

func (n *seen) word(text string) {
	if n.form == "" {
		n.form = form(text)
	}
	switch {
	case n.manyWords:
	case len(text) > maxWord || len(n.words) == maxWords && n.words[text] == 0:
		n.manyWords, n.words = true, nil
	default:
		if n.words == nil {
			n.words = map[string]int{}
		}
		n.words[text]++
	}
}

func (n *seen) object(v map[string]any, s *Samples) {
	if n.values == nil && n.fields == nil {
		n.fields = map[string]*seen{}
	}
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if n.values == nil && n.fields[key] == nil && (len(n.fields) == maxKeys || s.fields >= maxFields) {
			n.asMap()
		}
		if n.values != nil {
			n.values.add(v[key], s)
			continue
		}
		f := n.fields[key]
		if f == nil {
			f = &seen{}
			n.fields[key] = f
			s.fields++
		}
		f.add(v[key], s)
	}
}

// asMap forgets the names of the fields and keeps what all values have in common.
func (n *seen) asMap() {
	n.values = &seen{}
	for _, key := range slices.Sorted(maps.Keys(n.fields)) {
		n.values.merge(n.fields[key])
	}
	n.fields = nil
}

// merge adds what was seen at another place.
func (n *seen) merge(o *seen) {
	n.count += o.count
	n.nulls, n.bools, n.wholes, n.decimals, n.texts, n.maps, n.lists = n.nulls+o.nulls, n.bools+o.bools, n.wholes+o.wholes, n.decimals+o.decimals,
		n.texts+o.texts, n.maps+o.maps, n.lists+o.lists
	n.empty, n.longest, n.negative = n.empty+o.empty, max(n.longest, o.longest), n.negative || o.negative
	n.starred = n.starred || o.starred
	for c, k := range o.classes {
		if n.classes == nil {
			n.classes = map[class]int{}
		}
		n.classes[c] += k
	}
	n.manyWords, n.words, n.form = true, nil, cmp.Or(n.form, o.form)
	for _, pair := range []struct{ to, from **seen }{{&n.items, &o.items}, {&n.values, &o.values}} {
		if *pair.from == nil {
			continue
		}
		if *pair.to == nil {
			*pair.to = &seen{}
		}
		(*pair.to).merge(*pair.from)
	}
	if o.fields != nil && n.values == nil {
		if n.fields == nil {
			n.fields = map[string]*seen{}
		}
		for _, key := range slices.Sorted(maps.Keys(o.fields)) {
			if n.fields[key] == nil {
				n.fields[key] = &seen{}
			}
			n.fields[key].merge(o.fields[key])
		}
		if len(n.fields) > maxKeys {
			n.asMap()
		}
	} else if n.values != nil {
		for _, key := range slices.Sorted(maps.Keys(o.fields)) {
			n.values.merge(o.fields[key])
		}
		for _, key := range slices.Sorted(maps.Keys(n.fields)) {
			n.values.merge(n.fields[key])
		}
		n.fields = nil
	}
}

// keyed says whether the names of the fields look like ids: digits in most of several.
func (n *seen) keyed() bool {
	digits := 0
	for key := range n.fields {
		if strings.Trim(key, "0123456789") == "" && key != "" {
			digits++
		}
	}
	return len(n.fields) >= 5 && digits*2 > len(n.fields)
}

// finish turns objects whose names are ids into maps, everywhere.
func (n *seen) finish() {
	if n == nil {
		return
	}
	if n.keyed() {
		n.asMap()
	}
	for _, f := range n.fields {
		f.finish()
	}
	n.values.finish()
	n.items.finish()
}

// scalars is how many values are neither null nor empty nor made of others.
func (n *seen) scalars() int { return n.bools + n.wholes + n.decimals + n.texts - n.empty }

// is says whether all values that say something are of a class.
func (n *seen) is(c class) bool {
	return n.classes[c] > 0 && n.classes[c] == n.scalars() && n.maps+n.lists == 0
}

// kinds are the JSON types that were seen, as a schema writes them.
func (n *seen) kinds() []string {
	var out []string
	for _, k := range []struct {
		name string
		n    int
	}{{"object", n.maps}, {"array", n.lists}, {"string", n.texts}, {"number", n.decimals}, {"integer", n.wholes}, {"boolean", n.bools}, {"null", n.nulls}} {
		if k.n > 0 && (k.name != "integer" || n.decimals == 0) {
			out = append(out, k.name)
		}
	}
	return out
}

// sortedWords are the different values of a field, nil when there are many.
func (n *seen) sortedWords() []string {
	out := slices.Collect(maps.Keys(n.words))
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	return out
}
