package qimensim

import (
	"math/big"
	"strconv"
)

// readOrder takes a checked request apart.
func readOrder(root *node) *DeliveryOrder {
	n := root.child("deliveryOrder")
	o := &DeliveryOrder{
		Code: n.at("deliveryOrderCode"), OrderType: n.at("orderType"), WarehouseCode: n.at("warehouseCode"),
		PreCode: n.at("preDeliveryOrderCode"), OrderFlag: n.at("orderFlag"),
		SourcePlatformCode: n.at("sourcePlatformCode"), SourcePlatformName: n.at("sourcePlatformName"),
		CreateTime: n.at("createTime"), PlaceOrderTime: n.at("placeOrderTime"), PayTime: n.at("payTime"),
		PayNo: n.at("payNo"), OperateTime: n.at("operateTime"),
		ShopNick: n.at("shopNick"), SellerNick: n.at("sellerNick"), BuyerNick: n.at("buyerNick"),
		TotalAmount: n.at("totalAmount"), ItemAmount: n.at("itemAmount"), DiscountAmount: n.at("discountAmount"),
		Freight: n.at("freight"), ArAmount: n.at("arAmount"), GotAmount: n.at("gotAmount"), ServiceFee: n.at("serviceFee"),
		LogisticsCode: n.at("logisticsCode"), LogisticsName: n.at("logisticsName"), ExpressCode: n.at("expressCode"),
		InvoiceFlag: n.at("invoiceFlag"), BuyerMessage: n.at("buyerMessage"), SellerMessage: n.at("sellerMessage"),
		Remark: n.at("remark"), Sender: readPerson(n.child("senderInfo")), Receiver: readPerson(n.child("receiverInfo")),
		Digest: digest(root),
	}
	if list := n.child("invoices"); list != nil {
		for _, k := range list.kids {
			o.Invoices = append(o.Invoices, Invoice{k.at("type"), k.at("header"), k.at("amount"), k.at("content"), k.at("taxNumber")})
		}
	}
	if p := n.child("extendProps"); p != nil {
		o.ExtendProps = map[string]string{}
		for _, k := range p.kids {
			o.ExtendProps[k.name] = k.text
		}
	}
	for _, k := range root.child("orderLines").kids {
		// The table admits at most ten digits.
		plan, _ := strconv.ParseInt(k.at("planQty"), 10, 64)
		o.Lines = append(o.Lines, Line{
			LineNo: k.at("orderLineNo"), SourceOrderCode: k.at("sourceOrderCode"), SubSourceOrderCode: k.at("subSourceOrderCode"),
			OwnerCode: k.at("ownerCode"), ItemCode: k.at("itemCode"), ItemID: k.at("itemId"), ItemName: k.at("itemName"),
			ExtCode: k.at("extCode"), InventoryType: k.at("inventoryType"), PlanQty: plan,
			RetailPrice: k.at("retailPrice"), ActualPrice: k.at("actualPrice"), DiscountAmount: k.at("discountAmount"),
		})
	}
	o.OwnerCode = o.Lines[0].OwnerCode
	return o
}

func readPerson(n *node) Person {
	return Person{
		Company: n.at("company"), Name: n.at("name"), Mobile: n.at("mobile"), Tel: n.at("tel"), Email: n.at("email"),
		ZipCode: n.at("zipCode"), CountryCode: n.at("countryCode"), Province: n.at("province"), City: n.at("city"),
		Area: n.at("area"), Town: n.at("town"), DetailAddress: n.at("detailAddress"), OAID: n.at("oaid"),
	}
}

// totals checks totalAmount = itemAmount - discountAmount + freight = arAmount +
// gotAmount, where the parts were sent.
func (o *DeliveryOrder) totals() string {
	if o.TotalAmount == "" {
		return ""
	}
	sum := func(parts ...*big.Rat) *big.Rat {
		t := new(big.Rat)
		for _, p := range parts {
			t.Add(t, p)
		}
		return t
	}
	total := yuan(o.TotalAmount)
	if o.ItemAmount != "" && total.Cmp(sum(yuan(o.ItemAmount), new(big.Rat).Neg(yuan(o.DiscountAmount)), yuan(o.Freight))) != 0 {
		return "totalAmount 应等于 itemAmount-discountAmount+freight"
	}
	if o.GotAmount != "" && total.Cmp(sum(yuan(o.ArAmount), yuan(o.GotAmount))) != 0 {
		return "totalAmount 应等于 arAmount+gotAmount"
	}
	return ""
}

// yuan reads a checked amount exactly; an absent one is nothing.
func yuan(v string) *big.Rat {
	r, ok := new(big.Rat).SetString(v)
	if !ok {
		return new(big.Rat)
	}
	return r
}
