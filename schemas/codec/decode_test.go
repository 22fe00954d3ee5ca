package codec

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeKeepsEveryDigit(t *testing.T) {
	got, err := Decode([]byte(` {"id": 9007199254740993, "amount": 1823.10, "e": -1.50E+2, "ok": true, "no": null,
		"text": "a\/b \u00e9\ud83d\ude00 张三\n", "list": [0, [], {}, "x"]} `))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"id": json.Number("9007199254740993"), "amount": json.Number("1823.10"), "e": json.Number("-1.50E+2"),
		"ok": true, "no": nil, "text": "a/b é😀 张三\n",
		"list": []any{json.Number("0"), []any{}, map[string]any{}, "x"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDecodeRefuses(t *testing.T) {
	cases := []struct {
		name, in, code string
		line, column   int
	}{
		{"nothing", "", CodeEmpty, 1, 1},
		{"white space", " \n\t ", CodeEmpty, 2, 3},
		{"cut in an object", `{"a": 1,`, CodeTruncated, 1, 9},
		{"cut in an array", "[1,\n 2", CodeTruncated, 2, 3},
		{"cut in a key", `{"a`, CodeTruncated, 1, 4},
		{"cut before the colon", `{"a"`, CodeTruncated, 1, 5},
		{"cut in a string", `{"a":"张`, CodeTruncated, 1, 8},
		{"cut in a character", "[\"\xe5\xbc", CodeTruncated, 1, 5},
		{"cut in an escape", `["\`, CodeTruncated, 1, 3},
		{"cut in a unicode escape", `["\u00`, CodeTruncated, 1, 3},
		{"cut in a surrogate pair", `["\ud83d\u`, CodeTruncated, 1, 3},
		{"cut in a literal", `[tru`, CodeTruncated, 1, 5},
		{"cut in a number", `[1.`, CodeTruncated, 1, 4},
		{"cut in an exponent", `[1e+`, CodeTruncated, 1, 5},
		{"cut after a minus", `-`, CodeTruncated, 1, 2},
		{"web page", "<html><body>502</body></html>", CodeSyntax, 1, 1},
		{"byte order mark", "\xef\xbb\xbf{}", CodeSyntax, 1, 1},
		{"key without quotes", `{a:1}`, CodeSyntax, 1, 2},
		{"comma before the brace", `{"a":1,}`, CodeSyntax, 1, 8},
		{"missing comma", `[1 2]`, CodeSyntax, 1, 4},
		{"leading zero", `01`, CodeSyntax, 1, 2},
		{"leading plus", `+1`, CodeSyntax, 1, 1},
		{"not a number", `NaN`, CodeSyntax, 1, 1},
		{"glued literal", `[nullx]`, CodeSyntax, 1, 6},
		{"wrong literal", `[nul1]`, CodeSyntax, 1, 5},
		{"raw line feed in a string", "[\"a\nb\"]", CodeSyntax, 1, 4},
		{"unknown escape", `["\x41"]`, CodeSyntax, 1, 3},
		{"bad hexadecimal", `["\u12G4"]`, CodeSyntax, 1, 3},
		{"two documents", `{"a":1}{"a":2}`, CodeTrailing, 1, 8},
		{"two lines", "{}\n{}", CodeTrailing, 2, 1},
		{"extra brace", `{}}`, CodeTrailing, 1, 3},
		{"raw NUL in a string", "[\"a\x00\"]", CodeNUL, 1, 4},
		{"escaped NUL in a string", `["a\u0000"]`, CodeNUL, 1, 4},
		{"escaped NUL in a key", `{"\u0000":1}`, CodeNUL, 1, 3},
		{"NUL after the document", "{}\x00", CodeNUL, 1, 3},
		{"NUL for a value", "[\x00]", CodeNUL, 1, 2},
		{"GBK", "[\"\xd5\xc5\"]", CodeUTF8, 1, 3},
		{"GBK after an escape", "[\"\\n\xd5\xc5\"]", CodeUTF8, 1, 5},
		{"high surrogate alone", `["\ud83d"]`, CodeUTF8, 1, 3},
		{"low surrogate alone", `["\ude00 "]`, CodeUTF8, 1, 3},
		{"two high surrogates", `["\ud83d\ud83d"]`, CodeUTF8, 1, 3},
		{"long number", "[" + strings.Repeat("1", 41) + "]", CodeNumber, 1, 2},
		{"huge exponent", `[1E1000000]`, CodeNumber, 1, 2},
		{"tiny exponent", `[1e-401]`, CodeNumber, 1, 2},
		{"deep arrays", strings.Repeat("[", 101), CodeDepth, 1, 101},
		{"deep objects", strings.Repeat(`{"a":`, 101), CodeDepth, 1, 501},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, err := Decode([]byte(c.in))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, %v; want *Error", v, err)
			}
			if e.Code != c.code || e.Line != c.line || e.Column != c.column {
				t.Errorf("got %s %d:%d, want %s %d:%d", e.Code, e.Line, e.Column, c.code, c.line, c.column)
			}
		})
	}
}

func TestDecodeAllowsTheLimitsThemselves(t *testing.T) {
	for _, in := range []string{
		strings.Repeat("[", 100) + strings.Repeat("]", 100),
		strings.Repeat("1", 40),
		"1e400", "1E-400", "-0",
	} {
		if _, err := Decode([]byte(in)); err != nil {
			t.Errorf("%.20s: %v", in, err)
		}
	}
}

func TestDecodeLimit(t *testing.T) {
	if _, err := DecodeLimit([]byte("[1]"), 3); err != nil {
		t.Error(err)
	}
	var e *Error
	if _, err := DecodeLimit([]byte("[1] "), 3); !errors.As(err, &e) || e.Code != CodeSize {
		t.Errorf("got %v, want %s", err, CodeSize)
	}
}

func TestErrorsNeverQuoteTheDocument(t *testing.T) {
	secret := "zqzqzq"
	for _, in := range []string{
		`{"` + secret + `"`, `{"` + secret + `":` + secret + `}`, `["` + secret, `["` + secret + `\u0000"]`,
		`{"a":1} ` + secret, `["` + secret + "\xff" + `"]`, `[` + secret + `]`,
	} {
		if _, err := Decode([]byte(in)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestDecodedTextDoesNotPinTheDocument(t *testing.T) {
	doc := []byte(`{"short":"abcdef","long":"0123456789012345678901234567890123456789"}`)
	v, err := Decode(doc)
	if err != nil {
		t.Fatal(err)
	}
	for i := range doc {
		doc[i] = '#'
	}
	want := map[string]any{"short": "abcdef", "long": "0123456789012345678901234567890123456789"}
	if d := cmp.Diff(want, v); d != "" {
		t.Error(d)
	}
}
