package trytonsim

type kind string

const (
	char      kind = "char" // one line
	text      kind = "text" // several lines
	integer   kind = "integer"
	float     kind = "float"
	numeric   kind = "numeric"
	boolean   kind = "boolean"
	date      kind = "date"
	datetime  kind = "datetime"
	selection kind = "selection"
	many2one  kind = "many2one"
	one2many  kind = "one2many"
	many2many kind = "many2many"
	reference kind = "reference"
)

// field describes one field of a model.
type field struct {
	label    string
	kind     kind
	target   string // of a relation
	inverse  string // of a one2many: the many2one on the target
	required bool
	indexed  bool
	unique   string // the message when a value is taken
	unsearch bool   // cannot be searched by
	restrict bool   // keeps what it refers to from being deleted
	options  []string
	fallback any // default of create
	digits   int // of a numeric; 0: any
	compute  func(s *Sim, r *row, ctx object) any
}

// model describes one model.
type model struct {
	label   string
	company bool // hidden by the rule "User in companies" when it does not exist
	recName func(s *Sim, r *row) string
	fields  map[string]*field
	buttons map[string]func(s *Sim, r *row, c *call) (effect string, result any, f *fail)
	check   func(s *Sim, r *row) *fail // after create and write
	remove  func(s *Sim, r *row) *fail // before delete
}

func schema(webShop bool) map[string]*model {
	word := func(label string) *field { return &field{label: label, kind: char} }
	prose := func(label string) *field { return &field{label: label, kind: text} }
	search := func(label string) *field { return &field{label: label, kind: char, indexed: true} }
	one := func(label, target string) *field { return &field{label: label, kind: many2one, target: target} }
	need := func(f *field) *field { f.required = true; return f }
	many := func(label, target, inverse string) *field {
		return &field{label: label, kind: one2many, target: target, inverse: inverse}
	}
	pick := func(label, fallback string, options ...string) *field {
		return &field{label: label, kind: selection, options: options, fallback: fallback}
	}
	num := func(label string) *field { return &field{label: label, kind: numeric} }
	flag := func(label string) *field { return &field{label: label, kind: boolean, fallback: true} }
	day := func(label string) *field { return &field{label: label, kind: date} }
	calc := func(label string, k kind, f func(*Sim, *row, object) any) *field {
		return &field{label: label, kind: k, compute: f}
	}
	links := func(label, target string, f func(*Sim, *row, object) any) *field {
		return &field{label: label, kind: many2many, target: target, compute: f}
	}
	// What was decided about a cancelled movement or invoice of a sale.
	exception := calc("Exception State", selection, func(_ *Sim, r *row, _ object) any { return r.text("exception") })
	plain := func(label string, fields map[string]*field) *model { return &model{label: label, fields: fields} }

	sale := map[string]*field{
		"number": search("Number"), "reference": search("Reference"), "description": word("Description"), "comment": prose("Comment"),
		"state": pick("State", "draft", "draft", "quotation", "confirmed", "processing", "done", "cancelled"),
		"party": need(one("Party", "party.party")), "company": need(one("Company", "company.company")),
		"currency": need(one("Currency", "currency.currency")), "warehouse": one("Warehouse", "stock.location"),
		"invoice_party": one("Invoice Party", "party.party"), "invoice_address": one("Invoice Address", "party.address"),
		"shipment_party": one("Shipment Party", "party.party"), "shipment_address": one("Shipment Address", "party.address"),
		"contact": one("Contact", "party.contact_mechanism"), "payment_term": one("Payment Term", "account.invoice.payment_term"),
		"carrier": one("Carrier", "carrier"), "origin": {label: "Origin", kind: reference, indexed: true},
		"sale_date": day("Sale Date"), "shipping_date": day("Shipping Date"),
		"invoice_method":  pick("Invoice Method", "order", "manual", "order", "shipment"),
		"shipment_method": pick("Shipment Method", "order", "manual", "order", "invoice"),
		"shipment_state":  pick("Shipment State", "none", "none", "waiting", "sent", "exception"),
		"invoice_state":   pick("Invoice State", "none", "none", "waiting", "paid", "exception"),
		"lines":           many("Lines", "sale.line", "sale"),
		"untaxed_amount":  calc("Untaxed", numeric, untaxedAmount), "tax_amount": calc("Tax", numeric, taxAmount), "total_amount": calc("Total", numeric, totalAmount),
		"shipments":        links("Shipments", "stock.shipment.out", saleLinks("stock.shipment.out")),
		"shipment_returns": links("Shipment Returns", "stock.shipment.out.return", saleLinks("stock.shipment.out.return")),
		"invoices":         links("Invoices", "account.invoice", saleLinks("account.invoice")),
		"moves":            links("Moves", "stock.move", saleLinks("stock.move")),
	}
	if webShop {
		sale["web_id"] = &field{label: "Web ID", kind: char, indexed: true, unique: "The web ID must be unique on sale."}
	}
	shipment := func(moves, inverse string) map[string]*field {
		return map[string]*field{
			"number": search("Number"), "reference": search("Reference"), "company": need(one("Company", "company.company")),
			"state":    pick("State", "draft", "draft", "waiting", "assigned", "picked", "packed", "received", "done", "cancelled"),
			"customer": need(one("Customer", "party.party")), "delivery_address": one("Delivery Address", "party.address"),
			"warehouse": one("Warehouse", "stock.location"), "planned_date": day("Planned Date"), "effective_date": day("Effective Date"),
			"sale": one("Sale", "sale.sale"), "moves": many("Moves", "stock.move", inverse),
			moves: {label: "Outgoing Moves", kind: one2many, target: "stock.move", inverse: inverse, unsearch: true}, "origins": calc("Origins", char, shipmentOrigins),
		}
	}
	models := map[string]*model{
		"party.party": {label: "Party", recName: func(_ *Sim, r *row) string { return r.text("name") }, fields: map[string]*field{
			"name": word("Name"), "code": {label: "Code", kind: char, indexed: true, unique: "The code on party must be unique."},
			"active": flag("Active"), "lang": one("Language", "ir.lang"), "customer_payment_term": one("Customer Payment Term", "account.invoice.payment_term"),
			"addresses": many("Addresses", "party.address", "party"), "contact_mechanisms": many("Contact Mechanisms", "party.contact_mechanism", "party"),
			"identifiers": many("Identifiers", "party.identifier", "party"),
			"phone":       calc("Phone", char, contact("phone")), "mobile": calc("Mobile", char, contact("mobile")), "email": calc("E-Mail", char, contact("email")),
		}},
		"party.address": {label: "Address", recName: addressName, fields: map[string]*field{
			"party": need(one("Party", "party.party")), "party_name": word("Party Name"), "name": word("Building Name"), "street": prose("Street"),
			"postal_code": word("Postal Code"), "city": word("City"), "country": one("Country", "country.country"),
			"subdivision": one("Subdivision", "country.subdivision"), "active": flag("Active"), "invoice": {label: "Invoice", kind: boolean},
			"delivery": {label: "Delivery", kind: boolean}, "sequence": {label: "Sequence", kind: integer}, "full_address": calc("Full Address", char, fullAddress),
		}},
		"party.contact_mechanism": {label: "Contact Mechanism", recName: contactName, fields: map[string]*field{
			"party": need(one("Party", "party.party")), "name": word("Name"), "comment": prose("Comment"), "active": flag("Active"),
			"type":  need(pick("Type", "phone", "phone", "mobile", "fax", "email", "website", "skype", "sip", "irc", "jabber", "other")),
			"value": search("Value"), "sequence": {label: "Sequence", kind: integer},
		}},
		"party.identifier": plain("Party Identifier", map[string]*field{
			"party": need(one("Party", "party.party")), "type": word("Type"), "code": need(search("Code")),
		}),
		"product.template": {label: "Product", recName: nameOf, fields: map[string]*field{
			"name": need(word("Name")), "code": search("Code"), "type": pick("Type", "goods", "goods", "assets", "service"),
			"list_price": num("List Price"), "default_uom": need(one("Default UOM", "product.uom")), "sale_uom": one("Sale UOM", "product.uom"),
			"salable": flag("Salable"), "active": flag("Active"), "products": many("Variants", "product.product", "template"),
		}},
		"product.product": {label: "Product Variant", recName: func(s *Sim, r *row) string { return "[" + r.text("code") + "] " + s.template(r).text("name") }, fields: map[string]*field{
			"template": need(one("Product Template", "product.template")), "suffix_code": word("Suffix Code"), "code": search("Code"), "active": flag("Active"),
			"name": calc("Name", char, ofTemplate("name")), "type": calc("Type", char, ofTemplate("type")), "salable": calc("Salable", boolean, ofTemplate("salable")),
			"list_price": calc("List Price", numeric, ofTemplate("list_price")), "list_price_uom": calc("List Price", numeric, ofTemplate("list_price")),
			"default_uom": {label: "Default UOM", kind: many2one, target: "product.uom", compute: ofTemplate("default_uom")},
			"sale_uom":    {label: "Sale UOM", kind: many2one, target: "product.uom", compute: ofTemplate("sale_uom")},
			"quantity":    calc("Quantity", float, onHand), "forecast_quantity": calc("Forecast Quantity", float, forecast),
		}},
		"product.uom": plain("Unit of Measure", map[string]*field{"name": need(word("Name")), "symbol": word("Symbol"),
			"digits": {label: "Display Digits", kind: integer}, "category": one("Category", "product.uom.category"), "active": flag("Active")}),
		"product.uom.category": plain("Product UOM Category", map[string]*field{"name": need(word("Name"))}),
		"account.tax": plain("Tax", map[string]*field{"name": need(word("Name")), "description": word("Description"), "rate": num("Rate"),
			"type": pick("Type", "percentage", "percentage", "fixed", "none"), "parent": one("Parent", "account.tax"), "company": one("Company", "company.company"), "active": flag("Active")}),
		"account.invoice.payment_term": plain("Payment Term", map[string]*field{"name": need(word("Name")), "description": word("Description"), "active": flag("Active")}),
		"account.invoice": {label: "Invoice", company: true, fields: map[string]*field{"number": search("Number"), "reference": search("Reference"), "type": pick("Type", "out", "out", "in"),
			"state": pick("State", "draft", "draft", "validated", "posted", "paid", "cancelled"), "party": need(one("Party", "party.party")), "sale": one("Sale", "sale.sale"), "sales": links("Sales", "sale.sale", invoiceSales),
			"sale_exception_state": exception, "untaxed_amount": num("Untaxed"), "tax_amount": num("Tax"), "total_amount": num("Total")}, recName: invoiceName, buttons: invoiceButtons()},
		"stock.location":      plain("Location", map[string]*field{"name": need(word("Name")), "code": search("Code"), "type": word("Type"), "storage_location": one("Storage", "stock.location"), "active": flag("Active")}),
		"currency.currency":   plain("Currency", map[string]*field{"name": need(word("Name")), "code": search("Code"), "symbol": word("Symbol"), "digits": {label: "Digits", kind: integer}, "rounding": num("Rounding"), "active": flag("Active")}),
		"country.country":     plain("Country", map[string]*field{"name": need(word("Name")), "code": search("Code"), "active": flag("Active")}),
		"country.subdivision": plain("Subdivision", map[string]*field{"name": need(word("Name")), "code": search("Code"), "country": one("Country", "country.country"), "active": flag("Active")}),
		"company.company":     plain("Company", map[string]*field{"party": need(one("Party", "party.party")), "currency": need(one("Currency", "currency.currency")), "timezone": word("Timezone")}),
		"ir.lang":             plain("Language", map[string]*field{"name": need(word("Name")), "code": search("Code")}),
		"carrier":             plain("Carrier", map[string]*field{"party": need(one("Party", "party.party")), "carrier_product": one("Carrier Product", "product.product")}),
		"res.user.warning":    plain("User Warning", map[string]*field{"user": {label: "User", kind: integer, required: true}, "name": need(search("Name")), "always": {label: "Always", kind: boolean}}),
		"sale.sale":           {label: "Sale", company: true, recName: saleName, fields: sale, buttons: saleButtons(), check: checkSale, remove: removeSale},
		"sale.line": {label: "Sale Line", recName: lineName, check: checkLine, fields: map[string]*field{
			"sale": need(one("Sale", "sale.sale")), "type": need(pick("Type", "line", "line", "subtotal", "title", "comment")), "sequence": {label: "Sequence", kind: integer},
			"product": {label: "Product", kind: many2one, target: "product.product", restrict: true}, "unit": one("Unit", "product.uom"), "quantity": {label: "Quantity", kind: float},
			"unit_price": {label: "Unit Price", kind: numeric, digits: 4}, "description": prose("Description"), "note": prose("Note"),
			"taxes": {label: "Taxes", kind: many2many, target: "account.tax"}, "amount": calc("Amount", numeric, lineAmount),
		}},
		"stock.shipment.out":        {label: "Customer Shipment", company: true, recName: numberOf, fields: shipment("outgoing_moves", "shipment_out"), buttons: shipmentButtons()},
		"stock.shipment.out.return": {label: "Customer Return Shipment", company: true, recName: numberOf, fields: shipment("incoming_moves", "shipment_return"), buttons: returnButtons()},
		"stock.move": {label: "Stock Move", company: true, fields: map[string]*field{
			"product": need(one("Product", "product.product")), "quantity": {label: "Quantity", kind: float, required: true}, "uom": one("UOM", "product.uom"),
			"state": pick("State", "draft", "draft", "assigned", "done", "cancelled"), "sale": one("Sale", "sale.sale"), "shipment_out": one("Shipment", "stock.shipment.out"), "shipment_return": one("Shipment", "stock.shipment.out.return"),
			"shipment": {label: "Shipment", kind: reference}, "origin": {label: "Origin", kind: reference}, "effective_date": day("Effective Date"),
			"unit_price": num("Unit Price"), "sale_exception_state": exception,
		}},
	}
	for _, m := range models {
		if m.recName == nil {
			m.recName = nameOf
		}
		m.fields["id"] = &field{label: "ID", kind: integer, compute: func(_ *Sim, r *row, _ object) any { return r.id }}
		m.fields["rec_name"] = &field{label: "Record Name", kind: char, compute: func(s *Sim, r *row, _ object) any { return m.recName(s, r) }}
		m.fields["create_date"] = &field{label: "Created at", kind: datetime, compute: func(_ *Sim, r *row, _ object) any { return r.created }}
		m.fields["create_uid"] = &field{label: "Created by", kind: integer, compute: func(*Sim, *row, object) any { return userID }}
		m.fields["write_date"] = &field{label: "Edited at", kind: datetime, compute: func(_ *Sim, r *row, _ object) any {
			if r.written.IsZero() {
				return nil
			}
			return r.written
		}}
		m.fields["write_uid"] = &field{label: "Edited by", kind: integer, compute: func(_ *Sim, r *row, _ object) any {
			if r.written.IsZero() {
				return nil
			}
			return userID
		}}
		m.fields["_timestamp"] = &field{label: "Timestamp", kind: char, compute: func(_ *Sim, r *row, _ object) any { return r.stamp() }}
	}
	return models
}
