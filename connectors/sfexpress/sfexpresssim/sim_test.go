package sfexpresssim

import (
	"encoding/json"
	"fmt"
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

const sample = `{"language":"zh-CN","orderId":"HUB-1","monthlyCard":"7551234567","payMethod":1,"expressTypeId":2,
 "parcelQty":1,"totalWeight":1.2,"isDocall":0,"isReturnRoutelabel":1,"remark":"轻放 * ~ (1)!'",
 "contactInfoList":[
  {"contactType":1,"contact":"仓库A","mobile":"13900000001","country":"CN","province":"广东省","city":"深圳市","county":"南山区","address":"示例路1号"},
  {"contactType":2,"contact":"李示例","mobile":"13900000002","country":"CN","province":"浙江省","city":"杭州市","county":"西湖区","address":"样例街2号"}],
 "cargoDetails":[{"name":"T恤","count":2,"unit":"件","weight":0.3,"amount":59.0}]}`

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.FixedZone("CST", 8*3600))

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
	b.url = srv.URL + "/std/service"
	return b
}

func (b *bench) advance(d time.Duration) { b.mu.Lock(); defer b.mu.Unlock(); b.now = b.now.Add(d) }

func (b *bench) form(service, msgData string) url.Values {
	stamp := fmt.Sprint(b.opt.Now().UnixMilli())
	return url.Values{
		"partnerID": {b.opt.PartnerID}, "requestID": {"r-1"}, "serviceCode": {service}, "timestamp": {stamp},
		"msgData": {msgData}, "msgDigest": {digest(b.opt.Mode, msgData, stamp, b.opt.CheckWord)},
	}
}

// post returns the gateway's code and, after A1000, the business answer.
func (b *bench) post(form url.Values, contentType string) (string, result) {
	b.t.Helper()
	resp, err := http.Post(b.url, contentType, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var e envelope
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
		b.t.Fatal(err)
	}
	var r result
	if e.ResultCode == "A1000" {
		if err := json.Unmarshal([]byte(*e.ResultData), &r); err != nil {
			b.t.Fatal(err)
		}
	} else if e.ResultData != nil {
		b.t.Fatalf("%s carries data", e.ResultCode)
	}
	return e.ResultCode, r
}

func (b *bench) call(service, msgData string) result {
	b.t.Helper()
	code, r := b.post(b.form(service, msgData), "application/x-www-form-urlencoded;charset=UTF-8")
	if code != "A1000" {
		b.t.Fatalf("%s: gateway %s", service, code)
	}
	if r.Success != (r.ErrorCode == "S0000") || r.Success == (r.MsgData == nil) {
		b.t.Fatalf("inconsistent answer %+v", r)
	}
	return r
}

// at walks the answer by keys and indexes.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

func (b *bench) mustCreate(msgData string) string {
	b.t.Helper()
	r := b.call(callCreate, msgData)
	if !r.Success {
		b.t.Fatalf("create: %s %s", r.ErrorCode, *r.ErrorMsg)
	}
	no, _ := at(r.MsgData, "waybillNoInfoList", 0, "waybillNo").(string)
	return no
}

func (b *bench) effects() []string {
	var out []string
	for _, e := range b.History() {
		out = append(out, e.OrderID+" "+e.Effect)
	}
	return out
}

func (b *bench) fault(f simkit.Fault) {
	b.t.Helper()
	if _, err := b.opt.Faults.Add(f); err != nil {
		b.t.Fatal(err)
	}
}

func search(id string) string { return `{"orderId":"` + id + `","language":"zh-CN"}` }
func cancel(id string) string { return `{"orderId":"` + id + `","dealType":2}` }

func TestCreateKeepsEveryFieldAndMakesAWaybill(t *testing.T) {
	b := start(t, Options{})
	no := b.mustCreate(sample)
	if !waybillShape.MatchString(no) {
		t.Fatalf("waybill %q", no)
	}
	got, _ := b.Order("HUB-1")
	got.ReceivedAt, got.Digest = time.Time{}, ""
	want := Order{
		OrderID: "HUB-1", Waybills: []Waybill{{1, no}},
		Sender:      Contact{Contact: "仓库A", Mobile: "13900000001", Country: "CN", Province: "广东省", City: "深圳市", County: "南山区", Address: "示例路1号"},
		Receiver:    Contact{Contact: "李示例", Mobile: "13900000002", Country: "CN", Province: "浙江省", City: "杭州市", County: "西湖区", Address: "样例街2号"},
		Cargo:       []Cargo{{Name: "T恤", Count: "2", Unit: "件", Weight: "0.3", Amount: "59.0"}},
		MonthlyCard: "7551234567", PayMethod: "1", ExpressTypeID: "2", ParcelQty: 1, TotalWeight: "1.2", IsDocall: "0",
		Remark: "轻放 * ~ (1)!'", FilterResult: 2, Status: "created",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(map[string][]string{"HUB-1": {no}}, b.WaybillsMade()); diff != "" {
		t.Fatal(diff)
	}
}

func TestGatewayRefusals(t *testing.T) {
	const good = "application/x-www-form-urlencoded;charset=UTF-8"
	b0 := New(Options{})
	for name, tc := range map[string]struct {
		options Options
		change  func(f url.Values)
		kind    string
		want    string
	}{
		"json body":         {kind: "application/json", want: "A1001"},
		"other charset":     {kind: "application/x-www-form-urlencoded;charset=GBK", want: "A1001"},
		"no request id":     {change: func(f url.Values) { f.Del("requestID") }, want: "A1001"},
		"long request id":   {change: func(f url.Values) { f.Set("requestID", strings.Repeat("a", 41)) }, want: "A1001"},
		"unknown parameter": {change: func(f url.Values) { f.Set("sign", "x") }, want: "A1001"},
		"parameter twice":   {change: func(f url.Values) { f.Add("requestID", "x") }, want: "A1001"},
		"no digest":         {change: func(f url.Values) { f.Del("msgDigest") }, want: "A1001"},
		"not json":          {change: func(f url.Values) { f.Set("msgData", "orderId=1") }, want: "A1001"},
		"two documents":     {change: func(f url.Values) { f.Set("msgData", "{}{}") }, want: "A1001"},
		"time in text":      {change: func(f url.Values) { f.Set("timestamp", "2026-01-01") }, want: "A1001"},
		"other address":     {options: Options{AllowedIPs: []string{"192.0.2.1"}}, want: "A1003"},
		"own address":       {options: Options{AllowedIPs: []string{"127.0.0.1"}}, want: "A1000"},
		"service not linked": {options: Options{Services: []string{callSearch}},
			change: func(f url.Values) { f.Set("msgDigest", "wrong") }, want: "A1004"},
		"unknown service": {change: func(f url.Values) { f.Set("serviceCode", "EXP_RECE_NOTHING") }, want: "A1004"},
		"other partner":   {change: func(f url.Values) { f.Set("partnerID", "x") }, want: "A1004"},
		"wrong digest":    {change: func(f url.Values) { f.Set("msgDigest", "AAAA") }, want: "A1006"},
		"unpatched escaping": {change: func(f url.Values) {
			f.Set("msgDigest", digestUnpatched(f.Get("msgData")+f.Get("timestamp")+b0.opt.CheckWord))
		}, want: "A1006"},
		"other mode": {options: Options{Mode: SM3}, change: func(f url.Values) {
			f.Set("msgDigest", digest(StandardMD5, f.Get("msgData"), f.Get("timestamp"), b0.opt.CheckWord))
		}, want: "A1006"},
		"seconds": {change: func(f url.Values) {
			f.Set("timestamp", "1767225600")
			f.Set("msgDigest", digest(StandardMD5, f.Get("msgData"), "1767225600", b0.opt.CheckWord))
		}, want: "A1000"},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, tc.options)
			f := b.form(callCreate, sample)
			if tc.change != nil {
				tc.change(f)
			}
			code, r := b.post(f, orElse(tc.kind, good))
			if code != tc.want || code == "A1000" && !r.Success {
				t.Fatalf("%s %+v, want %s", code, r, tc.want)
			}
			if wantOrders := map[bool]int{true: 1}[code == "A1000"]; len(b.Orders()) != wantOrders || len(b.Refusals()) != 1-wantOrders {
				t.Fatalf("orders %d, refusals %v", len(b.Orders()), b.Refusals())
			}
		})
	}
}

// digestUnpatched is the mistake of a client that trusts url.QueryEscape.
func digestUnpatched(text string) string {
	return digest(SimpleMD5, url.QueryEscape(text), "", "")
}

func TestCreateRefusesBadOrders(t *testing.T) {
	swap := func(old, with string) string {
		if !strings.Contains(sample, old) {
			t.Fatalf("the sample has no %q", old)
		}
		return strings.Replace(sample, old, with, 1)
	}
	for name, tc := range map[string]struct{ body, want string }{
		"array":                     {"[]", "S0001"},
		"no language":               {swap(`"language":"zh-CN",`, ""), missing},
		"other language":            {swap(`zh-CN`, "de"), "S0007"},
		"blank order id":            {swap("HUB-1", " "), missing},
		"long order id":             {swap("HUB-1", strings.Repeat("a", 65)), "S0004"},
		"order id is a number":      {swap(`"HUB-1"`, "1"), "S0007"},
		"unknown field":             {swap(`"language"`, `"callbackUrl":"x","language"`), "S0007"},
		"unknown contact field":     {swap(`"contact":"李`, `"name":"李","contact":"李`), "S0007"},
		"no contacts":               {swap(`"contactInfoList":[`, `"contactInfoList":[],"customsInfo":{},"extraInfoList":[`), missing},
		"two senders":               {swap(`"contactType":2`, `"contactType":1`), missing},
		"sender address":            {swap("示例路1号", ""), "1010"},
		"sender name":               {swap("仓库A", ""), "1011"},
		"sender phone":              {swap("13900000001", ""), "1012"},
		"receiver address":          {swap("样例街2号", ""), "1014"},
		"receiver address, no city": {swap(`"province":"浙江省","city":"杭州市",`, ""), "1014"},
		"receiver name":             {swap("李示例", ""), "1015"},
		"receiver phone":            {swap("13900000002", ""), "1016"},
		"masked phone":              {swap("13900000002", "139****0002"), "8196"},
		"phone with country code":   {swap("13900000002", "+8613900000002"), "8196"},
		"long address":              {swap("样例街2号", strings.Repeat("街", 201)), "S0004"},
		"abroad, no postcode":       {swap(`"contact":"李示例","mobile":"13900000002","country":"CN"`, `"contact":"李示例","mobile":"13900000002","country":"852"`), "1020"},
		"no cargo":                  {swap(`[{"name":"T恤","count":2,"unit":"件","weight":0.3,"amount":59.0}]`, "[]"), "1023"},
		"cargo without name":        {swap("T恤", ""), "1023"},
		"cargo count":               {swap(`"count":2`, `"count":1.5`), "S0007"},
		"weight with exponent":      {swap("1.2", "1e2"), "S0007"},
		"weight of four decimals":   {swap("1.2", "1.2345"), "S0007"},
		"no weight":                 {swap("1.2", "0.000"), "S0007"},
		"parcels without weight":    {swap(`"parcelQty":1,"totalWeight":1.2`, `"parcelQty":2`), missing},
		"too many parcels":          {swap(`"parcelQty":1`, `"parcelQty":308`), "8067"},
		"no parcel":                 {swap(`"parcelQty":1`, `"parcelQty":0`), "S0007"},
		"card of nine digits":       {swap("7551234567", "755123456"), "6126"},
		"other card":                {swap("7551234567", "7550000000"), "8119"},
		"receiver pays by card":     {swap(`"payMethod":1`, `"payMethod":2`), "8256"},
		"pay method":                {swap(`"payMethod":1`, `"payMethod":4`), "8256"},
		"product":                   {swap(`"expressTypeId":2`, `"expressTypeId":999`), "8057"},
		"product and plan":          {swap(`"payMethod"`, `"scenePlanCode":"A","payMethod"`), "8057"},
		"flag":                      {swap(`"isDocall":0`, `"isDocall":true`), "S0007"},
		"pickup time":               {swap(`"isDocall":0`, `"sendStartTm":"2026-01-01T10:00:00"`), "S0007"},
		"volume":                    {swap(`"isDocall":0`, `"volume":"big"`), "6130"},
		"remark":                    {swap("轻放", strings.Repeat("轻", 100)), "S0004"},
		"service without name":      {swap(`"isDocall":0`, `"serviceList":[{"value":"1"}]`), "6127"},
		"unknown service":           {swap(`"isDocall":0`, `"serviceList":[{"name":"GIFT"}]`), "6128"},
		"cod in words":              {swap(`"isDocall":0`, `"serviceList":[{"name":"COD","value":"ten"}]`), "6138"},
		"cod of nothing":            {swap(`"isDocall":0`, `"serviceList":[{"name":"COD","value":"0.00"}]`), "6139"},
		"own number missing":        {swap(`"isDocall":0`, `"isGenWaybillNo":0`), missing},
		"own number malformed":      {swap(`"isDocall":0`, `"isGenWaybillNo":0,"waybillNoInfoList":[{"waybillType":1,"waybillNo":"SF1"}]`), "8247"},
		"two master numbers": {swap(`"isDocall":0`,
			`"isGenWaybillNo":0,"waybillNoInfoList":[{"waybillType":1,"waybillNo":"SF0000000000001"},{"waybillType":1,"waybillNo":"SF0000000000002"}]`), "8191"},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, Options{})
			r := b.call(callCreate, tc.body)
			if r.Success || r.ErrorCode != tc.want {
				t.Fatalf("%+v, want %s", r, tc.want)
			}
			if len(b.Orders()) != 0 || len(b.WaybillsMade()) != 0 || len(b.Refusals()) != 1 {
				t.Fatalf("orders %v, refusals %v", b.Orders(), b.Refusals())
			}
		})
	}
}

func TestNumbersInStringsAndChildWaybills(t *testing.T) {
	b := start(t, Options{})
	body := strings.Replace(sample, `"parcelQty":1,"totalWeight":1.2`, `"parcelQty":"3","totalWeight":"1.200","isSignBack":1`, 1)
	b.mustCreate(body)
	o, _ := b.Order("HUB-1")
	var kinds []int
	for _, w := range o.Waybills {
		kinds = append(kinds, w.Type)
	}
	if diff := cmp.Diff([]int{1, 2, 2, 3}, kinds); diff != "" || o.TotalWeight != "1.200" || o.ParcelQty != 3 {
		t.Fatalf("%s %+v", diff, o)
	}
	if len(b.WaybillsMade()["HUB-1"]) != 1 {
		t.Fatalf("masters %v", b.WaybillsMade())
	}
}

func TestOwnNumberIsKept(t *testing.T) {
	b := start(t, Options{})
	own := `"isGenWaybillNo":0,"waybillNoInfoList":[{"waybillType":1,"waybillNo":"SF0000000000001"}]`
	if no := b.mustCreate(strings.Replace(sample, `"isDocall":0`, own, 1)); no != "SF0000000000001" {
		t.Fatalf("waybill %s", no)
	}
	again := strings.Replace(strings.Replace(sample, `"isDocall":0`, own, 1), "HUB-1", "HUB-2", 1)
	if r := b.call(callCreate, again); r.ErrorCode != "8247" {
		t.Fatalf("one number for two orders: %+v", r)
	}
}

func TestRepeatedOrderID(t *testing.T) {
	changed := strings.Replace(sample, "李示例", "王示例", 1)
	for _, repeat := range []Repeat{RepeatRefused, RepeatSame} {
		b := start(t, Options{Repeat: repeat})
		no := b.mustCreate(sample)
		r := b.call(callCreate, changed)
		if repeat == RepeatRefused && (r.Success || r.ErrorCode != "8016") {
			t.Fatalf("%+v, want 8016", r)
		}
		if repeat == RepeatSame && at(r.MsgData, "waybillNoInfoList", 0, "waybillNo") != no {
			t.Fatalf("%+v, want the first result", r)
		}
		if found := b.call(callSearch, search("HUB-1")); at(found.MsgData, "waybillNoInfoList", 0, "waybillNo") != no || at(found.MsgData, "filterResult") != "2" {
			t.Fatalf("search %+v", found)
		}
		o, _ := b.Order("HUB-1")
		if o.Receiver.Contact != "李示例" || len(b.WaybillsMade()["HUB-1"]) != 1 {
			t.Fatalf("the repeat took effect: %+v", o)
		}
		want := []string{"HUB-1 created", map[Repeat]string{RepeatRefused: "HUB-1 duplicate_refused", RepeatSame: "HUB-1 unchanged"}[repeat]}
		if diff := cmp.Diff(want, b.effects()); diff != "" {
			t.Fatal(diff)
		}
		h := b.History()
		if h[0].Digest == h[1].Digest {
			t.Fatal("the digest does not tell the contents apart")
		}
	}
}

func TestCancelledOrderIDIsNeverUsedAgain(t *testing.T) {
	for _, repeat := range []Repeat{RepeatRefused, RepeatSame} {
		b := start(t, Options{Repeat: repeat})
		if r := b.call(callUpdate, cancel("HUB-1")); r.ErrorCode != "8018" {
			t.Fatalf("unknown order: %+v", r)
		}
		b.mustCreate(sample)
		if r := b.call(callUpdate, cancel("HUB-1")); !r.Success || at(r.MsgData, "resStatus") != 2.0 {
			t.Fatalf("cancel: %+v", r)
		}
		if r := b.call(callUpdate, cancel("HUB-1")); r.ErrorCode != "8037" {
			t.Fatalf("second cancel: %+v", r)
		}
		if r := b.call(callCreate, sample); r.ErrorCode != "8016" {
			t.Fatalf("create again: %+v", r)
		}
		if r := b.call(callSearch, search("HUB-1")); r.ErrorCode != "8037" {
			t.Fatalf("search: %+v", r)
		}
		if o, _ := b.Order("HUB-1"); !o.Cancelled || o.Status != "cancelled" {
			t.Fatalf("%+v", o)
		}
		if err := b.Progress("HUB-1"); err == nil {
			t.Fatal("a cancelled parcel travels")
		}
	}
}

func TestUpdateConfirmsAndRefusesStrangers(t *testing.T) {
	b := start(t, Options{})
	no := b.mustCreate(sample)
	confirm := func(no string) result {
		return b.call(callUpdate, `{"orderId":"HUB-1","waybillNoInfoList":[{"waybillType":1,"waybillNo":"`+no+`"}]}`)
	}
	if r := confirm("SF9999999999999"); !r.Success || at(r.MsgData, "resStatus") != 1.0 {
		t.Fatalf("other waybill: %+v", r)
	}
	if r := b.call(callUpdate, `{"orderId":"HUB-1"}`); r.ErrorCode != missing {
		t.Fatalf("confirm without number: %+v", r)
	}
	if r := confirm(no); at(r.MsgData, "resStatus") != 2.0 {
		t.Fatalf("confirm: %+v", r)
	}
	if r := confirm(no); r.ErrorCode != "8252" {
		t.Fatalf("second confirm: %+v", r)
	}
	if err := b.Progress("HUB-1"); err != nil {
		t.Fatal(err)
	}
	if r := b.call(callUpdate, cancel("HUB-1")); r.ErrorCode != "8168" {
		t.Fatalf("cancel after pickup: %+v", r)
	}
	if diff := cmp.Diff([]string{"HUB-1 created", "HUB-1 confirmed", "HUB-1 confirm_repeated", "HUB-1 cancel_refused"}, b.effects()); diff != "" {
		t.Fatal(diff)
	}
}

func TestManualCheckAndOutOfArea(t *testing.T) {
	b := start(t, Options{Filter: map[string]int{"杭州市": 1, "三沙市": 3}})
	if no := b.mustCreate(sample); no != "" {
		t.Fatalf("a waybill before the check: %s", no)
	}
	r := b.call(callCreate, strings.NewReplacer("HUB-1", "HUB-2", "杭州市", "三沙市").Replace(sample))
	if !r.Success || at(r.MsgData, "filterResult") != 3.0 || at(r.MsgData, "remark") != "2" || at(r.MsgData, "waybillNoInfoList", 0) != nil {
		t.Fatalf("out of area: %+v", r)
	}
	if err := b.SetFilterResult("HUB-1", 2); err != nil {
		t.Fatal(err)
	}
	found := b.call(callSearch, search("HUB-1"))
	if no, _ := at(found.MsgData, "waybillNoInfoList", 0, "waybillNo").(string); !waybillShape.MatchString(no) || len(b.WaybillsMade()["HUB-1"]) != 1 {
		t.Fatalf("after the check: %+v", found)
	}
	if err := b.SetFilterResult("HUB-1", 3); err == nil {
		t.Fatal("a settled check was changed")
	}
}

func TestLagHidesYoungOrders(t *testing.T) {
	b := start(t, Options{})
	b.mustCreate(sample)
	b.fault(simkit.Fault{Call: callSearch, Kind: simkit.Lag, DelayMS: 2000})
	if r := b.call(callSearch, search("HUB-1")); r.ErrorCode != "6150" {
		t.Fatalf("young: %+v", r)
	}
	b.advance(2 * time.Second)
	if r := b.call(callSearch, search("HUB-1")); !r.Success {
		t.Fatalf("old: %+v", r)
	}
	if r := b.call(callSearch, `{"orderId":"HUB-1","mainWaybillNo":"SF9999999999999"}`); r.ErrorCode != "8017" {
		t.Fatalf("other waybill: %+v", r)
	}
}

func TestLimitsPerServiceSecondAndDay(t *testing.T) {
	b := start(t, Options{Options: simkit.Options{LimitScale: 0.1}, PerDay: 50}) // 3 a second, 5 a day
	code := func(service string) string {
		c, _ := b.post(b.form(service, search("x")), "application/x-www-form-urlencoded")
		return c
	}
	var got []string
	for range 4 {
		got = append(got, code(callSearch))
	}
	got = append(got, code(callUpdate)) // another service has an allowance of its own
	b.advance(time.Second)
	got = append(got, code(callSearch), code(callSearch))
	b.advance(12 * time.Hour) // past midnight in China
	got = append(got, code(callSearch))
	want := []string{"A1000", "A1000", "A1000", "A1005", "A1000", "A1000", "A1005", "A1000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	for _, c := range b.gate.Counts() {
		if c.Call == callSearch && c.RateLimited != 2 {
			t.Fatalf("counts %+v", c)
		}
	}
}

func TestFaultsAnswerInTheVendorsWords(t *testing.T) {
	b := start(t, Options{})
	send := func() (string, result) {
		return b.post(b.form(callCreate, sample), "application/x-www-form-urlencoded")
	}
	b.fault(simkit.Fault{Kind: simkit.RateLimit, Count: 1})
	if code, _ := send(); code != "A1005" {
		t.Fatal(code)
	}
	b.fault(simkit.Fault{Kind: simkit.ErrorBody, Count: 1})
	if code, _ := send(); code != "A1099" {
		t.Fatal(code)
	}
	b.fault(simkit.Fault{Kind: simkit.ErrorBody, Code: "8177", Count: 1})
	if code, r := send(); code != "A1000" || r.ErrorCode != "8177" {
		t.Fatal(code, r)
	}
	b.fault(simkit.Fault{Kind: simkit.Duplicate, Count: 1})
	if _, r := send(); r.ErrorCode != "8016" {
		t.Fatalf("the network doubled the request: %+v", r)
	}
	if len(b.WaybillsMade()["HUB-1"]) != 1 {
		t.Fatal(b.WaybillsMade())
	}
}

func TestConcurrentCreatesMakeOneWaybill(t *testing.T) {
	b := start(t, Options{PerSecond: -1, PerDay: -1})
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() { b.call(callCreate, sample); b.Record(); b.Orders() })
	}
	wg.Wait()
	if len(b.WaybillsMade()["HUB-1"]) != 1 || len(b.History()) != 40 {
		t.Fatalf("%v, %d entries", b.WaybillsMade(), len(b.History()))
	}
}

func FuzzMsgData(f *testing.F) {
	f.Add(sample)
	f.Add(`{"trackingNumber":["a",1],"orderId":null}`)
	f.Add(`{"contactInfoList":[{"contactType":1},{"contactType":"2"}],"cargoDetails":[{}]}`)
	f.Fuzz(func(t *testing.T, msgData string) {
		doc, err := decode(msgData)
		if err != nil {
			return
		}
		s := New(Options{})
		for _, call := range []func(map[string]any) (any, *failure){s.create, s.search, s.update, s.routes, s.fees} {
			data, bad := call(doc)
			if (data == nil) == (bad == nil) {
				t.Fatalf("answer %v, failure %v", data, bad)
			}
		}
	})
}
