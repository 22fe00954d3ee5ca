package qimen

// node describes one element of a message. Without item, free and fields it holds text.
type node struct {
	name   string
	item   string // a list: the name of its elements
	free   bool   // texts under any name: extendProps
	fields []node // of an object, or of a list's elements
}

func text(names ...string) []node {
	out := make([]node, len(names))
	for i, n := range names {
		out[i] = node{name: n}
	}
	return out
}

func object(name string, fields ...[]node) node { return node{name: name, fields: flat(fields)} }

func list(name, item string, fields ...[]node) node {
	return node{name: name, item: item, fields: flat(fields)}
}

func flat(groups [][]node) []node {
	var out []node
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

func (n node) leaf() bool { return n.item == "" && !n.free && n.fields == nil }

func one(n node) []node { return []node{n} }

func extendProps() []node { return one(node{name: "extendProps", free: true}) }

// createFields are the elements of taobao.qimen.deliveryorder.create (26002), in the
// order of that page.
func createFields() []node {
	person := func(extra ...string) []node {
		return text(append([]string{"company", "name", "zipCode", "tel", "mobile", "idType", "idNumber", "email", "countryCode", "province",
			"city", "area", "town", "detailAddress"}, extra...)...)
	}
	invoiceItem := list("items", "item", text("itemName", "unit", "price", "quantity", "amount"))
	order := object("deliveryOrder",
		text("deliveryOrderCode", "preDeliveryOrderCode", "preDeliveryOrderId", "orderType", "warehouseCode", "orderFlag", "sourcePlatformCode",
			"sourcePlatformName", "createTime", "placeOrderTime", "payTime", "payNo", "operatorCode", "operatorName", "operateTime", "shopNick",
			"sellerNick", "buyerNick", "totalAmount", "itemAmount", "discountAmount", "freight", "arAmount", "gotAmount", "serviceFee",
			"logisticsCode", "logisticsName", "expressCode", "logisticsAreaCode"),
		one(object("deliveryRequirements", text("scheduleType", "scheduleDay", "scheduleStartTime", "scheduleEndTime", "deliveryType"))),
		one(object("senderInfo", person())),
		one(object("receiverInfo", person("oaid"))),
		text("isUrgency", "invoiceFlag"),
		one(list("invoices", "invoice", text("type", "header", "amount", "content"), one(object("detail", one(invoiceItem))), text("taxNumber"))),
		text("insuranceFlag"),
		one(object("insurance", text("type", "amount"))),
		text("buyerMessage", "sellerMessage", "remark", "serviceCode", "ownerCode", "latestCollectionTime", "latestDeliveryTime",
			"oaidOrderSourceCode", "totalOrderLines"),
		extendProps())
	lines := list("orderLines", "orderLine",
		text("orderLineNo", "sourceOrderCode", "subSourceOrderCode", "payNo", "ownerCode", "itemCode", "itemId", "inventoryType", "itemName",
			"extCode", "planQty", "retailPrice", "actualPrice", "discountAmount", "batchCode", "productDate", "expireDate", "produceCode"),
		extendProps())
	return flat([][]node{one(order), one(lines), extendProps()})
}

// cancelFields are the elements of taobao.qimen.order.cancel (26000).
func cancelFields() []node {
	return flat([][]node{text("warehouseCode", "ownerCode", "orderCode", "orderId", "orderType", "cancelReason"), extendProps()})
}

// queryFields are the elements of taobao.qimen.deliveryorder.query (24690) that are asked with.
func queryFields() []node {
	return text("ownerCode", "warehouseCode", "orderCode", "page", "pageSize")
}

// confirmFields are the elements of taobao.qimen.deliveryorder.confirm (26001).
func confirmFields() []node {
	invoiceItem := list("items", "item", text("itemName", "unit", "price", "quantity", "amount", "itemCode", "itemId"))
	order := object("deliveryOrder",
		text("deliveryOrderCode", "deliveryOrderId", "warehouseCode", "orderType", "status", "outBizCode", "confirmType", "orderConfirmTime",
			"operatorCode", "operatorName", "operateTime", "storageFee"),
		one(list("invoices", "invoice", text("header", "amount", "content"), one(object("detail", one(invoiceItem))), text("code", "number"))),
		extendProps())
	packages := list("packages", "package",
		text("logisticsCode", "logisticsName", "expressCode", "packageCode", "length", "width", "height", "theoreticalWeight", "weight", "volume", "invoiceNo"),
		one(list("packageMaterialList", "packageMaterial", text("type", "quantity"))),
		one(list("items", "item", text("itemCode", "itemId", "quantity", "orderLineNo"), extendProps())),
		extendProps())
	lines := list("orderLines", "orderLine",
		text("orderLineNo", "orderSourceCode", "subSourceCode", "itemCode", "itemId", "inventoryType", "ownerCode", "itemName", "extCode",
			"planQty", "actualQty", "batchCode", "productDate", "expireDate", "produceCode"),
		one(list("batchs", "batch", text("batchCode", "productDate", "expireDate", "produceCode", "inventoryType", "actualQty", "snCode"))),
		text("qrCode", "snCode"),
		one(list("snList", "sn")),
		text("supplierName", "supplierCode"),
		extendProps())
	return flat([][]node{one(order), one(packages), one(lines), extendProps()})
}
