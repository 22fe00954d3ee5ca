package schemas

import (
	"encoding/json"
	"regexp"
	"strconv"
)

// ofMoney marks an object of minor and currency; otherwise x-amount names the currency.
const ofMoney = "money"

var currencyCode = regexp.MustCompile("^[A-Z]{3}$")

func (l *loader) amount(f *file, n *node, pointer string, m map[string]any) {
	switch v := m["x-amount"].(type) {
	case nil:
		return
	case bool:
		if v {
			n.amount = ofMoney
			return
		}
	case string:
		if currencyCode.MatchString(v) {
			n.amount = v
			return
		}
	}
	l.add(f, pointer+"/x-amount", "schema.amount", "x-amount has a value that is not known",
		`write true on an object of minor and currency, or a currency such as "CNY" on whole minor units`)
}

// Amount returns how much money a document is about, in minor units of a currency
// (Invariant 6); false when its schema does not say, or the document has none.
func (s *Schema) Amount(doc any) (minor int64, currency string, ok bool) {
	s.amount.visit([]any{doc}, "", func(kind string, v any) any {
		text := ""
		switch v := v.(type) {
		case json.Number:
			text = string(v)
		case string:
			text = v
		}
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err == nil && !ok:
			minor, ok = n, true
			if kind != ofMoney {
				currency = kind
			}
		case err != nil && kind == ofMoney && currency == "" && currencyCode.MatchString(text):
			currency = text
		}
		return v
	})
	return minor, currency, ok && currency != ""
}
