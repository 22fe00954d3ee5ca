package jushuitansim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const afterSalePath = "/open/aftersale/upload"

func refund(id, so string, edit ...func(map[string]any)) map[string]any {
	v, err := decodeBiz(`{"shop_id":10001,"outer_as_id":"` + id + `","so_id":"` + so + `","type":"仅退款","shop_status":"WAIT_SELLER_AGREE",
	 "good_status":"BUYER_NOT_RECEIVED","question_type":"不想要了","total_amount":118.00,"refund":40.00,"payment":0,
	 "items":[{"outer_oi_id":"` + so + `-1","sku_id":"TEE-RED-L","qty":1,"amount":40.00,"type":"其它"}]}`)
	if err != nil {
		panic(err)
	}
	doc := v.(map[string]any)
	for _, e := range edit {
		e(doc)
	}
	return doc
}

func (b *bench) uploadRefund(doc map[string]any) map[string]any {
	b.t.Helper()
	return b.rows(afterSalePath, b.biz(doc), "datas")[0]
}

func TestAfterSaleUpsert(t *testing.T) {
	b := start(t, Options{})
	b.upload(sample("A1"))
	first := b.uploadRefund(refund("R1", "A1"))
	again := b.uploadRefund(refund("R1", "A1"))
	b.uploadRefund(refund("R1", "A1", with("shop_status", "SUCCESS")))
	if first["issuccess"] != true || str(first, "as_id") != str(again, "as_id") || str(first, "o_id") != b.Orders()[0].OID {
		t.Fatalf("%v then %v", first, again)
	}
	if diff := cmp.Diff(map[Effect]int{EffectCreated: 1, EffectUnchanged: 1, EffectUpdated: 1}, b.Effects("10001/R1")); diff != "" {
		t.Error(diff)
	}
	a := b.AfterSales()
	if len(a) != 1 || a[0].Status != "Confirmed" || a[0].Refund != "40.00" || a[0].Items[0].OuterOiID != "A1-1" || a[0].Type != "仅退款" {
		t.Errorf("%+v", a)
	}
	row := b.rows("/open/refund/single/query", `{"so_ids":["A1"]}`, "datas")[0]
	if row["outer_as_id"] != "R1" || row["status"] != "Confirmed" || row["order_status"] != WaitConfirm {
		t.Errorf("%v", row)
	}
	if o, _ := b.Order("", "A1"); o.Status != WaitConfirm {
		t.Error("without the intercept switch the order stays as it is")
	}
}

func TestAfterSaleRefusals(t *testing.T) {
	for name, edit := range map[string]func(map[string]any){
		"so_id":                with("so_id", "nobody"),
		"type":                 with("type", "退款"),
		"shop_status":          with("shop_status", "AGREED"),
		"good_status":          with("good_status", nil),
		"refund":               with("refund", "40.00"),
		"refund ":              with("refund", json.Number("-1")),
		"warehouse_type":       with("warehouse_type", json.Number("9")),
		"items[0].outer_oi_id": line("outer_oi_id", "other"),
		"items[0].qty":         line("qty", json.Number("3")),
		"items[0].type":        line("type", "仅退款"),
		"reason":               with("reason", "x"),
	} {
		b := start(t, Options{})
		b.upload(sample("A1"))
		res := b.uploadRefund(refund("R1", "A1", edit))
		if res["issuccess"] != false || !strings.HasPrefix(str(res, "msg"), strings.TrimSpace(name)+":") || len(b.AfterSales()) != 0 {
			t.Errorf("%q: %v", name, res)
		}
	}
}

func TestReturnParcelIsFixedOnceReceived(t *testing.T) {
	b := start(t, Options{})
	b.upload(sample("A1"))
	b.uploadRefund(refund("R1", "A1", with("good_status", "SELLER_RECEIVED"), with("l_id", "YT1")))
	if res := b.uploadRefund(refund("R1", "A1", with("good_status", "SELLER_RECEIVED"), with("l_id", "YT2"))); res["issuccess"] != false {
		t.Error(res)
	}
}

func TestIntercept(t *testing.T) {
	b := start(t, Options{Intercept: true})
	b.upload(sample("A1"))
	b.upload(sample("A2"))
	b.uploadRefund(refund("R1", "A1"))
	b.uploadRefund(refund("R2", "A2", line("outer_oi_id", nil)))
	one, _ := b.Order("", "A1")
	two, _ := b.Order("", "A2")
	if one.Status != Question || one.Items[0].RefundStat != "waiting" || two.Status != Cancelled {
		t.Errorf("%s %+v, %s", one.Status, one.Items[0], two.Status)
	}
}

func (b *bench) control(name, body string) (int, map[string]any) {
	b.t.Helper()
	rec := httptest.NewRecorder()
	b.ControlHTTP(rec, httptest.NewRequest(http.MethodPost, "/_sim/jushuitan/"+name, strings.NewReader(body)))
	v, err := decodeBiz(rec.Body.String())
	if err != nil {
		b.t.Fatal(err)
	}
	return rec.Code, v.(map[string]any)
}

func TestControl(t *testing.T) {
	b := start(t, Options{})
	b.upload(sample("A1"))
	b.upload(sample("A2"))
	b.uploadRefund(refund("R1", "A2"))
	orphan, err := json.Marshal(map[string]any{"order": sample("ORPHAN")})
	if err != nil {
		t.Fatal(err)
	}
	orphanRefund, err := json.Marshal(map[string]any{"after_sale": refund("ORPHAN-R", "nobody")})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, body string }{
		{"delete_order", `{"so_id":"A1"}`},
		{"change_order", `{"so_id":"A2","fields":{"pay_amount":1.50,"remark":null}}`},
		{"change_line", `{"so_id":"A2","outer_oi_id":"A2-1","fields":{"qty":9}}`},
		{"set_status", `{"shop_id":10001,"so_id":"A2","status":"Question"}`},
		{"copy_order", `{"so_id":"A2"}`},
		{"insert_order", string(orphan)},
		{"insert_aftersale", string(orphanRefund)},
		{"change_aftersale", `{"outer_as_id":"R1","fields":{"refund":0.01}}`},
		{"ship", `{"so_id":"ORPHAN","l_id":"SF9","lines":{"ORPHAN-2":1}}`},
		{"set_stock", `{"sku_id":"CUP-JX","qty":3}`},
	} {
		if code, out := b.control(c.name, c.body); code != 200 || out["ok"] != true {
			t.Errorf("%s: %d %v", c.name, code, out)
		}
	}
	if _, ok := b.Order("", "A1"); ok {
		t.Error("A1 was deleted")
	}
	a2, _ := b.Order("", "A2")
	if a2.PayAmount != "1.50" || a2.Items[0].Qty != "9" || a2.Status != Question {
		t.Errorf("%+v", a2)
	}
	if got := b.soIDs(`{"so_ids":["A2"]}`); got != "A2,A2" {
		t.Errorf("copy: %s", got)
	}
	if a := b.AfterSales(); a[0].Refund != "0.01" || a[1].OuterAsID != "ORPHAN-R" || a[1].OID != "0" {
		t.Errorf("%+v", a)
	}
	if st := b.Stock()[2]; st.Qty != 3 {
		t.Errorf("%+v", st)
	}
	if code, _ := b.control("delete_aftersale", `{"outer_as_id":"R1"}`); code != 200 || len(b.AfterSales()) != 1 {
		t.Error("R1 was not deleted")
	}
	if code, _ := b.control("expire_token", `{}`); code != 200 || b.call("/open/shops/query", "{}").Code != 100 {
		t.Error("the token is still good")
	}
	for _, c := range []struct{ name, body string }{
		{"delete_order", `{"so_id":"A1"}`}, {"explode", `{}`}, {"set_stock", `{"sku_id":"CUP-JX","qty":1.5}`}, {"set_stock", `{"sku":"x"}`},
		{"change_order", `{"so_id":"A2","fields":{"so_id":"B"}}`}, {"insert_order", `{}`}, {"ship", `{"so_id":"A2","lines":{"nope":1}}`}, {"set_status", `{"so_id":"A2","status":"Lost"}`},
	} {
		if code, out := b.control(c.name, c.body); code != 400 || out["error"] == nil {
			t.Errorf("%s %s: %d %v", c.name, c.body, code, out)
		}
	}
}

func TestCallbacks(t *testing.T) {
	b := start(t, Options{})
	b.upload(sample("A1"))
	b.uploadRefund(refund("R1", "A1"))
	if _, err := b.LogisticsCallback("", "A1"); err == nil {
		t.Error("nothing has shipped")
	}
	if _, err := b.ShipPart("", "A1", "SF1", map[string]int64{"A1-1": 2}); err != nil {
		t.Fatal(err)
	}
	calls, err := b.LogisticsCallback("", "A1")
	if err != nil || len(calls) != 1 {
		t.Fatalf("%d calls, %v", len(calls), err)
	}
	var got []byte
	var query string
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		query = r.URL.Query().Get("sign")
		_, _ = io.WriteString(w, `{"code":"0","msg":"执行成功"}`)
	}))
	defer shop.Close()
	status, answer, err := calls[0].Post(context.Background(), shop.Client(), shop.URL)
	if err != nil || status != 200 || !bytes.Contains(answer, []byte(`"0"`)) {
		t.Fatal(status, string(answer), err)
	}
	v, err := decodeBiz(string(got))
	if err != nil {
		t.Fatal(err)
	}
	body := v.(map[string]any)
	if body["l_id"] != "SF1" || body["is_send_all"] != false || str(objects(body, "items")[0], "qty") != "2" || query != callbackSign(calls[0].Query, "erp") {
		t.Errorf("%s", got)
	}
	if bad := calls[0].WithBadSign(); bad.Query.Get("sign") == calls[0].Query.Get("sign") {
		t.Error("the bad signature is the good one")
	}
	if c := b.StockCallback("", "TEE-RED-L"); !bytes.Contains(c.Body, []byte(`"qty":498`)) {
		t.Errorf("%s", c.Body)
	}
	if c, err := b.GoodsCallback("", "R1", true); err != nil || !bytes.Contains(c.Body, []byte("确认收货")) {
		t.Errorf("%s %v", c.Body, err)
	}
}
