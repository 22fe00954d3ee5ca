package qimen

import (
	"context"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
)

// The paging of deliveryorder.query: lines of one order, at most 100 a page.
const (
	pageSize = 100
	maxPages = 20
)

// Lookup asks the warehouse for each order. For a cancel, "same" means that the order is
// cancelled and "absent" that it is not.
func (c *conn) Lookup(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	var one func(context.Context, connectors.Delivery) connectors.Finding
	switch operation {
	case opCreate:
		one = c.findOrder
	case opCancel:
		one = c.findCancel
	default:
		return nil, noOperation(operation)
	}
	findings := make([]connectors.Finding, 0, len(batch))
	for _, d := range batch {
		if !c.canQuery {
			findings = append(findings, connectors.Finding{ID: d.ID, Err: &connectors.Error{Kind: connectors.Forbidden, Scope: doc, Code: "qimen.no_query",
				Text: "this warehouse does not offer deliveryorder.query (can_query: false)",
				Hint: "ask the warehouse whether it holds the order, then discard or replay the delivery"}})
			continue
		}
		findings = append(findings, one(ctx, d))
	}
	return findings, nil
}

func (c *conn) findOrder(ctx context.Context, d connectors.Delivery) connectors.Finding {
	f := connectors.Finding{ID: d.ID}
	ours, err := readOrder(d)
	if err != nil {
		f.Err = err
		return f
	}
	theirs, exchanges, err := c.ask(ctx, ours.code, ours.owner, ours.warehouse)
	f.Exchanges, f.Err = exchanges, err
	switch {
	case err != nil && err.Code == codeAbsent:
		f.Presence, f.Err = connectors.Absent, nil
	case err != nil:
	default:
		f.RemoteIDs = remoteIDs(ours.code, theirs.id)
		f.Presence = connectors.Same
		if f.Fields = ours.differs(theirs); len(f.Fields) > 0 {
			f.Presence = connectors.Other
		}
	}
	return f
}

func (c *conn) findCancel(ctx context.Context, d connectors.Delivery) connectors.Finding {
	f := connectors.Finding{ID: d.ID}
	tree, code, err := readCancel(d)
	if err != nil {
		f.Err = err
		return f
	}
	theirs, exchanges, err := c.ask(ctx, code, str(tree["ownerCode"]), str(tree["warehouseCode"]))
	f.Exchanges, f.Err = exchanges, err
	switch {
	case err != nil && err.Code == codeAbsent:
		f.Presence, f.Err = connectors.Absent, nil
	case err != nil:
	case theirs.class() == "cancelled":
		f.Presence, f.RemoteIDs = connectors.Same, remoteIDs(code, theirs.id)
	case theirs.class() == "":
		// A word that the vendor does not list says neither.
	default:
		f.Presence = connectors.Absent
	}
	return f
}

// ask reads one order with all its lines. An order that is not there is an error with
// codeAbsent.
func (c *conn) ask(ctx context.Context, code, owner, warehouse string) (order, []connectors.Exchange, *connectors.Error) {
	if owner == "" {
		owner = c.owner
	}
	switch warehouse {
	case "":
		warehouse = c.warehouse
	case anyWarehouse:
		warehouse = "" // the order lies in the one that was picked
	}
	found := order{lines: map[line]decimal.Decimal{}}
	var exchanges []connectors.Exchange
	for page := 1; ; page++ {
		tree := map[string]any{"orderCode": code, "page": strconv.Itoa(page), "pageSize": strconv.Itoa(pageSize)}
		if owner != "" {
			tree["ownerCode"] = owner
		}
		if warehouse != "" {
			tree["warehouseCode"] = warehouse
		}
		body, err := encode(tree, queryFields())
		if err != nil {
			return order{}, exchanges, err
		}
		answer, exchange, err := c.call(ctx, callQuery, body)
		exchanges = append(exchanges, exchange)
		if err != nil {
			return order{}, exchanges, err
		}
		if answer.kid("deliveryOrder").at(idCode) == "" {
			return order{}, exchanges, &connectors.Error{Kind: connectors.NotFound, Scope: doc, Code: codeAbsent, Text: "the answer holds no order"}
		}
		total, terr := strconv.Atoi(answer.at("totalLines"))
		if !found.readAnswer(answer) || found.code != code || terr != nil && answer.at("totalLines") != "" {
			return order{}, exchanges, unreadable(nil, "the warehouse's answer holds another order, or lines that cannot be read", nil)
		}
		switch {
		case total <= page*pageSize:
			return found, exchanges, nil
		case page == maxPages:
			return order{}, exchanges, unreadable(nil, "the order has more lines than can be compared", nil)
		}
	}
}
