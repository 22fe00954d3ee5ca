package trytonsim

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/minihub/minihub/connectors/simkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// message is the text of an error.
func message(a answer) string {
	if len(a.Error) < 2 {
		return ""
	}
	if list, ok := a.Error[1].([]any); ok {
		text, _ := list[0].(string)
		return text
	}
	text, _ := a.Error[0].(string)
	return text
}

func TestASaleFromCreateToDone(t *testing.T) {
	s, c := open(t, Options{})
	party, address := c.party("M-1")
	id := c.id("sale.sale.create", []any{saleOf(party, address, "WX-1",
		line(object{"unit_price": dec("7.9646"), "quantity": json.RawMessage("3.0")}),
		line(object{"product": nil, "unit": nil, "quantity": json.RawMessage("1.0"), "unit_price": dec("6.00"), "taxes": nil, "description": "freight"}))})
	c.must("sale.sale.quote", []any{id})
	c.must("sale.sale.confirm", []any{id})
	c.must("sale.sale.confirm", []any{id})
	got := s.SalesByReference("WX-1")
	if len(got) != 1 {
		t.Fatalf("%d sales", len(got))
	}
	sale := got[0]
	want := []SaleLine{
		{Type: "line", SKUCode: "SKU-MUG-01", Quantity: "3", UnitPrice: "7.9646", Amount: "23.89", Taxes: []int{1}},
		{Type: "line", Description: "freight", Quantity: "1", UnitPrice: "6.00", Amount: "6.00", Taxes: []int{}},
	}
	if diff := cmp.Diff(want, sale.Lines); diff != "" {
		t.Error(diff)
	}
	if sale.Untaxed != "29.89" || sale.Tax != "3.11" || sale.Total != "33.00" || sale.State != "processing" || sale.Number != "1" || len(sale.Shipments) != 1 {
		t.Errorf("sale: %+v", sale)
	}
	if sale.PartyCode != "M-1" || sale.Street != "测试路1号" || sale.Phones[0] != "13800000009" || sale.Receiver != "发明的人" {
		t.Errorf("receiver: %+v", sale)
	}
	if err := s.ShipSale(id, "SF1"); err != nil {
		t.Fatal(err)
	}
	if err := s.PaySale(id); err != nil {
		t.Fatal(err)
	}
	sale = s.SalesByReference("WX-1")[0]
	if sale.State != "done" || sale.ShipmentState != "sent" || sale.Shipments[0].Reference != "SF1" || s.Stock("SKU-MUG-01") != 997 {
		t.Errorf("after shipping and paying: %+v, stock %d", sale, s.Stock("SKU-MUG-01"))
	}
	var effects []string
	for _, w := range s.History() {
		if w.Key == "WX-1" {
			effects = append(effects, strings.TrimPrefix(w.Call, "model.sale.sale.")+" "+w.Effect)
		}
	}
	if diff := cmp.Diff([]string{"create created", "quote updated", "confirm updated", "confirm unchanged"}, effects); diff != "" {
		t.Error(diff)
	}
}

func TestAReferenceIsNotUniqueAndACodeIs(t *testing.T) {
	s, c := open(t, Options{})
	party, address := c.party("M-1")
	for range 2 {
		c.must("sale.sale.create", []any{saleOf(party, address, "TWICE", line(nil))})
	}
	if got := s.SalesByReference("TWICE"); len(got) != 2 {
		t.Errorf("%d sales, want two", len(got))
	}
	if got := message(c.call("party.party.create", []any{object{"name": "x", "code": "M-1"}})); got != "The code on party must be unique." {
		t.Errorf("same code: %q", got)
	}
	c.must("party.party.write", []any{party}, object{"code": "M-1", "name": "y"})
}

func TestWebShopAddsAUniqueID(t *testing.T) {
	_, c := open(t, Options{WebShop: true})
	party, address := c.party("M-1")
	v := saleOf(party, address, "R", line(nil))
	v["web_id"] = "W-1"
	c.must("sale.sale.create", []any{v})
	if got := message(c.call("sale.sale.create", []any{v})); got != "The web ID must be unique on sale." {
		t.Errorf("same web_id: %q", got)
	}
}

func TestAFailedCreateLeavesNothing(t *testing.T) {
	s, c := open(t, Options{})
	party, address := c.party("M-1")
	good, bad := saleOf(party, address, "A", line(nil)), saleOf(party, address, "B", line(nil), line(object{"quantity": nil}))
	if got := message(c.call("sale.sale.create", []any{good, bad})); !strings.Contains(got, "Quantity") {
		t.Errorf("refusal: %q", got)
	}
	if got := s.Sales(); len(got) != 0 {
		t.Errorf("sales left behind: %+v", got)
	}
	if got := c.must("sale.line.search_count", []any{}); got != json.Number("0") {
		t.Errorf("lines left behind: %v", got)
	}
	for _, w := range s.History() {
		if w.Model == "sale.sale" {
			t.Errorf("history tells of %+v", w)
		}
	}
	if id := c.id("sale.sale.create", []any{good}); id < 3 {
		t.Errorf("the next sale has id %d: an id was used again", id)
	}
}

func TestExactTypesAreWanted(t *testing.T) {
	_, c := open(t, Options{})
	party, address := c.party("M-1")
	for name, l := range map[string]object{
		"float price": line(object{"unit_price": 12.5}), "text price": line(object{"unit_price": "12.5"}), "text quantity": line(object{"quantity": "2"}),
		"bad decimal": line(object{"unit_price": dec("12,5")}), "unit of another kind": line(object{"unit": 2}),
	} {
		if a := c.call("sale.sale.create", []any{saleOf(party, address, "R", l)}); a.Error == nil {
			t.Errorf("%s was taken", name)
		}
	}
	v := saleOf(party, address, "R", line(nil))
	v["sale_date"] = "2026-11-20"
	if a := c.call("sale.sale.create", []any{v}); a.Error == nil {
		t.Error("a date as text was taken")
	}
	v["sale_date"] = day(2026, 2, 30)
	if a := c.call("sale.sale.create", []any{v}); message(a) != "day is out of range for month" {
		t.Errorf("30 February: %+v", a)
	}
	v["sale_date"] = day(2026, 2, 28)
	c.must("sale.sale.create", []any{v})
}

func TestSessions(t *testing.T) {
	now := time.Unix(1767190000, 0)
	s := New(Options{Options: simkit.Options{Now: func() time.Time { return now }}})
	srv := httptest.NewServer(s)
	defer srv.Close()
	c := dial(t, srv.URL+"/tryton/")
	if got := c.call("party.party.search", []any{}); got.Status != http.StatusUnauthorized {
		t.Errorf("without a session: %+v", got)
	}
	a := c.plain("common.db.login", "admin", object{}, "en")
	if a.Status != http.StatusOK || a.Error[0] != "LoginException" {
		t.Errorf("without a password: %+v", a)
	}
	for range 5 {
		if got := c.plain("common.db.login", "admin", object{"password": "wrong"}, "en"); got.Status != http.StatusUnauthorized {
			t.Errorf("wrong password: %+v", got)
		}
	}
	if got := c.plain("common.db.login", "admin", object{"password": password}, "en"); got.Status != http.StatusTooManyRequests {
		t.Errorf("after five failures: %+v", got)
	}
	now = now.Add(301 * time.Second)
	c.login("admin", password)
	c.must("party.party.search", []any{})
	if a := c.plain("common.db.logout"); a.Status != http.StatusOK || a.Error != nil {
		t.Errorf("logout: %+v", a)
	}
	if got := c.call("party.party.search", []any{}); got.Status != http.StatusUnauthorized {
		t.Errorf("after logout: %+v", got)
	}
	c.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("admin:"+password)))
	c.must("party.party.search", []any{})
}

func TestFaultsSpeakTheServersWords(t *testing.T) {
	faults := simkit.NewFaults(1)
	s, c := open(t, Options{Options: simkit.Options{Faults: faults}})
	party, address := c.party("M-1")
	add := func(f simkit.Fault) {
		f.Count = 1
		if _, err := faults.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []string{"UserError", "UserWarning", "ConcurrencyException", "out of memory"} {
		add(simkit.Fault{Kind: simkit.ErrorBody, Code: kind})
		if a := c.call("party.party.search", []any{}); a.Status != http.StatusOK || a.Error[0] != kind {
			t.Errorf("%s: %+v", kind, a)
		}
	}
	add(simkit.Fault{Kind: simkit.Lag, Call: "model.sale.sale.search", DelayMS: 60000})
	add(simkit.Fault{Kind: simkit.Duplicate, Call: "model.sale.sale.create"})
	c.must("sale.sale.create", []any{saleOf(party, address, "R", line(nil))})
	if got := len(s.SalesByReference("R")); got != 2 {
		t.Errorf("a repeated create made %d sales, want 2", got)
	}
	find := []any{[]any{"reference", "=", "R"}}
	if got := c.must("sale.sale.search", find).([]any); len(got) != 0 {
		t.Errorf("young sales are seen: %v", got)
	}
	if got := c.must("sale.sale.search", find).([]any); len(got) != 2 {
		t.Errorf("after the lag: %v", got)
	}
	add(simkit.Fault{Kind: simkit.DropAnswer, Call: "model.sale.sale.create"})
	body, _ := json.Marshal(object{"id": 1, "method": "model.sale.sale.create", "params": []any{[]any{saleOf(party, address, "LOST", line(nil))}, c.ctx}})
	req, err := http.NewRequest(http.MethodPost, c.url, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = c.header.Clone()
	if resp, err := c.http.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Error("the answer was not lost")
	}
	if len(s.SalesByReference("LOST")) != 1 {
		t.Error("the work was not done")
	}
	add(simkit.Fault{Kind: simkit.TokenExpiry})
	if got := c.call("party.party.search", []any{}); got.Status != http.StatusUnauthorized {
		t.Errorf("after the sessions ended: %+v", got)
	}
}

func TestControl(t *testing.T) {
	s, c := open(t, Options{})
	party, address := c.party("M-1")
	id := c.id("sale.sale.create", []any{saleOf(party, address, "R", line(nil))})
	do := func(method, name string, body any) (int, object) {
		raw, _ := json.Marshal(body)
		w := httptest.NewRecorder()
		s.ControlHTTP(w, httptest.NewRequest(method, "/_sim/tryton/"+name, strings.NewReader(string(raw))))
		var out object
		_ = json.Unmarshal(w.Body.Bytes(), &out)
		return w.Code, out
	}
	for name, body := range map[string]object{
		"edit-sale": {"id": id, "line": 0, "quantity": 5, "unit_price": "1.00"}, "duplicate": {"id": id}, "orphan": {"orphan": "NOBODY"}, "stock": {"code": "SKU-MUG-01", "in_stock": 7},
	} {
		if code, out := do("POST", name, body); code != http.StatusOK {
			t.Errorf("%s: %d %v", name, code, out)
		}
	}
	got := s.SalesByReference("R")
	if len(got) != 2 || got[0].Lines[0].Quantity != "5" || got[0].Untaxed != "5.00" || len(s.SalesByReference("NOBODY")) != 1 || s.Stock("SKU-MUG-01") != 7 {
		t.Errorf("after the edits: %+v", got)
	}
	if code, _ := do("POST", "delete-sale", object{"id": id}); code != http.StatusOK || len(s.SalesByReference("R")) != 1 {
		t.Errorf("delete: %d", code)
	}
	for name, body := range map[string]object{"delete-sale": {"id": 999}, "nosuch": {}, "edit-sale": {"id": got[1].ID, "line": 9, "quantity": 1}, "ship": {"id": got[1].ID}, "stock": {"code": "x"}} {
		if code, _ := do("POST", name, body); code != http.StatusBadRequest {
			t.Errorf("%s %v: %d, want 400", name, body, code)
		}
	}
	if code, out := do("GET", "record", nil); code != http.StatusOK || len(out["documents"].(object)) != 2 {
		t.Errorf("record: %d", code)
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	s, c := open(t, Options{})
	c.call("sale.sale.read", []any{1}, []any{"state"})
	c.call("sale.sale.nosuch", []any{})
	n := 0
	for _, call := range s.Calls() {
		n += call.Refused
	}
	if n != 2 {
		t.Errorf("%d refusals, want 2", n)
	}
	refusals := s.Record().(object)["refusals"].([]Refusal)
	if refusals[0].Code != "UserError" || refusals[1].Code != "403" {
		t.Errorf("refusals: %+v", refusals)
	}
}

func TestRoundIsHalfToEven(t *testing.T) {
	for text, want := range map[string]string{"0.005": "0.00", "0.015": "0.02", "0.025": "0.02", "-0.065": "-0.06", "-0.075": "-0.08", "0.0051": "0.01", "-0.0051": "-0.01",
		"2.675": "2.68", "1e2": "100.00", "-1": "-1.00"} {
		r, err := parseDecimal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := round(r, 2); got != want {
			t.Errorf("round(%s) = %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "1e999999999", "NaN", "1/2", "0x10", "abc", "1_000"} {
		if _, err := parseDecimal(text); err == nil {
			t.Errorf("%q is no decimal", text)
		}
	}
}

func TestLikeIsSQLs(t *testing.T) {
	for _, tc := range []struct {
		text, pattern string
		want          bool
	}{
		{"abc", "abc", true}, {"abc", "a%", true}, {"abc", "%c", true}, {"abc", "a_c", true}, {"abc", "a_", false}, {"", "%", true}, {"", "", true},
		{"a%c", `a\%c`, true}, {"abc", `a\%c`, false}, {"aXbXc", "a%b%c", true}, {"abcd", "%b%x", false}, {strings.Repeat("a", 200), strings.Repeat("%a", 100) + "b", false},
	} {
		if got := like([]rune(tc.text), []rune(tc.pattern)); got != tc.want {
			t.Errorf("%q like %q = %v", tc.text, tc.pattern, got)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{`{}`, `{"id":1,"method":"model.sale.sale.search","params":[[["OR",["id","=",1]]],0,1,null,{}]}`, `{"id":1,"method":"model.sale.sale.create","params":[[{"lines":[["create",[{}]]]}],{}]}`,
		`{"id":1,"method":"model.party.party.search","params":[["name","where",[["x"]]],{}]}`, `{"id":null,"method":"wizard.sale.return_sale.execute","params":[1,{},"return_",{"active_id":1}]}`,
		`{"id":1,"method":"model.sale.sale.write","params":[[1],{"party":{"__class__":"date","year":1}},{}]}`} {
		f.Add(seed)
	}
	s := New(Options{})
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+password))
	s.Orphan("R")
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/tryton/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == http.StatusOK && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s answered %s", body, w.Body)
		}
	})
}

func BenchmarkSale(b *testing.B) {
	s := New(Options{})
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+password))
	for b.Loop() {
		for _, body := range []string{
			`{"id":1,"method":"model.sale.sale.search","params":[[["reference","=","R"]],0,2,null,{}]}`,
			`{"id":1,"method":"model.sale.sale.create","params":[[{"party":2,"invoice_address":1,"shipment_address":1,"reference":"X","lines":[["create",[{"type":"line","product":1,"unit":1,"quantity":1.0,"unit_price":{"__class__":"Decimal","decimal":"1.00"},"taxes":[["add",[1]]]}]]]}],{}]}`,
		} {
			r := httptest.NewRequest(http.MethodPost, "/tryton/", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", header)
			s.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
}
