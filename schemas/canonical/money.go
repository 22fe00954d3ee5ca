package canonical

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/schemas/iso4217"
)

// Money is an amount in minor units (CNY: fen, JPY: yen) with its ISO 4217
// currency. It never passes through a float.
type Money struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"`
}

// String writes the amount with the decimals of its currency: 96.00 CNY.
func (m Money) String() string { return m.Decimal() + " " + m.Currency }

// Decimal writes the amount in major units, exactly: 96.00.
func (m Money) Decimal() string {
	digits, sign := iso4217.Digits(m.Currency), ""
	n := strconv.FormatInt(m.Minor, 10)
	if rest, negative := strings.CutPrefix(n, "-"); negative {
		sign, n = "-", rest
	}
	if digits == 0 {
		return sign + n
	}
	if len(n) <= digits {
		n = strings.Repeat("0", digits+1-len(n)) + n
	}
	return sign + n[:len(n)-digits] + "." + n[len(n)-digits:]
}

// Time is a moment as RFC 3339 text with its zone, kept as it was written.
type Time string

// TimeOf writes t with the zone it carries.
func TimeOf(t time.Time) Time { return Time(t.Format(time.RFC3339Nano)) }

// Parse reads the moment.
func (t Time) Parse() (time.Time, error) {
	at, err := time.Parse(time.RFC3339, string(t))
	if err != nil {
		return time.Time{}, fmt.Errorf("a time must be RFC 3339 with its zone, such as 2026-01-01T10:00:00+08:00: %w", err)
	}
	return at, nil
}

// Date is a calendar day as text, 2026-01-31.
type Date string
