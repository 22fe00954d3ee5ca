package qimen

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/qimen/qimensim"
	"github.com/minihub/minihub/connectors/simkit"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

const cancelBody = `<?xml version="1.0" encoding="utf-8"?><request><warehouseCode>WH01</warehouseCode><ownerCode>OWN01</ownerCode><orderCode>WX202501010001</orderCode><orderType>JYCK</orderType><cancelReason>买家取消</cancelReason></request>`

func TestSignatures(t *testing.T) {
	query := url.Values{"method": {"order.cancel"}, "timestamp": {"2025-01-01 10:00:00"}, "format": {"xml"}, "app_key": {"12345678"},
		"v": {"2.0"}, "customerId": {"c1234567"}, "session": {""}}
	secret := connectors.NewSecret("qimenSecret")
	for method, want := range map[string]string{signMD5: "4CDFA8205187DAEE7FADC07D4F08741E", signHMAC: "73E3657505DF835E3BCCD273C7E7D101"} {
		query.Set("sign_method", method)
		if got := sign(method, secret, query, []byte(cancelBody)); got != want {
			t.Errorf("%s: %s, want %s", method, got, want)
		}
		query.Set("sign", strings.ToLower(want))
		if err := verify(secret, query, []byte(cancelBody)); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		if err := verify(secret, query, []byte(cancelBody+" ")); err == nil {
			t.Errorf("%s: another body has the same signature", method)
		}
		query.Del("sign")
	}
	// The body of a cancel is written in the order of the vendor's page.
	got, err := encode(map[string]any{"orderCode": "WX202501010001", "warehouseCode": "WH01", "ownerCode": "OWN01", "cancelReason": "买家取消", "orderType": "JYCK"}, cancelFields())
	if err != nil || string(got) != cancelBody {
		t.Errorf("got %s, %v", got, err)
	}
}

// hub is an intake that keeps what it received.
type hub struct {
	c       *conn
	verdict connectors.Verdict
	mu      sync.Mutex
	items   []connectors.Item
	errs    []error
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	rcv, err := h.c.Receive(r.Context(), connectors.Request{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body})
	v := h.verdict
	if err != nil {
		v = connectors.Bad
	}
	h.mu.Lock()
	if v == connectors.Stored {
		h.items = append(h.items, rcv.Items...)
	}
	h.errs = append(h.errs, err)
	h.mu.Unlock()
	resp := h.c.Reply(v, rcv, err)
	for k, values := range resp.Header {
		w.Header()[k] = values
	}
	w.WriteHeader(resp.Status)
	_, _ = w.Write(resp.Body)
}

func newHub(t *testing.T, w *warehouse) *hub {
	t.Helper()
	h := &hub{c: w.conn}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	w.sim.SetHub(server.URL + "/in/wms?token=invented")
	return h
}

func TestConfirmationsComeIn(t *testing.T) {
	w := newWarehouse(t, qimensim.Options{}, nil)
	h := newHub(t, w)
	deliver(t, w.conn, opCreate, orderOf("WX1"))
	w.fault(t, simkit.Fault{Call: callConfirm, Kind: simkit.Duplicate, Count: 1})
	if err := w.sim.Ship(t.Context(), "WX1", qimensim.ShipOptions{Packages: 2, Intermediate: true}); err != nil {
		t.Fatal(err)
	}
	sent := w.sim.Confirms()
	if len(sent) != 2 || len(h.items) != 3 || !cmp.Equal(h.items[0], h.items[1]) {
		t.Fatalf("%d sent, %d received", len(sent), len(h.items))
	}
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := set.Get("vendors/qimen/shipment")
	if !ok {
		t.Fatal("no schema")
	}
	for i, item := range []connectors.Item{h.items[0], h.items[2]} {
		c := sent[i]
		if item.Key != "WX1/"+c.OutBizCode || item.Root != "WX1" || string(item.Body) != c.Body || item.Stream != confirms || item.Version <= 0 || !c.Acknowledged {
			t.Errorf("got %s %s %d for %+v", item.Key, item.Root, item.Version, c)
		}
		tree, err := w.Decode(confirms, item.Body)
		if err != nil || !codec.IsTree(tree) {
			t.Fatalf("decoded %v, %v", tree, err)
		}
		if v := schema.Validate(tree); len(v) > 0 {
			t.Errorf("%v", v)
		}
		packages := tree.(map[string]any)["packages"].([]any)
		if p := packages[0].(map[string]any); len(packages) != 1 || p["expressCode"] == "" || len(p["items"].([]any)) == 0 {
			t.Errorf("packages %v", packages)
		}
	}
}

func TestAForgedConfirmationIsRefused(t *testing.T) {
	w := newWarehouse(t, qimensim.Options{}, nil)
	h := newHub(t, w)
	w.sim.SetWrongSignature(true)
	ans, err := w.sim.SendRaw(t.Context(), []byte(`<request/>`))
	if err != nil || ans.Flag != "failure" || ans.Code != codeSignature {
		t.Errorf("answered %+v, %v", ans, err)
	}
	if e := connectors.AsError(h.errs[0]); e.Kind != connectors.Unauthorized {
		t.Errorf("got %v", e)
	}
	w.sim.SetWrongSignature(false)
	for _, body := range []string{``, `<request>`, `<request/>`, `<a/><b/>`, `<!DOCTYPE r [<!ENTITY e "x">]><request><deliveryOrder><deliveryOrderCode>&e;</deliveryOrderCode></deliveryOrder></request>`,
		`<?xml version="1.0" encoding="GBK"?><request/>`, "<request>\xff</request>", strings.Repeat("<a>", 100)} {
		ans, err := w.sim.SendRaw(t.Context(), []byte(body))
		if err != nil || ans.Flag != "failure" {
			t.Errorf("%q answered %+v, %v", body, ans, err)
		}
		if e := connectors.AsError(h.errs[len(h.errs)-1]); e.Kind != connectors.Unreadable || string(e.Raw) != body {
			t.Errorf("%q: %v", body, e)
		}
	}
	if len(h.items) != 0 {
		t.Errorf("stored %v", h.items)
	}
	h.verdict = connectors.Busy
	if ans, err := w.sim.SendRaw(t.Context(), []byte(`<request><deliveryOrder><deliveryOrderCode>1</deliveryOrderCode></deliveryOrder></request>`)); err != nil || ans.Flag != "failure" {
		t.Errorf("busy answered %+v, %v", ans, err)
	}
}

func TestReceiveOfOtherMessages(t *testing.T) {
	c := stub(t, answers(http.StatusOK, ""))
	receive := func(method, call, body string, more url.Values) (connectors.Received, error) {
		q := url.Values{"method": {call}, "sign_method": {"md5"}, "customerId": {"c1"}}
		for k, v := range more {
			q[k] = v
		}
		q.Set("sign", sign(signMD5, c.secret, q, []byte(body)))
		return c.Receive(context.Background(), connectors.Request{Method: method, Query: q, Body: []byte(body)})
	}
	confirm := func(fields string) string {
		return "<request><deliveryOrder><deliveryOrderCode>WX1</deliveryOrderCode>" + fields + "</deliveryOrder></request>"
	}
	for name, c := range map[string]struct {
		method, call string
		more         url.Values
		kind         connectors.Kind
	}{
		"GET":            {http.MethodGet, callConfirm, nil, connectors.Unauthorized},
		"another method": {http.MethodPost, "orderprocess.report", nil, connectors.Invalid},
		"twice":          {http.MethodPost, callConfirm, url.Values{"a": {"1", "2"}}, connectors.Unauthorized},
		"sign method":    {http.MethodPost, callConfirm, url.Values{"sign_method": {"sha1"}}, connectors.Unauthorized},
	} {
		_, err := receive(c.method, c.call, confirm(""), c.more)
		if e := connectors.AsError(err); e == nil || e.Kind != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	var keys []string
	for _, fields := range []string{"", "<confirmType>0</confirmType>", "<confirmType>1</confirmType>", "<confirmType>1</confirmType><remark>2</remark>", "<outBizCode> CF-1 </outBizCode>"} {
		rcv, err := receive(http.MethodPost, longPrefix+callConfirm, confirm(fields), nil)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, rcv.Items[0].Key)
	}
	if keys[0] != "WX1/final" || keys[1] != keys[0] || keys[2] == keys[3] || !strings.HasPrefix(keys[2], "WX1/sha256:") || keys[4] != "WX1/CF-1" {
		t.Errorf("keys %v", keys)
	}
	rcv, err := receive(http.MethodPost, callConfirm, confirm("<operateTime>2026-01-02 09:00:00</operateTime>"), nil)
	if err != nil || rcv.Items[0].Version != 1767315600 {
		t.Errorf("version %v, %v", rcv.Items, err)
	}
	if r := c.Reply(connectors.Bad, connectors.Received{}, io.EOF); r.Status != http.StatusOK || !strings.Contains(string(r.Body), "failure") {
		t.Errorf("answered %s", r.Body)
	}
}

func TestDecode(t *testing.T) {
	c := &conn{}
	tree, err := c.Decode(confirms, []byte("\xef\xbb\xbf"+`<?xml version="1.0" encoding="UTF-8"?>
		<request>
			<deliveryOrder><deliveryOrderCode>WX&lt;1</deliveryOrderCode><remark><![CDATA[a <b>]]></remark><!-- no --></deliveryOrder>
			<packages/>
			<orderLines><orderLine><itemCode>A</itemCode><snList><sn>1</sn><sn>2</sn></snList><extendProps><k>v</k></extendProps></orderLine></orderLines>
			<more><x>1</x><x>2</x><y><z/></y></more>
		</request>`))
	want := map[string]any{
		"deliveryOrder": map[string]any{"deliveryOrderCode": "WX<1", "remark": "a <b>"},
		"packages":      []any{},
		"orderLines":    []any{map[string]any{"itemCode": "A", "snList": []any{"1", "2"}, "extendProps": map[string]any{"k": "v"}}},
		"more":          map[string]any{"x": []any{"1", "2"}, "y": map[string]any{"z": ""}},
	}
	if d := cmp.Diff(want, tree); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
	for _, body := range []string{
		`<r><deliveryOrder>text</deliveryOrder></r>`, `<r><deliveryOrder/><deliveryOrder/></r>`, `<r><orderLines><line/></orderLines></r>`,
		`<r><orderLines><orderLine>x</orderLine></orderLines></r>`, `<r><deliveryOrder><status><a/></status></deliveryOrder></r>`, `<r>a<b/></r>`, `<r><b/>a</r>`, `<r/>x`, `<r></s>`, `</r>`, `<r>&nope;</r>`, `<r>` + strings.Repeat("x", maxMessage) + `</r>`,
		`<r>` + strings.Repeat("<a/>", maxElements) + `</r>`,
	} {
		_, err := c.Decode(confirms, []byte(body))
		if e := connectors.AsError(err); e == nil || e.Kind != connectors.Unreadable {
			t.Errorf("%.60s: %v", body, err)
		}
	}
	if _, err := c.Decode("orders", []byte(`<r/>`)); err == nil {
		t.Error("a stream that is not there was decoded")
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{cancelBody, `<r><a>1</a><a><b/></a></r>`, `<!DOCTYPE r>`, `<r>&#0;</r>`, `<?xml encoding="gbk"?><r/>`, "<r>\x00</r>", `<a:b xmlns:a="x"></c:b>`, `<request><orderLines><orderLine><snList><sn>1</sn></snList></orderLine></orderLines></request>`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := parse(body)
		if err != nil {
			return
		}
		if tree, err := e.tree(confirmFields()); err == nil && !codec.IsTree(tree) {
			t.Fatalf("no tree: %v", tree)
		}
		if doc, err := codec.Encode(e.loose()); err != nil {
			t.Fatalf("%v: %s", err, doc)
		}
		o := order{lines: map[line]decimal.Decimal{}}
		_ = o.readAnswer(e)
	})
}
