package wechatshop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/schemas/codec"
)

func (s *shop) decodes() int { return s.calls(pathDecode).Requests }

// clear reads the receiver that a record shows in clear.
func clear(t *testing.T, body []byte) (name, phone, extension string) {
	t.Helper()
	var o struct {
		Info struct {
			Address struct {
				Name  string `json:"user_name"`
				Phone string `json:"tel_number"`
			} `json:"address_info"`
			Virtual struct {
				Number    string `json:"virtual_number"`
				Extension string `json:"extension"`
			} `json:"virtual_number_info"`
		} `json:"sensitive_info"`
	}
	if err := codec.Unmarshal(body, &o); err != nil {
		t.Fatal(err)
	}
	if v := o.Info.Virtual; v.Number != "" {
		return o.Info.Address.Name, v.Number, v.Extension
	}
	return o.Info.Address.Name, o.Info.Address.Phone, ""
}

func TestAReceiverIsDecodedOnce(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	o := s.paid(t)
	item := fetchOne(t, s.conn, streamOrders, o.OrderID)
	plain, _, err := s.fetch(t.Context(), streamOrders, o.OrderID)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(item.Body, plain.Body[:len(plain.Body)-1]) || item.Version != o.UpdatedAt {
		t.Errorf("the order's own bytes are changed:\n%s\n%s", plain.Body, item.Body)
	}
	if name, phone, _ := clear(t, item.Body); name != o.Receiver.Name || phone != o.Receiver.Phone {
		t.Errorf("got %s, %s, want %+v", name, phone, o.Receiver)
	}
	check(t, "order", item.Body, true)

	// A note is a new version with the same receiver.
	note := "called the buyer"
	if err := s.sim.EditOrder(o.OrderID, wechatshopsim.Edit{MerchantNotes: &note}); err != nil {
		t.Fatal(err)
	}
	again := fetchOne(t, s.conn, streamOrders, o.OrderID)
	if name, _, _ := clear(t, again.Body); name != o.Receiver.Name || s.decodes() != 1 {
		t.Errorf("got %s after %d decodes, want one", name, s.decodes())
	}
	// Another address is another receiver.
	moved := wechatshopsim.Address{Name: "李小示", Phone: "13900000001", Province: "浙江省", City: "杭州市", County: "余杭区", Detail: "示例路9号"}
	if err := s.sim.EditAddress(o.OrderID, moved); err != nil {
		t.Fatal(err)
	}
	edited := fetchOne(t, s.conn, streamOrders, o.OrderID)
	if name, phone, _ := clear(t, edited.Body); name != moved.Name || phone != moved.Phone || s.decodes() != 2 {
		t.Errorf("got %s, %s after %d decodes, want the new receiver after 2", name, phone, s.decodes())
	}
}

func TestAVirtualNumberComesWithItsExtension(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	code := wechatshopsim.DefaultCatalog()[0].SKUs[0].Code
	id, err := s.sim.PlaceOrder(wechatshopsim.OrderSpec{Lines: []wechatshopsim.LineSpec{{SKUCode: code, Qty: 1}}, VirtualPhone: true})
	if err == nil {
		err = s.sim.Pay(id)
	}
	if err != nil {
		t.Fatal(err)
	}
	o, _ := s.sim.Order(id)
	_, phone, extension := clear(t, fetchOne(t, s.conn, streamOrders, id).Body)
	if phone != o.VirtualNumber || extension != o.VirtualExt || extension == "" {
		t.Errorf("got %s %s, want %s %s", phone, extension, o.VirtualNumber, o.VirtualExt)
	}
}

func TestOnlyWhatIsToBeShippedIsDecoded(t *testing.T) {
	s := newShop(t, wechatshopsim.Options{})
	unpaid, err := s.sim.PlaceOrder(wechatshopsim.OrderSpec{Lines: []wechatshopsim.LineSpec{{SKUCode: wechatshopsim.DefaultCatalog()[0].SKUs[0].Code, Qty: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	shipped, cancelled := s.paid(t).OrderID, s.paid(t).OrderID
	for _, err := range []error{s.sim.Ship(shipped, "", ""), s.sim.Cancel(cancelled)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{unpaid, shipped, cancelled} {
		if item := fetchOne(t, s.conn, streamOrders, id); bytes.Contains(item.Body, []byte(memberDecoded)) {
			t.Errorf("%s was decoded: %s", id, item.Body)
		}
	}
	// Neither reconciliation nor a look-up needs a receiver.
	open := s.paid(t)
	if _, err := s.List(t.Context(), streamOrders, week(), ""); err != nil {
		t.Fatal(err)
	}
	lookup(t, s.conn, parcelOf(open, "SF0001", 1))
	if s.decodes() != 0 {
		t.Errorf("%d decodes, want none", s.decodes())
	}
	// What is left of an order that shipped in part still needs its receiver.
	deliver(t, s.conn, parcelOf(open, "SF0001", 1))
	if name, _, _ := clear(t, fetchOne(t, s.conn, streamOrders, open.OrderID).Body); name != open.Receiver.Name {
		t.Errorf("got %q", name)
	}
}

func TestNothingIsDecodedWithoutNeedOrLeave(t *testing.T) {
	waived := newShop(t, wechatshopsim.Options{Unmasked: true})
	fetchOne(t, waived.conn, streamOrders, waived.paid(t).OrderID)
	never := newShop(t, wechatshopsim.Options{})
	never.creds["decode"] = "never"
	c := connect(t, never.url, never.creds)
	item := fetchOne(t, c, streamOrders, never.paid(t).OrderID)
	if waived.decodes() != 0 || never.decodes() != 0 || bytes.Contains(item.Body, []byte(memberDecoded)) {
		t.Errorf("%d and %d decodes, want none; %s", waived.decodes(), never.decodes(), item.Body)
	}
}

const maskedOrder = `{"order_id":"7","status":20,"update_time":5,"order_detail":{"delivery_info":{"deliver_method":0,"address_info":{"user_name":"王**","detail_info":"****","tel_number":"138****0000"}}} }`

// decoding answers order/get with an order and decode with an answer of the test.
func decoding(t *testing.T, order string, decode http.HandlerFunc) (*conn, *atomic.Int32) {
	t.Helper()
	var calls atomic.Int32
	return stub(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, pathDecode) {
			calls.Add(1)
			decode(w, r)
			return
		}
		_, _ = fmt.Fprintf(w, `{"errcode":0,"order":%s}`, order)
	}), &calls
}

func TestACompositeIsMadeOfExactBytes(t *testing.T) {
	address, number := "{ \"user_name\":\"\\u738b\\u4e94\", \"tel_number\":\"1\",\n \"zz\":1.10}", `{"virtual_number":"170" ,"expiration":0}`
	c, _ := decoding(t, maskedOrder, answers(`{"virtual_number_info": `+number+`,"errcode":0, "address_info" :`+address+` }`))
	got := string(fetchOne(t, c, streamOrders, "7").Body)
	if want := maskedOrder[:len(maskedOrder)-1] + `,"sensitive_info":{"address_info":` + address + `,"virtual_number_info":` + number + `}}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWhenADecodeIsRefused(t *testing.T) {
	for _, tc := range []struct {
		answer string
		kind   connectors.Kind
		scope  connectors.Scope
		code   string
		wait   time.Duration
		once   bool // the shop is not asked again before that
	}{
		{`{"errcode":45009,"errmsg":"quota"}`, connectors.RateLimited, doc, "decode.45009", 12*time.Hour - 30*time.Second, true},
		{`{"errcode":45011,"errmsg":"rate"}`, connectors.RateLimited, doc, "decode.45011", 30 * time.Second, true},
		{`{"errcode":100003,"errmsg":"busy"}`, connectors.RateLimited, doc, "decode.100003", time.Second, false},
		{`{"errcode":-1,"errmsg":"busy"}`, connectors.Unavailable, doc, "decode.-1", time.Second, false},
		{`{"errcode":48001,"errmsg":"no permission"}`, connectors.Unavailable, doc, "decode.48001", forbiddenWait, true},
		{`{"errcode":43002,"errmsg":"post"}`, connectors.Unavailable, doc, "decode.43002", forbiddenWait, true},
		{`{"errcode":987654,"errmsg":"?"}`, connectors.Unclassified, doc, "decode.987654", 0, false},
		{`{"errcode":40164,"errmsg":"ip"}`, connectors.Forbidden, all, "decode.40164", 0, false},
		{`{"errcode":40013,"errmsg":"appid"}`, connectors.Unauthorized, all, "decode.40013", 0, false},
		{`{"errcode":0}`, connectors.Unreadable, doc, "decode.wechatshop.unreadable", 0, false},
		{`{"errcode":0,"address_info":{}}`, connectors.Unreadable, doc, "decode.wechatshop.unreadable", 0, false},
		{`{"errcode":0,"address_info":{"user_name":"王小示","tel`, connectors.Unreadable, doc, "decode.wechatshop.unreadable", 0, false},
		{`<html>maintenance</html>`, connectors.Unavailable, doc, "decode.http.html", 0, false},
	} {
		t.Run(tc.code, func(t *testing.T) {
			c, calls := decoding(t, maskedOrder, answers(tc.answer))
			noon := func() time.Time { return time.Date(2026, 1, 1, 4, 0, 30, 0, time.UTC) }
			c.now, c.client.now = noon, noon
			for range 2 {
				_, err := c.Fetch(t.Context(), streamOrders, []string{"7"})
				e := want(t, err, tc.kind, tc.scope)
				if e.Code != tc.code || e.Wait != tc.wait {
					t.Errorf("code %s, wait %v", e.Code, e.Wait)
				}
				if len(e.Raw) > 0 || strings.Contains(fmt.Sprintf("%+v", *e), "王小示") {
					t.Errorf("the error shows the receiver: %+v", e)
				}
			}
			if n := calls.Load(); tc.once != (n == 1) {
				t.Errorf("asked %d times", n)
			}
		})
	}
	for _, code := range []string{"10080000", "10080001", "100002", "40097"} {
		c, _ := decoding(t, maskedOrder, answers(`{"errcode":`+code+`,"errmsg":"no"}`))
		got := fetchOne(t, c, streamOrders, "7").Body
		if want := maskedOrder[:len(maskedOrder)-1] + `,"sensitive_info_error":"` + code + `"}`; string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	// A gateway's own refusal says nothing about the order.
	c, _ := decoding(t, maskedOrder, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	_, err := c.Fetch(t.Context(), streamOrders, []string{"7"})
	want(t, err, connectors.Unavailable, connectors.OfDocument)
}

func TestAQuotaHoldsBackMaskedOrdersOnly(t *testing.T) {
	now := time.Date(2026, 1, 1, 20, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	s := newShop(t, wechatshopsim.Options{DecodeQuota: 1, Options: simkit.Options{Now: clock}})
	s.conn.now, s.client.now = clock, clock
	first, second, third := s.paid(t), s.paid(t), s.paid(t)
	fetchOne(t, s.conn, streamOrders, first.OrderID)
	for _, id := range []string{second.OrderID, third.OrderID} {
		_, err := s.Fetch(t.Context(), streamOrders, []string{id})
		if e := want(t, err, connectors.RateLimited, connectors.OfDocument); e.Wait != 20*time.Hour {
			t.Errorf("wait %v, want until midnight in Beijing", e.Wait)
		}
	}
	if s.decodes() != 2 {
		t.Errorf("%d decodes, want none after the first refusal", s.decodes())
	}
	// Decoded before, or no longer to be shipped: both come through.
	fetchOne(t, s.conn, streamOrders, first.OrderID)
	if err := s.sim.Cancel(third.OrderID); err != nil {
		t.Fatal(err)
	}
	fetchOne(t, s.conn, streamOrders, third.OrderID)
	now = now.Add(20 * time.Hour)
	if name, _, _ := clear(t, fetchOne(t, s.conn, streamOrders, second.OrderID).Body); name != second.Receiver.Name {
		t.Errorf("the next day: %q", name)
	}
}

func TestFaultsOfADecode(t *testing.T) {
	for name, tc := range map[string]struct {
		fault simkit.Fault
		kind  connectors.Kind
	}{
		"dropped answer":  {simkit.Fault{Kind: simkit.DropAnswer}, connectors.Unavailable},
		"dropped request": {simkit.Fault{Kind: simkit.DropRequest}, connectors.Unavailable},
		"502":             {simkit.Fault{Kind: simkit.BadGateway}, connectors.Unavailable},
		"503":             {simkit.Fault{Kind: simkit.Status}, connectors.Unavailable},
		"garbled":         {simkit.Fault{Kind: simkit.Garble}, connectors.Unreadable},
		"rate limit":      {simkit.Fault{Kind: simkit.RateLimit}, connectors.RateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, wechatshopsim.Options{})
			o := s.paid(t)
			tc.fault.Call, tc.fault.Count = pathDecode, 1
			s.fault(t, tc.fault)
			_, err := s.Fetch(t.Context(), streamOrders, []string{o.OrderID})
			e := want(t, err, tc.kind, connectors.OfDocument)
			if len(e.Raw) > 0 || strings.Contains(fmt.Sprintf("%+v", *e), o.Receiver.Name) {
				t.Errorf("the error shows the receiver: %+v", e)
			}
			s.conn.now = func() time.Time { return time.Now().Add(time.Hour) } // after any wait
			if name, _, _ := clear(t, fetchOne(t, s.conn, streamOrders, o.OrderID).Body); name != o.Receiver.Name {
				t.Errorf("the next fetch shows %q", name)
			}
		})
	}
	s := newShop(t, wechatshopsim.Options{})
	o := s.paid(t)
	s.fault(t, simkit.Fault{Kind: simkit.TokenExpiry, Call: pathDecode, Count: 1})
	if name, _, _ := clear(t, fetchOne(t, s.conn, streamOrders, o.OrderID).Body); name != o.Receiver.Name {
		t.Errorf("after a dead token: %q", name)
	}
	if _, err := s.Fetch(cancelled(t), streamOrders, []string{o.OrderID}); err == nil {
		t.Error("a cancelled fetch answered")
	}
}

func TestAnExpiredVirtualNumberIsAskedForAgain(t *testing.T) {
	soon := time.Now().Add(time.Minute).Unix()
	c, calls := decoding(t, maskedOrder, answers(fmt.Sprintf(`{"address_info":{"user_name":"王小示"},"virtual_number_info":{"virtual_number":"170","expiration":"%d"}}`, soon)))
	fetchOne(t, c, streamOrders, "7")
	fetchOne(t, c, streamOrders, "7")
	if calls.Load() != 1 {
		t.Fatalf("%d decodes, want 1", calls.Load())
	}
	c.now = func() time.Time { return time.Unix(soon, 0) }
	fetchOne(t, c, streamOrders, "7")
	if calls.Load() != 2 {
		t.Errorf("%d decodes, want 2", calls.Load())
	}
}

// Without hash_code two receivers may look alike: another version is asked for again.
func TestMaskedAlikeIsNotTheSameReceiver(t *testing.T) {
	to := envelope{"user_name": json.RawMessage(`"王**"`), "tel_number": json.RawMessage(`"138****0000"`)}
	if receiverOf(to, 1) == receiverOf(to, 2) {
		t.Error("two versions without hash_code count as one receiver")
	}
	to["hash_code"] = json.RawMessage(`"a1"`)
	one := receiverOf(to, 1)
	if one != receiverOf(to, 2) {
		t.Error("one hash_code in two versions counts as two receivers")
	}
	to["tel_number"] = json.RawMessage(`"139****0001"`)
	if one == receiverOf(to, 2) {
		t.Error("another phone counts as the same receiver")
	}
}

func TestMaskedReceivers(t *testing.T) {
	for to, is := range map[string]bool{
		`{"user_name":"王**","tel_number":"13800000000"}`:                                                                   true,
		`{"user_name":"王","detail_info":"****","tel_number":"13800000000"}`:                                                true,
		`{"user_name":"王","house_number":"**","tel_number":"13800000000"}`:                                                 true,
		`{"user_name":"王","detail_info":"示例路1号","tel_number":"138****0000"}`:                                               true,
		`{"user_name":"王","detail_info":"示例路1号","tel_number":""}`:                                                          true,
		`{"user_name":"王","detail_info":"示例路1号","tel_number":"13800000000"}`:                                               false,
		`{"user_name":"王","tel_number":"138****0000","virtual_order_tel_number":"17000000001"}`:                            false,
		`{"user_name":"王","tel_number":"138****0000","tel_number_ext_info":{"virtual_tel_number":"17000000001-4321"}}`:     false,
		`{"user_name":"王**","tel_number":"138****0000","tel_number_ext_info":{"virtual_tel_number":"17000000001-4321"}}`:   true,
		`{"user_name":"王","tel_number":"138****0000","tel_number_ext_info":{"real_tel_number":"138****0000","x":"17000"}}`: true,
	} {
		var e envelope
		if err := json.Unmarshal([]byte(to), &e); err != nil {
			t.Fatal(err)
		}
		if masked(e) != is {
			t.Errorf("%s: masked is %t", to, !is)
		}
	}
	if masked(nil) {
		t.Error("an order without an address counts as masked")
	}
}

func TestReceiversAreKeptInBounds(t *testing.T) {
	r := &receivers{shown: map[string]shown{}}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for n := range maxShown / 2 {
				id := fmt.Sprintf("%d-%d", g, n)
				r.put(id, shown{of: id, member: []byte(id)})
				if n%3 == 0 {
					r.forget(id)
					r.put(id, shown{of: id})
				}
			}
		})
	}
	wg.Wait()
	if len(r.shown) != maxShown || len(r.oldest) != maxShown {
		t.Errorf("%d and %d kept, want %d", len(r.shown), len(r.oldest), maxShown)
	}
	if _, ok := r.get(r.oldest[maxShown-1], r.oldest[maxShown-1], time.Now()); !ok {
		t.Error("the newest is gone")
	}
	r.forget(r.oldest[maxShown-1])
	if _, ok := r.get(r.oldest[maxShown-1], "", time.Now()); ok && len(r.shown[r.oldest[maxShown-1]].member) > 0 {
		t.Error("a forgotten receiver is still there")
	}
}

// Whatever a decode answers, a record is one JSON object that begins with the order.
func FuzzDecodeAnswer(f *testing.F) {
	for _, s := range []string{`{"address_info":{"user_name":"a"}}`, `{"errcode":10080001}`, `{"address_info":{"user_name":"a"},"virtual_number_info":{"expiration":1}}`, `{"address_info":[]}`, ``} {
		f.Add([]byte(s))
	}
	var answer atomic.Value
	c := stub(f, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, pathDecode) {
			_, _ = w.Write(answer.Load().([]byte))
			return
		}
		_, _ = w.Write([]byte(`{"order":` + maskedOrder + `}`))
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		answer.Store(b)
		c.receivers = &receivers{shown: map[string]shown{}}
		items, err := c.Fetch(t.Context(), streamOrders, []string{"7"})
		if err != nil {
			return
		}
		if _, err := codec.Decode(items[0].Body); err != nil || !bytes.HasPrefix(items[0].Body, []byte(maskedOrder[:len(maskedOrder)-1])) {
			t.Errorf("%v: %s", err, items[0].Body)
		}
	})
}
