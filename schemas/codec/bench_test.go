package codec

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"testing"
)

// order is an invented shop order of three lines, about 2.4 KB.
//
//go:embed testdata/order.json
var order []byte

func BenchmarkDecode(b *testing.B) {
	b.SetBytes(int64(len(order)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(order); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeStandard is the yardstick: encoding/json with UseNumber, without the guards.
func BenchmarkDecodeStandard(b *testing.B) {
	b.SetBytes(int64(len(order)))
	b.ReportAllocs()
	for b.Loop() {
		dec := json.NewDecoder(bytes.NewReader(order))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	v, err := Decode(order)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeStandard(b *testing.B) {
	v, err := Decode(order)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(v); err != nil {
			b.Fatal(err)
		}
	}
}
