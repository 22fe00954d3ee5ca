package schemas

import (
	_ "embed"
	"testing"
)

// threeLines is an invented canonical order of three lines, as a shop order gives it.
//
//go:embed testdata/order.json
var threeLines string

func BenchmarkValidateOrder(b *testing.B) {
	s, doc := builtinSchema(b, "canonical/order"), decode(b, threeLines)
	if v := s.Validate(doc); len(v) > 0 {
		b.Fatal(v)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Validate(doc)
	}
}

// BenchmarkValidateOrderByLibrary is the yardstick: the way every violation goes.
func BenchmarkValidateOrderByLibrary(b *testing.B) {
	s, doc := builtinSchema(b, "canonical/order"), decode(b, threeLines)
	b.ReportAllocs()
	for b.Loop() {
		s.validate(doc)
	}
}

func BenchmarkSearchKeys(b *testing.B) {
	s, doc := builtinSchema(b, "canonical/order"), decode(b, threeLines)
	b.ReportAllocs()
	for b.Loop() {
		s.SearchKeys(doc)
	}
}

func BenchmarkPII(b *testing.B) {
	s, doc := builtinSchema(b, "canonical/order"), decode(b, threeLines)
	b.ReportAllocs()
	for b.Loop() {
		s.PII(doc)
	}
}

func BenchmarkMask(b *testing.B) {
	s, doc := builtinSchema(b, "canonical/order"), decode(b, threeLines)
	b.ReportAllocs()
	for b.Loop() {
		s.Mask(doc)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}
