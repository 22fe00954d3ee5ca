package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/sims"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/mappings"
)

// run plays a demo and closes it at the end of the test.
func run(t *testing.T, opt Options) *Demo {
	t.Helper()
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	opt.Registry, opt.Seed = registry, 1
	if opt.LimitsX == 0 {
		opt.LimitsX = 20
	}
	if opt.Wait == 0 {
		opt.Wait = time.Minute
	}
	d, err := Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestEveryTargetHoldsEveryDocumentOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := run(t, Options{Orders: 60, Members: 20, Out: &out})
	r := &d.Result
	if !r.OK || r.Problem != "" {
		t.Fatalf("not equal: %s %+v\n%s", r.Problem, r.Differences, out.String())
	}
	// 60 orders, four planted and two unpaid ones; 20 members each and one who joined late.
	if r.Orders != 66 || r.Members != 42 {
		t.Errorf("%d orders and %d members, want 66 and 42", r.Orders, r.Members)
	}
	for target, least := range map[string]int{"oms.order": 50, "erp.sale": 50, "sf.order": 45, "wms.delivery_order": 45, "crm.transaction": 65,
		"crm.contact": 42, "erp.party": 42, "events.order": 65, "crm.refund": 6, "oms.after_sale": 4, "events.after_sale": 6} {
		if c := r.Targets[target]; c == nil || c.Present < least {
			t.Errorf("%s: %+v, want at least %d documents", target, c, least)
		}
	}
	if r.Parked < 4 || r.Replayed < 4 {
		t.Errorf("%d rows needed a person and %d went on, want at least 4 of both", r.Parked, r.Replayed)
	}
	if len(r.Excluded) != 1 {
		t.Errorf("left out: %v; want the order with the unknown status", r.Excluded)
	}
	for _, text := range []string{"TARGET", "wms.delivery_order", "equal: every target", "unknown_status"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("the output has no %q:\n%s", text, out.String())
		}
	}
	// Two shops use the same numbers, or the demo proves less than it says.
	numbers := map[string]bool{}
	for _, o := range d.world.ShopA.Sold() {
		numbers[o.OrderID] = true
	}
	same := 0
	for _, o := range d.world.ShopB.Sold() {
		if numbers[o.OrderID] {
			same++
		}
	}
	if same < 30 {
		t.Errorf("the shops share %d order numbers, want at least 30", same)
	}
}

func TestTheResultAsJSON(t *testing.T) {
	t.Parallel()
	d := run(t, Options{Orders: 2, Members: 1, NoBad: true})
	b, err := json.Marshal(&d.Result)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"orders", "members", "seconds", "targets", "parked", "replayed", "ok", "limits_x", "differences"} {
		if _, ok := got[name]; !ok {
			t.Errorf("no %q in %s", name, b)
		}
	}
	target, ok := got["targets"].(map[string]any)["oms.order"].(map[string]any)
	if !ok {
		t.Fatalf("no oms.order in %s", b)
	}
	for _, name := range []string{"expected", "present", "missing", "duplicate", "different"} {
		if _, ok := target[name].(float64); !ok {
			t.Errorf("no %q in %v", name, target)
		}
	}
	if got["ok"] != true {
		t.Errorf("not ok: %s", b)
	}
}

// A mapping, a signature and a dedupe are spoilt, one at a time; each must be seen.
func TestWhatIsWrongIsSeen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opt    Options
		target string
		wrong  func(missing, duplicate, different int) bool
	}{
		"a mapping drops the freight": {Options{Before: dropFreight}, "oms.order", func(_, _, different int) bool { return different > 0 }},
		"a connection signs with the wrong secret": {Options{Before: wrongSecret, Stuck: 3 * time.Second}, "wms.delivery_order",
			func(missing, _, _ int) bool { return missing > 0 }},
		"a target takes an event twice": {Options{NoDedupe: true, Before: sendTwice}, "events.order", func(_, duplicate, _ int) bool { return duplicate > 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.opt.Orders, c.opt.Members, c.opt.NoBad = 12, 3, true
			r := run(t, c.opt).Result
			n := r.Targets[c.target]
			if r.OK || n == nil || !c.wrong(n.Missing, n.Duplicate, n.Different) {
				t.Fatalf("ok %v, %s %+v, %+v", r.OK, c.target, n, r.Differences)
			}
			for target, n := range r.Targets {
				if target != c.target && n.Missing+n.Duplicate+n.Different > 0 {
					t.Errorf("%s is blamed as well: %+v", target, n)
				}
			}
		})
	}
}

func dropFreight(dir string, _ *sims.World) error {
	const name = "jushuitan/out/order.yaml"
	b, err := fs.ReadFile(mappings.Shipped(), name)
	if err != nil {
		return err
	}
	row := regexp.MustCompile(`\{ to: freight, .* \}`)
	if !row.Match(b) {
		return fmt.Errorf("%s has no row for the freight", name)
	}
	file := filepath.Join(dir, "mappings", name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, row.ReplaceAll(b, []byte("{ to: freight, value: 0 }")), 0o644)
}

func wrongSecret(dir string, _ *sims.World) error {
	return os.WriteFile(filepath.Join(dir, "secrets", "wms_secret"), []byte("not-the-secret"), 0o600)
}

func sendTwice(_ string, w *sims.World) error {
	_, err := w.Faults.Add(simkit.Fault{System: "webhook", Call: "hook", Kind: simkit.Duplicate, Skip: 5, Count: 1})
	return err
}

// At the vendor's true limits the hub keeps within them by itself.
func TestTrueLimitsAreKept(t *testing.T) {
	t.Parallel()
	d := run(t, Options{Orders: 12, Members: 2, LimitsX: 1, NoBad: true})
	if !d.Result.OK {
		t.Fatalf("not equal: %s %+v", d.Result.Problem, d.Result.Differences)
	}
	var record struct {
		Calls []simkit.CallCount `json:"calls"`
	}
	b, err := json.Marshal(d.world.OMS.Record())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &record); err != nil {
		t.Fatal(err)
	}
	worked := 0
	for _, c := range record.Calls {
		worked += c.Worked
		if c.RateLimited > 0 {
			t.Errorf("%s was over the limit %d times", c.Call, c.RateLimited)
		}
	}
	if worked == 0 {
		t.Error("no call reached the OMS")
	}
}

func TestOptionsThatMakeNoDemo(t *testing.T) {
	t.Parallel()
	for _, opt := range []Options{{Members: 1, LimitsX: 1}, {Orders: 1, LimitsX: 1}, {Orders: 1, Members: 1}} {
		if _, err := Run(t.Context(), opt); err == nil {
			t.Errorf("%+v was played", opt)
		}
	}
}

func TestWordsFollowTheLanguage(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{"zh_CN.UTF-8": "目标", "zh": "目标", "en_US.UTF-8": "TARGET", "C": "TARGET", "": "TARGET"} {
		if got := wordsOf(language).header; !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, want it to begin with %q", language, got, want)
		}
	}
}
