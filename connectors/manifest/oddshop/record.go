package oddshop

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Asked is one call that reached the shop, without its token.
type Asked struct {
	At     time.Time `json:"at"`
	Call   string    `json:"call"`
	Query  string    `json:"query"`
	Rows   int       `json:"rows"`
	IDs    []int64   `json:"ids,omitempty"` // the orders it showed
	Notice bool      `json:"notice,omitempty"`
	// Why is "answered", "token unknown" or "filter missing" (an empty list, both), or the errno.
	Why string `json:"why"`
}

// Truth is what the shop knows of one order that it ever had.
type Truth struct {
	Order   Order   `json:"order"` // now, or as it was when it was deleted
	Deleted bool    `json:"deleted,omitempty"`
	History []Entry `json:"history"`
	Shown   int     `json:"shown"` // how many answers held it
}

func loggable(q url.Values) string {
	q = maps.Clone(q)
	q.Del("token")
	return strings.ReplaceAll(q.Encode(), "%2C", ",")
}

// Truth returns every order the shop ever had, by its internal id.
func (s *Sim) Truth() map[int64]Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	shown := map[int64]int{}
	for _, a := range s.asked {
		for _, id := range a.IDs {
			shown[id]++
		}
	}
	out := make(map[int64]Truth, len(s.history))
	for id, entries := range s.history {
		last := entries[len(entries)-1]
		out[id] = Truth{Order: last.Order.copy(), Deleted: last.Deleted, History: slices.Clone(entries), Shown: shown[id]}
	}
	return out
}

// Asked returns every call so far.
func (s *Sim) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Problems are the queued acts that could not be done, in words.
func (s *Sim) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

// Record implements simkit.Sim. Documents are the truth by internal id.
func (s *Sim) Record() any {
	return map[string]any{
		"documents": s.Truth(), "asked": s.Asked(), "calls": s.gate.Counts(), "problems": s.Problems(),
	}
}
