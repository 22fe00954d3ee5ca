package sfexpresssim

// The request tables of the services, field by field.

const missing = "S0002"

func bit() []string { return []string{"0", "1"} }

func products() []string {
	return []string{"1", "2", "6", "12", "154", "155", "201", "231", "235", "247", "255", "265"}
}

func serviceNames() []string { return []string{"INSURE", "COD", "IN26", "TDELIVERY"} }

func waybillTable() []field {
	return []field{
		{name: "waybillType", must: missing, kind: whole, values: []string{"1", "2", "3"}},
		{name: "waybillNo", must: missing, max: 15},
		{name: "boxNo"},
		{name: "length", kind: decimal},
		{name: "width", kind: decimal},
		{name: "height", kind: decimal},
		{name: "weight", kind: decimal},
		{name: "volume", kind: decimal},
	}
}

func extraTable() []field {
	return []field{{name: "attrName", must: missing}, {name: "attrVal", max: 1000}}
}

func serviceTable() []field {
	return []field{
		{name: "name", must: "6127", values: serviceNames(), bad: "6128"},
		{name: "value"}, {name: "value1"}, {name: "value2"}, {name: "value3"}, {name: "value4"},
	}
}

func contactTable() []field {
	return []field{
		{name: "contactType", must: missing, kind: whole, values: []string{"1", "2"}},
		{name: "contact"},
		{name: "mobile", max: 20},
		{name: "tel", max: 20},
		{name: "company"},
		{name: "country", max: 30},
		{name: "province", max: 30},
		{name: "city"},
		{name: "county", max: 30},
		{name: "address", max: 200},
		{name: "postCode", max: 25},
		{name: "email", max: 200},
		{name: "taxNo"},
		{name: "zoneCode", max: 30},
		{name: "contactRemark", values: []string{"01", "02"}},
		{name: "certType", max: 20},
		{name: "certNo"},
	}
}

func cargoTable() []field {
	return []field{
		{name: "name", must: "1023", max: 128},
		{name: "count", kind: whole},
		{name: "unit", max: 30},
		{name: "weight", kind: decimal},
		{name: "amount", kind: decimal},
		{name: "currency", max: 5},
		{name: "sourceArea", max: 5},
		{name: "hsCode"},
		{name: "goodsCode"},
		{name: "brand"},
		{name: "specifications"},
		{name: "manufacturer"},
		{name: "shipmentWeight", kind: decimal},
		{name: "length", kind: decimal},
		{name: "width", kind: decimal},
		{name: "height", kind: decimal},
		{name: "volume", kind: decimal, bad: "6130"},
		{name: "cargoDeclaredValue", kind: decimal},
		{name: "declaredValueDeclaredCurrency", max: 5},
	}
}

func createTable() []field {
	return []field{
		{name: "language", must: missing, values: []string{"zh-CN", "zh-TW", "zh-HK", "zh-MO", "en"}},
		{name: "orderId", must: missing, max: 64},
		{name: "contactInfoList", must: missing, kind: list, of: contactTable()},
		{name: "cargoDetails", must: "1023", kind: list, of: cargoTable()},
		{name: "cargoDesc", max: 20},
		{name: "monthlyCard", max: 20},
		{name: "payMethod", kind: whole, values: []string{"1", "2", "3"}, bad: "8256"},
		{name: "expressTypeId", kind: whole, values: products(), bad: "8057"},
		{name: "scenePlanCode"},
		{name: "parcelQty", kind: whole},
		{name: "totalWeight", kind: decimal},
		{name: "totalLength", kind: decimal},
		{name: "totalWidth", kind: decimal},
		{name: "totalHeight", kind: decimal},
		{name: "totalVolume", kind: decimal, bad: "6130"},
		{name: "volume", kind: decimal, bad: "6130"},
		{name: "totalNetWeight", kind: decimal},
		{name: "sendStartTm", kind: moment},
		{name: "isDocall", kind: whole, values: bit()},
		{name: "isSignBack", kind: whole, values: bit()},
		{name: "isOneselfPickup", kind: whole, values: bit()},
		{name: "isReturnRoutelabel", kind: whole, values: bit()},
		{name: "isReturnRouteLabel", kind: whole, values: bit()},
		{name: "isReturnSignBackRoutelabel", kind: whole, values: bit()},
		{name: "isReturnQRCode", kind: whole, values: bit()},
		{name: "isUnifiedWaybillNo", kind: whole, values: bit()},
		{name: "isGenWaybillNo", kind: whole, values: bit()},
		{name: "waybillNoInfoList", kind: list, of: waybillTable()},
		{name: "serviceList", kind: list, of: serviceTable()},
		{name: "extraInfoList", kind: list, of: extraTable()},
		{name: "customsInfo", kind: object},
		{name: "custReferenceNo"},
		{name: "orderSource", max: 50},
		{name: "remark", max: 100},
		{name: "filterField"},
		{name: "temperatureRange", kind: whole, values: []string{"1", "3"}},
		{name: "podModelAddress", max: 500},
		{name: "inProcessWaybillNo"},
		{name: "merchantPayOrderNo"},
		{name: "specialDeliveryTypeCode"},
		{name: "specialDeliveryValue"},
	}
}

func searchTable() []field {
	return []field{
		{name: "orderId", must: missing, max: 64},
		{name: "searchType", kind: whole, values: []string{"1", "2"}},
		{name: "mainWaybillNo", max: 15},
		{name: "language", max: 10},
	}
}

func updateTable() []field {
	return []field{
		{name: "orderId", must: missing, max: 64},
		{name: "dealType", kind: whole, values: []string{"1", "2"}},
		{name: "language", max: 10},
		{name: "waybillNoInfoList", kind: list, of: waybillTable()},
		{name: "totalWeight", kind: decimal},
		{name: "totalVolume", kind: decimal, bad: "6130"},
		{name: "totalLength", kind: decimal},
		{name: "totalWidth", kind: decimal},
		{name: "totalHeight", kind: decimal},
		{name: "expressTypeId", kind: whole, values: products(), bad: "8057"},
		{name: "serviceList", kind: list, of: serviceTable()},
		{name: "extraInfoList", kind: list, of: extraTable()},
		{name: "destContactInfo", kind: object},
		{name: "isConfirmNew", kind: whole, values: bit()},
		{name: "isDocall", kind: whole, values: bit()},
		{name: "sendStartTm", kind: moment},
		{name: "pickupAppointEndtime", kind: moment},
		{name: "customsBatchs"},
		{name: "collectEmpCode"},
		{name: "inProcessWaybillNo"},
		{name: "sourceZoneCode"},
		{name: "destZoneCode"},
		{name: "specialDeliveryTypeCode"},
		{name: "specialDeliveryValue"},
	}
}

func routesTable() []field {
	return []field{
		{name: "language", max: 10},
		{name: "trackingType", kind: whole, values: []string{"1", "2"}},
		{name: "trackingNumber", must: "8013", kind: anything},
		{name: "methodType", kind: whole, values: []string{"1", "2"}},
		{name: "checkPhoneNo", max: 60},
		{name: "referenceNumber"},
	}
}

func feesTable() []field {
	return []field{
		{name: "trackingType", must: missing, kind: whole, values: []string{"1", "2"}},
		{name: "trackingNum", must: "8013", max: 64},
		{name: "phone", max: 60},
		{name: "bizTemplateCode"},
	}
}
