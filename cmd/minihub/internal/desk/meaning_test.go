package desk

import (
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestEveryMeaningSpeaksBothLanguages(t *testing.T) {
	all := map[string]Meaning{"fallback": fallback, "gate fallback": gateFallback}
	for code, m := range meanings {
		all[code] = m
	}
	for code, m := range gates {
		all["gate "+code] = m
	}
	for _, p := range prefixes {
		all[p.prefix] = p.meaning
	}
	for code, m := range all {
		for _, w := range []Words{m.Means, m.Do} {
			han := func(s string) bool {
				return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
			}
			if w.En == "" || han(w.En) || !han(w.Zh) {
				t.Errorf("%s says %+v", code, w)
			}
		}
		if m.Fix == "" {
			t.Errorf("%s names no act", code)
		}
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		kind, code string
		want       Fix
	}{{"delivery", "blocked.lookup", Lookup}, {"record", "mapping.value", Map}, {"gate", "auth", Access}, {"gate", "else", Wait}, {"delivery", "oms.4711", Look}, {"delivery", "", Look}} {
		if got := Explain(c.kind, c.code); got.Fix != c.want || got.Means.Zh == "" {
			t.Errorf("%s %s is %+v, want %s", c.kind, c.code, got, c.want)
		}
	}
}

func TestEnded(t *testing.T) {
	w := Ended(time.Date(2026, 11, 11, 14, 2, 0, 0, time.UTC), 212, 0)
	if w.In(false) != "recovered 14:02, 212 caught up, 0 left" || w.In(true) != "14:02 已恢复, 处理完 212 条, 剩余 0 条" {
		t.Errorf("it says %+v", w)
	}
}
