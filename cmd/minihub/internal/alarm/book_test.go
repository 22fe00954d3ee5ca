package alarm

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

type kept struct{ value []byte }

func (k kept) VaultGet(context.Context, string) ([]byte, int64, error) { return k.value, 1, nil }

func (k kept) VaultSwap(context.Context, string, int64, []byte) error { return nil }

// Whatever stands in the store, it is read or refused, and what is read can be used.
func FuzzReadBook(f *testing.F) {
	f.Add([]byte(`{"number":3,"open":{"disk":{"id":"20261109-1","cause":"disk","lead":{"rule":"disk","n":5},"opened_at":"2026-11-09T08:00:00Z"}}}`))
	f.Add([]byte(`{"open":{"x":null}}`))
	f.Add([]byte(`{"usual":{"streams":{"a.b":{"hours":["AQID"],"missed":3}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := New(Config{Rules: Defaults()}, Options{Store: kept{body}})
		if c.Load(t.Context()) != nil {
			return
		}
		at := time.Date(2026, 11, 9, 8, 0, 0, 0, time.UTC)
		for range 3 {
			at = at.Add(time.Minute)
			c.Observe(t.Context(), Sample{At: at, Intake: map[string]int64{"a.b": 1}})
		}
		c.List("zh")
	})
}

func TestEveryRuleHasItsWords(t *testing.T) {
	at := time.Date(2026, 11, 9, 8, 0, 0, 0, time.UTC)
	for _, language := range []string{"en", "zh"} {
		w := writer{texts: text.In(language), zone: time.UTC, link: "https://hub.example.com/"}
		for _, r := range AllRules() {
			for _, what := range []What{Opened, StillOpen, Recovered} {
				i := Incident{ID: "1", OpenedAt: at, ClosedAt: at.Add(time.Hour), Peak: 7, Lead: Finding{Rule: r, Connection: "erp", Name: "push", Code: "a.b", N: 7, Of: 9, Since: at}}
				n := w.notice(Notice{What: what, Incident: i}, at.Add(time.Hour))
				all := n.Title + n.Detail + n.Mend
				if n.Title == "" || n.Detail == "" || what != Recovered && n.Mend == "" || strings.Contains(all, "%[") || strings.HasSuffix(n.Title, " ") {
					t.Errorf("%s %s in %s: %+v", r, what, language, n)
				}
			}
		}
	}
}
