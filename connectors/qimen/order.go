package qimen

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
)

// order is a delivery order as both sides can compare it. Empty texts are not compared.
type order struct {
	tree      map[string]any // ours
	code      string
	id        string
	kind      string // orderType
	warehouse string
	owner     string
	status    string // theirs
	lines     map[line]decimal.Decimal
	created   string
	changed   string
}

// anyWarehouse lets the network pick the warehouse; answers then name the one picked.
const anyWarehouse = "OTHER"

// line is what planned quantities are added up by: a warehouse may split a line by batch.
type line struct{ item, inventory string }

// readOrder decodes a document of delivery.create and writes the remote key into it.
func readOrder(d connectors.Delivery) (order, *connectors.Error) {
	tree, err := readObject(d)
	if err != nil {
		return order{}, err
	}
	head, ok := tree["deliveryOrder"].(map[string]any)
	if !ok {
		return order{}, badDocument("/deliveryOrder must be an object")
	}
	if err := setCode(head, "/deliveryOrder/deliveryOrderCode", idCode, d.Key, d); err != nil {
		return order{}, err
	}
	o := order{tree: tree, code: d.Key, kind: str(head["orderType"]), warehouse: str(head["warehouseCode"]), lines: map[line]decimal.Decimal{},
		created: str(head["createTime"])}
	lines, _ := tree["orderLines"].([]any)
	if len(lines) == 0 {
		return order{}, badDocument("/orderLines must be a list with at least one line")
	}
	for _, v := range lines {
		l, _ := v.(map[string]any)
		if !o.add(str(l["itemCode"]), str(l["inventoryType"]), str(l["planQty"])) {
			return order{}, badDocument("/orderLines: every line needs itemCode and a planQty that is a plain number")
		}
		if o.owner == "" {
			o.owner = str(l["ownerCode"])
		}
	}
	return o, nil
}

// readAnswer reads the lines and the head of a query's page into o.
func (o *order) readAnswer(answer *element) bool {
	head := answer.kid("deliveryOrder")
	o.code, o.id, o.kind = head.at(idCode), head.at(idID), head.at("orderType")
	o.warehouse, o.status, o.changed = head.at("warehouseCode"), strings.ToUpper(head.at("status")), head.at("operateTime")
	if lines := answer.kid("orderLines"); lines != nil {
		for _, l := range lines.kids {
			if !o.add(l.at("itemCode"), l.at("inventoryType"), l.at("planQty")) {
				return false
			}
		}
	}
	return true
}

func (o *order) add(item, inventory, qty string) bool {
	if item == "" || !plainNumber.MatchString(qty) {
		return false
	}
	n, err := decimal.NewFromString(qty)
	if err != nil {
		return false
	}
	if inventory == "" {
		inventory = "ZP" // the vendor's word for good stock, and what is meant by default
	}
	l := line{item, strings.ToUpper(inventory)}
	o.lines[l] = o.lines[l].Add(n)
	return true
}

// differs names what is not the same in the warehouse's order.
func (o *order) differs(theirs order) []string {
	var fields []string
	if theirs.class() == "cancelled" {
		fields = append(fields, "/deliveryOrder/status")
	}
	if theirs.kind != "" && theirs.kind != o.kind {
		fields = append(fields, "/deliveryOrder/orderType")
	}
	if theirs.warehouse != "" && o.warehouse != anyWarehouse && theirs.warehouse != o.warehouse {
		fields = append(fields, "/deliveryOrder/warehouseCode")
	}
	if !maps.EqualFunc(o.lines, theirs.lines, decimal.Decimal.Equal) {
		fields = append(fields, "/orderLines")
	}
	slices.Sort(fields)
	return fields
}

// class follows the status words of method 24690.
func (o *order) class() string {
	switch o.status {
	case "NEW", "ACCEPT", "PARTDELIVERED", "EXCEPTION", "CANCELEDFAIL":
		return "open"
	case "DELIVERED", "CLOSED":
		return "closed"
	case "CANCELED", "REJECT":
		return "cancelled"
	}
	return ""
}

// str reads a text or a number of a document.
func str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
