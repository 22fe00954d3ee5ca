package jushuitan

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
)

// The order states of orders/single/query that decide something here.
const (
	statusSent      = "Sent"
	statusCancelled = "Cancelled"
	statusMerged    = "Merged"
	statusSplit     = "Split"
)

// zone is the one of every time text of the vendor.
func zone() *time.Location { return time.FixedZone("UTC+8", 8*60*60) }

const timeLayout = "2006-01-02 15:04:05"

// order is one shop order as the ERP shows it: usually one row, several after a split
// or a clerk's copy.
type order struct {
	shop, so string
	rows     []map[string]any
}

// fold groups rows by shop and so_id, in order of appearance.
func fold(rows []any) []order {
	var out []order
	for _, v := range rows {
		row := object(v)
		shop, so := text(row["shop_id"]), text(row["so_id"])
		i := slices.IndexFunc(out, func(o order) bool { return o.shop == shop && o.so == so })
		if i < 0 {
			out = append(out, order{shop: shop, so: so})
			i = len(out) - 1
		}
		out[i].rows = append(out[i].rows, row)
	}
	return out
}

// parts are the rows that stand for goods: not those that others took the place of.
func (o order) parts() []map[string]any {
	parts := slices.DeleteFunc(slices.Clone(o.rows), func(r map[string]any) bool {
		s := text(r["status"])
		return s == statusSplit || s == statusMerged
	})
	if len(parts) == 0 {
		return o.rows
	}
	return parts
}

// whole reports that one row shows all of the order, its amount too.
func (o order) whole() bool { return len(o.rows) == 1 }

func (o order) every(status ...string) bool {
	return !slices.ContainsFunc(o.parts(), func(r map[string]any) bool { return !slices.Contains(status, text(r["status"])) })
}

func (o order) any(status string) bool {
	return slices.ContainsFunc(o.rows, func(r map[string]any) bool { return text(r["status"]) == status })
}

// status in the words of a Summary.
func (o order) status() string {
	switch {
	case o.every(statusCancelled):
		return "cancelled"
	case o.every(statusSent, statusCancelled):
		return "closed"
	}
	return "open"
}

func (o order) remoteIDs() []connectors.RemoteID {
	var ids []connectors.RemoteID
	for _, r := range o.rows {
		if id := text(r["o_id"]); id != "" {
			ids = append(ids, connectors.RemoteID{Kind: "o_id", Value: id})
		}
	}
	return ids
}

// line is what is compared of one line.
type line struct {
	sku string
	qty decimal.Decimal
}

// lines sums the pieces by the shop's line id; rows of merged orders carry lines of
// other shop orders, told apart by raw_so_id.
func lines(so string, docs ...map[string]any) map[string]line {
	out := map[string]line{}
	for _, doc := range docs {
		for _, v := range list(doc["items"]) {
			item := object(v)
			if raw := text(item["raw_so_id"]); raw != "" && raw != so {
				continue
			}
			id := text(item["outer_oi_id"])
			if id == "" {
				id = text(item["sku_id"])
			}
			l := out[id]
			l.sku = text(item["sku_id"])
			l.qty = l.qty.Add(number(item["qty"]))
			out[id] = l
		}
	}
	return out
}

// number reads an amount or a quantity; what is no number is zero.
func number(v any) decimal.Decimal {
	d, err := decimal.NewFromString(text(v))
	if err != nil {
		return decimal.Zero
	}
	return d
}

// fen turns yuan into minor units; false when there is no such amount.
func fen(v any) (int64, bool) {
	d, err := decimal.NewFromString(text(v))
	if err != nil {
		return 0, false
	}
	minor := d.Shift(2)
	if !minor.IsInteger() || !minor.BigInt().IsInt64() {
		return 0, false
	}
	return minor.IntPart(), true
}

func parseTime(v any) time.Time {
	t, err := time.ParseInLocation(timeLayout, text(v), zone())
	if err != nil {
		return time.Time{}
	}
	return t
}

// bySoID reads orders by so_id, at most maxBatch at once, all pages.
func (c *connection) bySoID(ctx context.Context, shop string, sos []string) ([]order, []connectors.Exchange, *connectors.Error) {
	query := map[string]any{"so_ids": sos}
	if shop != "" {
		query["shop_id"] = json.Number(shop)
	}
	var rows []any
	var seen []connectors.Exchange
	for page := 1; ; page++ {
		got, more, r, err := c.page(ctx, listOrders, query, page)
		seen = append(seen, r.exchange)
		if err != nil {
			return nil, seen, err
		}
		rows = append(rows, got...)
		if !more || len(got) == 0 {
			return fold(rows), seen, nil
		}
	}
}

// listCall is a call that gives rows by page.
type listCall struct {
	path string
	rows string // member of data that holds them
	size int    // the most rows of a page
}

var (
	listOrders  = listCall{pathOrdersQuery, "orders", 100}
	listRefunds = listCall{pathRefunds, "datas", 50}
	listParcels = listCall{pathShipments, "orders", 50}
)

// page reads one page of a list.
func (c *connection) page(ctx context.Context, l listCall, query map[string]any, page int) (rows []any, more bool, r reply, err *connectors.Error) {
	query["page_index"], query["page_size"] = page, l.size
	biz, merr := json.Marshal(query)
	if merr != nil {
		return nil, false, r, tokenError(merr)
	}
	r, err = c.call(ctx, l.path, biz)
	if err != nil {
		return nil, false, r, err
	}
	data := object(r.data)
	rows, ok := data[l.rows].([]any)
	if !ok && data[l.rows] != nil || data == nil {
		return nil, false, r, unreadable(r, "the answer of "+l.path+" has no list of rows")
	}
	return rows, text(data["has_next"]) == "true", r, nil
}

func unreadable(r reply, text string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: "jushuitan.answer", Text: text, Raw: r.raw}
}
