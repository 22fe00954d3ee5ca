package salesforce

import (
	"encoding/json"

	"github.com/shopspring/decimal"
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
	d = d.Shift(digits(currency))
	if !d.IsInteger() || !d.BigInt().IsInt64() {
		return 0, false
	}
	return d.IntPart(), true
}

// digits of the minor unit of a currency (ISO 4217).
func digits(currency string) int32 {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}
