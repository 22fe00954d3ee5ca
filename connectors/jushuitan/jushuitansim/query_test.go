package jushuitansim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors/simkit"
)

func (b *bench) soIDs(biz string) string {
	b.t.Helper()
	var out []string
	for _, r := range b.rows(queryPath, biz, "orders") {
		out = append(out, str(r, "so_id"))
	}
	return strings.Join(out, ",")
}

func TestQueryRefusals(t *testing.T) {
	b := start(t, Options{})
	many := strings.TrimSuffix(strings.Repeat(`"a",`, 21), ",")
	for _, tc := range []struct{ path, biz string }{
		{queryPath, `{}`},
		{queryPath, `{"so_ids":[` + many + `]}`},
		{queryPath, `{"so_ids":"A1"}`},
		{queryPath, `{"o_ids":["1"]}`},
		{queryPath, `{"so_ids":["A1"],"page_size":101}`},
		{queryPath, `{"so_ids":["A1"],"page_index":0}`},
		{queryPath, `{"so_ids":["A1"],"status":"Shipped"}`},
		{queryPath, `{"so_ids":["A1"],"date_type":1}`},
		{queryPath, `{"so_ids":["A1"],"colour":1}`},
		{queryPath, `{"modified_begin":"2025-01-01 00:00:00"}`},
		{queryPath, `{"modified_begin":"2025-01-01 00:00:00","modified_end":"2025-01-08 00:00:01"}`},
		{queryPath, `{"modified_begin":"2025-01-02 00:00:00","modified_end":"2025-01-01 00:00:00"}`},
		{queryPath, `{"modified_begin":"2025-1-1 00:00:00","modified_end":"2025-01-02 00:00:00"}`},
		{"/open/logistic/query", `{"so_ids":["A1"],"page_size":51}`},
		{"/open/refund/single/query", `{"page_size":10}`},
		{"/open/refund/single/query", `{"so_ids":["A1"],"page_size":51}`},
		{"/open/inventory/query", `{}`},
		{"/open/inventory/query", `{"sku_ids":"` + strings.Repeat("a,", 100) + `a"}`},
	} {
		if a := b.call(tc.path, tc.biz); a.Code != 130 {
			t.Errorf("%s %s: code %d", tc.path, tc.biz, a.Code)
		}
	}
	if a := b.call(queryPath, `{"modified_begin":"2025-01-01 00:00:00","modified_end":"2025-01-08 00:00:00"}`); a.Code != 0 {
		t.Errorf("seven days are allowed: %+v", a)
	}
}

func TestQueryWindowPagesAndTS(t *testing.T) {
	b := start(t, Options{})
	for i := range 5 {
		b.upload(sample(fmt.Sprint("A", i)))
		b.clock.add(time.Minute)
	}
	window := `"modified_begin":"2025-01-02 11:01:00","modified_end":"2025-01-02 11:03:00"`
	if got := b.soIDs(`{` + window + `}`); got != "A1,A2,A3" {
		t.Errorf("window: %s", got)
	}
	if got := b.soIDs(`{` + window + `,"page_size":2,"page_index":2}`); got != "A3" {
		t.Errorf("second page: %s", got)
	}
	if got := b.soIDs(`{"modified_begin":"2025-01-01 09:00:00","modified_end":"2025-01-01 10:00:00","date_type":2}`); got != "A0,A1,A2,A3,A4" {
		t.Errorf("order date: %s", got)
	}
	var page struct {
		PageIndex int  `json:"page_index"`
		Count     int  `json:"data_count"`
		Pages     int  `json:"page_count"`
		HasNext   bool `json:"has_next"`
	}
	if err := json.Unmarshal(b.call(queryPath, `{"start_ts":0,"page_size":2}`).Data, &page); err != nil {
		t.Fatal(err)
	}
	if page.PageIndex != 1 || page.Count != 5 || page.Pages != 3 || !page.HasNext {
		t.Errorf("%+v", page)
	}
	// a row that changes between two pages moves to the end under start_ts: nothing is lost
	b.upload(sample("A0", with("remark", "改")))
	ts := b.Orders()[1].TS
	if got := b.soIDs(fmt.Sprintf(`{"start_ts":%d,"is_get_total":false}`, ts)); got != "A1,A2,A3,A4,A0" {
		t.Errorf("start_ts: %s", got)
	}
	if got := b.soIDs(`{"so_ids":["A4","A2","nobody"]}`); got != "A2,A4" {
		t.Errorf("so_ids: %s", got)
	}
	if got := b.soIDs(`{"o_ids":[` + b.Orders()[3].OID + `]}`); got != "A3" {
		t.Errorf("o_ids: %s", got)
	}
}

func TestOrderRowReadsBack(t *testing.T) {
	b := start(t, Options{})
	oid := b.upload(sample("A1", line("refund_status", "waiting")))["o_id"]
	row := b.rows(queryPath, `{"so_ids":["A1"]}`, "orders")[0]
	items, pays := objects(row, "items"), objects(row, "pays")
	got := []any{row["o_id"], row["status"], row["pay_amount"], row["paid_amount"], row["freight"], row["receiver_name"], row["created"],
		items[0]["refund_status"], items[0]["amount"], items[0]["price"], items[1]["refund_status"], items[1]["raw_so_id"], pays[0]["outer_pay_id"]}
	want := []any{oid, Question, json.Number("118.00"), json.Number("118"), "8.00", "张三", "2025-01-02 11:00:00",
		"waiting", json.Number("80.01"), json.Number("40.0050"), "none", "A1", "42000001"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLagHidesYoungOrders(t *testing.T) {
	b := start(t, Options{})
	b.upload(sample("A1"))
	b.fault(simkit.Fault{Kind: simkit.Lag, Call: "orders/single/query", DelayMS: 5000})
	if got := b.soIDs(`{"so_ids":["A1"]}`); got != "" {
		t.Errorf("too early: %s", got)
	}
	b.clock.add(5 * time.Second)
	if got := b.soIDs(`{"so_ids":["A1"]}`); got != "A1" {
		t.Errorf("after the lag: %s", got)
	}
}

func TestReorder(t *testing.T) {
	b := start(t, Options{})
	b.upload(sample("A1"))
	b.upload(sample("A2"))
	b.fault(simkit.Fault{Kind: simkit.Reorder, Count: 1})
	if got := b.soIDs(`{"so_ids":["A1","A2"]}`); got != "A2,A1" {
		t.Error(got)
	}
}

func TestShipSplitAndMerge(t *testing.T) {
	b := start(t, Options{})
	b.upload(sample("A1"))
	b.upload(sample("A2"))
	b.upload(sample("A3"))
	part, err := b.ShipPart("", "A1", "SF1001", map[string]int64{"A1-1": 1})
	if err != nil || part.Lines["A1-1"] != 1 || len(part.Lines) != 1 {
		t.Fatalf("%+v %v", part, err)
	}
	rest, err := b.Ship("A1")
	if err != nil || rest.Lines["A1-1"] != 1 || rest.Lines["A1-2"] != 1 {
		t.Fatalf("%+v %v", rest, err)
	}
	if _, err := b.Ship("A1"); err == nil {
		t.Error("nothing is left to ship")
	}
	var got []string
	for _, r := range b.rows("/open/logistic/query", `{"so_ids":["A1"]}`, "orders") {
		for _, it := range objects(r, "items") {
			got = append(got, fmt.Sprint(r["l_id"] == "SF1001", " ", it["outer_oi_id"], " ", it["qty"]))
		}
	}
	if diff := cmp.Diff([]string{"false A1-1 1", "false A1-2 1", "true A1-1 1"}, got); diff != "" {
		t.Error(diff)
	}
	amounts := map[string]bool{}
	for _, o := range b.Orders() {
		if o.From == "SPLIT" {
			amounts[o.Items[0].Amount] = true
		}
	}
	if diff := cmp.Diff(map[string]bool{"40.00": true, "40.01": true}, amounts); diff != "" {
		t.Error(diff)
	}

	oid, err := b.Merge("", "A2", "A3")
	if err != nil {
		t.Fatal(err)
	}
	if a2, _ := b.Order("", "A2"); a2.Status != Merged || a2.LinkOID != oid {
		t.Errorf("%+v", a2)
	}
	if _, err := b.Ship("A2"); err != nil {
		t.Fatal(err)
	}
	rows := b.rows("/open/logistic/query", `{"so_ids":["A3"]}`, "orders")
	if len(rows) != 1 || str(objects(rows[0], "items")[3], "raw_so_id") != "A3" {
		t.Errorf("the merged parcel must be found by either so_id: %v", rows)
	}
	for _, st := range b.Stock() {
		if want := map[string]int64{"TEE-RED-L": 494, "TEE-RED-M": 497, "CUP-JX": 80}[st.SkuID]; st.Qty != want || st.OrderLock != 0 {
			t.Errorf("%s: %d on hand, %d locked", st.SkuID, st.Qty, st.OrderLock)
		}
	}
}

func TestInventory(t *testing.T) {
	b := start(t, Options{})
	b.clock.add(time.Hour)
	b.upload(sample("A1"))
	rows := b.rows("/open/jushuitan/inventory/query", `{"sku_ids":"TEE-RED-L,CUP-JX","has_lock_qty":true}`, "inventorys")
	if len(rows) != 2 || str(rows[1], "order_lock") != "2" || str(rows[1], "qty") != "500" || str(rows[1], "lock_qty") != "0" {
		t.Errorf("%v", rows)
	}
	rows = b.rows("/open/inventory/query", `{"modified_begin":"2025-01-02 12:00:00","modified_end":"2025-01-02 12:00:00"}`, "inventorys")
	if len(rows) != 2 {
		t.Errorf("only touched stock is in the window: %v", rows)
	}
}

func TestReferenceQueries(t *testing.T) {
	b := start(t, Options{Shops: []Shop{{7, "甲"}, {8, "乙"}}})
	if rows := b.rows("/open/shops/query", `{"shop_ids":[8]}`, "datas"); len(rows) != 1 || rows[0]["shop_name"] != "乙" {
		t.Errorf("%v", rows)
	}
	if rows := b.rows("/open/logisticscompany/query", `{}`, "datas"); len(rows) != 3 || rows[0]["lc_id"] != "SF" {
		t.Errorf("%v", rows)
	}
}
