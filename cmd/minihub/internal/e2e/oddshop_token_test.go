package e2e

import (
	"fmt"
	"testing"

	"github.com/minihub/minihub/connectors/manifest/oddshop"
	"github.com/minihub/minihub/connectors/simkit"
)

// TestATokenLostOnTheWay takes the token away between two calls of one pull, where the
// empty answers that follow look most like the truth: between two pages, so that the list seems to end,
// and between the list and the fetch of what it no longer showed, so that all of that seems deleted.
func TestATokenLostOnTheWay(t *testing.T) {
	t.Parallel()
	w := newOddWorld(t, 1)
	w.open()
	act := func(acts ...oddshop.Act) {
		t.Helper()
		for _, a := range acts {
			if _, err := w.shop.Do(a); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 250 {
		act(oddshop.Act{Do: oddshop.Sell})
	}
	w.mustPull()

	lose := func(f simkit.Fault) {
		t.Helper()
		f.Kind, f.Count = simkit.TokenExpiry, 1
		if _, err := w.faults.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	lose(simkit.Fault{Call: "order.list", Skip: 1})
	if err := w.pull(); err == nil {
		t.Error("the list ended in the middle with an empty page, and the pull with it")
	}
	w.rest()
	w.wantNoneGone("a page in the middle was empty")
	act(oddshop.Act{Do: oddshop.FindTokens})
	w.mustPull()
	w.wantNoneGone("the token is known again")

	// Five leave by themselves; the list is read to its end, and then nobody is known.
	gone := map[string]bool{}
	for range 5 {
		o, err := w.shop.Do(oddshop.Act{Do: oddshop.Delete})
		if err != nil {
			t.Fatal(err)
		}
		gone[fmt.Sprint(o.ID)] = true
	}
	before := len(w.shop.Asked())
	lose(simkit.Fault{Call: "order.get"})
	if err := w.pull(); err != nil {
		t.Fatalf("the list was whole: %v", err)
	}
	w.until("the fetch of what the list no longer showed", func() bool {
		for _, a := range w.shop.Asked()[before:] {
			if a.Call == "order.get" && a.Why == "token unknown" {
				return true
			}
		}
		return false
	})
	w.wantNoneGone("the fetch was answered empty, but for lack of a token")
	act(oddshop.Act{Do: oddshop.FindTokens})
	w.mustPull()
	w.until("the five deleted orders to be known", func() bool { return len(w.tombstones()) == len(gone) })
	for key := range w.tombstones() {
		if !gone[key] {
			t.Errorf("order %s is there and was taken for deleted", key)
		}
	}
}
