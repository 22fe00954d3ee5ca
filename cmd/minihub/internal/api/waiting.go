package api

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Waiting is one lookup entry that is missing, and what waits for it.
type Waiting struct {
	Table      string    `json:"table"`
	Key        string    `json:"key"`
	Deliveries int64     `json:"deliveries"`
	Records    int64     `json:"messages"` // parked before they had deliveries
	Oldest     time.Time `json:"oldest"`
}

// WaitingList is a page of missing entries, in order of table and key.
type WaitingList struct {
	Waiting []Waiting `json:"waiting"`
	Next    string    `json:"next,omitempty"`
}

// FillRequest fills a missing entry in.
type FillRequest struct {
	Table string `json:"table"`
	Key   string `json:"key"`
	Value string `json:"value"`
	Who   string `json:"who"`
	Why   string `json:"why"`
}

func (a *API) waiting(r *http.Request) (any, error) {
	store, err := a.deskStore()
	if err != nil {
		return nil, err
	}
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	var table, key string
	if c := r.URL.Query().Get("cursor"); c != "" {
		b, err := base64.RawURLEncoding.DecodeString(c)
		var ok bool
		if table, key, ok = strings.Cut(string(b), "\x00"); err != nil || !ok || table == "" {
			return nil, badCursor(c)
		}
	}
	list, err := store.WaitingLookups(r.Context(), table, key, n)
	if err != nil {
		return nil, err
	}
	out := WaitingList{Waiting: []Waiting{}}
	for _, w := range list {
		out.Waiting = append(out.Waiting, Waiting{Table: w.Table, Key: w.Key, Deliveries: w.Deliveries, Records: w.Records, Oldest: w.Oldest})
	}
	if len(list) == n {
		out.Next = waitingCursor(&list[n-1])
	}
	return out, nil
}

func waitingCursor(w *ledger.WaitingLookup) string {
	return base64.RawURLEncoding.EncodeToString([]byte(w.Table + "\x00" + w.Key))
}

func (a *API) fillWaiting(r *http.Request) (any, error) {
	var req FillRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	by := who(r, req.Who)
	switch {
	case req.Table == "" || req.Key == "" || req.Value == "":
		return nil, &Error{Status: http.StatusBadRequest, Code: "lookup.empty", Text: "table, key and value must be given", Hint: "GET /api/v1/waiting names table and key"}
	case by == "" || req.Why == "":
		return nil, &Error{Status: http.StatusBadRequest, Code: "lookup.who", Text: "who and why must be given", Hint: "the entry's history says who filled it in and why"}
	}
	if a.opt.Lookups != nil && !a.opt.Lookups.Has(req.Table) {
		return nil, unknown("table", req.Table, a.opt.Lookups.Names())
	}
	n, err := a.opt.Engine.PutLookup(r.Context(), req.Table, req.Key, req.Value, by, req.Why)
	if err != nil {
		return nil, err
	}
	return map[string]any{"released": n}, nil
}
