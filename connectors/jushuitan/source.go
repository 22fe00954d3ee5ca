package jushuitan

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// streamShipments is what logistic/query ("发货信息查询") gives: a row for each order of
// the ERP that has shipped.
const streamShipments = "shipments"

var (
	_ connectors.Source  = (*connection)(nil)
	_ connectors.Fetcher = (*connection)(nil)
)

// Pull reads one page of the shipments modified within the window, the last page first:
// a row that is modified while the pages are read leaves the window, and those behind it
// move up. The cursor is the next page to read; with an empty one the first call of a
// window of several pages only learns how many there are.
func (c *connection) Pull(ctx context.Context, req connectors.PullRequest) (connectors.Page, error) {
	if req.Stream != streamShipments {
		return connectors.Page{}, noStream(req.Stream)
	}
	if !req.Window.From.Before(req.Window.To) {
		return connectors.Page{}, nil
	}
	number := 1
	if req.Cursor != "" {
		n, err := strconv.Atoi(req.Cursor)
		if err != nil || n < 1 {
			return connectors.Page{}, badCursor()
		}
		number = n
	}
	query := c.modified(req.Window)
	query["date_type"] = 0 // modified; without it the time of sending counts
	_, more, r, err := c.page(ctx, listParcels, query, number)
	if err != nil {
		return connectors.Page{}, err
	}
	if req.Cursor == "" && more {
		last, perr := strconv.Atoi(text(object(r.data)["page_count"]))
		if perr != nil || last < 2 {
			return connectors.Page{}, unreadable(r, "has_next is true, but page_count does not say how many pages there are")
		}
		return connectors.Page{Cursor: strconv.Itoa(last), More: true}, nil
	}
	var page connectors.Page
	if page.Items, err = shipments(r); err != nil {
		return connectors.Page{}, err
	}
	if number > 1 {
		page.Cursor, page.More = strconv.Itoa(number-1), true
	}
	return page, nil
}

// Fetch reads the shipments that a callback named. One that is not there (yet, or any
// more) is a tombstone older than every document: the pull brings it when it appears, and
// a callback that lied takes nothing away.
func (c *connection) Fetch(ctx context.Context, stream string, keys []string) ([]connectors.Item, error) {
	if stream != streamShipments {
		return nil, noStream(stream)
	}
	found := map[string]connectors.Item{}
	var sos []string
	for _, key := range keys {
		if _, so, ok := strings.Cut(key, "/"); ok && so != "" && !slices.Contains(sos, so) {
			sos = append(sos, so)
		}
	}
	for chunk := range slices.Chunk(sos, maxBatch) {
		query := map[string]any{"so_ids": chunk}
		if c.shop != "" {
			query["shop_id"] = json.Number(c.shop)
		}
		for page, more := 1, true; more; page++ {
			var r reply
			var rows []any
			var err *connectors.Error
			if rows, more, r, err = c.page(ctx, listParcels, query, page); err != nil {
				return nil, err
			}
			items, err := shipments(r)
			if err != nil {
				return nil, err
			}
			for _, it := range items {
				found[it.Key] = it
			}
			more = more && len(rows) > 0
		}
	}
	items := make([]connectors.Item, 0, len(keys))
	for _, key := range keys {
		it, ok := found[key]
		if !ok {
			it = connectors.Item{Stream: streamShipments, Key: key, Root: rootOf(key), Version: 1, Deleted: true}
		}
		items = append(items, it)
	}
	return items, nil
}

// parcelRow is what is read of a row here.
type parcelRow struct {
	OID      any `json:"o_id"`
	SoID     any `json:"so_id"`
	SendDate any `json:"send_date"`
	Modified any `json:"modified"` // not in the vendor's list of fields
	Items    []struct {
		RawSoID any `json:"raw_so_id"`
	} `json:"items"`
}

// shipments cuts the rows out of an answer, bytes as they came. The row of a merged
// order holds lines of several shop orders and gives an item for each of them.
func shipments(r reply) ([]connectors.Item, *connectors.Error) {
	var env struct {
		Data struct {
			Orders []json.RawMessage `json:"orders"`
		} `json:"data"`
	}
	if err := codec.Unmarshal(r.raw, &env); err != nil {
		return nil, unreadable(r, "the rows of the answer are not a list of objects")
	}
	items := make([]connectors.Item, 0, len(env.Data.Orders))
	for _, raw := range env.Data.Orders {
		var row parcelRow
		if err := codec.Unmarshal(raw, &row); err != nil {
			return nil, unreadable(r, "a shipment differs from the vendor's page")
		}
		oid, version := text(row.OID), row.version()
		if !digits(oid) || version <= 0 {
			return nil, unreadable(r, "a shipment has no o_id or no send_date")
		}
		for _, so := range row.orders() {
			key := shipmentKey(oid, so)
			items = append(items, connectors.Item{Stream: streamShipments, Key: key, Root: rootOf(key), Version: version, Body: raw})
		}
	}
	return items, nil
}

// version is the time of the last change; a waybill that is corrected later may keep it,
// and then the later reading is the newer one.
func (r parcelRow) version() int64 {
	t := parseTime(r.SendDate)
	if m := parseTime(r.Modified); m.After(t) {
		t = m
	}
	return t.Truncate(time.Second).Unix()
}

// orders are the shop orders that the row holds lines of.
func (r parcelRow) orders() []string {
	var sos []string
	for _, it := range r.Items {
		so := text(it.RawSoID)
		if so == "" {
			so = text(r.SoID)
		}
		if !slices.Contains(sos, so) {
			sos = append(sos, so)
		}
	}
	if len(sos) == 0 {
		return []string{text(r.SoID)}
	}
	return sos
}

// shipmentKey names what the ERP's order oid has shipped of a shop order. o_id alone is
// unique, but logistic/query finds a shipment by so_id only.
func shipmentKey(oid, so string) string { return oid + "/" + so }

// rootOf is the order's number in the shop: the remote key of order.push.
func rootOf(key string) string {
	oid, so, _ := strings.Cut(key, "/")
	if so == "" {
		return oid
	}
	return so
}

func noStream(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "jushuitan.stream", Text: "the connector has no stream " + strconv.Quote(name)}
}
