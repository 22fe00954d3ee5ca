package api

import (
	"context"
	"net/http"
	"time"
)

// Flowing tells what moves along the flows.
type Flowing interface {
	FlowsNow(ctx context.Context) (*FlowsNow, error)
}

// FlowsNow is what moves along the flows now.
type FlowsNow struct {
	At       time.Time  `json:"at"`
	Revision int64      `json:"revision"`
	Canary   int64      `json:"canary,omitempty"`
	Edges    []Edge     `json:"edges"`
	Gates    []FlowGate `json:"gates"`
}

// Edge is a stream that comes in or an operation that goes out.
type Edge struct {
	Kind       string    `json:"kind"` // message, delivery
	Connection string    `json:"connection"`
	Name       string    `json:"name"` // stream or operation
	Done       int64     `json:"done"`
	Open       int64     `json:"open"`  // on their way or waiting
	Stuck      int64     `json:"stuck"` // parked or unknown
	PerMinute  float64   `json:"per_minute"`
	Oldest     time.Time `json:"oldest,omitzero"` // of the open ones
}

// FlowGate is a gate that is closed.
type FlowGate struct {
	Connection string    `json:"connection"`
	Operation  string    `json:"operation,omitempty"`
	Reason     string    `json:"reason"`
	Code       string    `json:"code,omitempty"`
	Since      time.Time `json:"since"`
}

func (a *API) flowsNow(r *http.Request) (any, error) {
	if a.opt.Flowing == nil {
		return nil, &Error{Status: http.StatusNotImplemented, Code: "api.no_desk", Text: "this hub does not watch its flows"}
	}
	return a.opt.Flowing.FlowsNow(r.Context())
}
