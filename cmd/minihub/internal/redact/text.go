package redact

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Dots stand where something is not shown. Behind them, in brackets, stands what may be
// said of it: ••••(text 11), ••••(138****5678).
const Dots = "••••"

func dots(of string) string { return Dots + "(" + of + ")" }

func sized(kind, s string) string { return dots(kind + " " + strconv.Itoa(utf8.RuneCountInString(s))) }

// What is personal by its look alone.
var looks = regexp.MustCompile(`(?i)` +
	`(?:^|[^0-9])((?:\+?86[ -]?)?1[3-9][0-9](?:[ -]?[0-9]{4}){2})(?:$|[^0-9])` + // a Chinese mobile
	`|(\+[0-9][0-9 ()-]{7,18}[0-9])` + // a number with its country
	`|(?:^|[^0-9])(0[0-9]{2,3}-[0-9]{7,8})(?:$|[^0-9])` + // a landline
	`|([a-z0-9][a-z0-9._%+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)+)` + // e-mail
	`|(?:^|[^0-9])([1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9x])(?:$|[^0-9])`) // an identity number

func looksPersonal(s string) bool {
	h := half(s)
	return (digits(h) >= 9 || strings.Contains(h, "@")) && looks.MatchString(h)
}

// half turns full-width signs into the ASCII ones.
func half(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0xff01 && r <= 0xff5e {
			return r - 0xfee0
		}
		return r
	}, s)
}

var escapes = regexp.MustCompile(`\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\/`)

// readings are the texts that a text may stand for: unescaped, decoded, and what those
// stand for.
func readings(s string) []string {
	out := []string{s}
	for i := 0; i < len(out) && len(out) < 12; i++ {
		for _, r := range reread(out[i]) {
			if r != "" && !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// encoded is what base64 or hexadecimal may be.
var encoded = regexp.MustCompile(`^[A-Za-z0-9+/_=\r\n-]+$`)

func reread(s string) (out []string) {
	if strings.Contains(s, "%") {
		if r, err := url.QueryUnescape(s); err == nil {
			out = append(out, r)
		}
	}
	if strings.Contains(s, "&") {
		out = append(out, html.UnescapeString(s))
	}
	if strings.Contains(s, `\`) {
		out = append(out, escapes.ReplaceAllStringFunc(s, unescape))
	}
	if len(s) < 6 || !encoded.MatchString(s) {
		return out
	}
	if r, err := hex.DecodeString(s); err == nil && readable(r) {
		out = append(out, string(r))
	}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		bare := strings.TrimRight(strings.NewReplacer("\n", "", "\r", "").Replace(s), "=")
		if r, err := enc.DecodeString(bare); err == nil && readable(r) {
			out = append(out, string(r))
		}
	}
	return out
}

func unescape(e string) string {
	if e == `\/` {
		return "/"
	}
	n, _ := strconv.ParseUint(e[2:], 16, 32) // the expression matched digits alone
	return string(rune(n))
}

func readable(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, r := range string(b) {
		if !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			return false
		}
	}
	return true
}

// numbered is a stretch that may be somebody's number.
var numbered = regexp.MustCompile(`[0-9A-Za-z_-]*[0-9](?:[ -]?[0-9A-Za-z_]){6,}`)

// Say returns a text in which a vendor explains itself, or a statement of ours, without
// what it shares with a personal value and without numbers that nobody vouches for.
func (k *Known) Say(s string) (shown string, hidden int) {
	for _, r := range readings(s)[1:] {
		if k.shared(r) != nil || looksPersonal(r) {
			return sized("text", s), 1
		}
	}
	marks := k.shared(s)
	mark := func(from, to int) {
		if marks == nil {
			marks = make([]bool, len(s))
		}
		for i := from; i < to; i++ {
			marks[i] = true
		}
	}
	if looksPersonal(s) && !looks.MatchString(s) {
		return sized("text", s), 1 // in full width
	}
	for _, m := range looks.FindAllStringSubmatchIndex(s, -1) {
		for g := 2; g+1 < len(m); g += 2 {
			if m[g] >= 0 {
				mark(m[g], m[g+1])
			}
		}
	}
	for _, m := range numbered.FindAllStringIndex(s, -1) {
		part := s[m[0]:m[1]]
		if digits(part) >= 7 && !k.vouched(part) {
			mark(m[0], m[1])
		}
	}
	if marks == nil {
		return s, 0
	}
	return dotted(s, marks)
}

func digits(s string) (n int) {
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

func dotted(s string, marks []bool) (string, int) {
	var b strings.Builder
	n := 0
	for i := 0; i < len(s); {
		if !marks[i] {
			b.WriteByte(s[i])
			i++
			continue
		}
		for i < len(s) && marks[i] {
			i++
		}
		b.WriteString(Dots)
		n++
	}
	return b.String(), n
}
