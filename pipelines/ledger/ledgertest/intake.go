package ledgertest

import (
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

func intakeNew(k *kit) {
	it := item("o-1", 7, `{"order":"o-1"}`, time.Second)
	it.RootKey, it.RootEnt = "root-1", "order"
	it.Headers = map[string]string{"trace": "t-1", "中": "文"}
	bad := item("o-2", 1, "\x00\xff half", 0)
	bad.Code, bad.Text = "envelope.unreadable", "the answer was cut off"
	gone := item("o-3", 1, "", 0)
	gone.Deleted = true
	k.intake(it, bad, gone)
	if it.Outcome != "new" || !it.First || it.ID == 0 {
		k.Fatalf("outcome %q, first %v, id %d", it.Outcome, it.First, it.ID)
	}
	r := k.record(it.ID)
	sum := sha256.Sum256(it.Body)
	want := &ledger.Record{ID: it.ID, Doc: r.Doc, DocKey: ledger.DocKey{Connection: "shop", Entity: "order", Key: "o-1"},
		Stream: "orders", Root: ledger.RootHash("shop", "order", "root-1"), RootKey: "root-1", Version: 7,
		FetchedAt: base.Add(time.Second), At: r.At, Digest: ledger.Digest(sum[:16]), State: ledger.RecordReceived,
		Payload: r.Payload, Headers: it.Headers}
	k.equal("record", r, want)
	if age := time.Since(r.At); age < 0 || age > time.Minute {
		k.Fatalf("durable %v ago", age)
	}
	k.equal("unreadable", k.record(bad.ID).State, ledger.RecordParked)
	k.equal("its code", k.record(bad.ID).Code, bad.Code)
	body, err := k.l.Payload(k.ctx, k.record(bad.ID).Payload)
	if err != nil || string(body) != "\x00\xff half" {
		k.Fatalf("payload %q, %v", body, err)
	}
	k.equal("tombstone", k.record(gone.ID).Deleted, true)
	if k.record(gone.ID).Payload != (ledger.Ref{}) {
		k.Fatal("an empty document has a payload")
	}
	if _, err := k.l.Record(k.ctx, 999); !errors.Is(err, ledger.ErrNotFound) {
		k.Fatalf("a record that is not there: %v", err)
	}
}

func intakeOrder(k *kit) {
	steps := []struct {
		name    string
		version int64
		body    string
		fetched time.Duration
		outcome string
		of      int // the step whose record it is
	}{
		{"first", 5, "a", 0, "new", 0},
		{"exact repeat", 5, "a", 1, "repeat", 0},
		{"newer version", 6, "b", 2, "new", 2},
		{"repeat of an older record", 5, "a", 9, "repeat", 0},
		{"older version from a slower path", 4, "z", 9, "older", 4},
		{"repeat of what was older", 4, "z", 9, "repeat", 4},
		{"same version, changed, fetched later", 6, "c", 3, "new", 6},
		{"same version, changed back", 6, "b", 4, "new", 7},
		{"same version, fetched before the newest", 6, "d", 3, "older", 8},
		{"seen again", 6, "b", 20, "repeat", 7},
		{"fetched before the newest was seen last", 6, "e", 19, "older", 10},
		{"fetched at the same moment", 6, "f", 20, "new", 11},
	}
	made := make([]int64, len(steps))
	repeats := make([]int, len(steps))
	for i, s := range steps {
		it := item("o-1", s.version, s.body, s.fetched*time.Second)
		k.intake(it)
		if it.Outcome != s.outcome || it.First != (i == 0) {
			k.Fatalf("%s: outcome %q, first %v", s.name, it.Outcome, it.First)
		}
		made[i] = it.ID
		switch s.outcome {
		case "repeat":
			repeats[s.of]++
			k.equal(s.name, it.ID, made[s.of])
		case "older":
			k.equal(s.name, k.record(it.ID).State, ledger.RecordSuperseded)
		default:
			newest, err := k.l.Latest(k.ctx, ledger.DocKey{Connection: "shop", Entity: "order", Key: "o-1"})
			if err != nil || newest.ID != it.ID {
				k.Fatalf("%s: newest %v, %v", s.name, newest, err)
			}
		}
	}
	for i, n := range repeats {
		if steps[i].of == i {
			k.equal("repeats of "+steps[i].name, k.record(made[i]).Repeats, n)
		}
	}
	rs, err := k.l.RootRecords(k.ctx, ledger.RootHash("shop", "order", "o-1"))
	if err != nil || len(rs) != 8 {
		k.Fatalf("%d records of the root, %v", len(rs), err)
	}
	for i := range rs[1:] {
		if rs[i].ID >= rs[i+1].ID {
			k.Fatal("records of a root are not in order of id")
		}
	}
	if _, err := k.l.Latest(k.ctx, ledger.DocKey{Connection: "shop", Entity: "order", Key: "none"}); !errors.Is(err, ledger.ErrNotFound) {
		k.Fatalf("newest of nothing: %v", err)
	}
}

func intakeBatch(k *kit) {
	a, again, b, old := item("o-1", 1, "a", 0), item("o-1", 1, "a", 0), item("o-1", 2, "b", 0), item("o-1", 1, "c", -1)
	other := item("o-2", 1, "a", 0)
	k.intake(a, again, b, old, other)
	for i, c := range []struct {
		it   *ledger.IntakeItem
		want string
	}{{a, "new"}, {again, "repeat"}, {b, "new"}, {old, "older"}, {other, "new"}} {
		if c.it.Outcome != c.want {
			k.Errorf("item %d is %s, want %s", i, c.it.Outcome, c.want)
		}
	}
	k.equal("repeat of the same batch", again.ID, a.ID)
	k.equal("repeats", k.record(a.ID).Repeats, 1)
}

func cursor(k *kit) {
	page := func(from, to string) (*ledger.Intake, *ledger.IntakeItem) {
		it := item(to, 1, "x", 0)
		return &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{it},
			Cursor: &ledger.Cursor{Connection: "shop", Stream: "orders", Name: "live", From: from, To: to}}, it
	}
	first, _ := page("", "p1")
	second, _ := page("p1", "p2")
	k.commit(first, second) // the second sees the first
	k.equal("applied", []bool{first.Applied, second.Applied}, []bool{true, true})
	stale, it := page("p1", "p3")
	stale.Hints = []*ledger.NewHint{{Stream: "orders", Key: "h", RootEnt: "order", RootKey: "h"}}
	k.commit(stale)
	if stale.Applied || it.ID != 0 {
		k.Fatal("a page with a stale cursor was written")
	}
	if hs, err := k.l.Hints(k.ctx, ledger.Filter{}); err != nil || len(hs) != 0 {
		k.Fatalf("hints of a refused page: %v, %v", hs, err)
	}
	for name, want := range map[string]string{"live": "p2", "backfill": ""} {
		got, err := k.l.Cursor(k.ctx, "shop", "orders", name)
		if err != nil || got != want {
			k.Fatalf("cursor %s is %q, %v; want %q", name, got, err, want)
		}
	}
}

func hints(k *kit) {
	ask := func(keys ...string) []*ledger.NewHint {
		u := &ledger.Intake{Connection: "shop", Stream: "events"}
		for _, key := range keys {
			u.Hints = append(u.Hints, &ledger.NewHint{Stream: "orders", Key: key, RootEnt: "order", RootKey: key})
		}
		k.commit(u)
		return u.Hints
	}
	hs := ask("1", "1", "2")
	k.equal("merged", []bool{hs[0].Merged, hs[1].Merged, hs[2].Merged}, []bool{false, true, false})
	k.equal("one row", hs[1].ID, hs[0].ID)
	more := ask("1")
	k.equal("merged later", more[0].Merged, true)
	h, err := k.l.Hint(k.ctx, hs[0].ID)
	if err != nil {
		k.Fatal(err)
	}
	k.equal("hint", h, &ledger.Hint{ID: h.ID, Connection: "shop", Stream: "orders", Key: "1", Root: ledger.RootHash("shop", "order", "1"),
		Asked: 3, State: "pending", FirstAt: h.FirstAt})
	if h.FirstAt.IsZero() {
		k.Fatal("when it was asked first is not known")
	}
	// The page that answers it, and the answer, are one commit.
	it := item("1", 1, "x", 0)
	u := &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{it}, Answered: []ledger.HintDone{{ID: h.ID, Asked: 3}}}
	k.commit(u)
	h, err = k.l.Hint(k.ctx, h.ID)
	if err != nil || h.State != "done" || h.Done != 3 || u.Answered[0].Again {
		k.Fatalf("answered hint: %+v, %v", h, err)
	}
	k.equal("asked anew", ask("1")[0].Merged, false)
	open, err := k.l.Hints(k.ctx, ledger.Filter{States: []string{"pending"}})
	if err != nil || len(open) != 2 {
		k.Fatalf("pending hints: %v, %v", open, err)
	}
}

func hintsAgain(k *kit) {
	one := func(h *ledger.NewHint) *ledger.Intake {
		return &ledger.Intake{Connection: "shop", Stream: "events", Hints: []*ledger.NewHint{h}}
	}
	h := &ledger.NewHint{Stream: "orders", Key: "1", RootEnt: "order", RootKey: "1"}
	k.commit(one(h))
	k.commit(one(&ledger.NewHint{Stream: "orders", Key: "1", RootEnt: "order", RootKey: "1"})) // while a fetch of count 1 runs
	answer := func(a ledger.HintDone) (ledger.HintDone, *ledger.Hint) {
		a.ID = h.ID
		u := &ledger.Intake{Connection: "shop", Stream: "orders", Answered: []ledger.HintDone{a}}
		k.commit(u)
		row, err := k.l.Hint(k.ctx, h.ID)
		if err != nil {
			k.Fatal(err)
		}
		return u.Answered[0], row
	}
	a, row := answer(ledger.HintDone{Asked: 1})
	if !a.Again || row.State != "pending" || row.Done != 1 {
		k.Fatalf("asked again: %+v %+v", a, row)
	}
	next := base.Add(time.Hour)
	a, row = answer(ledger.HintDone{Asked: 2, State: "pending", Code: "fetch.busy", Text: "busy", NextAt: next})
	if a.Again || row.State != "pending" || row.Attempts != 1 || !row.NextAt.Equal(next) || row.Code != "fetch.busy" {
		k.Fatalf("failed fetch: %+v %+v", a, row)
	}
	_, row = answer(ledger.HintDone{Asked: 2, State: "parked", Code: "fetch.gone", Text: "gone"})
	if row.State != "parked" || !row.NextAt.IsZero() {
		k.Fatalf("parked hint: %+v", row)
	}
	k.commit(one(h)) // news of it
	if row, err := k.l.Hint(k.ctx, h.ID); err != nil || row.State != "pending" || row.Asked != 3 || row.Attempts != 0 || row.Code != "" {
		k.Fatalf("a parked hint that is asked again: %+v, %v", row, err)
	}
	k.commit(one(h))
	a, row = answer(ledger.HintDone{Asked: 3, State: "parked", Code: "fetch.gone"})
	if !a.Again || row.State != "pending" {
		k.Fatalf("parked while asked again: %+v %+v", a, row)
	}
	k.commit(&ledger.Intake{Connection: "shop", Stream: "orders", Answered: []ledger.HintDone{{ID: 999, Asked: 1}}})
}

func badText(k *kit) {
	it := item("o-1", 1, "x", 0)
	for name, u := range map[string]ledger.Unit{
		"a key of 3 kB":         &ledger.Intake{Connection: "shop", Items: []*ledger.IntakeItem{item(strings.Repeat("k", 3000), 1, "x", 0)}},
		"NUL in a key":          &ledger.Intake{Connection: "shop", Items: []*ledger.IntakeItem{item("a\x00b", 1, "x", 0)}},
		"bad UTF-8 in a header": &ledger.Intake{Connection: "shop", Items: []*ledger.IntakeItem{{Key: "k", Headers: map[string]string{"h": "\xff"}}}},
		"NUL in a label":        &ledger.Route{Record: 1, To: ledger.RecordRouted, Label: "\x00"},
		"NUL in a person":       &ledger.Settle{Delivery: 1, To: ledger.Parked, Who: "\x00"},
		"an unknown state":      &ledger.Settle{Delivery: 1, To: "lost"},
		"a wrong dependency":    &ledger.Route{Record: 1, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{push("a", ledger.Blocked, afterNew(1))}},
		"a half reference": &ledger.Route{Record: 1, To: ledger.RecordRouted,
			Deliveries: []*ledger.NewDelivery{push("a", ledger.Blocked, ledger.Dep{Kind: ledger.DepReference, Key: "erp"})}},
		"an impossible state": &ledger.Route{Record: 1, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{push("a", ledger.Sending)}},
	} {
		err := k.l.Commit(k.ctx, &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{it}}, u)
		if err == nil {
			k.Errorf("%s was taken", name)
		} else if strings.Contains(err.Error(), "\x00") || strings.Contains(err.Error(), "\xff") {
			k.Errorf("%s: the error repeats the text: %q", name, err)
		}
	}
	if it.ID != 0 {
		k.Fatal("a unit beside a bad one was written")
	}
	long := item(strings.Repeat("长", 250), 1, "x", 0)
	k.intake(long)
	k.equal("a long key", k.record(long.ID).DocKey.Key, long.Key)
	nice := item("键🙂\u2028'\"\\%_", 1, "x", 0)
	nice.Text, nice.Code = "\x01\x1f\ufffd\U0010ffff", "c"
	k.intake(nice)
	k.equal("text", k.record(nice.ID).Text, nice.Text)
	k.equal("key", k.record(nice.ID).DocKey.Key, nice.Key)
}

func sightings(k *kit) {
	k.intake(item("o-1", 1, "a", time.Second), item("o-2", 1, "b", 2*time.Second))
	k.intake(item("o-1", 1, "a", 9*time.Second)) // a repeat is a sighting too
	got, err := k.l.Sighted(k.ctx, "shop", "order", []string{"o-2", "unknown", "o-1"})
	if err != nil {
		k.Fatal(err)
	}
	if len(got) != 2 || !got["o-1"].Equal(base.Add(9*time.Second)) || !got["o-2"].Equal(base.Add(2*time.Second)) {
		k.Fatalf("sighted %v", got)
	}
	if got, err := k.l.Sighted(k.ctx, "shop", "member", []string{"o-1"}); err != nil || len(got) != 0 {
		k.Fatalf("another entity: %v, %v", got, err)
	}
}

// unversioned holds a source without versions: what it says again is a repeat.
func unversioned(k *kit) {
	at := func(key, body string, second int64) *ledger.IntakeItem {
		it := item(key, base.Unix()+second, body, time.Duration(second)*time.Second)
		it.Unversioned, it.Watch = true, true
		return it
	}
	steps := []struct {
		second  int64
		body    string
		outcome string
	}{
		{1, "a", "new"}, {2, "a", "repeat"}, {5, "a", "repeat"},
		{3, "b", "older"}, // fetched before a was seen last
		{3, "b", "repeat"}, {6, "b", "new"}, {7, "a", "new"}, {8, "a", "repeat"},
	}
	for i, s := range steps {
		it := at("o-1", s.body, s.second)
		k.intake(it)
		if it.Outcome != s.outcome {
			k.Fatalf("step %d (%s at %d) is %q, want %q", i, s.body, s.second, it.Outcome, s.outcome)
		}
	}
	gone, done := at("o-2", "x", 1), at("o-3", "x", 1)
	k.intake(gone, done, at("o-4", "x", 9))
	done = at("o-3", "x", 2)
	done.Watch = false
	k.intake(done)
	k.intake(item("o-5", 1, "never watched", time.Second))
	unseen := func(since, after int64, limit int, want ...string) int64 {
		k.Helper()
		docs, err := k.l.Unseen(k.ctx, "shop", "orders", base.Add(time.Duration(since)*time.Second), after, limit)
		if err != nil {
			k.Fatal(err)
		}
		got := []string{}
		for _, d := range docs {
			got = append(got, d.Key+"/"+d.RootKey)
			after = d.Doc
		}
		k.equal("unseen", got, append([]string{}, want...))
		return after
	}
	unseen(8, 0, 10, "o-2/o-2")
	after := unseen(10, 0, 2, "o-1/o-1", "o-2/o-2")
	unseen(10, after, 2, "o-4/o-4")
	unseen(1, 0, 10)
}
