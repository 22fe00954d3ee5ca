package oracle

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

// Truth is what the shops say they sold.
type Truth struct{ Stores []Store }

// Store is one shop as it knows itself.
type Store struct {
	Code       string // begins every key
	Name       string // on parcels and sales
	OMSShop    string // its number in the OMS
	Orders     []wechatshopsim.SoldOrder
	AfterSales []wechatshopsim.SoldRefund
	Members    []wechatshopsim.Member
}

// The states of the shop's orders ("订单状态").
const (
	unpaid    = 10
	toShip    = 20
	partShip  = 21
	shipped   = 30
	done      = 100
	refunded  = 200
	cancelled = 250
)

// order is an order with what follows from it.
type order struct {
	wechatshopsim.SoldOrder
	store *Store
	key   string
	lines []line // what was sold, as the back ends call it
}

// gone tells an order that ended before anything left.
func (o *order) gone() bool {
	return len(o.Parcels) == 0 && (o.Status == refunded || o.Status == cancelled)
}

// sold tells an order that counts as one: paid, and not over before it shipped.
func (o *order) sold() bool { return o.Status != unpaid && !o.gone() }

// left is what the warehouse still has to send.
func (o *order) left() int64 {
	var n int64
	for _, l := range o.SoldOrder.Lines {
		n += l.Qty - l.RefundedQty - l.ShippedQty
	}
	return n
}

// ships says whether carrier and warehouse must have the order.
func (o *order) ships(made map[string]bool) need {
	ours := slices.ContainsFunc(o.Parcels, func(p wechatshopsim.SoldParcel) bool { return made[p.Waybill] })
	switch {
	case ours:
		return must
	case o.Status != toShip || o.left() == 0:
		return never
	case o.OpenAfterSales > 0:
		return may // ordered before the buyer asked, or waiting until that is settled
	}
	return must
}

// receiver is where the parcel goes, with what else the target is to have.
func (o *order) receiver(more []field) []field {
	masked := o.Status != toShip && o.Status != partShip
	return append([]field{
		{name: "receiver", value: plain(o.Receiver.Name), personal: true, masked: masked},
		{name: "phone", value: o.phone(), personal: true, masked: masked},
		{name: "province", value: o.Receiver.Province},
		{name: "city", value: o.Receiver.City},
		{name: "district", value: o.Receiver.County},
		{name: "address", value: o.street(), personal: true, masked: masked},
	}, more...)
}

// member is the number of the buyer at CRM and ERP: the store, and a digest in place of
// the openid.
func member(store, openID string) string {
	sum := sha256.Sum256([]byte(openID))
	return store + "-" + hex.EncodeToString(sum[:])[:20]
}

// nameless is what stands for the name of a buyer whose name no shop tells.
func nameless(member string) string { return "微信会员 " + member[len(member)-6:] }

// phone is the number a parcel is announced to.
func (o *order) phone() string {
	if o.VirtualNumber == "" {
		return o.Receiver.Phone
	}
	if o.VirtualExt == "" {
		return o.VirtualNumber
	}
	return o.VirtualNumber + "-" + o.VirtualExt
}

func (o *order) street() string { return plain(o.Receiver.Detail + o.Receiver.House) }

func (o *order) buyer() string { return member(o.store.Code, o.OpenID) }

// status words of the hub's own documents.
func (o *order) word() string {
	return map[int]string{unpaid: "pending_payment", toShip: "paid", partShip: "partially_shipped", shipped: "shipped", done: "completed",
		refunded: "closed", cancelled: "cancelled"}[o.Status]
}

type refund struct {
	wechatshopsim.SoldRefund
	store *Store
	key   string
	order *order
}

// word is the state of an after-sale in the hub's words.
func (r *refund) word() string {
	switch {
	case r.Done:
		return "refunded"
	case r.Status == "USER_WAIT_RETURN":
		return "approved"
	case r.Status == "MERCHANT_WAIT_RECEIPT":
		return "goods_in_transit"
	case r.Open:
		return "requested"
	case strings.HasPrefix(r.Status, "MERCHANT_REJECT"):
		return "rejected"
	}
	return "closed"
}

type person struct {
	wechatshopsim.Member
	store  *Store
	number string
}

// read turns the shops' records into documents with keys.
func (c *comparison) read(truth Truth) {
	c.byKey = map[string]*order{}
	for i := range truth.Stores {
		s := &truth.Stores[i]
		byID := map[string]*order{}
		for _, sold := range s.Orders {
			o := &order{SoldOrder: sold, store: s, key: s.Code + "-" + sold.OrderID}
			if name, ok := c.opt.Receiver[o.key]; ok {
				o.Receiver.Name = name
			}
			for _, l := range sold.Lines {
				o.lines = append(o.lines, line{name: c.sku(l.SKUCode), qty: l.Qty, amount: l.PaidFen})
			}
			byID[sold.OrderID], c.byKey[o.key] = o, o
			c.orders = append(c.orders, o)
		}
		for _, a := range s.AfterSales {
			c.refund = append(c.refund, &refund{SoldRefund: a, store: s, key: s.Code + "-" + a.AfterSaleID, order: byID[a.OrderID]})
		}
		for _, m := range s.Members {
			c.people = append(c.people, &person{Member: m, store: s, number: member(s.Code, m.OpenID)})
		}
	}
}

func (c *comparison) sku(code string) string {
	if to, ok := c.opt.SKU[code]; ok {
		return to
	}
	return code
}

// base is the key of an order without the generation that a second creation appends.
func (c *comparison) base(key string) string {
	if c.byKey[key] != nil {
		return key
	}
	if i := strings.LastIndexByte(key, '-'); i > 0 && len(key)-i <= 3 && c.byKey[key[:i]] != nil {
		return key[:i]
	}
	return key
}
