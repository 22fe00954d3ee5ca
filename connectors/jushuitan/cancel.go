package jushuitan

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// cancel reads the order and cancels what of it is open. It may be repeated: what is
// cancelled already is done.
func (c *connection) cancel(ctx context.Context, d connectors.Delivery) connectors.Result {
	res := connectors.Result{ID: d.ID}
	fail := func(e *connectors.Error) connectors.Result {
		res.Outcome, res.Err = outcomeOf(e), e
		return res
	}
	refuse := func(code, why, hint string) connectors.Result {
		res.Outcome = connectors.Refused
		res.Err = &connectors.Error{Kind: connectors.Conflict, Scope: connectors.OfDocument, Code: code, Text: why, Hint: hint}
		return res
	}
	doc, bad := document(d)
	if bad != nil {
		return fail(bad)
	}
	so := text(doc["so_id"])
	found, seen, err := c.bySoID(ctx, text(doc["shop_id"]), []string{so})
	res.Exchanges = seen
	if err != nil {
		e := *err
		e.Sent = false // only reading has failed
		return fail(&e)
	}
	ours := values(d.RemoteIDs, "o_id")
	var targets []string
	switch i := slices.IndexFunc(found, func(o order) bool { return o.so == so }); {
	case i >= 0:
		o := found[i].only(ours)
		res.RemoteIDs = o.remoteIDs()
		switch {
		case o.every(statusCancelled):
			res.Outcome = connectors.Done
			return res
		case o.any(statusSent):
			return refuse("jushuitan.shipped", "the order, or a part of it, has shipped", "take the after-sale path, or have the rest cancelled in the ERP")
		case o.any(statusMerged):
			return refuse("jushuitan.merged", "the order was merged with another one, which a cancel would cancel, too", "take the order's lines out in the ERP")
		}
		for _, p := range o.parts() {
			if text(p["status"]) != statusCancelled {
				targets = append(targets, text(p["o_id"]))
			}
		}
	case len(ours) > 0:
		targets = ours
	default:
		return refuse("jushuitan.absent", "the ERP has no order of this so_id", "look whether shop_id is right")
	}
	biz, bad := cancelBody(doc, targets)
	if bad != nil {
		return fail(bad)
	}
	r, err := c.call(ctx, pathCancel, biz)
	res.Exchanges = append(res.Exchanges, r.exchange)
	switch {
	case err == nil:
		res.Outcome = connectors.Done
		return res
	case outcomeOf(err) == connectors.Refused:
		return refuse(err.Code, err.Text, "it may have shipped just now: read the order in the ERP")
	}
	return fail(err)
}

// only narrows an order to the rows that came of ours: after a clerk's copy others
// share its so_id. A split leaves ours behind as Split, and then all the rest counts.
func (o order) only(ours []string) order {
	var kept []map[string]any
	for _, r := range o.rows {
		if slices.Contains(ours, text(r["o_id"])) {
			kept = append(kept, r)
			if text(r["status"]) == statusSplit {
				return o
			}
		}
	}
	if len(kept) == 0 {
		return o
	}
	return order{shop: o.shop, so: o.so, rows: kept}
}

func document(d connectors.Delivery) (map[string]any, *connectors.Error) {
	tree, err := codec.Decode(d.Document)
	doc := object(tree)
	switch {
	case err != nil:
		return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "jushuitan.document", Text: "the document is not JSON", Err: err}
	case text(doc["so_id"]) == "" || !digits(text(doc["shop_id"])):
		return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "jushuitan.document", Text: "the document lacks shop_id, a number, or so_id",
			Hint: "in the mapping, fill shop_id and so_id"}
	}
	return doc, nil
}

// cancelBody is the body of orderbyoid/cancel.
func cancelBody(doc map[string]any, oIDs []string) ([]byte, *connectors.Error) {
	ids := make([]any, len(oIDs))
	for i, id := range oIDs {
		if !digits(id) {
			return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "jushuitan.o_id", Text: "o_id " + strconv.Quote(id) + " is no number"}
		}
		ids[i] = json.Number(id)
	}
	biz, err := codec.Encode(map[string]any{"o_ids": ids, "cancel_type": text(doc["cancel_type"]), "remark": text(doc["remark"])})
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "jushuitan.document", Text: "the cancel cannot be written", Err: err}
	}
	return biz, nil
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

func values(ids []connectors.RemoteID, kind string) []string {
	var out []string
	for _, id := range ids {
		if id.Kind == kind {
			out = append(out, id.Value)
		}
	}
	return out
}
