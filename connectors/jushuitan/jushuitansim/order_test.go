package jushuitansim

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors/simkit"
)

func TestUploadKeepsWhatCame(t *testing.T) {
	b := start(t, Options{})
	res := b.upload(sample("A1"))
	if res["issuccess"] != true || str(res, "o_id") == "0" || res["so_id"] != "A1" {
		t.Fatalf("result %v", res)
	}
	o, ok := b.Order("", "A1")
	if !ok {
		t.Fatal("no order")
	}
	if o.Status != WaitConfirm || o.OID != str(res, "o_id") || !o.Primary || o.PayAmount != "118.00" || o.Freight != "8.00" ||
		o.ShopStatus != "WAIT_SELLER_SEND_GOODS" || o.OrderDate != "2025-01-01 10:00:00" {
		t.Errorf("order %+v", o)
	}
	if diff := cmp.Diff(Receiver{Name: "张三", Mobile: "13800000000", State: "浙江省", City: "杭州市", District: "余杭区", Address: "仓前街道示例路1号"}, o.Receiver); diff != "" {
		t.Error(diff)
	}
	want := Line{OuterOiID: "A1-1", SkuID: "TEE-RED-L", ShopSkuID: "TEE-RED-L", Name: "T恤", Qty: "2", Amount: "80.01", BasePrice: "60.00", RawSoID: "A1"}
	if diff := cmp.Diff(want, o.Items[0]); diff != "" {
		t.Error(diff)
	}
	if o.Pay == nil || o.Pay.Amount != "118" || o.Pay.OuterPayID != "42000001" {
		t.Errorf("pay %+v", o.Pay)
	}
	o.Fields["so_id"] = "changed"
	if again, _ := b.Order("", "A1"); again.Fields["so_id"] != "A1" {
		t.Error("an accessor must return a copy")
	}
}

func TestUploadTwiceIsOneOrder(t *testing.T) {
	b := start(t, Options{})
	first := b.upload(sample("A1"))
	before := b.Orders()[0]
	b.clock.add(time.Minute)
	second := b.upload(sample("A1"))
	if str(first, "o_id") != str(second, "o_id") || len(b.Orders()) != 1 {
		t.Fatalf("%v then %v", first, second)
	}
	if after := b.Orders()[0]; after.TS != before.TS || !after.Modified.Equal(before.Modified) {
		t.Error("an equal upload must not move the row")
	}
	b.upload(sample("A1", with("receiver_name", "李四"), with("shop_modified", "2025-01-01 11:00:00")))
	b.upload(sample("A1", with("shop_status", "TRADE_CLOSED"), with("shop_modified", "2025-01-01 12:00:00")))
	if diff := cmp.Diff(map[Effect]int{EffectCreated: 1, EffectUnchanged: 1, EffectUpdated: 1, EffectCancelled: 1}, b.Effects("10001/A1")); diff != "" {
		t.Error(diff)
	}
	var versions []string
	for _, e := range b.History("10001/A1") {
		versions = append(versions, e.Version)
	}
	if got := strings.Join(versions, ","); got != "2025-01-01 10:01:00,2025-01-01 10:01:00,2025-01-01 11:00:00,2025-01-01 12:00:00" {
		t.Errorf("versions %s", got)
	}
}

func TestRepeatedRequestIsOneEffect(t *testing.T) {
	b := start(t, Options{})
	b.fault(simkit.Fault{Kind: simkit.Duplicate, Call: "orders/upload"})
	b.upload(sample("A1"))
	if e := b.Effects("10001/A1"); len(b.Orders()) != 1 || e[EffectCreated] != 1 || e[EffectUnchanged] != 1 {
		t.Fatalf("effects %v", e)
	}
}

func TestRowRefusals(t *testing.T) {
	n := func(s string) json.Number { return json.Number(s) }
	for name, edit := range map[string]func(map[string]any){
		"so_id":                with("so_id", strings.Repeat("x", 51)),
		"order_date":           with("order_date", "2025-01-01T10:00:00Z"),
		"order_date ":          with("order_date", "2019-12-31 23:59:59"),
		"shop_status":          with("shop_status", "PAID"),
		"shop_id":              with("shop_id", n("99")),
		"shop_id ":             with("shop_id", "10001"),
		"shop_buyer_id":        with("shop_buyer_id", nil),
		"receiver_name":        with("receiver_name", "张😀"),
		"receiver_name ":       with("receiver_name", "张\u0007"),
		"receiver_mobile":      with("receiver_mobile", nil),
		"receiver_state":       with("receiver_state", ""),
		"receiver_city":        func(d map[string]any) { delete(d, "receiver_city"); d["receiver_address"] = "示例路1号" },
		"receiver_address":     with("receiver_address", strings.Repeat("路", 201)),
		"pay_amount":           with("pay_amount", n("118.001")),
		"pay_amount ":          with("pay_amount", "118.00"),
		"freight":              with("freight", n("-1")),
		"seller_flag":          with("seller_flag", n("6")),
		"labels":               with("labels", "一二三四五六七八九十一"),
		"colour":               with("colour", "red"),
		"pay.amount":           func(d map[string]any) { delete(d["pay"].(map[string]any), "amount") },
		"pay.outer_pay_id":     func(d map[string]any) { d["pay"].(map[string]any)["outer_pay_id"] = n("42") },
		"items":                with("items", []any{}),
		"items[0].sku_id":      line("sku_id", strings.Repeat("x", 41)),
		"items[0].qty":         line("qty", n("1.5")),
		"items[0].qty ":        line("qty", n("0")),
		"items[0].base_price":  line("base_price", nil),
		"items[1].outer_oi_id": line("outer_oi_id", "A1-2"),
		"items[0].refund_qty":  line("refund_qty", n("3")),
		"items[0].amount":      line("amount", n("1e2")),
		"items[0].weight":      line("weight", n("1")),
	} {
		b := start(t, Options{ArchiveBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, cst)})
		res := b.upload(sample("A1", edit))
		if msg := str(res, "msg"); res["issuccess"] != false || !strings.HasPrefix(msg, strings.TrimSpace(name)+":") {
			t.Errorf("%q: %v", name, res)
		}
		if len(b.Orders()) != 0 || b.count("orders/upload").Refused != 1 || len(b.Refusals()) != 1 {
			t.Errorf("%q: orders %d, counted %+v", name, len(b.Orders()), b.count("orders/upload"))
		}
	}
}

func TestAddressMayHoldTheRegions(t *testing.T) {
	b := start(t, Options{})
	res := b.upload(sample("A1", with("receiver_state", nil), with("receiver_city", nil), with("receiver_district", nil), with("receiver_address", "浙江省杭州市余杭区示例路1号")))
	if res["issuccess"] != true {
		t.Fatal(res)
	}
}

func TestMixedBatch(t *testing.T) {
	b := start(t, Options{})
	rows := b.rows(uploadPath, b.biz(sample("A1"), sample("A2", with("items", nil)), sample("A3")), "datas")
	var got []any
	for _, r := range rows {
		got = append(got, r["so_id"], r["issuccess"])
	}
	if diff := cmp.Diff([]any{"A1", true, "A2", false, "A3", true}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBatchCeiling(t *testing.T) {
	b := start(t, Options{MaxBatch: 2})
	if a := b.call(uploadPath, b.biz(sample("A1"), sample("A2"), sample("A3"))); a.Code != 130 || len(b.Orders()) != 0 {
		t.Fatalf("%+v", a)
	}
	for _, biz := range []string{"{}", "[]", "[1]"} {
		if a := b.call(uploadPath, biz); a.Code != 130 {
			t.Errorf("%s: code %d", biz, a.Code)
		}
	}
}

func TestDerivedStatus(t *testing.T) {
	n := json.Number("117.99")
	both := func(status string) func(map[string]any) {
		return func(d map[string]any) {
			for _, it := range objects(d, "items") {
				it["refund_status"] = status
			}
		}
	}
	for want, edits := range map[string][]func(map[string]any){
		"WaitConfirm paid":     {},
		"WaitConfirm cod":      {with("is_cod", true), with("pay", nil)},
		"WaitConfirm closed":   {line("refund_status", "closed")},
		"WaitPay no pay":       {with("pay", nil)},
		"WaitPay pay mismatch": {with("pay_amount", n)},
		"WaitPay status":       {with("shop_status", "WAIT_BUYER_PAY")},
		"Question waiting":     {line("refund_status", "waiting")},
		"Question one refund":  {line("refund_status", "success")},
		"Cancelled refunds":    {both("success")},
		"Cancelled closed":     {with("shop_status", "TRADE_CLOSED_BY_TAOBAO")},
		"Sent outside":         {with("shop_status", "WAIT_BUYER_CONFIRM_GOODS"), with("l_id", "SF1"), with("send_date", "2025-01-01 20:00:00")},
	} {
		b := start(t, Options{})
		b.upload(sample("A1", edits...))
		if o, _ := b.Order("", "A1"); o.Status != strings.Fields(want)[0] {
			t.Errorf("%s: got %s", want, o.Status)
		}
	}
}

func TestShippedOrderRefusesChanges(t *testing.T) {
	b := start(t, Options{})
	b.upload(sample("A1"))
	if _, err := b.Ship("A1"); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(map[string]any){
		"address": with("receiver_address", "新地址市"), "amount": with("pay_amount", json.Number("1")), "close": with("shop_status", "TRADE_CLOSED"),
		"refund": line("refund_status", "success"),
	} {
		if res := b.upload(sample("A1", edit)); res["issuccess"] != false || !strings.Contains(str(res, "msg"), "已发货") {
			t.Errorf("%s: %v", name, res)
		}
	}
	if res := b.upload(sample("A1", with("shop_status", "TRADE_FINISHED"), with("remark", "好评"))); res["issuccess"] != true {
		t.Errorf("finish: %v", res)
	}
	o, _ := b.Order("", "A1")
	if o.Status != Sent || o.ShopStatus != "TRADE_FINISHED" || o.Receiver.Address != "仓前街道示例路1号" {
		t.Errorf("order %+v", o)
	}
	if a := b.call(cancelPath, fmt.Sprintf(`{"o_ids":[%s],"cancel_type":"买家取消"}`, o.OID)); a.Code != 130 {
		t.Errorf("cancel after shipping: %+v", a)
	}
}

func TestCancelByInternalNumber(t *testing.T) {
	b := start(t, Options{})
	oid := str(b.upload(sample("A1")), "o_id")
	b.upload(sample("A2"))
	for _, biz := range []string{`{"o_ids":["` + oid + `"],"cancel_type":"买家取消"}`, `{"o_ids":[` + oid + `]}`, `{"o_ids":[],"cancel_type":"x"}`,
		`{"so_ids":["A1"],"cancel_type":"x"}`, `{"o_ids":[` + oid + `,1],"cancel_type":"x"}`, `{"o_ids":[` + strings.Repeat("1,", 50) + `1],"cancel_type":"x"}`} {
		if a := b.call(cancelPath, biz); a.Code != 130 {
			t.Errorf("%s: code %d", biz, a.Code)
		}
	}
	for range 2 {
		if a := b.call(cancelPath, `{"o_ids":[`+oid+`],"cancel_type":"买家取消","remark":""}`); a.Code != 0 || string(a.Data) != `""` {
			t.Fatalf("%+v", a)
		}
	}
	e := b.Effects("10001/A1")
	if o, _ := b.Order("", "A1"); o.Status != Cancelled || e[EffectCancelled] != 1 || e[EffectUnchanged] != 1 {
		t.Errorf("status %s, effects %v", o.Status, e)
	}
	if res := b.upload(sample("A1", with("remark", "改"))); res["issuccess"] != false {
		t.Errorf("a late push must not revive a cancelled order: %v", res)
	}
	if res := b.upload(sample("A1", with("shop_status", "TRADE_CLOSED"))); res["issuccess"] != true {
		t.Errorf("closing a cancelled order: %v", res)
	}
	for _, st := range b.Stock() {
		if st.SkuID == "TEE-RED-L" && st.OrderLock != 2 {
			t.Errorf("lock %d, want that of A2 only", st.OrderLock)
		}
	}
}

func TestConcurrentUploads(t *testing.T) {
	b := start(t, Options{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			b.call(uploadPath, b.biz(sample(fmt.Sprint("A", i%4))))
			b.Record()
		}()
	}
	wg.Wait()
	if len(b.Orders()) != 4 {
		t.Fatalf("%d orders", len(b.Orders()))
	}
	if _, err := json.Marshal(b.Record()); err != nil {
		t.Fatal(err)
	}
}
