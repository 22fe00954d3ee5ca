package canonical

// Product is a product with its variants.
type Product struct {
	// The merchant's product (SPU) code; its natural key.
	ProductCode string `json:"product_code"`
	// The vendor's own immutable id of the product; needed to write back to it.
	SourceID string `json:"source_id,omitempty"`
	// Further numbers of the document in other systems.
	ExternalIDs []ExternalID `json:"external_ids,omitempty"`
	// The store it belongs to.
	Store *StoreRef `json:"store,omitempty"`
	// Title.
	Title string `json:"title"`
	// Titles by language tag.
	Titles map[string]string `json:"titles,omitempty"`
	// Selling line below the title.
	Subtitle string `json:"subtitle,omitempty"`
	// Description, plain text or HTML.
	Description string `json:"description,omitempty"`
	// Brand.
	Brand string `json:"brand,omitempty"`
	// Categories, from the root down.
	CategoryCodes []string `json:"category_codes,omitempty"`
	// Attributes of the product.
	Attributes map[string]string `json:"attributes,omitempty"`
	// State of the product. One of draft, on_sale, off_shelf, deleted.
	Status string `json:"status,omitempty"`
	// The vendor's own word or number for the status.
	StatusRaw string `json:"status_raw,omitempty"`
	// Pictures and films, in order.
	Media []Media `json:"media,omitempty"`
	// Variants.
	Skus []SKU `json:"skus"`
	// When the source last changed the document; the version that decides which of two is newer.
	SourceUpdatedAt Time `json:"source_updated_at,omitempty"`
	// Fields of your own; carried along, never interpreted.
	Extra map[string]any `json:"extra,omitempty"`
}

// Media is a picture or film.
type Media struct {
	// Where it is.
	URL string `json:"url"`
	// What it is; image when left out. One of image, video, document.
	Kind string `json:"kind,omitempty"`
}

// SKU is a variant that can be sold and stocked.
type SKU struct {
	// The merchant's SKU code; its natural key.
	SKUCode string `json:"sku_code"`
	// The store's SKU id.
	SKUID string `json:"sku_id,omitempty"`
	// GTIN, 14 digits, padded with zeros on the left.
	GTIN string `json:"gtin,omitempty"`
	// Title, when it differs from the product.
	Title string `json:"title,omitempty"`
	// What makes the variant: colour, size.
	Attributes []Attribute `json:"attributes,omitempty"`
	// Picture of the variant.
	ImageURL string `json:"image_url,omitempty"`
	// State of the variant; that of the product when left out. One of draft, on_sale, off_shelf, deleted.
	Status string `json:"status,omitempty"`
	// Price tag.
	ListPrice *Money `json:"list_price,omitempty"`
	// Price it sells for.
	SalePrice *Money `json:"sale_price,omitempty"`
	// What it costs the brand.
	CostPrice *Money `json:"cost_price,omitempty"`
	// Tax code of the ERP.
	TaxCode string `json:"tax_code,omitempty"`
	// Tax rate.
	TaxRateBP *int64 `json:"tax_rate_bp,omitempty"`
	// Unit, UN/ECE code; C62 (piece) when left out.
	UOM string `json:"uom,omitempty"`
	// Weight, packed.
	WeightGrams *int64 `json:"weight_g,omitempty"`
	// Length, packed.
	LengthMM *int64 `json:"length_mm,omitempty"`
	// Width, packed.
	WidthMM *int64 `json:"width_mm,omitempty"`
	// Height, packed.
	HeightMM *int64 `json:"height_mm,omitempty"`
	// What a bundle consists of.
	Bundle []BundleComponent `json:"bundle,omitempty"`
	// True when the warehouse keeps batches.
	BatchControlled *bool `json:"batch_controlled,omitempty"`
	// True when the warehouse keeps serial numbers.
	SerialControlled *bool `json:"serial_controlled,omitempty"`
	// How long it keeps.
	ShelfLifeDays *int64 `json:"shelf_life_days,omitempty"`
	// Customs tariff code.
	HSCode string `json:"hs_code,omitempty"`
	// Country of origin, ISO 3166-1 alpha-2.
	OriginCountry string `json:"origin_country,omitempty"`
}

// BundleComponent is one part of a bundle.
type BundleComponent struct {
	// SKU code of the part.
	SKUCode string `json:"sku_code"`
	// How many of it.
	Qty int64 `json:"qty"`
	// Share of the price of the bundle.
	PriceShareBP *int64 `json:"price_share_bp,omitempty"`
}
