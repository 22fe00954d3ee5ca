package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/minihub/minihub/pipelines/ledger"
)

// TestFindByWhateverIsTyped types numbers of the hub, error codes and keys that many
// documents share.
func TestFindByWhateverIsTyped(t *testing.T) {
	a, s := deskAPI(t)
	var deliveries []int64
	for i := range 60 {
		key := fmt.Sprintf("WX-%d", i)
		it := &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: 1, Body: []byte("{}")}
		if err := s.Commit(t.Context(), &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{it}}); err != nil {
			t.Fatal(err)
		}
		r := &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Label: key, Keys: []ledger.SearchKey{{Kind: "order_no", Value: key}, {Kind: "sku", Value: "TEE-RED-M"}}}
		for n := range 2 {
			d := &ledger.NewDelivery{Flow: "f", Step: "s", Connection: "erp", Operation: fmt.Sprintf("push%d", n), RemoteKey: "shop-" + key, Claim: true, State: ledger.Ready}
			if i < 3 && n == 0 {
				d.State, d.Code, d.Text = ledger.Parked, "mapping.enum", "out.yaml:8:5: status: unknown"
			}
			r.Deliveries = append(r.Deliveries, d)
		}
		if err := s.Commit(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		deliveries = append(deliveries, r.Deliveries[1].ID)
	}
	find := func(key, more string) (out FoundList) {
		if code := ask(t, a, http.MethodGet, "/api/v1/messages?key="+url.QueryEscape(key)+more, "", &out); code != http.StatusOK {
			t.Fatalf("%q answered %d", key, code)
		}
		return out
	}
	last := deliveries[59]
	for _, c := range []struct {
		key, more string
		matched   string
		delivery  int64
		n         int
		whole     bool
	}{
		{"WX-7", "", "order_no", 0, 1, true},
		{"#7", "", "message", 0, 2, true}, {"７", "", "message", 0, 2, true}, {"#7", "&kind=message", "message", 0, 1, true},
		{fmt.Sprint(last), "", "delivery", last, 1, true}, {fmt.Sprintf("＃%d", last), "", "delivery", last, 1, true},
		{"tee-red-m", "", "sku", 0, 50, false}, {"tee-red-m", "&limit=60", "sku", 0, 60, true},
		{"shop-WX-3", "", "remote_key", 0, 1, true},
		{"#0", "", "", 0, 0, true}, {"#99999", "", "", 0, 0, true}, {"-7", "", "", 0, 0, true}, {"99999999999999999999", "", "", 0, 0, true},
	} {
		got := find(c.key, c.more)
		if len(got.Messages) != c.n || got.More == c.whole || len(got.Incidents) != 0 {
			t.Errorf("%s%s: %d messages, more %v, %d incidents", c.key, c.more, len(got.Messages), got.More, len(got.Incidents))
			continue
		}
		if c.n > 0 && (!slices.Contains(got.Messages[0].Matched, c.matched) || got.Messages[0].Delivery != c.delivery) {
			t.Errorf("%s%s: the first is %+v", c.key, c.more, got.Messages[0])
		}
	}
	if got := find("TEE-RED-M", "").Messages; got[0].Key != "WX-59" || got[49].Key != "WX-10" {
		t.Errorf("from %s to %s: the newest come first", got[0].Key, got[49].Key)
	}
	for _, code := range []string{"mapping.enum", " Mapping.Enum ", "ｍａｐｐｉｎｇ．ｅｎｕｍ"} {
		got := find(code, "")
		if len(got.Incidents) != 1 || got.Incidents[0].Now != 3 || len(got.Messages) != 0 {
			t.Errorf("%q: %+v", code, got)
		}
	}
	if got := find("mapping.enum", "&kind=order_no"); len(got.Incidents) != 0 {
		t.Errorf("among order numbers: %+v", got)
	}
}
