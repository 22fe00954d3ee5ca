package sqlledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/ledgertest"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

func TestModel(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		ledgertest.RunModel(t, func(t *testing.T) ledger.Ledger { return st.open(t) })
	})
}

// guards lists the guards of the store as its source names them.
func guards(t *testing.T) []string {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.guard\("([a-z.]+)"`).FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	if len(names) < 20 {
		t.Fatalf("only %d guards found: %v", len(names), names)
	}
	return slices.Compact(names)
}

// TestMutations takes away one guard after another: the model must notice each.
func TestMutations(t *testing.T) {
	if underRace {
		t.Skip("missing guards are no races: they are looked for in a run without the detector")
	}
	eachStore(t, func(t *testing.T, st store) {
		for _, guard := range guards(t) {
			t.Run(guard, func(t *testing.T) {
				s, err := sqlledger.OpenBroken(t.Context(), sqlledger.Options{URL: st.url, Secret: secret}, guard)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if err := tryModel(t.Context(), s, guard, 400); err == nil {
					t.Errorf("without %s the model still holds", guard)
				}
			})
		}
	})
}

// tryModel runs the model with fixed seeds until it fails.
func tryModel(ctx context.Context, l ledger.Ledger, prefix string, runs uint64) error {
	for seed := range runs {
		random := rand.New(rand.NewPCG(seed, 0))
		pick := func(_ string, n int) int { return random.IntN(n) }
		if err := ledgertest.Model(ctx, l, fmt.Sprintf("%s-%d", prefix, seed), pick, 40); err != nil {
			return err
		}
	}
	return nil
}
