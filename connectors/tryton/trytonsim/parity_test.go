package trytonsim

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

var record = flag.Bool("record", false, "write what the real server answered to testdata")

// TestSameScriptAgainstARealServer compares the simulator with a running
// trytond. TRYTON_URL is its address, such as http://127.0.0.1:8000, and
// TRYTON_DATABASE its database (default tryton); TRYTON_USERNAME and TRYTON_PASSWORD
// log in. Its data is a fresh company with three products (ids 1 to 3), VAT 13 %
// (id 1).
func TestSameScriptAgainstARealServer(t *testing.T) {
	url := os.Getenv("TRYTON_URL")
	if url == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("TRYTON_URL is not set, and in CI the server must be there")
		}
		t.Skip("TRYTON_URL is not set: no real server to compare with")
	}
	real := dial(t, strings.TrimSuffix(url, "/")+"/"+cmp.Or(os.Getenv("TRYTON_DATABASE"), "tryton")+"/")
	real.login(cmp.Or(os.Getenv("TRYTON_USERNAME"), "admin"), os.Getenv("TRYTON_PASSWORD"))
	_, sim := open(t, Options{})
	recorded := script(real)
	if diff := gocmp.Diff(recorded, script(sim)); diff != "" {
		t.Errorf("the simulator (+) differs from the server (-):\n%s", diff)
	}
	if *record {
		if err := os.WriteFile(recording, []byte(strings.Join(recorded, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSameScriptAsRecorded compares the simulator with what a trytond 6.0.29
// answered when the script was last played against one.
func TestSameScriptAsRecorded(t *testing.T) {
	want, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	_, sim := open(t, Options{})
	if diff := gocmp.Diff(strings.Split(strings.TrimSuffix(string(want), "\n"), "\n"), script(sim)); diff != "" {
		t.Errorf("the simulator (+) differs from the recording (-):\n%s", diff)
	}
}

var invoiceNumber = regexp.MustCompile(`invoice \\"\(?[0-9]+\)?`)

const recording = "testdata/script.txt"

// script plays one story and notes what was answered, ids and times left out.
func script(c *client) []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	code := "PARITY-" + fmt.Sprint(time.Now().UnixNano())
	party, address := c.party(code)
	_, elsewhere := c.party(code + "-2")
	hide := strings.NewReplacer(code, "CODE", fmt.Sprintf(`"=",%d]`, party), "PARTY")
	fails := func(label string, a answer) {
		raw, _ := json.Marshal(a.Error)
		if len(a.Error) > 1 {
			if list, ok := a.Error[1].([]any); ok && len(list) == 3 && list[2] != nil {
				domain, _ := list[2].([]any)
				raw, _ = json.Marshal([]any{a.Error[0], list[0], domain[0]})
			}
		}
		note("%s: %d %s", label, a.Status, invoiceNumber.ReplaceAllString(hide.Replace(string(raw)), `invoice \"N`))
	}
	state := func(id int) {
		doc := c.must("sale.sale.read", []any{id}, []any{"state", "number", "shipment_state", "invoice_state", "shipments", "invoices", "untaxed_amount", "tax_amount", "total_amount", "sale_date"}).([]any)[0].(map[string]any)
		ships, _ := doc["shipments"].([]any)
		invs, _ := doc["invoices"].([]any)
		raw, _ := json.Marshal([]any{doc["untaxed_amount"], doc["tax_amount"], doc["total_amount"]})
		note("  %v number=%v shipment=%v(%d) invoice=%v(%d) date=%v %s", doc["state"], doc["number"] != nil, doc["shipment_state"], len(ships), doc["invoice_state"], len(invs), doc["sale_date"] != nil, raw)
	}
	make := func(changes object, list ...object) answer {
		v := saleOf(party, address, code, list...)
		for k, x := range changes {
			v[k] = x
		}
		return c.call("sale.sale.create", []any{v})
	}
	made := func(changes object, list ...object) int {
		a := make(changes, list...)
		ids, _ := a.Result.([]any)
		if len(ids) != 1 {
			c.t.Fatalf("sale.create: %+v", a)
		}
		n, _ := asInt(ids[0])
		return n
	}

	fails("same code", c.call("party.party.create", []any{object{"name": "dup", "code": code}}))
	fails("five decimals", make(nil, line(object{"unit_price": dec("12.34567")})))
	fails("half a mug", make(nil, line(object{"quantity": json.RawMessage("1.5")})))
	fails("no quantity", make(nil, line(object{"quantity": nil})))
	fails("no price", make(nil, line(object{"unit_price": nil})))
	fails("no unit", make(nil, line(object{"unit": nil})))
	fails("no product", make(nil, line(object{"product": 99999})))
	fails("no tax", make(nil, line(object{"taxes": []any{[]any{"add", []any{999}}}})))
	fails("unknown field", make(object{"nofield": 1}))
	fails("unknown field of a line", make(nil, line(object{"nofield": 1})))
	fails("no party", make(object{"party": nil}))
	fails("unknown party", make(object{"party": 999999}))
	fails("another's address", make(object{"invoice_address": elsewhere, "shipment_address": elsewhere}))
	fails("unknown method", make(object{"invoice_method": "x"}))
	fails("NUL", make(object{"reference": "a\x00b"}))
	fails("new line in a reference", make(object{"reference": "a\nb"}))
	fails("tab in a name", c.call("party.party.create", []any{object{"name": "a\tb"}}))
	fails("vertical tab in a city", c.call("party.address.create", []any{object{"party": party, "city": "a\vb"}}))
	note("lines in a comment, a street: %v %v", make(object{"comment": "a\nb"}, line(object{"description": "c\nd"})).Error, c.call("party.address.create", []any{object{"party": party, "street": "a\nb"}}).Error)
	fails("delete a party with sales", c.call("party.party.delete", []any{party}))
	note("delete an address in use: %v", c.call("party.address.delete", []any{c.spareAddress(party, code)}).Error)
	fails("read nothing", c.call("sale.sale.read", []any{999999}, []any{"state"}))
	fails("write nothing", c.call("sale.sale.write", []any{999999}, object{"reference": "x"}))
	fails("delete nothing", c.call("sale.sale.delete", []any{999999}))
	fails("quote nothing", c.call("sale.sale.quote", []any{999999}))
	fails("write no party", c.call("party.party.write", []any{999999}, object{"name": "x"}))
	fails("search by unknown", c.call("sale.sale.search", []any{[]any{"nofield", "=", 1}}, 0, 1, nil))
	fails("read unknown", c.call("party.party.read", []any{party}, []any{"nofield"}))
	fails("sort by unknown", c.call("sale.sale.search", []any{}, 0, 1, []any{[]any{"nofield", "ASC"}}))
	fails("unknown model", c.call("party.nope.search", []any{}, 0, 1, nil))
	fails("unknown call", c.call("sale.sale.nosuch", []any{1}))
	fails("no context", c.plain("model.sale.sale.search", []any{}, 0, 1, nil))
	fails("unknown prefix", c.plain("foo.bar", object{}))
	fails("duplicate ids", c.call("party.party.write", []any{party, party}, object{"name": "x"}))
	fails("bad contact", c.call("party.contact_mechanism.create", []any{object{"party": party, "type": "x", "value": "1"}}))
	fails("address of nobody", c.call("party.address.create", []any{object{"street": "x"}}))
	fails("web_id without the module", c.call("sale.sale.search", []any{[]any{"web_id", "=", "x"}}, 0, 1, nil))

	for _, prices := range [][]string{{"12.3456"}, {"0.05", "0.05", "0.05"}, {"0.04", "0.04", "0.04"}, {"0.0049"}, {"0.005"}, {"0.015"}, {"0.025"}, {"0.5"}, {"1.5"},
		{"0.045", "0.045", "0.045", "0.045", "0.045", "0.045", "0.045", "0.045", "0.045", "0.045"}, {"0.0349", "0.0349", "0.0349"}, {"1132.7434"}, {"-0.5", "10"}} {
		for _, qty := range []string{"1.0", "3.0"} {
			var list []object
			for _, p := range prices {
				list = append(list, line(object{"quantity": json.RawMessage(qty), "unit_price": dec(p)}))
			}
			note("amounts of %s x %v", qty, prices)
			state(made(nil, list...))
		}
	}
	note("freight without tax, discount without product")
	state(made(nil, line(object{"unit_price": dec("100")}), line(object{"product": nil, "unit": nil, "quantity": json.RawMessage("1.0"), "unit_price": dec("6.00"), "taxes": nil, "description": "freight"}),
		line(object{"product": nil, "unit": nil, "quantity": json.RawMessage("1.0"), "unit_price": dec("-0.55"), "description": "discount"})))

	id := made(object{"invoice_address": nil})
	fails("quote without invoice address", c.call("sale.sale.quote", []any{id}))
	id = made(object{"shipment_address": nil}, line(nil))
	fails("quote without shipment address", c.call("sale.sale.quote", []any{id}))
	state(id)
	id = made(nil, line(nil), line(object{"product": 3, "quantity": json.RawMessage("1.0")}))
	for _, button := range []string{"process", "confirm", "quote", "quote", "draft", "quote", "confirm", "confirm", "quote", "draft", "cancel"} {
		fails(button, c.call("sale.sale."+button, []any{id}))
		state(id)
	}
	numbered := c.must("sale.sale.read", []any{id}, []any{"number"}).([]any)[0].(map[string]any)["number"].(string)
	hide = strings.NewReplacer(code, "CODE", ` \"`+numbered+" [", ` \"NUMBER [`, fmt.Sprintf(`"=",%d]`, party), "PARTY")
	fails("delete a processed one", c.call("sale.sale.delete", []any{id}))
	c.must("sale.sale.write", []any{id}, object{"reference": code + "-B"})
	fails("lock", c.plain("model.sale.sale.write", []any{id}, object{"reference": "x"}, object{"company": 1, "_timestamp": object{fmt.Sprintf("sale.sale,%d", id): "1.0"}}))
	doc, _ := json.Marshal(c.must("sale.sale.search_read", []any{[]any{"reference", "=", code + "-B"}, []any{"party.code", "=", code}}, 0, 5, nil,
		[]any{"party.code", "lines.product.code", "lines.quantity", "shipment_address.city", "currency.code", "payment_term", "description", "lines.unit_price"}))
	note("dotted: %s", scrub(string(doc), hide))
	for _, domain := range []string{`[["OR",["reference","=","%s-B"],["id","=",0]]]`, `[["lines.product.code","=","SKU-BAG-07"],["reference","like","%s%%"]]`,
		`[["party.code","in",["%s","x"]],["state","!=","draft"]]`, `[["party","=",%[2]d],["number","!=",null]]`, `[["reference","ilike","%s-b"]]`, `[["party","=","发明的人"],["reference","=","%s-B"]]`} {
		var d []any
		text := strings.Replace(fmt.Sprintf(domain, code, party), "%!(EXTRA int="+fmt.Sprint(party)+")", "", 1)
		text = strings.Replace(text, "%!(EXTRA string="+code+")", "", 1)
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			c.t.Fatalf("%s: %v", text, err)
		}
		note("count %s: %v", strings.Replace(hide.Replace(text), fmt.Sprint(party), "PARTY", 1), c.must("sale.sale.search_count", d))
	}
	fails("search by outgoing moves", c.call("stock.shipment.out.search", []any{[]any{"outgoing_moves", "=", 1}}, 0, nil, nil))
	shipments := c.must("sale.sale.read", []any{id}, []any{"shipments"}).([]any)[0].(map[string]any)["shipments"].([]any)
	moves := c.must("stock.move.search", []any{[]any{"sale", "=", id}}, 0, nil, nil).([]any)
	note("%d shipments, %d moves", len(shipments), len(moves))
	note("cancel shipment: %v", c.must("stock.shipment.out.cancel", shipments))
	state(id)
	act := object{"company": 1, "active_model": "sale.sale", "active_id": id, "active_ids": []any{id}}
	session := c.plain("wizard.sale.handle.shipment.exception.create", object{"company": 1}).Result.([]any)
	note("wizard %v", session[1:])
	all := c.must("stock.move.search", []any{[]any{"sale", "=", id}, []any{"state", "=", "cancelled"}, []any{"shipment", "like", "stock.shipment.out,%"}}, 0, nil, nil)
	fails("give up", c.plain("wizard.sale.handle.shipment.exception.execute", session[0], object{"ask": object{"recreate_moves": []any{}, "domain_moves": all}}, "handle", act))
	fails("close", c.plain("wizard.sale.handle.shipment.exception.delete", session[0], object{"company": 1}))
	state(id)
	invoices := c.must("sale.sale.read", []any{id}, []any{"invoices"}).([]any)[0].(map[string]any)["invoices"]
	fails("cancel invoice", c.call("account.invoice.cancel", invoices))
	state(id)
	exceptions := func(model string, sale int) {
		list := c.must(model+".search_read", []any{[]any{map[string]string{"account.invoice": "sales", "stock.move": "sale"}[model], "=", sale}}, 0, nil, []any{[]any{"id", "ASC"}}, []any{"state", "sale_exception_state"})
		raw, _ := json.Marshal(list)
		note("%s: %s", model, scrub(string(raw), hide))
	}
	exceptions("account.invoice", id)
	exceptions("stock.move", id)
	session = c.plain("wizard.sale.handle.invoice.exception.create", object{"company": 1}).Result.([]any)
	note("wizard %v", session[1:])
	fails("give up the invoice", c.plain("wizard.sale.handle.invoice.exception.execute", session[0], object{"ask": object{"recreate_invoices": []any{}, "domain_invoices": invoices}}, "handle", act))
	state(id)
	exceptions("account.invoice", id)

	shipped := made(nil, line(nil))
	c.must("sale.sale.quote", []any{shipped})
	c.must("sale.sale.confirm", []any{shipped})
	out := c.must("sale.sale.read", []any{shipped}, []any{"shipments"}).([]any)[0].(map[string]any)["shipments"]
	for _, button := range []string{"done", "assign_try", "pick", "pack", "done", "cancel"} {
		note("%s: %v", button, c.must("stock.shipment.out."+button, out))
		state(shipped)
	}
	act["active_id"], act["active_ids"] = shipped, []any{shipped}
	session = c.plain("wizard.sale.return_sale.create", object{"company": 1}).Result.([]any)
	note("wizard %v", session[1:])
	fails("return", answer{Status: c.plain("wizard.sale.return_sale.execute", session[0], object{"start": object{}}, "return_", act).Status})
	back := c.must("sale.sale.search", []any{[]any{"origin", "=", fmt.Sprintf("sale.sale,%d", shipped)}}, 0, nil, nil).([]any)
	note("returns: %d", len(back))
	n, _ := asInt(back[0])
	state(n)
	sameText := c.must("sale.sale.read", []any{n}, []any{"description", "comment", "invoice_method", "shipment_method"}).([]any)[0]
	doc, _ = json.Marshal(sameText)
	note("the return: %s", scrub(string(doc), hide))
	fails("no papers", c.call("sale.sale.write", []any{n}, object{"invoice_method": "manual", "shipment_method": "manual"}))
	for _, button := range []string{"quote", "confirm"} {
		fails(button+" the return", c.call("sale.sale."+button, []any{n}))
		state(n)
	}
	note("returns among others: %v", len(c.must("sale.sale.search", []any{[]any{"origin", "in", []any{fmt.Sprintf("sale.sale,%d", shipped), "sale.sale,0"}}}, 0, nil, nil).([]any)))

	billed := made(object{"shipment_method": "manual", "description": "words", "comment": "more words"}, line(nil))
	c.must("sale.sale.quote", []any{billed})
	c.must("sale.sale.confirm", []any{billed})
	bill := func() any {
		return c.must("sale.sale.read", []any{billed}, []any{"invoices"}).([]any)[0].(map[string]any)["invoices"]
	}
	act["active_id"], act["active_ids"] = billed, []any{billed}
	c.must("account.invoice.cancel", bill())
	fails("a cancelled invoice back to draft", c.call("account.invoice.draft", []any{bill().([]any)[0]}))
	session = c.plain("wizard.sale.handle.invoice.exception.create", object{"company": 1}).Result.([]any)
	fails("once more", c.plain("wizard.sale.handle.invoice.exception.execute", session[0], object{"ask": object{"recreate_invoices": bill(), "domain_invoices": bill()}}, "handle", act))
	state(billed)
	exceptions("account.invoice", billed)
	fresh := c.must("account.invoice.search", []any{[]any{"sales", "=", billed}, []any{"state", "=", "draft"}}, 0, nil, nil).([]any)
	fails("post", c.call("account.invoice.post", fresh))
	state(billed)
	fails("cancel what is posted", c.call("account.invoice.cancel", fresh))

	empty := made(nil)
	c.must("sale.sale.quote", []any{empty})
	c.must("sale.sale.confirm", []any{empty})
	state(empty)
	gone := made(nil, line(nil))
	c.must("sale.sale.cancel", []any{gone})
	state(gone)
	fails("delete a cancelled one", c.call("sale.sale.delete", []any{gone}))
	fails("delete a draft", c.call("sale.sale.delete", []any{made(nil, line(nil))}))
	note("stock without locations: %v", c.must("product.product.read", []any{2}, []any{"quantity"}))
	doc, _ = json.Marshal(c.must("party.party.search_read", []any{[]any{"contact_mechanisms.value", "=", "13800000009"}, []any{"code", "=", code}}, 0, 1, nil, []any{"name", "code", "active", "mobile", "addresses.full_address"}))
	note("party: %s", scrub(string(doc), hide))
	extra, _, _ := c.raw(`{"jsonrpc":"2.0","id":1,"method":"model.sale.sale.read","params":[[99999999],["state"],{}]}`)
	note("bare mode: %d", extra)
	broken, _, _ := c.raw(`{`)
	note("no JSON: %d", broken)
	c.header.Set("Authorization", "Session bm9wZQ==")
	status, header, body := c.raw(`{"id":1,"method":"model.party.party.search","params":[[],0,1,null,{}]}`)
	note("no session: %d %q %q", status, header.Get("WWW-Authenticate"), body)
	if status != http.StatusUnauthorized {
		c.t.Errorf("a foreign session was let in: %d", status)
	}
	return notes
}

// scrub leaves ids out of a document.
func scrub(text string, hide *strings.Replacer) string {
	var doc any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return err.Error()
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			delete(v, "id")
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(doc)
	out, _ := json.Marshal(doc)
	return hide.Replace(string(out))
}
