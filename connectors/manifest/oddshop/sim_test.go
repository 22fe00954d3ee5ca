package oddshop

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// Everything is asked on the raw HTTP, as any caller would.

var opening = time.Date(2026, 11, 21, 9, 30, 0, 0, Zone)

type caller struct {
	t   *testing.T
	sim *Sim
	url string
}

func open(t *testing.T, o Options) *caller {
	t.Helper()
	if o.NoticeEvery == 0 {
		o.NoticeEvery = -1
	}
	if o.Now == nil {
		o.Now = func() time.Time { return opening }
	}
	c := &caller{t: t, sim: New(o)}
	srv := httptest.NewServer(c.sim)
	t.Cleanup(srv.Close)
	c.url = srv.URL
	return c
}

// raw asks and returns the exact bytes of an answer, which is always HTTP 200.
func (c *caller) raw(m string, params ...string) []byte {
	c.t.Helper()
	q := url.Values{"m": {m}, "token": {c.sim.Credentials()["token"]}}
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+apiPath+"?"+q.Encode(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%s answers HTTP %d; the shop always answers 200", m, resp.StatusCode)
	}
	if kind := resp.Header.Get("Content-Type"); kind != "text/html; charset=UTF-8" {
		c.t.Fatalf("%s answers %s; the shop says what PHP says unasked", m, kind)
	}
	return b
}

type answered struct {
	Errno int    `json:"errno"`
	Wait  int    `json:"wait"`
	Msg   string `json:"errmsg"`
	Data  struct {
		Total  string                       `json:"total"`
		ShopID int64                        `json:"shop_id"`
		List   []map[string]json.RawMessage `json:"list"`
	} `json:"data"`
}

// ask cleans the answer of its NUL bytes and reads it.
func (c *caller) ask(m string, params ...string) answered {
	c.t.Helper()
	var a answered
	raw := bytes.ReplaceAll(c.raw(m, params...), []byte{0}, nil)
	raw = bytes.ReplaceAll(raw, []byte(`"data":[]`), []byte(`"data":{}`))
	if err := json.Unmarshal(raw, &a); err != nil {
		c.t.Fatalf("%s: %v in %q", m, err, raw)
	}
	return a
}

func (c *caller) list(params ...string) []map[string]json.RawMessage {
	c.t.Helper()
	a := c.ask(callList, append([]string{"shop_id", "88012", "state", "0,10,20,30,90", "size", "100"}, params...)...)
	if a.Errno != 0 {
		c.t.Fatalf("list: errno %d %s", a.Errno, a.Msg)
	}
	return a.Data.List
}

func (c *caller) do(a Act) Order {
	c.t.Helper()
	o, err := c.sim.Do(a)
	if err != nil {
		c.t.Fatal(err)
	}
	return o
}

func (c *caller) sell(n int) []Order {
	c.t.Helper()
	out := make([]Order, n)
	for i := range out {
		out[i] = c.do(Act{Do: Sell})
	}
	return out
}

func oids(rows []map[string]json.RawMessage) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = string(r["oid"])
	}
	return out
}

func TestErrorsAreHTTP200WithAnErrno(t *testing.T) {
	c := open(t, Options{})
	for _, want := range []struct {
		errno  int
		call   string
		params []string
	}{
		{1001, "order.delete", nil},
		{1002, callList, []string{"page", "0"}},
		{1002, callList, []string{"page", "one"}},
		{1002, callList, []string{"size", "101"}},
		{1002, callList, []string{"since", "2026-11-21T00:00:00Z"}},
		{1002, callList, []string{"colour", "red"}},
		{1002, callGet, []string{"shop_id", "88012", "oids", "1,x"}},
		{1002, callGet, []string{"shop_id", "88012", "oids", strings.Repeat("1,", maxKeys) + "1"}},
		{1002, callRegions, []string{"parent", "x"}},
	} {
		if a := c.ask(want.call, want.params...); a.Errno != want.errno || a.Msg == "" {
			t.Errorf("%s %v: errno %d %q, want %d", want.call, want.params, a.Errno, a.Msg, want.errno)
		}
	}
}

func TestABadTokenOrAMissingFilterAnswersAnEmptyListWithErrno0(t *testing.T) {
	c := open(t, Options{})
	o := c.sell(1)[0]
	id := fmt.Sprint(o.ID)
	for _, way := range [][]string{
		{callList, "token", "wrong", "shop_id", "88012", "state", "0"},
		{callList, "state", "0"},
		{callList, "shop_id", "88012"},
		{callList, "shop_id", "7", "state", "0"},
		{callList, "shop_id", "88012", "state", "unpaid"},
		{callGet, "token", "wrong", "shop_id", "88012", "oids", id},
		{callGet, "oids", id},
		{callGet, "shop_id", "88012"},
		{callRegions, "token", "wrong"},
	} {
		if raw := string(c.raw(way[0], way[1:]...)); raw != `{"errno":0,"errmsg":"ok","data":{"total":"0","list":[]}}` {
			t.Errorf("%v: %s", way, raw)
		}
	}
	if got := c.list(); len(got) != 1 {
		t.Fatalf("with token and filters: %d rows, want 1", len(got))
	}
	c.do(Act{Do: LoseToken})
	if got := c.list(); len(got) != 0 {
		t.Errorf("while the token is not known: %d rows", len(got))
	}
	c.do(Act{Do: FindTokens})
	if got := c.list(); len(got) != 1 {
		t.Errorf("when it is known again: %d rows", len(got))
	}
}

func TestWhoamiProvesAToken(t *testing.T) {
	c := open(t, Options{})
	if a := c.ask(callWhoami); a.Errno != 0 || a.Data.ShopID != 88012 {
		t.Errorf("with the token: %+v", a)
	}
	if a := c.ask(callWhoami, "token", "wrong"); a.Errno != 0 || a.Data.ShopID != 0 {
		t.Errorf("with another: %+v", a)
	}
	c.do(Act{Do: LoseToken})
	if a := c.ask(callWhoami); a.Errno != 0 || a.Data.ShopID != 0 {
		t.Errorf("while it is lost: %+v", a)
	}
}

// times are the fields of a row that tell a time.
func times(row map[string]json.RawMessage) string {
	return fmt.Sprintf("%s %s %s", row["add_time"], row["pay_time"], row["ship_time"])
}

func TestCancelDeleteAndPriceChangeMoveNoTimestamp(t *testing.T) {
	c := open(t, Options{})
	orders := c.sell(3)
	before := map[string]string{}
	for _, r := range c.list() {
		before[string(r["oid"])] = times(r)
		for name := range r {
			if strings.Contains(name, "mod") || strings.Contains(name, "update") {
				t.Errorf("the row has a field %s", name)
			}
		}
	}
	c.sim.SetNow(opening.Add(time.Hour))
	c.do(Act{Do: Cancel, OID: orders[0].ID})
	c.do(Act{Do: EditPrice, OID: orders[1].ID})
	c.do(Act{Do: Delete, OID: orders[2].ID})
	after := c.list()
	if len(after) != 2 {
		t.Fatalf("%d rows after the delete, want 2", len(after))
	}
	for _, r := range after {
		if id := string(r["oid"]); times(r) != before[id] {
			t.Errorf("order %s: times %s, before %s", id, times(r), before[id])
		}
	}
	if got := c.ask(callGet, "shop_id", "88012", "oids", fmt.Sprintf("%d,%d", orders[2].ID, orders[0].ID)); len(got.Data.List) != 1 || got.Errno != 0 {
		t.Errorf("asked for a deleted and a cancelled order: %v, errno %d", oids(got.Data.List), got.Errno)
	}
}

func TestAnEditedPriceMakesANewNumberAndKeepsTheID(t *testing.T) {
	c := open(t, Options{})
	o := c.sell(1)[0]
	c.do(Act{Do: EditPrice, OID: o.ID, Line: 0, Price: 4321})
	r := c.list()[0]
	if string(r["oid"]) != fmt.Sprint(o.ID) || string(r["order_sn"]) == `"`+o.Number+`"` {
		t.Errorf("oid %s number %s; were %d %s", r["oid"], r["order_sn"], o.ID, o.Number)
	}
	want := o.Total + (4321-o.Lines[0].Price)*o.Lines[0].Qty
	if string(r["amount"]) != string(yuanNumber(want)) {
		t.Errorf("amount %s, want %s", r["amount"], yuanNumber(want))
	}
	if o.ID <= 1<<53 || int64(float64(o.ID)) == o.ID {
		t.Errorf("the id %d survives a float", o.ID)
	}
}

func TestYuanIsADecimalHereAndTextThere(t *testing.T) {
	for fen, want := range map[int64][2]string{0: {`0`, "0.00"}, 5: {`0.05`, "0.05"}, 1230: {`12.3`, "12.30"}, 20000: {`200`, "200.00"}, 100001: {`1000.01`, "1000.01"}} {
		if n, s := string(yuanNumber(fen)), yuanText(fen); n != want[0] || s != want[1] {
			t.Errorf("%d fen: %s and %s, want %v", fen, n, s, want)
		}
	}
	c := open(t, Options{})
	o := c.sell(1)[0]
	r := c.list()[0]
	if string(r["amount"]) != string(yuanNumber(o.Total)) || string(r["freight"]) != `"`+yuanText(o.Freight)+`"` {
		t.Errorf("amount %s freight %s of %d and %d fen", r["amount"], r["freight"], o.Total, o.Freight)
	}
}

func TestNicknamesEpochsZonesAndRegions(t *testing.T) {
	c := open(t, Options{})
	o := c.sell(1)[0]
	r := c.list()[0]
	nick, err := base64.StdEncoding.DecodeString(strings.Trim(string(r["nick"]), `"`))
	if err != nil || string(nick) != o.Buyer.Nick {
		t.Errorf("nick %s: %q, %v; want %q", r["nick"], nick, err, o.Buyer.Nick)
	}
	if string(r["pay_time"]) != "0" || string(r["ship_time"]) != "0" {
		t.Errorf("never paid nor shipped: %s %s", r["pay_time"], r["ship_time"])
	}
	if string(r["add_time"]) != `"2026-11-21 09:30:00"` {
		t.Errorf("add_time %s; want the server's zone without an offset", r["add_time"])
	}
	names := map[string]string{}
	for _, g := range c.ask(callRegions).Data.List {
		names[string(g["region_id"])] = string(g["region_name"])
	}
	for field, want := range map[string]int{"province": o.Receiver.Province, "city": o.Receiver.City, "district": o.Receiver.District} {
		if string(r[field]) != fmt.Sprintf(`"%d"`, want) || names[string(r[field])] == "" {
			t.Errorf("%s %s, named %s; want the id %d", field, r[field], names[string(r[field])], want)
		}
	}
	if got := c.ask(callRegions, "parent", "6").Data.List; len(got) != 2 {
		t.Errorf("%d regions below 6, want 2", len(got))
	}
}

func TestNamesArePaddedWithNUL(t *testing.T) {
	c := open(t, Options{})
	o := c.sell(1)[0]
	raw := c.raw(callList, "shop_id", "88012", "state", "0")
	name := `"consignee":"` + o.Receiver.Name + strings.Repeat("\x00", nameWidth-len(o.Receiver.Name)) + `"`
	if !bytes.Contains(raw, []byte(name)) || json.Valid(raw) {
		t.Errorf("want raw NUL bytes after the name %q: %q", o.Receiver.Name, raw)
	}
	title := `"title":"` + o.Lines[0].Title + strings.Repeat(`\u0000`, titleWidth-len(o.Lines[0].Title)) + `"`
	if !bytes.Contains(raw, []byte(title)) {
		t.Errorf("want escaped NUL after the title %q: %q", o.Lines[0].Title, raw)
	}
}

func TestNowAndThenTwoDocumentsInOneAnswer(t *testing.T) {
	c := open(t, Options{NoticeEvery: 3})
	c.sell(1)
	for i := 1; i <= 7; i++ {
		dec := json.NewDecoder(bytes.NewReader(bytes.ReplaceAll(c.raw(callList, "shop_id", "88012", "state", "0"), []byte{0}, nil)))
		var docs []map[string]json.RawMessage
		for {
			var d map[string]json.RawMessage
			if err := dec.Decode(&d); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			docs = append(docs, d)
		}
		want := 1
		if i%3 == 0 {
			want = 2
		}
		if len(docs) != want || string(docs[want-1]["errno"]) != "0" {
			t.Errorf("answer %d: %d documents, want %d, the last with an errno", i, len(docs), want)
		}
	}
}

func TestTheListIsNewestFirstAndShiftsWhileOnePages(t *testing.T) {
	c := open(t, Options{})
	orders := c.sell(30)
	page := func(n string) []string { return oids(c.list("page", n, "size", "10")) }
	first := page("1")
	if first[0] != fmt.Sprint(orders[29].ID) || first[9] != fmt.Sprint(orders[20].ID) {
		t.Fatalf("page 1 is %v", first)
	}
	// A sale pushes a row over the edge: it comes twice.
	c.sim.Queue(Act{Do: Sell})
	first = page("1")
	second := page("2")
	if second[0] != first[9] {
		t.Errorf("after a sale page 2 begins with %s, want %s again", second[0], first[9])
	}
	// A delete pulls a row over it: it never comes.
	c.sim.Queue(Act{Do: Delete, OID: orders[28].ID})
	first = page("1")
	second = page("2")
	if missed := fmt.Sprint(orders[20].ID); slices.Contains(first, missed) || slices.Contains(second, missed) {
		t.Errorf("order %s should have slipped between the pages: %v %v", missed, first, second)
	}
	// So does a change of state when the filter asks for one.
	c.sim.Queue(Act{Do: Cancel, OID: orders[27].ID}, Act{Do: Cancel, OID: orders[26].ID})
	first = oids(c.list("state", "0", "page", "1", "size", "10"))
	second = oids(c.list("state", "0", "page", "2", "size", "10"))
	if missed := fmt.Sprint(orders[18].ID); slices.Contains(first, missed) || slices.Contains(second, missed) {
		t.Errorf("order %s should have slipped between the pages: %v %v", missed, first, second)
	}
	if c.sim.Queued() != 0 || len(c.sim.Problems()) != 0 {
		t.Errorf("%d acts wait, problems %v", c.sim.Queued(), c.sim.Problems())
	}
}

func TestTheRateLimitCountsPerSecond(t *testing.T) {
	now := opening.Add(300 * time.Millisecond)
	c := open(t, Options{Options: simkit.Options{Now: func() time.Time { return now }}, PerSecond: 3})
	for range 3 {
		if a := c.ask(callWhoami); a.Errno != 0 {
			t.Fatalf("within the limit: errno %d", a.Errno)
		}
	}
	if a := c.ask(callWhoami); a.Errno != 1007 || a.Wait != 700 {
		t.Errorf("over the limit: errno %d wait %d, want 1007 and 700 ms", a.Errno, a.Wait)
	}
	now = now.Add(700 * time.Millisecond)
	if a := c.ask(callWhoami); a.Errno != 0 {
		t.Errorf("a second later: errno %d", a.Errno)
	}
}

func TestFaultsAnswerInTheShopsWords(t *testing.T) {
	faults := simkit.NewFaults(1)
	c := open(t, Options{Options: simkit.Options{Faults: faults}})
	c.sell(1)
	for kind, errno := range map[simkit.Kind]int{simkit.RateLimit: 1007, simkit.ErrorBody: 1500} {
		if _, err := faults.Add(simkit.Fault{Kind: kind, Count: 1}); err != nil {
			t.Fatal(err)
		}
		if a := c.ask(callList); a.Errno != errno {
			t.Errorf("%s: errno %d, want %d", kind, a.Errno, errno)
		}
	}
	if _, err := faults.Add(simkit.Fault{Kind: simkit.TokenExpiry, Count: 1}); err != nil {
		t.Fatal(err)
	}
	if got := c.list(); len(got) != 0 {
		t.Errorf("after the token expired: %d rows", len(got))
	}
}
