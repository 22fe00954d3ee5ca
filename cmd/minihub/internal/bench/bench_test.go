package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
	"github.com/minihub/minihub/pipelines/ledger"
)

// The sink is a process of its own: this test binary, started again.
const sinkEnv = "MINIHUB_BENCH_SINK"

func TestMain(m *testing.M) {
	if os.Getenv(sinkEnv) != "" {
		runSink()
		return
	}
	os.Exit(m.Run())
}

// runSink serves a counting receiver until its input is closed.
func runSink() {
	sim := webhooksim.New(webhooksim.Options{CountOnly: true})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/hook", sim)
	mux.HandleFunc("/stats", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(sim.Stats()) })
	go func() { _ = http.Serve(l, mux) }()
	fmt.Println(l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

type sink struct {
	url    string
	secret string
}

func startSink(tb testing.TB) *sink {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), sinkEnv+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &sink{url: "http://" + strings.TrimSpace(line), secret: webhooksim.New(webhooksim.Options{}).Credentials()["secret"]}
}

func (s *sink) stats(tb testing.TB) webhooksim.Stats {
	tb.Helper()
	resp, err := http.Get(s.url + "/stats")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var st webhooksim.Stats
	if err := json.NewDecoder(resp.Body).Decode(&st); err != nil {
		tb.Fatal(err)
	}
	return st
}

const orderID = "3729000000000000517"

// order is the sample order of three lines, as the shop would send it.
func order(tb testing.TB) []byte {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "mappings", "wechatshop", "cases", "order-presale-three-lines.txtar"))
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := bytes.Cut(raw, []byte("-- input.json --\n"))
	input, _, _ := bytes.Cut(rest, []byte("\n-- want.json --"))
	var out bytes.Buffer
	if err := json.Compact(&out, input); err != nil {
		tb.Fatal(err)
	}
	if out.Len() < 2300 || !bytes.Contains(out.Bytes(), []byte(orderID)) {
		tb.Fatalf("the sample order has %d bytes; want at least 2,300 and the id %s", out.Len(), orderID)
	}
	return out.Bytes()
}

// number makes a body of the i-th order.
func number(template []byte, i int) []byte {
	return bytes.Replace(template, []byte(orderID), []byte(fmt.Sprintf("37%017d", i)), 1)
}

// sign signs a body as Standard Webhooks asks.
func sign(secret, id string, at time.Time, body []byte) http.Header {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		panic(err)
	}
	ts := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + ts + "."))
	mac.Write(body)
	return http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {ts},
		"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
}

const searchKey = "an invented key for the benchmark"

// deployment writes a directory whose one flow takes signed orders and posts signed events.
func deployment(tb testing.TB, s *sink) string {
	tb.Helper()
	dir := tb.TempDir()
	write := func(name, text string) {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	write("secrets/key", searchKey)
	write("secrets/hook", s.secret)
	write("hub.yaml", "store: sqlite:hub.db\nlisten: 127.0.0.1:0\nintake: {listen: 127.0.0.1:0}\nlog: error\nbacklog: 50000\n"+
		"secrets: {search_key: '${file:secrets/key}'}\n")
	write("jobs.yaml", "jobs: []\n")
	write("connections/shop.yaml", "connection: shop\nconnector: webhook\nstore: {code: shop-a, name: Shop A, app_id: wx0000000000000000}\n"+
		"config: {secret: '${file:secrets/hook}', key_pointer: /order_id, version_pointer: /update_time}\n")
	write("connections/sink.yaml", "connection: sink\nconnector: webhook\nslots: 64\nconfig: {secret: '${file:secrets/hook}', url: "+s.url+"/hook}\n")
	write("flows/orders.yaml", "flow: orders\nfrom: [shop.events]\ncanonical: mappings/wechatshop/in/order.yaml\nto:\n"+
		"  - {operation: sink.event.push, key: '{store.code}-{order_no}', map: mappings/webhook/out/order.yaml}\n")
	return dir
}

// hub starts a hub on such a deployment.
func hub(tb testing.TB, s *sink) *app.App {
	tb.Helper()
	registry, err := builtin.Registry()
	if err != nil {
		tb.Fatal(err)
	}
	a, err := app.New(tb.Context(), app.Options{Dir: deployment(tb, s), Registry: registry})
	if err != nil {
		tb.Fatal(err)
	}
	if err := a.Start(context.WithoutCancel(tb.Context())); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := a.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return a
}

const producers = 64

// each calls f for 0..n-1 from as many goroutines as a busy shop has connections.
func each(n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range producers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	wg.Wait()
}

// BenchmarkWholePath reports orders a second through the hub, the bare rate of signed
// posts to the same sink, and their ratio. Run it with -benchtime 20000x or more.
func BenchmarkWholePath(b *testing.B) {
	s := startSink(b)
	template := order(b)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: producers}}
	bodies := make([][]byte, b.N)
	for i := range bodies {
		bodies[i] = number(template, i)
	}

	start := time.Now()
	each(b.N, func(i int) {
		req, err := http.NewRequest(http.MethodPost, s.url+"/hook", bytes.NewReader(bodies[i]))
		if err != nil {
			b.Error(err)
			return
		}
		req.Header = sign(s.secret, fmt.Sprintf("bare-%d", i), start, bodies[i])
		resp, err := client.Do(req)
		if err != nil {
			b.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	})
	bare := float64(b.N) / time.Since(start).Seconds()
	before := int(s.stats(b).Accepted)
	if before != b.N {
		b.Fatalf("the sink took %d of %d bare posts", before, b.N)
	}

	a := hub(b, s)
	b.ResetTimer()
	start = time.Now()
	each(b.N, func(i int) {
		req := httptest.NewRequest(http.MethodPost, "/in/shop", bytes.NewReader(bodies[i]))
		req.Header = sign(s.secret, fmt.Sprintf("order-%d", i), time.Now(), bodies[i])
		for {
			w := httptest.NewRecorder()
			a.Engine().ServeIntake(w, req)
			if w.Code < 300 {
				return
			}
			if w.Code != http.StatusServiceUnavailable && w.Code != http.StatusTooManyRequests {
				b.Errorf("intake answered %d: %s", w.Code, w.Body)
				return
			}
			time.Sleep(5 * time.Millisecond)
			req.Body = io.NopCloser(bytes.NewReader(bodies[i]))
		}
	})
	accepted := time.Since(start)
	if err := a.Engine().Settled(b.Context(), 5*time.Millisecond); err != nil {
		b.Fatal(err)
	}
	whole := float64(b.N) / time.Since(start).Seconds()
	b.StopTimer()

	got := s.stats(b)
	delivered := int64(0)
	counts, err := a.Ledger().Counts(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range counts {
		if c.Kind == "delivery" && c.State == string(ledger.Delivered) {
			delivered += c.N
		}
	}
	if int(delivered) != b.N || int(got.Accepted)-before != b.N {
		b.Fatalf("of %d orders the ledger delivered %d and the sink took %d; counts %+v", b.N, delivered, int(got.Accepted)-before, counts)
	}
	st, err := a.Ledger().Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(whole, "orders/s")
	b.ReportMetric(bare, "bare/s")
	b.ReportMetric(whole/bare, "ratio")
	b.ReportMetric(float64(b.N)/accepted.Seconds(), "accepted/s")
	b.ReportMetric(float64(st.Bytes)/float64(b.N), "B/order")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkIdleLatency reports how long one order takes from webhook to target while
// nothing else happens.
func BenchmarkIdleLatency(b *testing.B) {
	arrived := make(chan struct{}, 1)
	sim := webhooksim.New(webhooksim.Options{CountOnly: true})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sim.ServeHTTP(w, r)
		arrived <- struct{}{}
	}))
	defer server.Close()
	s := &sink{url: server.URL, secret: sim.Credentials()["secret"]}
	a := hub(b, s)
	template := order(b)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		body := number(template, i)
		req, err := http.NewRequest(http.MethodPost, a.IntakeURL()+"/in/shop", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		req.Header = sign(s.secret, fmt.Sprintf("idle-%d", i), time.Now(), body)
		start := time.Now()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
		<-arrived
		took = append(took, time.Since(start))
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
