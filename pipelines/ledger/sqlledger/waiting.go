package sqlledger

import (
	"cmp"
	"slices"

	"github.com/minihub/minihub/pipelines/ledger"
)

// pageOfWaiting sorts missing entries and cuts a page out of them. They are few: an entry
// is named once, however many rows wait for it.
func pageOfWaiting(all []*ledger.WaitingLookup, table, key string, limit int) []ledger.WaitingLookup {
	slices.SortFunc(all, func(a, b *ledger.WaitingLookup) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Key, b.Key))
	})
	var out []ledger.WaitingLookup
	for _, w := range all {
		if past := cmp.Or(cmp.Compare(w.Table, table), cmp.Compare(w.Key, key)); past <= 0 && table != "" {
			continue
		}
		if len(out) == limit {
			break
		}
		out = append(out, *w)
	}
	return out
}
