package canonical

// AfterSale is a refund, return or exchange of an order.
type AfterSale struct {
	// Number of the after-sale; its natural key.
	RefundNo string `json:"refund_no"`
	// The vendor's own immutable id of the after-sale; needed to write back to it.
	SourceID string `json:"source_id,omitempty"`
	// Further numbers of the document in other systems.
	ExternalIDs []ExternalID `json:"external_ids,omitempty"`
	// The order it belongs to.
	OrderNo string `json:"order_no"`
	// The vendor's own immutable id of the order.
	OrderSourceID string `json:"order_source_id,omitempty"`
	// The store it belongs to.
	Store *StoreRef `json:"store,omitempty"`
	// What the buyer asks for. One of refund_only, return_refund, exchange, cancel_before_ship, price_adjust,
	// resend, repair, other.
	Kind string `json:"kind"`
	// Where it stands. One of requested, approved, rejected, goods_in_transit, goods_received, refunding, refunded,
	// closed, failed.
	Status string `json:"status"`
	// The vendor's own word or number for the status.
	StatusRaw string `json:"status_raw,omitempty"`
	// True while it holds what has not shipped.
	Open bool `json:"open"`
	// Where the goods are, seen from the buyer. One of not_received, received, returned, seller_received.
	GoodsStatus string `json:"goods_status,omitempty"`
	// Reason, as a code of the store.
	ReasonCode string `json:"reason_code,omitempty"`
	// Reason in words.
	ReasonText string `json:"reason_text,omitempty"`
	// What buyer or shop wrote about it.
	Note string `json:"note,omitempty"`
	// Number of the dispute at the platform.
	ComplaintID string `json:"complaint_id,omitempty"`
	// Currency of every amount in the document.
	Currency string `json:"currency,omitempty"`
	// What the buyer gets back: lines plus freight_refund.
	Total *Money `json:"total,omitempty"`
	// Freight paid back.
	FreightRefund *Money `json:"freight_refund,omitempty"`
	// What is refunded or comes back; the whole order when left out.
	Lines []AfterSaleLine `json:"lines,omitempty"`
	// What the buyer gets instead.
	ExchangeLines []ExchangeLine `json:"exchange_lines,omitempty"`
	// Where the money goes back to.
	PaymentRefunds []PaymentRefund `json:"payment_refunds,omitempty"`
	// The parcel on its way back.
	ReturnShipment *ReturnShipment `json:"return_shipment,omitempty"`
	// Warehouse that takes the goods back.
	ReturnWarehouseCode string `json:"return_warehouse_code,omitempty"`
	// Who bought.
	Buyer *Buyer `json:"buyer,omitempty"`
	// Where the goods are picked up.
	PickupFrom *Address `json:"pickup_from,omitempty"`
	// When the buyer asked.
	RequestedAt Time `json:"requested_at,omitempty"`
	// When the shop agreed.
	ApprovedAt Time `json:"approved_at,omitempty"`
	// When the store decides by itself.
	DeadlineAt Time `json:"deadline_at,omitempty"`
	// When the money went back.
	RefundedAt Time `json:"refunded_at,omitempty"`
	// When it ended without a refund.
	ClosedAt Time `json:"closed_at,omitempty"`
	// When the source last changed the document; the version that decides which of two is newer.
	SourceUpdatedAt Time `json:"source_updated_at,omitempty"`
	// Fields of your own; carried along, never interpreted.
	Extra map[string]any `json:"extra,omitempty"`
}

// AfterSaleLine is what is refunded or comes back.
type AfterSaleLine struct {
	// line_no of the order line.
	LineNo *int64 `json:"line_no,omitempty"`
	// The store's id of the order line.
	LineID string `json:"line_id,omitempty"`
	// The merchant's SKU code.
	SKUCode string `json:"sku_code,omitempty"`
	// The store's product id.
	ProductID string `json:"product_id,omitempty"`
	// The store's SKU id.
	SKUID string `json:"sku_id,omitempty"`
	// Title of the product.
	Title string `json:"title,omitempty"`
	// Quantity refunded or coming back.
	Qty int64 `json:"qty"`
	// Money refunded for it.
	Amount *Money `json:"amount,omitempty"`
	// State of the goods that came back. One of good, damaged, inspection.
	Condition string `json:"condition,omitempty"`
	// Quantity that really came back.
	QtyReceived *int64 `json:"qty_received,omitempty"`
}

// ExchangeLine is what the buyer gets instead.
type ExchangeLine struct {
	// The merchant's SKU code.
	SKUCode string `json:"sku_code"`
	// Title of the product.
	Title string `json:"title,omitempty"`
	// Quantity to send.
	Qty int64 `json:"qty"`
}

// PaymentRefund is the part of a refund that goes to one payment.
type PaymentRefund struct {
	// The merchant's number of the payment.
	PaymentNo string `json:"payment_no,omitempty"`
	// Number of the payment at the provider.
	TransactionID string `json:"transaction_id,omitempty"`
	// Number of the refund at the provider.
	RefundID string `json:"refund_id,omitempty"`
	// Amount paid back.
	Amount Money `json:"amount"`
	// State of the refund. One of pending, succeeded, closed, failed.
	Status string `json:"status"`
	// When it succeeded.
	RefundedAt Time `json:"refunded_at,omitempty"`
}

// ReturnShipment is the buyer's parcel on its way back.
type ReturnShipment struct {
	// The hub's code of the carrier.
	CarrierCode string `json:"carrier_code,omitempty"`
	// Name of the carrier.
	CarrierName string `json:"carrier_name,omitempty"`
	// Waybill number.
	TrackingNo string `json:"tracking_no,omitempty"`
}
