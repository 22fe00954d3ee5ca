package canonical

// Order is a sale in one store: what was bought, by whom, for how much, and where it goes.
type Order struct {
	// Number of the order as the buyer knows it; the key in OMS, WMS, ERP and CRM.
	OrderNo string `json:"order_no"`
	// The vendor's own immutable id of the order; needed to write back to it.
	SourceID string `json:"source_id,omitempty"`
	// Further numbers of the document in other systems.
	ExternalIDs []ExternalID `json:"external_ids,omitempty"`
	// Why the order exists; normal when left out. One of normal, presale, exchange, resend, sample, other.
	Type string `json:"type,omitempty"`
	// The order that an exchange or resend follows.
	OriginalOrderNo string `json:"original_order_no,omitempty"`
	// The store it belongs to.
	Store StoreRef `json:"store"`
	// Where the order stands. cancelled: before payment, or the seller gave up; closed: everything was refunded. One
	// of pending_payment, paid, accepted, partially_shipped, shipped, completed, cancelled, closed.
	Status string `json:"status"`
	// The vendor's own word or number for the status.
	StatusRaw string `json:"status_raw,omitempty"`
	// How much of it is paid. One of none, partial, full.
	PaymentStatus string `json:"payment_status,omitempty"`
	// How much of it is shipped. One of none, partial, full.
	FulfilmentStatus string `json:"fulfilment_status,omitempty"`
	// How much of it is refunded. One of none, partial, full.
	RefundStatus string `json:"refund_status,omitempty"`
	// True while an after-sale is open; it holds what has not shipped.
	OpenAfterSale bool `json:"open_after_sale"`
	// Further reasons why it must not ship yet.
	Holds []string `json:"holds,omitempty"`
	// When the buyer placed it.
	PlacedAt Time `json:"placed_at"`
	// When it was paid in full.
	PaidAt Time `json:"paid_at,omitempty"`
	// When the shop accepted it.
	AcceptedAt Time `json:"accepted_at,omitempty"`
	// Latest moment to ship before the store fines the shop.
	ShipBy Time `json:"ship_by,omitempty"`
	// When everything was shipped.
	ShippedAt Time `json:"shipped_at,omitempty"`
	// When the buyer confirmed, or the store did for them.
	CompletedAt Time `json:"completed_at,omitempty"`
	// When it was cancelled.
	CancelledAt Time `json:"cancelled_at,omitempty"`
	// When it was closed because everything was refunded.
	ClosedAt Time `json:"closed_at,omitempty"`
	// When the source last changed the document; the version that decides which of two is newer.
	SourceUpdatedAt Time `json:"source_updated_at,omitempty"`
	// Currency of every amount in the order.
	Currency string `json:"currency"`
	// True when prices contain tax, as retail prices in China do.
	TaxInclusive bool `json:"tax_inclusive"`
	// Totals of the order.
	Amounts OrderAmounts `json:"amounts"`
	// Who bought.
	Buyer *Buyer `json:"buyer,omitempty"`
	// Where the goods go.
	ShipTo *Address `json:"ship_to,omitempty"`
	// Where the bill goes, when not to ship_to.
	BillTo *Address `json:"bill_to,omitempty"`
	// How the goods shall go.
	Delivery *Delivery `json:"delivery,omitempty"`
	// The invoice asked for.
	InvoiceRequest *InvoiceRequest `json:"invoice_request,omitempty"`
	// What the buyer wrote.
	BuyerNote string `json:"buyer_note,omitempty"`
	// What the shop wrote.
	SellerNote string `json:"seller_note,omitempty"`
	// Coloured flag of the shop.
	SellerFlag *int64 `json:"seller_flag,omitempty"`
	// Text of a greeting card.
	GiftMessage string `json:"gift_message,omitempty"`
	// Labels of the shop.
	Tags []string `json:"tags,omitempty"`
	// Where the sale came from.
	Attribution *Attribution `json:"attribution,omitempty"`
	// What was bought.
	Lines []OrderLine `json:"lines"`
	// How it was paid.
	Payments []OrderPayment `json:"payments,omitempty"`
	// What made it cheaper.
	Promotions []Promotion `json:"promotions,omitempty"`
	// Parcels the store already knows.
	Parcels []OrderParcel `json:"parcels,omitempty"`
	// After-sales of the order, in brief.
	AfterSales []OrderAfterSale `json:"after_sales,omitempty"`
	// Fields of your own; carried along, never interpreted.
	Extra map[string]any `json:"extra,omitempty"`
}

// OrderAmounts is the totals of an order: goods - discount + freight + rounding (+ tax when prices exclude it) =
// total.
type OrderAmounts struct {
	// Sum of unit_price x qty over the lines, before any discount.
	Goods Money `json:"goods"`
	// All discounts, whoever bears them; the sum of the discounts of the lines. Nothing when left out.
	Discount *Money `json:"discount,omitempty"`
	// Freight the buyer pays, after freight discounts. Freight is never a line.
	Freight *Money `json:"freight,omitempty"`
	// Tax; contained in the prices when tax_inclusive, else on top.
	Tax *Money `json:"tax,omitempty"`
	// What was rounded off or up at the end.
	Rounding *Money `json:"rounding,omitempty"`
	// What the buyer owes.
	Total Money `json:"total"`
	// What the buyer has paid; the sum of the succeeded payments.
	Paid *Money `json:"paid,omitempty"`
	// What has been paid back so far.
	Refunded *Money `json:"refunded,omitempty"`
	// What the merchant receives, with the discounts that platform or partners bear added back.
	Receivable *Money `json:"receivable,omitempty"`
}

// Delivery is how the goods shall reach the buyer.
type Delivery struct {
	// Express parcel, pickup in a store, courier inside the city, nothing physical, or no delivery. One of express,
	// pickup, local, virtual, none.
	Method string `json:"method"`
	// The hub's code of the carrier wished for.
	CarrierCode string `json:"carrier_code,omitempty"`
	// Name of the carrier wished for.
	CarrierName string `json:"carrier_name,omitempty"`
	// Product of the carrier: standard, next day.
	Service string `json:"service,omitempty"`
	// Warehouse that shall ship, when the store decided it.
	WarehouseCode string `json:"warehouse_code,omitempty"`
	// Store where the buyer picks up.
	PickupStoreCode string `json:"pickup_store_code,omitempty"`
	// Code the buyer shows to pick up.
	PickupCode string `json:"pickup_code,omitempty"`
	// Begin of the promised window.
	PromiseFrom Time `json:"promise_from,omitempty"`
	// End of the promised window.
	PromiseBy Time `json:"promise_by,omitempty"`
	// True when the carrier collects the money.
	COD *bool `json:"cod,omitempty"`
}

// InvoiceRequest is the invoice (fapiao) the buyer asked for.
type InvoiceRequest struct {
	// Invoice for a person, for a company, or a special VAT invoice. One of personal, company, special.
	Kind string `json:"kind"`
	// Title of the invoice.
	Title string `json:"title,omitempty"`
	// Tax number of the company.
	TaxNo string `json:"tax_no,omitempty"`
	// Where the electronic invoice goes.
	Email string `json:"email,omitempty"`
	// Registered address, for a special invoice.
	Address string `json:"address,omitempty"`
	// Registered phone, for a special invoice.
	Phone string `json:"phone,omitempty"`
	// Bank, for a special invoice.
	BankName string `json:"bank_name,omitempty"`
	// Bank account, for a special invoice.
	BankAccount string `json:"bank_account,omitempty"`
}

// Attribution is where the sale came from.
type Attribution struct {
	// Where the buyer bought: live, short_video, share, home, article.
	Scene string `json:"scene,omitempty"`
	// Shop assistant who earns the commission (导购).
	GuideCode string `json:"guide_code,omitempty"`
	// Influencer or sharer at the store.
	PromoterID string `json:"promoter_id,omitempty"`
	// Campaign of the brand.
	Campaign string `json:"campaign,omitempty"`
}

// OrderLine is one line of an order; amounts are totals of the line, unit_price x qty - discount = net_total.
type OrderLine struct {
	// Number of the line inside the order; stable, never used twice.
	LineNo int64 `json:"line_no"`
	// The store's own id of the line; refunds and splits refer to it.
	LineID string `json:"line_id,omitempty"`
	// What the line is; only goods, gift and bundle_child are picked in a warehouse. One of goods, gift, service,
	// bundle_parent, bundle_child.
	Kind string `json:"kind"`
	// line_no of the bundle_parent of a bundle_child.
	ParentLineNo *int64 `json:"parent_line_no,omitempty"`
	// The merchant's SKU code; the key in OMS, WMS and ERP.
	SKUCode string `json:"sku_code,omitempty"`
	// The merchant's product (SPU) code.
	ProductCode string `json:"product_code,omitempty"`
	// The store's product id.
	ProductID string `json:"product_id,omitempty"`
	// The store's SKU id.
	SKUID string `json:"sku_id,omitempty"`
	// GTIN, 14 digits, padded with zeros on the left.
	GTIN string `json:"gtin,omitempty"`
	// Title of the product as the buyer saw it.
	Title string `json:"title,omitempty"`
	// Variant chosen: colour, size.
	Attributes []Attribute `json:"attributes,omitempty"`
	// Picture of the product.
	ImageURL string `json:"image_url,omitempty"`
	// Quantity ordered.
	Qty int64 `json:"qty"`
	// Unit of the quantity, UN/ECE code; C62 (piece) when left out.
	UOM string `json:"uom,omitempty"`
	// Exact quantity of weighed goods, a decimal as text; qty is then 1.
	QtyDecimal string `json:"qty_decimal,omitempty"`
	// Price tag of one unit, for show.
	ListPrice *Money `json:"list_price,omitempty"`
	// Price of one unit before discounts.
	UnitPrice *Money `json:"unit_price,omitempty"`
	// Discounts of the line, with its share of the discounts on the whole order.
	Discount *Money `json:"discount,omitempty"`
	// What the line costs after discounts, for the whole quantity.
	NetTotal Money `json:"net_total"`
	// Tax of the line.
	Tax *LineTax `json:"tax,omitempty"`
	// Quantity that will not be shipped any more.
	QtyCancelled *int64 `json:"qty_cancelled,omitempty"`
	// Quantity shipped so far.
	QtyShipped *int64 `json:"qty_shipped,omitempty"`
	// Quantity that came back.
	QtyReturned *int64 `json:"qty_returned,omitempty"`
	// Quantity under an after-sale that is still open.
	QtyAfterSale *int64 `json:"qty_after_sale,omitempty"`
	// Money paid back for the line so far.
	Refunded *Money `json:"refunded,omitempty"`
	// State of the latest after-sale of the line; open holds what has not shipped. One of none, open, refunded,
	// closed.
	AfterSaleStatus string `json:"after_sale_status,omitempty"`
	// Warehouse that shall ship the line, when the store decided it.
	WarehouseCode string `json:"warehouse_code,omitempty"`
	// Latest moment to ship the line.
	ShipBy Time `json:"ship_by,omitempty"`
	// True when the goods are not in stock yet and ship_by counts.
	Presale *bool `json:"presale,omitempty"`
	// Weight of one unit.
	WeightGrams *int64 `json:"weight_g,omitempty"`
	// promotion_id of the promotions that touched the line.
	PromotionIDs []string `json:"promotion_ids,omitempty"`
	// What the buyer or the shop wrote about this line.
	Note string `json:"note,omitempty"`
}

// LineTax is the tax of one line.
type LineTax struct {
	// Tax code of the ERP.
	Code string `json:"code,omitempty"`
	// Tax rate.
	RateBP *int64 `json:"rate_bp,omitempty"`
	// Tax of the whole line.
	Amount *Money `json:"amount,omitempty"`
}

// OrderPayment is one payment of an order.
type OrderPayment struct {
	// The merchant's number of the payment (out_trade_no).
	PaymentNo string `json:"payment_no,omitempty"`
	// How it was paid. Points and gift cards pay; coupons are discounts. One of wechat_pay, alipay, unionpay, card,
	// pay_later, gift_card, stored_value, points, balance, cash, cod, bank_transfer, free, other.
	Method string `json:"method"`
	// State of the payment. One of pending, succeeded, closed, failed.
	Status string `json:"status"`
	// Amount of the payment.
	Amount Money `json:"amount"`
	// Number of the payment at the payment provider.
	TransactionID string `json:"transaction_id,omitempty"`
	// Account that received the money (mchid).
	MerchantID string `json:"merchant_id,omitempty"`
	// Account that paid: openid or buyer account at the provider.
	PayerID string `json:"payer_id,omitempty"`
	// When the payment succeeded.
	PaidAt Time `json:"paid_at,omitempty"`
}

// Promotion is one promotion applied to an order.
type Promotion struct {
	// Id of the promotion or of the coupon template.
	PromotionID string `json:"promotion_id,omitempty"`
	// What kind of promotion. One of coupon, discount, full_reduction, member_price, points, gift, bundle,
	// free_shipping, subsidy, price_change, other.
	Kind string `json:"kind"`
	// Code of the coupon used up.
	CouponCode string `json:"coupon_code,omitempty"`
	// Its name as the buyer saw it.
	Title string `json:"title,omitempty"`
	// How much it took off.
	Amount Money `json:"amount"`
	// Who pays for it; merchant when left out. One of merchant, platform, partner, influencer.
	BorneBy string `json:"borne_by,omitempty"`
	// line_no of the lines it applies to; all when left out.
	LineNos []int64 `json:"line_nos,omitempty"`
}

// OrderParcel is a parcel the store already knows.
type OrderParcel struct {
	// Waybill number.
	TrackingNo string `json:"tracking_no,omitempty"`
	// The hub's code of the carrier.
	CarrierCode string `json:"carrier_code,omitempty"`
	// Name of the carrier as the store writes it.
	CarrierName string `json:"carrier_name,omitempty"`
	// When it was handed over.
	ShippedAt Time `json:"shipped_at,omitempty"`
	// What is inside.
	Lines []ShippedLine `json:"lines,omitempty"`
}

// OrderAfterSale is an after-sale of the order, in brief.
type OrderAfterSale struct {
	// Number of the after-sale.
	RefundNo string `json:"refund_no"`
	// State of the after-sale. One of requested, approved, rejected, goods_in_transit, goods_received, refunding,
	// refunded, closed, failed.
	Status string `json:"status"`
	// The vendor's own word or number for the status.
	StatusRaw string `json:"status_raw,omitempty"`
}
