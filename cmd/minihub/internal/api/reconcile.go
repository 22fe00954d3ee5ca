package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/minihub/minihub/pipelines/reconcile"
)

// ReconcileRequest is a window to compare.
type ReconcileRequest struct {
	Flows []string  `json:"flows,omitempty"`
	From  time.Time `json:"from,omitzero"`
	To    time.Time `json:"to,omitzero"`
	Grace string    `json:"grace,omitempty"`
}

func (a *API) reconcile(r *http.Request) (any, error) {
	var req ReconcileRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	var grace time.Duration
	if req.Grace != "" {
		var err error
		if grace, err = time.ParseDuration(req.Grace); err != nil || grace <= 0 {
			return nil, &Error{Status: http.StatusBadRequest, Code: "reconcile.grace", Text: "grace is not a span of time", Hint: "write 30m"}
		}
	}
	return a.opt.Reconciler.Run(r.Context(), reconcile.Request{Flows: req.Flows, From: req.From, To: req.To, Grace: grace}, nil)
}

// reportID reads the path's report id; 0 is the newest.
func reportID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 0 {
		return 0, &Error{Status: http.StatusBadRequest, Code: "api.id", Text: "that is not the id of a report", Hint: "0 is the newest"}
	}
	return id, nil
}

func (a *API) report(r *http.Request) (any, error) {
	id, err := reportID(r)
	if err != nil {
		return nil, err
	}
	return a.opt.Reconciler.Load(r.Context(), id)
}

func (a *API) heal(r *http.Request) (any, error) {
	id, err := reportID(r)
	if err != nil {
		return nil, err
	}
	var req struct {
		Who string `json:"who"`
	}
	if err := body(r, &req); err != nil {
		return nil, err
	}
	return a.opt.Reconciler.Heal(r.Context(), id, who(r, req.Who))
}
