package trytonsim

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// parseDecimal reads plain decimal text, optionally with an exponent.
func parseDecimal(text string) (*big.Rat, error) {
	if strings.ContainsAny(text, "/xX_") || len(text) > 60 {
		return nil, fmt.Errorf("%q is no decimal", text)
	}
	if mantissa, exponent, has := strings.Cut(strings.ToLower(text), "e"); has {
		if n, err := strconv.Atoi(exponent); err != nil || n < -40 || n > 40 || mantissa == "" {
			return nil, fmt.Errorf("%q is out of range", text)
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("%q is no decimal", text)
	}
	return r, nil
}

// fraction returns how many decimals text shows, without trailing zeros.
func fraction(text string) int {
	_, frac, _ := strings.Cut(text, ".")
	return len(strings.TrimRight(frac, "0"))
}

// round rounds half to even, as the server's currencies do, and returns text.
func round(r *big.Rat, digits int) string {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(scale))
	twice := new(big.Int).Mul(scaled.Num(), big.NewInt(2))
	den := scaled.Denom()
	q, m := new(big.Int).DivMod(scaled.Num(), den, new(big.Int)) // floor
	half := twice.Sub(twice, new(big.Int).Mul(new(big.Int).Mul(q, big.NewInt(2)), den)).Cmp(den)
	if m.Sign() != 0 && (half > 0 || half == 0 && q.Bit(0) == 1) {
		q.Add(q, big.NewInt(1))
	}
	return new(big.Rat).SetFrac(q, scale).FloatString(digits)
}
