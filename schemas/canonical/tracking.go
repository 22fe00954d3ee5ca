package canonical

// Tracking is the way of one parcel.
type Tracking struct {
	// Waybill number; with carrier_code the natural key.
	TrackingNo string `json:"tracking_no"`
	// The hub's code of the carrier.
	CarrierCode string `json:"carrier_code"`
	// The order inside.
	OrderNo string `json:"order_no,omitempty"`
	// The shipment it belongs to.
	ShipmentNo string `json:"shipment_no,omitempty"`
	// The store it belongs to.
	Store *StoreRef `json:"store,omitempty"`
	// Where the parcel is now. One of unknown, created, pickup_scheduled, pickup_failed, cancelled, picked_up,
	// in_transit, customs_processing, customs_held, arrived_destination, forwarded, out_for_delivery,
	// available_for_pickup, delivery_failed, delivered, exception, damaged, lost, refused, returning, returned,
	// expired.
	Status string `json:"status"`
	// Who took it. One of self, other, locker, station.
	SignedBy string `json:"signed_by,omitempty"`
	// Name of who took it.
	ReceiverName string `json:"receiver_name,omitempty"`
	// Name of the courier.
	CourierName string `json:"courier_name,omitempty"`
	// Phone of the courier.
	CourierPhone string `json:"courier_phone,omitempty"`
	// New waybill, when the parcel was forwarded.
	ForwardedTo string `json:"forwarded_to,omitempty"`
	// When the carrier expects to deliver.
	Eta Time `json:"eta,omitempty"`
	// When it was delivered.
	DeliveredAt Time `json:"delivered_at,omitempty"`
	// Weight the carrier charged.
	WeightGrams *int64 `json:"weight_g,omitempty"`
	// What the carrier charged.
	FreightCost *Money `json:"freight_cost,omitempty"`
	// What happened, in any order; the same event may come again.
	Events []TrackingEvent `json:"events,omitempty"`
	// When the source last changed the document; the version that decides which of two is newer.
	SourceUpdatedAt Time `json:"source_updated_at,omitempty"`
	// Fields of your own; carried along, never interpreted.
	Extra map[string]any `json:"extra,omitempty"`
}

// TrackingEvent is one event on the way of a parcel.
type TrackingEvent struct {
	// What happened. One of unknown, created, pickup_scheduled, pickup_failed, cancelled, picked_up, in_transit,
	// customs_processing, customs_held, arrived_destination, forwarded, out_for_delivery, available_for_pickup,
	// delivery_failed, delivered, exception, damaged, lost, refused, returning, returned, expired.
	Status string `json:"status"`
	// The carrier's own code.
	RawCode string `json:"raw_code,omitempty"`
	// The carrier's words; they often name a courier with a phone number.
	Description string `json:"description,omitempty"`
	// Where.
	Location string `json:"location,omitempty"`
	// When, with the zone of the place.
	OccurredAt Time `json:"occurred_at"`
	// The carrier's id of the event.
	EventID string `json:"event_id,omitempty"`
	// Order of the event, when the carrier counts.
	Seq *int64 `json:"seq,omitempty"`
}
