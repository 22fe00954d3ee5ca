package manifest

import "testing"

func BenchmarkLoad(b *testing.B) {
	src := file(b, "testdata/jushuitan.yaml")
	for b.Loop() {
		if _, problems := Load("jushuitan.yaml", src); problems != nil {
			b.Fatal(problems)
		}
	}
}
