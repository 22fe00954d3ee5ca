package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// A real order that fails becomes a case without its buyer, and `map test` runs it green.
func TestRecordAnOrder(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{"order-bad-price": "mapping.value", "order-bad-status": "mapping.enum"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newHub(t)
			order := strings.NewReplacer("13800000000", "13812345678", "张三", "司马相如").Replace(sampleOrder(t, name))
			l := openStore(t, dir)
			in := &ledger.Intake{Connection: "shop-a", Stream: "orders", Items: []*ledger.IntakeItem{{Entity: "order", Key: "1", RootEnt: "order", RootKey: "1",
				Version: 1, FetchedAt: time.Now(), Body: []byte(order)}}}
			if err := l.Commit(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			if err := l.Commit(t.Context(), &ledger.Route{Record: in.Items[0].ID, To: ledger.RecordParked, Code: code}); err != nil {
				t.Fatal(err)
			}
			// The store is still open: a command reads beside its owner.
			exit, out, errs := minihub(t, "record", "1", "-c", dir, "--json")
			var got struct {
				OK     bool
				File   string
				Masked int
			}
			if err := json.Unmarshal([]byte(out), &got); err != nil || exit != Fine || !got.OK || got.Masked < 5 {
				t.Fatalf("exit %d %v %s%s", exit, err, out, errs)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			file, err := os.ReadFile(got.File)
			if err != nil {
				t.Fatal(err)
			}
			for _, personal := range []string{"司马相如", "12345678", "示例路", "301室", "oINVENTED", "uINVENTED", "请尽快发货", "老客户"} {
				if !strings.Contains(order, personal) {
					t.Errorf("the order has no %s to be masked", personal)
				}
				if strings.Contains(string(file), personal) {
					t.Errorf("the case shows %s:\n%s", personal, file)
				}
			}
			if exit, out, errs := minihub(t, "map", "test", "-c", dir, "--cache", filepath.Join(t.TempDir(), "m.json")); exit != Fine || !strings.Contains(out, "cases run: 1, failed: 0") {
				t.Errorf("map test: exit %d %s%s", exit, out, errs)
			}
		})
	}
}
