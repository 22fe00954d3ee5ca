package trytonsim

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method != http.MethodPost {
		page(w, http.StatusMethodNotAllowed, "The method is not allowed for the requested URL.")
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" && !strings.HasSuffix(origin, "//"+r.Host) {
		page(w, http.StatusForbidden, "The origin is not allowed.")
		return
	}
	e, err := parseEnvelope(body)
	if err != nil || !strings.Contains(r.Header.Get("Content-Type"), "json") {
		s.refuse("unreadable", &fail{status: http.StatusInternalServerError})
		page(w, http.StatusInternalServerError, "The server encountered an internal error and was unable to complete your request.")
		return
	}
	result, f := s.dispatch(e, r)
	if f != nil {
		s.refuse(e.method, f)
		s.answerFail(w, r, e, f)
		return
	}
	if e.bare {
		reply(w, encode(result))
		return
	}
	reply(w, object{"id": e.id, "result": encode(result)})
}

func (s *Sim) answerFail(w http.ResponseWriter, r *http.Request, e envelope, f *fail) {
	switch {
	case f.status == http.StatusUnauthorized && e.method != "common.db.login":
		if r.Header.Get("X-Requested-With") != "XMLHttpRequest" {
			w.Header().Set("WWW-Authenticate", `Basic realm="Tryton"`)
		}
		w.WriteHeader(f.status)
	case f.status != 0:
		page(w, f.status, http.StatusText(f.status))
	case e.bare:
		page(w, f.bareStatus(), f.text())
	default:
		reply(w, object{"id": e.id, "error": f.envelop})
	}
}

func (s *Sim) dispatch(e envelope, r *http.Request) (any, *fail) {
	database := strings.Trim(r.URL.Path, "/")
	switch {
	case database == "" && e.method == "common.server.version":
		return "6.0.29", nil
	case database == "" && e.method == "common.db.list":
		return []any{s.opts.Database}, nil
	case database != s.opts.Database:
		return nil, unexpected("database %q does not exist", database)
	case e.method == "common.db.login":
		return s.login(e.params)
	}
	if !s.authorised(r.Header.Get("Authorization")) {
		return nil, &fail{status: http.StatusUnauthorized}
	}
	if e.method == "common.db.logout" {
		delete(s.sessions, sessionKey(r.Header.Get("Authorization")))
		return nil, nil
	}
	kind, rest, _ := strings.Cut(e.method, ".")
	dot := strings.LastIndex(rest, ".")
	if kind != "model" && kind != "wizard" {
		return nil, unexpected("'%s'", kind)
	}
	if dot < 0 {
		return nil, unexpected("''")
	}
	params, ctx, f := arguments(e.params)
	if f != nil {
		return nil, f
	}
	c := &call{name: e.method, model: rest[:dot], method: rest[dot+1:], params: params, ctx: ctx, at: s.opts.Now()}
	s.undo = nil
	var out any
	if kind == "wizard" {
		out, f = s.wizard(c)
	} else {
		out, f = s.call(c)
	}
	if f != nil {
		s.rollback()
	}
	return out, f
}

// arguments decodes the parameters and takes the context off their end.
func arguments(params []any) ([]any, object, *fail) {
	if len(params) == 0 {
		return nil, nil, unexpected("Missing context argument")
	}
	ctx, ok := params[len(params)-1].(map[string]any)
	if !ok {
		return nil, nil, unexpected("Missing context argument")
	}
	for _, list := range []any{params[:len(params)-1], ctx} {
		if _, err := decode(list); err != nil {
			return nil, nil, unexpected("%s", err)
		}
	}
	return params[:len(params)-1], ctx, nil
}

// maxAttempts is how many failed logins the session time-out of 300 s bears.
const maxAttempts = 5

func (s *Sim) login(params []any) (any, *fail) {
	now := s.opts.Now()
	recent := 0
	for _, t := range s.failures {
		if now.Sub(t) < 300*time.Second {
			recent++
		}
	}
	if recent >= maxAttempts {
		return nil, &fail{status: http.StatusTooManyRequests}
	}
	if len(params) < 2 {
		return nil, unexpected("login() missing required positional arguments")
	}
	user, _ := params[0].(string)
	given, ok := params[1].(map[string]any)
	if !ok || given["password"] == nil {
		return nil, &fail{envelop: []any{"LoginException", []any{"password", "Password for " + user, "password"}}}
	}
	if user != login || given["password"] != password {
		s.failures = append(s.failures, now)
		return nil, &fail{status: http.StatusUnauthorized}
	}
	key := digest(fmt.Sprint("session", s.rng.Int63()))
	s.sessions[key] = true
	return []any{userID, key}, nil
}

// authorised knows "Session base64(login:id:key)" and "Basic base64(login:password)".
func (s *Sim) authorised(header string) bool {
	scheme, value, _ := strings.Cut(header, " ")
	if strings.EqualFold(scheme, "basic") {
		raw, err := base64.StdEncoding.DecodeString(value)
		return err == nil && subtle.ConstantTimeCompare(raw, []byte(login+":"+password)) == 1
	}
	return s.sessions[sessionKey(header)]
}

func sessionKey(header string) string {
	scheme, value, _ := strings.Cut(header, " ")
	raw, err := base64.StdEncoding.DecodeString(value)
	parts := strings.Split(string(raw), ":")
	if !strings.EqualFold(scheme, "session") || err != nil || len(parts) != 3 || parts[0] != login || parts[1] != strconv.Itoa(userID) {
		return ""
	}
	return parts[2]
}
