package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecode holds Decode against encoding/json: what it accepts, it reads the
// same way; what it refuses, it refuses for a named reason.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"id":9007199254740993,"a":1823.10}`, `[]`, `"\ud83d\ude00"`, `{"a":{"a":[null,true,false,-0.0e-1]}}`, `01`, "\x00",
		`{"a":1,"a":2}`, `["\ud83d"]`, `{}{}`, "\"\xff\"", `nul`, strings.Repeat("[", 120), `"\u00`, `1e500`, string(order),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := Decode(b)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(b) || e.Line < 1 || e.Column < 1 {
				t.Fatalf("bad error %#v", err)
			}
			if json.Valid(b) && (e.Code == CodeSyntax || e.Code == CodeTruncated || e.Code == CodeTrailing || e.Code == CodeEmpty) {
				t.Fatalf("refused valid JSON: %v", err)
			}
			return
		}
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
		out, err := Encode(got)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(out)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(got, again); d != "" {
			t.Fatal(d)
		}
	})
}
