package tryton

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/xeipuuv/gojsonschema"
)

// The schemas that integrators map to take what the connector takes, and no more.
func TestSchemas(t *testing.T) {
	sale := func(change func(map[string]any)) map[string]any {
		d := saleDocument("K-1", "M-1")
		change(d)
		return d
	}
	line := func(field string, value any) map[string]any {
		return sale(func(d map[string]any) { d["lines"] = []any{with(goodsLine(), field, value)} })
	}
	for name, c := range map[string]struct {
		operation string
		document  map[string]any
		valid     bool
	}{
		"sale": {opSale, sale(func(map[string]any) {}), true},
		"lines": {opSale, sale(func(d map[string]any) {
			d["lines"] = []any{goodsLine(), map[string]any{"type": "comment", "description": "x"}, map[string]any{"description": "freight", "quantity": 1, "unit_price": "-10.5"}}
		}), true},
		"no total":            {opSale, sale(func(d map[string]any) { delete(d, "expected_total") }), false},
		"no line":             {opSale, sale(func(d map[string]any) { d["lines"] = []any{} }), false},
		"price as a number":   {opSale, line("unit_price", 78.3186), false},
		"five decimals":       {opSale, line("unit_price", "1.00001"), false},
		"quantity as a text":  {opSale, line("quantity", "2"), false},
		"unknown field":       {opSale, line("discount", 1), false},
		"nameless line":       {opSale, sale(func(d map[string]any) { d["lines"] = []any{map[string]any{"quantity": 1, "unit_price": "1"}} }), false},
		"empty comment":       {opSale, sale(func(d map[string]any) { d["lines"] = []any{goodsLine(), map[string]any{"type": "comment"}} }), false},
		"party without code":  {opSale, sale(func(d map[string]any) { delete(d, "party_code") }), false},
		"walk-in":             {opSale, sale(func(d map[string]any) { delete(d, "party_code"); delete(d, "party") }), true},
		"party":               {opParty, partyDocument("周梅", "示例路8号", "13900000001"), true},
		"party without name":  {opParty, map[string]any{"code": "M-1"}, false},
		"carrier pigeon":      {opParty, map[string]any{"name": "x", "contact_mechanisms": []any{map[string]any{"type": "pigeon", "value": "1"}}}, false},
		"cancel":              {opCancel, map[string]any{"reference": "K-1"}, true},
		"cancel by key alone": {opCancel, map[string]any{}, true},
		"cancel with more":    {opCancel, map[string]any{"order": "K-1"}, false},
	} {
		schema, err := os.ReadFile("../../schemas/vendors/tryton/" + c.operation + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		document, err := json.Marshal(c.document)
		if err != nil {
			t.Fatal(err)
		}
		result, err := gojsonschema.Validate(gojsonschema.NewBytesLoader(schema), gojsonschema.NewBytesLoader(document))
		if err != nil {
			t.Fatal(err)
		}
		if result.Valid() != c.valid {
			t.Errorf("%s: valid is %v: %v", name, result.Valid(), result.Errors())
		}
	}
}
