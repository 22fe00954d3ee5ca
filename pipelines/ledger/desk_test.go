package ledger_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/minihub/minihub/pipelines/ledger"
)

func TestFieldOf(t *testing.T) {
	for _, c := range []struct{ code, text, want string }{
		{"schema.canonical", "/status must be one of a, b (enum)", "/status"},
		{"schema.target", "12:3: /lines/0/tags/17 is missing (required)\n/x is wrong (type)", "/lines/*/tags/*"},
		{"schema.target", "the document is no object (type)", ""},
		{"blocked.lookup", `in.yaml:3:1: sku: lookup table skus has no entry for "A \"1\"" (add the entry to the table)`, `skus: A "1"`},
		{"mapping.value", "mappings/oms/order.yaml:9:5: lines[12].qty: not a number", "lines[*].qty"},
		{"oms.2001", "/status 12:3: no such shop", ""},
		{"blocked.lookup", `lookup table skus has no entry for "cut`, ""},
	} {
		if got := ledger.FieldOf(c.code, c.text); got != c.want {
			t.Errorf("%s %q: field %q, want %q", c.code, c.text, got, c.want)
		}
	}
}

func FuzzFieldOf(f *testing.F) {
	f.Add("schema.target", "/lines/0/1/2 is missing (required)")
	f.Add("blocked.lookup", `lookup table skus has no entry for "A"`)
	f.Add("mapping.value", "a.yaml:1:1: "+strings.Repeat("界", 200)+": no")
	f.Fuzz(func(t *testing.T, code, text string) {
		got := ledger.FieldOf(code, text)
		if len(got) > 300 || utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Fatalf("field %q of %q", got, text)
		}
	})
}
