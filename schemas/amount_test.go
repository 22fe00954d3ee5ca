package schemas

import (
	"testing"

	"github.com/minihub/minihub/schemas/codec"
)

func TestAmount(t *testing.T) {
	money := `{"type": "object", "properties": {"minor": {"type": "integer"}, "currency": {"type": "string"}}}`
	canonical := load(t, `{`+head+`, "definitions": {"money": `+money+`}, "type": "object", "properties": {"no": {"type": "string"},
		"freight": {"$ref": "#/definitions/money"}, "sums": {"type": "object", "properties": {"total": {"$ref": "#/definitions/money", "x-amount": true}}}}}`)
	vendor := load(t, `{`+head+`, "type": "object", "properties": {"price": {"type": ["integer", "string"], "x-amount": "CNY"}}}`)
	for _, c := range []struct {
		name, doc, currency string
		vendor              bool
		minor               int64
	}{
		{name: "an object of minor and currency", doc: `{"freight": {"minor": 600, "currency": "CNY"}, "sums": {"total": {"minor": 17600, "currency": "JPY"}}}`, minor: 17600, currency: "JPY"},
		{name: "whichever comes first", doc: `{"sums": {"total": {"currency": "CNY", "minor": 5}}}`, minor: 5, currency: "CNY"},
		{name: "beyond what a float holds", doc: `{"sums": {"total": {"minor": 9007199254740993, "currency": "CNY"}}}`, minor: 9007199254740993, currency: "CNY"},
		{name: "nothing there", doc: `{"no": "1"}`},
		{name: "no currency", doc: `{"sums": {"total": {"minor": 5}}}`},
		{name: "a number of the vendor's", doc: `{"price": 9600}`, vendor: true, minor: 9600, currency: "CNY"},
		{name: "a number as text", doc: `{"price": "9600"}`, vendor: true, minor: 9600, currency: "CNY"},
		{name: "free of charge", doc: `{"price": 0}`, vendor: true, currency: "CNY"},
		{name: "no whole number", doc: `{"price": "96.00"}`, vendor: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := canonical
			if c.vendor {
				s = vendor
			}
			doc, err := codec.Decode([]byte(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			minor, currency, ok := s.Amount(doc)
			if ok != (c.currency != "") || ok && (minor != c.minor || currency != c.currency) {
				t.Errorf("got %d %q %v", minor, currency, ok)
			}
		})
	}
}
