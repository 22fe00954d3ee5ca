package wechatshopsim

import (
	"strconv"
)

// vipCalls are the calls under /channels/ec/ that deal with members; all POST.
var vipCalls = map[string]handler{
	"vip/user/list/get":             vipList,
	"vip/user/info/get":             vipInfo,
	"vip/user/score/get":            vipScore,
	"vip/user/score/increase":       vipScoreMove,
	"vip/user/score/decrease":       vipScoreMove,
	"vip/user/grade/update":         vipGrade,
	"vip/user/score/flowrecord/get": vipFlow,
}

func basicsInfo(s *Sim, _ *call) (any, *fail) {
	return object{"info": object{"username": s.push.account(), "nickname": s.opts.ShopName, "headimg_url": "", "subject_type": "SUBJECT_TYPE_ENTERPRISE",
		"status": "OPEN_FINISHED", "is_local_life": 0, "open_timestamp": 1700000000}}, nil
}

func memberDoc(m *Member, phone bool) object {
	user := object{}
	if phone {
		user["phone_number"] = m.Phone
	}
	return object{"openid": m.OpenID, "unionid": m.UnionID, "user_info": user,
		"user_grade_info": object{"grade": m.Grade, "experience_value": strconv.FormatInt(m.Experience, 10)}}
}

func checkPage(num, size int) *fail {
	if num < 1 || size < 1 || size > 100 {
		return refuse(codeArgument, "page_num starts at 1, page_size is 1 to 100")
	}
	return nil
}

func vipList(s *Sim, c *call) (any, *fail) {
	var req struct {
		Num   int  `json:"page_num"`
		Size  int  `json:"page_size"`
		Phone bool `json:"need_phone_number"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	if f := checkPage(req.Num, req.Size); f != nil {
		return nil, f
	}
	list := []object{}
	from := min(len(s.members), (req.Num-1)*req.Size)
	for _, m := range s.members[from:min(len(s.members), from+req.Size)] {
		list = append(list, memberDoc(m, req.Phone))
	}
	return object{"list": list, "total_num": len(s.members)}, nil
}

func (s *Sim) memberOf(openID string) (*Member, *fail) {
	m := s.byOpenID[openID]
	if m == nil {
		return nil, refuse(codeOpenID, "")
	}
	return m, nil
}

func vipInfo(s *Sim, c *call) (any, *fail) {
	var req struct {
		OpenID string `json:"openid"`
		Phone  bool   `json:"need_phone_number"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	m, f := s.memberOf(req.OpenID)
	if f != nil {
		return nil, f
	}
	return object{"info": memberDoc(m, req.Phone)}, nil
}

func vipScore(s *Sim, c *call) (any, *fail) {
	var req struct {
		OpenID string `json:"openid"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	m, f := s.memberOf(req.OpenID)
	if f != nil {
		return nil, f
	}
	return object{"info": object{"score": strconv.FormatInt(m.Score, 10)}}, nil
}

// vipScoreMove is score/increase and score/decrease; the same request_id moves
// the score once.
func vipScoreMove(s *Sim, c *call) (any, *fail) {
	var req struct {
		OpenID    string `json:"openid"`
		Score     string `json:"score"`
		Remark    string `json:"remark"`
		RequestID string `json:"request_id"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	m, f := s.memberOf(req.OpenID)
	if f != nil {
		return nil, f
	}
	n, err := strconv.ParseInt(req.Score, 10, 64)
	if err != nil || n <= 0 || req.RequestID == "" {
		return nil, refuse(codeArgument, "score must be a positive number as text, request_id is required")
	}
	if s.requests["score "+req.RequestID] != "" {
		s.wrote(c.name, req.RequestID, c.body, "unchanged")
		return object{}, nil
	}
	if c.name == "vip/user/score/decrease" {
		n = -n
	}
	if m.Score+n < 0 {
		return nil, refuse(codeArgument, "the score would become negative")
	}
	s.requests["score "+req.RequestID] = m.OpenID
	s.score(m, n, "api", req.Remark)
	s.wrote(c.name, req.RequestID, c.body, "created")
	return object{}, nil
}

func vipGrade(s *Sim, c *call) (any, *fail) {
	var req struct {
		OpenID string `json:"openid"`
		Grade  int    `json:"grade"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	m, f := s.memberOf(req.OpenID)
	if f != nil {
		return nil, f
	}
	if req.Grade < 1 || req.Grade > 10 {
		return nil, refuse(codeArgument, "grade must be 1 to 10")
	}
	effect := "updated"
	if m.Grade == req.Grade {
		effect = "unchanged"
	}
	s.grade(m, req.Grade)
	s.wrote(c.name, digest(m.OpenID)[:16], c.body, effect)
	return object{}, nil
}

func vipFlow(s *Sim, c *call) (any, *fail) {
	var req struct {
		OpenID string `json:"openid"`
		Num    int    `json:"page_num"`
		Size   int    `json:"page_size"`
	}
	if f := c.decode(&req); f != nil {
		return nil, f
	}
	m, f := s.memberOf(req.OpenID)
	if f != nil {
		return nil, f
	}
	if f := checkPage(req.Num, req.Size); f != nil {
		return nil, f
	}
	list := []object{}
	from := min(len(m.Moves), (req.Num-1)*req.Size)
	for _, move := range m.Moves[from:min(len(m.Moves), from+req.Size)] {
		list = append(list, object{"score": strconv.FormatInt(move.Score, 10), "source": move.Source, "remark": move.Remark})
	}
	return object{"list": list, "total_num": len(m.Moves)}, nil
}
