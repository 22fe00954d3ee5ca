package oddshop

import (
	"os"
	"testing"

	"github.com/minihub/minihub/connectors/sqldb"
)

// TestTheTablesAreDescribed reads the description of the shop's own tables.
func TestTheTablesAreDescribed(t *testing.T) {
	src, err := os.ReadFile("testdata/tables/connectors/oddshop_tables.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, problems := sqldb.Load("oddshop_tables", src)
	for _, p := range problems {
		t.Error(p)
	}
	if t.Failed() {
		return
	}
	if s, ok := c.Stream("orders"); !ok || !s.Complete {
		t.Errorf("stream orders: %+v", s)
	}
}
