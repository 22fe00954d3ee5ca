package wechatshop

import (
	"context"
	"encoding/json"

	"golang.org/x/sync/errgroup"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

var (
	_ connectors.Querier = (*conn)(nil)
	_ connectors.Pinger  = (*conn)(nil)
)

// readers is how many documents of a listed page are read at a time: the list calls
// give ids only.
const readers = 4

// List pages through the documents changed within w.
func (c *conn) List(ctx context.Context, name string, w connectors.Window, cursor string) (connectors.Listed, error) {
	if name != streamOrders && name != streamAfterSales {
		return connectors.Listed{}, unknownName("list", name)
	}
	ids, next, err := c.pullWindow(ctx, name, w, cursor)
	if err != nil {
		return connectors.Listed{}, err
	}
	rows, err := c.Get(ctx, name, ids)
	if err != nil {
		return connectors.Listed{}, err
	}
	return connectors.Listed{Rows: rows, Cursor: next, More: next != ""}, nil
}

// Get reads documents and summarises them, in the order of keys.
func (c *conn) Get(ctx context.Context, name string, keys []string) ([]connectors.Summary, error) {
	if name != streamOrders && name != streamAfterSales {
		return nil, unknownName("list", name)
	}
	found := make([]*connectors.Summary, len(keys))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for i, key := range keys {
		g.Go(func() error {
			item, _, verr := c.fetch(ctx, name, key)
			if verr != nil {
				return verr
			}
			if item.Deleted {
				return nil
			}
			s, err := c.Summarize(name, item.Body)
			if err != nil {
				return err
			}
			found[i] = &s
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	rows := make([]connectors.Summary, 0, len(keys))
	for _, s := range found {
		if s != nil {
			rows = append(rows, *s)
		}
	}
	return rows, nil
}

// Summarize reads an order or an after-sale as the shop holds it. Amounts are fen: what
// the buyer pays, what the buyer gets back.
func (c *conn) Summarize(name string, document json.RawMessage) (connectors.Summary, error) {
	switch name {
	case streamOrders:
		return c.summarizeOrder(document)
	case streamAfterSales:
		return c.summarizeAfterSale(document)
	}
	return connectors.Summary{}, noSummary(name)
}

func (c *conn) summarizeOrder(document json.RawMessage) (connectors.Summary, error) {
	var o envelope
	if err := codec.Unmarshal(document, &o); err != nil {
		return connectors.Summary{}, unsummed(document, err)
	}
	detail := o.object("order_detail")
	amount, ok := detail.object("price_info").number("order_price")
	status, ok2 := o.number("status")
	updated, ok3 := o.number("update_time")
	var lines []json.RawMessage
	if !ok || !ok2 || !ok3 || o.text("order_id") == "" || json.Unmarshal(detail["product_infos"], &lines) != nil {
		return connectors.Summary{}, unsummed(document, nil)
	}
	return connectors.Summary{
		Key: o.text("order_id"), Status: orderClass(status), Amount: amount, Currency: "CNY", Lines: len(lines), Store: c.store,
		At: unix(updated), Modified: unix(updated),
	}, nil
}

func (c *conn) summarizeAfterSale(document json.RawMessage) (connectors.Summary, error) {
	var a envelope
	if err := codec.Unmarshal(document, &a); err != nil {
		return connectors.Summary{}, unsummed(document, err)
	}
	amount, ok := a.object("refund_info").number("amount")
	updated, ok2 := a.number("update_time")
	if !ok || !ok2 || a.text("after_sale_order_id") == "" {
		return connectors.Summary{}, unsummed(document, nil)
	}
	return connectors.Summary{
		Key: a.text("after_sale_order_id"), Status: afterSaleClass(a.text("status")), Amount: amount, Currency: "CNY", Lines: -1, Store: c.store,
		At: unix(updated), Modified: unix(updated),
	}, nil
}

func unsummed(document json.RawMessage, err error) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unreadable, Scope: doc, Code: "wechatshop.summary", Raw: document, Err: err,
		Text: "the document lacks its id, a time, its amount or its lines"}
}

// orderClass follows "订单状态".
func orderClass(status int64) string {
	switch status {
	case 10, 12, 13, 17, 20, 21, 30:
		return "open"
	case 100:
		return "closed"
	case 190, 200, 250:
		return "cancelled"
	}
	return ""
}

// afterSaleClass follows "售后单状态". Words that no document lists are not compared.
func afterSaleClass(status string) string {
	switch status {
	case "USER_CANCELD", "RETURN_CLOSED", "MERCHANT_FAIL", "MERCHANT_REFUND_RETRY_FAIL":
		return "cancelled"
	case "MERCHANT_REFUND_SUCCESS", "MERCHANT_RETURN_SUCCESS":
		return "closed"
	case "MERCHANT_PROCESSING", "MERCHANT_REJECT_REFUND", "MERCHANT_REJECT_RETURN", "USER_WAIT_RETURN", "MERCHANT_WAIT_RECEIPT",
		"MERCHANT_OVERDUE_REFUND", "PLATFORM_REFUNDING", "PLATFORM_REFUND_FAIL", "USER_WAIT_CONFIRM",
		"USER_WAIT_CONFIRM_UPDATE", "USER_WAIT_HANDLE_MERCHANT_AFTER_SALE":
		return "open"
	}
	return ""
}

// Ping proves credentials, address list and permission with the smallest order list.
func (c *conn) Ping(ctx context.Context) error {
	now := c.now().Unix()
	body, err := place{From: now - 60, To: now}.request(streamOrders)
	if err != nil {
		return err
	}
	if _, verr := c.call(ctx, apiOf[streamOrders].list, body); verr != nil {
		return verr
	}
	return nil
}

func noSummary(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: call, Code: "wechatshop.summary", Text: "there is no summary of " + name}
}
