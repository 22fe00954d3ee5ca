package reconcile

import (
	"slices"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/canonical"
)

// The states a Summary tells apart.
const (
	open      = "open"
	cancelled = "cancelled"
	closed    = "closed"
)

// facts are what is compared and summed up of a document.
type facts struct {
	status, currency, store string
	amount                  int64
	lines                   int // -1 = not compared
	at, modified            time.Time
}

func factsOf(s connectors.Summary) facts {
	f := facts{s.Status, s.Currency, s.Store, s.Amount, s.Lines, s.At, s.Modified}
	if f.modified.IsZero() {
		f.modified = f.at
	}
	return f
}

// row is one document as a side showed it.
type row struct {
	facts
	ids  []connectors.RemoteID
	page int
	// unsure: it may be the row before it once more, because pages shifted.
	unsure bool
}

// differ compares in the fields that both have. An open document that the target has
// closed meanwhile moved on: it was shipped.
func differ(hub, there facts) (fields []Field, movedOn bool) {
	if hub.status != "" && there.status != "" && hub.status != there.status {
		if hub.status == open && there.status == closed {
			movedOn = true
		} else {
			fields = append(fields, Field{"status", hub.status, there.status})
		}
	}
	if hub.currency != "" && there.currency != "" && (hub.amount != there.amount || hub.currency != there.currency) {
		fields = append(fields, Field{"amount", money(hub.amount, hub.currency), money(there.amount, there.currency)})
	}
	if hub.lines >= 0 && there.lines >= 0 && hub.lines != there.lines {
		fields = append(fields, Field{"lines", strconv.Itoa(hub.lines), strconv.Itoa(there.lines)})
	}
	return fields, movedOn
}

// money writes minor units with the decimals of the currency (ISO 4217).
func money(amount int64, currency string) string {
	m := canonical.Money{Minor: amount, Currency: currency}
	if currency == "" {
		return m.Decimal()
	}
	return m.String()
}

// likeness says whether two rows of one key are one document.
type likeness int

const (
	one likeness = iota
	two
	maybe
)

func alike(a, b row) likeness {
	if len(a.ids) == 0 && len(b.ids) == 0 {
		if a.page == b.page {
			return two
		}
		return maybe
	}
	shared := 0
	for _, id := range a.ids {
		if slices.Contains(b.ids, id) {
			shared++
		}
	}
	switch {
	case shared == len(a.ids) && shared == len(b.ids):
		return one
	case shared == 0 && len(a.ids) > 0 && len(b.ids) > 0:
		return two
	}
	return maybe
}

// alive are the rows that are not cancelled.
func alive(rows []row) []row {
	var out []row
	for _, r := range rows {
		if r.status != cancelled {
			out = append(out, r)
		}
	}
	return out
}
