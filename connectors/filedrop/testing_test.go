package filedrop

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

// desk is a folder, a description of it and a clock that stands until it is moved.
type desk struct {
	*testing.T
	dir    string
	now    time.Time
	conn   *connection
	cursor string
}

func mustLoad(t *testing.T, src string) *connectors.Connector {
	t.Helper()
	c, problems := Load("drop", []byte(src))
	for _, p := range problems {
		t.Error(p)
	}
	if c == nil {
		t.FailNow()
	}
	return c
}

func newDesk(t *testing.T, src string) *desk {
	t.Helper()
	d := &desk{T: t, dir: t.TempDir(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if err := os.MkdirAll(filepath.Join(d.dir, "in"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(d.dir, "out"), 0o750); err != nil {
		t.Fatal(err)
	}
	d.restart(src)
	t.Cleanup(func() {
		if err := d.conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// restart opens another connection, as after a crash.
func (d *desk) restart(src string) {
	d.Helper()
	if d.conn != nil {
		if err := d.conn.Close(); err != nil {
			d.Fatal(err)
		}
	}
	c := mustLoad(d.T, src)
	cfg, errs := connectors.NewConfig(c.Config, connectors.Values{Text: map[string]string{"root": d.dir}})
	if len(errs) > 0 {
		d.Fatal(errs)
	}
	conn, err := c.OpenConnection(d.Context(), cfg, connectors.Env{Now: func() time.Time { return d.now }, Name: "test"})
	if err != nil {
		d.Fatal(err)
	}
	d.conn = conn.(*connection)
}

func (d *desk) put(name, content string) {
	d.Helper()
	path := filepath.Join(d.dir, filepath.FromSlash(name))
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		d.Fatal(err)
	}
	if err := os.Chtimes(path, d.now, d.now); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) files(folder string) []string {
	d.Helper()
	list, err := os.ReadDir(filepath.Join(d.dir, filepath.FromSlash(folder)))
	if err != nil && !os.IsNotExist(err) {
		d.Fatal(err)
	}
	var out []string
	for _, e := range list {
		if !e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

func (d *desk) content(name string) string {
	d.Helper()
	b, err := os.ReadFile(filepath.Join(d.dir, filepath.FromSlash(name)))
	if err != nil {
		d.Fatal(err)
	}
	return string(b)
}

// page pulls once; what it brings is durable when ack is set.
func (d *desk) page(stream string, ack bool) connectors.Page {
	d.Helper()
	p, err := d.conn.Pull(context.Background(), connectors.PullRequest{Stream: stream, Cursor: d.cursor})
	if err != nil {
		d.Fatalf("pull: %v", err)
	}
	d.cursor = p.Cursor
	if ack && len(p.Acks) > 0 {
		if err := d.conn.Ack(context.Background(), p.Acks); err != nil {
			d.Fatalf("ack: %v", err)
		}
	}
	return p
}

// pull pulls until there is no more.
func (d *desk) pull(stream string) []connectors.Item {
	d.Helper()
	var out []connectors.Item
	for range 10_000 {
		p := d.page(stream, true)
		out = append(out, p.Items...)
		if !p.More {
			return out
		}
	}
	d.Fatal("the pull does not end")
	return nil
}

// settled pulls, lets the files rest, and pulls again.
func (d *desk) settled(stream string) []connectors.Item {
	d.Helper()
	out := d.pull(stream)
	d.now = d.now.Add(time.Minute)
	return append(out, d.pull(stream)...)
}

func bodies(items []connectors.Item) string {
	var b strings.Builder
	for _, it := range items {
		b.WriteString(it.Key + " " + string(it.Body) + "\n")
	}
	return b.String()
}

func streamOf(rest string) string {
	return "kind: file\ntitle: Drop\nstreams:\n  orders:\n    entity: order\n    folder: in\n" + indent(rest)
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(s, "\n"), "\n") {
		b.WriteString("    " + line + "\n")
	}
	return b.String()
}
