package mappings

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const maxDifferences = 20

// differences lists where two documents differ, one path a line; empty when
// they are equal to the digit.
func differences(want, got any) string {
	var d diff
	d.walk("", want, got)
	return strings.Join(d.lines, "\n")
}

type diff struct{ lines []string }

func (d *diff) add(path, format string, args ...any) {
	if path == "" {
		path = "the document"
	}
	switch {
	case len(d.lines) < maxDifferences:
		d.lines = append(d.lines, path+": "+fmt.Sprintf(format, args...))
	case len(d.lines) == maxDifferences:
		d.lines = append(d.lines, "and more")
	}
}

func (d *diff) walk(path string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		g, same := got.(map[string]any)
		if !same {
			break
		}
		keys := maps.Clone(w)
		maps.Copy(keys, g)
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			below := strings.TrimPrefix(path+"."+k, ".")
			wv, wanted := w[k]
			gv, given := g[k]
			switch {
			case !given:
				d.add(below, "missing, want %s", short(wv))
			case !wanted:
				d.add(below, "not wanted, got %s", short(gv))
			default:
				d.walk(below, wv, gv)
			}
		}
		return
	case []any:
		g, same := got.([]any)
		if !same {
			break
		}
		if len(w) != len(g) {
			d.add(path, "want %d items, got %d", len(w), len(g))
		}
		for i := range min(len(w), len(g)) {
			d.walk(fmt.Sprintf("%s[%d]", path, i), w[i], g[i])
		}
		return
	}
	if w, g := short(want), short(got); w != g {
		d.add(path, "want %s, got %s", w, g)
	}
}

// short is a value as JSON, cut where it is long.
func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if r := []rune(string(b)); len(r) > 200 {
		return string(r[:200]) + "..."
	}
	return string(b)
}
