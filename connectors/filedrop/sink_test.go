package filedrop

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/minihub/minihub/connectors"
)

const writeCSV = `kind: file
title: Drop
operations:
  orders.write:
    entity: order
    folder: out
    file: orders-{date}-{id}.csv
    format: csv
    encoding: gbk
    newline: crlf
    zone: Asia/Shanghai
    batch: 10
    rows: lines
    columns:
      单号: /order_no
      商品: sku
      数量: qty
      备注: memo
`

func delivery(id, key, doc string) connectors.Delivery {
	return connectors.Delivery{ID: id, Key: key, Base: key, Document: json.RawMessage(doc), Attempt: 1}
}

func (d *desk) deliver(op string, batch ...connectors.Delivery) map[string]connectors.Result {
	d.Helper()
	list, err := d.conn.Deliver(d.Context(), op, batch)
	if err != nil {
		d.Fatal(err)
	}
	out := map[string]connectors.Result{}
	for _, r := range list {
		out[r.ID] = r
	}
	if len(out) != len(batch) {
		d.Fatalf("%d results for %d deliveries", len(out), len(batch))
	}
	return out
}

func TestABatchIsOneFile(t *testing.T) {
	d := newDesk(t, writeCSV)
	d.now = time.Date(2026, 3, 1, 17, 0, 0, 0, time.UTC) // the 2nd in Shanghai
	res := d.deliver("orders.write",
		delivery("1", "A", `{"order_no":"000123","lines":[{"sku":"红,大","qty":2},{"sku":"B","qty":1234567890123456789.10,"memo":"a\nb\"c"}]}`),
		delivery("2", "B", `{"order_no":"2","lines":[]}`),
		delivery("3", "C", `{"order_no":"3","lines":[{"sku":{"a":1}}]}`),
		delivery("4", "D", `{"order_no":"4","lines":[{"sku":"😀"}]}`),
		delivery("5", "E", `{"order_no":"5","lines":[{"sku":"E","qty":null}]}`))
	files := d.files("out")
	if len(files) != 1 || !strings.HasPrefix(files[0], "orders-20260302-") {
		t.Fatalf("files %v", files)
	}
	text, err := simplifiedchinese.GBK.NewDecoder().String(d.content("out/" + files[0]))
	if err != nil {
		t.Fatal(err)
	}
	want := "单号,商品,数量,备注\r\n000123,\"红,大\",2,\r\n000123,B,1234567890123456789.10,\"a\nb\"\"c\"\r\n5,E,,\r\n"
	if text != want {
		t.Errorf("got %q\nwant %q", text, want)
	}
	for id, want := range map[string]string{"2": "/lines: is no list with rows in it", "3": "/lines/0/sku: is an object, and a cell holds one value", "4": "GBK has no character U+1F600"} {
		if r := res[id]; r.Outcome != connectors.Refused || r.Err.Text != want || r.Err.Scope != connectors.OfDocument {
			t.Errorf("%s: %+v, want %s", id, r.Err, want)
		}
	}
	if r := res["1"]; r.Outcome != connectors.Done || r.RemoteIDs[0].Value != files[0] || len(r.Exchanges) != 1 {
		t.Errorf("1: %+v", r)
	}
}

func TestADocumentIsWrittenOnceEvenWhenItsFileIsTaken(t *testing.T) {
	d := newDesk(t, writeCSV)
	a := delivery("1", "A", `{"order_no":"1","lines":[{"sku":"A"}]}`)
	b := delivery("2", "B", `{"order_no":"2","lines":[{"sku":"B"}]}`)
	d.deliver("orders.write", a)
	first := d.files("out")
	if err := os.Remove(filepath.Join(d.dir, "out", first[0])); err != nil { // the receiver has taken it
		t.Fatal(err)
	}
	d.restart(writeCSV)
	res := d.deliver("orders.write", a, b) // again, in another batch
	if res["1"].Outcome != connectors.Done || res["1"].RemoteIDs[0].Value != first[0] {
		t.Errorf("again: %+v", res["1"])
	}
	files := d.files("out")
	if len(files) != 1 || strings.Contains(d.content("out/"+files[0]), "\r\n1,") {
		t.Errorf("the document was written twice: %v", files)
	}
	changed := a
	changed.Document = json.RawMessage(`{"order_no":"1","lines":[{"sku":"C"}]}`)
	if d.deliver("orders.write", changed); len(d.files("out")) != 2 {
		t.Errorf("a newer version was not written: %v", d.files("out"))
	}
	found, err := d.conn.Lookup(t.Context(), "orders.write", []connectors.Delivery{changed, a, delivery("9", "Z", `{}`)})
	if err != nil || found[0].Presence != connectors.Same || found[1].Presence != connectors.Other || found[2].Presence != connectors.Absent {
		t.Errorf("found %+v, %v", found, err)
	}
}

// failing is a place whose renames into a folder fail, before or after they are done.
type failing struct {
	place
	into   string
	before bool
	err    error
}

func (f *failing) rename(ctx context.Context, from, to string) error {
	if f.err == nil || filepath.Dir(to) != f.into {
		return f.place.rename(ctx, from, to)
	}
	if !f.before {
		if err := f.place.rename(ctx, from, to); err != nil {
			return err
		}
	}
	return f.err
}

func TestAnAttemptThatWasCutOffTakesEffectOnce(t *testing.T) {
	one := func(a, b connectors.Delivery) [][]connectors.Delivery {
		return [][]connectors.Delivery{{b}, {a, b}, {a}}
	}
	both := func(a, b connectors.Delivery) [][]connectors.Delivery {
		return [][]connectors.Delivery{{b, a}, {b}, {a}}
	}
	for name, c := range map[string]struct {
		before  bool
		batches func(a, b connectors.Delivery) [][]connectors.Delivery
	}{
		"before the file appeared": {true, one}, "after the file appeared": {false, one},
		"before, and together again": {true, both}, "after, and together again": {false, both},
	} {
		t.Run(name, func(t *testing.T) {
			before, batches := c.before, c.batches
			d := newDesk(t, writeCSV)
			f := &failing{place: d.conn.place, into: "out", before: before, err: errors.New("connection lost")}
			d.conn.place = f
			a := delivery("1", "A", `{"order_no":"1","lines":[{"sku":"A"}]}`)
			b := delivery("2", "B", `{"order_no":"2","lines":[{"sku":"B"}]}`)
			for id, r := range d.deliver("orders.write", a, b) {
				if r.Outcome != connectors.Unknown || !r.Err.Sent {
					t.Errorf("%s: %+v", id, r)
				}
			}
			f.err = nil
			found, err := d.conn.Lookup(t.Context(), "orders.write", []connectors.Delivery{a})
			if want := map[bool]connectors.Presence{true: connectors.CannotTell, false: connectors.Same}[before]; err != nil || found[0].Presence != want {
				t.Errorf("looked up: %+v %v", found, err)
			}
			// They come again in other batches, each of them more than once.
			for _, batch := range batches(a, b) {
				for _, r := range d.deliver("orders.write", batch...) {
					if r.Outcome != connectors.Done {
						t.Errorf("again: %+v", r)
					}
				}
			}
			rows := ""
			for _, f := range d.files("out") {
				rows += d.content("out/" + f)
			}
			if strings.Count(rows, "\r\n1,") != 1 || strings.Count(rows, "\r\n2,") != 1 {
				t.Errorf("written %q", rows)
			}
		})
	}
}

func TestARefusalOfThePlaceIsNoEffect(t *testing.T) {
	d := newDesk(t, writeCSV)
	d.conn.place = &failing{place: d.conn.place, into: "out", before: true, err: &fs.PathError{Op: "rename", Path: "x", Err: fs.ErrPermission}}
	r := d.deliver("orders.write", delivery("1", "A", `{"order_no":"1","lines":[{"sku":"A"}]}`))["1"]
	if r.Outcome != connectors.NotSent || r.Err.Sent || r.Err.Kind != connectors.Forbidden || r.Err.Hint == "" {
		t.Errorf("%+v %v", r, r.Err)
	}
	if err := os.RemoveAll(filepath.Join(d.dir, "out")); err != nil {
		t.Fatal(err)
	}
	_, err := d.conn.Deliver(t.Context(), "orders.write", []connectors.Delivery{delivery("1", "A", `{}`)})
	if e := connectors.AsError(err); e == nil || e.Kind != connectors.NotFound || e.Sent || e.Scope != connectors.OfOperation {
		t.Errorf("without its folder: %v", err)
	}
}

func TestJSONLinesNamesAndMarkers(t *testing.T) {
	spec := `kind: file
title: Drop
operations:
  stock:
    entity: inventory
    folder: out
    file: "{key}.jsonl"
    format: jsonl
    bom: true
    marker: .ok
`
	d := newDesk(t, spec)
	d.deliver("stock", delivery("1", "shop/a:1", "{\"n\": 12345678901234567890.50,\n \"s\":\"<中>\"}"))
	d.deliver("stock", delivery("1", "shop_a_1", `{"n":2}`))
	files := d.files("out")
	if len(files) != 4 {
		t.Fatalf("two keys share a name: %v", files)
	}
	if got := d.content("out/shop_a_1.jsonl"); got != "\uFEFF{\"n\":2}\n" {
		t.Errorf("%q", got)
	}
	for _, f := range files {
		if strings.HasSuffix(f, ".jsonl") && f != "shop_a_1.jsonl" {
			if got := d.content("out/" + f); got != "\uFEFF{\"n\":12345678901234567890.50,\"s\":\"<中>\"}\n" {
				t.Errorf("%s: %q", f, got)
			}
		}
	}
}

func TestTheJournalIsClearedInTime(t *testing.T) {
	d := newDesk(t, writeCSV)
	doc := `{"order_no":"1","lines":[{"sku":"A"}]}`
	d.now = time.Now() // entries carry the disk's time
	d.deliver("orders.write", delivery("1", "A", doc))
	count := func() (n int) {
		_ = filepath.WalkDir(filepath.Join(d.dir, "out", ".minihub", "orders.write"), func(_ string, e fs.DirEntry, _ error) error {
			if e != nil && !e.IsDir() {
				n++
			}
			return nil
		})
		return n
	}
	if count() != 1 {
		t.Fatalf("%d entries", count())
	}
	for _, age := range []time.Duration{89 * 24 * time.Hour, 2 * 24 * time.Hour} {
		d.now = d.now.Add(age)
		for range 256 {
			d.conn.sweep(t.Context(), journal{d.conn.place, "out/.minihub", "orders.write"}, d.conn.operations["orders.write"])
		}
		if want := map[bool]int{true: 1, false: 0}[age > 80*24*time.Hour]; count() != want {
			t.Errorf("%d entries, want %d", count(), want)
		}
	}
}
