package oracle

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

func number(n int64) string { return strconv.FormatInt(n, 10) }

// yuan writes fen as yuan with two decimals.
func yuan(fen int64) string { return decimal.New(fen, -2).StringFixed(2) }

// amount writes a target's decimal text as yuan with two decimals; what is no amount of
// whole fen stays as it is, so that it differs.
func amount(text string) string {
	d, err := decimal.NewFromString(text)
	if err != nil || !d.Equal(d.Round(2)) {
		return text
	}
	return d.StringFixed(2)
}

// fen reads a decimal text of yuan, rounded to the fen; ok is false when it is none.
func fen(text string) (n int64, ok bool) {
	d, err := decimal.NewFromString(text)
	if err != nil {
		return 0, false
	}
	return d.Shift(2).Round(0).IntPart(), true
}

// count reads a whole number such as 2 or 2.000; anything else is -1.
func count(text string) int64 {
	d, err := decimal.NewFromString(text)
	if err != nil || !d.IsInteger() {
		return -1
	}
	return d.IntPart()
}

func share(n, part, whole int64) int64 {
	if whole == 0 {
		return 0
	}
	return decimal.NewFromInt(n).Mul(decimal.NewFromInt(part)).DivRound(decimal.NewFromInt(whole), 0).IntPart()
}

// china is the zone of all times that carry none.
func china() *time.Location { return time.FixedZone("CST", 8*3600) }

// moment writes a target's time as Unix seconds; what is no time stays as it is.
func moment(text string) string {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.000Z0700", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, china()); err == nil {
			return number(t.Unix())
		}
	}
	return text
}

func unix(t int64) string { return number(t) }

func day(t int64) string { return time.Unix(t, 0).In(china()).Format(time.DateOnly) }

// plain is a text as every back end can hold it: one line, single spaces, no control
// characters and none outside the basic plane. Both sides are brought to it.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r > 0xFFFF || unicode.IsControl(r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// mask keeps a personal value recognisable to somebody who knows it, and nobody else.
func mask(text string) string {
	runes := []rune(text)
	switch {
	case len(runes) == 0:
		return ""
	case len(runes) >= 11:
		return string(runes[:3]) + "****" + string(runes[len(runes)-2:])
	default:
		return string(runes[:1]) + strings.Repeat("*", len(runes)-1)
	}
}
