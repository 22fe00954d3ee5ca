package pipelines_test

import (
	"sync/atomic"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

func (w *world) hints() []ledger.Hint {
	w.t.Helper()
	h, err := w.led.Hints(w.t.Context(), ledger.Filter{Connection: "shop"})
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func TestHintsThatWaitTogetherMerge(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	pause(w, "shop", "")
	w.shop.put(paid(1, 100))
	for range 3 {
		w.shop.put(paid(1, 100))
		if _, err := w.eng.Pull(t.Context(), "shop", "orders", nil); err == nil {
			t.Fatal("a paused connection was pulled")
		}
	}
	rec := &ledger.Record{DocKey: ledger.DocKey{Connection: "shop", Entity: "order", Key: "1"}, Stream: "orders", RootKey: "1"}
	for range 3 {
		if err := w.eng.Refetch(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
	}
	if h := w.hints(); len(h) != 1 || h[0].Asked != 3 || h[0].State != "pending" {
		t.Fatalf("the hints are %+v", h)
	}
	if err := w.eng.Resume(t.Context(), "shop", ""); err != nil {
		t.Fatal(err)
	}
	w.comes("push T-1 delivered ")
	if n := w.shop.fetchCount(); n != 1 {
		t.Fatalf("three hints made %d fetches", n)
	}
}

func TestAHintDuringAFetchCausesOneMore(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	var once atomic.Bool
	w.shop.with(func() {
		w.shop.onFetch = func([]string) {
			if once.CompareAndSwap(false, true) { // twice, while the first fetch is out
				w.pull()
				w.pull()
			}
		}
	})
	w.shop.put(paid(1, 100))
	w.pull()
	w.comes("push T-1 delivered ")
	w.rest()
	if n := w.shop.fetchCount(); n != 2 {
		t.Fatalf("there were %d fetches, want 2", n)
	}
}

func TestAFailingFetchLosesNoKeyAndHoldsNoOther(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	bad := &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfDocument, Code: "test.locked"}
	w.shop.with(func() {
		w.shop.fetchErr = func(keys []string) error {
			for _, k := range keys {
				if k == "2" {
					return bad
				}
			}
			return nil
		}
	})
	for _, no := range []string{"1", "2", "3"} {
		w.shop.put(shopDoc{No: no, Status: "paid", Fen: 100, Version: 1})
	}
	w.pull()
	w.until("the others", func() bool { return len(w.target.calls()) == 2 })
	w.until("a second try", func() bool {
		for _, h := range w.hints() {
			if h.Key == "2" && h.State == "pending" && h.Code == "test.locked" && h.Attempts > 1 {
				return true
			}
		}
		return false
	})
	w.restart()
	w.shop.failFetch(nil)
	w.until("the third", func() bool { return len(w.target.calls()) == 3 })
}

func TestAKeyTheVendorRefusesParksAlone(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.shop.with(func() {
		w.shop.fetchErr = func(keys []string) error {
			for _, k := range keys {
				if k == "2" {
					return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "test.no_such_key"}
				}
			}
			return nil
		}
	})
	for _, no := range []string{"1", "2", "3"} {
		w.shop.put(shopDoc{No: no, Status: "paid", Fen: 100, Version: 1})
	}
	w.pull()
	w.rest()
	for _, h := range w.hints() {
		if want := map[bool]string{true: "parked", false: "done"}[h.Key == "2"]; h.State != want {
			t.Fatalf("hint %s is %s, want %s", h.Key, h.State, want)
		}
	}
	if n := len(w.target.calls()); n != 2 {
		t.Fatalf("%d orders arrived, want 2", n)
	}
}

func TestAKeyLeftOutOfTheAnswerIsAskedAgain(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.shop.with(func() { w.shop.skip = map[string]bool{"1": true} })
	w.shop.put(paid(1, 100))
	w.pull()
	w.until("a second fetch", func() bool { return w.shop.fetchCount() >= 2 })
	w.shop.with(func() { w.shop.skip = nil })
	w.comes("push T-1 delivered ")
}

func TestAnAbsentKeyIsATombstone(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.shop.with(func() { w.shop.order = []string{"9"} })
	w.pull()
	w.rest()
	r, err := w.led.Latest(t.Context(), ledger.DocKey{Connection: "shop", Entity: "order", Key: "9"})
	if err != nil || !r.Deleted || r.State != ledger.RecordNoTarget || r.Code != "record.deleted" {
		t.Fatalf("the record is %+v, %v", r, err)
	}
}

func TestAnUnreadableFetchIsKeptRaw(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.shop.failFetch(&connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: "test.cut", Raw: []byte(`{"no":"1","sta`)})
	w.shop.put(paid(1, 100))
	w.pull()
	w.until("the bytes", func() bool {
		recs, err := w.led.Records(t.Context(), ledger.Filter{States: []string{"parked"}, Code: "record.unreadable"})
		if err != nil || len(recs) != 1 {
			return false
		}
		body, err := w.led.Payload(t.Context(), recs[0].Payload)
		return err == nil && string(body) == `{"no":"1","sta`
	})
	w.until("the hint to park", func() bool { return w.hints()[0].State == "parked" })
	w.shop.failFetch(nil) // the source is mended, and the key comes again
	w.pull()
	w.comes("record 1 parked record.unreadable ", "push T-1 delivered ")
}

func TestAfterSalesFetchTheirOrderToo(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.shop.with(func() {
		w.shop.returns = map[string]string{"R1": "1"}
		w.shop.docs["1"] = paid(1, 100) // the list of orders does not show it
	})
	if _, err := w.eng.Pull(t.Context(), "shop", "returns", nil); err != nil {
		t.Fatal(err)
	}
	w.comes("push T-1 delivered ")
	r, err := w.led.Latest(t.Context(), ledger.DocKey{Connection: "shop", Entity: "after_sale", Key: "R1"})
	if err != nil || r.RootKey != "1" || r.Root != w.delivery(1).Root {
		t.Fatalf("the after-sale is %+v, %v", r, err)
	}
}
