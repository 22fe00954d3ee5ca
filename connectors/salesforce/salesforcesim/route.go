package salesforcesim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// The API versions the instance serves; older ones answer an update with 204.
const (
	firstVersion   = 31
	currentVersion = 67
	bodyOnUpdate   = 46
)

var dataPath = regexp.MustCompile(`^/services/data/v([1-9][0-9])\.0/(.*)$`)

// request is one call of the REST API, from the network or from inside a composite.
type request struct {
	call        string
	method      string
	version     int
	rest        []string // path below the version, segments still escaped
	query       url.Values
	contentType string
	body        []byte
	batch       string // the Sforce-Query-Options header
}

// callName names a request for faults and counts: "oauth2/token", "sobjects/Contact",
// "composite/sobjects/Contact", "composite", "query", "queryAll", "limits".
func callName(path string) string {
	m := dataPath.FindStringSubmatch(path)
	if m == nil {
		return strings.Trim(strings.TrimPrefix(path, "/services/"), "/")
	}
	seg := strings.Split(strings.Trim(m[2], "/"), "/")
	keep := 1
	switch {
	case seg[0] == "sobjects":
		keep = 2
	case seg[0] == "composite" && len(seg) > 1:
		keep = 3
	}
	return strings.Join(seg[:min(keep, len(seg))], "/")
}

// serve is the work behind the gate.
func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch path := r.URL.EscapedPath(); {
	case path == "/services/oauth2/token":
		s.token(r).write(w)
	case path == "/services/data" || path == "/services/data/":
		versions(r).write(w)
	default:
		rep, err := s.api(r)
		if err != nil {
			s.refused(callName(r.URL.Path), err)
			rep = err.reply()
		}
		s.limited(rep).write(w)
	}
}

func versions(r *http.Request) reply {
	if r.Method != http.MethodGet {
		return errMethod(r.Method, "GET", "HEAD").reply()
	}
	var list []any
	for v := firstVersion; v <= currentVersion; v++ {
		list = append(list, map[string]any{"version": fmt.Sprintf("%d.0", v), "label": fmt.Sprintf("API %d", v), "url": fmt.Sprintf("/services/data/v%d.0", v)})
	}
	return reply{status: http.StatusOK, body: list}
}

// api checks session and limit, then does the call as one transaction.
func (s *Sim) api(r *http.Request) (reply, *apiError) {
	if len(r.URL.RequestURI()) > 16384 {
		return reply{}, fail(http.StatusRequestURITooLong, "URI_TOO_LONG", "URI Too Long")
	}
	req, err := parseTarget(r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	if err != nil {
		return reply{}, err
	}
	if err := s.session(r); err != nil {
		return reply{}, err
	}
	if err := s.usage.take(s.now()); err != nil {
		return reply{}, err
	}
	body, readErr := io.ReadAll(r.Body)
	if readErr != nil {
		return reply{}, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "The HTTP entity body could not be read")
	}
	req.body, req.contentType, req.batch = body, r.Header.Get("Content-Type"), r.Header.Get("Sforce-Query-Options")
	defer s.store.commit()
	return s.dispatch(req)
}

func parseTarget(method, path, rawQuery string) (*request, *apiError) {
	m := dataPath.FindStringSubmatch(path)
	if m == nil {
		return nil, errNotFound()
	}
	version := int(m[1][0]-'0')*10 + int(m[1][1]-'0')
	if version < firstVersion || version > currentVersion {
		return nil, errNotFound()
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, fail(http.StatusBadRequest, "MALFORMED_QUERY", "the query string is not valid")
	}
	return &request{call: callName(path), method: method, version: version, query: query, rest: strings.Split(strings.TrimSuffix(m[2], "/"), "/")}, nil
}

func (s *Sim) dispatch(q *request) (reply, *apiError) {
	n := len(q.rest)
	switch head := q.rest[0]; {
	case head == "limits" && n == 1:
		return s.limits(q)
	case (head == "query" || head == "queryAll") && n <= 2:
		return s.query(q)
	case head == "sobjects" && n >= 2:
		return s.sobjects(q)
	case head == "composite" && n == 1:
		return s.composite(q)
	case head == "composite" && n == 4 && q.rest[1] == "sobjects":
		return s.collection(q)
	}
	return reply{}, errNotFound()
}

func (s *Sim) limits(q *request) (reply, *apiError) {
	if q.method != http.MethodGet {
		return reply{}, errMethod(q.method, "GET", "HEAD")
	}
	used := s.usage.used(s.now())
	return reply{status: http.StatusOK, body: map[string]any{"DailyApiRequests": map[string]any{"Max": s.usage.limit, "Remaining": max(0, s.usage.limit-used)}}}, nil
}

// json decodes the body, an object, numbers kept as they were written.
func (q *request) json() (map[string]any, *apiError) {
	kind, params, err := mime.ParseMediaType(q.contentType)
	if err != nil || kind != "application/json" || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return nil, fail(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "This service does not support the content type of the request")
	}
	v, err := decodeJSON(q.body)
	doc, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "The HTTP entity body is required to be one valid JSON object")
	}
	return doc, nil
}

func decodeJSON(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON document")
	}
	return v, nil
}
