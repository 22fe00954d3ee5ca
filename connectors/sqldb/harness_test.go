package sqldb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver of the tests' own connections

	"github.com/minihub/minihub/connectors"
)

// server is a database of a test's own, made and dropped with it.
type server struct {
	t        testing.TB
	driver   string
	db       *sql.DB // the test's own way in
	host     string
	database string
	user     string
	password string
	admin    *server // who may do everything
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, srv *server)) {
	for _, driver := range []string{driverPostgres, driverMySQL} {
		t.Run(driver, func(t *testing.T) { test(t, start(t, driver)) })
	}
}

// start makes a database of its own on the server of MINIHUB_TEST_POSTGRES or
// MINIHUB_TEST_MYSQL, or of this machine; without one the test is skipped, or fails where
// CI=true.
func start(t testing.TB, driver string) *server {
	t.Helper()
	env := map[string]string{driverPostgres: "MINIHUB_TEST_POSTGRES", driverMySQL: "MINIHUB_TEST_MYSQL"}[driver]
	dsn, given := os.LookupEnv(env)
	if !given {
		dsn = map[string]string{driverPostgres: "postgres://postgres@127.0.0.1:5432/test", driverMySQL: "mysql://root@127.0.0.1:3306/test"}[driver]
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatalf("%s is no URL", env)
	}
	var b [6]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	name := "minihub_" + hex.EncodeToString(b[:])
	admin := &server{t: t, driver: driver, host: u.Host, database: strings.Trim(u.Path, "/"), user: u.User.Username()}
	admin.password, _ = u.User.Password()
	admin.db = admin.open(admin.database)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := admin.db.PingContext(ctx); err != nil {
		admin.db.Close()
		if given || os.Getenv("CI") == "true" {
			t.Fatalf("the database cannot be reached: %v", err)
		}
		t.Skipf("no database: set %s to a URL", env)
	}
	srv := &server{t: t, driver: driver, host: u.Host, database: name, user: name, password: "invented-" + name, admin: admin}
	make, drop := []string{"CREATE DATABASE " + name + " CHARACTER SET utf8mb4", "CREATE USER " + name + "@'%' IDENTIFIED BY '" + srv.password + "'", "GRANT ALL ON " + name + ".* TO " + name + "@'%'"},
		[]string{"DROP DATABASE " + name, "DROP USER " + name + "@'%'"}
	if driver == driverPostgres {
		// A schema is made faster than a database.
		srv.database = admin.database
		make, drop = []string{"CREATE ROLE " + name + " LOGIN PASSWORD '" + srv.password + "'", "CREATE SCHEMA " + name + " AUTHORIZATION " + name, "ALTER ROLE " + name + " SET search_path = " + name, "ALTER ROLE " + name + " SET synchronous_commit = off"},
			[]string{"DROP SCHEMA " + name + " CASCADE", "DROP ROLE " + name}
	}
	admin.exec(make...)
	srv.db = srv.open(srv.database)
	t.Cleanup(func() {
		srv.db.Close()
		admin.exec(drop...)
		admin.db.Close()
	})
	return srv
}

func (srv *server) open(database string) *sql.DB {
	srv.t.Helper()
	if srv.driver == driverPostgres {
		u := url.URL{Scheme: "postgres", User: url.UserPassword(srv.user, srv.password), Host: srv.host, Path: "/" + database, RawQuery: "sslmode=disable&default_query_exec_mode=exec"}
		db, err := sql.Open("pgx", u.String())
		if err != nil {
			srv.t.Fatal(err)
		}
		return db
	}
	mc := mysql.NewConfig()
	mc.User, mc.Passwd, mc.Net, mc.Addr, mc.DBName = srv.user, srv.password, "tcp", srv.host, database
	mc.MultiStatements = true
	mc.Params = map[string]string{"time_zone": "'+00:00'", "sql_mode": "''"}
	c, err := mysql.NewConnector(mc)
	if err != nil {
		srv.t.Fatal(err)
	}
	return sql.OpenDB(c)
}

// exec runs statements by the test's own connection. (id ID stands for an auto-increment
// primary key.
func (srv *server) exec(texts ...string) {
	srv.t.Helper()
	id := map[string]string{driverPostgres: "bigserial PRIMARY KEY", driverMySQL: "bigint AUTO_INCREMENT PRIMARY KEY"}[srv.driver]
	for _, text := range texts {
		if _, err := srv.db.Exec(strings.ReplaceAll(text, "(id ID", "(id "+id)); err != nil {
			srv.t.Fatalf("%s: %v", text, err)
		}
	}
}

// value reads one value by the test's own connection.
func (srv *server) value(text string) string {
	srv.t.Helper()
	var v sql.NullString
	if err := srv.db.QueryRow(text).Scan(&v); err != nil {
		srv.t.Fatalf("%s: %v", text, err)
	}
	if !v.Valid {
		return "NULL"
	}
	return v.String
}

// values is a connection's configuration, at an address other than the server's when a
// proxy stands between.
func (srv *server) values(addr string) connectors.Values {
	if addr == "" {
		addr = srv.host
	}
	return connectors.Values{
		Text:    map[string]string{"url": srv.driver + "://" + addr + "/" + srv.database, "user": srv.user, "timezone": "Asia/Shanghai", "tls": "off", "statement_timeout": "5s"},
		Secrets: map[string]connectors.Secret{"password": connectors.NewSecret(srv.password)},
	}
}

// clock is a clock that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// connect loads a description, without its first two lines, and opens a connection.
func (srv *server) connect(description string, change ...func(*connectors.Values)) *conn {
	srv.t.Helper()
	return srv.connectAt(description, nil, change...)
}

func (srv *server) connectAt(description string, clk *clock, change ...func(*connectors.Values)) *conn {
	srv.t.Helper()
	c := load(srv.t, srv.driver, description)
	v := srv.values("")
	for _, f := range change {
		f(&v)
	}
	cfg, errs := connectors.NewConfig(c.Config, v)
	if len(errs) > 0 {
		srv.t.Fatal(errs)
	}
	env := connectors.Env{Name: "db"}
	if clk != nil {
		env.Now = clk.now
	}
	opened, err := c.OpenConnection(context.Background(), cfg, env)
	if err != nil {
		srv.t.Fatal(err)
	}
	srv.t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			srv.t.Errorf("close: %v", err)
		}
	})
	return opened.(*conn)
}

func load(t testing.TB, driver, description string) *connectors.Connector {
	t.Helper()
	c, problems := Load("db", []byte(fmt.Sprintf("kind: sql\ndriver: %s\n%s", driver, description)))
	for _, p := range problems {
		t.Error(p.Error())
	}
	if len(problems) > 0 {
		t.FailNow()
	}
	return c
}

// pull reads a stream to its end, from a cursor.
func pull(t testing.TB, c *conn, stream, cursor string, w connectors.Window) ([]connectors.Item, string) {
	t.Helper()
	var out []connectors.Item
	for range 1000 {
		page, err := c.Pull(context.Background(), connectors.PullRequest{Stream: stream, Cursor: cursor, Window: w})
		if err != nil {
			t.Fatalf("pull: %+v", err)
		}
		out = append(out, page.Items...)
		cursor = page.Cursor
		if !page.More {
			return out, cursor
		}
	}
	t.Fatal("the pull does not end")
	return nil, ""
}

func keys(items []connectors.Item) string {
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = it.Key
		if it.Deleted {
			out[i] += "!"
		}
		if it.Final {
			out[i] += "."
		}
	}
	return strings.Join(out, " ")
}

func day(from, to int) connectors.Window {
	at := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, shanghai) }
	return connectors.Window{From: at(from), To: at(to)}
}

var shanghai = time.FixedZone("CST", 8*3600)
