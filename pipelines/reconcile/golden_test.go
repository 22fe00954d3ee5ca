package reconcile

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/pipelines/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestTheReportsFormIsStable holds the stored and public form against files; after a
// change on purpose: go test -run Form -update.
func TestTheReportsFormIsStable(t *testing.T) {
	w := newWorld(t)
	many(w, 3)
	w.order("shop-b", 1, noon)
	w.oms.drop(push, "shop-a-a0002")
	w.omsHas(paper{ID: "a7777", Store: "shop-a", Status: open, Amount: 999}, noon)
	w.oms.find(push, "shop-a-a0003").Amount += 250
	w.at(noon, func() {
		p := w.order("shop-a", 8, noon)
		w.routed(p, w.pull(p), nil)
		p = w.order("shop-a", 9, noon)
		w.routed(p, w.pull(p), func(d *ledger.NewDelivery) {
			d.State, d.Code, d.Text = ledger.Parked, "schema.target", "lines/0/sku\nis missing"
		})
	})
	w.oms.find(push, key1).Status = closed
	w.shops["shop-b"].getFails = true
	w.at(day0.Add(time.Hour), func() { w.deliver(w.order("shop-b", 2, day0.Add(time.Hour)), w.now) })
	w.shops["shop-b"].drop(orders, "b0002")
	rep := w.run()
	body, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", append(body, '\n'))
	var table bytes.Buffer
	if err := rep.Table(&table, 4); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", table.Bytes())
	healed := w.heal(rep)
	if body, err = json.MarshalIndent(healed, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "healed.json", append(body, '\n'))
	table.Reset()
	if err := healed.Table(&table, 4); err != nil {
		t.Fatal(err)
	}
	golden(t, "healed.txt", table.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}
