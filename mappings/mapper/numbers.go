package mapper

import (
	"encoding/json"
	"strings"
)

func numberFunctions() []*Function {
	return group("Numbers",
		&Function{Name: "int", Params: params(arg("x")), Result: "number",
			Text:     "Reads a whole number from text or a number; a fraction other than zero is an error.",
			call:     func(_ *frame, args []any) (any, error) { return toInt(args[0]) },
			Examples: examples(gives(`int("42")`, `42`), gives(`int("3.00")`, `3`), gives(`int(true)`, `1`), fails(`int("3.5")`, CodeValue), fails(`int("")`, CodeValue))},
		&Function{Name: "number", Params: params(arg("x")), Result: "number",
			Text: "Writes a decimal text as a JSON number, digits kept, for targets that want numbers.",
			call: func(_ *frame, args []any) (any, error) {
				if n, isNum := args[0].(json.Number); isNum {
					return n, nil
				}
				s, isText := args[0].(string)
				if !isText {
					i, err := wholeArg(args[0])
					return i, err
				}
				if !plainDecimal(s) || !json.Valid([]byte(s)) {
					return nil, wrong("digits with at most one point, no leading zeros", "needs a decimal and found a text that is none")
				}
				return json.Number(s), nil
			},
			Examples: examples(gives(`number("18.20")`, `18.20`), gives(`number(decimal(1820, 2))`, `18.20`), fails(`number("1,000")`, CodeValue))},
		&Function{Name: "mul", Params: params(arg("a"), arg("b")), Result: "text", nulls: true,
			Text: "Multiplies two decimals exactly, as text; whole numbers may use *.",
			call: func(_ *frame, args []any) (any, error) {
				a, b, err := twoDecs(args)
				if err != nil {
					return nil, err
				}
				p := a.mul(b)
				if p.tooLong() {
					return nil, overflow()
				}
				return p.text(), nil
			},
			Examples: examples(gives(`mul("1.5", 3)`, `"4.5"`), gives(`mul("0.1", "0.1")`, `"0.01"`))},
		&Function{Name: "div", Params: params(arg("a"), arg("b"), lit("mode", modeLiteral)), Result: "number", nulls: true,
			Text: "Divides whole numbers and rounds to a whole number.",
			call: func(_ *frame, args []any) (any, error) {
				mode, err := modeArg(args[2])
				if err != nil {
					return nil, err
				}
				return divide(args[0], args[1], mode)
			},
			Examples: examples(gives(`div(7, 2, "half_up")`, `4`), gives(`div(7, 2, "down")`, `3`), gives(`div(-7, 2, "floor")`, `-4`), fails(`div(1, 0, "down")`, CodeValue), fails(`div(1, 2, "nearest")`, CodeFunction))},
		&Function{Name: "ratio", Params: params(arg("a"), arg("b"), lit("digits", digitsLiteral), optLit("mode", modeLiteral)), Result: "text", nulls: true,
			Text: "Divides two decimals to a number of digits, as text.",
			call: func(_ *frame, args []any) (any, error) {
				a, b, err := twoDecs(args)
				if err != nil {
					return nil, err
				}
				if b.sign() == 0 {
					return nil, wrong("guard with when or a condition", "cannot divide by zero")
				}
				digits, err := digitsArg(args[2])
				if err != nil {
					return nil, err
				}
				mode, err := optMode(args, 3)
				if err != nil {
					return nil, err
				}
				return a.quo(b, digits, mode).fixed(digits), nil
			},
			Examples: examples(gives(`ratio(1, 3, 4)`, `"0.3333"`), gives(`ratio("2", "3", 2, "down")`, `"0.66"`))},
		&Function{Name: "round", Params: params(arg("decimal"), lit("digits", digitsLiteral), optLit("mode", modeLiteral)), Result: "text",
			Text: "Rounds a decimal to a number of digits, as text.",
			call: func(_ *frame, args []any) (any, error) {
				d, err := decArg(args[0])
				if err != nil {
					return nil, err
				}
				digits, err := digitsArg(args[1])
				if err != nil {
					return nil, err
				}
				mode, err := optMode(args, 2)
				if err != nil {
					return nil, err
				}
				return d.round(digits, mode).fixed(digits), nil
			},
			Examples: examples(gives(`round("2.345", 2)`, `"2.35"`), gives(`round("2.345", 2, "half_even")`, `"2.34"`), gives(`round(5, 2)`, `"5.00"`), gives(`round("-2.5", 0)`, `"-3"`))},
		&Function{Name: "abs", Params: params(arg("a")),
			Text: "Drops the sign of a whole number or a decimal.",
			call: func(_ *frame, args []any) (any, error) {
				if exactDecimals(args) {
					d, err := decArg(args[0])
					return strings.TrimPrefix(d.text(), "-"), err
				}
				i, err := wholeArg(args[0])
				if err != nil || i >= 0 {
					return i, err
				}
				r, fits := subInt(0, i)
				if !fits {
					return nil, overflow()
				}
				return r, nil
			},
			Examples: examples(gives(`abs(-5)`, `5`), gives(`abs("-0.5")`, `"0.5"`))},
		&Function{Name: "min", Params: params(arg("a"), opt("b")), variadic: true, nulls: true,
			Text:     "The least of numbers or texts, or of one list.",
			call:     func(_ *frame, args []any) (any, error) { return extreme(args, -1) },
			Examples: examples(gives(`min(3, 1, 2)`, `1`), gives(`min(["2026-01-02", "2026-01-01"])`, `"2026-01-01"`), gives(`min([])`, `null`))},
		&Function{Name: "max", Params: params(arg("a"), opt("b")), variadic: true, nulls: true,
			Text:     "The greatest of numbers or texts, or of one list.",
			call:     func(_ *frame, args []any) (any, error) { return extreme(args, 1) },
			Examples: examples(gives(`max(3, 1, 2)`, `3`), fails(`max(1, "2")`, CodeValue))},
	)
}

func twoDecs(args []any) (a, b dec, err error) {
	if a, err = decArg(args[0]); err != nil {
		return a, b, err
	}
	b, err = decArg(args[1])
	return a, b, err
}

func toInt(v any) (any, error) {
	switch x := v.(type) {
	case bool:
		if x {
			return 1, nil
		}
		return 0, nil
	case string:
		n, good := parseNum(x)
		if !good || !n.whole {
			return nil, wrong("trim and digits clean a text up", "needs a whole number and found a text that is none, or one beyond 64 bits")
		}
		return n.i, nil
	case json.Number:
		if _, short := shortInt(string(x)); short {
			return v, nil
		}
	}
	return wholeOrNil(wholeArg(v))
}

func wholeOrNil(i int64, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return i, nil
}

func divide(x, y any, mode rounding) (any, error) {
	a, err := wholeArg(x)
	if err != nil {
		return nil, err
	}
	b, err := wholeArg(y)
	if err != nil {
		return nil, err
	}
	if b == 0 {
		return nil, wrong("guard with when or a condition", "cannot divide by zero")
	}
	i, fits := decOf(a).quo(decOf(b), 0, mode).whole()
	if !fits {
		return nil, overflow()
	}
	return i, nil
}

func extreme(args []any, sign int) (any, error) {
	if list, isList := args[0].([]any); isList && len(args) == 1 {
		args = list
	}
	var best any
	for i, v := range args {
		if i == 0 {
			best = v
			if _, err := compare(v, v); err != nil {
				return nil, err
			}
			continue
		}
		c, err := compare(v, best)
		if err != nil {
			return nil, err
		}
		if c*sign > 0 {
			best = v
		}
	}
	return best, nil
}
