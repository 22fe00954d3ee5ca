package mapper

import "sort"

func listFunctions() []*Function {
	return group("Lists",
		&Function{Name: "pluck", Params: params(arg("list"), lit("path", pathLiteral)), Result: "list",
			Text: "One field of each item, missing ones as nothing.",
			call: func(f *frame, args []any) (any, error) {
				return eachItem(f, args, func(_, field any, out []any) []any { return append(out, field) })
			},
			Examples: examples(gives(`pluck([{"a": {"b": 1}}, {"a": {"b": 2}}], "a.b")`, `[1,2]`))},
		&Function{Name: "count", Params: params(arg("list")), Result: "number", nulls: true,
			Text: "The number of items; of nothing 0. With a condition: count(filter(list, .qty > 0)).",
			call: func(_ *frame, args []any) (any, error) {
				if args[0] == nil {
					return 0, nil
				}
				list, err := listArg(args[0])
				return len(list), err
			},
			Examples: examples(gives(`count([1, 2])`, `2`), gives(`count(nil)`, `0`))},
		&Function{Name: "first", Params: params(arg("list")),
			Text:     "The first item; nothing of an empty list.",
			call:     func(_ *frame, args []any) (any, error) { return pick(args[0], 0) },
			Examples: examples(gives(`first([1, 2])`, `1`), gives(`first([])`, `null`))},
		&Function{Name: "last", Params: params(arg("list")),
			Text:     "The last item; nothing of an empty list.",
			call:     func(_ *frame, args []any) (any, error) { return pick(args[0], -1) },
			Examples: examples(gives(`last([1, 2])`, `2`))},
		&Function{Name: "take", Params: params(arg("list"), lit("n", countLiteral)), Result: "list",
			Text: "The first n items.",
			call: func(_ *frame, args []any) (any, error) {
				list, err := listArg(args[0])
				if err != nil {
					return nil, err
				}
				n, err := countArg(args[1])
				if err != nil {
					return nil, err
				}
				return list[:min(n, len(list))], nil
			},
			Examples: examples(gives(`take([1, 2, 3], 2)`, `[1,2]`))},
		&Function{Name: "compact", Params: params(arg("list")), Result: "list",
			Text: "Leaves out missing and empty items.",
			call: func(_ *frame, args []any) (any, error) {
				list, err := listArg(args[0])
				out := make([]any, 0, len(list))
				for _, v := range list {
					if !isEmpty(v) {
						out = append(out, v)
					}
				}
				return out, err
			},
			Examples: examples(gives(`compact([1, nil, "", 0])`, `[1,0]`))},
		&Function{Name: "concat", Params: params(arg("list"), opt("list")), Result: "list", variadic: true, nulls: true,
			Text: "Puts lists one after another; missing ones count as empty.",
			call: func(f *frame, args []any) (any, error) {
				out := []any{}
				for _, v := range args {
					if v == nil {
						continue
					}
					list, err := listArg(v)
					if err != nil {
						return nil, err
					}
					if err := f.charge(len(list)); err != nil {
						return nil, err
					}
					out = append(out, list...)
				}
				return out, nil
			},
			Examples: examples(gives(`concat([1], nil, [2])`, `[1,2]`))},
		&Function{Name: "flatten", Params: params(arg("list")), Result: "list",
			Text: "Makes one list of a list of lists, one level deep.",
			call: func(f *frame, args []any) (any, error) {
				list, err := listArg(args[0])
				out := make([]any, 0, len(list))
				for _, v := range list {
					inner, isList := v.([]any)
					if !isList {
						out = append(out, v)
						continue
					}
					if err := f.charge(len(inner)); err != nil {
						return nil, err
					}
					out = append(out, inner...)
				}
				return out, err
			},
			Examples: examples(gives(`flatten([[1, 2], [3]])`, `[1,2,3]`))},
		&Function{Name: "distinct", Params: params(arg("list")), Result: "list",
			Text: "Leaves out repeated texts, numbers and true/false; the first of each stays.",
			call: func(_ *frame, args []any) (any, error) {
				list, err := listArg(args[0])
				seen := map[string]bool{}
				out := make([]any, 0, len(list))
				for _, v := range list {
					key, isScalar := textOf(v)
					if !isScalar {
						return nil, wrong("pluck(list, \"field\") takes one field of each", "the list holds %s", kindOf(v))
					}
					if !seen[key] {
						seen[key] = true
						out = append(out, v)
					}
				}
				return out, err
			},
			Examples: examples(gives(`distinct(["a", "b", "a"])`, `["a","b"]`))},
		&Function{Name: "sort_by", Params: params(arg("list"), lit("path", pathLiteral)), Result: "list",
			Text:     "Sorts by a field, equal ones in their old order; . sorts by the items themselves.",
			call:     sortBy,
			Examples: examples(gives(`pluck(sort_by([{"n": 2}, {"n": 1}], "n"), "n")`, `[1,2]`), gives(`sort_by([3, 1], ".")`, `[1,3]`))},
		&Function{Name: "group_by", Params: params(arg("list"), lit("path", pathLiteral)), Result: "list",
			Text:     "Groups by a field into [{key, items}], groups in the order they first appear; for example lines by parcel.",
			call:     groupBy,
			Examples: examples(gives(`map(group_by([{"w": "A", "n": 1}, {"w": "B", "n": 2}, {"w": "A", "n": 3}], "w"), [.key, count(.items)])`, `[["A",2],["B",1]]`))},
		&Function{Name: "entries", Params: params(arg("object")), Result: "list",
			Text: "An object as a list of {key, value}, sorted by key.",
			call: func(_ *frame, args []any) (any, error) {
				m, isObject := args[0].(map[string]any)
				if !isObject {
					return nil, wrong("", "needs an object and found %s", kindOf(args[0]))
				}
				keys := make([]string, 0, len(m))
				for k := range m {
					keys = append(keys, k)
				}
				sort.Strings(keys)
				out := make([]any, len(keys))
				for i, k := range keys {
					out[i] = map[string]any{"key": k, "value": m[k]}
				}
				return out, nil
			},
			Examples: examples(gives(`entries({"b": 1, "a": 2})`, `[{"key":"a","value":2},{"key":"b","value":1}]`))},
	)
}

// eachItem walks a list with one field of each item.
func eachItem(f *frame, args []any, do func(item, field any, out []any) []any) ([]any, error) {
	list, err := listArg(args[0])
	if err != nil {
		return nil, err
	}
	steps, err := pathArg(args[1])
	if err != nil {
		return nil, err
	}
	if err := f.charge(len(list)); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		field, err := follow(item, steps)
		if err != nil {
			return nil, err
		}
		out = do(item, field, out)
	}
	return out, nil
}

func pick(v any, i int) (any, error) {
	list, err := listArg(v)
	if err != nil {
		return nil, err
	}
	return itemAt(list, i), nil
}

func sortBy(f *frame, args []any) (any, error) {
	keys, err := eachItem(f, args, func(_, field any, out []any) []any { return append(out, field) })
	if err != nil {
		return nil, err
	}
	list := args[0].([]any)
	if err := f.charge(16 * len(list)); err != nil {
		return nil, err
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	var failed error
	sort.SliceStable(order, func(a, b int) bool {
		c, err := compare(keys[order[a]], keys[order[b]])
		if err != nil {
			failed = err
		}
		return c < 0
	})
	out := make([]any, len(list))
	for i, from := range order {
		out[i] = list[from]
	}
	return out, failed
}

func groupBy(f *frame, args []any) (any, error) {
	at := map[string]int{}
	var bad any
	groups, err := eachItem(f, args, func(item, field any, out []any) []any {
		key, isScalar := textOf(field)
		if !isScalar {
			bad = wrong("filter the list first", "the field to group by is %s", kindOf(field))
			return out
		}
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			out = append(out, map[string]any{"key": field, "items": []any{}})
		}
		g := out[i].(map[string]any)
		g["items"] = append(g["items"].([]any), item)
		return out
	})
	if ft, failed := bad.(*fault); failed && err == nil {
		return nil, ft
	}
	return groups, err
}
