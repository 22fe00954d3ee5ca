package pipelines_test

import (
	"slices"
	"testing"

	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// lookingUp makes the canonical mapping read the lookup table.
func lookingUp(w *world) {
	w.files["in.yaml"] = mend(inMapping, "{ to: seller_note, from: sku }", "{ to: seller_note, from: sku, lookup: skus }")
	w.files["out.yaml"] = mend(outMapping, "from: seller_note, lookup: skus", "from: seller_note")
}

func incidentsOf(t *testing.T, w *world, state string) []ledger.Incident {
	t.Helper()
	list, err := w.led.(ledger.Desk).Incidents(t.Context(), ledger.IncidentFilter{State: state})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestALookupEntryReleasesRecordsOfACanonicalMapping(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, lookingUp)
	for _, d := range []shopDoc{{No: "1", Sku: "B"}, {No: "2", Sku: "B"}, {No: "3", Sku: "C"}} {
		d.Status, d.Fen, d.Version = "paid", 100, 1
		w.put(d)
	}
	w.until("three records to be parked", func() bool { return len(w.states()) == 3 })
	desk := w.led.(ledger.Desk)
	waiting, err := desk.WaitingLookups(t.Context(), "", "", 10)
	if err != nil || len(waiting) != 2 || waiting[0].Table != "skus" || waiting[0].Key != "B" || waiting[0].Records != 2 || waiting[0].Oldest.IsZero() {
		t.Fatalf("waiting are %+v, %v", waiting, err)
	}
	if page, err := desk.WaitingLookups(t.Context(), "skus", "B", 1); err != nil || len(page) != 1 || page[0].Key != "C" {
		t.Fatalf("the second page is %+v, %v", page, err)
	}
	if n, err := w.eng.PutLookup(t.Context(), "skus", "B", "b-1", "tester", "a test"); n != 2 || err != nil {
		t.Fatalf("released %d, %v", n, err)
	}
	w.rest()
	got := w.target.calls()
	slices.Sort(got) // two lanes
	if !slices.Equal(got, []string{"push T-1", "push T-2"}) {
		t.Fatalf("what took effect: %v", got)
	}
	if list := incidentsOf(t, w, "open"); len(list) != 1 || list[0].Field != "skus: C" {
		t.Fatalf("open are %+v", list)
	}
}

// An entry that came another way, or whose records a crash left behind, is found too;
// what misses a second entry waits for that one.
func TestRecordsAreReleasedByWhatIsThere(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, lookingUp, func(w *world) {
		w.files["in.yaml"] += "  - { to: buyer_note, from: no, lookup: skus }\n"
	})
	w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1, Sku: "B"})
	w.until("the record to be parked", func() bool { return len(w.states()) == 1 })
	w.tables["B"] = "b-1"
	if n, err := w.eng.ReleaseRecords(t.Context(), "", ""); n != 0 || err != nil {
		t.Fatalf("released %d, %v", n, err)
	}
	if list := incidentsOf(t, w, "open"); len(list) != 1 || list[0].Field != "skus: 1" {
		t.Fatalf("open are %+v", list)
	}
	w.tables["1"] = "one"
	if n, err := w.eng.ReleaseRecords(t.Context(), "", ""); n != 1 || err != nil {
		t.Fatalf("released %d, %v", n, err)
	}
	w.comes("push T-1 delivered ")
	if list := incidentsOf(t, w, "closed"); len(list) != 2 {
		t.Fatalf("closed are %+v", list)
	}
	if _, err := w.eng.ReplayRecord(t.Context(), 1, pipelines.Remap, "tester"); err == nil {
		t.Fatal("a routed record was mapped again")
	}
}
