package craft

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/minihub/minihub/mappings/mapper"
)

// Masker makes personal values unrecognisable and keeps their shape: a digit stays a
// digit, a letter a letter, a Chinese character one, a text as long as it was; a mobile
// number keeps its first three digits, an address the words that part it (市, 路, 号).
// Equal values become equal ones, so that a document still agrees with itself. Without
// the key nobody finds the value behind a mask by trying all phone numbers.
type Masker struct {
	key   []byte
	known map[string]string // values that are masked wherever they stand
	order []string          // the known, the longest first
	// Masked counts the values that were changed at their places.
	Masked int
}

// NewMasker makes one; the same key masks the same value alike.
func NewMasker(key []byte) *Masker { return &Masker{key: key, known: map[string]string{}} }

// Document copies a document with its personal values masked: those that differ in
// hidden, which is the document as its schema masks it for people, and everything at
// places that the schema does not name, since nobody knows what stands there. shape is
// the schema's; nil knows nothing.
func (m *Masker) Document(doc, hidden any, shape mapper.Shape) any {
	m.learn(doc, hidden)
	m.order = slices.SortedFunc(maps.Keys(m.known), func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	return m.place(doc, hidden, shape, shape == nil)
}

// learn collects the values that are looked for everywhere: long enough not to be a
// word of the protocol.
func (m *Masker) learn(v, hidden any) {
	switch v := v.(type) {
	case map[string]any:
		h, _ := hidden.(map[string]any)
		for k, below := range v {
			m.learn(below, h[k])
		}
	case []any:
		h, _ := hidden.([]any)
		for i, below := range v {
			if i < len(h) {
				m.learn(below, h[i])
			}
		}
	case string:
		if hidden != any(v) && telling(v) {
			m.known[v] = m.Text(v)
		}
	}
}

// telling says whether a value stands for a person wherever it is found.
func telling(s string) bool {
	digits, han, all := 0, 0, 0
	for _, r := range s {
		all++
		switch {
		case r >= '0' && r <= '9':
			digits++
		case unicode.Is(unicode.Han, r):
			han++
		}
	}
	return digits >= 6 || han >= 2 || all >= 8 || strings.Contains(s, "@")
}

func (m *Masker) place(v, hidden any, shape mapper.Shape, unknown bool) any {
	switch v := v.(type) {
	case map[string]any:
		h, _ := hidden.(map[string]any)
		out := make(map[string]any, len(v))
		for k, below := range v {
			next, named := field(shape, k)
			out[k] = m.place(below, h[k], next, unknown || !named)
		}
		return out
	case []any:
		h, _ := hidden.([]any)
		out := make([]any, len(v))
		var elem mapper.Shape
		known := false
		if shape != nil {
			elem, known = shape.Elem()
		}
		for i, below := range v {
			var hb any
			if i < len(h) {
				hb = h[i]
			}
			out[i] = m.place(below, hb, elem, unknown || !known)
		}
		return out
	case string:
		return m.leaf(v, unknown || hidden != any(v))
	case json.Number:
		if unknown || hidden != any(v) {
			return json.Number(m.leaf(string(v), true))
		}
	}
	return v
}

func field(shape mapper.Shape, name string) (mapper.Shape, bool) {
	if shape == nil || !slices.Contains(shape.Fields(), name) {
		return nil, false
	}
	return shape.Field(name)
}

func (m *Masker) leaf(s string, personal bool) string {
	out := m.Anywhere(s)
	if personal {
		out = m.Text(s)
	}
	if out != s {
		m.Masked++
	}
	return out
}

var (
	mobile = regexp.MustCompile(`1[3-9][0-9]{9}$`)
	alone  = regexp.MustCompile(`\b(?:86)?1[3-9][0-9]{9}\b`) // not a part of a longer id
)

// Anywhere masks the personal values of the document inside a text that is not personal
// itself.
func (m *Masker) Anywhere(s string) string {
	if masked, known := m.known[s]; known {
		return masked
	}
	for _, value := range m.order {
		if strings.Contains(s, value) {
			s = strings.ReplaceAll(s, value, m.known[value])
		}
	}
	return s
}

// Foreign is Anywhere for texts from beside the document: mobile numbers go as well.
func (m *Masker) Foreign(s string) string { return alone.ReplaceAllStringFunc(m.Anywhere(s), m.Text) }

// hanzi take the place of Chinese characters; parts stay in addresses.
var (
	hanzi = []rune("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥")
	parts = "省市区县镇乡村街道路巷弄号栋幢楼单元室座层"
)

// Text masks a whole value.
func (m *Masker) Text(s string) string {
	stream := m.stream(s)
	runes := []rune(s)
	keep := 0 // leading digits of a mobile number that stay
	if at := mobile.FindStringIndex(s); at != nil && countDigits(s[:at[0]]) <= 4 {
		keep = 3 + countDigits(s[:at[0]]) // +86 or 0086 before it
	}
	address := len(runes) >= 6 && strings.ContainsAny(s, "省市区县镇乡村街路号")
	hex := len(s) >= 16 && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
	seen, local := 0, strings.LastIndexByte(s, '@')
	for i, r := range runes {
		n := stream()
		switch {
		case r >= '0' && r <= '9':
			seen++
			if seen <= keep {
				continue
			}
			runes[i] = rune('0' + n%10)
			if seen == 1 {
				runes[i] = leading(r, n) // a number keeps its first zero, or none
			}
		case r >= 'a' && r <= 'z':
			runes[i] = letter('a', hex, n, local >= 0 && i > local)
		case r >= 'A' && r <= 'Z':
			runes[i] = letter('A', hex, n, local >= 0 && i > local)
		case unicode.Is(unicode.Han, r):
			if !address || !strings.ContainsRune(parts, r) {
				runes[i] = hanzi[int(n)%len(hanzi)]
			}
		case unicode.IsLetter(r):
			runes[i] = 'x'
		}
	}
	return string(runes)
}

func countDigits(s string) (n int) {
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

func leading(r rune, n byte) rune {
	if r == '0' {
		return '0'
	}
	return rune('1' + n%9)
}

// letter is a letter of the same case; x in the domain of a mail address, so that no
// domain of anybody comes out.
func letter(first rune, hex bool, n byte, domain bool) rune {
	switch {
	case domain:
		return first + 'x' - 'a'
	case hex:
		return first + rune(n%6)
	}
	return first + rune(n%26)
}

// stream gives bytes that the key and the value decide.
func (m *Masker) stream(s string) func() byte {
	var block []byte
	count := uint32(0)
	return func() byte {
		if len(block) == 0 {
			h := hmac.New(sha256.New, m.key)
			_, _ = h.Write(binary.BigEndian.AppendUint32(nil, count)) // a hash never fails
			_, _ = h.Write([]byte(s))
			block = h.Sum(nil)
			count++
		}
		b := block[0]
		block = block[1:]
		return b
	}
}
