package sqldb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/minihub/minihub/connectors"
)

const toOrders = `
operations:
  order.upsert:
    entity: order
    table: hub_orders
    key: {order_key: $key}
    version: version
    returns: [id]
    columns:
      version: /version
      order_no: {from: /order_no, required: true}
      total: /total
      paid: /paid
      paid_at: /paid_at
      extra: /extra
      status: /status
    children:
      lines:
        table: hub_lines
        from: /lines
        on: {order_id: id}
        key: {line_no: /line_no}
        columns: {sku: /sku, qty: /qty}
  order.cancel:
    entity: order
    undoes: order.upsert
    action: update
    table: hub_orders
    key: {order_key: $key}
    columns: {status: {value: cancelled}}
    only_if: {column: status, values: [new, paid]}
  order.drop:
    entity: order
    action: delete
    table: hub_orders
    key: {order_key: $key}
    children:
      lines: {table: hub_lines, from: /lines, on: {order_id: id}, key: {line_no: /line_no}}
  order.add:
    entity: order
    action: insert
    table: hub_orders
    key: {order_key: $key}
    columns: {order_no: /order_no, total: /total}
`

func (srv *server) hubTables() {
	srv.t.Helper()
	kind := map[string][2]string{driverPostgres: {"boolean", "timestamptz"}, driverMySQL: {"tinyint(1)", "datetime"}}[srv.driver]
	js := map[string]string{driverPostgres: "jsonb", driverMySQL: "longtext"}[srv.driver]
	srv.exec(fmt.Sprintf(`CREATE TABLE hub_orders (id ID, order_key varchar(40) NOT NULL UNIQUE, version bigint, order_no varchar(20) NOT NULL, total decimal(12,2), paid %s, paid_at %s, extra %s,
		status varchar(10), keeper varchar(10) DEFAULT 'ours')`, kind[0], kind[1], js),
		`CREATE TABLE hub_lines (order_id bigint NOT NULL REFERENCES hub_orders (id), line_no int NOT NULL, sku varchar(20), qty decimal(10,3), picked int DEFAULT 7, PRIMARY KEY (order_id, line_no))`)
}

func deliver(t testing.TB, c *conn, op, key, doc string) connectors.Result {
	t.Helper()
	list, err := c.Deliver(context.Background(), op, []connectors.Delivery{{ID: "d", Key: key, Base: key, Document: json.RawMessage(doc), Attempt: 1}})
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	return list[0]
}

func want(t testing.TB, res connectors.Result, outcome connectors.Outcome, code string) {
	t.Helper()
	got := ""
	if res.Err != nil {
		got = res.Err.Code
		if res.Outcome != connectors.Unknown && res.Err.Sent {
			t.Errorf("%+v: surely without effect, and yet sent", res.Err)
		}
	}
	if res.Outcome != outcome || got != code {
		t.Errorf("outcome %d %q (%v), want %d %q", res.Outcome, got, res.Err, outcome, code)
	}
}

func TestUpsertWritesARowWithItsChildren(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.hubTables()
		c := srv.connect(toOrders)
		doc := `{"order_no":"O'Neil\\1","version":%d,"total":%s,"paid":true,"paid_at":"2026-11-21T10:00:00+08:00","extra":{"b":[1,2.50],"a":null},"status":"new","lines":[%s]}`
		first := fmt.Sprintf(doc, 5, `"12.50"`, `{"line_no":1,"sku":"A","qty":2},{"line_no":2,"sku":"B","qty":"0.125"}`)
		res := deliver(t, c, "order.upsert", "K-1", first)
		want(t, res, connectors.Done, "")
		if len(res.RemoteIDs) != 1 || res.RemoteIDs[0].Kind != "id" || res.RemoteIDs[0].Value != srv.value(`SELECT id FROM hub_orders`) {
			t.Errorf("remote ids %+v", res.RemoteIDs)
		}
		row := func(want string) {
			t.Helper()
			q := `SELECT concat_ws('|', order_no, version, total, keeper, (SELECT string_agg(concat_ws(':', line_no, sku, qty, picked), ',' ORDER BY line_no) FROM hub_lines)) FROM hub_orders`
			if srv.driver == driverMySQL {
				q = `SELECT concat_ws('|', order_no, version, total, keeper, (SELECT group_concat(concat_ws(':', line_no, sku, qty, picked) ORDER BY line_no) FROM hub_lines)) FROM hub_orders`
			}
			if got := srv.value(q); got != want {
				t.Errorf("the tables hold %s, want %s", got, want)
			}
		}
		row(`O'Neil\1|5|12.50|ours|1:A:2.000:7,2:B:0.125:7`)
		zone := map[string]string{driverPostgres: `SELECT to_char(paid_at AT TIME ZONE 'UTC', 'HH24:MI') FROM hub_orders`, driverMySQL: `SELECT date_format(paid_at, '%H:%i') FROM hub_orders`}[srv.driver]
		if got, want := srv.value(zone), map[string]string{driverPostgres: "02:00", driverMySQL: "10:00"}[srv.driver]; got != want {
			t.Errorf("paid at %s, want %s", got, want)
		}
		// What the target itself keeps in other columns stays; the same again is not written.
		srv.exec(`UPDATE hub_orders SET keeper = 'theirs'`, `UPDATE hub_lines SET picked = 1`)
		res = deliver(t, c, "order.upsert", "K-1", first)
		want(t, res, connectors.Done, "")
		if x := res.Exchanges[0]; x.Response != "as wanted already" {
			t.Errorf("the same again: %+v", x)
		}
		res = deliver(t, c, "order.upsert", "K-1", fmt.Sprintf(doc, 6, "13", `{"line_no":2,"sku":"B2","qty":1},{"line_no":3,"sku":"C","qty":1}`))
		want(t, res, connectors.Done, "")
		row(`O'Neil\1|6|13.00|theirs|2:B2:1.000:1,3:C:1.000:7`)
		// Never over a newer row.
		want(t, deliver(t, c, "order.upsert", "K-1", first), connectors.Refused, "sql.newer")
		row(`O'Neil\1|6|13.00|theirs|2:B2:1.000:1,3:C:1.000:7`)
		// What is gone from the document is gone from the table.
		want(t, deliver(t, c, "order.upsert", "K-1", `{"order_no":"1","version":7}`), connectors.Done, "")
		if got := srv.value(`SELECT concat_ws('|', order_no, total, paid, status, (SELECT count(*) FROM hub_lines)) FROM hub_orders`); got != "1|0" {
			t.Errorf("the row holds %s", got)
		}
	})
}

func TestADocumentThatDoesNotFitIsRefusedWhole(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.hubTables()
		c := srv.connect(toOrders)
		code := func(pg, my string) string {
			return map[string]string{driverPostgres: pg, driverMySQL: my}[srv.driver]
		}
		for doc, codeWanted := range map[string]string{
			`{"order_no":"1","version":1,"total":"1.005"}`:          "sql.kept_otherwise",
			`{"order_no":"1","version":1,"total":"99999999999.99"}`: code("22003", "1264"),
			`{"order_no":"123456789012345678901","version":1}`:      code("22001", "1406"),
			`{"version":1}`:                                                                         "sql.document",
			`{"order_no":null,"version":1}`:                                                         code("23502", "1048"),
			`{"order_no":"1","version":"soon"}`:                                                     "sql.document",
			`{"order_no":"1","version":1.5}`:                                                        "sql.document",
			`{"order_no":"1","version":1,"paid":"perhaps"}`:                                         "sql.document",
			`{"order_no":"1","version":1,"paid_at":"yesterday"}`:                                    "sql.document",
			`{"order_no":"1","version":1,"total":{"a":1}}`:                                          "sql.document",
			`{"order_no":"1","version":1,"lines":7}`:                                                "sql.document",
			`{"order_no":"1","version":1,"lines":[{"line_no":1},{"line_no":1.0}]}`:                  "sql.document",
			`{"order_no":"1","version":1,"lines":[{"sku":"A"}]}`:                                    "sql.document",
			`{"order_no":"1","version":1,"lines":[{"line_no":1,"sku":"123456789012345678901234"}]}`: code("22001", "1406"),
			`{"order_no":"1"`:                                                                       "sql.document",
		} {
			res := deliver(t, c, "order.upsert", "K-1", doc)
			want(t, res, connectors.Refused, codeWanted)
			if res.Err == nil || res.Err.Scope != connectors.OfDocument {
				t.Errorf("%s: %+v is not the document's fault", doc, res.Err)
			}
			if n := srv.value(`SELECT count(*) FROM hub_orders`); n != "0" {
				t.Fatalf("%s left %s rows behind", doc, n)
			}
		}
	})
}

func TestUpdateInsertAndDelete(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.hubTables()
		c := srv.connect(toOrders)
		want(t, deliver(t, c, "order.cancel", "K-1", `{}`), connectors.Refused, "sql.absent")
		want(t, deliver(t, c, "order.drop", "K-1", `{}`), connectors.Done, "")
		want(t, deliver(t, c, "order.upsert", "K-1", `{"order_no":"1","version":1,"status":"new","lines":[{"line_no":1}]}`), connectors.Done, "")
		want(t, deliver(t, c, "order.cancel", "K-1", `{}`), connectors.Done, "")
		want(t, deliver(t, c, "order.cancel", "K-1", `{}`), connectors.Done, "") // it is cancelled
		srv.exec(`UPDATE hub_orders SET status = 'picked'`)
		want(t, deliver(t, c, "order.cancel", "K-1", `{}`), connectors.Refused, "sql.only_if")
		if got := srv.value(`SELECT status FROM hub_orders`); got != "picked" {
			t.Errorf("status %s", got)
		}
		want(t, deliver(t, c, "order.drop", "K-1", `{}`), connectors.Done, "")
		if got := srv.value(`SELECT (SELECT count(*) FROM hub_orders) + (SELECT count(*) FROM hub_lines)`); got != "0" {
			t.Errorf("%s rows are left", got)
		}
		want(t, deliver(t, c, "order.add", "K-2", `{"order_no":"2","total":"1"}`), connectors.Done, "")
		want(t, deliver(t, c, "order.add", "K-2", `{"order_no":"2","total":1.00}`), connectors.Done, "")
		want(t, deliver(t, c, "order.add", "K-2", `{"order_no":"2","total":2}`), connectors.Duplicate, "sql.exists")
	})
}

func TestLookupTellsSameFromOther(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.hubTables()
		c := srv.connect(toOrders)
		doc := `{"order_no":"1","version":1,"total":"5.00","status":"new","paid":false,"lines":[{"line_no":1,"sku":"A","qty":1}]}`
		look := func(op, doc string, presence connectors.Presence, fields string) {
			t.Helper()
			list, err := c.Lookup(t.Context(), op, []connectors.Delivery{{ID: "d", Key: "K-1", Document: json.RawMessage(doc)}})
			if err != nil || len(list) != 1 || list[0].Err != nil {
				t.Fatalf("%+v, %v", list, err)
			}
			if got := strings.Join(list[0].Fields, " "); list[0].Presence != presence || got != fields {
				t.Errorf("%s: presence %d %s, want %d %s", op, list[0].Presence, got, presence, fields)
			}
		}
		look("order.upsert", doc, connectors.Absent, "")
		look("order.cancel", `{}`, connectors.Absent, "")
		look("order.drop", `{}`, connectors.Same, "")
		want(t, deliver(t, c, "order.upsert", "K-1", doc), connectors.Done, "")
		look("order.upsert", doc, connectors.Same, "")
		look("order.upsert", strings.ReplaceAll(doc, `"5.00"`, "5"), connectors.Same, "")
		look("order.upsert", `{"order_no":"1","version":1,"total":"5.01","status":"new","paid":false,"lines":[{"line_no":1,"sku":"B","qty":1},{"line_no":2}]}`,
			connectors.Other, "total lines/0/sku lines/1")
		look("order.cancel", `{}`, connectors.Absent, "")
		look("order.drop", `{}`, connectors.Absent, "")
	})
}

// Twenty writers of one new row: one inserts, and nobody is told anything untrue.
func TestWritersOfOneRowAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.hubTables()
		c := srv.connect(toOrders, func(v *connectors.Values) { v.Text["connections"] = "8" })
		var wg sync.WaitGroup
		var mu sync.Mutex
		done := map[string]bool{}
		for n := range 20 {
			wg.Go(func() {
				key := fmt.Sprintf("K-%d", n%2)
				for range 20 {
					list, err := c.Deliver(context.Background(), "order.upsert", []connectors.Delivery{{ID: "d", Key: key,
						Document: json.RawMessage(fmt.Sprintf(`{"order_no":"%d","version":1,"lines":[{"line_no":1,"qty":%d},{"line_no":2}]}`, n, n))}})
					if err != nil {
						t.Error(err)
						return
					}
					if list[0].Outcome == connectors.Done {
						mu.Lock()
						done[key] = true
						mu.Unlock()
						return
					}
					if e := list[0].Err; list[0].Outcome != connectors.NotSent || e.Kind != connectors.Unavailable || e.Scope != connectors.OfDocument {
						t.Errorf("a race is %+v", e)
						return
					}
				}
				t.Error("twenty attempts were not enough")
			})
		}
		wg.Wait()
		if len(done) != 2 {
			t.Errorf("done %v", done)
		}
		if got := srv.value(`SELECT concat((SELECT count(*) FROM hub_orders), ' ', (SELECT count(*) FROM hub_lines))`); got != "2 4" {
			t.Errorf("rows and lines: %s, want 2 4", got)
		}
		// Another unique column is not a race.
		srv.exec(`CREATE UNIQUE INDEX one_no ON hub_orders (order_no)`, `UPDATE hub_orders SET order_no = 'x' WHERE order_key = 'K-1'`)
		res := deliver(t, c, "order.upsert", "K-9", `{"order_no":"x","version":1}`)
		if res.Outcome != connectors.Refused || res.Err.Kind != connectors.Conflict {
			t.Errorf("another row has the number: %+v", res.Err)
		}
	})
}

func TestATableThatCannotKeepThePromiseIsRefused(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.hubTables()
		srv.exec(`ALTER TABLE hub_orders DROP COLUMN order_key`, `ALTER TABLE hub_orders ADD order_key varchar(40)`)
		c := srv.connect(toOrders)
		res := deliver(t, c, "order.upsert", "K-1", `{"order_no":"1","version":1}`)
		want(t, res, connectors.NotSent, "sql.no_unique")
		if res.Err.Scope != connectors.OfOperation || !strings.Contains(res.Err.Hint, "CREATE UNIQUE INDEX") {
			t.Errorf("%+v", res.Err)
		}
		srv.exec(`CREATE UNIQUE INDEX by_key ON hub_orders (order_key)`)
		want(t, deliver(t, c, "order.upsert", "K-1", `{"order_no":"1","version":1}`), connectors.Done, "")
		srv.exec(`ALTER TABLE hub_orders DROP COLUMN total`)
		res = deliver(t, c, "order.upsert", "K-1", `{"order_no":"2","version":1}`)
		if res.Outcome != connectors.NotSent || res.Err.Kind != connectors.Invalid || res.Err.Scope != connectors.OfOperation {
			t.Errorf("a column that is gone: %+v", res.Err)
		}
		res = deliver(t, c, "order.upsert", "K-1", `{"order_no":"2","version":1}`)
		want(t, res, connectors.NotSent, "sql.no_column")
		if err := c.Ping(t.Context()); connectors.AsError(err).Code != "sql.no_column" {
			t.Errorf("ping: %v", err)
		}
		if srv.driver == driverMySQL {
			srv.exec(`ALTER TABLE hub_orders ADD total decimal(12,2)`, `DROP TABLE hub_lines`, `CREATE TABLE hub_lines (order_id bigint, line_no int, sku varchar(20), qty decimal(10,3), PRIMARY KEY (order_id, line_no)) ENGINE=MyISAM`)
			c := srv.connect(toOrders)
			want(t, deliver(t, c, "order.upsert", "K-1", `{"order_no":"2","version":1}`), connectors.NotSent, "sql.engine")
		}
	})
}
