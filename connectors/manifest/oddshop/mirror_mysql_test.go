package oddshop

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// database is an empty database of its own on the test server (MINIHUB_TEST_MYSQL, or root
// on 127.0.0.1:3306). In CI a missing server is a failure.
func database(t *testing.T) *sql.DB {
	t.Helper()
	dsn := os.Getenv("MINIHUB_TEST_MYSQL")
	if dsn == "" {
		dsn = "root@tcp(127.0.0.1:3306)/"
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("oddshop_%08x", rand.Uint32())
	cfg.DBName, cfg.Params = "", map[string]string{"charset": "utf8mb4"}
	admin, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	if err := admin.PingContext(t.Context()); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no MySQL or MariaDB here: %v", err)
	}
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE `"+name+"` DEFAULT CHARSET utf8mb4"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.ExecContext(context.Background(), "DROP DATABASE `"+name+"`"); err != nil {
			t.Error(err)
		}
	})
	cfg.DBName = name
	db, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// executor keeps to one session.
type executor struct{ db *sql.Conn }

func (e executor) Exec(query string, args ...any) error {
	_, err := e.db.ExecContext(context.Background(), query, args...)
	return err
}

// TestTheTablesTellTheDay plays a short day and reads the tables, whose quirks are there too.
func TestTheTablesTellTheDay(t *testing.T) {
	db := database(t)
	c := open(t, Options{PerSecond: -1})
	c.sell(3) // before there was a mirror
	session, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	if err := c.sim.SetMirror(executor{session}, "odd_"); err != nil {
		t.Fatal(err)
	}
	day := NewDay(c.sim, DayOptions{Seed: 5, Orders: 60, Steps: 6, Open: opening, Paging: -1})
	for more := true; more; {
		var err error
		if more, err = day.Step(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		c.do(Act{Do: Delete})
	}
	rows, err := db.QueryContext(t.Context(), "SELECT o.order_id, o.order_sn, o.state, CAST(o.add_time AS CHAR), o.pay_time, o.ship_time, HEX(m.nick), HEX(o.consignee), "+
		"CAST(o.amount AS CHAR), o.waybill, (SELECT CAST(SUM(g.price * g.num) AS CHAR) FROM odd_order_goods g WHERE g.order_id = o.order_id), r.region_name "+
		"FROM odd_order o JOIN odd_member m ON m.uid = o.uid JOIN odd_region r ON r.region_id = o.city")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	truth, seen := c.sim.Truth(), 0
	for rows.Next() {
		var id int64
		var cols [11]string
		into := []any{&id}
		for i := range cols {
			into = append(into, &cols[i])
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		o := truth[id].Order
		city, _ := region(o.Receiver.City)
		want := [11]string{o.Number, fmt.Sprint(int(o.State)), o.PlacedAt.Format(clockText), fmt.Sprint(epoch(o.PaidAt)), fmt.Sprint(epoch(o.ShippedAt)),
			fmt.Sprintf("%X", o.Buyer.Nick), fmt.Sprintf("%X", pad(o.Receiver.Name, nameWidth)), yuanText(o.Total), o.Waybill, yuanText(o.goods()), city.Name}
		if cols != want || truth[id].Deleted {
			t.Errorf("order %d (deleted %v)\n got %q\nwant %q", id, truth[id].Deleted, cols, want)
		}
		seen++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	there, gone := 0, 0
	for _, tr := range truth {
		if tr.Deleted {
			gone++
		} else {
			there++
		}
	}
	if seen != there || gone == 0 {
		t.Errorf("the table has %d orders, the shop %d; %d were deleted", seen, there, gone)
	}
	var ddl, table string
	if err := db.QueryRowContext(t.Context(), "SHOW CREATE TABLE odd_member").Scan(&table, &ddl); err != nil || !strings.Contains(ddl, "latin1") {
		t.Errorf("members are not in latin1: %s %v", ddl, err)
	}
}
