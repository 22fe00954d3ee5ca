package mapper

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// dec is an exact decimal. It is the only door to the decimal library, whose
// constructors from floats stay out of reach.
type dec struct{ d decimal.Decimal }

// parseDec reads a plain decimal: digits, an optional sign, point and small
// exponent. Anything longer than maxDigits is refused before it costs time.
func parseDec(s string) (dec, bool) {
	if !plainDecimal(s) {
		return dec{}, false
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return dec{}, false
	}
	return dec{d}, true
}

func plainDecimal(s string) bool {
	if s == "" || len(s) > maxDigits {
		return false
	}
	rest := strings.TrimPrefix(s, "-")
	mantissa, exponent, hasExp := strings.Cut(strings.ToLower(rest), "e")
	if hasExp {
		exponent = strings.TrimLeft(exponent, "+-")
		if len(exponent) == 0 || len(exponent) > 2 || !allDigits(exponent) {
			return false
		}
	}
	whole, fraction, hasPoint := strings.Cut(mantissa, ".")
	return whole != "" && allDigits(whole) && (!hasPoint || fraction != "" && allDigits(fraction))
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func decOf(i int64) dec               { return dec{decimal.NewFromInt(i)} }
func (a dec) add(b dec) dec           { return dec{a.d.Add(b.d)} }
func (a dec) sub(b dec) dec           { return dec{a.d.Sub(b.d)} }
func (a dec) mul(b dec) dec           { return dec{a.d.Mul(b.d)} }
func (a dec) neg() dec                { return dec{a.d.Neg()} }
func (a dec) cmp(b dec) int           { return a.d.Cmp(b.d) }
func (a dec) sign() int               { return a.d.Sign() }
func (a dec) shift(digits int32) dec  { return dec{a.d.Shift(digits)} }
func (a dec) fixed(digits int) string { return a.d.StringFixed(int32(digits)) }

// text is the shortest plain form, never with an exponent.
func (a dec) text() string { return a.d.String() }

// whole answers the value as an int64 if it has no fraction and fits.
func (a dec) whole() (int64, bool) {
	if !a.d.IsInteger() {
		return 0, false
	}
	b := a.d.BigInt()
	if !b.IsInt64() {
		return 0, false
	}
	return b.Int64(), true
}

// places is the number of digits after the point, trailing zeros not counted.
func (a dec) places() int {
	_, fraction, _ := strings.Cut(a.d.String(), ".")
	return len(fraction)
}

// tooLong says that the value has outgrown what arithmetic accepts.
func (a dec) tooLong() bool {
	return a.d.NumDigits() > maxDigits || a.d.Exponent() < -maxDigits || a.d.Exponent() > maxDigits
}

// rounding is how a quotient that does not come out even is rounded.
type rounding string

const (
	halfUp   rounding = "half_up"   // ties away from zero, as invoices do
	halfEven rounding = "half_even" // ties to the even neighbour
	down     rounding = "down"      // towards zero
	up       rounding = "up"        // away from zero
	floor    rounding = "floor"     // towards minus infinity
	ceil     rounding = "ceil"      // towards plus infinity
)

func roundings() []string {
	return []string{string(halfUp), string(halfEven), string(down), string(up), string(floor), string(ceil)}
}

// quo divides with an exact rounding to the given digits after the point; b
// is not zero.
func (a dec) quo(b dec, digits int, mode rounding) dec {
	q, r := a.d.QuoRem(b.d, int32(digits)) // q is cut towards zero, r = a - q*b
	if r.IsZero() {
		return dec{q}
	}
	negative := (a.d.Sign() < 0) != (b.d.Sign() < 0)
	step := decimal.New(1, -int32(digits))
	// Twice the rest against one step of the divisor says which side is nearer.
	tie := r.Abs().Mul(decimal.NewFromInt(2)).Cmp(b.d.Abs().Mul(step))
	away := false
	switch mode {
	case down:
	case up:
		away = true
	case floor:
		away = negative
	case ceil:
		away = !negative
	case halfEven:
		odd := q.Shift(int32(digits)).BigInt().Bit(0) == 1
		away = tie > 0 || tie == 0 && odd
	default:
		away = tie >= 0
	}
	if away && negative {
		q = q.Sub(step)
	} else if away {
		q = q.Add(step)
	}
	return dec{q}
}

func (a dec) round(digits int, mode rounding) dec { return a.quo(decOf(1), digits, mode) }

// num is a number of a document: a whole number that fits 64 bits, or else an
// exact decimal.
type num struct {
	i     int64
	whole bool
	d     dec // set when not whole
}

// shortInt reads a whole number of at most 18 digits, written as numbers are:
// without a zero or a plus in front.
func shortInt(s string) (int64, bool) {
	digits := s
	if len(s) > 1 && s[0] == '-' {
		digits = s[1:]
	}
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(s) > 1 {
		return 0, false
	}
	var i int64
	for k := range len(digits) {
		c := digits[k] - '0'
		if c > 9 {
			return 0, false
		}
		i = 10*i + int64(c)
	}
	if len(digits) < len(s) {
		i = -i
	}
	return i, true
}

// numOf reads a number value; texts are not numbers here.
func numOf(v any) (num, bool) {
	switch x := v.(type) {
	case int:
		return num{i: int64(x), whole: true}, true
	case int64:
		return num{i: x, whole: true}, true
	case json.Number:
		return parseNum(string(x))
	}
	return num{}, false
}

// parseNum reads a number written as text.
func parseNum(s string) (num, bool) {
	if i, short := shortInt(s); short {
		return num{i: i, whole: true}, true
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil && s[0] != '+' {
		return num{i: i, whole: true}, true
	}
	d, ok := parseDec(s)
	if !ok {
		return num{}, false
	}
	if i, whole := d.whole(); whole {
		return num{i: i, whole: true}, true
	}
	return num{d: d}, true
}

func (n num) dec() dec {
	if n.whole {
		return decOf(n.i)
	}
	return n.d
}

func (n num) cmp(m num) int {
	if n.whole && m.whole {
		switch {
		case n.i < m.i:
			return -1
		case n.i > m.i:
			return 1
		}
		return 0
	}
	return n.dec().cmp(m.dec())
}

// addInt, subInt and mulInt answer false where 64 bits are not enough.
func addInt(a, b int64) (int64, bool) {
	s := a + b
	return s, (s > a) == (b > 0)
}

func subInt(a, b int64) (int64, bool) {
	s := a - b
	return s, (s < a) == (b > 0)
}

func mulInt(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	if a == -1 && b == math.MinInt64 || b == -1 && a == math.MinInt64 {
		return 0, false
	}
	p := a * b
	return p, p/b == a
}
