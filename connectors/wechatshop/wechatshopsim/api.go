package wechatshopsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call is one request on its way through a handler, which runs under the
// shop's lock.
type call struct {
	name string
	body []byte
	at   time.Time
}

type handler func(s *Sim, c *call) (any, *fail)

type endpoint struct {
	method string
	serve  handler
}

func callName(r *http.Request, _ []byte) string {
	return strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/"), "channels/ec/")
}

func endpointOf(name string) (endpoint, bool) {
	for _, group := range []map[string]handler{orderCalls, afterSaleCalls, productCalls, vipCalls} {
		if h, ok := group[name]; ok {
			return endpoint{http.MethodPost, h}, true
		}
	}
	if name == "basics/info/get" {
		return endpoint{http.MethodGet, basicsInfo}, true
	}
	return endpoint{}, false
}

func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c := &call{name: callName(r, body), body: body, at: s.now()}
	s.mu.Lock()
	out, f := s.answer(c, r)
	if f != nil {
		s.noteRefusal(c, f)
	}
	s.mu.Unlock()
	if f != nil {
		s.writeFail(w, f)
		return
	}
	raw, err := json.Marshal(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = w.Write(withOK(c.name, raw))
}

// withOK puts errcode and errmsg before the fields of an answer; the token
// calls answer without them.
func withOK(name string, raw []byte) []byte {
	if strings.HasPrefix(name, "cgi-bin/") {
		return raw
	}
	head := []byte(`{"errcode":0,"errmsg":"ok"`)
	if len(raw) > 2 {
		head = append(head, ',')
	}
	return append(head, raw[1:]...)
}

func (s *Sim) answer(c *call, r *http.Request) (any, *fail) {
	switch {
	case c.name == "cgi-bin/token" || c.name == "cgi-bin/stable_token":
		return s.issueToken(c, r)
	case !strings.HasPrefix(r.URL.Path, "/channels/ec/"):
		return nil, refuse(codeURL, "")
	}
	e, ok := endpointOf(c.name)
	if !ok {
		return nil, refuse(codeURL, "")
	}
	if f := s.checkToken(r, c.at); f != nil {
		return nil, f
	}
	if f := s.checkMethod(e.method, c, r); f != nil {
		return nil, f
	}
	if f := s.limit(c); f != nil {
		return nil, f
	}
	return e.serve(s, c)
}

func (s *Sim) checkMethod(method string, c *call, r *http.Request) *fail {
	if r.Method != method {
		if method == http.MethodGet {
			return refuse(codeNeedGet, "")
		}
		return refuse(codeNeedPost, "")
	}
	if method == http.MethodGet {
		return nil
	}
	if len(bytes.TrimSpace(c.body)) == 0 {
		return refuse(codeEmptyBody, "")
	}
	kind := r.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(kind); kind != "" && (err != nil || !strings.HasSuffix(media, "json") && media != "text/plain") {
		return refuse(codeNotJSON, "content type %q", kind)
	}
	return nil
}

func (s *Sim) noteRefusal(c *call, f *fail) {
	s.gate.Refuse(c.name, f.code == codeMinuteLimit || f.code == codeDayLimit)
	if len(s.refused) == maxRefusals {
		s.refused = s.refused[1:]
	}
	s.refused = append(s.refused, Refusal{Call: c.name, Code: f.code, Text: f.text, At: c.at})
}

// decode reads the request strictly: one JSON object, known fields, right types.
func (c *call) decode(into any) *fail {
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); errors.Is(more, io.EOF) {
			return nil
		}
		return refuse(codeNotJSON, "more than one JSON document")
	}
	if text := err.Error(); strings.HasPrefix(text, "json: unknown field ") {
		return refuse(codeArgument, "%s", strings.TrimPrefix(text, "json: "))
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return refuse(codeNotJSON, "field %s: %s is the wrong type", wrong.Field, wrong.Value)
	}
	return refuse(codeNotJSON, "not JSON")
}

// flexID is an id that is accepted as a string and as a number.
type flexID string

func (f *flexID) UnmarshalJSON(raw []byte) error {
	text := string(raw)
	if strings.HasPrefix(text, `"`) {
		return json.Unmarshal(raw, (*string)(f))
	}
	if _, err := strconv.ParseUint(text, 10, 64); err != nil {
		return fmt.Errorf("%s is no id", text)
	}
	*f = flexID(text)
	return nil
}
