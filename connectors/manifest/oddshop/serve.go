package oddshop

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// refusal is an answer with an errno.
type refusal struct {
	errno int
	text  string
	wait  time.Duration
}

func tooFast(wait time.Duration) *refusal { return &refusal{1007, "请求过于频繁", wait} }

// notice is what PHP has to say before the answer.
const notice = `{"notice":"Undefined index: remark in /www/api/lib/order.php on line 217"}` + "\n"

// params says which parameters a call knows besides m and token.
var params = map[string][]string{
	callWhoami:  {},
	callList:    {"shop_id", "state", "since", "page", "size"},
	callGet:     {"shop_id", "oids"},
	callRegions: {"parent"},
}

func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	call, q := callOf(r), r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	if no := s.admit(r, call, q); no != nil {
		s.gate.Refuse(call, no.errno == 1007)
		s.asked = append(s.asked, Asked{At: s.clock(), Call: call, Query: loggable(q), Why: fmt.Sprintf("errno %d: %s", no.errno, no.text)})
		refuse(w, no)
		return
	}
	known := q.Get("token") == s.opt.Token && !s.lost
	var body string
	var no *refusal
	shown := []int64{}
	switch call {
	case callWhoami:
		body = s.whoami(known)
	case callRegions:
		body, no = s.regions(q, known)
	case callList:
		body, shown, no = s.list(q, known)
	case callGet:
		body, shown, no = s.get(q, known)
	}
	a := Asked{At: s.clock(), Call: call, Query: loggable(q), Rows: len(shown), IDs: shown, Why: "answered"}
	switch {
	case no != nil:
		s.gate.Refuse(call, false)
		a.Why = fmt.Sprintf("errno %d: %s", no.errno, no.text)
		s.asked = append(s.asked, a)
		refuse(w, no)
		return
	case !known:
		a.Why = "token unknown"
	case (call == callList || call == callGet) && !s.filtered(call, q):
		a.Why = "filter missing"
	}
	if call == callList || call == callGet {
		if s.answers++; s.opt.NoticeEvery > 0 && s.answers%s.opt.NoticeEvery == 0 {
			body, a.Notice = notice+body, true
		}
	}
	s.asked = append(s.asked, a)
	reply(w, body)
	if call == callList && len(shown) > 0 {
		s.turned()
	}
}

// admit checks what the shop is strict about: method, parameters, pace.
func (s *Sim) admit(r *http.Request, call string, q url.Values) *refusal {
	if r.Method != http.MethodGet || r.URL.Path != apiPath || call == "unknown" {
		return &refusal{errno: 1001, text: "接口不存在"}
	}
	for name, v := range q {
		ok := name == "m" || name == "token"
		for _, p := range params[call] {
			ok = ok || p == name
		}
		if !ok || len(v) != 1 {
			return &refusal{errno: 1002, text: "参数错误: " + name}
		}
	}
	now := s.opt.Now()
	if second := now.Unix(); s.second != second {
		s.second, s.used = second, 0
	}
	s.used++
	if s.opt.PerSecond > 0 && float64(s.used) > float64(s.opt.PerSecond)*s.opt.LimitScale {
		return tooFast(now.Truncate(time.Second).Add(time.Second).Sub(now))
	}
	return nil
}

func (s *Sim) whoami(known bool) string {
	id := s.opt.ShopID
	if !known {
		id = 0 // a guest
	}
	return fmt.Sprintf(`{"errno":0,"errmsg":"ok","data":{"shop_id":%d,"shop_name":"怪铺","srv_time":"%s"}}`, id, s.clock().Format(clockText))
}

func (s *Sim) regions(q url.Values, known bool) (string, *refusal) {
	parent := -1
	if p := q.Get("parent"); p != "" {
		n, err := strconv.Atoi(p)
		if err != nil {
			return "", &refusal{errno: 1002, text: "参数错误: parent"}
		}
		parent = n
	}
	rows := []string{}
	for _, r := range Regions() {
		if known && (parent < 0 || r.Parent == parent) {
			rows = append(rows, fmt.Sprintf(`{"region_id":"%d","parent_id":"%d","region_name":"%s"}`, r.ID, r.Parent, r.Name))
		}
	}
	return listed(rows, len(rows)), nil
}

// filtered says whether a call carries the filters without which it finds nothing.
func (s *Sim) filtered(call string, q url.Values) bool {
	return q.Get("shop_id") == fmt.Sprint(s.opt.ShopID) && (call != callList || q.Get("state") != "")
}

// list is order.list: newest first, by the time of the order.
func (s *Sim) list(q url.Values, known bool) (string, []int64, *refusal) {
	page, err1 := positive(q.Get("page"), 1)
	size, err2 := positive(q.Get("size"), 20)
	if err1 != nil || err2 != nil || size > maxPage {
		return "", nil, &refusal{errno: 1002, text: "参数错误: page/size"}
	}
	states := map[State]bool{}
	for part := range strings.SplitSeq(q.Get("state"), ",") {
		// A word the shop does not know matches nothing.
		if n, err := strconv.Atoi(part); err == nil {
			states[State(n)] = true
		}
	}
	var since time.Time
	if text := q.Get("since"); text != "" {
		t, err := time.ParseInLocation(clockText, text, Zone)
		if err != nil {
			return "", nil, &refusal{errno: 1002, text: "参数错误: since"}
		}
		since = t
	}
	var found []*Order
	if known && s.filtered(callList, q) {
		for i := len(s.orders) - 1; i >= 0; i-- {
			if o := s.orders[i]; states[o.State] && !o.PlacedAt.Before(since) {
				found = append(found, o)
			}
		}
	}
	total := len(found)
	found = found[min((page-1)*size, total):min(page*size, total)]
	return s.rows(found, total)
}

// get is order.get: the orders that are there, in the order of the ids.
func (s *Sim) get(q url.Values, known bool) (string, []int64, *refusal) {
	ids := strings.Split(q.Get("oids"), ",")
	if q.Get("oids") == "" {
		ids = nil
	}
	if len(ids) > maxKeys {
		return "", nil, &refusal{errno: 1002, text: fmt.Sprintf("参数错误: oids>%d", maxKeys)}
	}
	var found []*Order
	for _, text := range ids {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return "", nil, &refusal{errno: 1002, text: "参数错误: oids"}
		}
		if o := s.byID[id]; o != nil && known && s.filtered(callGet, q) {
			found = append(found, o)
		}
	}
	return s.rows(found, len(found))
}

func (s *Sim) rows(found []*Order, total int) (string, []int64, *refusal) {
	rows, ids := make([]string, len(found)), make([]int64, len(found))
	for i, o := range found {
		row, err := s.wire(o)
		if err != nil {
			return "", nil, &refusal{errno: 1500, text: err.Error()}
		}
		rows[i], ids[i] = row, o.ID
	}
	return listed(rows, total), ids, nil
}

func listed(rows []string, total int) string {
	return fmt.Sprintf(`{"errno":0,"errmsg":"ok","data":{"total":"%d","list":[%s]}}`, total, strings.Join(rows, ","))
}

func positive(text string, otherwise int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && (n < 1 || n > 1e6) {
		err = strconv.ErrRange
	}
	return n, err
}

func refuse(w http.ResponseWriter, no *refusal) {
	text, err := json.Marshal(no.text)
	if err != nil {
		text = []byte(`""`)
	}
	body := fmt.Sprintf(`{"errno":%d,"errmsg":%s,"data":[]}`, no.errno, text)
	if no.wait > 0 {
		body = fmt.Sprintf(`{"errno":%d,"errmsg":%s,"wait":%d,"data":[]}`, no.errno, text, no.wait.Milliseconds())
	}
	reply(w, body)
}

// reply answers HTTP 200, as the shop always does.
func reply(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	_, _ = io.WriteString(w, body)
}
