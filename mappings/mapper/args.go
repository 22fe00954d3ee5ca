package mapper

import (
	"slices"
	"strings"
)

// The readers of function arguments. Their faults name types and rules, not
// values; the function's name is put in front by Function.apply.

func textArg(v any) (string, error) {
	if s, isText := v.(string); isText {
		return s, nil
	}
	if v == nil {
		return "", missing("a text")
	}
	return "", wrong("text(x) makes a text", "needs a text and found %s", kindOf(v))
}

func missing(what string) *fault {
	return wrong("use coalesce(x, ...) where it may be missing", "needs %s and found nothing", what)
}

// wholeArg reads a whole number that fits 64 bits.
func wholeArg(v any) (int64, error) {
	n, isNum := numOf(v)
	switch {
	case v == nil:
		return 0, missing("a whole number")
	case !isNum:
		return 0, wrong("int(x) reads a whole number from text", "needs a whole number and found %s", kindOf(v))
	case !n.whole:
		return 0, wrong("minor(x, digits) makes minor units of a decimal", "needs a whole number and found a decimal or a number beyond 64 bits")
	}
	return n.i, nil
}

// decArg reads a number or a decimal written as text.
func decArg(v any) (dec, error) {
	if s, isText := v.(string); isText {
		d, good := parseDec(s)
		if !good {
			return dec{}, wrong("digits with at most one point, such as 18.23; replace and trim remove the rest", "needs a decimal and found a text that is none")
		}
		return d, nil
	}
	n, isNum := numOf(v)
	switch {
	case v == nil:
		return dec{}, missing("a decimal")
	case !isNum:
		return dec{}, wrong("", "needs a decimal and found %s", kindOf(v))
	}
	return n.dec(), nil
}

func listArg(v any) ([]any, error) {
	switch x := v.(type) {
	case []any:
		return x, nil
	case nil:
		return nil, missing("a list")
	}
	return nil, wrong("", "needs a list and found %s", kindOf(v))
}

func modeArg(v any) (rounding, error) {
	s, _ := v.(string)
	if !slices.Contains(roundings(), s) {
		return "", wrong("one of "+strings.Join(roundings(), ", "), "is not a way of rounding")
	}
	return rounding(s), nil
}

// optMode reads the mode at args[i]; half_up where it is left out.
func optMode(args []any, i int) (rounding, error) {
	if i >= len(args) {
		return halfUp, nil
	}
	return modeArg(args[i])
}

// digitsArg reads a number of digits after the point.
func digitsArg(v any) (int, error) {
	n, isNum := numOf(v)
	if !isNum || !n.whole || n.i < 0 || n.i > 12 {
		return 0, wrong("a whole number from 0 to 12", "the digits after the point are not usable")
	}
	return int(n.i), nil
}

// countArg reads a length of a text or a list.
func countArg(v any) (int, error) {
	n, isNum := numOf(v)
	if !isNum || !n.whole || n.i < 0 || n.i > 100_000 {
		return 0, wrong("a whole number from 0 to 100000", "the length is not usable")
	}
	return int(n.i), nil
}

// pathArg reads a path inside a list's items.
func pathArg(v any) ([]step, error) {
	s, err := textArg(v)
	if err != nil {
		return nil, err
	}
	p, err := parsePath(s)
	if err != nil || p.from != fromItem {
		return nil, wrong("for example \"price.minor\"", "needs a path inside the items")
	}
	return p.steps, nil
}

// currencyArg reads an ISO 4217 code.
func currencyArg(v any) (string, error) {
	s, _ := v.(string)
	if len(s) != 3 || strings.ToUpper(s) != s || strings.ToLower(s) == s {
		return "", wrong("three capitals such as CNY", "is not a currency code")
	}
	for i := range 3 {
		if s[i] < 'A' || s[i] > 'Z' {
			return "", wrong("three capitals such as CNY", "is not a currency code")
		}
	}
	return s, nil
}
