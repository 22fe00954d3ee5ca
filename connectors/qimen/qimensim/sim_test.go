package qimensim

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors/simkit"
)

const head = `<?xml version="1.0" encoding="utf-8"?>`

const sample = head + `
<request>
  <deliveryOrder>
    <deliveryOrderCode>WX1</deliveryOrderCode><orderType>JYCK</orderType><warehouseCode>WH01</warehouseCode>
    <sourcePlatformCode>OTHERS</sourcePlatformCode><sourcePlatformName>微信小程序</sourcePlatformName>
    <createTime>2025-01-01 10:01:05</createTime><placeOrderTime>2025-01-01 10:00:00</placeOrderTime><payTime>2025-01-01 10:01:00</payTime>
    <operateTime>2025-01-01 10:01:05</operateTime><shopNick>示例小程序店</shopNick><buyerNick>u_7731</buyerNick>
    <totalAmount>118.00</totalAmount><itemAmount>120.00</itemAmount><discountAmount>10.00</discountAmount><freight>8.00</freight>
    <arAmount>0.00</arAmount><gotAmount>118.00</gotAmount><logisticsCode>SF</logisticsCode><logisticsName>顺丰</logisticsName>
    <senderInfo><name>仓库</name><mobile>13900000000</mobile><province>浙江省</province><city>杭州市</city><area>余杭区</area><detailAddress>示例仓1号</detailAddress></senderInfo>
    <receiverInfo><name>张三</name><mobile>13800000000</mobile><province>浙江省</province><city>杭州市</city><area>余杭区</area><detailAddress>仓前街道示例路1号</detailAddress></receiverInfo>
    <invoiceFlag>N</invoiceFlag><buyerMessage>请尽快</buyerMessage><remark></remark><extendProps><channel>mini</channel></extendProps>
  </deliveryOrder>
  <orderLines>
    <orderLine><orderLineNo>1</orderLineNo><sourceOrderCode>WX1</sourceOrderCode><ownerCode>OWN01</ownerCode><itemCode>TEE-RED-L</itemCode><itemId>W000123</itemId><inventoryType>ZP</inventoryType><itemName>T恤</itemName><planQty>2</planQty><retailPrice>60.00</retailPrice><actualPrice>55.00</actualPrice><discountAmount>5.00</discountAmount></orderLine>
    <orderLine><orderLineNo>2</orderLineNo><ownerCode>OWN01</ownerCode><itemCode>GIFT</itemCode><planQty>1</planQty><actualPrice>0</actualPrice></orderLine>
  </orderLines>
</request>`

var noon = time.Date(2025, 1, 1, 12, 0, 0, 0, time.FixedZone("CST", 8*3600))

type bench struct {
	*Sim
	t   *testing.T
	url string
	mu  sync.Mutex
	now time.Time
}

func start(t *testing.T, o Options) *bench {
	t.Helper()
	b := &bench{t: t, now: noon}
	o.Now = func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.now }
	b.Sim = New(o)
	srv := httptest.NewServer(b.Sim)
	t.Cleanup(srv.Close)
	b.url = srv.URL
	return b
}

func (b *bench) advance(d time.Duration) { b.mu.Lock(); defer b.mu.Unlock(); b.now = b.now.Add(d) }

func (b *bench) params(method string) map[string]string {
	return map[string]string{
		"method": method, "timestamp": b.opt.Now().In(china()).Format(momentLayout), "format": "xml", "app_key": b.opt.AppKey,
		"v": "2.0", "sign_method": "md5", "customerId": b.opt.CustomerID,
	}
}

// call posts a signed body; tamper changes the signed parameters.
func (b *bench) call(method, body string, tamper ...func(p map[string]string)) (flag, code string, root *node) {
	b.t.Helper()
	p := b.params(method)
	p["sign"] = sign(p["sign_method"], b.opt.Secret, p, []byte(body))
	for _, f := range tamper {
		f(p)
	}
	q := url.Values{}
	for name, v := range p {
		q.Set(name, v)
	}
	resp, err := http.Post(b.url+"/router/qimen/service?"+q.Encode(), "text/xml;charset=utf-8", strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	root, err = parse(raw)
	if err != nil {
		b.t.Fatalf("%s: %v in %s", method, err, raw)
	}
	return root.at("flag"), root.at("code"), root
}

func (b *bench) mustCreate(body string) string {
	b.t.Helper()
	flag, code, root := b.call(callCreate, body)
	if flag != "success" {
		b.t.Fatalf("create: %s %s", code, root.at("message"))
	}
	return root.at("deliveryOrderId")
}

func (b *bench) effects() []string {
	var out []string
	for _, e := range b.History() {
		out = append(out, e.Code+" "+e.Effect)
	}
	return out
}

func (b *bench) fault(f simkit.Fault) {
	b.t.Helper()
	if _, err := b.opt.Faults.Add(f); err != nil {
		b.t.Fatal(err)
	}
}

func cancelBody(code string) string {
	return head + "<request><warehouseCode>WH01</warehouseCode><ownerCode>OWN01</ownerCode><orderCode>" + code +
		"</orderCode><orderType>JYCK</orderType><cancelReason>买家取消</cancelReason></request>"
}

func queryBody(code, page, size string) string {
	return head + "<request><orderCode>" + code + "</orderCode><page>" + page + "</page><pageSize>" + size + "</pageSize></request>"
}

func TestSignatureVectors(t *testing.T) {
	body := head + `<request><warehouseCode>WH01</warehouseCode><ownerCode>OWN01</ownerCode><orderCode>WX202501010001</orderCode><orderType>JYCK</orderType><cancelReason>买家取消</cancelReason></request>`
	p := map[string]string{
		"method": "order.cancel", "timestamp": "2025-01-01 10:00:00", "format": "xml", "app_key": "12345678",
		"v": "2.0", "sign_method": "md5", "customerId": "c1234567", "session": "", "sign": "ignored",
	}
	if got := sign("md5", "qimenSecret", p, []byte(body)); got != "4CDFA8205187DAEE7FADC07D4F08741E" {
		t.Errorf("md5: %s", got)
	}
	p["sign_method"] = "hmac"
	if got := sign("hmac", "qimenSecret", p, []byte(body)); got != "73E3657505DF835E3BCCD273C7E7D101" {
		t.Errorf("hmac: %s", got)
	}
}

func TestCreateKeepsEveryField(t *testing.T) {
	b := start(t, Options{CheckTotals: true})
	id := b.mustCreate(sample)
	got, ok := b.DeliveryOrder("WX1")
	if !ok || got.ID != id || id == "" {
		t.Fatalf("order %+v, id %q", got, id)
	}
	type pick struct {
		Status, Total, Got, Name, Mobile, Address, Shop, Carrier, Place, Prop string
		Lines                                                                 []Line
	}
	want := pick{
		"NEW", "118.00", "118.00", "张三", "13800000000", "仓前街道示例路1号", "示例小程序店", "SF", "2025-01-01 10:00:00", "mini",
		[]Line{
			{LineNo: "1", SourceOrderCode: "WX1", OwnerCode: "OWN01", ItemCode: "TEE-RED-L", ItemID: "W000123", ItemName: "T恤", InventoryType: "ZP", PlanQty: 2, RetailPrice: "60.00", ActualPrice: "55.00", DiscountAmount: "5.00"},
			{LineNo: "2", OwnerCode: "OWN01", ItemCode: "GIFT", PlanQty: 1, ActualPrice: "0"},
		},
	}
	if diff := cmp.Diff(want, pick{
		got.Status, got.TotalAmount, got.GotAmount, got.Receiver.Name, got.Receiver.Mobile, got.Receiver.DetailAddress,
		got.ShopNick, got.LogisticsCode, got.PlaceOrderTime, got.ExtendProps["channel"], got.Lines,
	}); diff != "" {
		t.Fatal(diff)
	}
}

func TestGatewayRefusals(t *testing.T) {
	resign := func(b *bench, name, v string) func(map[string]string) {
		return func(p map[string]string) {
			p[name] = v
			p["sign"] = sign(p["sign_method"], b.opt.Secret, p, []byte(sample))
		}
	}
	for name, tc := range map[string]struct {
		tamper func(b *bench) func(map[string]string)
		want   string
	}{
		"wrong signature": {func(*bench) func(map[string]string) {
			return func(p map[string]string) { p["sign"] = strings.Repeat("0", 32) }
		}, "sign-check-failure"},
		"lower case": {func(*bench) func(map[string]string) {
			return func(p map[string]string) { p["sign"] = strings.ToLower(p["sign"]) }
		}, "sign-check-failure"},
		"changed after sign":  {func(*bench) func(map[string]string) { return func(p map[string]string) { p["v"] = "1.0" } }, "sign-check-failure"},
		"no signature":        {func(*bench) func(map[string]string) { return func(p map[string]string) { delete(p, "sign") } }, "missing-parameter"},
		"unknown method":      {func(b *bench) func(map[string]string) { return resign(b, "method", "stock.query") }, "invalid-method"},
		"json":                {func(b *bench) func(map[string]string) { return resign(b, "format", "json") }, "invalid-parameter"},
		"sha256":              {func(b *bench) func(map[string]string) { return resign(b, "sign_method", "sha256") }, "invalid-parameter"},
		"unknown parameter":   {func(b *bench) func(map[string]string) { return resign(b, "simplify", "true") }, "invalid-parameter"},
		"time with zone":      {func(b *bench) func(map[string]string) { return resign(b, "timestamp", "2025-01-01T12:00:00Z") }, "invalid-timestamp"},
		"time of another day": {func(b *bench) func(map[string]string) { return resign(b, "timestamp", "2025-01-01 04:00:00") }, "invalid-timestamp"},
		"other application":   {func(b *bench) func(map[string]string) { return resign(b, "app_key", "1") }, "invalid-app-key"},
		"other customer":      {func(b *bench) func(map[string]string) { return resign(b, "customerId", "x") }, "invalid-customer-id"},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Options{})
			if flag, code, _ := b.call(callCreate, sample, tc.tamper(b)); flag != "failure" || code != tc.want {
				t.Fatalf("%s %s, want failure %s", flag, code, tc.want)
			}
			if len(b.Refusals()) != 1 || len(b.History()) != 0 {
				t.Fatalf("refusals %v, history %v", b.Refusals(), b.History())
			}
		})
	}
}

func TestPrefixAndHmacAreAccepted(t *testing.T) {
	b := start(t, Options{})
	flag, code, _ := b.call("taobao.qimen."+callCreate, sample, func(p map[string]string) {
		p["sign_method"] = "hmac"
		p["sign"] = sign("hmac", b.opt.Secret, p, []byte(sample))
	})
	if flag != "success" {
		t.Fatalf("%s %s", flag, code)
	}
}

func TestContentTypeMustBeXML(t *testing.T) {
	b := start(t, Options{})
	p := b.params(callCreate)
	p["sign"] = sign("md5", b.opt.Secret, p, []byte(sample))
	q := url.Values{}
	for name, v := range p {
		q.Set(name, v)
	}
	for _, kind := range []string{"application/x-www-form-urlencoded", "text/xml", "text/xml;charset=gbk"} {
		resp, err := http.Post(b.url+"/?"+q.Encode(), kind, strings.NewReader(sample))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !bytes.Contains(raw, []byte("invalid-content-type")) {
			t.Errorf("%s: %s", kind, raw)
		}
	}
}

func TestCreateRefusesBadDocuments(t *testing.T) {
	swap := func(old, with string) string {
		if !strings.Contains(sample, old) {
			t.Fatalf("the sample has no %q", old)
		}
		return strings.Replace(sample, old, with, 1)
	}
	for name, tc := range map[string]struct{ body, want string }{
		"document type":       {swap(head, head+`<!DOCTYPE request [<!ENTITY a "b">]>`), "invalid-xml"},
		"unknown entity":      {swap("请尽快", "&nbsp;"), "invalid-xml"},
		"other encoding":      {swap("utf-8", "gbk"), "invalid-xml"},
		"byte order mark":     {"\ufeff" + sample, "invalid-xml"},
		"broken bytes":        {swap("请尽快", "\xff"), "invalid-xml"},
		"cut off":             {sample[:len(sample)-9], "invalid-xml"},
		"two documents":       {sample + "<request></request>", "invalid-xml"},
		"attribute":           {swap("<request>", `<request a="b">`), "invalid-xml"},
		"comment":             {swap("<request>", `<request><!-- x -->`), "invalid-xml"},
		"other root":          {head + "<req></req>", "invalid-xml"},
		"text beside nodes":   {swap("<orderLines>", "<orderLines>x"), "invalid-xml"},
		"missing field":       {swap("<shopNick>示例小程序店</shopNick>", ""), "invalid-field"},
		"blank field":         {swap("<mobile>13800000000</mobile>", "<mobile> </mobile>"), "invalid-field"},
		"unknown field":       {swap("<remark></remark>", "<memo>x</memo>"), "invalid-field"},
		"field in wrong case": {swap("<itemCode>GIFT</itemCode>", "<ItemCode>GIFT</ItemCode>"), "invalid-field"},
		"field twice":         {swap("<remark></remark>", "<remark>a</remark><remark>b</remark>"), "invalid-field"},
		"long code":           {swap("<deliveryOrderCode>WX1", "<deliveryOrderCode>"+strings.Repeat("9", 51)), "invalid-field"},
		"long address":        {swap("仓前街道示例路1号", strings.Repeat("路", 201)), "invalid-field"},
		"astral character":    {swap("请尽快", "😀"), "invalid-field"},
		"three decimals":      {swap("<freight>8.00", "<freight>8.000"), "invalid-field"},
		"negative amount":     {swap("<freight>8.00", "<freight>-8.00"), "invalid-field"},
		"fraction of a piece": {swap("<planQty>1<", "<planQty>1.0<"), "invalid-field"},
		"no piece":            {swap("<planQty>1<", "<planQty>0<"), "invalid-field"},
		"time with a T":       {swap("2025-01-01 10:00:00", "2025-01-01T10:00:00"), "invalid-field"},
		"no such day":         {swap("2025-01-01 10:00:00", "2025-02-30 10:00:00"), "invalid-field"},
		"unknown carrier":     {swap("<logisticsCode>SF", "<logisticsCode>顺丰"), "invalid-field"},
		"unknown kind":        {swap("JYCK", "JY"), "invalid-field"},
		"exchange alone":      {swap("JYCK", "HHCK"), "invalid-field"},
		"no lines":            {sample[:strings.Index(sample, "<orderLines>")] + "<orderLines></orderLines></request>", "invalid-field"},
		"line number twice":   {swap("<orderLineNo>2", "<orderLineNo>1"), "invalid-field"},
		"line count":          {swap("<deliveryOrderCode>", "<totalOrderLines>3</totalOrderLines><deliveryOrderCode>"), "invalid-field"},
		"unknown warehouse":   {swap("<warehouseCode>WH01", "<warehouseCode>WH99"), "unknown-warehouse"},
		"unknown owner":       {swap("<ownerCode>OWN01", "<ownerCode>OTHER"), "unknown-owner"},
		"unknown item":        {swap("GIFT", "GHOST"), "unknown-item"},
		"amounts":             {swap("<totalAmount>118.00", "<totalAmount>128.00"), "invalid-amount"},
		"amounts paid":        {swap("<gotAmount>118.00", "<gotAmount>117.99"), "invalid-amount"},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Options{CheckTotals: true, Items: []string{"TEE-RED-L", "GIFT"}})
			if flag, code, root := b.call(callCreate, tc.body); flag != "failure" || code != tc.want {
				t.Fatalf("%s %s %s, want failure %s", flag, code, root.at("message"), tc.want)
			}
			if n := len(b.DeliveryOrders()); n != 0 {
				t.Fatalf("%d orders", n)
			}
		})
	}
}

func TestRepeatedCreate(t *testing.T) {
	later := strings.ReplaceAll(sample, "<operateTime>2025-01-01 10:01:05", "<operateTime>2025-01-01 11:00:00")
	changed := strings.Replace(sample, "张三", "李四", 1)
	for name, tc := range map[string]struct {
		repeat  Repeat
		body    string
		flag    string
		effects []string
	}{
		"same content":                  {RepeatSame, later, "success", []string{"WX1 created", "WX1 unchanged"}},
		"other content is passed over":  {RepeatSame, changed, "success", []string{"WX1 created", "WX1 ignored"}},
		"refused":                       {RepeatRefused, sample, "failure", []string{"WX1 created", "WX1 duplicate_refused"}},
		"refused if changed, and is":    {RepeatRefusedIfChanged, changed, "failure", []string{"WX1 created", "WX1 duplicate_refused"}},
		"refused if changed, and isn't": {RepeatRefusedIfChanged, later, "success", []string{"WX1 created", "WX1 unchanged"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Options{Repeat: tc.repeat})
			id := b.mustCreate(sample)
			flag, code, root := b.call(callCreate, tc.body)
			if flag != tc.flag {
				t.Fatalf("%s %s", flag, code)
			}
			if flag == "success" && root.at("deliveryOrderId") != id {
				t.Fatalf("another id: %s, first %s", root.at("deliveryOrderId"), id)
			}
			if got, _ := b.DeliveryOrder("WX1"); got.Receiver.Name != "张三" || len(b.DeliveryOrders()) != 1 {
				t.Fatalf("the repeat took effect: %+v", b.DeliveryOrders())
			}
			if diff := cmp.Diff(tc.effects, b.effects()); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	b := start(t, Options{})
	if _, code, _ := b.call(callCancel, cancelBody("WX1")); code != "order-not-found" {
		t.Fatalf("unknown order: %s", code)
	}
	b.mustCreate(sample)
	wrongType := strings.Replace(cancelBody("WX1"), "JYCK", "HHCK", 1)
	if _, code, _ := b.call(callCancel, wrongType); code != "order-not-found" {
		t.Fatalf("other kind: %s", code)
	}
	for range 2 {
		if flag, code, _ := b.call(callCancel, cancelBody("WX1")); flag != "success" {
			t.Fatalf("cancel: %s", code)
		}
	}
	if err := b.Ship(t.Context(), "WX1", ShipOptions{Silent: true}); err == nil {
		t.Fatal("a cancelled order shipped")
	}
	if _, code, _ := b.call(callCreate, sample); code != "order-cancelled" {
		t.Fatalf("create after cancel: %s", code)
	}
	o, _ := b.DeliveryOrder("WX1")
	if !o.Cancelled || o.Status != "CANCELED" || o.CancelReason != "买家取消" || len(o.Packages) != 0 {
		t.Fatalf("%+v", o)
	}
	if diff := cmp.Diff([]string{"WX1 created", "WX1 cancelled", "WX1 cancel_repeated", "WX1 duplicate_refused"}, b.effects()); diff != "" {
		t.Fatal(diff)
	}
}

func TestCancelComesTooLate(t *testing.T) {
	for _, untilReady := range []bool{false, true} {
		b := start(t, Options{CancelUntilReady: untilReady})
		b.mustCreate(sample)
		if err := b.Pick("WX1"); err != nil {
			t.Fatal(err)
		}
		flag, _, root := b.call(callCancel, cancelBody("WX1"))
		if (flag == "success") != untilReady {
			t.Errorf("until ready %v: %s %s", untilReady, flag, root.at("message"))
		}
	}
	b := start(t, Options{CancelUntilReady: true})
	b.mustCreate(sample)
	for range 6 {
		if err := b.Advance("WX1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Advance("WX1"); err == nil {
		t.Error("advanced past READY")
	}
	if err := b.Pick("WX1"); err == nil {
		t.Error("moved backwards")
	}
	if _, code, _ := b.call(callCancel, cancelBody("WX1")); code != "cancel-refused" {
		t.Errorf("ready: %s", code)
	}
}

func TestQueryPagesLinesAndKeepsYoungOrdersBack(t *testing.T) {
	b := start(t, Options{})
	id := b.mustCreate(sample)
	flag, code, root := b.call(callQuery, queryBody("WX1", "2", "1"))
	if flag != "success" {
		t.Fatal(code, root.at("message"))
	}
	lines := root.child("orderLines").kids
	if root.at("totalLines") != "2" || len(lines) != 1 || lines[0].at("itemCode") != "GIFT" || lines[0].at("actualQty") != "0" {
		t.Fatalf("lines %+v", lines)
	}
	if root.at("deliveryOrder", "deliveryOrderId") != id || root.at("deliveryOrder", "status") != "NEW" {
		t.Fatalf("head %+v", root.child("deliveryOrder"))
	}
	for name, body := range map[string]string{
		"page 0": queryBody("WX1", "0", "10"), "size": queryBody("WX1", "1", "101"), "no page": queryBody("WX1", "", "1"),
	} {
		if _, code, _ := b.call(callQuery, body); code != "invalid-field" {
			t.Errorf("%s: %s", name, code)
		}
	}
	if _, _, root := b.call(callQuery, queryBody("WX1", "9999999999", "100")); len(root.child("orderLines").kids) != 0 {
		t.Error("a page far behind the end has lines")
	}
	b.fault(simkit.Fault{Call: callQuery, Kind: simkit.Lag, DelayMS: 3000})
	if _, code, _ := b.call(callQuery, queryBody("WX1", "1", "10")); code != "order-not-found" {
		t.Errorf("young order: %s", code)
	}
	b.advance(3 * time.Second)
	if flag, _, _ := b.call(callQuery, queryBody("WX1", "1", "10")); flag != "success" {
		t.Error("old order stays hidden")
	}
}

func TestLimitIsScaledAndCounted(t *testing.T) {
	b := start(t, Options{PerSecond: 4, Options: simkit.Options{LimitScale: 0.25}})
	b.mustCreate(sample)
	if _, code, _ := b.call(callCreate, sample); code != "busy" {
		t.Fatalf("second call: %s", code)
	}
	if c := b.gate.Counts(); c[0].RateLimited != 1 {
		t.Fatalf("counts %+v", c)
	}
	b.advance(time.Second)
	b.mustCreate(sample)
}

func TestFaultsAnswerInTheVendorsWords(t *testing.T) {
	b := start(t, Options{})
	b.fault(simkit.Fault{Kind: simkit.RateLimit, Count: 1})
	if flag, code, _ := b.call(callCreate, sample); flag != "failure" || code != "busy" {
		t.Fatalf("%s %s", flag, code)
	}
	b.fault(simkit.Fault{Kind: simkit.ErrorBody, Code: "E77", Count: 1})
	if flag, code, _ := b.call(callCreate, sample); flag != "failure" || code != "E77" {
		t.Fatalf("%s %s", flag, code)
	}
	b.fault(simkit.Fault{Kind: simkit.Duplicate, Count: 1})
	b.mustCreate(sample)
	if diff := cmp.Diff([]string{"WX1 created", "WX1 unchanged"}, b.effects()); diff != "" {
		t.Fatal(diff)
	}
}

func TestConcurrentCreatesMakeOneOrder(t *testing.T) {
	b := start(t, Options{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { b.call(callCreate, sample); b.DeliveryOrders(); b.Record() })
	}
	wg.Wait()
	if len(b.DeliveryOrders()) != 1 || len(b.History()) != 8 {
		t.Fatalf("%d orders, history %v", len(b.DeliveryOrders()), b.effects())
	}
}

func FuzzCreate(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(head + "<request><deliveryOrder/><orderLines><orderLine/></orderLines></request>"))
	f.Add([]byte("<!DOCTYPE a><a/>"))
	s := New(Options{Options: simkit.Options{Now: func() time.Time { return noon }}})
	f.Fuzz(func(t *testing.T, body []byte) {
		root, err := parse(body)
		if err != nil {
			return
		}
		for _, call := range []func(*node) (func(*writer), *failure){s.createOrder, s.queryOrder, s.cancelOrder} {
			more, bad := call(root)
			if more != nil && bad != nil {
				t.Fatal("both an answer and a failure")
			}
		}
	})
}
