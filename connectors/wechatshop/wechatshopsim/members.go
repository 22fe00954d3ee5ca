package wechatshopsim

import (
	"fmt"
	"strconv"
)

// Member is a member (VIP) of the shop. Nickname is the buyer's own; the shop's
// calls do not show it.
type Member struct {
	OpenID     string      `json:"openid"`
	UnionID    string      `json:"unionid"`
	Phone      string      `json:"phone"`
	Nickname   string      `json:"nickname"`
	Grade      int         `json:"grade"`
	Experience int64       `json:"experience_value"`
	Score      int64       `json:"score"`
	JoinedAt   int64       `json:"join_time"`
	Moves      []ScoreMove `json:"moves,omitempty"`
}

// ScoreMove is one change of a member's score.
type ScoreMove struct {
	Score  int64  `json:"score"` // signed
	Source string `json:"source"`
	Remark string `json:"remark"`
}

// Members returns a copy of every member, in the order of joining.
func (s *Sim) Members() []Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memberList()
}

func (s *Sim) memberList() []Member {
	out := make([]Member, len(s.members))
	for i, m := range s.members {
		out[i] = *m
		out[i].Moves = append([]ScoreMove(nil), m.Moves...)
	}
	return out
}

// Join adds a member; what is left empty is invented. It returns the openid.
func (s *Sim) Join(m Member) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.OpenID != "" && s.byOpenID[m.OpenID] != nil {
		return "", fmt.Errorf("openid %s is a member already", m.OpenID)
	}
	return s.join(m, s.now().Unix()).OpenID, nil
}

func (s *Sim) join(m Member, at int64) *Member {
	n := len(s.members)
	if m.OpenID == "" {
		m.OpenID = "oFAKE" + digest("openid", s.opts.AppID, strconv.Itoa(n))[:23]
	}
	if m.UnionID == "" {
		m.UnionID = "uFAKE" + digest("unionid", strconv.Itoa(n))[:23]
	}
	if m.Phone == "" {
		m.Phone = inventPhone(s.rng)
	}
	if m.Nickname == "" {
		m.Nickname = "昵称" + strconv.Itoa(n+1)
	}
	m.Grade = max(m.Grade, 1)
	m.JoinedAt = at
	s.members = append(s.members, &m)
	s.byOpenID[m.OpenID] = &m
	s.emitMember(&m, at, "channels_ec_vip_join", map[string]any{"join_time": at, "phone_number": m.Phone, "grade": m.Grade})
	return &m
}

func (s *Sim) anyMember() *Member {
	if len(s.members) == 0 {
		return s.join(Member{}, s.now().Unix())
	}
	return s.members[s.rng.Intn(len(s.members))]
}

// ChangeScore adds delta to a member's score.
func (s *Sim) ChangeScore(openID string, delta int64, remark string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.byOpenID[openID]
	if m == nil {
		return fmt.Errorf("openid %s is no member", openID)
	}
	if m.Score+delta < 0 {
		return fmt.Errorf("openid %s has only %d points", openID, m.Score)
	}
	s.score(m, delta, "shop", remark)
	return nil
}

func (s *Sim) score(m *Member, delta int64, source, remark string) {
	m.Score += delta
	m.Moves = append(m.Moves, ScoreMove{delta, source, remark})
	s.emitMember(m, s.now().Unix(), "channels_ec_vip_score_update", map[string]any{
		"score": strconv.FormatInt(m.Score, 10), "delta_score": strconv.FormatInt(delta, 10),
	})
}

// SetGrade moves a member to another grade (level).
func (s *Sim) SetGrade(openID string, grade int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.byOpenID[openID]
	if m == nil {
		return fmt.Errorf("openid %s is no member", openID)
	}
	s.grade(m, grade)
	return nil
}

func (s *Sim) grade(m *Member, grade int) {
	m.Grade = grade
	s.emitMember(m, s.now().Unix(), "channels_ec_vip_grade_info_update", map[string]any{"grade": grade, "experience_value": m.Experience})
}
