package trytonsim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// client calls a server, simulated or real.
type client struct {
	t      *testing.T
	http   *http.Client
	url    string // with the database
	header http.Header
	ctx    object
}

// answer is what came back.
type answer struct {
	Status int
	Result any
	Error  []any
}

func (c *client) raw(body string) (int, http.Header, string) {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.url, bytes.NewReader([]byte(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

func (c *client) plain(method string, params ...any) answer {
	c.t.Helper()
	body, err := json.Marshal(object{"id": 7, "method": method, "params": append([]any{}, params...)})
	if err != nil {
		c.t.Fatal(err)
	}
	status, _, text := c.raw(string(body))
	a := answer{Status: status}
	if status != http.StatusOK {
		return a
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var out struct {
		ID     json.Number
		Result any
		Error  []any
	}
	if err := d.Decode(&out); err != nil || out.ID != "7" {
		c.t.Fatalf("%s: %v in %s", method, err, text)
	}
	a.Result, a.Error = out.Result, out.Error
	return a
}

// call adds the context.
func (c *client) call(method string, params ...any) answer {
	c.t.Helper()
	return c.plain("model."+method, append(params, c.ctx)...)
}

// must wants a result.
func (c *client) must(method string, params ...any) any {
	c.t.Helper()
	a := c.call(method, params...)
	if a.Status != http.StatusOK || a.Error != nil {
		c.t.Fatalf("%s: %d %v", method, a.Status, a.Error)
	}
	return a.Result
}

func (c *client) id(method string, params ...any) int {
	c.t.Helper()
	list, _ := c.must(method, params...).([]any)
	if len(list) == 0 {
		c.t.Fatalf("%s: no id", method)
	}
	n, _ := asInt(list[0])
	return n
}

func (c *client) login(user, word string) {
	c.t.Helper()
	a := c.plain("common.db.login", user, object{"password": word}, "en")
	list, _ := a.Result.([]any)
	if len(list) < 2 {
		c.t.Fatalf("login: %+v", a)
	}
	c.header.Set("Authorization", "Session "+base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%v:%v", user, list[0], list[1])))
}

func dial(t *testing.T, url string) *client {
	c := &client{t: t, http: &http.Client{Timeout: time.Minute}, url: url, header: http.Header{"Content-Type": {"application/json"}},
		ctx: object{"company": 1, "language": "en"}}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// open starts a simulator and logs in.
func open(t *testing.T, o Options) (*Sim, *client) {
	t.Helper()
	s := New(o)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	cred := s.Credentials()
	c := dial(t, srv.URL+"/"+cred["database"]+"/")
	c.login(cred["username"], cred["password"])
	return s, c
}

func dec(text string) object { return object{"__class__": "Decimal", "decimal": text} }

func day(y, m, d int) object { return object{"__class__": "date", "year": y, "month": m, "day": d} }

// line is a line of one mug at 12.3456; changes replace or (nil) drop fields.
func line(changes object) object {
	l := object{"type": "line", "product": 2, "unit": 1, "quantity": json.RawMessage("2.0"), "unit_price": dec("12.3456"), "taxes": []any{[]any{"add", []any{1}}}}
	for k, v := range changes {
		if v == nil {
			delete(l, k)
		} else {
			l[k] = v
		}
	}
	return l
}

func lines(list ...object) []any { return []any{[]any{"create", append([]object{}, list...)}} }

// party makes a party with an address.
func (c *client) party(code string) (party, address int) {
	c.t.Helper()
	party = c.id("party.party.create", []any{object{"name": "发明的人", "code": code,
		"addresses":          []any{[]any{"create", []any{object{"street": "测试路1号", "city": "上海", "postal_code": "200000"}}}},
		"contact_mechanisms": []any{[]any{"create", []any{object{"type": "mobile", "value": "13800000009"}}}}}})
	return party, c.id("party.address.search", []any{[]any{"party", "=", party}}, 0, 1, nil)
}

func saleOf(party, address int, reference string, list ...object) object {
	return object{"party": party, "reference": reference, "invoice_address": address, "shipment_address": address, "lines": lines(list...)}
}

// spareAddress makes an address, and a sale that uses it.
func (c *client) spareAddress(party int, reference string) int {
	c.t.Helper()
	address := c.id("party.address.create", []any{object{"party": party, "street": "a"}})
	c.must("sale.sale.create", []any{saleOf(party, address, reference, line(nil))})
	return address
}
