package canonical

// Member is a member of the brand.
type Member struct {
	// Number of the member; the natural key in the CRM and the ERP.
	MemberNo string `json:"member_no"`
	// The vendor's own immutable id of the member; needed to write back to it.
	SourceID string `json:"source_id,omitempty"`
	// Identities in other systems.
	Identities []Identity `json:"identities,omitempty"`
	// openid; belongs to one appid.
	OpenID string `json:"openid,omitempty"`
	// unionid over all apps of one open-platform account.
	UnionID string `json:"unionid,omitempty"`
	// The app that openid belongs to.
	AppID string `json:"appid,omitempty"`
	// The store that registered the member.
	Store *StoreRef `json:"store,omitempty"`
	// State of the membership; active when left out. One of active, frozen, merged, erased.
	Status string `json:"status,omitempty"`
	// member_no that took this one over.
	MergedInto string `json:"merged_into,omitempty"`
	// Real name.
	Name string `json:"name,omitempty"`
	// Nickname.
	Nickname string `json:"nickname,omitempty"`
	// Gender as the member stated it. One of female, male, other, unknown.
	Gender string `json:"gender,omitempty"`
	// Birthday.
	Birthday Date `json:"birthday,omitempty"`
	// Phone, E.164 or 11 mainland digits.
	Phone string `json:"phone,omitempty"`
	// E-mail address.
	Email string `json:"email,omitempty"`
	// Picture of the member.
	AvatarURL string `json:"avatar_url,omitempty"`
	// Tier (grade) of the loyalty programme.
	Tier string `json:"tier,omitempty"`
	// When the tier ends.
	TierExpiresAt Time `json:"tier_expires_at,omitempty"`
	// Points to spend; may be negative after a refund.
	PointsBalance *int64 `json:"points_balance,omitempty"`
	// Growth or experience value.
	GrowthValue *int64 `json:"growth_value,omitempty"`
	// When the member joined.
	RegisteredAt Time `json:"registered_at,omitempty"`
	// Shop assistant who serves the member (导购).
	GuideCode string `json:"guide_code,omitempty"`
	// What the member agreed to.
	Consents []Consent `json:"consents,omitempty"`
	// Address book.
	Addresses []Address `json:"addresses,omitempty"`
	// Labels of the CRM.
	Tags []string `json:"tags,omitempty"`
	// When the source last changed the document; the version that decides which of two is newer.
	SourceUpdatedAt Time `json:"source_updated_at,omitempty"`
	// Fields of your own; carried along, never interpreted.
	Extra map[string]any `json:"extra,omitempty"`
}

// Consent is what the member agreed to.
type Consent struct {
	// What for: marketing_sms, marketing_wechat, profiling.
	Purpose string `json:"purpose"`
	// True when granted, false when withdrawn.
	Granted bool `json:"granted"`
	// When.
	At Time `json:"at,omitempty"`
	// Version of the text the member saw.
	TextVersion string `json:"text_version,omitempty"`
}
