package canonical

// Points is a movement of loyalty points; never changed, a correction is a new one.
type Points struct {
	// Number of the movement; its natural key, so that it is applied once.
	MovementNo string `json:"movement_no"`
	// The member.
	MemberNo string `json:"member_no"`
	// openid of the member, for stores that know no member number.
	OpenID string `json:"openid,omitempty"`
	// unionid of the member.
	UnionID string `json:"unionid,omitempty"`
	// The store it belongs to.
	Store *StoreRef `json:"store,omitempty"`
	// Why points moved. One of earn, burn, expire, adjust, refund_back, refund_deduct.
	Kind string `json:"kind"`
	// Points, positive when the member gains.
	Points int64 `json:"points"`
	// Balance after the movement.
	BalanceAfter *int64 `json:"balance_after,omitempty"`
	// Points account, when there are several.
	Account string `json:"account,omitempty"`
	// The order behind it.
	OrderNo string `json:"order_no,omitempty"`
	// The after-sale behind it.
	RefundNo string `json:"refund_no,omitempty"`
	// Reason in words.
	Reason string `json:"reason,omitempty"`
	// When these points end.
	ExpiresAt Time `json:"expires_at,omitempty"`
	// When it happened.
	OccurredAt Time `json:"occurred_at"`
	// When the source last changed the document; the version that decides which of two is newer.
	SourceUpdatedAt Time `json:"source_updated_at,omitempty"`
	// Fields of your own; carried along, never interpreted.
	Extra map[string]any `json:"extra,omitempty"`
}
