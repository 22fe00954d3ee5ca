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

// maxSpan is the widest window that a list takes.
const maxSpan = 7 * 24 * time.Hour

// List pages through the orders or after-sales modified within a window, cut into spans
// the vendor takes. The cursor is "<start of the span, unix s>/<page>".
func (c *connection) List(ctx context.Context, name string, w connectors.Window, cursor string) (connectors.Listed, error) {
	call, ok := map[string]listCall{opOrder: listOrders, opAfterSale: listRefunds}[name]
	if !ok {
		return connectors.Listed{}, noList(name)
	}
	from, page := w.From, 1
	if cursor != "" {
		start, number, ok := strings.Cut(cursor, "/")
		sec, err1 := strconv.ParseInt(start, 10, 64)
		n, err2 := strconv.Atoi(number)
		if !ok || err1 != nil || err2 != nil || n < 1 {
			return connectors.Listed{}, badCursor()
		}
		from, page = time.Unix(sec, 0), n
	}
	to := w.To
	if to.Sub(from) > maxSpan {
		to = from.Add(maxSpan)
	}
	if !from.Before(to) {
		return connectors.Listed{}, nil
	}
	query := c.modified(connectors.Window{From: from, To: to})
	if name == opOrder {
		query["date_type"] = 0 // modified
	}
	rows, more, _, err := c.page(ctx, call, query, page)
	if err != nil {
		return connectors.Listed{}, err
	}
	var out connectors.Listed
	if name == opOrder {
		out.Rows = summaries(fold(rows))
	} else {
		out.Rows = refundSummaries(rows)
	}
	switch {
	case more:
		out.More, out.Cursor = true, cursorAt(from, page+1)
	case to.Before(w.To):
		out.More, out.Cursor = true, cursorAt(to, 1)
	}
	return out, nil
}

// modified asks for what was modified within a window. The vendor's end counts in and
// its times have whole seconds; ours is open.
func (c *connection) modified(w connectors.Window) map[string]any {
	end := w.To.Add(-time.Nanosecond).Truncate(time.Second)
	query := map[string]any{"modified_begin": w.From.In(zone()).Format(timeLayout), "modified_end": end.In(zone()).Format(timeLayout)}
	if c.shop != "" {
		query["shop_id"] = json.Number(c.shop)
	}
	return query
}

func badCursor() *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "jushuitan.cursor", Text: "the cursor is not one of this list"}
}

func cursorAt(t time.Time, page int) string {
	return strconv.FormatInt(t.Unix(), 10) + "/" + strconv.Itoa(page)
}

// Get reads orders by so_id. After-sales cannot be asked for by outer_as_id.
func (c *connection) Get(ctx context.Context, name string, keys []string) ([]connectors.Summary, error) {
	if name != opOrder {
		return nil, noList(name)
	}
	var out []connectors.Summary
	for chunk := range slices.Chunk(keys, maxBatch) {
		found, _, err := c.bySoID(ctx, c.shop, chunk)
		if err != nil {
			return nil, err
		}
		out = append(out, summaries(found)...)
	}
	return out, nil
}

// Summarize reads a document of order.push or aftersale.push as the ERP would show it.
func (c *connection) Summarize(name string, document json.RawMessage) (connectors.Summary, error) {
	if name != opOrder && name != opAfterSale {
		return connectors.Summary{}, noList(name)
	}
	tree, err := codec.Decode(document)
	doc := object(tree)
	if err != nil || doc == nil {
		return connectors.Summary{}, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "jushuitan.document", Text: "the document is not a JSON object", Err: err}
	}
	if name == opAfterSale {
		return refundSummary(doc), nil
	}
	s := connectors.Summary{Key: text(doc["so_id"]), Store: text(doc["shop_id"]), Lines: len(lines(text(doc["so_id"]), doc)),
		At: parseTime(doc["shop_modified"]), Modified: parseTime(doc["shop_modified"]), Status: "open"}
	switch {
	case cancelled(doc):
		s.Status = "cancelled"
	case text(doc["shop_status"]) == "WAIT_BUYER_CONFIRM_GOODS", text(doc["shop_status"]) == "TRADE_FINISHED":
		s.Status = "closed"
	}
	setAmount(&s, doc)
	return s, nil
}

func summaries(found []order) []connectors.Summary {
	out := make([]connectors.Summary, 0, len(found))
	for _, o := range found {
		s := connectors.Summary{Key: o.so, Store: o.shop, RemoteIDs: o.remoteIDs(), Status: o.status(), Lines: len(lines(o.so, o.parts()...))}
		for _, r := range o.rows {
			if m := parseTime(r["modified"]); m.After(s.Modified) {
				s.Modified, s.At = m, m
			}
		}
		if o.any(statusMerged) {
			s.Status = "" // what became of it, the order it went into knows
		}
		if o.whole() {
			setAmount(&s, o.rows[0])
		} else {
			s.Lines = -1 // the parts may stand on different pages
		}
		out = append(out, s)
	}
	return out
}

// setAmount leaves the currency empty, and so the amount uncompared, where there is none.
func setAmount(s *connectors.Summary, doc map[string]any) {
	if amount, ok := fen(doc["pay_amount"]); ok {
		s.Amount, s.Currency = amount, "CNY"
		if cur := text(doc["currency"]); cur != "" {
			s.Currency = cur
		}
	}
}

func noList(name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "jushuitan.list", Text: strconv.Quote(name) + " cannot be listed"}
}
