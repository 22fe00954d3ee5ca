package salesforce

import (
	"encoding/json"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/schemas/iso4217"
)

// number reads a JSON number or decimal text exactly.
func number(v any) (decimal.Decimal, bool) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = v
	}
	if s == "" || len(s) > 40 {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Exponent() > 40 || d.Exponent() < -40 {
		return decimal.Decimal{}, false
	}
	return d, true
}

func zero(v any) bool {
	d, ok := number(v)
	return ok && d.IsZero()
}

// minor turns an amount into minor units; ok is false when it is no whole number of them.
func minor(v any, currency string) (int64, bool) {
	d, ok := number(v)
	if !ok {
		return 0, false
	}
	d = d.Shift(int32(iso4217.Digits(currency)))
	if !d.IsInteger() || !d.BigInt().IsInt64() {
		return 0, false
	}
	return d.IntPart(), true
}
