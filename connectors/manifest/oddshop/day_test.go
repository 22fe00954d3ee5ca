package oddshop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// play plays a day; after each step somebody turns every page once, as a hub does.
func play(t *testing.T, seed int64, orders int) (*caller, *Day) {
	t.Helper()
	c := open(t, Options{PerSecond: -1})
	day := NewDay(c.sim, DayOptions{Seed: seed, Orders: orders, Open: opening})
	turn := func() (rows int) {
		for page := 1; ; page++ {
			raw := c.raw(callList, "shop_id", "88012", "state", "0,10,20,30,90", "size", "100", "page", fmt.Sprint(page))
			got := bytes.Count(raw, []byte(`"oid":`))
			rows += got
			if got < maxPage {
				return rows
			}
		}
	}
	for {
		more, err := day.Step()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		if rows := turn(); day.Spell() != (rows == 0) {
			t.Fatalf("spell %v, but %d rows were listed", day.Spell(), rows)
		}
	}
	for c.sim.Queued() > 0 {
		turn()
	}
	return c, day
}

func TestADayOf2000OrdersHasEverything(t *testing.T) {
	c, day := play(t, 7, 0)
	truth := c.sim.Truth()
	if len(truth) != 2000 || day.Did[Sell] != 2000 {
		t.Fatalf("%d orders, %d sales", len(truth), day.Did[Sell])
	}
	count := map[string]int{}
	numbers := map[string]int64{}
	for id, tr := range truth {
		for i, e := range tr.History {
			count[e.Do]++
			if i > 0 && e.Seq <= tr.History[i-1].Seq {
				t.Fatalf("history of %d out of order", id)
			}
			if other, taken := numbers[e.Order.Number]; taken && other != id {
				t.Fatalf("number %s is of %d and %d", e.Order.Number, other, id)
			}
			numbers[e.Order.Number] = id
		}
		last := tr.History[len(tr.History)-1]
		if tr.Deleted != (last.Do == Delete) || tr.Order.Total != last.Order.goods()+last.Order.Freight {
			t.Fatalf("truth of %d is not its last entry: %+v", id, tr)
		}
	}
	for _, do := range []string{Pay, EditPrice, Cancel, Delete, Ship, Finish} {
		if count[do] < 50 {
			t.Errorf("only %d acts %s in the day: %v", count[do], do, count)
		}
	}
	if p := c.sim.Problems(); len(p) != 0 {
		t.Errorf("problems: %v", p)
	}
}

func TestTheSameSeedPlaysTheSameDay(t *testing.T) {
	a, _ := play(t, 3, 200)
	b, _ := play(t, 3, 200)
	other, _ := play(t, 4, 200)
	x, y, z := fmt.Sprint(a.sim.Truth()), fmt.Sprint(b.sim.Truth()), fmt.Sprint(other.sim.Truth())
	if x != y {
		t.Error("two days of one seed differ")
	}
	if x == z {
		t.Error("two days of different seeds are equal")
	}
}

func (c *caller) act(body string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+"/_sim/act", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, b.String()
}

func TestOperatorsActOverHTTP(t *testing.T) {
	c := open(t, Options{})
	status, body := c.act(`[{"do":"sell"},{"do":"sell"},{"do":"pay"},{"do":"cancel","paging":true},{"do":"lose_token"}]`)
	var out []done
	if err := json.Unmarshal([]byte(body), &out); err != nil || status != http.StatusOK || len(out) != 5 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if out[0].Order == nil || out[0].Order.ID != firstID || out[2].Order.State != Paid || !out[3].Queued || out[4].Order != nil {
		t.Errorf("acts answer %s", body)
	}
	for body, want := range map[string]string{
		`{"do":"fly"}`:         `"fly" is unknown`,
		`{"do":"pay","oid":5}`: "order 5 is not there",
		`{"do":"ship","oid":9007199254740994,"price":1}`: "unknown field",
		`{"do":"finish"}`:  "no order is in a state for this",
		`{"do":"sell"} {}`: "nothing after it",
		`[`:                "list of them",
	} {
		if status, got := c.act(body); status != http.StatusBadRequest || !strings.Contains(strings.ReplaceAll(got, `\"`, `"`), want) {
			t.Errorf("%s: %d %s, want %s", body, status, got, want)
		}
	}
}

func TestTheRecordSaysWhoAskedForWhat(t *testing.T) {
	c := open(t, Options{})
	o := c.sell(1)[0]
	c.list()
	c.list("token", "wrong")
	c.raw(callList)
	c.raw("nothing")
	var why []string
	for _, a := range c.sim.Asked() {
		why = append(why, a.Why)
		if strings.Contains(a.Query, "token") {
			t.Errorf("the record holds a token: %s", a.Query)
		}
	}
	if want := []string{"answered", "token unknown", "filter missing", "errno 1001: 接口不存在"}; !slices.Equal(why, want) {
		t.Errorf("calls: %q, want %q", why, want)
	}
	if got := c.sim.Truth()[o.ID]; got.Shown != 1 {
		t.Errorf("the order was shown %d times, want once", got.Shown)
	}
	if b, err := json.Marshal(c.sim.Record()); err != nil || !bytes.Contains(b, []byte(`"documents":{"9007199254740993":`)) {
		t.Errorf("record: %s %v", b, err)
	}
}

// TestTheDocumentationIsTrue holds the fields and states of API.md against the wire.
func TestTheDocumentationIsTrue(t *testing.T) {
	doc, err := os.ReadFile("API.md")
	if err != nil {
		t.Fatal(err)
	}
	sample := regexp.MustCompile(`(?s)\{"total":"1".*?\n\}\]\}`).Find(doc)
	named := map[string]bool{}
	for _, m := range regexp.MustCompile(`"([a-z_]+)":`).FindAllSubmatch(sample, -1) {
		named[string(m[1])] = true
	}
	c := open(t, Options{})
	c.sell(1)
	row := c.list()[0]
	fields := map[string]bool{"total": true, "list": true}
	for name := range row {
		fields[name] = true
	}
	var lines []map[string]json.RawMessage
	if err := json.Unmarshal(row["goods"], &lines); err != nil {
		t.Fatal(err)
	}
	for name := range lines[0] {
		fields[name] = true
	}
	for name := range fields {
		if !named[name] {
			t.Errorf("the row has %q, API.md does not", name)
		}
	}
	for name := range named {
		if !fields[name] {
			t.Errorf("API.md has %q, the row does not", name)
		}
	}
	for _, text := range []string{callWhoami, callList, callGet, callRegions, "1001", "1002", "1007", "1500", "200/s", "≤ 100", "≤ 20", "char(16)", "char(24)"} {
		if !bytes.Contains(doc, []byte(text)) {
			t.Errorf("API.md does not tell %q", text)
		}
	}
}
