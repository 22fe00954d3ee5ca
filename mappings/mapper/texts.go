package mapper

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func textFunctions() []*Function {
	return group("Text",
		textFunction("trim", "Removes blanks at both ends, full-width ones too.", strings.TrimSpace,
			gives(`trim("  a b ")`, `"a b"`), gives(`trim("　张　")`, `"张"`)),
		textFunction("upper", "Turns letters into capitals.", strings.ToUpper, gives(`upper("sf-1a")`, `"SF-1A"`)),
		textFunction("lower", "Turns letters into small ones.", strings.ToLower, gives(`lower("SF-1A")`, `"sf-1a"`)),
		textFunction("digits", "Keeps only the digits 0 to 9.", func(s string) string {
			return keep(s, func(r rune) bool { return r >= '0' && r <= '9' })
		}, gives(`digits("No. 12-34")`, `"1234"`)),
		textFunction("clean", "Turns line breaks and tabs into blanks, removes other control and invisible characters, and trims.", cleanText,
			gives(`clean("a\nb\u0000\u200b ")`, `"a b"`)),
		textFunction("bmp", "Removes what lies outside the basic plane, such as emoji, for targets that refuse it.", func(s string) string {
			return keep(s, func(r rune) bool { return r <= 0xFFFF && r != utf8.RuneError && r != 0xFE0F })
		}, gives(`bmp("ok🎉张")`, `"ok张"`)),
		&Function{Name: "pad", Params: params(arg("text"), lit("length", countLiteral), opt("fill")), Result: "text",
			Text:     "Fills a text or whole number up on the left, with 0 unless told otherwise.",
			call:     padText,
			Examples: examples(gives(`pad("42", 5)`, `"00042"`), gives(`pad(7, 3)`, `"007"`), gives(`pad("abc", 2)`, `"abc"`), gives(`pad("a", 3, "-")`, `"--a"`))},
		&Function{Name: "replace", Params: params(arg("text"), arg("old"), arg("new")), Result: "text",
			Text: "Replaces every occurrence of a text.",
			call: func(_ *frame, args []any) (any, error) {
				t, err := threeTexts(args)
				if err != nil {
					return nil, err
				}
				if t[1] == "" {
					return nil, wrong("", "the text to replace is empty")
				}
				if len(t[0])+strings.Count(t[0], t[1])*len(t[2]) > maxTextBytes {
					return nil, &fault{code: CodeLimit, text: "replace builds a text that is too long"}
				}
				return strings.ReplaceAll(t[0], t[1], t[2]), nil
			},
			Examples: examples(gives(`replace("1,234", ",", "")`, `"1234"`))},
		&Function{Name: "starts_with", Params: params(arg("text"), arg("start")), Result: "boolean",
			Text: "Whether a text starts with another; also written: a startsWith b.",
			call: func(_ *frame, args []any) (any, error) {
				return texts(args[0], args[1], "starts_with", strings.HasPrefix)
			},
			Examples: examples(gives(`starts_with("SF100", "SF")`, `true`))},
		&Function{Name: "before", Params: params(arg("text"), arg("separator")), Result: "text",
			Text:     "The part before the first separator; the whole text where there is none.",
			call:     func(_ *frame, args []any) (any, error) { return cutText(args, true) },
			Examples: examples(gives(`before("A-1-2", "-")`, `"A"`), gives(`before("A", "-")`, `"A"`))},
		&Function{Name: "after", Params: params(arg("text"), arg("separator")), Result: "text",
			Text:     "The part after the first separator; nothing where there is none.",
			call:     func(_ *frame, args []any) (any, error) { return cutText(args, false) },
			Examples: examples(gives(`after("A-1-2", "-")`, `"1-2"`), gives(`after("A", "-")`, `null`))},
		&Function{Name: "right", Params: params(arg("text"), lit("n", countLiteral)), Result: "text",
			Text: "The last n characters.",
			call: func(_ *frame, args []any) (any, error) {
				r, n, err := runesAndCount(args)
				if err != nil {
					return nil, err
				}
				return string(r[max(0, len(r)-n):]), nil
			},
			Examples: examples(gives(`right("1000001234", 4)`, `"1234"`))},
		&Function{Name: "limit", Params: params(arg("text"), lit("n", countLiteral)), Result: "text",
			Text: "Passes a text of at most n characters and fails on a longer one; nothing is ever cut in silence.",
			call: func(_ *frame, args []any) (any, error) {
				r, n, err := runesAndCount(args)
				if err == nil && len(r) > n {
					err = wrong("shorten(text, n) cuts on purpose", "the text has %d characters and the target takes %d", len(r), n)
				}
				return args[0], err
			},
			Examples: examples(gives(`limit("张三", 2)`, `"张三"`), fails(`limit("abc", 2)`, CodeValue))},
		&Function{Name: "limit_bytes", Params: params(arg("text"), lit("n", countLiteral)), Result: "text",
			Text: "Like limit, counted in UTF-8 bytes (a Chinese character is 3).",
			call: func(_ *frame, args []any) (any, error) {
				s, n, err := textAndCount(args)
				if err == nil && len(s) > n {
					err = wrong("shorten_bytes(text, n) cuts on purpose", "the text has %d bytes and the target takes %d", len(s), n)
				}
				return args[0], err
			},
			Examples: examples(gives(`limit_bytes("张三", 6)`, `"张三"`), fails(`limit_bytes("张三", 5)`, CodeValue))},
		&Function{Name: "shorten", Params: params(arg("text"), lit("n", countLiteral)), Result: "text",
			Text: "Cuts a text to n characters, on purpose. Never use it for keys.",
			call: func(_ *frame, args []any) (any, error) {
				r, n, err := runesAndCount(args)
				if err != nil {
					return nil, err
				}
				return string(r[:min(n, len(r))]), nil
			},
			Examples: examples(gives(`shorten("请放在门口", 3)`, `"请放在"`))},
		&Function{Name: "shorten_bytes", Params: params(arg("text"), lit("n", countLiteral)), Result: "text",
			Text: "Cuts a text to at most n UTF-8 bytes between characters.",
			call: func(_ *frame, args []any) (any, error) {
				s, n, err := textAndCount(args)
				if err != nil {
					return nil, err
				}
				if len(s) > n {
					for n > 0 && !utf8.RuneStart(s[n]) {
						n--
					}
					s = s[:n]
				}
				return s, nil
			},
			Examples: examples(gives(`shorten_bytes("张三丰", 7)`, `"张三"`))},
		&Function{Name: "split", Params: params(arg("text"), arg("separator")), Result: "list",
			Text: "Splits a text into a list.",
			call: func(_ *frame, args []any) (any, error) {
				s, err := textArg(args[0])
				if err != nil {
					return nil, err
				}
				sep, err := textArg(args[1])
				if err != nil || sep == "" {
					return nil, wrong("", "needs a separator")
				}
				return anyList(strings.Split(s, sep)), nil
			},
			Examples: examples(gives(`split("a,b", ",")`, `["a","b"]`))},
		&Function{Name: "join", Params: params(arg("list"), arg("separator")), Result: "text",
			Text:     "Joins texts and numbers of a list; missing and empty ones are left out.",
			call:     joinList,
			Examples: examples(gives(`join(["浙江省", "杭州市", nil, "余杭区"], " ")`, `"浙江省 杭州市 余杭区"`), gives(`join([1, 2], "-")`, `"1-2"`))},
	)
}

// textFunction is a function of one text without any choice.
func textFunction(name, about string, do func(string) string, es ...Example) *Function {
	return &Function{Name: name, Params: params(arg("text")), Result: "text", Text: about, Examples: es,
		call: func(_ *frame, args []any) (any, error) {
			s, err := textArg(args[0])
			if err != nil {
				return nil, err
			}
			if t := do(s); t != s {
				return t, nil
			}
			return args[0], nil
		}}
}

func keep(s string, wanted func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if wanted(r) {
			return r
		}
		return -1
	}, s)
}

// plainRune is a printable character that cleaning leaves alone: ASCII, or
// Chinese with its punctuation.
func plainRune(r rune) bool {
	return r >= ' ' && r < 0x7F || r >= 0x3000 && r < 0xA000 || r > 0xFF00 && r < 0xFFEF
}

func isPlain(s string) bool {
	for _, r := range s {
		if !plainRune(r) {
			return false
		}
	}
	return true
}

func cleanText(s string) string {
	if isPlain(s) {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError, unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s))
}

func threeTexts(args []any) (t [3]string, err error) {
	for i := range t {
		if t[i], err = textArg(args[i]); err != nil {
			return t, err
		}
	}
	return t, nil
}

func textAndCount(args []any) (string, int, error) {
	s, err := textArg(args[0])
	if err != nil {
		return "", 0, err
	}
	n, err := countArg(args[1])
	return s, n, err
}

func runesAndCount(args []any) ([]rune, int, error) {
	s, n, err := textAndCount(args)
	return []rune(s), n, err
}

func padText(_ *frame, args []any) (any, error) {
	s, isScalar := textOf(args[0])
	if !isScalar {
		return nil, wrong("", "needs a text or a number and found %s", kindOf(args[0]))
	}
	n, err := countArg(args[1])
	if err != nil {
		return nil, err
	}
	fill := "0"
	if len(args) > 2 {
		if fill, err = textArg(args[2]); err != nil || utf8.RuneCountInString(fill) != 1 {
			return nil, wrong("", "the fill must be one character")
		}
	}
	return strings.Repeat(fill, max(0, n-utf8.RuneCountInString(s))) + s, nil
}

func cutText(args []any, first bool) (any, error) {
	s, err := textArg(args[0])
	if err != nil {
		return nil, err
	}
	sep, err := textArg(args[1])
	if err != nil || sep == "" {
		return nil, wrong("", "needs a separator")
	}
	head, tail, found := strings.Cut(s, sep)
	switch {
	case first:
		return head, nil
	case found:
		return tail, nil
	}
	return nil, nil
}

func anyList(texts []string) []any {
	list := make([]any, len(texts))
	for i, s := range texts {
		list[i] = s
	}
	return list
}

func joinList(f *frame, args []any) (any, error) {
	list, err := listArg(args[0])
	if err != nil {
		return nil, err
	}
	sep, err := textArg(args[1])
	if err != nil {
		return nil, err
	}
	var parts []string
	size := 0
	for _, v := range list {
		if v == nil || v == "" {
			continue
		}
		s, isScalar := textOf(v)
		if !isScalar {
			return nil, wrong("pluck(list, \"field\") takes one field of each", "the list holds %s", kindOf(v))
		}
		if size += len(s) + len(sep); size > maxTextBytes {
			return nil, &fault{code: CodeLimit, text: "join builds a text that is too long"}
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, sep), nil
}
