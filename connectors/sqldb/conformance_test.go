package sqldb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/simkit"
)

const conforming = `
title: A shop's own database
role: any
text: Orders in, orders out.
docs: https://example.com/tables
streams:
  orders:
    entity: order
    table: source_orders
    key: [id]
    page: 2
    incremental: {column: updated_at}
    list: {time: updated_at, amount: total, currency: CNY}
operations:
  order.upsert:
    entity: order
    table: hub_orders
    key: {order_key: $key}
    columns: {order_no: /order_no, total: /total, status: /status}
    children:
      lines: {table: hub_lines, from: /lines, on: {order_key: order_key}, key: {line_no: /line_no}, columns: {sku: /sku, qty: /qty}}
    list: {time: written_at, status: status, statuses: {open: [new], cancelled: [cancelled]}, amount: total, currency: CNY, lines: lines}
  order.add:
    entity: order
    action: insert
    table: hub_orders
    key: {order_key: $key}
    columns: {order_no: /order_no, total: /total}
  order.cancel:
    entity: order
    action: update
    undoes: order.upsert
    table: hub_orders
    key: {order_key: $key}
    columns: {status: {value: cancelled}}
    only_if: {column: status, values: [new]}
  order.drop:
    entity: order
    action: delete
    table: hub_orders
    key: {order_key: $key}
    children:
      lines: {table: hub_lines, from: /lines, on: {order_key: order_key}, key: {line_no: /line_no}}
`

// conformance makes the tables of the description. The target's own books are a table
// that triggers write: what a repeat writes twice stands there twice.
func conformance(t testing.TB, driver string) *server {
	srv := start(t, driver)
	srv.exec(`CREATE TABLE source_orders (id ID, total decimal(10,2), updated_at timestamp NOT NULL)`,
		`CREATE TABLE hub_orders (order_key varchar(40) PRIMARY KEY, order_no varchar(20) NOT NULL, total decimal(10,2), status varchar(10), written_at timestamp DEFAULT CURRENT_TIMESTAMP)`,
		`CREATE TABLE hub_lines (order_key varchar(40) NOT NULL REFERENCES hub_orders (order_key), line_no int NOT NULL, sku varchar(20), qty int, PRIMARY KEY (order_key, line_no))`,
		`CREATE TABLE books (act varchar(10), order_key varchar(40))`)
	if driver == driverPostgres {
		srv.exec(`ALTER TABLE source_orders ALTER updated_at TYPE timestamptz`, `ALTER TABLE hub_orders ALTER written_at TYPE timestamptz`,
			`CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO books VALUES (TG_OP, coalesce(NEW.order_key, OLD.order_key)); RETURN NULL; END $$`,
			`CREATE TRIGGER keep AFTER INSERT OR UPDATE OR DELETE ON hub_orders FOR EACH ROW EXECUTE FUNCTION keep()`)
	} else {
		for act, row := range map[string]string{"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"} {
			srv.exec(fmt.Sprintf("CREATE TRIGGER keep_%s AFTER %s ON hub_orders FOR EACH ROW INSERT INTO books VALUES ('%s', %s.order_key)", act, act, act, row))
		}
	}
	srv.fresh()
	return srv
}

// fresh empties the tables and fills the source again; making tables takes longer.
func (srv *server) fresh() {
	srv.t.Helper()
	srv.exec("DELETE FROM hub_lines", "DELETE FROM hub_orders", "DELETE FROM books", "DELETE FROM source_orders")
	at := time.Now().UTC().Add(-time.Hour).Format("2006-01-02 15:04:05")
	if srv.driver == driverPostgres {
		at += "+00"
	}
	for i := range 5 {
		srv.exec(fmt.Sprintf("INSERT INTO source_orders (id, total, updated_at) VALUES (%d, 1.50, '%s')", i+1, at))
	}
}

// effects counts what the books say was done to a key.
func (srv *server) effects(operation, key string) int {
	act := map[string]string{"order.upsert": "'INSERT','UPDATE'", "order.add": "'INSERT'", "order.cancel": "'UPDATE'", "order.drop": "'DELETE'"}[operation]
	n := 0
	if _, err := fmt.Sscan(srv.value(fmt.Sprintf("SELECT count(*) FROM books WHERE act IN (%s) AND order_key = '%s'", act, key)), &n); err != nil {
		srv.t.Fatal(err)
	}
	return n
}

// twice is a connection to which the fault duplicate can happen: the call comes twice.
type twice struct {
	*conn
	faults *simkit.Faults
}

func (c twice) Deliver(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Result, error) {
	if _, ok := c.faults.Hit(c.driver, "commit", simkit.Duplicate); ok {
		if _, err := c.conn.Deliver(ctx, operation, batch); err != nil {
			return nil, err
		}
	}
	return c.conn.Deliver(ctx, operation, batch)
}

func TestConformance(t *testing.T) {
	for _, driver := range []string{driverPostgres, driverMySQL} {
		t.Run(driver, func(t *testing.T) { conform(t, driver) })
	}
}

func conform(t *testing.T, driver string) {
	srv := conformance(t, driver)
	var faults *simkit.Faults
	connector := *load(t, driver, conforming)
	open := connector.Open
	connector.Open = func(ctx context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
		c, err := open(ctx, cfg, env)
		if err != nil {
			return nil, err
		}
		// The suite gives some calls a tenth of a second: the tables are known by then.
		if err := c.(*conn).Ping(ctx); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		return twice{c.(*conn), faults}, nil
	}
	order := func(key string, change int) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"order_no":"N-%s","total":"%d.50","status":"new","lines":[{"line_no":1,"sku":"A","qty":%d},{"line_no":2,"sku":"B","qty":1}]}`, key, 10+change, 1+change))
	}
	bad := func(key string) json.RawMessage {
		return json.RawMessage(strings.ReplaceAll(string(order(key, 0)), "10.50", "10.505"))
	}
	prepare := func(t *testing.T, _ connectors.Connection, key string) []connectors.RemoteID {
		srv.exec(fmt.Sprintf("INSERT INTO hub_orders (order_key, order_no, status) VALUES ('%s', 'n', 'new')", key))
		return nil
	}
	refusal, unheard := "23505", "XX123"
	if driver == driverMySQL {
		refusal, unheard = "1062", "4999"
	}
	empty := func(string, int) json.RawMessage { return json.RawMessage(`{}`) }
	connectortest.Run(t, connectortest.Suite{
		Connector: &connector,
		Start: func(t *testing.T) *connectortest.System {
			srv.fresh()
			faults = simkit.NewFaults(1)
			p := startProxy(t, srv, faults)
			return &connectortest.System{Name: driver, Values: srv.values(p.addr()), Faults: faults, Effects: srv.effects}
		},
		Operations: []connectortest.Operation{
			{Name: "order.upsert", Call: "commit", Look: "read", Looks: true, Document: order, Bad: bad, ErrorCode: refusal, UnknownCode: unheard},
			{Name: "order.add", Call: "commit", Look: "read", Looks: true, Document: order, Bad: bad, ErrorCode: refusal, UnknownCode: unheard},
			{Name: "order.cancel", Call: "commit", Look: "read", Document: empty, Prepare: prepare, ErrorCode: refusal, UnknownCode: unheard},
			{Name: "order.drop", Call: "commit", Look: "read", Document: empty, Prepare: prepare, ErrorCode: refusal, UnknownCode: unheard},
		},
		Streams: []connectortest.Stream{{Name: "orders", Call: "read", Want: []string{"1", "2", "3", "4", "5"}, Missing: "99"}},
		Waivers: map[string]string{
			"pull.faults": "a cut answer of a database is a broken connection, not a document that cannot be read: TestFaultsOfReading holds the rest",
		},
	})
}

func TestFaultsOfReading(t *testing.T) {
	for _, driver := range []string{driverPostgres, driverMySQL} {
		t.Run(driver, func(t *testing.T) {
			srv, faults := conformance(t, driver), simkit.NewFaults(1)
			p := startProxy(t, srv, faults)
			c := srv.connect(conforming, func(v *connectors.Values) { v.Text["url"] = strings.ReplaceAll(v.Text["url"], srv.host, p.addr()) })
			now := time.Now()
			req := connectors.PullRequest{Stream: "orders", Window: connectors.Window{From: now.Add(-24 * time.Hour), To: now}}
			for _, kind := range []simkit.Kind{simkit.Status, simkit.BadGateway, simkit.Garble, simkit.DropAnswer, simkit.DropRequest, simkit.RateLimit, simkit.ErrorBody} {
				if _, err := faults.Add(simkit.Fault{System: driver, Kind: kind, Call: "read"}); err != nil {
					t.Fatal(err)
				}
				_, err := c.Pull(t.Context(), req)
				e := connectors.AsError(err)
				if faults.List()[0].Hits == 0 {
					t.Fatalf("%s did not strike", kind)
				}
				faults.Clear()
				want := connectors.Unavailable
				if kind == simkit.RateLimit {
					want = connectors.RateLimited
				}
				if e == nil || e.Kind != want || want == connectors.RateLimited && (e.Wait <= 0 || e.Scope != connectors.OfConnection) {
					t.Errorf("after %s: %+v, want %s", kind, e, want)
				}
				if page, err := c.Pull(t.Context(), req); err != nil || len(page.Items) != 2 {
					t.Errorf("after %s was over: %d items, %v", kind, len(page.Items), err)
				}
			}
		})
	}
}
