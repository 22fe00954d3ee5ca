package alarm_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/minihub/minihub/pipelines/ledger"
)

// robot is a receiver that knows its vendor's rules and takes nothing that breaks one.
type robot struct {
	t    *testing.T
	now  func() time.Time
	kind string

	mu     sync.Mutex
	texts  []string
	ids    []string
	refuse func(n int) (status int, header http.Header, body string) // status 0 = take it
	tries  int
	times  []time.Time
}

const (
	hookSecret = "whsec_bm90LWEtc2VjcmV0LWJ1dC1pbnZlbnRlZC1mb3ItdGVzdHM="
	signSecret = "SECinvented0000for0000tests"
	robotKey   = "invented-key-of-a-robot"
)

func newRobot(t *testing.T, kind string, now func() time.Time) (*robot, *httptest.Server) {
	r := &robot{t: t, kind: kind, now: now}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return r, s
}

// address is the robot's URL as its vendor gives it out.
func (r *robot) address(base string) string {
	switch r.kind {
	case "wecom":
		return base + "/cgi-bin/webhook/send?key=" + robotKey
	case "dingtalk":
		return base + "/robot/send?access_token=" + robotKey
	case "feishu":
		return base + "/open-apis/bot/v2/hook/" + robotKey
	}
	return base + "/hooks/minihub?key=" + robotKey
}

func (r *robot) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.texts...)
}

func (r *robot) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries++
	if r.refuse != nil {
		if status, header, said := r.refuse(r.tries); status != 0 {
			for k, v := range header {
				w.Header()[k] = v
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, said)
			return
		}
	}
	var said string
	status := 200
	switch r.kind {
	case "wecom":
		said = r.wecom(req, body)
	case "dingtalk":
		said = r.dingtalk(req, body)
	case "feishu":
		said = r.feishu(req, body)
	default:
		status, said = r.webhook(req, body)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, said)
}

// often refuses the 21st message of a minute.
func (r *robot) often() bool {
	n := 0
	for _, t := range r.times {
		if r.now().Sub(t) < time.Minute {
			n++
		}
	}
	r.times = append(r.times, r.now())
	return n >= 20
}

func jsonOf(req *http.Request, body []byte, v any) bool {
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	return req.Method == http.MethodPost && strings.HasPrefix(req.Header.Get("Content-Type"), "application/json") && dec.Decode(v) == nil && !dec.More()
}

func (r *robot) wecom(req *http.Request, body []byte) string {
	var m struct {
		Type     string `json:"msgtype"`
		Markdown struct {
			Content string `json:"content"`
		} `json:"markdown"`
	}
	q := req.URL.Query()
	switch {
	case req.URL.Path != "/cgi-bin/webhook/send" || q.Get("key") != robotKey:
		return `{"errcode":93000,"errmsg":"invalid webhook url, hint: [1]"}`
	case len(q) != 1 || !jsonOf(req, body, &m) || m.Type != "markdown" || m.Markdown.Content == "":
		return `{"errcode":40008,"errmsg":"invalid message type"}`
	case len(m.Markdown.Content) > 4096 || !utf8.ValidString(m.Markdown.Content):
		return `{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}`
	case r.often():
		return `{"errcode":45009,"errmsg":"api freq out of limit"}`
	}
	r.texts = append(r.texts, m.Markdown.Content)
	return `{"errcode":0,"errmsg":"ok"}`
}

// hmacOf is written out here, so that a wrong signature does not agree with itself.
func hmacOf(key, text string) string {
	const block = 64
	k := []byte(key)
	if len(k) > block {
		sum := sha256.Sum256(k)
		k = sum[:]
	}
	inner, outer := make([]byte, block), make([]byte, block)
	copy(inner, k)
	copy(outer, k)
	for i := range block {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	first := sha256.Sum256(append(inner, text...))
	second := sha256.Sum256(append(outer, first[:]...))
	return base64.StdEncoding.EncodeToString(second[:])
}

func (r *robot) dingtalk(req *http.Request, body []byte) string {
	var m struct {
		Type     string `json:"msgtype"`
		Markdown struct {
			Title string `json:"title"`
			Text  string `json:"text"`
		} `json:"markdown"`
	}
	q, err := url.ParseQuery(req.URL.RawQuery)
	at, aerr := strconv.ParseInt(q.Get("timestamp"), 10, 64)
	switch {
	case err != nil || req.URL.Path != "/robot/send" || q.Get("access_token") != robotKey:
		return `{"errcode":300005,"errmsg":"token is not exist"}`
	case aerr != nil || r.now().Sub(time.UnixMilli(at)).Abs() > time.Hour:
		return `{"errcode":310000,"errmsg":"invalid timestamp"}`
	case q.Get("sign") != hmacOf(signSecret, q.Get("timestamp")+"\n"+signSecret):
		return `{"errcode":310000,"errmsg":"sign not match"}`
	case len(q) != 3 || !jsonOf(req, body, &m) || m.Type != "markdown" || m.Markdown.Title == "" || m.Markdown.Text == "" || len(body) > 20000:
		return `{"errcode":40035,"errmsg":"param error"}`
	case r.often():
		return `{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`
	}
	r.texts = append(r.texts, m.Markdown.Text)
	return `{"errcode":0,"errmsg":"ok"}`
}

func (r *robot) feishu(req *http.Request, body []byte) string {
	var m struct {
		Timestamp string `json:"timestamp"`
		Sign      string `json:"sign"`
		Type      string `json:"msg_type"`
		Content   struct {
			Text string `json:"text"`
		} `json:"content"`
	}
	if req.URL.Path != "/open-apis/bot/v2/hook/"+robotKey || req.URL.RawQuery != "" {
		return `{"code":19001,"msg":"param invalid: incoming webhook access token invalid","data":{}}`
	}
	if !jsonOf(req, body, &m) || m.Type != "text" || m.Content.Text == "" || len(body) > 20<<10 {
		return `{"code":9499,"msg":"Bad Request","data":{}}`
	}
	at, err := strconv.ParseInt(m.Timestamp, 10, 64)
	if err != nil || r.now().Sub(time.Unix(at, 0)).Abs() > time.Hour || m.Sign != hmacOf(m.Timestamp+"\n"+signSecret, "") {
		return `{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time","data":{}}`
	}
	if r.often() {
		return `{"code":11232,"msg":"frequency limited","data":{}}`
	}
	r.texts = append(r.texts, m.Content.Text)
	return `{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}`
}

func (r *robot) webhook(req *http.Request, body []byte) (int, string) {
	id, at := req.Header.Get("webhook-id"), req.Header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	key, kerr := base64.StdEncoding.DecodeString(strings.TrimPrefix(hookSecret, "whsec_"))
	if kerr != nil {
		r.t.Error(kerr)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); err != nil || id == "" || r.now().Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute ||
		req.Header.Get("webhook-signature") != want {
		return 401, "bad signature"
	}
	var m struct {
		Type    string            `json:"type"`
		Text    string            `json:"text"`
		Title   string            `json:"title"`
		Notices []json.RawMessage `json:"notices"`
	}
	if json.Unmarshal(body, &m) != nil || m.Type != "minihub.alarm" || m.Text == "" || m.Title == "" || len(m.Notices) == 0 {
		return 400, "bad body"
	}
	r.texts, r.ids = append(r.texts, m.Text), append(r.ids, id)
	return 200, "thanks"
}

// memory is a store that keeps one document, as the ledger's vault does.
type memory struct {
	mu      sync.Mutex
	value   []byte
	version int64
	writes  int
	broken  bool
}

func (m *memory) VaultGet(context.Context, string) ([]byte, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return nil, 0, io.ErrUnexpectedEOF
	}
	if m.version == 0 {
		return nil, 0, ledger.ErrNotFound
	}
	return append([]byte(nil), m.value...), m.version, nil
}

func (m *memory) VaultSwap(_ context.Context, _ string, version int64, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return io.ErrUnexpectedEOF
	}
	if version != m.version {
		return ledger.ErrConflict
	}
	m.value, m.version, m.writes = append([]byte(nil), value...), version+1, m.writes+1
	return nil
}
