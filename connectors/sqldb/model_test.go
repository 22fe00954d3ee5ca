package sqldb

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

// reader keeps what a hub would know of a complete stream: it asks by key for open
// documents that a finished pull did not show.
type reader struct {
	t      testing.TB
	c      *conn
	keep   bool // the cursor outlives a pull; otherwise each pull starts over
	cursor string
	docs   map[string]string
	open   map[string]bool
	shown  int
}

func (r *reader) take(items []connectors.Item, seen map[string]bool) {
	for _, it := range items {
		seen[it.Key] = true
		r.docs[it.Key] = string(it.Body)
		if it.Deleted {
			delete(r.docs, it.Key)
		}
		r.open[it.Key] = !it.Final && !it.Deleted
	}
}

func (r *reader) pull() {
	r.t.Helper()
	seen := map[string]bool{}
	items, next := pull(r.t, r.c, "orders", r.cursor, connectors.Window{})
	r.shown += len(items)
	r.take(items, seen)
	if r.keep {
		r.cursor = next
	}
	var ask []string
	for k, open := range r.open {
		if open && !seen[k] {
			ask = append(ask, k)
		}
	}
	if len(ask) == 0 {
		return
	}
	slices.Sort(ask)
	got, err := r.c.Fetch(r.t.Context(), "orders", ask)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(got) != len(ask) {
		r.t.Fatalf("%d answers for %d keys", len(got), len(ask))
	}
	r.take(got, seen)
}

// uncommitted is a new order that its shop has not committed yet.
type uncommitted struct {
	tx *sql.Tx
	id int
}

// A day of a shop whose orders carry no time of change: they are added, priced anew,
// finished, cancelled and deleted, some committed late. In the end the reader knows each
// as it is, and nothing that is not there.
func TestNothingIsMissedWithoutTimesOfChange(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("cursor kept %t", keep), func(t *testing.T) {
			each(t, func(t *testing.T, srv *server) { aDay(t, srv, keep) })
		})
	}
}

func aDay(t *testing.T, srv *server, keep bool) {
	rng := rand.New(rand.NewPCG(7, 11))
	srv.exec(`CREATE TABLE orders (id ID, status varchar(10) NOT NULL, price decimal(10,2) NOT NULL)`, `CREATE TABLE lines_of (order_id bigint NOT NULL, n int NOT NULL, PRIMARY KEY (order_id, n))`)
	clk := &clock{time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
	c := srv.connectAt(`
streams:
  orders:
    entity: order
    table: orders
    key: [id]
    page: 20
    rescan: {status: status, final: [done, cancelled], rising: id, overlap: 10m}
    children:
      lines: {table: lines_of, on: {order_id: id}, order: [n], omit: [order_id]}
`, clk)
	r := &reader{t: t, c: c, keep: keep, docs: map[string]string{}, open: map[string]bool{}}
	var late []uncommitted
	next := 1
	for range 25 {
		for range rng.IntN(8) {
			status := "new"
			if rng.IntN(5) == 0 {
				status = "done" // born and finished between two pulls
			}
			add := fmt.Sprintf("INSERT INTO orders (id, status, price) VALUES (%d, '%s', %d.50)", next, status, rng.IntN(100))
			line := fmt.Sprintf("INSERT INTO lines_of VALUES (%d, 1), (%d, 2)", next, next)
			next++
			if rng.IntN(6) > 0 || len(late) > 1 {
				srv.exec(add, line)
				continue
			}
			tx, err := srv.db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{add, line} {
				if _, err := tx.Exec(text); err != nil {
					t.Fatal(err)
				}
			}
			late = append(late, uncommitted{tx, next - 1})
		}
		for range rng.IntN(5) {
			id := rng.IntN(next) + 1
			if slices.ContainsFunc(late, func(u uncommitted) bool { return u.id == id }) {
				continue // nobody else sees it yet
			}
			srv.exec([]string{
				fmt.Sprintf("UPDATE orders SET price = price + 1 WHERE id = %d AND status = 'new'", id),
				fmt.Sprintf("UPDATE orders SET status = 'done' WHERE id = %d AND status = 'new'", id),
				fmt.Sprintf("UPDATE orders SET status = 'cancelled' WHERE id = %d AND status = 'new'", id),
				fmt.Sprintf("DELETE FROM orders WHERE id = %d AND status = 'new'", id),
			}[rng.IntN(4)])
		}
		if len(late) > 0 && rng.IntN(2) == 0 {
			if err := late[0].tx.Commit(); err != nil {
				t.Fatal(err)
			}
			late = late[1:]
		}
		r.pull()
		clk.at = clk.at.Add(2 * time.Minute)
	}
	for _, u := range late {
		if err := u.tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		clk.at = clk.at.Add(10 * time.Minute)
		r.pull()
	}
	rows, err := srv.db.Query("SELECT id, status, price FROM orders ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var id, status, price string
		if err := rows.Scan(&id, &status, &price); err != nil {
			t.Fatal(err)
		}
		n++
		if got, want := r.docs[id], fmt.Sprintf(`{"id":%s,"lines":[{"n":1},{"n":2}],"price":%s,"status":"%s"}`, id, price, status); got != want {
			t.Errorf("order %s is known as %s, and is %s", id, got, want)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if n != len(r.docs) || n < 40 {
		t.Errorf("%d orders are known, %d are there", len(r.docs), n)
	}
	if before := r.shown; keep {
		clk.at = clk.at.Add(time.Hour)
		r.pull()
		open := strings.Fields(srv.value("SELECT count(*) FROM orders WHERE status = 'new'"))[0]
		if got := fmt.Sprint(r.shown - before); got != open {
			t.Errorf("a quiet pull shows %s documents, and %s may still change", got, open)
		}
	}
}
