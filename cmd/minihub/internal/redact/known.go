package redact

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Known is what is known of the documents that a call carried. It is not safe for
// concurrent use while it is filled.
type Known struct {
	plain    map[string]bool   // folded values that may be shown
	personal map[string]string // folded personal values, and how a schema masks them
	whole    []string          // the personal values as they stand, those long enough to tell
	folds    []string          // and folded
	pieces   map[string]bool   // folded parts by which a personal value is recognised
	sizes    []int             // the lengths of pieces, in runes
	firsts   map[rune]bool     // the runes that pieces begin with
	sighted  bool              // a document with a schema is known
	made     bool              // while one is taken in that others speak for
}

// New returns a Known that vouches for nothing.
func New() *Known {
	return &Known{plain: map[string]bool{}, personal: map[string]string{}, pieces: map[string]bool{}, firsts: map[rune]bool{}}
}

// Document takes in a document and its masked copy: where they differ a value is
// personal, where they agree it may be shown.
func (k *Known) Document(doc, masked any) {
	k.sighted = true
	k.compare(doc, masked)
}

// Made is Document for one that was made of those taken in before. Its schema may call
// everything personal for want of knowing better: what the others vouch for stays shown.
func (k *Known) Made(doc, masked any) {
	k.made = true
	k.Document(doc, masked)
	k.made = false
}

func (k *Known) compare(doc, masked any) {
	switch d := doc.(type) {
	case map[string]any:
		m, _ := masked.(map[string]any)
		for name, v := range d {
			k.compare(v, m[name])
		}
	case []any:
		m, _ := masked.([]any)
		for i, v := range d {
			var other any
			if i < len(m) {
				other = m[i]
			}
			k.compare(v, other)
		}
	case string:
		k.value(d, masked)
	case json.Number:
		k.value(d.String(), masked)
	}
}

func (k *Known) value(text string, masked any) {
	shown := ""
	switch m := masked.(type) {
	case string:
		shown = m
	case json.Number:
		shown = m.String()
	}
	if shown == text {
		k.Vouch(text)
		return
	}
	k.hide(text, shown)
}

// Vouch names values that may be shown: keys, remote ids.
func (k *Known) Vouch(values ...string) {
	for _, v := range values {
		if f := fold(v); f != "" {
			k.plain[f] = true
		}
	}
}

// hide takes in a personal value.
func (k *Known) hide(text, masked string) {
	f := fold(text)
	if f == "" || k.made && k.plain[f] {
		return
	}
	if _, ok := k.personal[f]; ok {
		return
	}
	k.personal[f] = masked
	if telling(text) {
		k.whole, k.folds = append(k.whole, text), append(k.folds, f)
	}
	long := utf8.RuneCountInString(f) > 4
	runs(f, func(run string, wide, whole bool) {
		n := utf8.RuneCountInString(run)
		size := 5
		if wide {
			if size = 2; long {
				size = 3
			}
		}
		if n < size {
			// A short part alone tells nobody apart; a short value as a whole does.
			if size = n; !whole || n < 2 {
				return
			}
		}
		k.cut(run, size)
	})
}

func (k *Known) cut(run string, size int) {
	at := starts(run)
	for i := 0; i+size < len(at); i++ {
		piece := run[at[i]:at[i+size]]
		k.pieces[piece] = true
		r, _ := utf8.DecodeRuneInString(piece)
		k.firsts[r] = true
	}
	for _, s := range k.sizes {
		if s == size {
			return
		}
	}
	k.sizes = append(k.sizes, size)
}

// starts are the byte offsets of the runes of s, and its length.
func starts(s string) []int {
	at := make([]int, 0, len(s)+1)
	for i := range s {
		at = append(at, i)
	}
	return append(at, len(s))
}

// runs cuts a folded text into stretches of wide letters and of others.
func runs(s string, f func(run string, wide, whole bool)) {
	from, was := 0, false
	for i, r := range s {
		wide := r >= 0x2e80
		if i > from && wide != was {
			f(s[from:i], was, false)
			from = i
		}
		was = wide
	}
	f(s[from:], was, from == 0)
}

// telling reports whether a value is long enough that meeting it is no accident.
func telling(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 6 || n >= 2 && strings.ContainsFunc(s, func(r rune) bool { return r >= 0x2e80 })
}

// fold makes the spellings of one value equal: full and half width, case, and what
// people put between digits.
func fold(s string) string {
	out, _ := folded(s)
	return out
}

// folded also tells, for each rune of the folded text, the byte offset it came from.
func folded(s string) (string, []int) {
	var b strings.Builder
	from := make([]int, 0, len(s))
	for i, r := range s {
		switch {
		case r >= 0xff01 && r <= 0xff5e:
			r -= 0xfee0
		case r == 0x3000:
			r = ' '
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			continue
		}
		b.WriteRune(unicode.ToLower(r))
		from = append(from, i)
	}
	return b.String(), from
}

// shared marks the bytes of s that it shares with personal values; nil when none.
func (k *Known) shared(s string) []bool {
	if len(k.pieces) == 0 {
		return nil
	}
	f, from := folded(s)
	at := starts(f)
	var marks []bool
	for i := 0; i+1 < len(at); i++ {
		if r, _ := utf8.DecodeRuneInString(f[at[i]:]); !k.firsts[r] {
			continue
		}
		for _, size := range k.sizes {
			if i+size >= len(at) || !k.pieces[f[at[i]:at[i+size]]] {
				continue
			}
			if marks == nil {
				marks = make([]bool, len(s))
			}
			last := from[i+size-1]
			_, w := utf8.DecodeRuneInString(s[last:])
			for b := from[i]; b < last+w; b++ {
				marks[b] = true
			}
		}
	}
	return marks
}

// vouched reports whether a whole value may be shown.
func (k *Known) vouched(s string) bool {
	f := fold(s)
	if !k.plain[f] {
		return false
	}
	for _, p := range k.folds {
		if strings.Contains(f, p) {
			return false
		}
	}
	return true
}
