package schemas

import (
	"encoding/json"
	"strings"
	"unicode"
)

// The kinds of search keys, the values of x-search.
const (
	KindOrderNo       = "order_no"
	KindRefundNo      = "refund_no"
	KindPaymentNo     = "payment_no"
	KindTransactionID = "transaction_id"
	KindRefundID      = "refund_id"
	KindShipmentNo    = "shipment_no"
	KindWaybill       = "waybill"
	KindMovementNo    = "movement_no"
	KindCouponCode    = "coupon_code"
	KindMemberNo      = "member_no"
	KindOpenID        = "openid"
	KindUnionID       = "unionid"
	KindPhone         = "phone"
	KindEmail         = "email"
	KindSKU           = "sku"
	KindProductCode   = "product_code"
	KindGTIN          = "gtin"
	KindSerialNo      = "serial_no"
	KindStoreCode     = "store_code"
	KindWarehouse     = "warehouse"
	KindSourceID      = "source_id"   // the vendor's own id of a document
	KindRemoteID      = "remote_id"   // the target's id of a document
	KindExternalID    = "external_id" // any further number
	KindInvoiceNo     = "invoice_no"
)

var searchKinds = []string{KindOrderNo, KindRefundNo, KindPaymentNo, KindTransactionID, KindRefundID, KindShipmentNo, KindWaybill, KindMovementNo,
	KindCouponCode, KindMemberNo, KindOpenID, KindUnionID, KindPhone, KindEmail, KindSKU, KindProductCode, KindGTIN, KindSerialNo, KindStoreCode,
	KindWarehouse, KindSourceID, KindRemoteID, KindExternalID, KindInvoiceNo}

// SearchKey is one thing people may type to find a document.
type SearchKey struct{ Kind, Value string }

// Personal tells whether values of a kind belong to a person; they are stored
// as keyed hashes only (Invariant 8).
func Personal(kind string) bool {
	switch kind {
	case KindPhone, KindEmail, KindOpenID, KindUnionID:
		return true
	}
	return false
}

// SearchKeys collects the values at all x-search places of a tree in the form
// of SearchValue, each once, in a fixed order.
func (s *Schema) SearchKeys(doc any) []SearchKey {
	var out []SearchKey
	s.search.visit([]any{doc}, "", func(kind string, v any) any {
		text := ""
		switch v := v.(type) {
		case string:
			text = v
		case json.Number:
			text = string(v)
		}
		key := SearchKey{Kind: kind, Value: SearchValue(kind, text)}
		if key.Value == "" {
			return v
		}
		for _, known := range out {
			if known == key {
				return v
			}
		}
		out = append(out, key)
		return v
	})
	return out
}

// SearchValue brings what a document holds and what a person types into the
// same form: no white space around it; waybills in capitals; e-mail in small
// letters; phones as digits, a mainland number without its country code. It is
// empty for what nobody can search, such as a masked phone.
func SearchValue(kind, text string) string {
	text = strings.TrimSpace(text)
	switch kind {
	case KindWaybill:
		return strings.ToUpper(text)
	case KindEmail:
		return strings.ToLower(text)
	case KindPhone:
		return phone(text)
	}
	return text
}

func phone(text string) string {
	var digits strings.Builder
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case r == '*', unicode.IsLetter(r):
			return ""
		}
	}
	d := strings.TrimPrefix(digits.String(), "00")
	if len(d) == 13 && strings.HasPrefix(d, "861") {
		d = d[2:]
	}
	if len(d) < 5 {
		return ""
	}
	return d
}
