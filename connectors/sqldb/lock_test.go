package sqldb

import (
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

// waiting counts the statements of the test's user that wait for a lock.
func (srv *server) waiting() string {
	if srv.driver == driverPostgres {
		return srv.admin.value("SELECT count(*) FROM pg_stat_activity WHERE usename = '" + srv.user + "' AND wait_event_type = 'Lock'")
	}
	// What InnoDB itself tells is only renewed when nobody asks for a while.
	return srv.admin.value("SELECT count(*) FROM information_schema.processlist WHERE user = '" + srv.user + "' AND info LIKE '%FOR UPDATE'")
}

// A newer row that another writer is about to commit is waited for, and then not
// overwritten.
func TestAVersionIsComparedUnderTheRowsLock(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.hubTables()
		c := srv.connect(toOrders, func(v *connectors.Values) { v.Text["statement_timeout"] = "30s" })
		want(t, deliver(t, c, "order.upsert", "K-1", `{"order_no":"1","version":1}`), connectors.Done, "")
		tx, err := srv.db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("UPDATE hub_orders SET version = 9"); err != nil {
			t.Fatal(err)
		}
		got := make(chan connectors.Result, 1)
		go func() { got <- deliver(t, c, "order.upsert", "K-1", `{"order_no":"5","version":5}`) }()
		for end := time.Now().Add(5 * time.Second); srv.waiting() == "0"; {
			if time.Now().After(end) {
				t.Fatal("the delivery does not wait for the row")
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		want(t, <-got, connectors.Refused, "sql.newer")
		if v := srv.value("SELECT version FROM hub_orders"); v != "9" {
			t.Errorf("version %s, want 9", v)
		}
	})
}
