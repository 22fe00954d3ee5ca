package canonical

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/minihub/minihub/schemas/iso4217"
)

func TestMoneyIsWrittenExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Money{Minor: rapid.Int64().Draw(t, "minor"), Currency: rapid.SampledFrom([]string{"CNY", "JPY", "KWD", "CLF"}).Draw(t, "currency")}
		want := decimal.New(m.Minor, -int32(iso4217.Digits(m.Currency))).StringFixed(int32(iso4217.Digits(m.Currency)))
		if got, ok := strings.CutSuffix(m.String(), " "+m.Currency); !ok || got != want {
			t.Fatalf("%d is written %q, want %s", m.Minor, m.String(), want)
		}
	})
}
