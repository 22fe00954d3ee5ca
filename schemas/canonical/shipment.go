package canonical

// Shipment is what a warehouse sends for an order.
type Shipment struct {
	// Number of the shipment at the warehouse; with warehouse_code its natural key.
	ShipmentNo string `json:"shipment_no"`
	// The warehouse's own immutable id of the shipment.
	SourceID string `json:"source_id,omitempty"`
	// Further numbers of the document in other systems.
	ExternalIDs []ExternalID `json:"external_ids,omitempty"`
	// The order it fulfils.
	OrderNo string `json:"order_no"`
	// The store's own immutable id of the order; needed to write back to it.
	OrderSourceID string `json:"order_source_id,omitempty"`
	// The after-sale it follows, for an exchange or a resend.
	RefundNo string `json:"refund_no,omitempty"`
	// The store it belongs to.
	Store *StoreRef `json:"store,omitempty"`
	// Warehouse that ships.
	WarehouseCode string `json:"warehouse_code,omitempty"`
	// Where it stands. One of requested, accepted, allocated, picked, packed, shipped, in_transit, delivered,
	// exception, cancelled, rejected.
	Status string `json:"status"`
	// The vendor's own word or number for the status.
	StatusRaw string `json:"status_raw,omitempty"`
	// True when the warehouse sends nothing more for the order; the rest is short.
	Final *bool `json:"final,omitempty"`
	// The warehouse's number of this message; a repeat carries the same.
	ConfirmNo string `json:"confirm_no,omitempty"`
	// The hub's code of the carrier.
	CarrierCode string `json:"carrier_code,omitempty"`
	// Name of the carrier as the warehouse writes it.
	CarrierName string `json:"carrier_name,omitempty"`
	// Product of the carrier.
	Service string `json:"service,omitempty"`
	// Parcels.
	Packages []Package `json:"packages,omitempty"`
	// What is missing.
	ShortLines []ShortLine `json:"short_lines,omitempty"`
	// Where it leaves.
	ShipFrom *Address `json:"ship_from,omitempty"`
	// Where it goes.
	ShipTo *Address `json:"ship_to,omitempty"`
	// What the carrier collects.
	CODAmount *Money `json:"cod_amount,omitempty"`
	// What the carrier charges the brand.
	FreightCost *Money `json:"freight_cost,omitempty"`
	// Note for the warehouse or the courier.
	Note string `json:"note,omitempty"`
	// When it was ordered from the warehouse.
	RequestedAt Time `json:"requested_at,omitempty"`
	// When it was handed over.
	ShippedAt Time `json:"shipped_at,omitempty"`
	// When the receiver had it.
	DeliveredAt Time `json:"delivered_at,omitempty"`
	// When it was given up.
	CancelledAt Time `json:"cancelled_at,omitempty"`
	// When the source last changed the document; the version that decides which of two is newer.
	SourceUpdatedAt Time `json:"source_updated_at,omitempty"`
	// Fields of your own; carried along, never interpreted.
	Extra map[string]any `json:"extra,omitempty"`
}

// Package is one parcel with its waybill.
type Package struct {
	// The warehouse's number of the parcel.
	PackageNo string `json:"package_no,omitempty"`
	// Waybill number.
	TrackingNo string `json:"tracking_no,omitempty"`
	// Waybills of further pieces under the same waybill.
	ChildTrackingNos []string `json:"child_tracking_nos,omitempty"`
	// The hub's code of the carrier, when not that of the shipment.
	CarrierCode string `json:"carrier_code,omitempty"`
	// Serial shipping container code.
	SSCC string `json:"sscc,omitempty"`
	// Weight.
	WeightGrams *int64 `json:"weight_g,omitempty"`
	// Length.
	LengthMM *int64 `json:"length_mm,omitempty"`
	// Width.
	WidthMM *int64 `json:"width_mm,omitempty"`
	// Height.
	HeightMM *int64 `json:"height_mm,omitempty"`
	// What is inside.
	Lines []ShippedLine `json:"lines,omitempty"`
}

// ShortLine is what the warehouse could not ship.
type ShortLine struct {
	// line_no of the order line.
	LineNo *int64 `json:"line_no,omitempty"`
	// The store's id of the order line.
	LineID string `json:"line_id,omitempty"`
	// The merchant's SKU code.
	SKUCode string `json:"sku_code,omitempty"`
	// Quantity missing.
	Qty int64 `json:"qty"`
	// Why.
	Reason string `json:"reason,omitempty"`
}
