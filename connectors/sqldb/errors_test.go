package sqldb

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

const readAll = "streams:\n  rows:\n    entity: order\n    table: awkward\n    key: [id]\n    rescan: {}\n"

func fault(t testing.TB, err error, kind connectors.Kind, scope connectors.Scope) *connectors.Error {
	t.Helper()
	e := connectors.AsError(err)
	if e == nil || e.Kind != kind || e.Scope != scope || e.Sent {
		t.Fatalf("%+v, want %s of the %s", e, kind, scope)
	}
	return e
}

func TestFaultsOfTheAccount(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec(`CREATE TABLE awkward (id ID)`)
		ping := func(change func(*connectors.Values)) error { return srv.connect(readAll, change).Ping(t.Context()) }
		if err := ping(func(*connectors.Values) {}); err != nil {
			t.Errorf("all is well: %v", err)
		}
		if srv.value("SELECT 1") != "1" {
			t.Fatal("no server")
		}
		secret := connectors.NewSecret("wrong-invented")
		err := ping(func(v *connectors.Values) { v.Secrets["password"] = secret })
		if err != nil || srv.driver == driverMySQL { // a PostgreSQL that trusts this machine asks for none
			fault(t, err, connectors.Unauthorized, connectors.OfConnection)
			if strings.Contains(err.Error(), "wrong-invented") {
				t.Errorf("the password is shown: %v", err)
			}
		}
		err = ping(func(v *connectors.Values) { v.Text["url"] += "_nowhere" })
		if srv.driver == driverPostgres {
			fault(t, err, connectors.NotFound, connectors.OfConnection)
		} else {
			fault(t, err, connectors.Forbidden, connectors.OfOperation) // it does not say what is not there
		}
		fault(t, ping(func(v *connectors.Values) { v.Text["url"] = srv.driver + "://127.0.0.1:1/none" }), connectors.Unavailable, connectors.OfConnection)
		fault(t, ping(func(v *connectors.Values) { v.Text["tls"] = "verify" }), map[string]connectors.Kind{driverPostgres: connectors.Unavailable, driverMySQL: connectors.Forbidden}[srv.driver], connectors.OfConnection)
	})
}

func TestFaultsOfTheDescription(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec(`CREATE TABLE awkward (id ID, a int)`, `INSERT INTO awkward (id, a) VALUES (1, 1), (2, 1)`)
		read := func(description string) error {
			_, err := srv.connect(description).Pull(t.Context(), connectors.PullRequest{Stream: "rows"})
			return err
		}
		for description, text := range map[string]string{
			strings.ReplaceAll(readAll, "awkward", "no_such_table"):                                                        "no_such_table",
			strings.ReplaceAll(readAll, "[id]", "[idd]"):                                                                   `no column "idd"`,
			readAll + "    columns: {aa: {as: text}}\n":                                                                    `no column "aa"`,
			readAll + "    omit: [b]\n":                                                                                    `no column "b"`,
			strings.ReplaceAll(readAll, "[id]", "[a]"):                                                                     "two rows have the same",
			strings.ReplaceAll(readAll, "table: awkward", "select: SELECT 1 AS id, 2 AS id"):                               "id",
			strings.ReplaceAll(readAll, "table: awkward", "select: SELECT id FROM awkward WHERE"):                          "",
			strings.ReplaceAll(readAll, "table: awkward", "select: SELECT NULL AS id"):                                     "NULL",
			readAll + "    children: {a: {table: awkward, on: {id: id}, order: [id]}}\n":                                   "also the name of its child rows",
			strings.ReplaceAll(readAll, "rescan: {}", "incremental: {column: a}"):                                          "is not read as time",
			readAll + "    children: {b: {select: 'SELECT a FROM awkward', single: true, on: {a: a}}}\n":                   "2 rows of b",
			readAll + "    version: v\n":                                                                                   `no column "v"`,
			strings.ReplaceAll(readAll, "table: awkward", "select: SELECT id, 'x' AS v FROM awkward") + "    version: v\n": "does not rise",
		} {
			e := fault(t, read(description), connectors.Invalid, connectors.OfOperation)
			if !strings.Contains(e.Text, text) {
				t.Errorf("%s: %q does not say %q", description, e.Text, text)
			}
		}
	})
}

func TestReadingWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec(`CREATE TABLE awkward (id ID)`)
		call := "nextval('awkward_id_seq')"
		if srv.driver == driverMySQL {
			srv.exec("CREATE FUNCTION sneak() RETURNS int MODIFIES SQL DATA BEGIN INSERT INTO awkward VALUES (7); RETURN 1; END")
			call = "sneak()"
		}
		c := srv.connect(strings.ReplaceAll(readAll, "table: awkward", "select: SELECT "+call+" AS id"))
		_, err := c.Pull(t.Context(), connectors.PullRequest{Stream: "rows"})
		fault(t, err, connectors.Invalid, connectors.OfOperation)
		if got := srv.value("SELECT count(*) FROM awkward"); got != "0" {
			t.Errorf("%s rows were written", got)
		}
	})
}

func TestASlowStatementEnds(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec(`CREATE TABLE awkward (id ID)`, `INSERT INTO awkward (id) VALUES (1), (2), (3)`)
		sleep := map[string]string{driverPostgres: "pg_sleep(3)::text", driverMySQL: "sleep(3)"}[srv.driver]
		c := srv.connect(strings.ReplaceAll(readAll, "table: awkward", "select: SELECT id, "+sleep+" AS s FROM awkward"), func(v *connectors.Values) { v.Text["statement_timeout"] = "300ms" })
		began := time.Now()
		_, err := c.Pull(t.Context(), connectors.PullRequest{Stream: "rows"})
		e := fault(t, err, connectors.Unavailable, connectors.OfOperation)
		if took := time.Since(began); took > 2*time.Second || !strings.Contains(e.Hint, "index") {
			t.Errorf("after %s: %+v", took, e)
		}
	})
}

func TestARowThatAnotherHoldsIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.hubTables()
		c := srv.connect(toOrders, func(v *connectors.Values) { v.Text["statement_timeout"] = "3s" })
		want(t, deliver(t, c, "order.upsert", "K-1", `{"order_no":"1","version":1}`), connectors.Done, "")
		tx, err := srv.db.BeginTx(context.Background(), &sql.TxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("UPDATE hub_orders SET status = 'held'"); err != nil {
			t.Fatal(err)
		}
		want(t, deliver(t, c, "order.upsert", "K-1", `{"order_no":"2","version":2}`), connectors.NotSent, map[string]string{driverPostgres: "55P03", driverMySQL: "1205"}[srv.driver])
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		want(t, deliver(t, c, "order.upsert", "K-1", `{"order_no":"2","version":2}`), connectors.Done, "")
	})
}

func TestAConnectionThatWasCutIsTakenAnew(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.hubTables()
		c := srv.connect(toOrders, func(v *connectors.Values) { v.Text["connections"] = "1" })
		want(t, deliver(t, c, "order.upsert", "K-1", `{"order_no":"1","version":1}`), connectors.Done, "")
		q := "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE application_name = 'minihub' AND usename = '" + srv.user + "'"
		if srv.driver == driverMySQL {
			id := srv.admin.value("SELECT min(id) FROM information_schema.processlist WHERE user = '" + srv.user + "' AND command = 'Sleep' AND id IN (SELECT max(id) FROM information_schema.processlist WHERE user = '" + srv.user + "')")
			srv.admin.exec("KILL " + id)
		} else if srv.admin.value(q) != "true" {
			t.Fatal("nothing was cut")
		}
		want(t, deliver(t, c, "order.upsert", "K-1", `{"order_no":"2","version":2}`), connectors.Done, "")
	})
}

func TestSettingsThatCannotBeRead(t *testing.T) {
	c := load(t, driverMySQL, readAll)
	for field, values := range map[string][]string{
		"url": {"mysql://root:secret@db/shop", "postgres://db/shop", "mysql://db", "db:3306/shop", "mysql://db/shop?x=1", "mysql://db/a/b"}, "timezone": {"Local", "CST+8", "Asia/Shanghia"},
		"statement_timeout": {"1ms", "1h"}, "connections": {"0", "1000"},
	} {
		for _, value := range values {
			v := connectors.Values{Text: map[string]string{"url": "mysql://db/shop", "user": "u", "timezone": "UTC"}}
			v.Text[field] = value
			cfg, errs := connectors.NewConfig(c.Config, v)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			_, err := c.OpenConnection(t.Context(), cfg, connectors.Env{})
			if err == nil || !strings.HasPrefix(err.Error(), field+": ") || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s %s: %v", field, value, err)
			}
		}
	}
}
