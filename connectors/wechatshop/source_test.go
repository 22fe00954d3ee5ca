package wechatshop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

func TestOrdersArePulledAndFetched(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{Orders: 230})
	var sold []string
	for _, o := range s.sim.Sold() {
		sold = append(sold, o.OrderID)
	}
	slices.Sort(sold)
	keys, pages := pullAll(t, s.conn, streamOrders, week())
	if d := cmp.Diff(sold, keys); d != "" {
		t.Fatal(d)
	}
	if pages < 3 {
		t.Errorf("%d pages, want at least 3 of 100", pages)
	}
	o := s.sim.Sold()[17]
	item := fetchOne(t, s.conn, streamOrders, o.OrderID)
	if item.Version != o.UpdatedAt || item.Root != "" || item.Headers["app_id"] != s.sim.AppID() {
		t.Errorf("got %+v, want version %d", item, o.UpdatedAt)
	}
	sum, err := s.Summarize(streamOrders, item.Body)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Key != o.OrderID || sum.Amount != o.TotalFen || sum.Lines != len(o.Lines) || sum.Store != "shop-a" || sum.Currency != "CNY" {
		t.Errorf("summary %+v of %+v", sum, o)
	}
}

func TestVersionRisesWithAChange(t *testing.T) {
	now := time.Now()
	s := newShop(t, wechatshopsim.Options{Options: simkit.Options{Now: func() time.Time { return now }}})
	o := s.paid(t)
	before := fetchOne(t, s.conn, streamOrders, o.OrderID)
	now = now.Add(5 * time.Second)
	if err := s.sim.Ship(o.OrderID, "", ""); err != nil {
		t.Fatal(err)
	}
	after := fetchOne(t, s.conn, streamOrders, o.OrderID)
	if after.Version <= before.Version || bytes.Equal(before.Body, after.Body) {
		t.Errorf("versions %d then %d", before.Version, after.Version)
	}
}

func TestARecordIsTheExactBytesOfTheDocument(t *testing.T) {
	document := "{ \"order_id\" : 3729000000000000517,\"update_time\":\"1767190065\", \"status\":20.0,\n\"zz\":\"\\u738b\",\"aa\":1.10 }"
	c := stub(t, answers(`{"errcode":0,"Order":{"order_id":"1"},"order": `+document+` ,"errmsg":"ok"}`))
	item := fetchOne(t, c, streamOrders, "3729000000000000517")
	if string(item.Body) != document {
		t.Errorf("got %s\nwant %s", item.Body, document)
	}
	if item.Version != 1767190065 {
		t.Errorf("version %d", item.Version)
	}
}

func TestAfterSalesNameTheirOrder(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	o := s.paid(t)
	id, err := s.sim.PartialRefund(o.OrderID, 0, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	keys, _ := pullAll(t, s.conn, streamAfterSales, connectors.Window{From: now.Add(-23 * time.Hour), To: now.Add(time.Minute)})
	if d := cmp.Diff([]string{id}, keys); d != "" {
		t.Fatal(d)
	}
	item := fetchOne(t, s.conn, streamAfterSales, id)
	refund := s.sim.AfterSales()[0]
	if item.Root != o.OrderID || item.Version != refund.UpdatedAt {
		t.Errorf("got %+v, want root %s, version %d", item, o.OrderID, refund.UpdatedAt)
	}
	sum, err := s.Summarize(streamAfterSales, item.Body)
	if err != nil || sum.Key != id || sum.Amount != refund.Fen || sum.Status != "closed" {
		t.Errorf("summary %+v, %v; want %+v", sum, err, refund)
	}
	st, _ := Connector().Stream(streamAfterSales)
	if st.RootEntity != "order" || st.Also != streamOrders {
		t.Errorf("the stream must fetch its order too: %+v", st)
	}
}

func TestMembersAreWalkedByPage(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{Members: 123})
	var joined []string
	for _, m := range s.sim.Members() {
		joined = append(joined, m.OpenID)
	}
	slices.Sort(joined)
	keys, pages := pullAll(t, s.conn, streamMembers, connectors.Window{})
	if d := cmp.Diff(joined, keys); d != "" {
		t.Fatal(d)
	}
	if pages != 3 {
		t.Errorf("%d pages, want 3 of 50", pages)
	}
	m := s.sim.Members()[5]
	item := fetchOne(t, s.conn, streamMembers, m.OpenID)
	if item.Version != 0 || !bytes.Contains(item.Body, []byte(m.Phone)) {
		t.Errorf("got version %d and %s, want the phone", item.Version, item.Body)
	}
}

// A shop that gives fewer members than a page holds must not end the walk early.
func TestMembersOfAShopWithSmallPages(t *testing.T) {
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		var ask struct {
			Page int `json:"page_num"`
		}
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprintf(w, `{"list":[{"openid":"a%d"},{"openid":"b%d"}],"total_num":"6"}`, ask.Page, ask.Page)
	})
	keys, _ := pullAll(t, c, streamMembers, connectors.Window{})
	if d := cmp.Diff([]string{"a1", "a2", "a3", "b1", "b2", "b3"}, keys); d != "" {
		t.Fatal(d)
	}
}

func TestAnAbsentOrderIsATombstone(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	if item := fetchOne(t, s.conn, streamOrders, "3729000000000009999"); !item.Deleted || item.Body != nil {
		t.Errorf("got %+v", item)
	}
}

func TestAWindowWithTooManyOrdersIsHalved(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{Orders: 60, MaxWindow: 9})
	keys, _ := pullAll(t, s.conn, streamOrders, week())
	keys = slices.Compact(keys)
	if len(keys) != 60 {
		t.Errorf("got %d orders, want 60", len(keys))
	}
	if n := s.calls("order/list/get"); n.Refused == 0 {
		t.Errorf("the shop refused no window: %+v", n)
	}
}

func TestALostNextKeyBeginsTheWindowAgain(t *testing.T) {
	var calls atomic.Int32
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls.Add(1)
		switch {
		case bytes.Contains(body, []byte(`"next_key":""`)) && calls.Load() < 3:
			_, _ = w.Write([]byte(`{"order_id_list":["1"],"has_more":true,"next_key":"k"}`))
		case bytes.Contains(body, []byte(`"next_key":"k"`)):
			_, _ = w.Write([]byte(`{"errcode":606006,"errmsg":"next_key"}`))
		default:
			_, _ = w.Write([]byte(`{"order_id_list":["1","2"],"has_more":false,"next_key":"end"}`))
		}
	})
	keys, _ := pullAll(t, c, streamOrders, week())
	if d := cmp.Diff([]string{"1", "1", "2"}, keys); d != "" {
		t.Fatal(d)
	}
}

func TestANextKeyThatAlwaysFailsEndsThePull(t *testing.T) {
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte(`"next_key":"k"`)) {
			_, _ = w.Write([]byte(`{"errcode":606006}`))
			return
		}
		_, _ = w.Write([]byte(`{"order_id_list":["1"],"has_more":true,"next_key":"k"}`))
	})
	cursor := ""
	for range 20 {
		page, err := c.Pull(t.Context(), connectors.PullRequest{Stream: streamOrders, Cursor: cursor, Window: week()})
		if err != nil {
			want(t, err, connectors.Invalid, connectors.OfOperation)
			return
		}
		cursor = page.Cursor
	}
	t.Fatal("the pull goes on for ever")
}

func TestAnswersThatDoNotMakeSense(t *testing.T) {
	order := `"order":{"order_id":"7","update_time":1}`
	for name, body := range map[string]string{
		"two documents":  `{"errcode":0,` + order + `}{"errcode":0}`,
		"NUL":            `{"errcode":0,"order":{"order_id":"7","x":"` + "\x00" + `"}}`,
		"escaped NUL":    `{"errcode":0,"order":{"order_id":"7","x":"\u0000"}}`,
		"cut off":        `{"errcode":0,"order":{"order_id":"7","upda`,
		"nothing":        ``,
		"a list":         `[]`,
		"another order":  `{"order":{"order_id":"8","update_time":1}}`,
		"time":           `{"order":{"order_id":"7","update_time":"soon"}}`,
		"no time":        `{"order":{"order_id":"7"}}`,
		"errcode":        `{"errcode":"many"}`,
		"no order but 1": `{"order":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := stub(t, answers(body))
			_, err := c.Fetch(t.Context(), streamOrders, []string{"7"})
			e := want(t, err, connectors.Unreadable, connectors.OfDocument)
			if string(e.Raw) != body {
				t.Errorf("raw %q, want the answer as it came", e.Raw)
			}
		})
	}
	for name, body := range map[string]string{
		"ids":                  `{"order_id_list":{"a":1}}`,
		"id":                   `{"order_id_list":[1.5]}`,
		"has_more":             `{"order_id_list":[],"has_more":"no"}`,
		"more without a key":   `{"order_id_list":["1"],"has_more":true,"next_key":""}`,
		"an order list of one": `{"order_id_list":"1"}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := stub(t, answers(body))
			_, err := c.Pull(t.Context(), connectors.PullRequest{Stream: streamOrders, Window: week()})
			if e := want(t, err, connectors.Unreadable, connectors.OfDocument); string(e.Raw) != body {
				t.Errorf("raw %q", e.Raw)
			}
		})
	}
}

func TestCursorsOfAnotherWindowAreRefused(t *testing.T) {
	c := stub(t, answers(`{"order_id_list":[]}`))
	w := week()
	for _, cursor := range []string{"x", `{"from":1,"to":2}`, `{"from":9,"to":3}`, `{}`, `{"page":0}`} {
		_, err := c.Pull(t.Context(), connectors.PullRequest{Stream: streamOrders, Cursor: cursor, Window: w})
		want(t, err, connectors.Invalid, connectors.OfOperation)
	}
	_, err := c.Pull(t.Context(), connectors.PullRequest{Stream: streamMembers, Cursor: `{"page":0}`})
	want(t, err, connectors.Invalid, connectors.OfOperation)
	_, err = c.Pull(t.Context(), connectors.PullRequest{Stream: "coupons"})
	want(t, err, connectors.Invalid, connectors.OfOperation)
	_, err = c.Fetch(t.Context(), "coupons", []string{"1"})
	want(t, err, connectors.Invalid, connectors.OfOperation)
}

// Whatever the shop refuses, the parts asked for cover the window without a gap and
// never span more than it allows.
func TestPartsCoverTheWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := window{from: 1_000_000, to: 1_000_000 + rapid.Int64Range(1, 40*24*3600).Draw(t, "length")}
		span := rapid.Int64Range(6*3600, 7*24*3600).Draw(t, "span")
		at, err := w.place("", span)
		if err != nil {
			t.Fatal(err)
		}
		done := w.from
		for i := 0; at != (place{}); i++ {
			if at, err = w.place(at.String(), span); err != nil {
				t.Fatal(err)
			}
			if at.From != done || at.To <= at.From || at.To-at.From > span {
				t.Fatalf("part %+v after %d", at, done)
			}
			if at.To-at.From > 1 && i < 200 && rapid.Bool().Draw(t, "too many") {
				at = at.halved()
				continue
			}
			done = at.To
			at = at.after(w, span)
		}
		if done != w.to {
			t.Fatalf("ended at %d, want %d", done, w.to)
		}
	})
}

func TestFetchKeepsWhatItReadBeforeAFault(t *testing.T) {
	c := stub(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"2"`) {
			_, _ = w.Write([]byte(`{"errcode":-1,"errmsg":"busy"}`))
			return
		}
		_, _ = w.Write([]byte(`{"order":{"order_id":"1","update_time":5}}`))
	})
	items, err := c.Fetch(t.Context(), streamOrders, []string{"1", "2"})
	if err != nil || len(items) != 1 || items[0].Key != "1" {
		t.Errorf("got %v, %v", items, err)
	}
}

func TestHowLongATokenLives(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	if got := s.CredentialEnds(); len(got) != 0 {
		t.Errorf("before any call: %+v", got)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := s.CredentialEnds()
	if len(got) != 1 || !got[0].Renews || got[0].Ends.Sub(time.Now().Add(2*time.Hour)).Abs() > time.Minute {
		t.Errorf("the shop's token is %+v, want one of two hours that renews itself", got)
	}
}
