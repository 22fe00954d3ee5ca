package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/errgroup"

	"github.com/minihub/minihub/cmd/minihub/internal/porttest"
	"github.com/minihub/minihub/cmd/minihub/internal/sims"
	"github.com/minihub/minihub/cmd/minihub/internal/starter"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

// trytonEdition says how long TestRealTryton is; MINIHUB_TRYTON=long runs the whole.
type trytonEdition struct {
	orders int
	rounds int // each of them is one kill of every kind
	perSec float64
	settle string
	drain  time.Duration
}

func trytonEditionOf(t testing.TB) trytonEdition {
	if os.Getenv("MINIHUB_TRYTON") == "long" {
		return trytonEdition{orders: 150, rounds: 2, perSec: 12, settle: "1", drain: 15 * time.Minute}
	}
	if testing.Short() {
		t.Skip("kills a real process several times; -short leaves it out")
	}
	return trytonEdition{orders: 12, rounds: 1, perSec: 12, settle: "0.02", drain: 2 * time.Minute}
}

// backEndSKU is how the deployment translates the articles of the shop: the real server
// has three.
var backEndSKU = map[string]string{
	"SKU-TEA-100": "SKU-TEA-100", "TEE-RED-M": "SKU-TEA-100", "TEE-RED-L": "SKU-TEA-100",
	"SKU-MUG-01": "SKU-MUG-01", "TEE-BLU-M": "SKU-MUG-01", "SKU-GIFT-XL": "SKU-MUG-01",
	"SKU-BAG-07": "SKU-BAG-07", "SKU-NOTE-A5": "SKU-BAG-07",
}

// TestRealTryton books orders of three discounted lines with freight in a real Tryton,
// kills the hub between the steps of a sale, and asks the server afterwards. It needs
// TRYTON_URL and TRYTON_PASSWORD (and TRYTON_DATABASE and TRYTON_USERNAME where they are
// not tryton and admin); the data must have the products named in backEndSKU, CNY and
// the tax "VAT 13%".
func TestRealTryton(t *testing.T) {
	ed := trytonEditionOf(t)
	server := dialTryton(t)
	w := newTrytonWorld(t, ed, server)
	w.run()
	w.mustBeBooked()
}

type trytonWorld struct {
	*killWorld
	ed     trytonEdition
	code   string // of the store, new in every run: it begins every reference
	server *trytonServer
	proxy  *trytonProxy
}

func newTrytonWorld(t testing.TB, ed trytonEdition, server *trytonServer) *trytonWorld {
	t.Helper()
	world, err := sims.Start(sims.Options{Seed: 7, LimitsX: 1, Members: 20,
		PushWaits: []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = world.Close() })
	w := &trytonWorld{killWorld: &killWorld{t: t, sims: world}, ed: ed, server: server,
		code: "rt" + strconv.FormatInt(time.Now().UnixNano(), 36), proxy: &trytonProxy{target: server.url}}
	front := httptest.NewServer(w.proxy)
	t.Cleanup(front.Close)
	dir := filepath.Join(t.TempDir(), "hub")
	intake := porttest.Free()
	start := time.Now().Add(-time.Hour).Format(time.RFC3339)
	if err := starter.ForWorld(dir, world, starter.WorldOptions{Start: start, LimitsX: 1, Log: "warn", Intake: intake}); err != nil {
		t.Fatal(err)
	}
	w.cut(dir, front.URL)
	w.hub = &process{t: t, binary: buildHub(t, ""), dir: dir, args: []string{"--settle-x", ed.settle}}
	w.proxy.kill = w.hub.killNow
	t.Cleanup(w.hub.stop)
	w.hub.start()
	if err := world.ShopA.Subscribe(t.Context(), "http://"+intake+"/in/shop-a"); err != nil {
		t.Fatal(err)
	}
	return w
}

// cut leaves of a deployment one shop, and the real ERP behind the proxy.
func (w *trytonWorld) cut(dir, erpURL string) {
	w.t.Helper()
	for _, name := range []string{"shop-b", "oms", "wms", "crm", "sf", "events"} {
		remove(w.t, filepath.Join(dir, "connections", name+".yaml"))
	}
	for _, name := range []string{"after_sales", "members"} {
		remove(w.t, filepath.Join(dir, "flows", name+".yaml"))
	}
	edit(w.t, filepath.Join(dir, "connections", "shop-a.yaml"), `code: "shop-a"`, "code: "+w.code)
	writeYAML(w.t, filepath.Join(dir, "connections", "erp.yaml"), map[string]any{"connection": "erp", "connector": "tryton",
		"config": map[string]any{"base_url": erpURL, "database": w.server.database, "username": w.server.username,
			"password": "${file:secrets/erp_password}", "store": w.code}})
	keep(w.t, filepath.Join(dir, "secrets", "erp_password"), []byte(w.server.password))
	writeYAML(w.t, filepath.Join(dir, "jobs.yaml"), map[string]any{"jobs": []any{
		map[string]any{"job": "pull-orders", "every": "@every 3s", "pull": []string{"*.orders"}},
		map[string]any{"job": "sweep", "every": "@every 1m", "sweep": true}}})
	writeYAML(w.t, filepath.Join(dir, "lookups", "skus.yaml"), map[string]any{"table": "skus", "entries": backEndSKU})

	file := filepath.Join(dir, "flows", "orders.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	var flow map[string]any
	if err := yaml.Unmarshal(b, &flow); err != nil {
		w.t.Fatal(err)
	}
	steps := slices.DeleteFunc(flow["to"].([]any), func(s any) bool {
		return !strings.HasPrefix(s.(map[string]any)["operation"].(string), "erp.")
	})
	if len(steps) == 0 {
		w.t.Fatal("the shipped flow has no steps for the ERP")
	}
	flow["to"] = steps
	writeYAML(w.t, file, flow)
}

func remove(t testing.TB, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

func keep(t testing.TB, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeYAML(t testing.TB, file string, v any) {
	t.Helper()
	b, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, file, b)
}

// run sells, kills the hub at every step of a sale, and lets it finish.
func (w *trytonWorld) run() {
	begun := time.Now()
	var sold errgroup.Group
	sold.Go(w.sell)
	kills := len(trytonShots) * w.ed.rounds
	for i := range kills {
		shot := trytonShots[i%len(trytonShots)]
		w.proxy.arm(shot, (i+1)*w.ed.orders/(kills+1))
		sale, err := w.proxy.hit(w.ed.drain)
		if err != nil {
			w.t.Fatalf("%s: %v\n%s", shot.name, err, w.hub.tail())
		}
		<-w.hub.ended
		// The server goes on with what it was asked before the kill. A hub with its waits cut
		// short must not ask before that is done.
		if err := w.proxy.quiet(time.Minute); err != nil {
			w.t.Fatal(err)
		}
		state := w.server.stateOf(sale)
		w.t.Logf("killed: %s (sale %s in state %s)", shot.name, sale, state)
		if state != shot.state {
			w.t.Errorf("%s: the sale %s is in state %s, want %s", shot.name, sale, state, shot.state)
		}
		w.hub.start()
	}
	if err := sold.Wait(); err != nil {
		w.t.Fatalf("selling: %v", err)
	}
	w.runJob("pull-orders")
	rows := w.hub.drain(w.ed.drain)
	w.t.Logf("%d orders under %d kills in %s, at most %.1f sales a second:%s", w.ed.orders, w.hub.kills,
		time.Since(begun).Round(time.Second), w.proxy.best(5*time.Second), compact(rows))
}

// sell places and pays orders of three articles with freight and two coupons.
func (w *trytonWorld) sell() error {
	shop, rng := w.sims.ShopA, rand.New(rand.NewPCG(3, 4))
	pace := time.NewTicker(time.Duration(float64(time.Second) / w.ed.perSec))
	defer pace.Stop()
	codes := slices.Sorted(maps.Keys(backEndSKU))
	for range w.ed.orders {
		select {
		case <-pace.C:
		case <-w.t.Context().Done():
			return w.t.Context().Err()
		}
		spec := wechatshopsim.OrderSpec{FreightFen: 601 + rng.Int64N(900), StoreCoupon: 101 + rng.Int64N(900), PlatformCoupon: 101 + rng.Int64N(700)}
		for _, i := range rng.Perm(len(codes))[:3] {
			spec.Lines = append(spec.Lines, wechatshopsim.LineSpec{SKUCode: codes[i], Qty: 1 + rng.Int64N(7)})
		}
		id, err := shop.PlaceOrder(spec)
		if err != nil {
			return err
		}
		if err := shop.Pay(id); err != nil {
			return err
		}
	}
	return nil
}

// mustBeBooked compares the shop's orders with the sales of the server.
func (w *trytonWorld) mustBeBooked() {
	w.t.Helper()
	sold := map[string]wechatshopsim.SoldOrder{}
	for _, o := range w.sims.ShopA.Sold() {
		sold[w.code+"-"+o.OrderID] = o
	}
	sales := w.server.salesOf(w.code)
	if len(sold) != w.ed.orders || len(sales) != w.ed.orders {
		w.t.Errorf("%d orders sold and %d sales in the ERP, want %d of both", len(sold), len(sales), w.ed.orders)
	}
	var total, tax, rounded int64
	there := map[string]int{}
	for _, s := range sales {
		there[s.Reference]++
		o, ok := sold[s.Reference]
		if !ok {
			w.t.Errorf("sale %s: nobody sold it", s.Reference)
			continue
		}
		for _, wrong := range s.wrong(o) {
			w.t.Errorf("sale %s: %s", s.Reference, wrong)
		}
		total, tax = total+s.Total.fen, tax+s.Tax.fen
		if s.roundingFen() != 0 {
			rounded++
		}
	}
	for key := range sold {
		if there[key] != 1 {
			w.t.Errorf("order %s has %d sales, want 1", key, there[key])
		}
	}
	if w.t.Failed() {
		for _, line := range w.hub.parked() {
			w.t.Log(line)
		}
	}
	w.t.Logf("%d sales over %d fen, of which tax %d; %d with a rounding line", len(sales), total, tax, rounded)
}

// wrong says what of a sale is not as the shop sold it.
func (s *trytonSale) wrong(o wechatshopsim.SoldOrder) (out []string) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	check(s.State == "processing", "in state %s", s.State)
	check(o.DiscountFen > 0 && o.FreightFen > 0, "the order has no discount or no freight")
	check(s.Total.fen == o.TotalFen, "total of %d fen, the buyer paid %d", s.Total.fen, o.TotalFen)
	check(s.Untaxed.fen+s.Tax.fen == s.Total.fen, "%d fen and tax of %d do not make %d", s.Untaxed.fen, s.Tax.fen, s.Total.fen)
	check(within(s.Tax.fen*113, o.TotalFen*13, 113*2), "tax of %d fen is not 13/113 of %d", s.Tax.fen, o.TotalFen)
	check(len(s.invoices) == 1, "%d invoices, want 1", len(s.invoices))
	for _, v := range s.invoices {
		check(v.Total.fen == o.TotalFen, "an invoice of %d fen, the buyer paid %d", v.Total.fen, o.TotalFen)
	}
	var goods, freight []trytonLine
	var sum int64
	for _, l := range s.lines {
		sum += l.Amount.fen
		switch {
		case l.Product != nil:
			goods = append(goods, l)
		case l.Text == "运费":
			freight = append(freight, l)
		}
	}
	check(sum == s.Untaxed.fen, "lines of %d fen, untaxed amount of %d", sum, s.Untaxed.fen)
	check(within(s.roundingFen(), 0, 3), "a rounding line of %d fen", s.roundingFen())
	check(len(freight) == 1 && within(freight[0].Amount.fen*113, o.FreightFen*100, 113), "freight %+v, the buyer paid %d fen", freight, o.FreightFen)
	if len(goods) != 3 || len(o.Lines) != 3 {
		check(false, "%d lines of goods, %d sold, want 3", len(goods), len(o.Lines))
		return out
	}
	for i, l := range o.Lines {
		check(l.DiscountFen > 0, "line %d has no discount", i)
		check(goods[i].Product.Code == backEndSKU[l.SKUCode] && goods[i].Quantity.String() == fmt.Sprintf("%d.0", l.Qty),
			"line %d is %s × %s, sold %d of %s", i, goods[i].Quantity, goods[i].Product.Code, l.Qty, l.SKUCode)
		check(within(goods[i].Amount.fen*113, l.PaidFen*100, 113), "line %d over %d fen without tax, the buyer paid %d", i, goods[i].Amount.fen, l.PaidFen)
	}
	return out
}

func (s *trytonSale) roundingFen() (fen int64) {
	for _, l := range s.lines {
		if l.Product == nil && l.Text != "运费" {
			fen += l.Amount.fen
		}
	}
	return fen
}

func within(a, b, tolerance int64) bool { return max(a-b, b-a) <= tolerance }
