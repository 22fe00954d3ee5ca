package infer

import (
	"slices"
	"strings"
	"unicode"
)

// plain is a name without what people write differently: case, dashes, underscores.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// tokens are the words of a name: receiverPhone_no -> receiver, phone, no.
func tokens(name string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
		}
		word = nil
	}
	last := rune(0)
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r):
			flush()
		case unicode.IsUpper(r) && unicode.IsLower(last):
			flush()
			word = append(word, r)
		default:
			word = append(word, r)
		}
		last = r
	}
	flush()
	return out
}

// aliases map a canonical field to the names that systems have for it: English, pinyin and
// Chinese, as plain writes them. The first is the surest.
var aliases = map[string][]string{
	"order_no": {"orderno", "ordernumber", "ordersn", "ordercode", "orderid", "tid", "soid", "tradeno", "tradeid", "platformorderno", "sourceorderno", "outorderno", "no", "sn",
		"dingdanhao", "dingdanbianhao", "danhao", "订单号", "订单编号", "单号", "交易号", "订单id"},
	"source_id":         {"id", "oid", "orderid", "internalid", "recordid", "主键", "编号"},
	"status_raw":        {"status", "orderstatus", "state", "orderstate", "tradestatus", "statuscode", "zhuangtai", "订单状态", "状态"},
	"status":            {"status", "orderstatus", "state", "orderstate", "tradestatus", "zhuangtai", "订单状态", "状态"},
	"placed_at":         {"createtime", "createdat", "created", "ordertime", "orderedat", "addtime", "createdtime", "gmtcreate", "ctime", "placedat", "xiadanshijian", "chuangjianshijian", "下单时间", "创建时间", "订单时间"},
	"paid_at":           {"paytime", "paidat", "paidtime", "paymenttime", "paymentdate", "gmtpayment", "zhifushijian", "fukuanshijian", "支付时间", "付款时间"},
	"shipped_at":        {"shiptime", "shippedat", "sendtime", "deliverytime", "consigntime", "fahuoshijian", "发货时间"},
	"delivered_at":      {"deliveredat", "signtime", "qianshoushijian", "签收时间"},
	"completed_at":      {"finishtime", "finishedat", "completetime", "completedat", "endtime", "confirmtime", "wanchengshijian", "完成时间", "确认收货时间"},
	"cancelled_at":      {"canceltime", "cancelledat", "canceledat", "quxiaoshijian", "取消时间"},
	"closed_at":         {"closetime", "closedat", "guanbishijian", "关闭时间"},
	"requested_at":      {"applytime", "appliedat", "requesttime", "createtime", "申请时间"},
	"refunded_at":       {"refundtime", "refundedat", "退款时间"},
	"registered_at":     {"registertime", "registeredat", "jointime", "createtime", "注册时间", "入会时间"},
	"occurred_at":       {"occurtime", "eventtime", "changetime", "createtime", "发生时间"},
	"source_updated_at": {"updatetime", "updatedat", "updated", "modified", "modifytime", "modifiedat", "gmtmodified", "mtime", "lastmodified", "lastupdate", "gengxinshijian", "更新时间", "修改时间"},
	"birthday":          {"birthday", "birthdate", "birth", "shengri", "生日", "出生日期"},
	"recipient": {"receivername", "consignee", "consigneename", "recipient", "recipientname", "receiver", "contactname", "contact", "linkman", "buyername", "name", "username",
		"shouhuoren", "shoujianren", "收货人", "收件人", "收货人姓名", "联系人", "姓名"},
	"name":        {"name", "realname", "fullname", "membername", "customername", "xingming", "姓名", "名称", "客户姓名"},
	"phone":       {"phone", "mobile", "tel", "telephone", "cellphone", "phonenumber", "mobilephone", "telnumber", "receiverphone", "receivermobile", "contactphone", "buyerphone", "shouji", "shoujihao", "dianhua", "lianxidianhua", "手机", "手机号", "手机号码", "电话", "联系电话", "收货电话", "收货人电话", "收货人手机"},
	"email":       {"email", "mail", "youxiang", "邮箱", "电子邮箱"},
	"country":     {"country", "guojia", "国家"},
	"province":    {"province", "provincename", "receiverprovince", "receiverstate", "prov", "shengfen", "sheng", "省", "省份"},
	"city":        {"city", "cityname", "receivercity", "chengshi", "shi", "市", "城市"},
	"district":    {"district", "county", "area", "districtname", "countyname", "areaname", "receiverdistrict", "qu", "quxian", "区", "区县", "县", "区域"},
	"town":        {"town", "street", "townname", "receivertown", "jiedao", "街道", "乡镇"},
	"line1":       {"address", "addr", "detail", "addressdetail", "detailaddress", "detailinfo", "receiveraddress", "fulladdress", "street1", "dizhi", "xiangxidizhi", "地址", "详细地址", "收货地址"},
	"postal_code": {"zip", "zipcode", "postcode", "postalcode", "receiverzip", "youbian", "邮编", "邮政编码"},
	"buyer_note":  {"buyerremark", "buyermessage", "buyermemo", "usernote", "customernote", "buyernote", "leaveword", "message", "remark", "memo", "beizhu", "maijialiuyan", "买家留言", "买家备注", "备注", "留言"},
	"seller_note": {"sellerremark", "sellermemo", "sellernote", "adminnote", "卖家备注", "商家备注"},
	"note":        {"note", "remark", "memo", "comment", "beizhu", "备注"},
	"openid":      {"openid"}, "unionid": {"unionid"},
	"nickname":       {"nickname", "nick", "buyernick", "nicheng", "昵称", "买家昵称"},
	"member_no":      {"memberno", "memberid", "membercode", "userid", "uid", "customerid", "vipno", "cardno", "huiyuanhao", "会员号", "会员编号", "会员卡号"},
	"points":         {"points", "point", "integral", "score", "jifen", "积分", "积分变动"},
	"points_balance": {"pointsbalance", "points", "integral", "score", "availablepoints", "jifen", "积分", "积分余额"},
	"gender":         {"gender", "sex", "xingbie", "性别"},
	"tier":           {"level", "tier", "grade", "viplevel", "dengji", "等级", "会员等级"},
	"total":          {"total", "totalamount", "orderamount", "orderprice", "payamount", "payable", "payprice", "totalprice", "totalfee", "amount", "dingdanjine", "zongjine", "yingfu", "订单金额", "总金额", "应付金额", "总价", "金额"},
	"goods":          {"goodsamount", "goodsprice", "productamount", "itemamount", "productprice", "goodstotal", "subtotal", "shangpinjine", "商品金额", "商品总额", "商品总价"},
	"freight":        {"freight", "freightamount", "postage", "postfee", "postamount", "shippingfee", "expressfee", "deliveryfee", "logisticsfee", "yunfei", "运费", "邮费"},
	"discount":       {"discount", "discountamount", "discountfee", "couponamount", "promotionamount", "freeamount", "youhuijine", "优惠金额", "折扣", "优惠"},
	"paid":           {"paid", "paidamount", "payment", "paymentamount", "actualamount", "realpay", "payamount", "shifu", "shifujine", "实付", "实付金额", "已付金额"},
	"refunded":       {"refunded", "refundedamount", "已退金额"},
	"amount":         {"amount", "payamount", "money", "fee", "totalfee", "jine", "金额"},
	"lines": {"lines", "items", "orderitems", "orderlines", "goods", "goodslist", "products", "productlist", "skus", "skulist", "orders", "details", "detaillist", "orderdetails", "orderitem",
		"itemlist", "shangpin", "mingxi", "商品", "商品列表", "商品明细", "明细", "订单明细"},
	"sku_code":       {"skucode", "skuno", "outerskuid", "outersku", "merchantsku", "sku", "barcode", "itemcode", "outerid", "goodsno", "productcode", "goodssn", "shangpinbianma", "商品编码", "规格编码", "货号", "商家编码"},
	"sku_id":         {"skuid", "specid", "规格id"},
	"product_id":     {"productid", "goodsid", "itemid", "numiid", "spuid", "商品id"},
	"product_code":   {"productcode", "goodscode", "spucode", "spuno", "商品货号", "款号"},
	"title":          {"title", "productname", "goodsname", "itemname", "skuname", "name", "shangpinmingcheng", "商品名称", "品名", "标题"},
	"qty":            {"qty", "quantity", "num", "number", "count", "skucnt", "goodsnum", "buynum", "productcount", "shuliang", "数量", "购买数量"},
	"unit_price":     {"unitprice", "price", "saleprice", "goodsprice", "itemprice", "sellprice", "danjia", "单价", "售价", "销售价"},
	"list_price":     {"listprice", "marketprice", "originalprice", "原价", "市场价", "吊牌价"},
	"net_total":      {"nettotal", "lineamount", "linetotal", "subtotal", "realprice", "payamount", "paidamount", "totalprice", "totalamount", "amount", "payment", "xiaoji", "小计", "实付金额", "实付", "金额"},
	"line_id":        {"lineid", "id", "itemid", "detailid", "oid", "orderitemid", "subid", "明细id", "行号"},
	"line_no":        {"lineno", "rowno", "index", "行号", "序号"},
	"tracking_no":    {"trackingno", "waybillno", "waybill", "expressno", "expresscode", "logisticsno", "mailno", "invoiceno", "shippingcode", "lid", "yundanhao", "kuaididanhao", "运单号", "快递单号", "物流单号"},
	"carrier_name":   {"carriername", "carrier", "logisticsname", "logisticscompany", "expresscompany", "expressname", "shippingname", "wuliugongsi", "物流公司", "快递公司"},
	"carrier_code":   {"carriercode", "logisticscode", "expresscode", "companycode", "shipperid", "物流公司编码"},
	"refund_no":      {"refundno", "refundid", "aftersaleno", "aftersaleid", "aftersaleorderid", "returnno", "asid", "tuikuandanhao", "退款单号", "售后单号", "退货单号"},
	"shipment_no":    {"shipmentno", "deliveryno", "deliveryordercode", "outboundno", "chukudanhao", "出库单号", "发货单号"},
	"payment_no":     {"paymentno", "payno", "paymentid", "outtradeno", "支付单号"},
	"transaction_id": {"transactionid", "transactionno", "tradeno", "payserialno", "流水号", "交易流水号", "支付流水号"},
	"movement_no":    {"movementno", "flowno", "recordid", "logid", "id", "流水号"},
	"coupon_code":    {"couponcode", "couponno", "code", "券码", "优惠券码"},
	"reason_text":    {"reason", "reasontext", "refundreason", "reasondesc", "原因", "退款原因"},
	"currency":       {"currency", "currencycode", "bizhong", "币种", "货币"},
	"warehouse_code": {"warehousecode", "warehouse", "warehouseid", "storagecode", "cangku", "仓库", "仓库编码"},
	"on_hand":        {"onhand", "stock", "qty", "quantity", "inventory", "kucun", "库存", "库存数量"},
	"available":      {"available", "availableqty", "availablestock", "usable", "可用库存"},
	"as_of":          {"asof", "time", "updatetime", "snapshottime", "时间"},
	"code":           {"code", "storecode", "shopcode", "shopid", "storeid", "门店编码", "店铺编码"},
}

// about are the words in a path that say whose data it is.
var about = map[string][]string{
	"ship_to":         {"receiver", "consignee", "recipient", "ship", "shipping", "delivery", "address", "addr", "收货", "收件", "shouhuo", "receive"},
	"buyer":           {"buyer", "customer", "user", "member", "买家", "会员", "客户"},
	"bill_to":         {"bill", "billing"},
	"invoice_request": {"invoice", "fapiao", "发票"},
	"amounts":         {"amount", "price", "fee", "money", "金额"},
	"delivery":        {"delivery", "logistics", "express", "物流"},
	"return_shipment": {"return", "退货"},
}

// personal guesses whether a field holds personal data, and which kind, by its name and its
// values; "" where nothing speaks for it.
func personal(name string, n *seen) string {
	words, p := tokens(name), plain(name)
	has := func(list ...string) bool {
		return slices.ContainsFunc(list, func(w string) bool {
			return slices.Contains(words, w) || !isASCII(w) && strings.Contains(p, w) || len(w) > 4 && isASCII(w) && strings.Contains(p, w)
		})
	}
	switch {
	case n.maps+n.lists > 0 && n.scalars() == 0, n.bools > 0 && n.texts == 0:
		return ""
	case n.is(mobile) || has("phone", "mobile", "tel", "telephone", "cellphone", "shouji", "dianhua", "手机", "电话"):
		return "phone"
	case n.is(email) || has("email", "mail", "youxiang", "邮箱"):
		return "email"
	case n.is(idNumber) || has("openid", "unionid", "idcard", "idcardno", "identityno", "passport", "taxno", "身份证", "证件号", "税号") || slices.Contains([]string{"idno", "certno"}, p):
		return "id"
	case n.texts == 0:
		return ""
	case n.is(postal) || has("address", "addr", "street", "dizhi", "地址", "街道", "门牌"):
		return "address"
	case has("nick", "nickname", "consignee", "recipient", "receiver", "linkman", "realname", "fullname", "收货人", "收件人", "联系人", "姓名", "昵称", "xingming", "shouhuoren"):
		return "name"
	case has("contact", "buyer", "customer", "user", "member", "payer", "sender") && (has("name") || len(words) == 1), n.is(personName):
		return "name"
	case has("remark", "message", "memo", "note", "comment", "liuyan", "beizhu", "留言", "备注"):
		return "text"
	}
	return ""
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// searched guesses how people look the field up: the x-search of the draft.
func searched(name string) string {
	p := plain(name)
	for _, s := range []struct{ field, kind string }{{"tracking_no", "waybill"}, {"refund_no", "refund_no"}, {"transaction_id", "transaction_id"}, {"payment_no", "payment_no"},
		{"openid", "openid"}, {"unionid", "unionid"}, {"sku_code", "sku"}, {"order_no", "order_no"}} {
		list := aliases[s.field]
		// Short names such as no and id are too common to be searched by.
		if slices.Contains(list, p) && len(p) > 3 {
			return s.kind
		}
	}
	return ""
}

// chooses says whether a name is that of a field with a few fixed words.
func chooses(name string) bool {
	p := plain(name)
	for _, w := range []string{"status", "state", "type", "kind", "mode", "method", "channel", "platform", "currency", "level", "flag", "unit", "zhuangtai", "leixing", "状态", "类型", "方式", "渠道", "币种", "等级"} {
		if strings.HasSuffix(p, w) {
			return true
		}
	}
	return false
}
