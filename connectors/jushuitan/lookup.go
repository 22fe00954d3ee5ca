package jushuitan

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// Lookup reads orders by so_id and compares receiver, amount and lines; for a cancel
// it tells whether the order is cancelled. After-sales are read by the so_id of their
// order, and type, state, amounts and lines are compared.
func (c *connection) Lookup(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	if operation != opOrder && operation != opCancel && operation != opAfterSale {
		return nil, noOperation(operation)
	}
	findings := make([]connectors.Finding, 0, len(batch))
	// One call reads one shop's orders.
	byShop := map[string][]connectors.Delivery{}
	docs := map[string]map[string]any{}
	for _, d := range batch {
		doc, err := document(d)
		if err != nil {
			findings = append(findings, connectors.Finding{ID: d.ID, Err: err})
			continue
		}
		docs[d.ID] = doc
		byShop[text(doc["shop_id"])] = append(byShop[text(doc["shop_id"])], d)
	}
	for _, shop := range slices.Sorted(maps.Keys(byShop)) {
		for chunk := range slices.Chunk(byShop[shop], maxBatch) {
			var sos []string
			for _, d := range chunk {
				sos = append(sos, text(docs[d.ID]["so_id"]))
			}
			var found []order
			var refunds []map[string]any
			var seen []connectors.Exchange
			var err *connectors.Error
			if operation == opAfterSale {
				refunds, seen, err = c.refundsOf(ctx, shop, sos)
			} else {
				found, seen, err = c.bySoID(ctx, shop, sos)
			}
			for i, d := range chunk {
				f := connectors.Finding{ID: d.ID, Exchanges: seen, Err: err}
				switch {
				case err != nil:
				case operation == opAfterSale:
					answerRefund(&f, docs[d.ID], d.Key, refunds)
				default:
					answer(&f, operation, docs[d.ID], sos[i], values(d.RemoteIDs, "o_id"), found)
				}
				findings = append(findings, f)
			}
		}
	}
	return findings, nil
}

// answer fills a finding from the orders that were read.
func answer(f *connectors.Finding, operation string, doc map[string]any, so string, ours []string, found []order) {
	i := slices.IndexFunc(found, func(o order) bool { return o.so == so })
	if i < 0 {
		f.Presence = connectors.Absent
		return
	}
	o := found[i].only(ours)
	f.RemoteIDs = o.remoteIDs()
	if operation == opCancel {
		f.Presence = connectors.Absent
		if o.every(statusCancelled) {
			f.Presence = connectors.Same
		}
		return
	}
	f.Presence = connectors.Same
	if f.Fields = differences(doc, o); len(f.Fields) > 0 {
		f.Presence = connectors.Other
	}
}

// receiver are the fields that say where an order goes.
func receiver() []string {
	return []string{"receiver_name", "receiver_mobile", "receiver_phone", "receiver_state", "receiver_city", "receiver_district", "receiver_address"}
}

// differences names the fields of our document that the ERP shows otherwise. What the
// ERP masks or leaves out is not compared, nor is the amount of an order in parts.
func differences(doc map[string]any, o order) []string {
	var out []string
	first := o.rows[0]
	for _, name := range receiver() {
		ours, theirs := text(doc[name]), text(first[name])
		if ours != "" && theirs != "" && !strings.Contains(theirs, "*") && ours != theirs {
			out = append(out, name)
		}
	}
	if o.whole() {
		for _, name := range []string{"pay_amount", "freight"} {
			if text(doc[name]) != "" && text(first[name]) != "" && !number(doc[name]).Equal(number(first[name])) {
				out = append(out, name)
			}
		}
	}
	ours, theirs := lines(o.so, doc), lines(o.so, o.parts()...)
	if len(ours) != len(theirs) {
		out = append(out, "items")
	}
	for _, id := range slices.Sorted(maps.Keys(ours)) {
		if t, ok := theirs[id]; ok && (t.sku != ours[id].sku || !t.qty.Equal(ours[id].qty)) {
			out = append(out, "items/"+id)
		} else if !ok && len(ours) == len(theirs) {
			out = append(out, "items/"+id)
		}
	}
	if cancelled(doc) != (o.status() == "cancelled") {
		out = append(out, "shop_status")
	}
	return out
}

// cancelled tells whether a document asks for a cancelled order: closed by the shop,
// or every line refunded.
func cancelled(doc map[string]any) bool {
	if strings.HasPrefix(text(doc["shop_status"]), "TRADE_CLOSED") {
		return true
	}
	items := list(doc["items"])
	return len(items) > 0 && !slices.ContainsFunc(items, func(v any) bool { return text(object(v)["refund_status"]) != "success" })
}
