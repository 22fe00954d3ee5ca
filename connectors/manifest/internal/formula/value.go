package formula

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/schemas/codec"
)

// The bounds of one evaluation.
const (
	maxSource  = 8 << 10   // bytes of an expression
	maxNodes   = 1_000     // nodes of an expression
	maxWork    = 2_000_000 // steps of an evaluation; one node, one item, or 16 bytes of text is one
	maxText    = 8 << 20   // bytes of a text that an evaluation builds
	maxDigits  = 60        // digits of a number that takes part in arithmetic
	maxPattern = 1 << 10   // bytes of a pattern
)

// Number makes a number of a Go integer.
func Number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// Text writes a scalar as a form field, a key or a code holds it: nil is empty, a list
// or an object is JSON, a time is RFC 3339.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return v.Format(time.RFC3339)
	}
	b, err := codec.Encode(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// Truth reads a condition: true, false, or nil, which is false.
func Truth(v any) (bool, error) {
	switch v := v.(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	}
	return false, faultf("the condition gives %s", kindOf(v)).hint("compare it: x == true, x != nil, len(x) > 0")
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "true or false"
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case time.Time:
		return "a time"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "an unknown value"
}

// Decimal reads a number, or a text that is one. It refuses what is absurdly long.
func Decimal(v any) (decimal.Decimal, bool) {
	s := ""
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = strings.TrimSpace(v)
	default:
		return decimal.Zero, false
	}
	if s == "" || len(s) > maxDigits || !json.Valid([]byte(strings.TrimLeft(s, "+0"))) && !plain(s) {
		return decimal.Zero, false
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Exponent() > maxDigits || d.Exponent() < -maxDigits {
		return decimal.Zero, false
	}
	return d, true
}

// plain reports digits with an optional sign and at most one point.
func plain(s string) bool {
	s = strings.TrimLeft(s, "+-")
	digits, points := 0, 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			points++
		default:
			return false
		}
	}
	return digits > 0 && points <= 1
}

func numberOf(d decimal.Decimal) (json.Number, error) {
	if d.NumDigits() > maxDigits || d.Exponent() > maxDigits || d.Exponent() < -maxDigits {
		return "", faultf("the result has too many digits")
	}
	return json.Number(d.String()), nil
}

// Int reads a whole number within 64 bits.
func Int(v any) (int64, bool) {
	d, ok := Decimal(v)
	if !ok || !d.IsInteger() {
		return 0, false
	}
	b := d.BigInt()
	if b.Cmp(big.NewInt(0)) != 0 && !b.IsInt64() {
		return 0, false
	}
	return b.Int64(), true
}

// Equal compares: numbers by value, scalars of different kinds by their text (a vendor
// writes 0 here and "0" there), lists and objects member by member; nil equals nil only.
func Equal(a, b any) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, Equal)
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			w, has := y[k]
			if !has || !Equal(v, w) {
				return false
			}
		}
		return true
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Equal(y)
		}
	case json.Number:
		if y, ok := b.(json.Number); ok {
			dx, okx := Decimal(x)
			dy, oky := Decimal(y)
			return okx && oky && dx.Equal(dy) || x == y
		}
	}
	switch b.(type) {
	case nil, []any, map[string]any:
		return false
	}
	return Text(a) == Text(b)
}

// compare orders two numbers (or texts that are numbers), times, or texts.
func compare(a, b any) (int, error) {
	if x, ok := a.(time.Time); ok {
		if y, ok := b.(time.Time); ok {
			return x.Compare(y), nil
		}
	}
	x, okx := a.(string)
	y, oky := b.(string)
	if okx && oky {
		return strings.Compare(x, y), nil
	}
	dx, okx := Decimal(a)
	dy, oky := Decimal(b)
	if okx && oky {
		return dx.Cmp(dy), nil
	}
	return 0, faultf("%s and %s have no order", kindOf(a), kindOf(b)).hint("compare numbers with numbers and texts with texts")
}
