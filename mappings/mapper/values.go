package mapper

func valueFunctions() []*Function {
	return group("Values and lookups",
		&Function{Name: "coalesce", Params: params(arg("a"), arg("b")), variadic: true, nulls: true,
			Text: "The first value that is there and not an empty text.",
			call: func(_ *frame, args []any) (any, error) {
				for _, v := range args {
					if v != nil && v != "" {
						return v, nil
					}
				}
				return nil, nil
			},
			Examples: examples(gives(`coalesce(nil, "", "b", "c")`, `"b"`), gives(`coalesce(nil, 0)`, `0`))},
		&Function{Name: "text", Params: params(arg("x")), Result: "text",
			Text: "A number or true/false as text, digits kept; texts pass.",
			call: func(_ *frame, args []any) (any, error) {
				if isText(args[0]) {
					return args[0], nil
				}
				s, isScalar := textOf(args[0])
				if !isScalar {
					return nil, wrong("to_json(x) writes lists and objects", "needs a text, a number or true/false and found %s", kindOf(args[0]))
				}
				return s, nil
			},
			Examples: examples(gives(`text(42)`, `"42"`), gives(`text(true)`, `"true"`))},
		&Function{Name: "bool", Params: params(arg("x")), Result: "boolean",
			Text: "Reads true/false, 1/0, \"true\"/\"false\", \"1\"/\"0\", \"Y\"/\"N\".",
			call: func(_ *frame, args []any) (any, error) {
				s, _ := textOf(args[0])
				switch s {
				case "true", "1", "Y", "y":
					return true, nil
				case "false", "0", "N", "n":
					return false, nil
				}
				return nil, wrong("compare instead, for example x == \"yes\"", "the value is not one of true, false, 1, 0, Y, N")
			},
			Examples: examples(gives(`bool(1)`, `true`), gives(`bool("N")`, `false`), fails(`bool("maybe")`, CodeValue))},
		&Function{Name: "lookup", Params: params(lit("table", tableLiteral), arg("key"), opt("default")), nulls: true, slot: 1, reads: true,
			Text:     "The entry of a lookup table. A missing entry holds the delivery back until it is filled, unless a default is given. A missing key gives nothing.",
			call:     lookupEntry,
			Examples: examples(gives(`lookup("carriers", "SF")`, `"shunfeng"`), gives(`lookup("carriers", "??", "other")`, `"other"`), fails(`lookup("carriers", "??")`, CodeLookupMissing), gives(`lookup("carriers", nil)`, `null`))},
	)
}

func lookupEntry(f *frame, args []any) (any, error) {
	if args[1] == nil {
		return nil, nil
	}
	v, err := findEntry(f.s, args[0].(string), args[1])
	if ft, failed := err.(*fault); failed && ft.missing != nil && len(args) > 2 {
		return args[2], nil
	}
	return v, err
}
