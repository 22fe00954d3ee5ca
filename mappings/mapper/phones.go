package mapper

import (
	"regexp"
	"strings"
)

// phone is a Chinese number taken apart.
type phone struct {
	number    string // 11 digits of a mobile, or area code and number
	extension string // of a virtual number
	mobile    bool
}

var (
	extensionMark = regexp.MustCompile(`(?:转|,|，|#|;ext=|－|_|ext\.?)`)
	landlineForm  = regexp.MustCompile(`^0[0-9]{2,3}-?[0-9]{7,8}$`)
	serviceForm   = regexp.MustCompile(`^(?:400[0-9]{7}|800[0-9]{7}|95[0-9]{3,6})$`)
	digitsForm    = regexp.MustCompile(`^[0-9]{1,8}$`)
	phoneBlanks   = strings.NewReplacer(" ", "", "\u00a0", "", "(", "", ")", "", "（", "", "）", "")
)

// mobileDigits says whether a text is the 11 digits of a mobile number.
func mobileDigits(s string) bool {
	return len(s) == 11 && s[0] == '1' && s[1] >= '3' && allDigits(s)
}

// parsePhone reads the forms vendors send: with +86, 86 or 0086, with blanks,
// and virtual numbers with an extension after -, 转, a comma or #.
func parsePhone(s string) (phone, error) {
	if mobileDigits(s) {
		return phone{number: s, mobile: true}, nil
	}
	compact := phoneBlanks.Replace(cleanText(s))
	if strings.Contains(compact, "*") {
		return phone{}, wrong("fetch the document again with the number in clear", "the number is masked")
	}
	compact = strings.ReplaceAll(extensionMark.ReplaceAllString(compact, "-"), "--", "-")
	for _, country := range []string{"+86-", "+86", "0086"} {
		if after, found := strings.CutPrefix(compact, country); found {
			compact = after
			break
		}
	}
	if strings.HasPrefix(compact, "+") {
		return phone{}, wrong("guard with when, or pass the number as it is", "the number is not one of mainland China")
	}
	if after, found := strings.CutPrefix(compact, "86"); found && mobileDigits(before(after, "-")) {
		compact = after
	}
	if number, ext, found := strings.Cut(compact, "-"); mobileDigits(number) {
		if found && !digitsForm.MatchString(ext) {
			return phone{}, wrong("", "the extension is not 1 to 8 digits")
		}
		return phone{number, ext, true}, nil
	}
	number, ext := compact, ""
	if i := strings.LastIndexByte(compact, '-'); i > 4 {
		number, ext = compact[:i], compact[i+1:]
	}
	if landlineForm.MatchString(number) || serviceForm.MatchString(number) {
		if ext != "" && !digitsForm.MatchString(ext) {
			return phone{}, wrong("", "the extension is not 1 to 8 digits")
		}
		return phone{number: number, extension: ext}, nil
	}
	return phone{}, wrong("", "the text is not a phone number of mainland China")
}

func before(s, sep string) string {
	head, _, _ := strings.Cut(s, sep)
	return head
}

func (p phone) local() string {
	if p.extension == "" {
		return p.number
	}
	return p.number + "-" + p.extension
}

func (p phone) e164() string {
	number := strings.ReplaceAll(p.number, "-", "")
	if !p.mobile {
		number = strings.TrimPrefix(number, "0")
	}
	if p.extension == "" {
		return "+86" + number
	}
	return "+86" + number + "-" + p.extension
}

func phoneFunctions() []*Function {
	return group("Phones",
		phoneFunction("phone_cn", "The number as Chinese systems want it: 11 digits, or area code and number; the extension of a virtual number is kept after -.", func(p phone) any { return p.local() },
			gives(`phone_cn("+8613800000000")`, `"13800000000"`), gives(`phone_cn("138 0000 0000转1234")`, `"13800000000-1234"`), gives(`phone_cn("021-00000000")`, `"021-00000000"`), fails(`phone_cn("138****0000")`, CodeValue), fails(`phone_cn("12345")`, CodeValue)),
		phoneFunction("phone_e164", "The number with +86; the extension of a virtual number is kept after -.", func(p phone) any { return p.e164() },
			gives(`phone_e164("13800000000")`, `"+8613800000000"`), gives(`phone_e164("13800000000-1234")`, `"+8613800000000-1234"`), gives(`phone_e164("021-00000000")`, `"+862100000000"`)),
		phoneFunction("phone_extension", "The extension of a virtual number; nothing where there is none.", func(p phone) any { return orNothing(p.extension) },
			gives(`phone_extension("13800000000,1234")`, `"1234"`), gives(`phone_extension("13800000000")`, `null`)),
		phoneFunction("phone_main", "The number without its extension, as phone_cn writes it.", func(p phone) any { return p.number },
			gives(`phone_main("13800000000-1234")`, `"13800000000"`)),
		phoneFunction("is_mobile", "Whether the number is a mobile one.", func(p phone) any { return p.mobile },
			gives(`is_mobile("+8613800000000")`, `true`), gives(`is_mobile("021-00000000")`, `false`)),
	)
}

func orNothing(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func phoneFunction(name, about string, do func(phone) any, es ...Example) *Function {
	result := "text"
	if name == "is_mobile" {
		result = "boolean"
	}
	return &Function{Name: name, Params: params(arg("text")), Result: result, Text: about, Examples: es,
		call: func(_ *frame, args []any) (any, error) {
			s, err := textArg(args[0])
			if err != nil || s == "" {
				return nil, err
			}
			p, err := parsePhone(s)
			if err != nil {
				return nil, err
			}
			return do(p), nil
		}}
}
