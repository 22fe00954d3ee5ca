package salesforcesim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// sessions are the live access tokens and when each was last used.
type sessions map[string]time.Time

const orgID = "00DSIM00000000SIM0"

// token serves POST /services/oauth2/token. Its errors are OAuth's, not the API's.
func (s *Sim) token(r *http.Request) reply {
	refuse := func(code, text string) reply {
		s.refused("oauth2/token", fail(http.StatusBadRequest, code, "%s", text))
		return reply{status: http.StatusBadRequest, body: map[string]any{"error": code, "error_description": text}}
	}
	if r.Method != http.MethodPost {
		return refuse("invalid_request", "must use HTTP POST")
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return refuse("unsupported_grant_type", "grant type not supported")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return refuse("invalid_request", "unreadable body")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return refuse("invalid_request", "malformed body")
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, pass, ok := r.BasicAuth(); ok {
		id, secret = user, pass
	}
	switch {
	case r.URL.RawQuery != "":
		return refuse("invalid_request", "parameters must be in the body")
	case form.Get("grant_type") != "client_credentials":
		return refuse("unsupported_grant_type", "grant type not supported")
	case id != s.opts.ClientID:
		return refuse("invalid_client_id", "client identifier invalid")
	case secret != s.opts.ClientSecret:
		return refuse("invalid_client", "invalid client credentials")
	}
	s.serial++
	sum := sha256.Sum256([]byte(fmt.Sprintf("salesforcesim/%d/%d", s.opts.Seed, s.serial)))
	access := orgID[:15] + "!SIM." + hex.EncodeToString(sum[:])
	now := s.now()
	s.sessions[access] = now
	base := s.opts.InstanceURL
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	identity, issued := base+"/id/"+orgID+"/005SIM000000001AAA", fmt.Sprint(now.UnixMilli())
	mac := hmac.New(sha256.New, []byte(s.opts.ClientSecret))
	_, _ = io.WriteString(mac, identity+issued)
	return reply{status: http.StatusOK, body: map[string]any{
		"access_token": access, "instance_url": base, "id": identity, "token_type": "Bearer", "scope": "api",
		"issued_at": issued, "signature": base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	}}
}

// session checks the bearer token and keeps its session alive.
func (s *Sim) session(r *http.Request) *apiError {
	access, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return errSession()
	}
	used, ok := s.sessions[access]
	if !ok || s.now().Sub(used) >= s.opts.SessionTimeout {
		delete(s.sessions, access)
		return errSession()
	}
	s.sessions[access] = s.now()
	return nil
}

// usage counts the calls of the last 24 hours, by minute.
type usage struct {
	limit  int
	recent []struct {
		minute int64
		calls  int
	}
}

func (u *usage) used(now time.Time) int {
	oldest, n := now.Add(-24*time.Hour).Unix()/60, 0
	for len(u.recent) > 0 && u.recent[0].minute <= oldest {
		u.recent = u.recent[1:]
	}
	for _, m := range u.recent {
		n += m.calls
	}
	return n
}

// take admits a call or refuses it over the daily limit. A refused call is not counted.
func (u *usage) take(now time.Time) *apiError {
	if u.used(now) >= u.limit {
		return fail(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
	}
	minute := now.Unix() / 60
	if n := len(u.recent); n == 0 || u.recent[n-1].minute != minute {
		u.recent = append(u.recent, struct {
			minute int64
			calls  int
		}{minute: minute})
	}
	u.recent[len(u.recent)-1].calls++
	return nil
}

// withUsage adds the limit header every answer of the API carries.
func (s *Sim) withUsage(r reply) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limited(r)
}

func (s *Sim) limited(r reply) reply {
	if r.header == nil {
		r.header = map[string]string{}
	}
	r.header["Sforce-Limit-Info"] = fmt.Sprintf("api-usage=%d/%d", s.usage.used(s.now()), s.usage.limit)
	return r
}
