package filedrop

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/describe"
)

// large writes a CSV file of about the given MiB.
func large(tb testing.TB, path string, mib int) (rows int) {
	tb.Helper()
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriter(f)
	_, _ = w.WriteString("no,memo\n")
	memo := strings.Repeat("订单备注,", 40)
	for size := 0; size < mib<<20; rows++ {
		n, _ := fmt.Fprintf(w, "%012d,\"%s\n%d\"\n", rows, memo, rows)
		size += n
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return rows
}

func TestALargeFileTakesBoundedMemory(t *testing.T) {
	d := newDesk(t, streamOf(plainCSV+"page: 2000\n"))
	want := large(t, filepath.Join(d.dir, "in", "a.csv"), 24)
	d.pull("orders")
	d.now = d.now.AddDate(0, 0, 1)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	got, most := 0, uint64(0)
	for n := 0; ; n++ {
		p := d.page("orders", true)
		for _, it := range p.Items {
			if it.Key != fmt.Sprintf("%012d", got) {
				t.Fatalf("document %s, want %012d", it.Key, got)
			}
			got++
		}
		if n%10 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			most = max(most, after.HeapAlloc-min(after.HeapAlloc, before.HeapAlloc))
		}
		if len(d.cursor) > 1000 {
			t.Fatalf("the cursor has %d bytes", len(d.cursor))
		}
		if !p.More {
			break
		}
	}
	if got != want {
		t.Errorf("%d documents, want %d", got, want)
	}
	if most > 16<<20 {
		t.Errorf("%d MiB held for a file of 24 MiB", most>>20)
	}
	t.Logf("%d documents, at most %d KiB held", got, most>>10)
}

func BenchmarkCSV(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.csv")
	rows := large(b, path, 8)
	src, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	benchRead(b, specOf(b, plainCSV), src, rows)
}

func BenchmarkExcel(b *testing.B) {
	keys := make([]string, 20_000)
	for i := range keys {
		keys[i] = fmt.Sprintf("N%d", i)
	}
	benchRead(b, specOf(b, "format: xlsx\nkey: no\n"), []byte(workbook(b, keys)), len(keys))
}

func benchRead(b *testing.B, s *streamSpec, src []byte, rows int) {
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		r, err := s.openRows(memory{bytes.NewReader(src)})
		if err != nil {
			b.Fatal(err)
		}
		a := newAssembler(s, r, entry{Name: "f"})
		n := 0
		for {
			st, err := a.next()
			if err != nil {
				break
			}
			if st.item != nil {
				n++
			}
		}
		if n != rows {
			b.Fatalf("%d documents, want %d", n, rows)
		}
		_ = r.close()
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkDeliver(b *testing.B) {
	dir := b.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o750); err != nil {
		b.Fatal(err)
	}
	l := &loader{}
	var shape fileShape
	l.Decoder = describe.Decode("x.yaml", []byte(writeCSV), &shape)
	l.check("x", &shape)
	p, err := openLocal(dir)
	if err != nil {
		b.Fatal(err)
	}
	c := newConnection(p, nil, l.operations, connectors.Env{})
	n := 0
	for b.Loop() {
		batch := make([]connectors.Delivery, 100)
		for i := range batch {
			n++
			batch[i] = delivery(fmt.Sprint(i), fmt.Sprintf("K-%d", n), `{"order_no":"1","lines":[{"sku":"A"}]}`)
		}
		res, err := c.Deliver(b.Context(), "orders.write", batch)
		if err != nil || res[99].Outcome != connectors.Done {
			b.Fatalf("%+v %v", res, err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "documents/s")
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
}
