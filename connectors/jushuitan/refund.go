package jushuitan

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/minihub/minihub/connectors"
)

// The after-sale states of refund/single/query that decide something here.
const (
	refundCancelled = "Cancelled"
	refundMerged    = "Merged"
)

// refundsOf reads the after-sales of orders, at most maxBatch at once, all pages: the
// call finds them by so_id, not by outer_as_id.
func (c *connection) refundsOf(ctx context.Context, shop string, sos []string) ([]map[string]any, []connectors.Exchange, *connectors.Error) {
	query := map[string]any{"so_ids": sos}
	if shop != "" {
		query["shop_id"] = json.Number(shop)
	}
	var found []map[string]any
	var seen []connectors.Exchange
	for page := 1; ; page++ {
		rows, more, r, err := c.page(ctx, listRefunds, query, page)
		seen = append(seen, r.exchange)
		if err != nil {
			return nil, seen, err
		}
		for _, v := range rows {
			found = append(found, object(v))
		}
		if !more || len(rows) == 0 {
			return found, seen, nil
		}
	}
}

// answerRefund fills a finding of aftersale.push.
func answerRefund(f *connectors.Finding, doc map[string]any, key string, found []map[string]any) {
	i := slices.IndexFunc(found, func(r map[string]any) bool {
		return text(r["outer_as_id"]) == key && (text(r["shop_id"]) == "" || text(r["shop_id"]) == text(doc["shop_id"]))
	})
	if i < 0 {
		f.Presence = connectors.Absent
		return
	}
	f.RemoteIDs = refundIDs(found[i])
	f.Presence = connectors.Same
	if f.Fields = refundDifferences(doc, found[i]); len(f.Fields) > 0 {
		f.Presence = connectors.Other
	}
}

func refundIDs(row map[string]any) []connectors.RemoteID {
	var ids []connectors.RemoteID
	for _, name := range []string{"as_id", "o_id"} {
		if id := text(row[name]); id != "" && id != "0" {
			ids = append(ids, connectors.RemoteID{Kind: name, Value: id})
		}
	}
	return ids
}

// refundDifferences names the fields that the ERP shows otherwise. Where the goods are
// (good_status) is the ERP's to say and is not compared.
func refundDifferences(doc, row map[string]any) []string {
	var out []string
	for _, name := range []string{"so_id", "type", "shop_status"} {
		if ours, theirs := text(doc[name]), text(row[name]); ours != "" && theirs != "" && ours != theirs {
			out = append(out, name)
		}
	}
	for _, name := range []string{"refund", "payment"} {
		if text(doc[name]) != "" && text(row[name]) != "" && !number(doc[name]).Equal(number(row[name])) {
			out = append(out, name)
		}
	}
	ours, theirs := lines("", doc), lines("", row)
	if len(ours) != len(theirs) {
		return append(out, "items")
	}
	for _, id := range slices.Sorted(maps.Keys(ours)) {
		if t, ok := theirs[id]; !ok || t.sku != ours[id].sku || !t.qty.Equal(ours[id].qty) {
			out = append(out, "items/"+id)
		}
	}
	return out
}

// refundSummaries reads the rows that have a number of the shop's; others were made in
// the ERP itself.
func refundSummaries(rows []any) []connectors.Summary {
	out := make([]connectors.Summary, 0, len(rows))
	for _, v := range rows {
		row := object(v)
		s := refundSummary(row)
		if s.Key == "" || slices.ContainsFunc(out, func(o connectors.Summary) bool { return o.Key == s.Key && o.Store == s.Store }) {
			continue
		}
		switch text(row["status"]) {
		case refundCancelled:
			s.Status = "cancelled"
		case refundMerged:
			s.Status = "" // what became of it, the after-sale it went into knows
		}
		s.RemoteIDs = refundIDs(row)
		out = append(out, s)
	}
	return out
}

// refundSummary reads an after-sale, ours or the ERP's.
func refundSummary(doc map[string]any) connectors.Summary {
	s := connectors.Summary{Key: text(doc["outer_as_id"]), Store: text(doc["shop_id"]), Lines: len(list(doc["items"])), At: parseTime(doc["modified"])}
	s.Modified = s.At
	switch text(doc["shop_status"]) {
	case "CLOSED", "SELLER_REFUSE_BUYER":
		s.Status = "cancelled"
	case "SUCCESS":
		s.Status = "closed"
	case "WAIT_SELLER_AGREE", "WAIT_BUYER_RETURN_GOODS", "WAIT_SELLER_CONFIRM_GOODS":
		s.Status = "open"
	}
	if amount, ok := fen(doc["refund"]); ok {
		s.Amount, s.Currency = amount, "CNY"
	}
	return s
}
