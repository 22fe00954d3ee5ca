package qimensim

import (
	"crypto/subtle"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

const (
	system      = "qimen"
	callCreate  = "deliveryorder.create"
	callQuery   = "deliveryorder.query"
	callCancel  = "order.cancel"
	callConfirm = "deliveryorder.confirm"

	maxBody     = 8 << 20
	maxRefusals = 200
	clockSkew   = 10 * time.Minute
)

// Repeat says what a warehouse answers to a deliveryOrderCode it holds.
type Repeat int

// The vendor leaves the choice to the warehouse.
const (
	// RepeatSame answers success with the same deliveryOrderId and changes nothing,
	// even if the content differs.
	RepeatSame Repeat = iota
	// RepeatRefused answers failure with a text that says the order exists.
	RepeatRefused
	// RepeatRefusedIfChanged answers success to the same content and failure to other content.
	RepeatRefusedIfChanged
)

// Options configures a warehouse. Zero values mean invented defaults.
type Options struct {
	simkit.Options
	AppKey, Secret, CustomerID string
	// OwnerCode is the only owner this warehouse knows.
	OwnerCode string
	// Warehouses lists the codes it knows beside OTHER; the first serves OTHER.
	Warehouses []string
	// Carriers are carrier codes beyond the vendor's list.
	Carriers []string
	// Items, if set, are the only item codes it knows.
	Items []string
	// Repeat says what a repeated create answers.
	Repeat Repeat
	// CancelUntilReady allows cancelling until the parcel is packed, not only until picking.
	CancelUntilReady bool
	// CheckTotals refuses amounts that do not add up as the vendor's page says.
	CheckTotals bool
	// PerSecond limits calls per second, times LimitScale; 0 means no limit.
	PerSecond int
	// HubURL is where confirms are sent; see SetHub.
	HubURL string
	// Client sends confirms; nil means one with a time-out of 15 s.
	Client *http.Client
}

// Sim is the warehouse. All its methods are safe for concurrent use.
type Sim struct {
	opt    Options
	gate   *simkit.Gate
	gated  http.Handler
	client *http.Client
	create []field

	mu        sync.Mutex
	orders    map[string]*DeliveryOrder
	codes     []string // of orders, in order of arrival
	history   []Entry
	refusals  []Refusal
	confirms  []*Confirm
	hub       string
	wrongSign bool
	nextID    int64
	window    int64
	used      int
	sending   sync.Mutex // one round of confirms at a time
}

var _ simkit.Sim = (*Sim)(nil)

// Refusal is a call refused through the caller's own fault.
type Refusal struct {
	Call string    `json:"call"`
	Code string    `json:"code"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// failure is an answer with flag "failure".
type failure struct {
	code, text string
	limited    bool
}

// New returns a warehouse.
func New(o Options) *Sim {
	o.Options = o.Options.WithDefaults()
	for _, d := range []struct {
		at   *string
		text string
	}{
		{&o.AppKey, "12345678"},
		{&o.Secret, "inventedQimenSecret"},
		{&o.CustomerID, "c1234567"},
		{&o.OwnerCode, "OWN01"},
	} {
		if *d.at == "" {
			*d.at = d.text
		}
	}
	if len(o.Warehouses) == 0 {
		o.Warehouses = []string{"WH01", "WH02"}
	}
	s := &Sim{
		opt: o, client: o.Client, hub: o.HubURL, create: createTable(o.Carriers),
		orders: map[string]*DeliveryOrder{}, nextID: 1000000 + o.Seed%1000*1000,
	}
	if s.client == nil {
		s.client = &http.Client{Timeout: 15 * time.Second}
	}
	s.gate = &simkit.Gate{
		System: system,
		Faults: o.Faults,
		Refusals: simkit.Refusals{
			RateLimit: func(w http.ResponseWriter, _ string) {
				reply(w, failure{code: "busy", text: "系统繁忙，请稍后重试"}, nil)
			},
			ErrorBody: func(w http.ResponseWriter, _, code string) {
				if code == "" {
					code = "system-error"
				}
				reply(w, failure{code: code, text: "仓储系统处理失败"}, nil)
			},
		},
		Call: func(r *http.Request, _ []byte) string { return callOf(r) },
	}
	s.gated = s.gate.Wrap(http.HandlerFunc(s.serve))
	return s
}

// System implements simkit.Sim.
func (s *Sim) System() string { return system }

// Credentials implements simkit.Sim.
func (s *Sim) Credentials() map[string]string {
	return map[string]string{
		"app_key": s.opt.AppKey, "secret": s.opt.Secret, "customer_id": s.opt.CustomerID,
		"owner_code": s.opt.OwnerCode, "warehouse_code": s.opt.Warehouses[0],
	}
}

// ServeHTTP implements http.Handler.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.gated.ServeHTTP(w, r) }

func callOf(r *http.Request) string {
	method := methodOf(r.URL.Query().Get("method"))
	if slices.Contains([]string{callCreate, callQuery, callCancel}, method) {
		return method
	}
	return "unknown"
}

func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	call := callOf(r)
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return
	}
	root, bad := s.admit(r, body)
	if bad == nil {
		var answer func(*writer)
		switch call {
		case callCreate:
			answer, bad = s.createOrder(root)
		case callQuery:
			answer, bad = s.queryOrder(root)
		case callCancel:
			answer, bad = s.cancelOrder(root)
		}
		if bad == nil {
			reply(w, failure{}, answer)
			return
		}
	}
	s.gate.Refuse(call, bad.limited)
	s.remember(call, *bad)
	reply(w, *bad, nil)
}

// admit checks everything before the business rules: route, clock, application,
// signature, rate, then the XML itself.
func (s *Sim) admit(r *http.Request, body []byte) (*node, *failure) {
	if r.Method != http.MethodPost {
		return nil, &failure{code: "invalid-http-method", text: "请使用POST"}
	}
	p, err := readParams(r.URL.RawQuery)
	if err != nil {
		return nil, &failure{code: "invalid-parameter", text: err.Error()}
	}
	for _, name := range []string{"method", "timestamp", "format", "app_key", "v", "sign", "sign_method", "customerId"} {
		if p[name] == "" {
			return nil, &failure{code: "missing-parameter", text: "缺少参数 " + name}
		}
	}
	sent, err := time.ParseInLocation(momentLayout, p["timestamp"], china())
	off := s.opt.Now().Sub(sent)
	switch {
	case callOf(r) == "unknown":
		return nil, &failure{code: "invalid-method", text: "不支持的method " + p["method"]}
	case p["format"] != "xml" || p["v"] != "2.0" && p["v"] != "1.0":
		return nil, &failure{code: "invalid-parameter", text: "format应为xml，v应为2.0"}
	case p["sign_method"] != "md5" && p["sign_method"] != "hmac":
		return nil, &failure{code: "invalid-parameter", text: "sign_method应为md5或hmac"}
	case err != nil || sent.Format(momentLayout) != p["timestamp"]:
		return nil, &failure{code: "invalid-timestamp", text: "timestamp应为yyyy-MM-dd HH:mm:ss"}
	case off > clockSkew || off < -clockSkew:
		return nil, &failure{code: "invalid-timestamp", text: "timestamp与服务器时间相差超过10分钟"}
	case p["app_key"] != s.opt.AppKey:
		return nil, &failure{code: "invalid-app-key", text: "app_key无效"}
	case p["customerId"] != s.opt.CustomerID:
		return nil, &failure{code: "invalid-customer-id", text: "customerId未授权"}
	case subtle.ConstantTimeCompare([]byte(p["sign"]), []byte(sign(p["sign_method"], s.opt.Secret, p, body))) != 1:
		return nil, &failure{code: "sign-check-failure", text: "Illegal request"}
	case !s.take():
		return nil, &failure{code: "busy", text: "系统繁忙，请稍后重试", limited: true}
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "text/xml" || !strings.EqualFold(params["charset"], "utf-8") {
		return nil, &failure{code: "invalid-content-type", text: "Content-Type应为text/xml;charset=utf-8"}
	}
	if len(body) > maxBody {
		return nil, &failure{code: "invalid-xml", text: fmt.Sprintf("报文超过%d字节", maxBody)}
	}
	root, err := parse(body)
	if err != nil {
		return nil, &failure{code: "invalid-xml", text: err.Error()}
	}
	if root.name != "request" {
		return nil, &failure{code: "invalid-xml", text: "根节点应为request"}
	}
	return root, nil
}

// take draws one call from the current second's allowance.
func (s *Sim) take() bool {
	if s.opt.PerSecond == 0 {
		return true
	}
	now := s.opt.Now().Unix()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.window != now {
		s.window, s.used = now, 0
	}
	s.used++
	return float64(s.used) <= float64(s.opt.PerSecond)*s.opt.LimitScale
}

func (s *Sim) remember(call string, bad failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refusals) == maxRefusals {
		s.refusals = append(s.refusals[:0], s.refusals[1:]...)
	}
	s.refusals = append(s.refusals, Refusal{call, bad.code, bad.text, s.opt.Now()})
}

// reply writes a failure, or a success with what more writes after its head.
func reply(w http.ResponseWriter, bad failure, more func(*writer)) {
	out := newWriter()
	out.group("response", func() {
		if bad.code != "" {
			out.leaf("flag", "failure")
			out.leaf("code", bad.code)
			out.leaf("message", bad.text)
			return
		}
		out.leaf("flag", "success")
		out.leaf("code", "0")
		out.leaf("message", "成功")
		if more != nil {
			more(out)
		}
	})
	w.Header().Set("Content-Type", "text/xml;charset=utf-8")
	_, _ = w.Write(out.b.Bytes())
}
