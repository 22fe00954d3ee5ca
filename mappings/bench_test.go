package mappings_test

import (
	"os"
	"testing"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
)

// The shipped mappings over the case of the fullest order: three lines, presale, coupons.
func BenchmarkShipped(b *testing.B) {
	_, shapes := schemaSet(b)
	set, err := mappings.Load(mappings.Options{Shapes: shapes})
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct{ name, file string }{
		{"order-in", "wechatshop/cases/order-presale-three-lines.txtar"},
		{"jushuitan-out", "jushuitan/cases/order-presale-three-lines.txtar"},
		{"qimen-out", "qimen/cases/delivery-presale-three-lines.txtar"},
		{"tryton-out", "tryton/cases/sale-presale-three-lines.txtar"},
	} {
		b.Run(bench.name, func(b *testing.B) { benchCase(b, set, bench.file) })
	}
}

// The whole order as an event, which copies it or, shared, does not.
func BenchmarkShippedEvent(b *testing.B) {
	_, shapes := schemaSet(b)
	set, err := mappings.Load(mappings.Options{Shapes: shapes})
	if err != nil {
		b.Fatal(err)
	}
	c := readCase(b, "jushuitan/cases/order-presale-three-lines.txtar")
	c.Mapping, c.Context.Key = "webhook/out/order.yaml", "shop-a-1"
	b.Run("copied", func(b *testing.B) { runBench(b, set, c, (*mapper.Program).Run) })
	b.Run("shared", func(b *testing.B) { runBench(b, set, c, (*mapper.Program).RunSharing) })
}

func benchCase(b *testing.B, set *mappings.Set, file string) {
	b.Helper()
	runBench(b, set, readCase(b, file), (*mapper.Program).Run)
}

func readCase(b *testing.B, file string) *mappings.Case {
	b.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	c, err := mappings.ReadCase(file, data)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func runBench(b *testing.B, set *mappings.Set, c *mappings.Case, run func(*mapper.Program, any, mapper.Context) (any, error)) {
	b.Helper()
	p, err := set.Program(c.Mapping)
	if err != nil {
		b.Fatal(err)
	}
	ctx := c.Context
	ctx.Lookups = nil
	b.ReportAllocs()
	for b.Loop() {
		if _, err := run(p, c.Input, ctx); err != nil {
			b.Fatal(err)
		}
	}
}
