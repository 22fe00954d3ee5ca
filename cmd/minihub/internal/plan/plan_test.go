package plan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/pipelines/ledger"
)

func of(files ...string) *Snapshot {
	m := map[string][]byte{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = []byte(files[i+1])
	}
	return New(m)
}

func TestASnapshotIsWhatTheLoaderReads(t *testing.T) {
	dir := fstest.MapFS{
		"hub.yaml":                 {Data: []byte("store: x\n")},
		"jobs.yaml":                {Data: []byte("jobs: []\n")},
		"flows/a.yaml":             {Data: []byte("flow: a\n")},
		"flows/old.yml":            {Data: []byte("flow: old\n")},
		"mappings/x/in/a.yaml":     {Data: []byte("mapping: a\n")},
		"mappings/x/cases/a.txtar": {Data: []byte("case")},
		"schemas/x/a.schema.json":  {Data: []byte("{}")},
		"connectors/odd.yaml":      {Data: []byte("kind: http\n")},
		"secrets/key.yaml":         {Data: []byte("a secret that must not be kept")},
		".git/config.yaml":         {Data: []byte("x")},
		"flows/.trash/a.yaml":      {Data: []byte("x")},
		"data/hub.db":              {Data: []byte("x")},
		"lookups/colours.yaml":     {Data: []byte("table: colours\n")},
		"connections/readme.md":    {Data: []byte("x")},
	}
	s, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"connectors/odd.yaml", "flows/a.yaml", "flows/old.yml", "hub.yaml", "jobs.yaml", "lookups/colours.yaml", "mappings/x/in/a.yaml", "schemas/x/a.schema.json"}
	if diff := cmp.Diff(want, s.Names()); diff != "" {
		t.Fatal(diff)
	}
	packed, err := s.Pack()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Unpack(packed)
	if err != nil || again.Hash() != s.Hash() {
		t.Fatalf("unpacked to %v, %v", again, err)
	}
	if twice, err := again.Pack(); err != nil || !bytes.Equal(packed, twice) {
		t.Fatalf("equal snapshots are packed differently, %v", err)
	}
	files, err := again.FS()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := fs.ReadFile(files, "flows/a.yaml"); err != nil || string(b) != "flow: a\n" {
		t.Fatalf("%q, %v", b, err)
	}
	if names, err := fs.Glob(files, "flows/*.yaml"); err != nil || len(names) != 1 {
		t.Fatalf("%q, %v", names, err)
	}
}

func TestCompare(t *testing.T) {
	flow := func(rows ...string) string {
		return "flow: orders\nfrom: [shop.orders]\nto:\n" + strings.Join(rows, "")
	}
	push, pay := "  - { operation: oms.push, map: a.yaml }\n", "  - { operation: erp.pay, map: b.yaml }\n"
	old := of(
		"flows/o.yaml", flow(push, pay),
		"flows/gone.yaml", "flow: gone\n",
		"mappings/x/out/a.yaml", "fields:\n  - { to: a, from: x }\n  - { to: b, from: y }\n",
		"mappings/x/out/same.yaml", "# one comment\nfields: []\n",
		"connections/oms.yaml", "connection: oms\nconfig: { url: http://old }\n",
		"jobs.yaml", "jobs:\n  - { job: pull, every: '@every 5m' }\n  - { job: gone, every: '@every 5m' }\n",
		"hub.yaml", "listen: a\nretention: 10d\n",
	)
	next := of(
		"flows/o.yaml", flow(push, "  - { operation: crm.save, map: c.yaml }\n", pay),
		"mappings/x/out/a.yaml", "fields:\n  - { to: new, value: '1' }\n  - { to: a, from: x }\n  - { to: b, from: z }\n",
		"mappings/x/out/same.yaml", "# another comment\nfields: []\n",
		"connections/oms.yaml", "connection: oms\nconfig: { url: http://new }\nslots: 4\n",
		"jobs.yaml", "jobs:\n  - { job: pull, every: '@every 9m' }\n  - { job: new, every: '@every 5m' }\n",
		"hub.yaml", "listen: b\nretention: 20d\n",
		"lookups/c.yaml", "table: c\n",
	)
	var got []string
	for _, c := range Compare(old, next) {
		line := c.Do + " " + c.Kind + " " + c.Name
		for _, e := range c.What {
			line += " | " + e.String()
		}
		got = append(got, line)
	}
	want := []string{
		"removed flow gone",
		`changed flow orders | +to[crm.save]: {"map":"c.yaml","operation":"crm.save"}`,
		`changed mapping x/out/a | fields[b].from: y -> z | +fields[new]: {"to":"new","value":"1"}`,
		"added lookup c",
		"changed connection oms | config.url | slots", // values of connections are nobody's business
		"removed job gone",
		"added job new",
		"changed job pull | every: @every 5m -> @every 9m",
		"changed hub hub.yaml | listen | retention",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
	p := Make(Base{Revision: 3, Hash: old.Hash()}, old, next)
	if diff := cmp.Diff([]string{"connections/oms.yaml slots", "hub.yaml listen"}, p.Restart); diff != "" {
		t.Fatal(diff)
	}
	// The order of steps counts: a step waits for earlier ones only.
	swapped := Compare(of("flows/o.yaml", flow(push, pay)), of("flows/o.yaml", flow(pay, push)))
	if len(swapped) != 1 || swapped[0].What[0].To != "erp.pay, oms.push" {
		t.Fatalf("%+v", swapped)
	}
}

func TestAPlanHoldsForItsContentOverItsBase(t *testing.T) {
	seen := map[string]string{}
	for what, hash := range map[string]string{
		"plain":           HashOf("a", Base{Revision: 1, Hash: "x"}),
		"another content": HashOf("b", Base{Revision: 1, Hash: "x"}),
		"another base":    HashOf("a", Base{Revision: 2, Hash: "x"}),
		"a canary":        HashOf("a", Base{Revision: 1, Hash: "x", Canary: 2}),
	} {
		if other := seen[hash]; other != "" {
			t.Errorf("%s and %s have the same plan", what, other)
		}
		seen[hash] = what
	}
	if HashOf("a", Base{Revision: 1, Running: true}) != HashOf("a", Base{Revision: 1}) {
		t.Error("whether a hub runs changes the plan")
	}
}

// reports is a ledger's reports in memory; it stops taking any after so many.
type reports struct {
	kinds  []string
	bodies [][]byte
	most   int
}

func (r *reports) PutReport(_ context.Context, kind string, _ time.Time, body []byte) (int64, error) {
	if r.most > 0 && len(r.bodies) == r.most {
		return 0, errors.New("the process ended")
	}
	r.kinds, r.bodies = append(r.kinds, kind), append(r.bodies, body)
	return int64(len(r.bodies)), nil
}

func (r *reports) Report(_ context.Context, kind string, id int64) ([]byte, time.Time, error) {
	for i := len(r.bodies) - 1; i >= 0; i-- {
		if r.kinds[i] == kind && (id == 0 || id == int64(i+1)) {
			return r.bodies[i], time.Time{}, nil
		}
	}
	return nil, time.Time{}, ledger.ErrNotFound
}

func TestHistory(t *testing.T) {
	ctx, store := t.Context(), &reports{}
	if e, err := Latest(ctx, store); e != nil || err != nil {
		t.Fatalf("an empty store has %+v, %v", e, err)
	}
	var last *Entry
	add := func(act string, number int64, content string, restores int64) *Entry {
		t.Helper()
		snap := of("hub.yaml", content)
		files, err := PutFiles(ctx, store, snap)
		if err != nil {
			t.Fatal(err)
		}
		e := &Entry{Act: act, Base: Revision{Number: number, Hash: snap.Hash(), Files: files, Restores: restores}}
		if err := Append(ctx, store, last, e); err != nil {
			t.Fatal(err)
		}
		last = e
		return e
	}
	add(Started, 1, "a", 0)
	if _, err := Before([]*Entry{last}); err == nil {
		t.Fatal("there is something before the first revision")
	}
	add(Applied, 2, "b", 0)
	add(Applied, 3, "c", 0)
	before := func() int64 {
		t.Helper()
		list, err := History(ctx, store, 0)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Before(list)
		if err != nil {
			t.Fatal(err)
		}
		return r.Number
	}
	if n := before(); n != 2 {
		t.Fatalf("before 3 came %d", n)
	}
	add(Back, 4, "b", 2)
	if n := before(); n != 1 {
		t.Fatalf("from the restored 2 it goes back to %d, not to 3 again", n)
	}
	list, err := History(ctx, store, 2)
	if err != nil || len(list) != 2 || list[0].Base.Number != 4 || list[1].Base.Number != 3 || list[0].Highest != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	snap, err := list[0].Base.Snapshot(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := snap.File("hub.yaml"); string(b) != "b" {
		t.Fatalf("revision 4 holds %q", b)
	}
	list[0].Base.Hash = "another"
	if _, err := list[0].Base.Snapshot(ctx, store); err == nil {
		t.Fatal("files that are not the revision's were taken")
	}
	if _, err := Find(list, 9); !errors.Is(err, ledger.ErrNotFound) {
		t.Fatalf("%v", err)
	}
	// An entry counts from when its head is written: a crash between leaves the one before.
	store.most = len(store.bodies) + 1
	if err := Append(ctx, store, last, &Entry{Act: Applied, Base: Revision{Number: 5}}); err == nil {
		t.Fatal("the process did not end")
	}
	store.most = 0
	if e, err := Latest(ctx, store); err != nil || e.Base.Number != 4 {
		t.Fatalf("after the crash %+v, %v", e, err)
	}
}

func FuzzUnpack(f *testing.F) {
	packed, err := of("hub.yaml", "store: x\n", "flows/a.yaml", "flow: a\n").Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte("PK"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Unpack(b)
		if err != nil {
			return
		}
		again, err := s.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if other, err := Unpack(again); err != nil || other.Hash() != s.Hash() {
			t.Fatalf("packed and unpacked it is another: %v", err)
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add("flow: a\nto:\n  - { operation: x }\n", "flow: a\nto: [1, 2]\n")
	f.Add("jobs: [{job: a}]", "jobs: {a: 1}")
	f.Add("a: &a [*a]", "\t")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, name := range []string{"flows/a.yaml", "jobs.yaml", "mappings/x/in/a.yaml"} {
			if got := Compare(of(name, a), of(name, a)); len(got) != 0 {
				t.Fatalf("equal files differ: %+v", got)
			}
			for _, c := range Compare(of(name, a), of(name, b)) {
				if c.Kind == "" || c.Do == "" || fmt.Sprint(c.What) == "" {
					t.Fatalf("an empty change: %+v", c)
				}
			}
		}
	})
}
