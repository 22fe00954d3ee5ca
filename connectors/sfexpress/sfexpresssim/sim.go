package sfexpresssim

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

const (
	system     = "sfexpress"
	callCreate = "EXP_RECE_CREATE_ORDER"
	callSearch = "EXP_RECE_SEARCH_ORDER_RESP"
	callUpdate = "EXP_RECE_UPDATE_ORDER"
	callRoutes = "EXP_RECE_SEARCH_ROUTES"
	callFees   = "EXP_RECE_QUERY_SFWAYBILL"
	callPush   = "RoutePush"

	maxBody     = 4 << 20
	maxRefusals = 200
)

func services() []string {
	return []string{callCreate, callSearch, callUpdate, callRoutes, callFees}
}

// Repeat says what a repeated order id answers.
type Repeat int

// Both have been seen.
const (
	RepeatRefused Repeat = iota // 8016
	RepeatSame                  // the first result
)

// Options configures the platform. Zero values mean invented defaults.
type Options struct {
	simkit.Options
	PartnerID, CheckWord, MonthlyCard string
	// Mode is how calls are signed.
	Mode Mode
	// Repeat says what a repeated order id answers.
	Repeat Repeat
	// Services are those linked to the application; nil means all it knows.
	Services []string
	// AllowedIPs are the callers' addresses; nil means any.
	AllowedIPs []string
	// PerSecond and PerDay limit the calls of one service, times LimitScale;
	// 0 means the vendor's 30 and 3000, below zero none.
	PerSecond, PerDay int
	// Filter maps a receiver's city to the filterResult of its orders; 2 elsewhere.
	Filter map[string]int
	// HubURL is where routes are pushed; see SetHub.
	HubURL string
	// Client pushes routes; nil means one with a time-out of 15 s.
	Client *http.Client
}

// Sim is the platform. All its methods are safe for concurrent use.
type Sim struct {
	opt    Options
	gate   *simkit.Gate
	gated  http.Handler
	client *http.Client

	mu       sync.Mutex
	orders   map[string]*Order
	ids      []string            // of orders, in order of arrival
	waybills map[string]string   // waybill to order id
	made     map[string][]string // order id to every master waybill ever made for it
	history  []Entry
	refusals []Refusal
	pushes   []*Push
	hub      string
	nextNo   int64
	nextResp int64
	used     map[string]*allowance
	pushing  sync.Mutex // one round of pushes at a time
}

var _ simkit.Sim = (*Sim)(nil)

// Refusal is a call refused through the caller's own fault.
type Refusal struct {
	Call string    `json:"call"`
	Code string    `json:"code"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

type allowance struct {
	second, day         int64
	inSecond, inThisDay int
}

// New returns a platform.
func New(o Options) *Sim {
	o.Options = o.Options.WithDefaults()
	for _, d := range []struct {
		at   *string
		text string
	}{
		{&o.PartnerID, "DEMOPARTNER"},
		{&o.CheckWord, "inventedCheckWord0123456789abcde"},
		{&o.MonthlyCard, "7551234567"},
	} {
		if *d.at == "" {
			*d.at = d.text
		}
	}
	if o.Services == nil {
		o.Services = services()
	}
	if o.PerSecond == 0 {
		o.PerSecond = 30
	}
	if o.PerDay == 0 {
		o.PerDay = 3000
	}
	s := &Sim{
		opt: o, client: o.Client, hub: o.HubURL, orders: map[string]*Order{}, waybills: map[string]string{},
		made: map[string][]string{}, used: map[string]*allowance{}, nextNo: o.Seed % 1000 * 1000000,
	}
	if s.client == nil {
		s.client = &http.Client{Timeout: 15 * time.Second}
	}
	s.gate = &simkit.Gate{
		System: system,
		Faults: o.Faults,
		Refusals: simkit.Refusals{
			RateLimit: func(w http.ResponseWriter, _ string) { s.gateway(w, "A1005", "流量控制") },
			ErrorBody: func(w http.ResponseWriter, _, code string) {
				switch {
				case code == "":
					s.gateway(w, "A1099", "系统异常")
				case strings.HasPrefix(code, "A"):
					s.gateway(w, code, "系统异常")
				default:
					s.business(w, nil, &failure{code, "业务异常"})
				}
			},
		},
		Call: func(_ *http.Request, body []byte) string { return callOf(body) },
	}
	s.gated = s.gate.Wrap(http.HandlerFunc(s.serve))
	return s
}

// System implements simkit.Sim.
func (s *Sim) System() string { return system }

// Credentials implements simkit.Sim.
func (s *Sim) Credentials() map[string]string {
	return map[string]string{"partner_id": s.opt.PartnerID, "check_word": s.opt.CheckWord, "monthly_card": s.opt.MonthlyCard}
}

// ServeHTTP implements http.Handler.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.gated.ServeHTTP(w, r) }

func callOf(body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err == nil && slices.Contains(services(), form.Get("serviceCode")) {
		return form.Get("serviceCode")
	}
	return "unknown"
}

// refusal is a gateway's answer.
type refusal struct {
	code, text string
	limited    bool
}

func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return
	}
	call := callOf(body)
	doc, no := s.admit(r, call, body)
	if no != nil {
		s.gate.Refuse(call, no.limited)
		s.remember(call, no.code, no.text)
		s.gateway(w, no.code, no.text)
		return
	}
	var data any
	var bad *failure
	switch {
	case doc == nil:
		bad = &failure{"S0001", "非法的JSON格式: msgData应为对象"}
	case call == callCreate:
		data, bad = s.create(doc)
	case call == callSearch:
		data, bad = s.search(doc)
	case call == callUpdate:
		data, bad = s.update(doc)
	case call == callRoutes:
		data, bad = s.routes(doc)
	default:
		data, bad = s.fees(doc)
	}
	if bad != nil {
		s.gate.Refuse(call, false)
		s.remember(call, bad.code, bad.text)
	}
	s.business(w, data, bad)
}

var stampShape = regexp.MustCompile(`^[0-9]{10}([0-9]{3})?$`)

// admit is the gateway: form, address, service, rate, digest. A nil document
// without a refusal is JSON of another shape than an object.
func (s *Sim) admit(r *http.Request, call string, body []byte) (map[string]any, *refusal) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || r.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" ||
		params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return nil, &refusal{code: "A1001", text: "请使用POST application/x-www-form-urlencoded;charset=UTF-8"}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(body) > maxBody {
		return nil, &refusal{code: "A1001", text: "参数未编码或过大"}
	}
	limits := map[string]int{"partnerID": 64, "requestID": 40, "serviceCode": 50, "timestamp": 13, "msgDigest": 128, "msgData": maxBody}
	for name, v := range form {
		if limit, known := limits[name]; !known || len(v) != 1 || len(v[0]) > limit {
			return nil, &refusal{code: "A1001", text: fmt.Sprintf("参数 %q 未知、重复或过长", name)}
		}
	}
	for _, name := range []string{"partnerID", "requestID", "serviceCode", "timestamp", "msgDigest", "msgData"} {
		if form.Get(name) == "" {
			return nil, &refusal{code: "A1001", text: "必传参数不可为空: " + name}
		}
	}
	doc, err := decode(form.Get("msgData"))
	if err != nil && !errors.Is(err, errNotObject) {
		return nil, &refusal{code: "A1001", text: "msgData不是JSON"}
	}
	if !stampShape.MatchString(form.Get("timestamp")) {
		return nil, &refusal{code: "A1001", text: "timestamp应为秒或毫秒"}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if s.opt.AllowedIPs != nil && (err != nil || !slices.Contains(s.opt.AllowedIPs, host)) {
		return nil, &refusal{code: "A1003", text: "IP无效"}
	}
	if form.Get("partnerID") != s.opt.PartnerID || call == "unknown" || !slices.Contains(s.opt.Services, call) {
		return nil, &refusal{code: "A1004", text: "无对应服务权限"}
	}
	if !s.take(call) {
		return nil, &refusal{code: "A1005", text: "流量控制", limited: true}
	}
	want := digest(s.opt.Mode, form.Get("msgData"), form.Get("timestamp"), s.opt.CheckWord)
	if subtle.ConstantTimeCompare([]byte(form.Get("msgDigest")), []byte(want)) != 1 {
		return nil, &refusal{code: "A1006", text: "数字签名无效"}
	}
	return doc, nil
}

// take draws one call of a service from its second and its day.
func (s *Sim) take(call string) bool {
	now := s.opt.Now()
	second, day := now.Unix(), (now.Unix()+8*3600)/86400
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.used[call]
	if a == nil {
		a = &allowance{}
		s.used[call] = a
	}
	if a.second != second {
		a.second, a.inSecond = second, 0
	}
	if a.day != day {
		a.day, a.inThisDay = day, 0
	}
	a.inSecond++
	a.inThisDay++
	over := func(used, limit int) bool { return limit >= 0 && float64(used) > float64(limit)*s.opt.LimitScale }
	return !over(a.inSecond, s.opt.PerSecond) && !over(a.inThisDay, s.opt.PerDay)
}

func (s *Sim) remember(call, code, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refusals) == maxRefusals {
		s.refusals = append(s.refusals[:0], s.refusals[1:]...)
	}
	s.refusals = append(s.refusals, Refusal{call, code, text, s.opt.Now()})
}

type envelope struct {
	ErrorMsg   string  `json:"apiErrorMsg"`
	ResponseID string  `json:"apiResponseID"`
	ResultCode string  `json:"apiResultCode"`
	ResultData *string `json:"apiResultData"`
}

type result struct {
	Success   bool    `json:"success"`
	ErrorCode string  `json:"errorCode"`
	ErrorMsg  *string `json:"errorMsg"`
	MsgData   any     `json:"msgData"`
}

func (s *Sim) gateway(w http.ResponseWriter, code, text string) {
	s.write(w, envelope{ErrorMsg: text, ResultCode: code})
}

func (s *Sim) business(w http.ResponseWriter, data any, bad *failure) {
	inner := result{Success: true, ErrorCode: "S0000", MsgData: data}
	if bad != nil {
		inner = result{ErrorCode: bad.code, ErrorMsg: &bad.text}
	}
	raw, err := json.Marshal(inner)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	text := string(raw)
	s.write(w, envelope{ResultCode: "A1000", ResultData: &text})
}

func (s *Sim) write(w http.ResponseWriter, e envelope) {
	s.mu.Lock()
	s.nextResp++
	e.ResponseID = fmt.Sprintf("0001900A%024X", s.nextResp)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_ = json.NewEncoder(w).Encode(e)
}
