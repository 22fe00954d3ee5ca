package mapper

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// call runs a function as an expression would.
func call(t rapid.TB, name string, args ...any) (any, error) {
	t.Helper()
	fn := newLanguageFunctions()[name]
	if fn == nil {
		t.Fatalf("there is no function %s", name)
	}
	return fn.apply(&frame{s: &session{ctx: &Context{}, zones: &zoneCache{}}}, args)
}

func newLanguageFunctions() map[string]*Function { return newLanguage().functions }

func TestIdsAndDecimalsStayExact(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, rowsFile("- {to: a, from: id}\n- {to: b, expr: it.id}\n- {to: c, from: id, convert: text}\n- {to: d, from: all}\n- {to: e, expr: '[it.id]'}"), Options{})
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`-?[1-9][0-9]{0,30}(\.[0-9]{1,12})?`).Draw(t, "number")
		n := json.Number(digits)
		out, err := p.Run(map[string]any{"id": n, "all": map[string]any{"x": []any{n}}}, Context{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"a": n, "b": n, "c": digits, "d": map[string]any{"x": []any{n}}, "e": []any{n}}
		if diff := cmp.Diff(want, out); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAllocateSumsExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64().Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64), 1, 20).Draw(t, "weights")
		list := make([]any, len(weights))
		sum := new(big.Int)
		for i, w := range weights {
			list[i] = w
			sum.Add(sum, big.NewInt(w))
		}
		got, err := call(t, "allocate", total, list)
		if err != nil {
			t.Fatal(err)
		}
		back := new(big.Int)
		for i, v := range got.([]any) {
			part := v.(int64)
			back.Add(back, big.NewInt(part))
			if sum.Sign() == 0 {
				continue
			}
			// A part is never further than one from its exact share.
			exact := new(big.Int).Mul(big.NewInt(total), big.NewInt(weights[i]))
			off := new(big.Int).Sub(new(big.Int).Mul(big.NewInt(part), sum), exact)
			if off.Abs(off).Cmp(sum) >= 0 {
				t.Fatalf("part %d of %v is %d", i, weights, part)
			}
		}
		if back.Cmp(big.NewInt(total)) != 0 {
			t.Fatalf("the parts sum to %v, not to %d", back, total)
		}
	})
}

func TestDecimalAndMinorRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minor, digits := rapid.Int64().Draw(t, "minor"), rapid.IntRange(0, 6).Draw(t, "digits")
		text, err := call(t, "decimal", minor, digits)
		if err != nil {
			t.Fatal(err)
		}
		back, err := call(t, "minor", text, digits)
		if err != nil || back != minor {
			t.Fatalf("%d is %v and comes back as %v: %v", minor, text, back, err)
		}
	})
}

func TestRoundingLineMendsTheTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "lines")
		digits := rapid.IntRange(0, 6).Draw(t, "digits")
		totals, qtys := make([]any, n), make([]any, n)
		var goal, sent int64
		for i := range n {
			total, qty := rapid.Int64Range(0, 1e9).Draw(t, "total"), rapid.Int64Range(1, 1e4).Draw(t, "qty")
			totals[i], qtys[i] = total, qty
			goal += total
			price, err := call(t, "unit_price", total, qty, digits)
			if err != nil {
				t.Fatal(err)
			}
			line, err := call(t, "line_amount", price, qty)
			if err != nil {
				t.Fatal(err)
			}
			sent += line.(int64)
		}
		gap, err := call(t, "rounding_gap", goal, totals, qtys, digits)
		if err != nil || sent+gap.(int64) != goal {
			t.Fatalf("%d + %v is not %d: %v", sent, gap, goal, err)
		}
	})
}

func TestTaxPartsSum(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		gross, bp := rapid.Int64().Draw(t, "gross"), rapid.IntRange(0, 10_000).Draw(t, "bp")
		net, err := call(t, "net_of_tax", gross, bp)
		if err != nil {
			t.Fatal(err)
		}
		tax, err := call(t, "tax_of", gross, bp)
		if err != nil || net.(int64)+tax.(int64) != gross {
			t.Fatalf("%v + %v is not %d: %v", net, tax, gross, err)
		}
	})
}

func TestRoundingModes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(-1e12, 1e12).Draw(t, "a")
		b := rapid.Int64Range(-1e6, 1e6).Filter(func(b int64) bool { return b != 0 }).Draw(t, "b")
		for _, mode := range roundings() {
			got, err := call(t, "div", a, b, mode)
			if err != nil {
				t.Fatal(err)
			}
			if want := divideByHand(a, b, rounding(mode)); got != want {
				t.Fatalf("div(%d, %d, %s) is %v, want %d", a, b, mode, got, want)
			}
		}
	})
}

// divideByHand rounds with whole numbers only.
func divideByHand(a, b int64, mode rounding) int64 {
	if b < 0 {
		a, b = -a, -b
	}
	low := a / b
	if a%b < 0 {
		low-- // the floor
	}
	rest := a - low*b // 0 <= rest < b
	if rest == 0 {
		return low
	}
	switch mode {
	case floor:
		return low
	case ceil:
		return low + 1
	case down:
		if a < 0 {
			return low + 1
		}
		return low
	case up:
		if a < 0 {
			return low
		}
		return low + 1
	}
	switch {
	case 2*rest < b:
		return low
	case 2*rest > b:
		return low + 1
	case mode == halfEven && low%2 == 0, mode == halfUp && a < 0:
		return low
	}
	return low + 1
}

func TestArithmeticIsExactOrFails(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		for op, exact := range map[string]*big.Int{
			opAdd: new(big.Int).Add(big.NewInt(a), big.NewInt(b)),
			opSub: new(big.Int).Sub(big.NewInt(a), big.NewInt(b)),
			opMul: new(big.Int).Mul(big.NewInt(a), big.NewInt(b)),
		} {
			got, err := operators()[op](json.Number(strconv.FormatInt(a, 10)), b)
			if exact.IsInt64() != (err == nil) || err == nil && got != exact.Int64() {
				t.Fatalf("%s of %d and %d is %v, %v; want %v", op, a, b, got, err, exact)
			}
		}
	})
}

func TestTimesRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sec := rapid.Int64Range(1, 4_000_000_000).Draw(t, "seconds")
		zone := rapid.SampledFrom([]string{"UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu"}).Draw(t, "zone")
		text, err := call(t, "from_unix", sec, zone)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := call(t, "unix", text); err != nil || back != sec {
			t.Fatalf("%d is %v and comes back as %v: %v", sec, text, back, err)
		}
		local, err := call(t, "time", text, "datetime", "Asia/Shanghai")
		if err != nil {
			t.Fatal(err)
		}
		utc, err := call(t, "parse_time", local, "datetime", "Asia/Shanghai")
		if err != nil {
			// In 1986 to 1991 China had summer time: an hour a year comes twice
			// and one never.
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, utc.(string))
		if d := at.Unix() - sec; err != nil || d != 0 && d != 3600 && d != -3600 {
			t.Fatalf("%v comes back as %v: %v", local, utc, err)
		}
	})
}

func TestPhonesRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`1[3-9][0-9]{9}(-[0-9]{1,6})?`).Draw(t, "number")
		e164, err := call(t, "phone_e164", number)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := call(t, "phone_cn", e164); err != nil || back != number {
			t.Fatalf("%s is %v and comes back as %v: %v", number, e164, back, err)
		}
	})
}

func TestShortenNeverBreaksCharacters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, n := rapid.String().Draw(t, "text"), rapid.IntRange(0, 20).Draw(t, "n")
		got, err := call(t, "shorten_bytes", s, n)
		if err != nil {
			t.Fatal(err)
		}
		cut := got.(string)
		if len(cut) > n && cut != s || !strings.HasPrefix(s, cut) || strings.ToValidUTF8(s, "") == s && strings.ToValidUTF8(cut, "") != cut {
			t.Fatalf("%q cut to %d is %q", s, n, cut)
		}
		if _, err := call(t, "limit", s, n); (err == nil) != (len([]rune(s)) <= n) {
			t.Fatalf("limit of %q to %d: %v", s, n, err)
		}
	})
}

func TestConcurrentRunsEqualSequentialOnes(t *testing.T) {
	t.Parallel()
	p, base := benchOrder(t)
	in := make([]any, 50)
	want := make([]any, len(in))
	for i := range in {
		doc := make(map[string]any, len(base))
		for k, v := range base {
			doc[k] = v
		}
		doc["order_no"] = strconv.Itoa(i)
		if i%7 == 0 {
			doc["placed_at"] = "no time" // some runs fail
		}
		in[i] = doc
		want[i] = resultOf(p, doc, i)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range in {
				if diff := cmp.Diff(want[i], resultOf(p, in[i], i)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
	wg.Wait()
}

func resultOf(p *Program, in any, i int) any {
	out, err := p.Run(in, Context{Key: "k" + strconv.Itoa(i)})
	var es *RunErrors
	if errors.As(err, &es) {
		return es.Error()
	}
	return out
}
