package sqldb

import (
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

const byTime = `
streams:
  orders:
    entity: order
    table: orders
    key: [id]
    version: updated_at
    page: 2
    incremental: {column: updated_at}
    children:
      lines: {table: order_lines, on: {order_id: id}, order: [line_no], omit: [order_id]}
`

func TestIncrementalReadsAWindowInOrderWithItsLines(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec(`CREATE TABLE orders (id ID, total decimal(12,2) NOT NULL, updated_at timestamp(6) NOT NULL)`,
			`CREATE TABLE order_lines (order_id bigint NOT NULL, line_no int NOT NULL, sku varchar(20), PRIMARY KEY (order_id, line_no))`)
		if srv.driver == driverMySQL {
			srv.exec(`ALTER TABLE orders MODIFY updated_at datetime(6) NOT NULL`)
		}
		// Three of one moment, one at each edge of the window.
		srv.exec(`INSERT INTO orders (id, total, updated_at) VALUES (1, 12.50, '2026-11-20 10:00:00'), (2, 0, '2026-11-20 10:00:00'), (3, 1, '2026-11-20 10:00:00'),
			(4, 1, '2026-11-20 00:00:00'), (5, 1, '2026-11-21 00:00:00'), (6, 1, '2026-11-19 23:59:59.999999'), (7, 100000000.00, '2026-11-20 09:30:00.5')`,
			`INSERT INTO order_lines VALUES (1, 2, 'B'), (1, 1, 'A'), (7, 1, 'C')`)
		c := srv.connect(byTime)
		items, _ := pull(t, c, "orders", "", day(20, 21))
		if got, want := keys(items), "4 7 1 2 3"; got != want {
			t.Fatalf("read %s, want %s", got, want)
		}
		if got, want := string(items[2].Body), `{"id":1,"lines":[{"line_no":1,"sku":"A"},{"line_no":2,"sku":"B"}],"total":12.50,"updated_at":"2026-11-20T10:00:00+08:00"}`; got != want {
			t.Errorf("the document is\n%s, want\n%s", got, want)
		}
		if got, want := string(items[1].Body), `{"id":7,"lines":[{"line_no":1,"sku":"C"}],"total":100000000.00,"updated_at":"2026-11-20T09:30:00.5+08:00"}`; got != want {
			t.Errorf("the document is\n%s, want\n%s", got, want)
		}
		if got, want := items[2].Version, time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC).UnixMicro(); got != want {
			t.Errorf("version %d, want %d", got, want)
		}
	})
}

func TestPagesStandStillUnderInserts(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec(`CREATE TABLE orders (id ID, updated_at timestamp NOT NULL)`, `CREATE TABLE order_lines (order_id bigint, line_no int)`,
			`INSERT INTO orders (id, updated_at) VALUES (10, '2026-11-20 02:00:00'), (20, '2026-11-20 02:00:01'), (30, '2026-11-20 02:00:02'), (40, '2026-11-20 02:00:03')`)
		if srv.driver == driverMySQL {
			srv.exec(`ALTER TABLE orders MODIFY updated_at timestamp NOT NULL`)
		} else {
			srv.exec(`ALTER TABLE orders ALTER updated_at TYPE timestamptz USING updated_at AT TIME ZONE 'UTC'`)
		}
		c := srv.connect(byTime)
		first, err := c.Pull(t.Context(), connectors.PullRequest{Stream: "orders", Window: day(20, 21)})
		if err != nil {
			t.Fatal(err)
		}
		// Rows come in front of the position and behind it, and one moves out of the window.
		srv.exec(`INSERT INTO orders (id, updated_at) VALUES (5, '2026-11-20 01:00:00'), (35, '2026-11-20 02:00:02')`, `UPDATE orders SET updated_at = '2026-11-22 00:00:00' WHERE id = 10`)
		rest, _ := pull(t, c, "orders", first.Cursor, day(20, 21))
		if got, want := keys(first.Items)+" | "+keys(rest), "10 20 | 30 35 40"; got != want {
			t.Errorf("read %s, want %s", got, want)
		}
	})
}

func TestRowsWithoutATimeAreNotLost(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec(`CREATE TABLE orders (id ID, created_at timestamp NOT NULL, updated_at timestamp NULL)`)
		if srv.driver == driverMySQL {
			srv.exec(`ALTER TABLE orders MODIFY created_at datetime NOT NULL, MODIFY updated_at datetime NULL`)
		}
		srv.exec(`INSERT INTO orders (id, created_at, updated_at) VALUES (1, '2026-11-20 10:00:00', NULL), (2, '2026-11-01 10:00:00', '2026-11-20 11:00:00'),
			(3, '2026-11-20 12:00:00', NULL), (4, '2026-11-20 13:00:00', '2026-11-25 00:00:00'), (5, '2026-11-19 10:00:00', NULL)`)
		stream := "streams:\n  orders:\n    entity: order\n    table: orders\n    key: [id]\n    page: 1\n    incremental: {column: updated_at%}\n"
		c := srv.connect(strings.ReplaceAll(stream, "%", ""))
		_, err := c.Pull(t.Context(), connectors.PullRequest{Stream: "orders", Window: day(20, 21)})
		if e := connectors.AsError(err); e == nil || e.Code != "sql.nulls" || !strings.Contains(e.Hint, "when_null") {
			t.Errorf("rows that no window shows: %+v, want sql.nulls with a hint", e)
		}
		want := "2 1 3"
		if srv.driver == driverMySQL {
			srv.exec(`INSERT INTO orders (id, created_at, updated_at) VALUES (6, '2026-11-20 14:00:00', '0000-00-00 00:00:00')`)
			want += " 6"
		}
		c = srv.connect(strings.ReplaceAll(stream, "%", ", when_null: created_at"))
		items, _ := pull(t, c, "orders", "", day(20, 21))
		if got := keys(items); got != want {
			t.Errorf("read %s, want %s", got, want)
		}
	})
}

func TestUnixSecondsAndCompositeKeys(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec(`CREATE TABLE goods (shop varchar(10) NOT NULL, sku varchar(20) NOT NULL, update_time bigint NOT NULL, PRIMARY KEY (shop, sku))`,
			`INSERT INTO goods VALUES ('a', 'x/1', 1795104000), ('a', 'x%2', 1795104000), ('b', 'x/1', 1795104000), ('b', 'y', 1795190400), ('c', 'z', 1795190399)`)
		c := srv.connect(`
streams:
  products:
    entity: product
    table: goods
    key: [shop, sku]
    page: 2
    incremental: {column: update_time, type: unix}
    columns: {update_time: {as: unix}}
`)
		w := connectors.Window{From: time.Unix(1795104000, 0), To: time.Unix(1795190400, 0)}
		items, _ := pull(t, c, "products", "", w)
		if got, want := keys(items), "a/x%252 a/x%2F1 b/x%2F1 c/z"; got != want {
			t.Fatalf("read %s, want %s", got, want)
		}
		if got, want := string(items[0].Body), `{"shop":"a","sku":"x%2","update_time":"2026-11-20T00:00:00+08:00"}`; got != want {
			t.Errorf("the document is %s, want %s", got, want)
		}
		got, err := c.Fetch(t.Context(), "products", []string{"b/x%2F1", "b/nothing", "broken"})
		if err != nil {
			t.Fatal(err)
		}
		if keys(got) != "b/x%2F1 b/nothing! broken!" {
			t.Errorf("fetched %s", keys(got))
		}
	})
}

func TestRisingReadsOnceAndOnceMoreWhenLateRowsAreThere(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec(`CREATE TABLE points (id ID, n int)`, `INSERT INTO points (id, n) VALUES (1, 1), (2, 2), (3, 3), (5, 5)`)
		clk := &clock{time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
		c := srv.connectAt("streams:\n  points:\n    entity: points\n    table: points\n    key: [id]\n    page: 2\n    rising: {column: id, overlap: 10m}\n", clk)
		step := func(cursor, want string) string {
			t.Helper()
			items, next := pull(t, c, "points", cursor, connectors.Window{})
			if got := keys(items); got != want {
				t.Errorf("read %q, want %q", got, want)
			}
			return next
		}
		cur := step("", "1 2 3 5")
		cur = step(cur, "") // nothing twice
		srv.exec(`INSERT INTO points (id, n) VALUES (6, 6)`)
		cur = step(cur, "6")
		srv.exec(`INSERT INTO points (id, n) VALUES (4, 4)`) // committed late
		clk.at = clk.at.Add(10 * time.Minute)
		cur = step(cur, "1 2 3 4 5") // what was there at the first pull, once more
		cur = step(cur, "")
		clk.at = clk.at.Add(10 * time.Minute)
		cur = step(cur, "6")
		clk.at = clk.at.Add(time.Hour)
		step(cur, "")
	})
}

func TestRescanShowsWhatMayStillChange(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec(`CREATE TABLE orders (id ID, status varchar(10), price decimal(10,2) NOT NULL)`,
			`INSERT INTO orders (id, status, price) VALUES (1, 'paid', 1), (2, 'done', 2), (3, NULL, 3), (4, 'new', 4)`)
		c := srv.connect("streams:\n  orders:\n    entity: order\n    table: orders\n    key: [id]\n    page: 2\n    rescan: {status: status, final: [done, closed], rising: id}\n")
		if decl := c.streams["orders"]; !decl.rescan {
			t.Fatal("not a rescan")
		}
		items, cur := pull(t, c, "orders", "", connectors.Window{})
		if got, want := keys(items), "1 2. 3 4"; got != want {
			t.Errorf("first read %s, want %s", got, want)
		}
		srv.exec(`UPDATE orders SET status = 'done' WHERE id = 1`, `UPDATE orders SET price = 9 WHERE id = 3`, `DELETE FROM orders WHERE id = 4`,
			`INSERT INTO orders (id, status, price) VALUES (5, 'closed', 5), (6, 'new', 6)`)
		items, _ = pull(t, c, "orders", cur, connectors.Window{})
		// 5 was born and finished between two pulls; 1 and 4 left the list.
		if got, want := keys(items), "5. 6 3"; got != want {
			t.Errorf("second read %s, want %s", got, want)
		}
		if !strings.Contains(string(items[2].Body), `"price":9.00`) {
			t.Errorf("the new price is not in %s", items[2].Body)
		}
		got, err := c.Fetch(t.Context(), "orders", []string{"1", "4", "word"})
		if err != nil {
			t.Fatal(err)
		}
		if keys(got) != "1. 4! word!" {
			t.Errorf("fetched %s", keys(got))
		}
	})
}
