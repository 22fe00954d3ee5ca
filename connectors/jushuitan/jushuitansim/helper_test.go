package jushuitansim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type bench struct {
	*Sim
	t     *testing.T
	clock *clock
	url   string
}

func start(t *testing.T, o Options) *bench {
	t.Helper()
	c := &clock{at: time.Date(2025, 1, 2, 3, 0, 0, 0, time.UTC)} // 11:00 in China
	o.Now = c.now
	if o.LimitScale == 0 {
		o.LimitScale = 1000
	}
	s := New(o)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &bench{Sim: s, t: t, clock: c, url: srv.URL}
}

type answer struct {
	Code int             `json:"code"`
	Msg  string          `json:"msg"`
	Data json.RawMessage `json:"data"`
	http int
}

// form is a valid signed form for a business call; edit changes it before signing.
func (b *bench) form(biz string, edit ...func(map[string]string)) url.Values {
	f := map[string]string{"app_key": b.opts.AppKey, "access_token": b.Credentials()["access_token"], "timestamp": fmt.Sprint(b.clock.now().Unix()),
		"charset": "utf-8", "version": "2", "biz": biz}
	for _, e := range edit {
		e(f)
	}
	return b.signed(f)
}

func (b *bench) signed(f map[string]string) url.Values {
	f["sign"] = sign(b.opts.AppSecret, f)
	v := url.Values{}
	for k, x := range f {
		v.Set(k, x)
	}
	return v
}

func (b *bench) post(path string, v url.Values) answer {
	b.t.Helper()
	res, err := http.PostForm(b.url+path, v)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	a := answer{http: res.StatusCode}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(raw, &a); err != nil {
			b.t.Fatalf("%s: %v in %s", path, err, raw)
		}
	}
	return a
}

func (b *bench) call(path, biz string) answer {
	b.t.Helper()
	return b.post(path, b.form(biz))
}

// rows calls and decodes data.<name>.
func (b *bench) rows(path, biz, name string) []map[string]any {
	b.t.Helper()
	a := b.call(path, biz)
	if a.Code != 0 {
		b.t.Fatalf("%s %s: code %d %s", path, biz, a.Code, a.Msg)
	}
	var data map[string]json.RawMessage
	if err := json.Unmarshal(a.Data, &data); err != nil {
		b.t.Fatal(err)
	}
	v, err := decodeBiz(string(data[name]))
	if err != nil {
		b.t.Fatal(err)
	}
	return objects(map[string]any{"x": v}, "x")
}

const (
	uploadPath = "/open/jushuitan/orders/upload"
	cancelPath = "/open/jushuitan/orderbyoid/cancel"
	queryPath  = "/open/orders/single/query"
)

// upload sends one order and returns its result row.
func (b *bench) upload(doc map[string]any) map[string]any {
	b.t.Helper()
	return b.rows(uploadPath, b.biz(doc), "datas")[0]
}

func (b *bench) biz(docs ...map[string]any) string {
	b.t.Helper()
	raw, err := json.Marshal(docs)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(raw)
}

// sample is a paid order with two lines; edit changes it.
func sample(so string, edit ...func(map[string]any)) map[string]any {
	v, err := decodeBiz(`{"shop_id":10001,"so_id":"` + so + `","order_date":"2025-01-01 10:00:00","shop_status":"WAIT_SELLER_SEND_GOODS",
	 "shop_buyer_id":"u_7731","receiver_state":"浙江省","receiver_city":"杭州市","receiver_district":"余杭区","receiver_address":"仓前街道示例路1号",
	 "receiver_name":"张三","receiver_mobile":"13800000000","pay_amount":118.00,"freight":8.00,"shop_modified":"2025-01-01 10:01:00",
	 "items":[{"sku_id":"TEE-RED-L","shop_sku_id":"TEE-RED-L","outer_oi_id":"` + so + `-1","name":"T恤","qty":2,"amount":80.01,"base_price":60.00},
	          {"sku_id":"TEE-RED-M","shop_sku_id":"TEE-RED-M","outer_oi_id":"` + so + `-2","name":"T恤","qty":1,"amount":29.99,"base_price":60.00}],
	 "pay":{"outer_pay_id":"42000001","pay_date":"2025-01-01 10:01:00","payment":"微信支付","seller_account":"1900000001","buyer_account":"oABC","amount":118}}`)
	if err != nil {
		panic(err)
	}
	doc := v.(map[string]any)
	for _, e := range edit {
		e(doc)
	}
	return doc
}

// with sets one field, nil removes it.
func with(name string, v any) func(map[string]any) {
	return func(doc map[string]any) { lay(doc, map[string]any{name: v}) }
}

// line sets one field of the first line.
func line(name string, v any) func(map[string]any) {
	return func(doc map[string]any) { lay(objects(doc, "items")[0], map[string]any{name: v}) }
}

func (b *bench) fault(f simkit.Fault) {
	b.t.Helper()
	if _, err := b.opts.Faults.Add(f); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) count(call string) simkit.CallCount {
	for _, c := range b.gate.Counts() {
		if c.Call == call {
			return c
		}
	}
	return simkit.CallCount{}
}
