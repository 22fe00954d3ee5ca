package sqlledger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// order is an invented document of about 2.4 KB.
func order(n int64) []byte {
	type line struct {
		SKU, Title, Image, Attributes string
		Qty, Price, RealPrice         int64
		ID                            string
	}
	doc := map[string]any{"order_id": fmt.Sprintf("37%014d", n), "status": 20, "create_time": 1767000000 + n, "update_time": 1767000100 + n,
		"openid": fmt.Sprintf("oTEST%022d", n*7919), "pay": map[string]any{"transaction_id": fmt.Sprintf("42000%023d", n*104729), "fee": 182305},
		"address": map[string]any{"name": "测试", "province": "广东省", "city": "广州市", "county": "海珠区",
			"detail": fmt.Sprintf("新港中路%d号", n%1000), "phone": fmt.Sprintf("1380000%04d", n%10000)}}
	var lines []line
	for i := range int64(5) {
		lines = append(lines, line{SKU: fmt.Sprintf("SKU-%06d", (n*31+i*17)%100000), Title: "测试商品 夏季新款 短袖 T 恤 宽松 纯棉", ID: fmt.Sprint(n*10 + i),
			Image: fmt.Sprintf("https://img.invalid/mall/%032x/0", n*1000003+i), Attributes: "颜色:白色;尺码:XL;季节:夏季", Qty: 1 + i,
			Price: 9900 + n%977, RealPrice: 8900 + n%977})
	}
	doc["lines"] = lines
	doc["ext"] = map[string]any{"scene": 1011, "share": false, "notes": "请尽快发货，谢谢。" + fmt.Sprintf("%064x", n*2654435761), "tags": []string{"vip", "new", "gift"}}
	b, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return b
}

// oneOrder takes an order through its three commits.
func oneOrder(ctx context.Context, l ledger.Ledger, n int64, body []byte) error {
	key := fmt.Sprintf("37%014d", n)
	it := &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: 1767000100 + n, FetchedAt: time.Now(), Body: body}
	if err := l.Commit(ctx, &ledger.Intake{Connection: "shop-a", Stream: "orders", Items: []*ledger.IntakeItem{it}}); err != nil {
		return err
	}
	d := &ledger.NewDelivery{Flow: "orders", Step: "erp", Connection: "erp", Operation: "order.push", RemoteKey: "A-" + key, State: ledger.Ready,
		Claim: true, Payload: body[:1200], MapVersion: "m1"}
	r := &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Label: key, Deliveries: []*ledger.NewDelivery{d}, Keys: []ledger.SearchKey{
		{Kind: "order_no", Value: key}, {Kind: "transaction_id", Value: fmt.Sprintf("42000%023d", n*104729)},
		{Kind: "phone", Value: fmt.Sprintf("1380%07d", n)}, {Kind: "member_no", Value: fmt.Sprintf("M%08d", n%50000)},
		{Kind: "remote_key", Value: "A-" + key}}} // a phone is two keys
	if err := l.Commit(ctx, r); err != nil {
		return err
	}
	now := time.Now()
	s := &ledger.Settle{Delivery: d.ID, From: []ledger.State{ledger.Ready}, To: ledger.Delivered, CountTry: true,
		Attempt: &ledger.Attempt{Kind: "send", StartedAt: now, EndedAt: now, Code: "ok", Body: body[:600]},
		Link: &ledger.LinkChange{Connection: "erp", Operation: "order.push", RemoteKey: "A-" + key, Applied: true, Version: it.Version,
			RemoteIDs: []ledger.RemoteID{{Kind: "id", Value: fmt.Sprint(n)}}}}
	if err := l.Commit(ctx, s); err != nil {
		return err
	}
	if !r.Applied || !s.Applied {
		return fmt.Errorf("order %d: routed %v, settled %v", n, r.Applied, s.Applied)
	}
	return nil
}

func benchOrders(b *testing.B, st store, callers int) {
	s := st.open(b)
	ctx := b.Context()
	bodies := make([][]byte, 4096)
	for i := range bodies {
		bodies[i] = order(int64(i))
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				if err := oneOrder(ctx, s, n, bodies[n%int64(len(bodies))]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
	stats, err := s.Stats(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(stats.Bytes+stats.WAL)/float64(b.N), "disk-B/order")
	b.ReportMetric(float64(stats.Units)/float64(stats.Commits), "units/commit")
}

func BenchmarkOrders(b *testing.B) {
	for _, callers := range []int{1, 128, 512} {
		b.Run(fmt.Sprintf("sqlite/%d", callers), func(b *testing.B) { benchOrders(b, sqliteStore(b), callers) })
		b.Run(fmt.Sprintf("postgres/%d", callers), func(b *testing.B) { benchOrders(b, postgresStore(b), callers) })
	}
}

// BenchmarkUnfinished measures the start with a million waiting deliveries.
func BenchmarkUnfinished(b *testing.B) {
	const rows = 1_000_000
	for name, open := range map[string]func(testing.TB) store{"sqlite": sqliteStore, "postgres": postgresStore} {
		b.Run(name, func(b *testing.B) {
			s := open(b).open(b, func(o *sqlledger.Options) { o.Relaxed = true })
			ctx := b.Context()
			for n := 0; n < rows; n += 1000 {
				it := &ledger.IntakeItem{Entity: "order", Key: fmt.Sprint(n), RootEnt: "order", RootKey: fmt.Sprint(n), Version: 1, Body: []byte("x")}
				if err := s.Commit(ctx, &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{it}}); err != nil {
					b.Fatal(err)
				}
				r := &ledger.Route{Record: it.ID, To: ledger.RecordRouted}
				for range 1000 {
					r.Deliveries = append(r.Deliveries, &ledger.NewDelivery{Flow: "orders", Step: "erp", Connection: "erp", Operation: "order.push", State: ledger.Ready})
				}
				if err := s.Commit(ctx, r); err != nil {
					b.Fatal(err)
				}
			}
			runtime.GC()
			var before, during runtime.MemStats
			runtime.ReadMemStats(&before)
			b.ResetTimer()
			for range b.N {
				seen := 0
				err := s.Unfinished(ctx, func(ledger.Pending) error {
					if seen++; seen == rows/2 {
						b.StopTimer()
						runtime.GC()
						runtime.ReadMemStats(&during)
						b.StartTimer()
					}
					return nil
				})
				if err != nil || seen != rows {
					b.Fatal(seen, err)
				}
			}
			b.ReportMetric(float64(int64(during.HeapAlloc)-int64(before.HeapAlloc))/rows, "heap-B/row")
		})
	}
}

// BenchmarkReads measures what the engine reads for every delivery.
func BenchmarkReads(b *testing.B) {
	for name, open := range map[string]func(testing.TB) store{"sqlite": sqliteStore, "postgres": postgresStore} {
		s := open(b).open(b)
		ctx := b.Context()
		const orders = 5000
		var wg sync.WaitGroup
		for c := range int64(32) {
			wg.Go(func() {
				for n := c; n < orders; n += 32 {
					if err := oneOrder(ctx, s, n, order(n)); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
		root := func(n int) int64 { return ledger.RootHash("shop-a", "order", fmt.Sprintf("37%014d", n%orders)) }
		for what, read := range map[string]func(n int) error{
			"record": func(n int) error { _, err := s.Record(ctx, int64(1+n%orders)); return err },
			"root":   func(n int) error { _, err := s.RootDeliveries(ctx, root(n)); return err },
			"link": func(n int) error {
				_, err := s.Link(ctx, "erp", "order.push", fmt.Sprintf("A-37%014d", n%orders))
				return err
			},
			"find": func(n int) error { _, err := s.Find(ctx, fmt.Sprintf("37%014d", n%orders), nil, 10); return err },
		} {
			b.Run(name+"/"+what, func(b *testing.B) {
				b.ReportAllocs()
				for n := range b.N {
					if err := read(n); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
