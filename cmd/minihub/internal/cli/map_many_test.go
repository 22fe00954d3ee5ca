package cli

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// newHub writes a deployment as `init` does.
func newHub(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "hub")
	if code, _, errs := minihub(t, "init", dir); code != Fine {
		t.Fatalf("init: %d %s", code, errs)
	}
	return dir
}

// openStore opens the deployment's own store.
func openStore(t *testing.T, dir string) *sqlledger.Store {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(dir, "secrets", "search_key"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(string(key))))
	l, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: "sqlite:" + filepath.Join(dir, "data", "hub.db"), Secret: sum[:]})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// sampleOrder is the document of a shipped case.
func sampleOrder(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "mappings", "wechatshop", "cases", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse(data).Files {
		if f.Name == "input.json" {
			var compact strings.Builder
			for line := range strings.SplitSeq(string(f.Data), "\n") {
				compact.WriteString(strings.TrimSpace(line))
			}
			return compact.String()
		}
	}
	t.Fatal("the case has no input")
	return ""
}

// fillOrders writes n stored orders of shop-a.
func fillOrders(t *testing.T, dir, order string, n int) {
	t.Helper()
	l := openStore(t, dir)
	defer func() {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	var doc struct {
		ID string `json:"order_id"`
	}
	if err := json.Unmarshal([]byte(order), &doc); err != nil {
		t.Fatal(err)
	}
	const page = 1000
	for first := 0; first < n; first += page {
		in := &ledger.Intake{Connection: "shop-a", Stream: "orders"}
		for i := first; i < min(first+page, n); i++ {
			key := fmt.Sprintf("37%017d", i)
			in.Items = append(in.Items, &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: 1, FetchedAt: time.Now(),
				Body: []byte(strings.ReplaceAll(order, doc.ID, key))})
		}
		if err := l.Commit(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
}

// A changed mapping over stored orders: every one is compared, and the change is found.
// MINIHUB_DIFF=N says how many, to measure; the bar is a million in a minute.
func TestDiffOverManyOrders(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("MINIHUB_DIFF"))
	if n == 0 {
		n = 600
	}
	dir := newHub(t)
	order := os.Getenv("MINIHUB_DIFF_ORDER")
	if order == "" {
		order = "order-presale-three-lines"
	}
	fillOrders(t, dir, sampleOrder(t, order), n)
	const name = "wechatshop/in/order.yaml"
	for _, c := range []struct{ as, from, to, field string }{
		{name, "customer_notes", "merchant_notes", "buyer_note"},
		{"jushuitan/out/order.yaml", "", "", ""},
	} {
		file := filepath.Join(t.TempDir(), "changed.yaml")
		if err := os.WriteFile(file, []byte(change(t, c.as, c.from, c.to)), 0o600); err != nil {
			t.Fatal(err)
		}
		began, spent := time.Now(), cpu(t)
		code, out, errs := minihub(t, "map", "diff", file, "--as", c.as, "-c", dir, "--json")
		took := time.Since(began)
		var got struct {
			Counts struct{ Messages, Same, Changed int }
			Fields []struct {
				Path     string
				Messages int
			}
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != Fine {
			t.Fatalf("%s: exit %d %v %s%s", c.as, code, err, out, errs)
		}
		t.Logf("%s: %d orders compared in %s, %.0f a second, %s of CPU each", c.as, got.Counts.Messages, took.Round(time.Millisecond), float64(n)/took.Seconds(), (cpu(t)-spent)/time.Duration(n))
		if got.Counts.Messages != n {
			t.Errorf("%s: %d of %d orders were compared", c.as, got.Counts.Messages, n)
		}
		if c.field == "" && got.Counts.Same != n {
			t.Errorf("%s: the same mapping changes %d", c.as, got.Counts.Changed)
		}
		if c.field != "" && os.Getenv("MINIHUB_DIFF_ORDER") == "" && (len(got.Fields) == 0 || got.Fields[0].Path != c.field || got.Fields[0].Messages != n) {
			t.Errorf("%s: the change is %+v, want %s in all", c.as, got.Fields, c.field)
		}
	}
}

// cpu is the processor time this process has used: the machine may have other work.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Two hundred mappings with a case each: everything is loaded, compiled and run. The
// time is printed, for this machine may have other work; the bar is a second.
func TestTwoHundredMappings(t *testing.T) {
	const n = 200
	dir := t.TempDir()
	root := filepath.Join("..", "..", "..", "..", "mappings")
	cases, err := filepath.Glob(filepath.Join(root, "*", "cases", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	read := func(file string) string {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	write := func(file, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		text := read(cases[i*7%len(cases)])
		c, err := mappings.ReadCase("case", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("v%03d/%s", i, c.Mapping[strings.Index(c.Mapping, "/")+1:])
		write(filepath.Join(dir, "mappings", filepath.FromSlash(name)), read(filepath.Join(root, filepath.FromSlash(c.Mapping))))
		write(filepath.Join(dir, "mappings", fmt.Sprintf("v%03d", i), "cases", "one.txtar"), strings.Replace(text, c.Mapping, name, 1))
	}
	memory := filepath.Join(t.TempDir(), "memory.json")
	run := func(what string, want int, args ...string) {
		t.Helper()
		began, spent := time.Now(), cpu(t)
		code, out, errs := minihub(t, append([]string{"map", "test", "-c", dir, "--cache", memory}, args...)...)
		t.Logf("%s: %s, %s of CPU", what, time.Since(began).Round(time.Millisecond), (cpu(t) - spent).Round(time.Millisecond))
		if code != want {
			t.Fatalf("%s: exit %d %s", what, code, out[max(0, len(out)-500):]+errs)
		}
	}
	run("all green", Fine)
	run("nothing changed", Fine, "--changed")
}

// change is a shipped mapping with one text replaced by another.
func change(t *testing.T, name, from, to string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "mappings", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(b), from, to, 1)
}
