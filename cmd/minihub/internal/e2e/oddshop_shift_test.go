package e2e

import (
	"fmt"
	"testing"

	"github.com/minihub/minihub/connectors/manifest/oddshop"
)

// TestOnePullOfAShiftingListMissesNothing deletes and sells while the pages are turned: rows slip
// over the edges of pages both ways, and a single pull has to show every order that was there
// from its beginning to its end.
func TestOnePullOfAShiftingListMissesNothing(t *testing.T) {
	t.Parallel()
	w := newOddWorld(t, 5)
	w.open()
	for range 450 {
		if _, err := w.shop.Do(oddshop.Act{Do: oddshop.Sell}); err != nil {
			t.Fatal(err)
		}
	}
	before := w.shop.Truth()
	newest := int64(0)
	for id := range before {
		newest = max(newest, id)
	}
	// Deletes at the top of the list pull every later row up by one; sales push them down.
	for i := range int64(6) {
		w.shop.Queue(oddshop.Act{Do: oddshop.Delete, OID: newest - 3*i}, oddshop.Act{Do: oddshop.Delete, OID: newest - 3*i - 1})
		if i%3 == 2 {
			w.shop.Queue(oddshop.Act{Do: oddshop.Sell})
		}
	}
	if err := w.pull(); err != nil {
		t.Fatal(err)
	}
	w.rest()
	if n, p := w.shop.Queued(), w.shop.Problems(); n != 0 || len(p) != 0 {
		t.Fatalf("%d acts were not done, %v: the list did not shift enough", n, p)
	}
	told, missed := w.told(), 0
	for id, tr := range w.shop.Truth() {
		if _, was := before[id]; was && !tr.Deleted && len(told[fmt.Sprintf("odd-%d", id)]) != 1 {
			missed++
		}
	}
	if missed != 0 {
		t.Errorf("%d orders that were there all the time were not told once", missed)
	}
}
