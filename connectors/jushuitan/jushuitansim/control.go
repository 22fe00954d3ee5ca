package jushuitansim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// shopOr is the shop itself, or the only one when it is empty.
func (s *Sim) shopOr(shop string) string {
	if shop == "" {
		return fmt.Sprint(s.opts.Shops[0].ID)
	}
	return shop
}

func (s *Sim) find(shop, so string) (*order, error) {
	if o := s.primary(s.shopOr(shop), so); o != nil {
		return o, nil
	}
	return nil, fmt.Errorf("order %q of shop %s: not in the ERP", so, s.shopOr(shop))
}

// DeleteOrder removes every order of this so_id behind the hub's back.
func (s *Sim) DeleteOrder(shop, so string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(shop, so); err != nil {
		return err
	}
	gone := func(o *order) bool { return o.so() == so && o.shop() == s.shopOr(shop) }
	for _, o := range s.bySo[so] {
		if gone(o) {
			delete(s.byOID, fmt.Sprint(o.oid))
			s.change(o, func() { o.status = "Delete" }) // frees its locks
		}
	}
	s.orders = slices.DeleteFunc(s.orders, gone)
	s.merges = slices.DeleteFunc(s.merges, gone)
	s.bySo[so] = slices.DeleteFunc(s.bySo[so], gone)
	return nil
}

// ChangeOrder overwrites fields of an order as they lie in the ERP, unchecked
// ("pay_amount": json.Number("1.00")); nil removes a field.
func (s *Sim) ChangeOrder(shop, so string, fields map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(shop, so)
	if err != nil {
		return err
	}
	return s.overwrite(o, o.doc, fields)
}

// ChangeLine overwrites fields of one line of an order.
func (s *Sim) ChangeLine(shop, so, outerOiID string, fields map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(shop, so)
	if err != nil {
		return err
	}
	line := o.line(outerOiID)
	if line == nil {
		return fmt.Errorf("order %q: no line %q", so, outerOiID)
	}
	return s.overwrite(o, line, fields)
}

func (s *Sim) overwrite(o *order, doc, fields map[string]any) error {
	for _, fixed := range []string{"shop_id", "so_id", "outer_oi_id"} {
		if _, ok := fields[fixed]; ok {
			return fmt.Errorf("%s is a key and cannot be changed", fixed)
		}
	}
	s.change(o, func() { lay(doc, fields) })
	return nil
}

func lay(doc, fields map[string]any) {
	for k, v := range fields {
		if v == nil {
			delete(doc, k)
		} else {
			doc[k] = cloneAny(v)
		}
	}
}

// SetStatus puts an order into an ERP status (Question, Delivering, ...).
func (s *Sim) SetStatus(shop, so, status string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(shop, so)
	if err != nil {
		return err
	}
	if !slices.Contains(orderStatuses, status) {
		return fmt.Errorf("status %q is unknown; known: %v", status, orderStatuses)
	}
	s.change(o, func() { o.status = status })
	return nil
}

// InsertOrder puts in an order the hub never sent, in the shape of an upload.
func (s *Sim) InsertOrder(row map[string]any) (oid string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.orderRules(row); err != nil {
		return "", err
	}
	if s.primary(str(row, "shop_id"), str(row, "so_id")) != nil {
		return "", fmt.Errorf("order %q is in the ERP already; copy_order makes a second one", str(row, "so_id"))
	}
	return fmt.Sprint(s.addOrder(clone(row), "").oid), nil
}

// CopyOrder makes a second order of the same so_id, as a clerk's "copy" does.
func (s *Sim) CopyOrder(shop, so string) (oid string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(shop, so)
	if err != nil {
		return "", err
	}
	c := s.addOrder(clone(o.doc), "COPY")
	c.link = o.oid
	return fmt.Sprint(c.oid), nil
}

// SetStock sets what is on hand of a product.
func (s *Sim) SetStock(sku string, qty int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.stock {
		if r.SkuID == sku {
			r.Qty = qty
			s.touchStock(r)
			return nil
		}
	}
	return fmt.Errorf("sku %q is not a product of the ERP", sku)
}

// DeleteAfterSale removes an after-sale behind the hub's back.
func (s *Sim) DeleteAfterSale(shop, outerAsID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.afterByKey[orderKey(s.shopOr(shop), outerAsID)]
	if a == nil {
		return fmt.Errorf("after-sale %q: not in the ERP", outerAsID)
	}
	delete(s.afterByKey, a.key())
	s.afterSales = slices.DeleteFunc(s.afterSales, func(x *afterSale) bool { return x == a })
	return nil
}

// ChangeAfterSale overwrites fields of an after-sale, unchecked.
func (s *Sim) ChangeAfterSale(shop, outerAsID string, fields map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.afterByKey[orderKey(s.shopOr(shop), outerAsID)]
	if a == nil {
		return fmt.Errorf("after-sale %q: not in the ERP", outerAsID)
	}
	for _, fixed := range []string{"shop_id", "outer_as_id"} {
		if _, ok := fields[fixed]; ok {
			return fmt.Errorf("%s is a key and cannot be changed", fixed)
		}
	}
	lay(a.doc, fields)
	s.touchAfterSale(a)
	return nil
}

// InsertAfterSale puts in an after-sale the hub never sent; its order may be missing.
func (s *Sim) InsertAfterSale(row map[string]any) (asID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := check("", row, afterSaleTable()); err != nil {
		return "", err
	}
	if s.afterByKey[orderKey(str(row, "shop_id"), str(row, "outer_as_id"))] != nil {
		return "", errors.New("this outer_as_id is in the ERP already")
	}
	return fmt.Sprint(s.addAfterSale(clone(row), s.primary(str(row, "shop_id"), str(row, "so_id"))).asID), nil
}

// command is the body of a control call.
type command struct {
	ShopID    json.Number                `json:"shop_id"`
	SoID      string                     `json:"so_id"`
	SoIDs     []string                   `json:"so_ids"`
	OuterOiID string                     `json:"outer_oi_id"`
	OuterAsID string                     `json:"outer_as_id"`
	Status    string                     `json:"status"`
	LID       string                     `json:"l_id"`
	SkuID     string                     `json:"sku_id"`
	Qty       json.Number                `json:"qty"`
	Lines     map[string]json.Number     `json:"lines"`
	Fields    map[string]json.RawMessage `json:"fields"`
	Order     json.RawMessage            `json:"order"`
	AfterSale json.RawMessage            `json:"after_sale"`
}

// run does one control command; the result is merged into the answer.
func (s *Sim) run(name string, c command) (map[string]any, error) {
	shop := c.ShopID.String()
	switch name {
	case "delete_order":
		return nil, s.DeleteOrder(shop, c.SoID)
	case "change_order", "change_line", "change_aftersale":
		fields := map[string]any{}
		for k, raw := range c.Fields {
			v, err := decodeBiz(string(raw))
			if err != nil {
				return nil, fmt.Errorf("fields.%s: %w", k, err)
			}
			fields[k] = v
		}
		switch name {
		case "change_order":
			return nil, s.ChangeOrder(shop, c.SoID, fields)
		case "change_line":
			return nil, s.ChangeLine(shop, c.SoID, c.OuterOiID, fields)
		}
		return nil, s.ChangeAfterSale(shop, c.OuterAsID, fields)
	case "set_status":
		return nil, s.SetStatus(shop, c.SoID, c.Status)
	case "insert_order", "insert_aftersale":
		return s.insert(name, c)
	case "copy_order":
		oid, err := s.CopyOrder(shop, c.SoID)
		return map[string]any{"o_id": oid}, err
	case "ship":
		var lines map[string]int64
		for id, n := range c.Lines {
			v, err := strconv.ParseInt(n.String(), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("lines.%s: want a whole number", id)
			}
			if lines == nil {
				lines = map[string]int64{}
			}
			lines[id] = v
		}
		p, err := s.ShipPart(shop, c.SoID, c.LID, lines)
		return map[string]any{"o_id": p.OID, "l_id": p.LID, "lc_id": p.LcID, "logistics_company": p.Company}, err
	case "merge":
		oid, err := s.Merge(shop, c.SoIDs...)
		return map[string]any{"o_id": oid}, err
	case "set_stock":
		n, err := strconv.ParseInt(c.Qty.String(), 10, 64)
		if err != nil {
			return nil, errors.New("qty: want a whole number")
		}
		return nil, s.SetStock(c.SkuID, n)
	case "delete_aftersale":
		return nil, s.DeleteAfterSale(shop, c.OuterAsID)
	case "expire_token":
		s.ExpireToken()
		return nil, nil
	}
	return nil, fmt.Errorf("command %q is unknown", name)
}

func (s *Sim) insert(name string, c command) (map[string]any, error) {
	raw, put, id := c.Order, s.InsertOrder, "o_id"
	if name == "insert_aftersale" {
		raw, put, id = c.AfterSale, s.InsertAfterSale, "as_id"
	}
	v, err := decodeBiz(string(raw))
	row, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil, errors.New("want the document to insert as an object")
	}
	got, err := put(row)
	return map[string]any{id: got}, err
}
