package mappings

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const (
	maxDifferences = 20  // lines of a text
	maxFound       = 500 // differences that are kept of one pair of documents
	maxShown       = 200 // characters of a value
)

// Kinds of a difference.
const (
	Missing = "missing" // wanted and not there
	Extra   = "extra"   // there and not wanted
	Changed = "changed" // there with another value
	Length  = "length"  // a list with more or fewer items; Want and Got are their numbers
)

// Difference is one place where two documents differ.
type Difference struct {
	Path string `json:"path"` // with list indexes, such as lines[2].qty; empty for the whole document
	Kind string `json:"kind"`
	Want string `json:"want,omitempty"` // as JSON, cut where it is long
	Got  string `json:"got,omitempty"`
}

// String names the place and both values on one line.
func (d Difference) String() string {
	path := d.Path
	if path == "" {
		path = "the document"
	}
	switch d.Kind {
	case Missing:
		return path + ": missing, want " + d.Want
	case Extra:
		return path + ": not wanted, got " + d.Got
	case Length:
		return fmt.Sprintf("%s: want %s items, got %s", path, d.Want, d.Got)
	}
	return fmt.Sprintf("%s: want %s, got %s", path, d.Want, d.Got)
}

// Compare lists where two trees differ, in order of their paths; nothing when they are
// equal to the digit. It stops after 500 differences.
func Compare(want, got any) []Difference { return CompareShown(want, got, want, got) }

// CompareShown is Compare for documents that are shown otherwise than they are: masked,
// and of the same structure. Want and Got come from the shown ones.
func CompareShown(want, got, shownWant, shownGot any) []Difference {
	var d diff
	d.walk("", side{want, shownWant}, side{got, shownGot})
	return d.found
}

// side is a value and what is shown of it.
type side struct{ v, shown any }

const hidden = "***"

func (s side) field(name string) side {
	below := side{s.v.(map[string]any)[name], hidden}
	if m, same := s.shown.(map[string]any); same {
		below.shown = m[name]
	}
	return below
}

func (s side) item(i int) side {
	below := side{s.v.([]any)[i], hidden}
	if l, same := s.shown.([]any); same && i < len(l) {
		below.shown = l[i]
	}
	return below
}

func (s side) text() string { return cut(whole(s.shown)) }

// differences is Compare as text, one path a line.
func differences(found []Difference) string {
	var lines []string
	for i, d := range found {
		if i == maxDifferences {
			lines = append(lines, "and more")
			break
		}
		lines = append(lines, d.String())
	}
	return strings.Join(lines, "\n")
}

type diff struct{ found []Difference }

func (d *diff) add(path, kind, want, got string) {
	if len(d.found) < maxFound {
		d.found = append(d.found, Difference{path, kind, want, got})
	}
}

func (d *diff) walk(path string, want, got side) {
	switch w := want.v.(type) {
	case map[string]any:
		if g, same := got.v.(map[string]any); same {
			d.object(path, want, got, w, g)
			return
		}
	case []any:
		if g, same := got.v.([]any); same {
			if len(w) != len(g) {
				d.add(path, Length, fmt.Sprint(len(w)), fmt.Sprint(len(g)))
			}
			for i := range min(len(w), len(g)) {
				if Same(w[i], g[i]) {
					continue
				}
				d.walk(fmt.Sprintf("%s[%d]", path, i), want.item(i), got.item(i))
			}
			return
		}
	default:
		if scalar(got.v) && want.v == got.v {
			return
		}
	}
	// Texts of the same beginning are told apart by their whole.
	if whole(want.v) != whole(got.v) {
		d.add(path, Changed, want.text(), got.text())
	}
}

// object looks at the fields that differ only: most do not, and documents are many.
func (d *diff) object(path string, want, got side, w, g map[string]any) {
	var keys []string
	for k, v := range w {
		if other, given := g[k]; !given || !Same(v, other) {
			keys = append(keys, k)
		}
	}
	for k := range g {
		if _, wanted := w[k]; !wanted {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		below := strings.TrimPrefix(path+"."+k, ".")
		_, wanted := w[k]
		_, given := g[k]
		switch {
		case !given:
			d.add(below, Missing, want.field(k).text(), "")
		case !wanted:
			d.add(below, Extra, "", got.field(k).text())
		default:
			d.walk(below, want.field(k), got.field(k))
		}
	}
}

func scalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// Same says whether two trees are equal to the digit; it makes nothing, for long runs.
func Same(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, is := b.(map[string]any)
		if !is || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			w, has := y[k]
			if !has || !Same(v, w) {
				return false
			}
		}
		return true
	case []any:
		y, is := b.([]any)
		if !is || len(x) != len(y) {
			return false
		}
		for i, v := range x {
			if !Same(v, y[i]) {
				return false
			}
		}
		return true
	}
	return scalar(b) && a == b
}

// whole is a value as JSON.
func whole(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func cut(s string) string {
	if r := []rune(s); len(r) > maxShown {
		return string(r[:maxShown]) + "..."
	}
	return s
}
