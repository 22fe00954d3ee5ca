package canonical

import (
	"fmt"
	"time"
)

// Money is an amount in minor units (CNY: fen, JPY: yen) with its ISO 4217
// currency. It never passes through a float.
type Money struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"`
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
