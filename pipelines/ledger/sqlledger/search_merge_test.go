package sqlledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/pipelines/ledger"
)

// generated writes a generation of random search keys, some of them common to all, and
// returns what it wrote.
func generated(t *testing.T, s *Store, keys int, rng *rand.Rand) []keyRow {
	t.Helper()
	var all []keyRow
	for range keys {
		k := keyRow{int64(rng.Uint64()), int64(rng.IntN(1 << 20))}
		if rng.IntN(3) == 0 {
			k.h = hot
		}
		all = append(all, k)
	}
	slices.SortFunc(all, compareKeys)
	all = slices.Compact(all)
	o := &mergeOp{begin: true}
	if err := s.submit(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	pages := &pageWriter{s: s, gen: o.gen}
	for _, k := range all {
		if err := pages.add(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	if err := pages.flush(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if err := s.submit(t.Context(), &mergeOp{put: generation{o.gen, int64(len(all))}}); err != nil {
		t.Fatal(err)
	}
	return all
}

// hot is a hash that many docs have.
const hot = int64(1) << 40

func listed(t *testing.T, s *Store) []generation {
	t.Helper()
	gs, err := s.generations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return gs
}

// stored reads the keys of all generations.
func stored(t *testing.T, s *Store) []keyRow {
	t.Helper()
	var all []keyRow
	for _, g := range listed(t, s) {
		r := &pageReader{s: s, gen: g.gen}
		n := int64(0)
		for {
			k, more, err := r.head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
			r.keys = r.keys[1:]
			all = append(all, k)
			n++
		}
		if n != g.pairs {
			t.Fatalf("generation %d has %d keys and says %d", g.gen, n, g.pairs)
		}
	}
	slices.SortFunc(all, compareKeys)
	return slices.Compact(all)
}

func pages(t *testing.T, s *Store) (n int64) {
	t.Helper()
	err := s.read(t.Context(), "pages", "SELECT count(*) FROM skey", nil, func(r row) error {
		n = r.Int(0)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// settled waits until nothing is left to merge.
func settled(t *testing.T, s *Store) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(20 * time.Second)
	for want := int64(0); ; {
		gs := listed(t, s)
		levels := map[int]int{}
		want = 0
		for _, g := range gs {
			levels[g.level()]++
			want += (g.pairs + pageKeys - 1) / pageKeys
		}
		busy := false
		for _, n := range levels {
			busy = busy || n >= mergeWidth
		}
		if !busy && pages(t, s) == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s there are %v, %d pages of %d", gs, pages(t, s), want)
		}
		<-tick.C
	}
}

func TestGenerationsAreMerged(t *testing.T) {
	s := openTest(t)
	rng := rand.New(rand.NewPCG(1, 2))
	var want []keyRow
	for range 3 * mergeWidth {
		want = append(want, generated(t, s, 3000, rng)...)
	}
	slices.SortFunc(want, compareKeys)
	want = slices.Compact(want)
	s.merges.look()
	settled(t, s)
	if n := len(listed(t, s)); n >= mergeWidth {
		t.Errorf("%d generations are left", n)
	}
	if diff := cmp.Diff(len(want), len(stored(t, s))); diff != "" || !slices.Equal(want, stored(t, s)) {
		t.Fatalf("the keys are others (count %s)", diff)
	}
	// A key of many docs: those with the highest ids, over pages of all generations.
	var docs []int64
	for _, k := range want {
		if k.h == hot {
			docs = append(docs, k.doc)
		}
	}
	slices.Reverse(docs)
	for _, most := range []int{1, pageKeys, 1000, len(docs) + 1} {
		found := map[int64]bool{}
		if err := s.inGenerations(t.Context(), []int64{hot, want[0].h}, most, func(h, doc int64) {
			if h == hot {
				found[doc] = true
			}
		}); err != nil {
			t.Fatal(err)
		}
		for _, doc := range docs[:min(most, len(docs))] {
			if !found[doc] {
				t.Fatalf("of the %d last docs of a key %d is missing", most, doc)
			}
		}
		if got, bound := len(found), most*mergeWidth; got > bound {
			t.Errorf("%d docs of a key were read to find %d", got, most)
		}
	}
}

// dying is a driver that goes away after some commits, as a kill does.
type dying struct {
	driver
	left int
}

func (d *dying) commit(ctx context.Context, cs []change) error {
	if d.left == 0 {
		return lost(errors.New("killed"))
	}
	d.left--
	return d.driver.commit(ctx, cs)
}

// TestAMergeThatEndsHalfWay ends the store before each commit of a merge and opens it
// again.
func TestAMergeThatEndsHalfWay(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	reopen := func() *Store {
		s, err := Open(t.Context(), Options{URL: url, Secret: []byte("for tests only"), Relaxed: true})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := reopen()
	s.merges.close()
	var want []keyRow
	rng := rand.New(rand.NewPCG(3, 4))
	for range mergeWidth {
		want = append(want, generated(t, s, 6000, rng)...)
	}
	slices.SortFunc(want, compareKeys)
	want = slices.Compact(want)
	for commits := 0; ; commits++ {
		gs := listed(t, s)
		if len(gs) == 1 {
			if commits < 4 {
				t.Fatalf("a merge took %d commits only: nothing was cut off", commits)
			}
			break
		}
		s.drv = &dying{s.drv, commits}
		if err := s.merge(t.Context(), gs); err == nil && len(listed(t, s)) != 1 {
			t.Fatal("a merge that was done left its generations")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = reopen()
		s.merges.close()
		if !slices.Equal(want, stored(t, s)) {
			t.Fatalf("after a merge of %d commits the keys are others", commits)
		}
		if err := s.dropStray(t.Context()); err != nil {
			t.Fatal(err)
		}
		left := int64(0)
		for _, g := range listed(t, s) {
			left += (g.pairs + pageKeys - 1) / pageKeys
		}
		if pages(t, s) != left || !slices.Equal(want, stored(t, s)) {
			t.Fatalf("after a merge of %d commits %d pages are left, want %d", commits, pages(t, s), left)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLevels(t *testing.T) {
	for pairs, want := range map[int64]int{1: 0, generationKeys: 0, 3 * generationKeys: 0, 8 * generationKeys: 1, 20 * generationKeys: 1, 64 * generationKeys: 2, 512 * generationKeys: 3} {
		if got := (generation{1, pairs}).level(); got != want {
			t.Errorf("%d keys are of level %d, want %d", pairs, got, want)
		}
	}
}

// TestSearchInEverySpelling types keys as people and other systems write them.
func TestSearchInEverySpelling(t *testing.T) {
	s := openTest(t)
	it := &ledger.IntakeItem{Entity: "order", Key: "Key-00A7", RootEnt: "order", RootKey: "1", Version: 1, Body: []byte("x")}
	if err := s.Commit(t.Context(), &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{it}}); err != nil {
		t.Fatal(err)
	}
	d := &ledger.NewDelivery{Flow: "f", Step: "s", Connection: "erp", Operation: "push", RemoteKey: "shop-a-77", Claim: true, State: ledger.Ready}
	r := &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{d}, Keys: []ledger.SearchKey{
		{Kind: "order_no", Value: "3729000000000000517"}, {Kind: "transaction_id", Value: "4200000000202601010000000001"}, {Kind: "phone", Value: "13800005678"},
		{Kind: "phone", Value: "021-5555 0042"}, {Kind: "waybill", Value: "SF0000000000001"}, {Kind: "sku", Value: "TEE-RED-M"}, {Kind: "member_no", Value: "M-1001"}, {Kind: "remote_id", Value: "U8/77"}}}
	if err := s.Commit(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		"3729000000000000517": "order_no", " 3729000000000000517\t": "order_no", "３７２９００００００００００００５１７": "order_no",
		"3729 0000 0000 0000 517": "order_no", "3729-0000-0000-0000-517": "order_no", "#3729000000000000517": "order_no",
		"4200000000202601010000000001": "transaction_id",
		"13800005678":                  "phone", "+86 138-0000-5678": "phone", "0086 138 0000 5678": "phone", "８６１３８００００５６７８": "phone", "138 0000 5678": "phone",
		"(138)00005678": "phone", "021-55550042": "phone", "+86 21 5555 0042": "phone", "5678": "phone_tail", "５６７８": "phone_tail", "138****5678": "phone_tail", "0042": "phone_tail",
		"sf0000000000001": "waybill", "SF 0000 0000 00001": "waybill", "ＳＦ0000000000001": "waybill",
		"tee-red-m": "sku", "TEE－RED－M": "sku", "m-1001": "member_no", "u8/77": "remote_id",
		"Key-00A7": "key", " Key-00A7 ": "key", "Ｋｅｙ-00A7": "key", "shop-a-77": "remote_key", "SHOP-A-77": "remote_key",
		"5678x": "", "13800005679": "", "SF5678": "", "****": "", "": "", "567": "", "X138 0000 5678": "",
	} {
		hits, err := s.Find(t.Context(), value, nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(hits) > 0 {
			got = fmt.Sprint(hits[0].Kinds[0])
		}
		if got != want {
			t.Errorf("%q is found by %q, want %q", value, got, want)
		}
	}
}
