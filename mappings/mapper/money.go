package mapper

import (
	"encoding/json"
	"strconv"

	"github.com/minihub/minihub/schemas/iso4217"
)

// amount is what money functions work on: minor units, with a currency when
// the value was a money object {minor, currency}.
type amount struct {
	minor    int64
	currency string
}

func amountArg(v any) (amount, error) {
	m, isMoney := v.(map[string]any)
	if !isMoney {
		i, err := wholeArg(v)
		return amount{minor: i}, err
	}
	minor, err := wholeArg(m["minor"])
	if err != nil {
		return amount{}, wrong("", "needs money, an object with minor and currency")
	}
	currency, err := currencyArg(m["currency"])
	return amount{minor, currency}, err
}

// value is the amount in the form it came in.
func (a amount) value() any {
	if a.currency == "" {
		return a.minor
	}
	return moneyObject(json.Number(strconv.FormatInt(a.minor, 10)), a.currency)
}

// moneyObject makes money of minor units, a json.Number.
func moneyObject(minor any, currency string) map[string]any {
	unit := yuan
	if currency != "CNY" {
		unit = currency
	}
	return map[string]any{"minor": minor, "currency": unit}
}

// yuan is made once, since nearly every amount has it.
var yuan any = "CNY"

func overflow() *fault { return wrong("", "the result does not fit 64 bits") }

// total adds or subtracts values of one kind: whole numbers stay whole, money
// stays money of one currency, and as soon as one is a decimal the result is
// a decimal text.
func total(args []any, sign int64) (any, error) {
	if exactDecimals(args) {
		var sum dec
		for i, v := range args {
			d, err := decArg(v)
			if err != nil {
				return nil, err
			}
			if i > 0 && sign < 0 {
				d = d.neg()
			}
			if sum = sum.add(d); sum.tooLong() {
				return nil, overflow()
			}
		}
		return sum.text(), nil
	}
	var sum amount
	for i, v := range args {
		a, err := amountArg(v)
		if err != nil {
			return nil, err
		}
		if i > 0 && a.currency != sum.currency {
			return nil, wrong("convert one side first", "cannot mix currencies, or money with plain numbers")
		}
		fits := true
		switch {
		case i == 0:
			sum = a
		case sign > 0:
			sum.minor, fits = addInt(sum.minor, a.minor)
		default:
			sum.minor, fits = subInt(sum.minor, a.minor)
		}
		if !fits {
			return nil, overflow()
		}
	}
	return sum.value(), nil
}

// exactDecimals says whether one of the values is a decimal, as text or as a
// number.
func exactDecimals(args []any) bool {
	for _, v := range args {
		if _, isText := v.(string); isText {
			return true
		}
		if n, isNum := numOf(v); isNum && !n.whole {
			return true
		}
	}
	return false
}

func moneyFunctions() []*Function {
	return group("Money",
		&Function{Name: "money", Params: params(arg("minor"), lit("currency", currencyLiteral)), Result: "object", fresh: true,
			Text: "Makes a money object of minor units and a currency.",
			call: func(_ *frame, args []any) (any, error) {
				minor, err := wholeArg(args[0])
				if err != nil {
					return nil, err
				}
				currency, err := currencyArg(args[1])
				if err != nil {
					return nil, err
				}
				if n, isNumber := args[0].(json.Number); isNumber {
					if _, short := shortInt(string(n)); short {
						return moneyObject(args[0], currency), nil
					}
				}
				return amount{minor, currency}.value(), nil
			},
			Examples: examples(gives(`money(1823, "CNY")`, `{"currency":"CNY","minor":1823}`), fails(`money(1, "yuan")`, CodeFunction))},
		&Function{Name: "minor", Params: params(arg("decimal"), lit("digits", anyLiteral)), Result: "number",
			Text: "Reads a decimal as minor units. digits is the number of minor digits or a currency; more digits than that are an error, not rounded away.",
			call: minorUnits,
			Examples: examples(gives(`minor("18.23", 2)`, `1823`), gives(`minor("18.2", "CNY")`, `1820`), gives(`minor("180", "JPY")`, `180`),
				gives(`minor("18.230", 2)`, `1823`), fails(`minor("18.235", 2)`, CodeValue))},
		&Function{Name: "decimal", Params: params(arg("money or minor"), optLit("digits", digitsLiteral)), Result: "text",
			Text:     "Writes minor units as a decimal. Money knows its digits; plain minor units need them.",
			call:     decimalText,
			Examples: examples(gives(`decimal(182305, 2)`, `"1823.05"`), gives(`decimal(money(5, "CNY"))`, `"0.05"`), gives(`decimal(money(180, "JPY"))`, `"180"`), gives(`decimal(-7, 2)`, `"-0.07"`), fails(`decimal(5)`, CodeValue))},
		&Function{Name: "add", Params: params(arg("a"), arg("b")), variadic: true, nulls: true,
			Text:     "Adds whole numbers, money of one currency, or decimals (as text), exactly.",
			call:     func(_ *frame, args []any) (any, error) { return total(args, 1) },
			Examples: examples(gives(`add(100, 23)`, `123`), gives(`add("0.1", "0.2")`, `"0.3"`), gives(`add(money(1, "CNY"), money(2, "CNY"))`, `{"currency":"CNY","minor":3}`), fails(`add(money(1, "CNY"), money(1, "USD"))`, CodeValue), fails(`add(9223372036854775807, 1)`, CodeValue))},
		&Function{Name: "sub", Params: params(arg("a"), arg("b")), variadic: true, nulls: true,
			Text:     "Subtracts the others from the first; like add.",
			call:     func(_ *frame, args []any) (any, error) { return total(args, -1) },
			Examples: examples(gives(`sub(100, 30, 7)`, `63`), gives(`sub("1.00", "0.25")`, `"0.75"`))},
		&Function{Name: "neg", Params: params(arg("a")),
			Text: "Turns the sign of a whole number, money or a decimal.",
			call: func(_ *frame, args []any) (any, error) {
				if exactDecimals(args) {
					d, err := decArg(args[0])
					return d.neg().text(), err
				}
				a, err := amountArg(args[0])
				if err != nil {
					return nil, err
				}
				var fits bool
				if a.minor, fits = subInt(0, a.minor); !fits {
					return nil, overflow()
				}
				return a.value(), nil
			},
			Examples: examples(gives(`neg(5)`, `-5`), gives(`neg("0.50")`, `"-0.5"`), gives(`neg(money(5, "CNY"))`, `{"currency":"CNY","minor":-5}`))},
		&Function{Name: "sum", Params: params(arg("list")), nulls: true,
			Text: "Adds the items of a list as add does; an empty list gives 0.",
			call: func(_ *frame, args []any) (any, error) {
				list, err := listArg(args[0])
				if err != nil {
					return nil, err
				}
				if len(list) == 0 {
					return 0, nil
				}
				return total(list, 1)
			},
			Examples: examples(gives(`sum([1, 2, 3])`, `6`), gives(`sum(map([{"p": 5}, {"p": 6}], .p))`, `11`), gives(`sum([])`, `0`), fails(`sum([1, nil])`, CodeValue))},
		&Function{Name: "rate", Params: params(arg("money or minor"), lit("rate", decimalLiteral), optLit("mode", modeLiteral)), nulls: true,
			Text:     "Takes a share of an amount, rounded to whole minor units (half_up unless told otherwise).",
			call:     rateOf,
			Examples: examples(gives(`rate(10000, "0.06", "half_up")`, `600`), gives(`rate(25, "0.5")`, `13`), gives(`rate(25, "0.5", "half_even")`, `12`), gives(`rate(-25, "0.5", "floor")`, `-13`), gives(`rate(money(999, "CNY"), "0.1")`, `{"currency":"CNY","minor":100}`))},
	)
}

func minorUnits(_ *frame, args []any) (any, error) {
	digits := 0
	var err error
	if _, isText := args[1].(string); isText {
		var currency string
		if currency, err = currencyArg(args[1]); err == nil {
			digits = iso4217.Digits(currency)
		}
	} else {
		digits, err = digitsArg(args[1])
	}
	if err != nil {
		return nil, err
	}
	d, err := decArg(args[0])
	if err != nil {
		return nil, err
	}
	if d.places() > digits {
		return nil, wrong("round(x, digits, mode) rounds on purpose", "the decimal has more than %d digits after the point", digits)
	}
	i, fits := d.shift(int32(digits)).whole()
	if !fits {
		return nil, overflow()
	}
	return i, nil
}

func decimalText(_ *frame, args []any) (any, error) {
	a, err := amountArg(args[0])
	if err != nil {
		return nil, err
	}
	digits := iso4217.Digits(a.currency)
	switch {
	case len(args) > 1:
		given, err := digitsArg(args[1])
		if err != nil {
			return nil, err
		}
		if a.currency != "" && given < digits {
			return nil, wrong("leave the digits out", "%s has %d minor digits", a.currency, digits)
		}
		if a.currency == "" {
			digits = given
		}
		return decOf(a.minor).shift(int32(-digits)).fixed(given), nil
	case a.currency == "":
		return nil, wrong("write decimal(x, 2)", "plain minor units need the number of digits")
	}
	return decOf(a.minor).shift(int32(-digits)).fixed(digits), nil
}

func rateOf(_ *frame, args []any) (any, error) {
	a, err := amountArg(args[0])
	if err != nil {
		return nil, err
	}
	share, err := decArg(args[1])
	if err != nil {
		return nil, err
	}
	mode, err := optMode(args, 2)
	if err != nil {
		return nil, err
	}
	i, fits := decOf(a.minor).mul(share).round(0, mode).whole()
	if !fits {
		return nil, overflow()
	}
	a.minor = i
	return a.value(), nil
}
