package wechatshop

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// complete fills in the product_id of units that name their SKU alone: those who pack
// know articles, not the shop's products. A SKU belongs to one product for good, so what
// the order says is remembered.
func (c *conn) complete(ctx context.Context, document json.RawMessage, s shipment) (json.RawMessage, []connectors.Exchange, *connectors.Error) {
	var missing []string
	for _, p := range s.Parcels {
		for _, u := range p.Contents {
			if _, known := c.products.Load(u.SKUID); u.ProductID == "" && !known {
				missing = append(missing, u.SKUID)
			}
		}
	}
	var made []connectors.Exchange
	if len(missing) > 0 {
		var err *connectors.Error
		if made, err = c.learnProducts(ctx, s.OrderID); err != nil {
			return nil, made, err
		}
	}
	if !slices.ContainsFunc(s.Parcels, func(p parcel) bool {
		return slices.ContainsFunc(p.Contents, func(u units) bool { return u.ProductID == "" })
	}) {
		return document, made, nil
	}
	tree, derr := codec.Decode(document)
	if derr != nil {
		return nil, made, badRequest(derr)
	}
	for _, p := range children(tree, "delivery_list") {
		for _, u := range children(p, "product_infos") {
			units, _ := u.(map[string]any)
			if id, _ := units["product_id"].(string); id != "" {
				continue
			}
			sku, _ := units["sku_id"].(string)
			product, ok := c.products.Load(sku)
			if !ok {
				return nil, made, &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "wechatshop.sku",
					Text: fmt.Sprintf("the order has no SKU %q", sku), Hint: "in the mapping, fill sku_id with the shop's own id of the SKU"}
			}
			units["product_id"] = product
		}
	}
	out, derr := codec.Encode(tree)
	if derr != nil {
		return nil, made, badRequest(derr)
	}
	return out, made, nil
}

// learnProducts reads which product each SKU of an order belongs to. A failure is one of
// reading: nothing was written.
func (c *conn) learnProducts(ctx context.Context, orderID string) ([]connectors.Exchange, *connectors.Error) {
	item, made, err := c.fetch(ctx, streamOrders, orderID)
	if err != nil {
		e := *err
		e.Sent = false
		return made, &e
	}
	if item.Deleted {
		return made, &connectors.Error{Kind: connectors.NotFound, Scope: doc, Code: fmt.Sprint(codeAbsentOrder), Text: "the shop has no such order"}
	}
	var o envelope
	var lines []envelope
	if codec.Unmarshal(item.Body, &o) != nil || json.Unmarshal(o.object("order_detail")["product_infos"], &lines) != nil {
		e := unreadable(item.Body, "the order's lines have another shape than documented")
		e.Sent = false
		return made, e
	}
	for _, l := range lines {
		if sku, product := l.text("sku_id"), l.text("product_id"); sku != "" && product != "" {
			c.products.Store(sku, product)
		}
	}
	return made, nil
}

// children is a list in a tree; nil when there is none.
func children(tree any, name string) []any {
	m, _ := tree.(map[string]any)
	list, _ := m[name].([]any)
	return list
}
