package infer

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// class is what a value looks like.
type class int

const (
	seconds       class = iota // Unix seconds of this century, or 0
	milliseconds               // Unix milliseconds of this century, or 0
	moment                     // RFC 3339 with a zone
	localTime                  // 2026-01-01 10:00:00
	localMinutes               // 2026-01-01 10:00
	localSlashes               // 2026/01/01 10:00:00
	localCompact               // 20260101100000
	calendarDay                // 2026-01-01
	compactDay                 // 20260101
	digits                     // nothing but digits
	longID                     // 16 digits and more: beyond what many programs keep exactly
	decimalAmount              // a decimal with at most two digits after the point
	mobile                     // a mainland mobile number, whole or masked
	email
	idNumber   // a resident identity number with its check digit
	personName // two to four Chinese characters that begin with a common family name
	postal     // several parts of a Chinese address
	code       // a word without blanks, as programs choose from
	flagWord   // true/false, Y/N, 0/1
)

var forms = []struct {
	class  class
	layout string
}{{localTime, time.DateTime}, {localMinutes, "2006-01-02 15:04"}, {localSlashes, "2006/01/02 15:04:05"}, {localCompact, "20060102150405"},
	{calendarDay, time.DateOnly}, {compactDay, "20060102"}, {moment, time.RFC3339}}

var (
	mobileForm = regexp.MustCompile(`^(\+?86[- ]?)?1[3-9]([0-9]{9}|[0-9]\*{4,5}[0-9]{3,4}|[0-9][- ][0-9]{4}[- ][0-9]{4}|[0-9]{9}[-,转][0-9]{1,6})$`)
	emailForm  = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[A-Za-z]{2,}$`)
	amountForm = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,11})\.[0-9]{1,2}0*$`)
	codeForm   = regexp.MustCompile(`^[\p{L}0-9][\p{L}0-9_.:-]{0,31}$`)
	addressOf  = regexp.MustCompile(`[省市区县镇乡村路街道号弄栋室]`)
)

// familyNames begin the names of most people in China.
const familyNames = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"

func classesOfNumber(text string) (out []class) {
	plain := strings.Trim(text, "0123456789") == ""
	if plain {
		out = append(out, digits)
		out = append(out, epochs(text)...)
		if len(text) >= 16 {
			out = append(out, longID)
		}
		if mobileForm.MatchString(text) {
			out = append(out, mobile)
		}
		if len(text) == 8 && parses(text, "20060102") {
			out = append(out, compactDay)
		}
	}
	if amountForm.MatchString(text) {
		out = append(out, decimalAmount)
	}
	if text == "0" || text == "1" {
		out = append(out, flagWord)
	}
	if plain && len(text) <= 6 {
		out = append(out, code)
	}
	return out
}

func classesOfText(text string) (out []class) {
	trimmed := strings.TrimSpace(text)
	if trimmed != "" && strings.Trim(trimmed, "0123456789") == "" {
		out = append(out, digits)
		out = append(out, epochs(trimmed)...)
		if len(trimmed) >= 16 {
			out = append(out, longID)
		}
	}
	for _, f := range forms {
		if parses(text, f.layout) && plausible(text, f.layout) {
			out = append(out, f.class)
		}
	}
	if amountForm.MatchString(trimmed) {
		out = append(out, decimalAmount)
	}
	if mobileForm.MatchString(trimmed) {
		out = append(out, mobile)
	}
	if emailForm.MatchString(trimmed) {
		out = append(out, email)
	}
	if isIDNumber(trimmed) {
		out = append(out, idNumber)
	}
	if isPersonName(trimmed) {
		out = append(out, personName)
	}
	if len(addressOf.FindAllString(trimmed, 3)) == 3 && utf8.RuneCountInString(trimmed) >= 6 {
		out = append(out, postal)
	}
	if codeForm.MatchString(text) {
		out = append(out, code)
	}
	switch strings.ToLower(trimmed) {
	case "true", "false", "y", "n", "0", "1":
		out = append(out, flagWord)
	}
	return out
}

// epochs tells Unix times from 2000 to 2100; 0 stands for never in many systems.
func epochs(text string) []class {
	const first, last = "0946684800", "4102444800"
	switch {
	case text == "0":
		return []class{seconds, milliseconds}
	case len(text) == 9 || len(text) == 10:
		if padded := strings.Repeat("0", 10-len(text)) + text; padded >= first && padded < last {
			return []class{seconds}
		}
	case len(text) == 12 || len(text) == 13:
		if padded := strings.Repeat("0", 13-len(text)) + text; padded >= first+"000" && padded < last+"000" {
			return []class{milliseconds}
		}
	}
	return nil
}

func parses(text, layout string) bool {
	_, err := time.Parse(layout, text)
	return err == nil
}

// plausible keeps plain numbers from being read as times of other centuries.
func plausible(text, layout string) bool {
	t, err := time.Parse(layout, text)
	return err == nil && (t.Year() >= 1900 && t.Year() < 2100)
}

// isIDNumber checks a resident identity number: 17 digits and a check digit.
func isIDNumber(s string) bool {
	if len(s) != 18 {
		return false
	}
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		sum += int(s[i]-'0') * w
	}
	return "10X98765432"[sum%11] == s[17] || s[17] == 'x' && sum%11 == 2
}

func isPersonName(s string) bool {
	runes := []rune(s)
	if len(runes) < 2 || len(runes) > 4 || !strings.ContainsRune(familyNames, runes[0]) {
		return false
	}
	for _, r := range runes[1:] {
		if !unicode.Is(unicode.Han, r) && r != '*' {
			return false
		}
	}
	return true
}

// form is the form of a value without the value: letters and digits are replaced.
func form(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > 24 {
			b.WriteString("…")
			break
		}
		switch {
		case unicode.IsDigit(r):
			b.WriteByte('0')
		case unicode.Is(unicode.Han, r):
			b.WriteString("字")
		case unicode.IsUpper(r):
			b.WriteByte('X')
		case unicode.IsLetter(r) || unicode.IsMark(r):
			b.WriteByte('x')
		case unicode.IsGraphic(r) && r < utf8.RuneSelf:
			b.WriteRune(r)
		default:
			b.WriteByte('.')
		}
	}
	return b.String()
}
