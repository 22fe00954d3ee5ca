package oddshop

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/canonical"
	"github.com/minihub/minihub/schemas/codec"
)

// program compiles the mapping as a hub over testdata/hub does.
func program(t *testing.T) *mapper.Program {
	t.Helper()
	tables, err := mappings.LoadLookups(os.DirFS("testdata/hub"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	shape := func(name string) (mapper.Shape, bool) {
		s, ok := set.Get(name)
		if !ok {
			return nil, false
		}
		return mapper.ShapeOf(s.Shape()), true
	}
	src, err := os.ReadFile("testdata/hub/mappings/oddshop/in/order.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := mapper.Compile("oddshop/in/order.yaml", src, mapper.Options{Lookups: tables, Shapes: shape})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTheMappingTellsTheTruth maps every order of a short day and holds it to what the shop knows.
func TestTheMappingTellsTheTruth(t *testing.T) {
	c, _ := play(t, 11, 150)
	p := program(t)
	tables, err := mappings.LoadLookups(os.DirFS("testdata/hub"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := set.Get("canonical/order")
	if !ok {
		t.Fatal("there is no canonical/order")
	}
	states := map[State]string{Unpaid: "pending_payment", Paid: "paid", Shipped: "shipped", Done: "completed", Cancelled: "cancelled"}
	mapped := 0
	for page := 1; ; page++ {
		rows := c.list("page", fmt.Sprint(page))
		for _, row := range rows {
			raw, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			// The hub reads no NUL in any form; the manifest cleans them away.
			raw = bytes.ReplaceAll(raw, []byte(`\u0000`), nil)
			tree, err := codec.Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			out, err := p.Run(tree, mapper.Context{Store: map[string]any{"code": "odd"}, Lookups: tables})
			if err != nil {
				t.Fatalf("%v of %s", err, raw)
			}
			if v := schema.Validate(out); len(v) != 0 {
				t.Fatalf("%v of %s", v, raw)
			}
			id, err := strconv.ParseInt(string(row["oid"]), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			want := c.sim.Truth()[id].Order
			var got canonical.Order
			b, err := codec.Encode(out)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.NewDecoder(bytes.NewReader(b)).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if diff := differences(want, got, states[want.State]); diff != "" {
				t.Fatalf("order %d: %s\n%s", id, diff, b)
			}
			mapped++
		}
		if len(rows) < maxPage {
			break
		}
	}
	if mapped < 100 {
		t.Fatalf("only %d orders were mapped", mapped)
	}
}

// differences compares an order of the hub with the shop's, field by field.
func differences(want Order, got canonical.Order, status string) string {
	var out []string
	same := func(field string, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			out = append(out, fmt.Sprintf("%s is %v, want %v", field, got, want))
		}
	}
	at := func(field string, got canonical.Time, want time.Time) {
		switch t, err := time.Parse(time.RFC3339, string(got)); {
		case want.IsZero() && got == "":
		case err != nil || !t.Equal(want):
			out = append(out, fmt.Sprintf("%s is %q, want %s", field, got, want))
		}
	}
	name := func(id int) string { r, _ := region(id); return r.Name }
	fen := func(m canonical.Money) string { return fmt.Sprint(m.Minor, m.Currency) }
	yuan := func(fen int64) string { return fmt.Sprint(fen, "CNY") }
	same("order_no", got.OrderNo, want.Number)
	same("source_id", got.SourceID, want.ID)
	same("status", got.Status, status)
	at("placed_at", got.PlacedAt, want.PlacedAt)
	at("paid_at", got.PaidAt, want.PaidAt)
	at("shipped_at", got.ShippedAt, want.ShippedAt)
	same("goods", fen(got.Amounts.Goods), yuan(want.goods()))
	same("total", fen(got.Amounts.Total), yuan(want.Total))
	same("freight", fen(*got.Amounts.Freight), yuan(want.Freight))
	same("paid", got.Amounts.Paid != nil, !want.PaidAt.IsZero())
	same("nickname", got.Buyer.Nickname, want.Buyer.Nick)
	same("recipient", got.ShipTo.Recipient, want.Receiver.Name)
	same("province", got.ShipTo.Province, name(want.Receiver.Province))
	same("city", got.ShipTo.City, name(want.Receiver.City))
	same("district", got.ShipTo.District, name(want.Receiver.District))
	same("note", got.BuyerNote, want.Note)
	same("parcels", len(got.Parcels) == 1 && got.Parcels[0].TrackingNo == want.Waybill, want.Waybill != "")
	same("lines", len(got.Lines), len(want.Lines))
	for i, l := range want.Lines[:min(len(want.Lines), len(got.Lines))] {
		g := got.Lines[i]
		same(fmt.Sprintf("line %d", i), fmt.Sprint(g.LineID, g.SKUCode, g.Title, g.Qty, fen(*g.UnitPrice), fen(g.NetTotal)),
			fmt.Sprint(l.ID, l.SKU, l.Title, l.Qty, yuan(l.Price), yuan(l.Price*l.Qty)))
	}
	return strings.Join(out, "; ")
}

// TestTheRegionTableIsTheShops holds the lookup table to region.list.
func TestTheRegionTableIsTheShops(t *testing.T) {
	tables, err := mappings.LoadLookups(os.DirFS("testdata/hub"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range open(t, Options{}).ask(callRegions).Data.List {
		id, name := strings.Trim(string(r["region_id"]), `"`), strings.Trim(string(r["region_name"]), `"`)
		if got, ok := tables.Get("oddshop_regions", id); !ok || got != name {
			t.Errorf("region %s is %v in the table, want %s", id, got, name)
		}
	}
}

var update = flag.Bool("update", false, "write what the mapping gives into the case files")

// TestCases runs the cases beside the mapping.
func TestCases(t *testing.T) {
	hub := os.DirFS("testdata/hub")
	tables, err := mappings.LoadLookups(hub)
	if err != nil {
		t.Fatal(err)
	}
	known, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := fs.Sub(hub, "mappings")
	if err != nil {
		t.Fatal(err)
	}
	set, err := mappings.Load(mappings.Options{Deployment: folder, Tables: tables, Shapes: func(name string) (mapper.Shape, bool) {
		s, ok := known.Get(name)
		if !ok {
			return nil, false
		}
		return mapper.ShapeOf(s.Shape()), true
	}})
	if err != nil {
		t.Fatal(err)
	}
	mappings.RunCases(t, folder, set, mappings.CaseOptions{Update: *update, Dir: "testdata/hub/mappings"})
	if files, err := mappings.CaseFiles(folder); err != nil || len(files) < 4 {
		t.Errorf("only the cases %v, %v", files, err)
	}
}
