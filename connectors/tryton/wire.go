package tryton

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// The values that trytond.protocols.jsonrpc writes as objects with a __class__.

// number is a Decimal.
type number struct{ decimal.Decimal }

func (n *number) UnmarshalJSON(b []byte) error {
	var v struct {
		Class   string `json:"__class__"`
		Decimal string `json:"decimal"`
	}
	if string(b) == "null" {
		return nil
	}
	if err := json.Unmarshal(b, &v); err != nil || v.Class != "Decimal" {
		return errors.New("not a Decimal")
	}
	d, err := decimal.NewFromString(v.Decimal)
	if err != nil {
		return errors.New("not a Decimal")
	}
	n.Decimal = d
	return nil
}

func asDecimal(text string) map[string]any {
	return map[string]any{"__class__": "Decimal", "decimal": text}
}

// moment is a datetime: naive UTC. The zero moment is null.
type moment struct{ time.Time }

type clock struct {
	Class                                  string `json:"__class__"`
	Year, Month, Day, Hour, Minute, Second int
	Microsecond                            int
}

func (m *moment) UnmarshalJSON(b []byte) error {
	var v clock
	if string(b) == "null" {
		return nil
	}
	if err := json.Unmarshal(b, &v); err != nil || v.Class != "datetime" {
		return errors.New("not a datetime")
	}
	m.Time = time.Date(v.Year, time.Month(v.Month), v.Day, v.Hour, v.Minute, v.Second, v.Microsecond*1000, time.UTC)
	return nil
}

// asMoment needs all seven members.
func asMoment(t time.Time) map[string]any {
	t = t.UTC()
	return map[string]any{"__class__": "datetime", "year": t.Year(), "month": int(t.Month()), "day": t.Day(),
		"hour": t.Hour(), "minute": t.Minute(), "second": t.Second(), "microsecond": t.Nanosecond() / 1000}
}

// date is a calendar day.
type date struct{ time.Time }

func (d *date) UnmarshalJSON(b []byte) error {
	var v clock
	if err := json.Unmarshal(b, &v); err != nil || v.Class != "date" {
		return errors.New("not a date")
	}
	d.Time = time.Date(v.Year, time.Month(v.Month), v.Day, 0, 0, 0, 0, time.UTC)
	return nil
}

func asDate(t time.Time) map[string]any {
	return map[string]any{"__class__": "date", "year": t.Year(), "month": int(t.Month()), "day": t.Day()}
}

// id is a record's id; 0 is null.
type id int64

func (i id) String() string { return strconv.FormatInt(int64(i), 10) }

// plainNumber reads a float field, which is a plain JSON number. null is 0.
type plainNumber struct{ decimal.Decimal }

func (n *plainNumber) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	d, err := decimal.NewFromString(string(b))
	if err != nil {
		return errors.New("not a number")
	}
	n.Decimal = d
	return nil
}

// Domains and commands, as lists.

func is(field, operator string, value any) []any { return []any{field, operator, value} }

func domain(terms ...[]any) []any {
	out := make([]any, len(terms))
	for i, t := range terms {
		out[i] = t
	}
	return out
}

func create(rows []any) []any { return []any{[]any{"create", rows}} }

func ids(list ...id) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return out
}

func names(list ...string) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}
