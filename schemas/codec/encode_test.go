package codec

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type line struct {
	SKU   string `json:"sku"`
	Qty   int64  `json:"qty"`
	Price any    `json:"price,omitempty"`
}

func TestEncodeIsDeterministicAndExact(t *testing.T) {
	got, err := Encode(map[string]any{
		"z": json.Number("1823.10"), "a": []any{nil, true, int64(math.MinInt64), uint64(math.MaxUint64), 7, int8(-1)},
		"html": "<a href=\"x\">&\u2028</a>", "ctl": "\x01\t\\", "big": json.Number("9007199254740993"),
		"typed": line{SKU: "TEE", Qty: 2}, "list": []string{"b", "a"}, "raw": json.RawMessage(`{"k": 1.00}`),
		"at": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"a":[null,true,-9223372036854775808,18446744073709551615,7,-1],"at":"2026-01-02T03:04:05Z","big":9007199254740993,` +
		`"ctl":"\u0001\t\\","html":"<a href=\"x\">&` + "\u2028" + `</a>","list":["b","a"],"raw":{"k":1.00},"typed":{"qty":2,"sku":"TEE"},"z":1823.10}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEncodeRefuses(t *testing.T) {
	deep := any("x")
	for range MaxDepth + 1 {
		deep = []any{deep}
	}
	loop := map[string]any{}
	loop["a/b"] = loop
	f := 1.5
	cases := []struct {
		name    string
		in      any
		code    string
		pointer string
	}{
		{"float64", map[string]any{"a": []any{1, 1.5}}, CodeFloat, "/a/1"},
		{"float32", float32(1), CodeFloat, ""},
		{"float in a struct", []any{line{Price: 1.0}}, CodeFloat, "/0"},
		{"float behind a pointer", map[string]*float64{"x": &f}, CodeFloat, ""},
		{"float slice", []float64{1}, CodeFloat, ""},
		{"number that is none", map[string]any{"n": json.Number("1,5")}, CodeNumber, "/n"},
		{"empty number", json.Number(""), CodeNumber, ""},
		{"empty number in a struct", line{Price: json.Number("")}, CodeNumber, ""},
		{"number with an exponent too far", json.Number("1e999"), CodeNumber, ""},
		{"NUL", map[string]any{"a": "b\x00"}, CodeNUL, "/a"},
		{"NUL in a struct", line{SKU: "\x00"}, CodeNUL, ""},
		{"broken UTF-8", []any{"\xff"}, CodeUTF8, "/0"},
		{"broken UTF-8 in a struct", line{SKU: "\xff"}, CodeUTF8, ""},
		{"too deep", deep, CodeDepth, strings.Repeat("/0", MaxDepth)},
		{"endless", loop, CodeDepth, strings.Repeat("/a~1b", MaxDepth)},
		{"a channel", make(chan int), CodeType, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Encode(c.in)
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code || e.Pointer != c.pointer {
				t.Errorf("got %v, want %s at %q", err, c.code, c.pointer)
			}
		})
	}
}

func TestTreeOfATypedValue(t *testing.T) {
	got, err := Tree([]line{{SKU: "A", Qty: 1 << 60}})
	if err != nil {
		t.Fatal(err)
	}
	want := []any{map[string]any{"sku": "A", "qty": json.Number("1152921504606846976")}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if IsTree(map[string]any{"a": []any{1}}) || !IsTree(want) {
		t.Error("IsTree must refuse Go integers and accept trees")
	}
}

func TestUnmarshalKeepsValuesOutOfItsErrors(t *testing.T) {
	var l line
	if err := Unmarshal([]byte(`{"sku":"A","qty":2,"price":1.10}`), &l); err != nil {
		t.Fatal(err)
	}
	if l.Price != json.Number("1.10") {
		t.Errorf("price %v", l.Price)
	}
	err := Unmarshal([]byte("{\"sku\":\"A\",\n \"qty\":13800001111.5}"), &l)
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeType || e.Line != 2 || strings.Contains(err.Error(), "13800001111") {
		t.Errorf("got %v", err)
	}
}

func TestLocate(t *testing.T) {
	doc := []byte("{\n  \"a\": [1, {\"b~/c\": \"x\"}],\n  \"d\": \"e\"\n}")
	for pointer, want := range map[string][2]int{
		"": {1, 1}, "/a": {2, 3}, "/a/0": {2, 9}, "/a/1": {2, 12}, "/a/1/b~0~1c": {2, 13}, "/d": {3, 3},
		"/d/x": {3, 3}, "/a/7": {2, 3}, "/nope": {1, 1},
	} {
		if l, c := Locate(doc, pointer); l != want[0] || c != want[1] {
			t.Errorf("%q: got %d:%d, want %d:%d", pointer, l, c, want[0], want[1])
		}
	}
}

// tree draws any tree that Encode must accept.
func tree(depth int) *rapid.Generator[any] {
	text := rapid.StringMatching(`[ -~张三é😀\n\t]{0,30}`)
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?`)
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 6
		if depth == 0 {
			kinds = 4
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return text.Draw(t, "text")
		case 3:
			return json.Number(number.Draw(t, "number"))
		case 4:
			return rapid.SliceOfN(tree(depth-1), 0, 5).Draw(t, "list")
		default:
			return rapid.MapOfN(text, tree(depth-1), 0, 5).Draw(t, "object")
		}
	})
}

func TestDecodeOfEncodeIsTheSameTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := tree(4).Draw(t, "tree")
		b, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
		again, err := Encode(got)
		if err != nil || string(again) != string(b) {
			t.Fatalf("second encoding differs: %s, %v", again, err)
		}
	})
}
