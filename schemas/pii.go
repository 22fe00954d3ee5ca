package schemas

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The kinds of personal data, the values of x-pii. The kind decides how much a
// mask leaves readable.
const (
	maskName    = "name"    // 张三 becomes 张**
	maskPhone   = "phone"   // 13800005678 becomes 138****5678
	maskEmail   = "email"   // zhou@example.test becomes z***@example.test
	maskAddress = "address" // becomes ***
	maskID      = "id"      // openid, tax number: ****7890
	maskText    = "text"    // free text, anything else: ***
)

var maskKinds = []string{maskName, maskPhone, maskEmail, maskAddress, maskID, maskText}

// PII collects the texts (and numbers, as text) at all x-pii places of a tree,
// each once, for scrubbing them out of error texts.
func (s *Schema) PII(doc any) []string {
	var out []string
	s.pii.visit([]any{doc}, "", func(_ string, v any) any {
		text := ""
		switch v := v.(type) {
		case string:
			text = v
		case json.Number:
			text = string(v)
		}
		if text != "" && !contains(out, text) {
			out = append(out, text)
		}
		return v
	})
	return out
}

// Mask copies a tree and makes the values at x-pii places unreadable, leaving
// enough to recognise: 138****5678, 张**. Masking twice changes nothing.
func (s *Schema) Mask(doc any) any {
	held := []any{clone(doc)}
	s.pii.visit(held, "", func(kind string, v any) any {
		switch v := v.(type) {
		case string:
			return mask(kind, v)
		case json.Number:
			return mask(kind, string(v))
		}
		return v
	})
	return held[0]
}

// Hidden returns the JSON pointers of the values that Mask makes unreadable in a tree,
// in a fixed order.
func (s *Schema) Hidden(doc any) []string {
	var out []string
	differing(doc, s.Mask(doc), "", &out)
	return out
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

// differing collects where two trees of one shape hold different scalars.
func differing(a, b any, at string, out *[]string) {
	switch a := a.(type) {
	case map[string]any:
		b, _ := b.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(a)) {
			differing(a[name], b[name], at+"/"+escapePointer.Replace(name), out)
		}
	case []any:
		b, _ := b.([]any)
		for i := range min(len(a), len(b)) {
			differing(a[i], b[i], at+"/"+strconv.Itoa(i), out)
		}
	default:
		if a != b {
			*out = append(*out, at)
		}
	}
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, child := range v {
			out[k] = clone(child)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = clone(child)
		}
		return out
	}
	return v
}

const hidden = "***"

func mask(kind, s string) string {
	if s == "" {
		return s
	}
	runes := []rune(s)
	switch kind {
	case maskName:
		if len(runes) > 1 {
			return string(runes[:1]) + "**"
		}
		return "*"
	case maskPhone:
		if len(runes) >= 8 {
			return string(runes[:3]) + "****" + string(runes[len(runes)-4:])
		}
	case maskEmail:
		if at := strings.LastIndexByte(s, '@'); at > 0 {
			_, first := utf8.DecodeRuneInString(s)
			return s[:first] + hidden + s[at:]
		}
	case maskID:
		if len(runes) >= 8 {
			return "****" + string(runes[len(runes)-4:])
		}
	}
	return hidden
}
