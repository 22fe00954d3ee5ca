package trytonsim

// seed is the data of a fresh company, with the ids it has on a real server.
func (s *Sim) seed() {
	at := s.opts.Now()
	add := func(name string, v object) int {
		r := s.insert(name, at)
		s.fill(name, r, v)
		return r.id
	}
	add("ir.lang", object{"name": "English", "code": "en"})
	add("currency.currency", object{"name": "Renminbi", "code": "CNY", "symbol": "¥", "digits": 2, "rounding": decimalValue("0.01"), "active": true})
	add("country.country", object{"name": "China", "code": "CN", "active": true})
	party := add("party.party", object{"name": "Hub Test Trading Co.", "code": s.sequence("party", 0), "active": true})
	add("company.company", object{"party": party, "currency": 1, "timezone": "Asia/Shanghai"})
	add("account.invoice.payment_term", object{"name": "Direct", "active": true})
	add("account.tax", object{"name": "VAT 13%", "description": "VAT 13%", "type": "percentage", "rate": decimalValue("0.13"), "company": 1, "active": true})
	for _, name := range []string{"Units", "Weight"} {
		add("product.uom.category", object{"name": name})
	}
	add("product.uom", object{"name": "Unit", "symbol": "u", "digits": 0, "category": 1, "active": true})
	add("product.uom", object{"name": "Kilogram", "symbol": "kg", "digits": 2, "category": 2, "active": true})
	for _, l := range []object{
		{"name": "Input Zone", "code": "IN", "type": "storage"}, {"name": "Output Zone", "code": "OUT", "type": "storage"},
		{"name": "Storage Zone", "code": "STO", "type": "storage"}, {"name": "Lost and Found", "type": "lost_found"},
		{"name": "Warehouse", "code": "WH", "type": "warehouse", "storage_location": 3}, {"name": "Supplier", "code": "SUP", "type": "supplier"},
		{"name": "Customer", "code": "CUS", "type": "customer"}, {"name": "Transit", "type": "storage"},
	} {
		l["active"] = true
		add("stock.location", l)
	}
	for _, p := range s.opts.Products {
		t := add("product.template", object{"name": p.Name, "type": "goods", "list_price": decimalValue(p.ListPrice), "default_uom": 1, "sale_uom": 1,
			"salable": true, "active": true})
		id := add("product.product", object{"template": t, "suffix_code": p.Code, "code": p.Code, "active": true})
		s.stock[id] = p.Stock
	}
	customer := add("party.party", object{"name": "张三", "code": s.sequence("party", 0), "active": true, "customer_payment_term": 1})
	add("party.address", object{"party": customer, "street": "中山路 1 号", "city": "杭州", "postal_code": "310000", "active": true})
	add("party.contact_mechanism", object{"party": customer, "type": "mobile", "value": "13800000001", "active": true})
	s.undo = nil
}
