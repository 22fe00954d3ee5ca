package qimensim

// The tables of the vendor's pages, field by field.

func person(isReceiver bool) []field {
	f := []field{
		{name: "company", max: 200},
		{name: "name", must: true},
		{name: "zipCode", kind: code},
		{name: "tel", kind: code},
		{name: "mobile", must: true, kind: code},
		{name: "email"},
		{name: "countryCode", kind: code},
		{name: "province", must: true},
		{name: "city", must: true},
		{name: "area"},
		{name: "town"},
		{name: "detailAddress", must: true, max: 200},
		{name: "extendProps", kind: props},
	}
	if isReceiver {
		f = append(f, field{name: "idType", kind: words, words: []string{"1", "2", "3", "4"}},
			field{name: "idNumber", kind: code}, field{name: "oaid", kind: code, max: 200})
	}
	return f
}

func orderTypes() []string { return []string{"JYCK", "HHCK", "BFCK", "QTCK"} }

func carriers() []string {
	return []string{
		"SF", "EMS", "EYB", "ZJS", "YTO", "ZTO", "HTKY", "UC", "STO", "TTKDEX", "QFKD", "FAST",
		"POSTB", "GTO", "YUNDA", "JD", "DD", "AMAZON", "OTHER",
	}
}

// createTable is the request of deliveryorder.create. extra are carrier codes of this warehouse.
func createTable(extra []string) []field {
	yesNo := []string{"Y", "N"}
	order := []field{
		{name: "totalOrderLines", kind: count},
		{name: "deliveryOrderCode", must: true, kind: code},
		{name: "preDeliveryOrderCode", kind: code},
		{name: "preDeliveryOrderId", kind: code},
		{name: "orderType", must: true, kind: words, words: orderTypes()},
		{name: "warehouseCode", must: true, kind: code},
		{name: "orderFlag", kind: flags, words: []string{
			"COD", "LIMIT", "PRESELL", "COMPLAIN", "SPLIT", "EXCHANGE", "VISIT",
			"MODIFYTRANSPORT", "CONSIGN", "SELLER_AFFORD", "FENXIAO",
		}},
		{name: "sourcePlatformCode", kind: code},
		{name: "sourcePlatformName", max: 200},
		{name: "createTime", must: true, kind: moment},
		{name: "placeOrderTime", must: true, kind: moment},
		{name: "payTime", kind: moment},
		{name: "payNo", kind: code},
		{name: "operatorCode"},
		{name: "operatorName"},
		{name: "operateTime", must: true, kind: moment},
		{name: "shopNick", must: true, max: 200},
		{name: "sellerNick", max: 200},
		{name: "buyerNick", max: 200},
		{name: "totalAmount", kind: money},
		{name: "itemAmount", kind: money},
		{name: "discountAmount", kind: money},
		{name: "freight", kind: money},
		{name: "arAmount", kind: money},
		{name: "gotAmount", kind: money},
		{name: "serviceFee", kind: money},
		{name: "logisticsCode", must: true, kind: words, words: append(carriers(), extra...)},
		{name: "logisticsName", max: 200},
		{name: "expressCode", kind: code},
		{name: "logisticsAreaCode", kind: code},
		{name: "deliveryRequirements", kind: group, of: []field{
			{name: "scheduleType", kind: words, words: []string{"1", "2", "101", "102", "103", "104", "105"}},
			{name: "scheduleDay", kind: day},
			{name: "scheduleStartTime", kind: clock},
			{name: "scheduleEndTime", kind: clock},
			{name: "deliveryType", kind: words, words: []string{"PTPS", "LLPS", "HBP"}},
		}},
		{name: "senderInfo", must: true, kind: group, of: person(false)},
		{name: "receiverInfo", must: true, kind: group, of: person(true)},
		{name: "isUrgency", kind: words, words: yesNo},
		{name: "invoiceFlag", kind: words, words: yesNo},
		{name: "invoices", kind: list, item: "invoice", of: []field{
			{name: "type", kind: words, words: []string{"INVOICE", "VINVOICE", "EVINVOICE"}},
			{name: "header", max: 200},
			{name: "amount", kind: money},
			{name: "content", max: 500},
			{name: "taxNumber", kind: code},
			{name: "detail", kind: group, of: []field{{name: "items", kind: list, item: "item", of: []field{
				{name: "itemName", max: 200},
				{name: "unit"},
				{name: "price", kind: money},
				{name: "quantity", kind: count},
				{name: "amount", kind: money},
			}}}},
		}},
		{name: "insuranceFlag", kind: words, words: yesNo},
		{name: "insurance", kind: group, of: []field{{name: "type"}, {name: "amount", kind: money}}},
		{name: "buyerMessage", max: 500},
		{name: "sellerMessage", max: 500},
		{name: "remark", max: 500},
		{name: "serviceCode", kind: code},
		{name: "ownerCode", kind: code},
		{name: "latestCollectionTime", kind: moment},
		{name: "latestDeliveryTime", kind: moment},
		{name: "oaidOrderSourceCode", kind: code},
		{name: "extendProps", kind: props},
	}
	line := []field{
		{name: "orderLineNo", kind: code},
		{name: "sourceOrderCode", kind: code},
		{name: "subSourceOrderCode", kind: code},
		{name: "payNo", kind: code},
		{name: "ownerCode", must: true, kind: code},
		{name: "itemCode", must: true, kind: code},
		{name: "itemId", kind: code},
		{name: "inventoryType", kind: words, words: []string{"ZP", "CC", "JS", "XS", "ZT"}},
		{name: "itemName", max: 200},
		{name: "extCode", kind: code},
		{name: "planQty", must: true, kind: count},
		{name: "retailPrice", kind: money},
		{name: "actualPrice", must: true, kind: money},
		{name: "discountAmount", kind: money},
		{name: "batchCode", kind: code},
		{name: "productDate", kind: day},
		{name: "expireDate", kind: day},
		{name: "produceCode", kind: code},
		{name: "extendProps", kind: props},
	}
	return []field{
		{name: "deliveryOrder", must: true, kind: group, of: order},
		{name: "orderLines", must: true, kind: list, item: "orderLine", of: line},
		{name: "extendProps", kind: props},
	}
}

// cancelTable is the request of order.cancel.
func cancelTable() []field {
	return []field{
		{name: "warehouseCode", must: true, kind: code},
		{name: "ownerCode", kind: code},
		{name: "orderCode", must: true, kind: code},
		{name: "orderId", kind: code},
		{name: "orderType", kind: words, words: []string{
			"JYCK", "HHCK", "BFCK", "PTCK", "DBCK", "B2BRK", "B2BCK", "QTCK", "SCRK", "LYRK", "CCRK",
			"CGRK", "DBRK", "QTRK", "XTRK", "THRK", "HHRK", "CNJG", "CGTH",
		}},
		{name: "cancelReason", max: 500},
		{name: "extendProps", kind: props},
	}
}

// queryTable is the request of deliveryorder.query.
func queryTable() []field {
	return []field{
		{name: "ownerCode", kind: code},
		{name: "warehouseCode", kind: code},
		{name: "orderCode", must: true, kind: code},
		{name: "orderId", kind: code},
		{name: "orderSourceCode", kind: code},
		{name: "page", must: true, kind: count},
		{name: "pageSize", must: true, kind: count},
		{name: "remark", max: 500},
		{name: "extendProps", kind: props},
	}
}
