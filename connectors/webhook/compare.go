package webhook

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// differences lists, as JSON pointers in order, where theirs lacks something of ours
// or holds another value. What the receiver added is passed over.
func differences(ours, theirs any) []string { return diff(nil, "", ours, theirs) }

func diff(out []string, at string, ours, theirs any) []string {
	switch o := ours.(type) {
	case map[string]any:
		t, ok := theirs.(map[string]any)
		if !ok {
			return append(out, at)
		}
		for _, k := range slices.Sorted(maps.Keys(o)) {
			out = diff(out, at+"/"+escape(k), o[k], t[k])
		}
		return out
	case []any:
		t, ok := theirs.([]any)
		if !ok || len(o) != len(t) {
			return append(out, at)
		}
		for i := range o {
			out = diff(out, at+"/"+strconv.Itoa(i), o[i], t[i])
		}
		return out
	case json.Number:
		if t, ok := theirs.(json.Number); !ok || !equalNumbers(o, t) {
			return append(out, at)
		}
		return out
	}
	if ours != theirs {
		return append(out, at)
	}
	return out
}

// equalNumbers compares values: a receiver may store 118.00 as 118.
func equalNumbers(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, err := decimal.NewFromString(a.String())
	if err != nil {
		return false
	}
	y, err := decimal.NewFromString(b.String())
	return err == nil && x.Equal(y)
}

func escape(k string) string {
	return strings.ReplaceAll(strings.ReplaceAll(k, "~", "~0"), "/", "~1")
}
