package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// chain is an audit in memory that a test tampers with.
type chain struct {
	rows []ledger.AuditRow
	head int64
	hash ledger.Sum
}

func (c *chain) Audit(_ context.Context, f ledger.AuditFilter) ([]ledger.AuditRow, error) {
	var out []ledger.AuditRow
	for _, r := range c.rows {
		if r.ID > f.After && len(out) < f.Limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (c *chain) AuditHead(context.Context) (int64, ledger.Sum, error) { return c.head, c.hash, nil }

// remake makes the chain anew from a row on, as somebody would who owns the file.
func (c *chain) remake(t *testing.T, from int64) {
	t.Helper()
	var prev ledger.Sum
	for i := range c.rows {
		r := &c.rows[i]
		if r.ID >= from {
			r.Hash = ledger.ChainHash(prev, r.Body)
		}
		prev = r.Hash
	}
	c.hash = prev
}

func newChain(t *testing.T, n int) *chain {
	t.Helper()
	c := &chain{head: int64(n)}
	for i := range n {
		e := ledger.AuditEntry{ID: int64(i + 1), At: time.Unix(1767000000+int64(i), 5000).UTC(), Who: fmt.Sprintf("p%d", i%3), Act: "replay",
			Target: "message 7", Phase: ledger.AuditDone, Detail: map[string]string{"b": "2", "a": "1"}}
		body, err := e.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		c.rows = append(c.rows, ledger.AuditRow{ID: e.ID, At: e.At, Who: e.Who, Act: e.Act, Target: e.Target, Body: body})
	}
	c.remake(t, 1)
	return c
}

func TestVerifyNamesTheFirstBrokenEntry(t *testing.T) {
	const n = 2*page + 7
	noted := fmt.Sprintf("1500:%x", newChain(t, n).rows[1499].Hash)
	for _, tc := range []struct {
		name   string
		tamper func(c *chain)
		expect string
		broken int64
		reason string
	}{
		{"sound", func(*chain) {}, noted, 0, ""},
		{"a changed body", func(c *chain) {
			c.rows[1233].Body = []byte(strings.Replace(string(c.rows[1233].Body), "message 7", "message 8", 1))
		}, "", 1234, "does not fit"},
		{"a changed hash", func(c *chain) { c.rows[4].Hash[31] ^= 1 }, "", 5, "does not fit"},
		{"a changed column", func(c *chain) { c.rows[9].Who = "eve" }, "", 10, `the column who says "eve"`},
		{"a changed time", func(c *chain) { c.rows[9].At = c.rows[9].At.Add(time.Microsecond) }, "", 10, "the column at"},
		{"a missing entry", func(c *chain) { c.rows = slices.Delete(c.rows, 99, 100) }, "", 100, "101 follows 99"},
		{"a missing first entry", func(c *chain) { c.rows = c.rows[1:] }, "", 1, "2 follows 0"},
		{"a missing end", func(c *chain) { c.rows = c.rows[:n-1] }, "", n, fmt.Sprintf("%d were written", n)},
		{"everything gone", func(c *chain) { c.rows = nil }, "", 1, "were written"},
		{"a chain made anew, against the store's own note", func(c *chain) {
			c.rows[9].Body = []byte(strings.Replace(string(c.rows[9].Body), "message 7", "message 8", 1))
			c.rows[9].Target = "message 8"
			was := c.hash
			c.remake(t, 10)
			c.hash = was
		}, "", n, "noted when the entry was written"},
		{"a chain made anew, against a head noted elsewhere", func(c *chain) {
			c.rows[9].Body = []byte(strings.Replace(string(c.rows[9].Body), "message 7", "message 8", 1))
			c.rows[9].Target = "message 8"
			c.remake(t, 10)
		}, noted, 1500, "made anew"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newChain(t, n)
			tc.tamper(c)
			v, err := Verify(t.Context(), c, tc.expect)
			if err != nil {
				t.Fatal(err)
			}
			if v.Broken != tc.broken || !strings.Contains(v.Reason, tc.reason) {
				t.Fatalf("broken at %d: %s; want %d: %s", v.Broken, v.Reason, tc.broken, tc.reason)
			}
			if tc.broken == 0 && (v.Entries != n || v.Head != fmt.Sprintf("%d:%x", n, c.hash)) {
				t.Fatalf("%+v", v)
			}
		})
	}
	for _, head := range []string{"12", "x:y", "0:" + strings.Repeat("0", 64), "1:abc"} {
		if _, err := Verify(t.Context(), newChain(t, 1), head); err == nil {
			t.Errorf("the head %q was taken", head)
		}
	}
}
