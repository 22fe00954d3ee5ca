package wechatshopsim

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/minihub/minihub/connectors/simkit"
)

func TestOrderDocument(t *testing.T) {
	c := open(t, Options{})
	member := c.sim.Members()[0]
	addr := Address{Name: "欧阳小雨", Phone: "13800001234", Province: "上海市", City: "上海市", County: "徐汇区", Detail: "测试路1号"}
	id := c.place(OrderSpec{OpenID: member.OpenID, Receiver: &addr, FreightFen: 600, StoreCoupon: 501, PlatformCoupon: 300, Remark: "备注",
		Lines: []LineSpec{{SKUCode: "SKU-MUG-01", Qty: 2}, {SKUCode: "TEE-RED-M", Qty: 1}}}, false)
	if id != "3729000000000000517" {
		t.Errorf("the first order is %s", id)
	}
	lower := int64(6000)
	if err := c.sim.EditOrder(id, Edit{LineFen: map[int]int64{1: lower}}); err != nil {
		t.Fatal(err)
	}
	if err := c.sim.Pay(id); err != nil {
		t.Fatal(err)
	}
	order := c.must("order/get", map[string]any{"order_id": id})["order"]
	lines := dig(order, "order_detail", "product_infos")
	price := dig(order, "order_detail", "price_info")
	got := map[string]string{
		"status": num(order, "status"), "create": num(order, "create_time"),
		"unit": num(lines, 0, "sale_price"), "qty": num(lines, 0, "sku_cnt"), "real0": num(lines, 0, "real_price"), "est0": num(lines, 0, "estimate_price"),
		"real1": num(lines, 1, "real_price"), "change1": num(lines, 1, "change_price"), "goods": num(price, "product_price"),
		"total": num(price, "order_price"), "freight": num(price, "freight"), "discount": num(price, "discounted_price"),
		"down": num(price, "change_down_price"), "merchant": num(price, "merchant_receieve_price"),
	}
	want := map[string]string{ // 7800 + 6900 = 14700; coupons 501 and 300 by weight
		"status": "20", "create": "1767190000", "unit": "3900", "qty": "2", "real0": "7374", "est0": "7374", "real1": "6000", "change1": "6000",
		"goods": "14700", "total": "13974", "freight": "600", "discount": "801", "down": "525", "merchant": "14274",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	masked := dig(order, "order_detail", "delivery_info", "address_info")
	if dig(masked, "user_name") != "欧**" || dig(masked, "detail_info") != "****" || dig(masked, "tel_number") != "138****1234" || dig(masked, "city_name") != "上海市" {
		t.Errorf("masked address: %v", masked)
	}
	plain := c.must("order/sensitiveinfo/decode", map[string]any{"order_id": id})["address_info"]
	if dig(plain, "user_name") != addr.Name || dig(plain, "detail_info") != addr.Detail || dig(plain, "tel_number") != addr.Phone {
		t.Errorf("decoded address: %v", plain)
	}
	sold, _ := c.sim.Order(id)
	if sold.TotalFen != 13974 || sold.MemberPhone != member.Phone || sold.Receiver != addr || sold.Versions != 3 || sold.Remark != "备注" {
		t.Errorf("oracle: %+v", sold)
	}
}

func TestDecodeQuotaAndVirtualNumber(t *testing.T) {
	c := open(t, Options{DecodeQuota: 1})
	spec := mug(1)
	spec.VirtualPhone = true
	id := c.place(spec, true)
	sold, _ := c.sim.Order(id)
	out := c.must("order/sensitiveinfo/decode", map[string]any{"order_id": id})
	if dig(out, "virtual_number_info", "virtual_number") != sold.VirtualNumber || dig(out, "virtual_number_info", "extension") != sold.VirtualExt {
		t.Errorf("virtual number: %v", out)
	}
	if dig(out, "address_info", "tel_number") == sold.Receiver.Phone {
		t.Error("the real number of an order with a virtual one is shown")
	}
	if _, code := c.ec("order/sensitiveinfo/decode", map[string]any{"order_id": id}); code != "45009" {
		t.Errorf("over the quota: %s", code)
	}
}

func TestCancelPaidRefundsEverything(t *testing.T) {
	c := open(t, Options{})
	before, _ := c.sim.Stock("SKU-MUG-01")
	spec := OrderSpec{FreightFen: 800, StoreCoupon: 333, Lines: []LineSpec{{SKUCode: "SKU-MUG-01", Qty: 2}, {SKUCode: "SKU-BAG-07", Qty: 1}}}
	id := c.place(spec, true)
	c.clock.forward(time.Minute)
	if err := c.sim.Cancel(id); err != nil {
		t.Fatal(err)
	}
	o, _ := c.sim.Order(id)
	if o.Status != StatusRefunded || !o.Cancelled || o.RefundedFen != o.TotalFen || o.RefundedFreight != 800 || o.UpdatedAt != c.clock.t.Unix() {
		t.Errorf("cancelled order: %+v", o)
	}
	if after, _ := c.sim.Stock("SKU-MUG-01"); after != before {
		t.Errorf("stock %d, want %d again", after, before)
	}
	list := c.must("aftersale/getaftersalelist", map[string]any{"begin_update_time": c.clock.t.Unix(), "end_update_time": c.clock.t.Unix() + 1})
	sum := int64(0)
	for _, a := range list["after_sale_order_id_list"].([]any) {
		doc := c.must("aftersale/getaftersaleorder", map[string]any{"after_sale_order_id": a})["after_sale_order"]
		if dig(doc, "status") != "MERCHANT_REFUND_SUCCESS" || dig(doc, "order_id") != id {
			t.Errorf("after-sale: %v", doc)
		}
		var n int64
		if _, err := fmt.Sscan(num(doc, "refund_info", "amount"), &n); err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if sum != o.TotalFen {
		t.Errorf("the after-sales add up to %d, want %d", sum, o.TotalFen)
	}
	doc := c.must("order/get", map[string]any{"order_id": id})["order"]
	if num(doc, "status") != "200" || num(doc, "aftersale_detail", "aftersale_order_list", 1, "status") != "13" || num(doc, "order_detail", "refund_info", "refund_freight") != "800" {
		t.Errorf("order after the refund: %v", dig(doc, "aftersale_detail"))
	}
	if err := c.sim.Cancel(id); err == nil {
		t.Error("a closed order was cancelled again")
	}
}

func TestAfterSaleLeavesTheOrderWhereItWas(t *testing.T) {
	for touches, wantMoved := range map[bool]bool{false: false, true: true} {
		c := open(t, Options{AfterSaleTouchesOrder: touches})
		id := c.place(mug(3), true)
		before, _ := c.sim.Order(id)
		c.clock.forward(time.Hour)
		open, err := c.sim.RequestAfterSale(id, 0, 1, 0, "RETURN")
		if err != nil {
			t.Fatal(err)
		}
		if _, code := c.ec("order/delivery/send", send(id, "WB1", 1, before)); code != "108009" {
			t.Errorf("shipping a line under after-sale: %s", code)
		}
		doc := c.must("aftersale/getaftersaleorder", map[string]any{"after_sale_order_id": open})["after_sale_order"]
		c.clock.forward(time.Minute)
		later := c.must("aftersale/getaftersaleorder", map[string]any{"after_sale_order_id": open})["after_sale_order"]
		if num(doc, "deadline") != "172800" || num(later, "deadline") != "172740" {
			t.Errorf("deadline %s then %s, want it to count down", num(doc, "deadline"), num(later, "deadline"))
		}
		after, _ := c.sim.Order(id)
		if after.Status != StatusToShip || (after.UpdatedAt != before.UpdatedAt) != wantMoved || after.Versions != before.Versions+1 || after.OpenAfterSales != 1 {
			t.Errorf("touches=%v: before %+v after %+v", touches, before, after)
		}
		got := c.must("order/get", map[string]any{"order_id": id})["order"]
		if num(got, "order_detail", "product_infos", 0, "on_aftersale_sku_cnt") != "1" || num(got, "aftersale_detail", "on_aftersale_order_cnt") != "1" {
			t.Errorf("marks in the order: %v", dig(got, "aftersale_detail"))
		}
		if err := c.sim.CancelAfterSale(open); err != nil {
			t.Fatal(err)
		}
		if err := c.sim.FinishAfterSale(open); !errors.Is(err, errNotOpen) {
			t.Errorf("finish a cancelled after-sale: %v", err)
		}
	}
}

func send(id, waybill string, qty int64, o SoldOrder) map[string]any {
	return map[string]any{"order_id": id, "delivery_list": []any{map[string]any{"deliver_type": 1, "delivery_id": "SF", "waybill_id": waybill,
		"product_infos": []any{map[string]any{"product_id": o.Lines[0].ProductID, "sku_id": o.Lines[0].SKUID, "product_cnt": qty}}}}}
}

func TestShipInParcels(t *testing.T) {
	c := open(t, Options{})
	id := c.place(mug(3), true)
	o, _ := c.sim.Order(id)
	status := func() int { o, _ := c.sim.Order(id); return o.Status }
	if _, code := c.ec("order/delivery/send", send(id, "WB1", 4, o)); code != "109000" {
		t.Errorf("more than was bought: %s", code)
	}
	c.must("order/delivery/send", send(id, "WB1", 1, o))
	if status() != StatusPartShip {
		t.Errorf("status %d after one of three", status())
	}
	if _, err := c.sim.PartialRefund(id, 0, 1, 0); err != nil {
		t.Fatal(err)
	}
	c.must("order/delivery/send", send(id, "WB2", 2, o))
	if status() != StatusShipped {
		t.Errorf("status %d after all", status())
	}
	if _, code := c.ec("order/delivery/send", send(id, "WB2", 2, o)); code != "109001" {
		t.Errorf("shipped twice: %s", code)
	}
	for range maxReshipments {
		c.must("order/deliveryinfo/update", send(id, "WB9", 3, o))
	}
	if _, code := c.ec("order/deliveryinfo/update", send(id, "WB9", 3, o)); code != "100010" {
		t.Errorf("one correction too many: %s", code)
	}
	if err := c.sim.Confirm(id); err != nil {
		t.Fatal(err)
	}
	want := []string{"created", "created", "updated", "updated", "updated"}
	var got []string
	for _, w := range c.sim.History() {
		got = append(got, w.Effect)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestListsFollowUpdateTimeAndLoseNothing(t *testing.T) {
	c := open(t, Options{})
	start := c.clock.t.Unix()
	want := map[string]bool{}
	for range 25 {
		want[c.place(mug(1), true)] = true
		c.clock.forward(time.Second)
	}
	end := c.clock.t.Unix()
	body := map[string]any{"page_size": 5, "update_time_range": map[string]any{"start_time": start, "end_time": end}}
	got, pages := map[string]bool{}, 0
	for more := true; more; pages++ {
		out := c.must("order/list/get", body)
		for _, id := range out["order_id_list"].([]any) {
			got[id.(string)] = true
		}
		body["next_key"] = out["next_key"]
		more = out["has_more"].(bool)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if pages != 6 {
		t.Errorf("%d pages, want 6: a full page says has_more, and the last one is empty", pages)
	}
	body["page_size"] = 6
	if _, code := c.ec("order/list/get", body); code != "606006" {
		t.Errorf("next_key with other parameters: %s", code)
	}
	c.clock.forward(time.Hour)
	moved := "3729000000000000517"
	if err := c.sim.EditAddress(moved, Address{Name: "新人", Phone: "13800000001"}); err != nil {
		t.Fatal(err)
	}
	delete(body, "next_key")
	body["page_size"] = 100
	if n := len(c.must("order/list/get", body)["order_id_list"].([]any)); n != 24 {
		t.Errorf("%d orders in the old window, want 24", n)
	}
	body["create_time_range"] = map[string]any{"start_time": start, "end_time": start + 1}
	body["update_time_range"] = map[string]any{"start_time": end, "end_time": end + 7200}
	if diff := cmp.Diff([]any{moved}, c.must("order/list/get", body)["order_id_list"]); diff != "" {
		t.Error(diff)
	}
	if got := c.must("order/search", map[string]any{"page_size": 10, "search_condition": map[string]any{"user_name": "新人"}}); len(got["orders"].([]any)) != 1 {
		t.Errorf("search by name: %v", got)
	}
	if err := c.sim.DeleteOrder(moved); err != nil {
		t.Fatal(err)
	}
	if n := len(c.must("order/list/get", body)["order_id_list"].([]any)); n != 0 {
		t.Error("a deleted order is listed")
	}
	if n := c.sim.DeleteHistory(start + 10); n != 9 {
		t.Errorf("history deleted: %d, want 9", n)
	}
}

func TestTooManyOrdersInAWindow(t *testing.T) {
	c := open(t, Options{MaxWindow: 3})
	for range 4 {
		c.place(mug(1), false)
		c.clock.forward(time.Second)
	}
	now := c.clock.t.Unix()
	ask := func(from int64) string {
		_, code := c.ec("order/list/get", map[string]any{"page_size": 10, "create_time_range": map[string]any{"start_time": from, "end_time": now}})
		return code
	}
	if got := []string{ask(now - 10), ask(now - 3)}; got[0] != "31042" || got[1] != "0" {
		t.Errorf("codes %v, want 31042 for the wide window only", got)
	}
}

// Whatever happens to an order, its amounts add up and the oracle agrees with the document.
func TestAmountsAlwaysAddUp(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := &clock{time.Unix(1767190000, 0)}
		s := New(Options{Options: simkit.Options{Seed: rapid.Int64().Draw(r, "seed"), Now: c.now}})
		defer s.Close()
		plan := s.Plan(rapid.Int64().Draw(r, "plan"), rapid.IntRange(1, 30).Draw(r, "orders"), PlanOptions{Versions: rapid.IntRange(1, 5).Draw(r, "versions"), Bad: BadKinds()})
		if err := plan.All(); err != nil {
			r.Fatal(err)
		}
		for _, o := range s.Sold() {
			var paid, discount, refunded int64
			for _, l := range o.Lines {
				paid += l.PaidFen
				discount += l.DiscountFen
				if l.PaidFen+l.DiscountFen != l.UnitFen*l.Qty || l.RefundedFen > l.PaidFen || l.RefundedQty > l.Qty {
					r.Fatalf("line does not add up: %+v", l)
				}
			}
			for _, x := range o.Refunds {
				if x.Done {
					refunded += x.Fen
				}
			}
			if paid+o.FreightFen != o.TotalFen || discount != o.DiscountFen || o.GoodsFen+o.FreightFen-o.DiscountFen != o.TotalFen ||
				o.StoreCouponFen+o.PlatformFen+o.ChangeDownFen != o.DiscountFen || refunded != o.RefundedFen || refunded > o.TotalFen {
				r.Fatalf("order does not add up: %+v", o)
			}
		}
	})
}
