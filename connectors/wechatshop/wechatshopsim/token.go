package wechatshopsim

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// tokenStore holds the tokens of one of the two token calls, which know nothing
// of one another.
type tokenStore struct {
	current string
	valid   map[string]time.Time // token -> until when
	dead    map[string]int       // token -> why it is refused
}

func (t *tokenStore) mint(token string, until time.Time) {
	if t.valid == nil {
		t.valid, t.dead = map[string]time.Time{}, map[string]int{}
	}
	t.current = token
	t.valid[token] = until
}

func (t *tokenStore) kill(token string, code int) {
	if _, known := t.valid[token]; known {
		delete(t.valid, token)
		t.dead[token] = code
	}
	if t.current == token {
		t.current = ""
	}
}

func (t *tokenStore) expireAll() {
	for token := range t.valid {
		t.kill(token, codeTokenExpired)
	}
}

// check returns 0 for a token that may be used at this time, and whether the
// store has ever known it.
func (t *tokenStore) check(token string, at time.Time) (code int, known bool) {
	if until, ok := t.valid[token]; ok {
		if at.Before(until) {
			return 0, true
		}
		t.kill(token, codeTokenExpired)
	}
	code, known = t.dead[token]
	return code, known
}

func (s *Sim) checkToken(r *http.Request, at time.Time) *fail {
	token := r.URL.Query().Get("access_token")
	if token == "" {
		return refuse(codeNoToken, "")
	}
	for _, store := range []*tokenStore{&s.stable, &s.tokens} {
		if code, known := store.check(token, at); known {
			if code == 0 {
				return nil
			}
			return refuse(code, "")
		}
	}
	return refuse(codeBadToken, "")
}

// overlap is how long an old token outlives its successor.
const overlap = 5 * time.Minute

type tokenAnswer struct {
	Token     string `json:"access_token"`
	ExpiresIn int64  `json:"expires_in"`
}

func (s *Sim) issueToken(c *call, r *http.Request) (any, *fail) {
	if f := s.limit(c); f != nil {
		return nil, f
	}
	if c.name == "cgi-bin/token" {
		return s.plainToken(c, r)
	}
	var req struct {
		GrantType string `json:"grant_type"`
		AppID     string `json:"appid"`
		Secret    string `json:"secret"`
		Force     bool   `json:"force_refresh"`
	}
	if f := s.checkMethod(http.MethodPost, c, r); f != nil {
		return nil, f
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	if f := s.checkSecret(req.GrantType, req.AppID, req.Secret); f != nil {
		return nil, f
	}
	if req.Force {
		if f := s.force(c.at); f != nil {
			return nil, f
		}
	}
	left := s.stable.valid[s.stable.current].Sub(c.at)
	if left <= overlap {
		s.stable.mint(s.newToken("81_"), c.at.Add(s.opts.TokenLife))
		left = s.opts.TokenLife
	}
	return tokenAnswer{s.stable.current, int64(left / time.Second)}, nil
}

// force ends the current stable token, at most 20 times a day and not within 30
// seconds of the last time (such a call is answered without a refresh).
func (s *Sim) force(at time.Time) *fail {
	today := 0
	for _, t := range s.forced {
		if beijingDay(t) == beijingDay(at) {
			today++
		}
	}
	if n := len(s.forced); n > 0 && at.Sub(s.forced[n-1]) < 30*time.Second {
		return nil
	}
	if today >= 20 {
		return refuse(codeDayLimit, "force_refresh")
	}
	s.forced = append(s.forced, at)
	for token := range s.stable.valid {
		s.stable.kill(token, codeBadToken)
	}
	return nil
}

// plainToken mints at every call; the one before lives five more minutes.
func (s *Sim) plainToken(c *call, r *http.Request) (any, *fail) {
	if r.Method != http.MethodGet {
		return nil, refuse(codeNeedGet, "")
	}
	q := r.URL.Query()
	if f := s.checkSecret(q.Get("grant_type"), q.Get("appid"), q.Get("secret")); f != nil {
		return nil, f
	}
	for token, until := range s.tokens.valid {
		if last := c.at.Add(overlap); until.After(last) {
			s.tokens.valid[token] = last
		}
	}
	s.tokens.mint(s.newToken("80_"), c.at.Add(s.opts.TokenLife))
	return tokenAnswer{s.tokens.current, int64(s.opts.TokenLife / time.Second)}, nil
}

func (s *Sim) checkSecret(grant, appID, secret string) *fail {
	switch {
	case grant != "client_credential":
		return refuse(codeGrantType, "")
	case appID == "":
		return refuse(codeNoAppID, "")
	case secret == "":
		return refuse(codeNoSecret, "")
	case appID != s.opts.AppID:
		return refuse(codeAppID, "")
	case secret != s.secret:
		return refuse(codeSecret, "")
	}
	return nil
}

func (s *Sim) newToken(prefix string) string {
	seed := digest(s.opts.AppID, prefix, strconv.FormatInt(s.rng.Int63(), 16))
	return prefix + "InventedToken_" + seed + digest(seed)
}

// usage counts one call against its limits.
type usage struct {
	minute, day         int64
	inMinute, inDay     int
	minuteMax, dailyMax int
}

func (u *usage) take(at time.Time) *fail {
	if m := at.Unix() / 60; m != u.minute {
		u.minute, u.inMinute = m, 0
	}
	if d := beijingDay(at); d != u.day {
		u.day, u.inDay = d, 0
	}
	switch {
	case u.dailyMax > 0 && u.inDay >= u.dailyMax:
		return refuse(codeDayLimit, "")
	case u.minuteMax > 0 && u.inMinute >= u.minuteMax:
		return refuse(codeMinuteLimit, "")
	}
	u.inMinute++
	u.inDay++
	return nil
}

// limit is 10,000 a minute and 500,000 a day for each call of the shop.
func (s *Sim) limit(c *call) *fail {
	u := s.usage[c.name]
	if u == nil {
		scaled := func(n float64) int { return max(1, int(math.Round(n*s.opts.LimitScale))) }
		u = &usage{minuteMax: scaled(10_000), dailyMax: scaled(500_000)}
		s.usage[c.name] = u
	}
	return u.take(c.at)
}

func beijingDay(t time.Time) int64 { return (t.Unix() + 8*3600) / 86400 }
