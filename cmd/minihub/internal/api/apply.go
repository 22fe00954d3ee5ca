package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/minihub/minihub/cmd/minihub/internal/doctor"
	"github.com/minihub/minihub/cmd/minihub/internal/plan"
	"github.com/minihub/minihub/pipelines"
)

// Changer puts what the hub's directory says in force.
type Changer interface {
	Plan(ctx context.Context, sample int) (*plan.Plan, error)
	Apply(ctx context.Context, req ApplyRequest) (*Applied, error)
	Promote(ctx context.Context, req ApplyRequest) (*Applied, error)
	Back(ctx context.Context, revision int64, req ApplyRequest) (*Applied, error)
	Revisions(ctx context.Context, limit int) (*History, error)
	Doctor(ctx context.Context, online bool) []doctor.Finding
}

// ApplyRequest names the plan to put in force. The hub reads its own directory; the hash
// holds for these files over what runs now, and for nothing else.
type ApplyRequest struct {
	Plan  string `json:"plan,omitempty"`
	Share int    `json:"share,omitempty"` // of 10,000 roots, as a canary; 0 = all
	Who   string `json:"who,omitempty"`
	Why   string `json:"why,omitempty"`
}

// Applied is what an apply has put in force.
type Applied struct {
	Entry *plan.Entry `json:"entry"`
	Took  string      `json:"took"`
}

// History is what was in force, newest first, and how it does.
type History struct {
	Entries             []*plan.Entry      `json:"entries"`
	Standing            pipelines.Standing `json:"standing"`
	DrainingFlows       []string           `json:"draining_flows,omitempty"`
	DrainingConnections []string           `json:"draining_connections,omitempty"`
}

// defaultSample is how many of the newest messages of a stream a plan maps both ways.
const defaultSample = 200

func (a *API) change() {
	a.handle("GET /api/v1/plan", a.plan)
	a.handle("POST /api/v1/apply", a.apply)
	a.handle("POST /api/v1/apply/promote", a.promote)
	a.handle("POST /api/v1/apply/back", a.back)
	a.handle("GET /api/v1/revisions", a.revisions)
	a.handle("GET /api/v1/doctor", a.doctor)
}

func (a *API) plan(r *http.Request) (any, error) {
	sample := defaultSample
	if s := r.URL.Query().Get("sample"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > 10_000 {
			return nil, &Error{Status: http.StatusBadRequest, Code: "plan.sample", Text: fmt.Sprintf("sample %q is not a number from 0 to 10000", s)}
		}
		sample = n
	}
	return a.opt.Changer.Plan(r.Context(), sample)
}

func (a *API) apply(r *http.Request) (any, error) {
	var req ApplyRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	if req.Plan == "" {
		return nil, &Error{Status: http.StatusBadRequest, Code: "apply.plan", Text: "no plan is named", Hint: "`minihub plan` prints its hash"}
	}
	if req.Share < 0 || req.Share >= 10_000 {
		return nil, &Error{Status: http.StatusBadRequest, Code: "apply.share", Text: fmt.Sprintf("a share of %d of 10,000 is none for a canary", req.Share), Hint: "give 1 to 9999, or 0 for all"}
	}
	req.Who = who(r, req.Who)
	// Whoever asked may go away: what has begun comes to its end.
	return a.opt.Changer.Apply(context.WithoutCancel(r.Context()), req)
}

func (a *API) promote(r *http.Request) (any, error) {
	var req ApplyRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	req.Who = who(r, req.Who)
	return a.opt.Changer.Promote(context.WithoutCancel(r.Context()), req)
}

func (a *API) back(r *http.Request) (any, error) {
	var req struct {
		Revision int64  `json:"revision"`
		Who      string `json:"who"`
		Why      string `json:"why"`
	}
	if err := body(r, &req); err != nil {
		return nil, err
	}
	if req.Revision < 0 {
		return nil, &Error{Status: http.StatusBadRequest, Code: "apply.revision", Text: fmt.Sprintf("%d is no revision", req.Revision), Hint: "`minihub revisions` lists them"}
	}
	return a.opt.Changer.Back(context.WithoutCancel(r.Context()), req.Revision, ApplyRequest{Who: who(r, req.Who), Why: req.Why})
}

func (a *API) revisions(r *http.Request) (any, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	return a.opt.Changer.Revisions(r.Context(), n)
}

// doctor looks at what the hub stands on; with online it calls the vendors.
func (a *API) doctor(r *http.Request) (any, error) {
	online := false
	if s := r.URL.Query().Get("online"); s != "" {
		var err error
		if online, err = strconv.ParseBool(s); err != nil {
			return nil, &Error{Status: http.StatusBadRequest, Code: "doctor.online", Text: fmt.Sprintf("online %q is neither true nor false", s)}
		}
	}
	return map[string]any{"findings": a.opt.Changer.Doctor(r.Context(), online)}, nil
}
