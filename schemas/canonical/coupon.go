package canonical

// Coupon is a coupon in the hands of a member.
type Coupon struct {
	// Code of the coupon; its natural key.
	CouponCode string `json:"coupon_code"`
	// Id of the coupon it was issued from.
	TemplateID string `json:"template_id,omitempty"`
	// Its name as the member sees it.
	Title string `json:"title,omitempty"`
	// The member who holds it.
	MemberNo string `json:"member_no,omitempty"`
	// openid of the holder.
	OpenID string `json:"openid,omitempty"`
	// unionid of the holder.
	UnionID string `json:"unionid,omitempty"`
	// The store it belongs to.
	Store *StoreRef `json:"store,omitempty"`
	// What it does. One of amount_off, percent_off, gift, free_shipping, exchange.
	Kind string `json:"kind,omitempty"`
	// Where it stands. One of issued, locked, used, returned, expired, void.
	Status string `json:"status"`
	// The vendor's own word or number for the status.
	StatusRaw string `json:"status_raw,omitempty"`
	// What it takes off.
	Value *Money `json:"value,omitempty"`
	// Share it takes off.
	PercentBP *int64 `json:"percent_bp,omitempty"`
	// Least goods value to use it.
	Threshold *Money `json:"threshold,omitempty"`
	// Most it takes off.
	MaxDiscount *Money `json:"max_discount,omitempty"`
	// When the member got it.
	IssuedAt Time `json:"issued_at,omitempty"`
	// From when it counts.
	ValidFrom Time `json:"valid_from,omitempty"`
	// Until when it counts.
	ValidTo Time `json:"valid_to,omitempty"`
	// When it was used.
	UsedAt Time `json:"used_at,omitempty"`
	// The order it was used in.
	OrderNo string `json:"order_no,omitempty"`
	// When the source last changed the document; the version that decides which of two is newer.
	SourceUpdatedAt Time `json:"source_updated_at,omitempty"`
	// Fields of your own; carried along, never interpreted.
	Extra map[string]any `json:"extra,omitempty"`
}
