package canonical

// Address is a postal address with its receiver.
type Address struct {
	// Name of the receiver.
	Recipient string `json:"recipient,omitempty"`
	// Company of the receiver.
	Company string `json:"company,omitempty"`
	// Phone of the receiver: E.164 (+8613800000000) or 11 mainland digits, without an extension; kept as given when
	// masked or virtual.
	Phone string `json:"phone,omitempty"`
	// Extension to dial after a virtual number; a label must print both.
	PhoneExt string `json:"phone_ext,omitempty"`
	// True when phone is a virtual number that expires.
	PhoneVirtual *bool `json:"phone_virtual,omitempty"`
	// When a virtual number stops working.
	PhoneExpiresAt Time `json:"phone_expires_at,omitempty"`
	// ISO 3166-1 alpha-2 code; CN when left out.
	Country string `json:"country,omitempty"`
	// Province or state, as the store writes it.
	Province string `json:"province,omitempty"`
	// City.
	City string `json:"city,omitempty"`
	// District or county.
	District string `json:"district,omitempty"`
	// Town or street office (街道).
	Town string `json:"town,omitempty"`
	// Street, building, house number; without province, city and district.
	Line1 string `json:"line1,omitempty"`
	// Second line of the street address.
	Line2 string `json:"line2,omitempty"`
	// Postal code.
	PostalCode string `json:"postal_code,omitempty"`
	// Administrative division code of the district, GB/T 2260.
	RegionCode string `json:"region_code,omitempty"`
	// The same address in Latin letters.
	Latin *AddressLatin `json:"latin,omitempty"`
	// True while the store shows the receiver only in part; it must be decoded before a parcel can be sent.
	Masked *bool `json:"masked,omitempty"`
	// The store's digest of the receiver: equal values may share a parcel without decoding.
	ReceiverHash string `json:"receiver_hash,omitempty"`
}

// AddressLatin is the address in Latin letters, for carriers abroad.
type AddressLatin struct {
	// Name of the receiver in Latin letters.
	Recipient string `json:"recipient,omitempty"`
	// Province or state in Latin letters.
	Province string `json:"province,omitempty"`
	// City in Latin letters.
	City string `json:"city,omitempty"`
	// District in Latin letters.
	District string `json:"district,omitempty"`
	// Street address in Latin letters.
	Line1 string `json:"line1,omitempty"`
	// Second line in Latin letters.
	Line2 string `json:"line2,omitempty"`
}

// StoreRef is the store a document belongs to.
type StoreRef struct {
	// Code of the store in the hub; prefix of the keys at targets.
	Code string `json:"code"`
	// Name of the store as people know it.
	Name string `json:"name,omitempty"`
	// The store's id at its vendor: shop id, appid or merchant id.
	SourceID string `json:"source_id,omitempty"`
}

// Buyer is the person who bought, as far as the store tells.
type Buyer struct {
	// Number of the member in the CRM; the natural key of a member.
	MemberNo string `json:"member_no,omitempty"`
	// The buyer's id at the store, when it is neither openid nor unionid.
	SourceID string `json:"source_id,omitempty"`
	// openid of the buyer; belongs to one appid.
	OpenID string `json:"openid,omitempty"`
	// unionid of the buyer over all apps of one open-platform account.
	UnionID string `json:"unionid,omitempty"`
	// The app that openid belongs to.
	AppID string `json:"appid,omitempty"`
	// Real name of the buyer.
	Name string `json:"name,omitempty"`
	// Nickname of the buyer in the store.
	Nickname string `json:"nickname,omitempty"`
	// Phone of the buyer, E.164 or 11 mainland digits.
	Phone string `json:"phone,omitempty"`
	// E-mail address of the buyer.
	Email string `json:"email,omitempty"`
	// True when the buyer is no member; sold to the collective customer of the store.
	Guest *bool `json:"guest,omitempty"`
}

// Attribute is one property of a variant, such as its colour.
type Attribute struct {
	// Name of the property.
	Name string `json:"name"`
	// Its value.
	Value string `json:"value"`
}

// ExternalID is a number by which another system knows the document.
type ExternalID struct {
	// The system that gave the number: a connector or connection name.
	System string `json:"system"`
	// What the number is there.
	Kind string `json:"kind,omitempty"`
	// The number, as text.
	Value string `json:"value"`
}

// Identity is a way to recognise a member in one system.
type Identity struct {
	// What kind of identity. One of openid, unionid, wecom, alipay, card, erp, crm, pos, other.
	Kind string `json:"kind"`
	// The system or connection that issued it.
	System string `json:"system,omitempty"`
	// The app that an openid belongs to.
	AppID string `json:"appid,omitempty"`
	// The identity itself.
	Value string `json:"value"`
}

// ShippedLine is a quantity of one order line inside a parcel.
type ShippedLine struct {
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
	// Quantity inside.
	Qty int64 `json:"qty"`
	// Batch or lot shipped.
	BatchNo string `json:"batch_no,omitempty"`
	// Serial numbers shipped.
	Serials []string `json:"serials,omitempty"`
}
