package canonical

// Inventory is the stock of one SKU in one place: a snapshot or a movement.
type Inventory struct {
	// snapshot says how much there is, delta how much came or went. One of snapshot, delta.
	Kind string `json:"kind"`
	// The merchant's SKU code.
	SKUCode string `json:"sku_code"`
	// The store's product id.
	ProductID string `json:"product_id,omitempty"`
	// The store's SKU id.
	SKUID string `json:"sku_id,omitempty"`
	// Warehouse; the sum of all when left out.
	WarehouseCode string `json:"warehouse_code,omitempty"`
	// The store it belongs to.
	Store *StoreRef `json:"store,omitempty"`
	// State of the goods; good when left out. One of good, damaged, inspection, in_transit.
	Condition string `json:"condition,omitempty"`
	// Batch or lot.
	BatchNo string `json:"batch_no,omitempty"`
	// What lies there.
	OnHand *int64 `json:"on_hand,omitempty"`
	// What is promised to orders.
	Reserved *int64 `json:"reserved,omitempty"`
	// What may be sold: on_hand - reserved - safety unless the source gives it.
	Available *int64 `json:"available,omitempty"`
	// What is kept back.
	Safety *int64 `json:"safety,omitempty"`
	// What is on its way.
	Incoming *int64 `json:"incoming,omitempty"`
	// What came (positive) or went (negative).
	Delta *int64 `json:"delta,omitempty"`
	// Number of the movement, so that it is applied once.
	MovementNo string `json:"movement_no,omitempty"`
	// Why it moved: sale, return, count, transfer, receipt.
	ReasonCode string `json:"reason_code,omitempty"`
	// The moment the figures are true for.
	AsOf Time `json:"as_of"`
	// Counter of the source; an older snapshot has a smaller one.
	Seq *int64 `json:"seq,omitempty"`
	// When the source last changed the document; the version that decides which of two is newer.
	SourceUpdatedAt Time `json:"source_updated_at,omitempty"`
	// Fields of your own; carried along, never interpreted.
	Extra map[string]any `json:"extra,omitempty"`
}
