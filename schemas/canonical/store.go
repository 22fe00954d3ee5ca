package canonical

// Store is a shop, online or on a street.
type Store struct {
	// Code of the store in the hub; prefix of the keys at targets.
	Code string `json:"code"`
	// Name.
	Name string `json:"name"`
	// The vendor's own immutable id of the store.
	SourceID string `json:"source_id,omitempty"`
	// Further numbers of the document in other systems.
	ExternalIDs []ExternalID `json:"external_ids,omitempty"`
	// What kind of store. One of mini_program, wechat_shop, video_shop, pos, marketplace, web, other.
	Channel string `json:"channel,omitempty"`
	// State of the store. One of open, paused, closed.
	Status string `json:"status,omitempty"`
	// The app of the store.
	AppID string `json:"appid,omitempty"`
	// Account that receives the money (mchid).
	MerchantID string `json:"merchant_id,omitempty"`
	// Currency it sells in.
	Currency string `json:"currency,omitempty"`
	// IANA time zone.
	TimeZone string `json:"time_zone,omitempty"`
	// True when its prices contain tax.
	TaxInclusive *bool `json:"tax_inclusive,omitempty"`
	// Warehouse that ships when nothing else is said.
	DefaultWarehouseCode string `json:"default_warehouse_code,omitempty"`
	// Company of the ERP that sells.
	LegalEntityCode string `json:"legal_entity_code,omitempty"`
	// Store or region above it.
	ParentCode string `json:"parent_code,omitempty"`
	// Where it is, and whom to call.
	Address *Address `json:"address,omitempty"`
	// When it opened.
	OpenedAt Time `json:"opened_at,omitempty"`
	// When it closed for good.
	ClosedAt Time `json:"closed_at,omitempty"`
	// When the source last changed the document; the version that decides which of two is newer.
	SourceUpdatedAt Time `json:"source_updated_at,omitempty"`
	// Fields of your own; carried along, never interpreted.
	Extra map[string]any `json:"extra,omitempty"`
}
