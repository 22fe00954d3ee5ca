package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/minihub/minihub/cmd/minihub/internal/racetest"
	"github.com/minihub/minihub/connectors/manifest/oddshop"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
)

// oddshopTables is what a newcomer wrote to read the same shop straight from its tables.
const oddshopTables = "../../../../connectors/manifest/oddshop/testdata/tables"

// TestADayOfTheOddShopsTables plays the day of 1,000 orders into the shop's MySQL tables and
// reads them while they change; nobody asks the shop itself.
func TestADayOfTheOddShopsTables(t *testing.T) {
	t.Parallel()
	orders := 1000
	if testing.Short() || racetest.On {
		orders = 200
	}
	w := newTablesWorld(t, 20261122)
	w.open()
	day := oddshop.NewDay(w.shop, oddshop.DayOptions{Seed: 20261122, Orders: orders, Paging: -1, Spells: []int{}})
	for more := true; more; {
		// The operators work while the hub reads.
		step := make(chan error, 1)
		go func() {
			var err error
			more, err = day.Step()
			step <- err
		}()
		w.mustPull()
		if err := <-step; err != nil {
			t.Fatal(err)
		}
	}
	w.mustPull()
	if n := len(w.shop.Asked()); n != 0 {
		t.Errorf("the shop's API was asked %d times", n)
	}
	w.judge(orders, 0)
}

// newTablesWorld is an oddWorld whose hub reads the shop's tables.
func newTablesWorld(t *testing.T, seed int64) *oddWorld {
	t.Helper()
	cfg, db := oddDatabase(t)
	w := &oddWorld{t: t, faults: simkit.NewFaults(seed), dir: filepath.Join(t.TempDir(), "hub"), unasked: true}
	w.shop = oddshop.New(oddshop.Options{Options: simkit.Options{Seed: seed}})
	session, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	if err := w.shop.SetMirror(mirror{session}, "odd_"); err != nil {
		t.Fatal(err)
	}
	w.sink = webhooksim.New(webhooksim.Options{Secret: hookSecret})
	sink := httptest.NewServer(w.sink)
	t.Cleanup(sink.Close)
	lookups, err := fs.Sub(os.DirFS(oddshopFiles), "lookups")
	if err != nil {
		t.Fatal(err)
	}
	for dir, files := range map[string]fs.FS{w.dir: os.DirFS(oddshopTables), filepath.Join(w.dir, "lookups"): lookups} {
		if err := os.CopyFS(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	text := "connection: odd\nconnector: oddshop_tables\nstart: 2020-01-01T00:00:00Z\nstore: { code: odd, name: 怪铺 }\n" +
		fmt.Sprintf("config:\n  url: mysql://%s/%s\n  user: %s\n  timezone: Asia/Shanghai\n", cfg.Addr, cfg.DBName, cfg.User)
	files := oddFiles(sink.URL)
	if cfg.Passwd != "" {
		text += "  password: '${file:password}'\n"
		files["password"] = cfg.Passwd
	}
	files["connections/odd.yaml"] = text
	w.write(files)
	return w
}

// mirror keeps to one session.
type mirror struct{ db *sql.Conn }

func (m mirror) Exec(query string, args ...any) error {
	_, err := m.db.ExecContext(context.Background(), query, args...)
	return err
}

// oddDatabase is an empty database of its own on the test server: MINIHUB_TEST_MYSQL, or root
// on 127.0.0.1:3306. In CI a missing server is a failure.
func oddDatabase(t *testing.T) (*mysql.Config, *sql.DB) {
	t.Helper()
	dsn := os.Getenv("MINIHUB_TEST_MYSQL")
	if dsn == "" {
		dsn = "root@tcp(127.0.0.1:3306)/"
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DBName, cfg.Params = "", map[string]string{"charset": "utf8mb4"}
	open := func() *sql.DB {
		db, err := sql.Open("mysql", cfg.FormatDSN())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	admin := open()
	if err := admin.PingContext(t.Context()); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no MySQL or MariaDB here: %v", err)
	}
	cfg.DBName = fmt.Sprintf("oddshop_%08x", rand.Uint32())
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE `"+cfg.DBName+"` DEFAULT CHARSET utf8mb4"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.ExecContext(context.Background(), "DROP DATABASE `"+cfg.DBName+"`"); err != nil {
			t.Error(err)
		}
	})
	return cfg, open()
}
