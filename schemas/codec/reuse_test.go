package codec

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Parsers and encoders are used again, from other goroutines and after
// failures; nothing of one document may show up in the next.
func TestDocumentsDoNotMix(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 200 {
				id := fmt.Sprintf("%d-%d", worker, i)
				doc := fmt.Sprintf(`{"id":%q,"n":%d,"list":[[%d,{"id":%q}],{"k%d":null}],"e":"a\n%s"}`, id, i, i, id, i%7, id)
				if i%5 == 0 {
					if _, err := Decode([]byte(doc[:len(doc)-3])); err == nil {
						t.Error("a cut document is accepted")
					}
					if _, err := Encode(map[string]any{"id": id, "deep": map[string]any{"x": 1.5}}); err == nil {
						t.Error("a float is accepted")
					}
				}
				got, err := Decode([]byte(doc))
				if err != nil {
					t.Error(err)
					return
				}
				n := json.Number(fmt.Sprint(i))
				want := map[string]any{"id": id, "n": n, "list": []any{[]any{n, map[string]any{"id": id}}, map[string]any{fmt.Sprintf("k%d", i%7): nil}}, "e": "a\n" + id}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
					return
				}
				out, err := Encode(got)
				if back, derr := Decode(out); err != nil || derr != nil || !cmp.Equal(back, got) {
					t.Errorf("%s comes back as %v: %v %v", out, back, err, derr)
				}
			}
		})
	}
	wg.Wait()
}

func TestTreesShareNothingWithTheDocumentOrEachOther(t *testing.T) {
	t.Parallel()
	doc := []byte(`{"a":"text","b":[1,2],"c":["` + strings.Repeat("long", 20) + `"]}`)
	first, err := Decode(doc)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Decode([]byte(`{"z":[9,9,9],"y":{"a":"other"}}`))
	if err != nil {
		t.Fatal(err)
	}
	second.(map[string]any)["z"] = append(second.(map[string]any)["z"].([]any), "more")
	clear(doc)
	want := map[string]any{"a": "text", "b": []any{json.Number("1"), json.Number("2")}, "c": []any{strings.Repeat("long", 20)}}
	if d := cmp.Diff(want, first); d != "" {
		t.Fatal(d)
	}
	out, err := Encode(first)
	if err != nil {
		t.Fatal(err)
	}
	kept := string(out)
	if _, err := Encode(second); err != nil || string(out) != kept {
		t.Fatalf("what was encoded changed to %s: %v", out, err)
	}
}

// What the quick look at plain digits decides, the full scan decides alike.
func TestNumbersAtTheEdges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in        string
		n, fault  int
		wholeFine bool
	}{
		{"0", 1, numberFine, true}, {"00", 1, numberFine, false}, {"7", 1, numberFine, true}, {"12x", 2, numberFine, false},
		{"1.", 2, numberShort, false}, {"1.0", 3, numberFine, true}, {"1e5", 3, numberFine, true}, {"-", 1, numberShort, false}, {"-12", 3, numberFine, true},
		{"", 0, numberShort, false}, {"x", 0, numberShort, false}, {"9e", 2, numberShort, false},
		{strings.Repeat("1", MaxNumber), MaxNumber, numberFine, true}, {strings.Repeat("1", MaxNumber+1), MaxNumber + 1, numberHuge, false},
		{strings.Repeat("1", MaxNumber) + "]", MaxNumber, numberFine, false},
	} {
		if n, fault := scanNumber(c.in); n != c.n || fault != c.fault {
			t.Errorf("%q: %d, %d; want %d, %d", c.in, n, fault, c.n, c.fault)
		}
		if got := checkNumber(c.in) == ""; got != c.wholeFine {
			t.Errorf("%q: fine is %v", c.in, got)
		}
	}
}
