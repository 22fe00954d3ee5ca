package jushuitansim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"
)

// tokens is the one live pair of the merchant's authorisation.
type tokens struct {
	access, refresh string
	expires         time.Time
	serial          int
}

func (t *tokens) issue(s *Sim) {
	t.serial++
	t.access = invented(s.opts.Seed, "access", t.serial)
	t.refresh = invented(s.opts.Seed, "refresh", t.serial)
	t.expires = s.now().Add(s.opts.TokenTTL)
}

func (t *tokens) live(now time.Time) bool { return now.Before(t.expires) }

func invented(seed int64, kind string, serial int) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("jushuitansim/%d/%s/%d", seed, kind, serial)))
	return "sim" + hex.EncodeToString(sum[:])[:29]
}

func (t *tokens) answer(now time.Time) map[string]any {
	return map[string]any{
		"access_token": t.access, "refresh_token": t.refresh,
		"expires_in": int64(t.expires.Sub(now) / time.Second), "scope": "all",
	}
}

var anySixChars = regexp.MustCompile(`^[0-9A-Za-z]{6}$`)

// getInitToken serves a self-built app's first token (any six characters as code).
func (s *Sim) getInitToken(form map[string]string) (any, *refusal) {
	if r := s.checkForm(form, "grant_type", "code"); r != nil {
		return nil, r
	}
	if s.opts.ISV {
		return nil, refuse(190, msgRight)
	}
	if form["grant_type"] != "authorization_code" {
		return nil, refuse(130, "传输数据错误:grant_type须为authorization_code")
	}
	if !anySixChars.MatchString(form["code"]) {
		return nil, refuse(130, "传输数据错误:code须为6位随机码")
	}
	if !s.token.live(s.now()) {
		s.token.issue(s)
	}
	return s.token.answer(s.now()), nil
}

// accessToken exchanges the code of the authorisation page (service providers).
func (s *Sim) accessToken(form map[string]string) (any, *refusal) {
	if r := s.checkForm(form, "grant_type", "code"); r != nil {
		return nil, r
	}
	if !s.opts.ISV {
		return nil, refuse(190, msgRight)
	}
	if form["grant_type"] != "authorization_code" || form["code"] != AuthCode {
		return nil, refuse(130, "传输数据错误:授权码无效或已过期")
	}
	s.token.issue(s)
	return s.token.answer(s.now()), nil
}

// AuthCode is the code the simulated authorisation page hands to a service provider.
const AuthCode = "sim-auth-code"

// refreshToken replaces the pair; the old one is void at once.
func (s *Sim) refreshToken(form map[string]string) (any, *refusal) {
	if r := s.checkForm(form, "grant_type", "refresh_token", "scope"); r != nil {
		return nil, r
	}
	if s.opts.ISV {
		return nil, refuse(150, msgISV)
	}
	if form["grant_type"] != "refresh_token" || form["scope"] != "all" {
		return nil, refuse(130, "传输数据错误:grant_type须为refresh_token,scope须为all")
	}
	if form["refresh_token"] != s.token.refresh {
		return nil, refuse(100, "验证失败！无效的refresh_token")
	}
	s.token.issue(s)
	return s.token.answer(s.now()), nil
}
