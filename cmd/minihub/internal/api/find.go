package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Found is one row of a search.
type Found struct {
	Message    int64     `json:"message"`            // newest record, or the one with the number
	Delivery   int64     `json:"delivery,omitempty"` // the one with the number
	Connection string    `json:"connection"`
	Entity     string    `json:"entity"`
	Key        string    `json:"key"`
	Label      string    `json:"label,omitempty"`
	State      string    `json:"state"`
	At         time.Time `json:"at"`
	Matched    []string  `json:"matched"`
}

// FoundList is what a search found: the newest messages, and the causes that failures with
// this code have. More tells that there are further messages.
type FoundList struct {
	Messages  []Found    `json:"messages"`
	More      bool       `json:"more"`
	Incidents []Incident `json:"incidents"`
}

// The kinds of key that are no search keys: numbers of the hub's own, and error codes.
const (
	kindMessage  = "message"
	kindDelivery = "delivery"
	kindCode     = "code"
)

// mostCauses is how many incidents a search shows.
const mostCauses = 20

// find looks a value up as every kind of key, in any system's spelling.
func (a *API) find(r *http.Request) (any, error) {
	value := strings.TrimSpace(r.URL.Query().Get("key"))
	if value == "" {
		return nil, &Error{Status: http.StatusBadRequest, Code: "api.key", Text: "nothing to look for", Hint: "give ?key="}
	}
	var kinds []string
	if k := r.URL.Query().Get("kind"); k != "" {
		kinds = strings.Split(k, ",")
	}
	asked := func(kind string) bool { return len(kinds) == 0 || slices.Contains(kinds, kind) }
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	hits, err := a.opt.Ledger.Find(r.Context(), value, kinds, n+1)
	if err != nil {
		return nil, err
	}
	out := FoundList{Messages: []Found{}, More: len(hits) > n, Incidents: []Incident{}}
	hits = hits[:min(len(hits), n)]
	if err := a.searched(r, value, hits); err != nil {
		return nil, err
	}
	for _, h := range hits {
		out.Messages = append(out.Messages, Found{Message: h.Latest, Connection: h.DocKey.Connection, Entity: h.DocKey.Entity, Key: h.DocKey.Key, Label: h.Label,
			State: string(h.State), At: h.At, Matched: h.Kinds})
	}
	numbered, err := a.numbered(r.Context(), value, asked)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(value, "#") {
		out.Messages = append(numbered, out.Messages...)
	} else {
		out.Messages = append(out.Messages, numbered...)
	}
	if asked(kindCode) {
		out.Incidents, err = a.causesOf(r, value)
	}
	return out, err
}

// numbered finds the message and the delivery with a number: "#123" or "123".
func (a *API) numbered(ctx context.Context, value string, asked func(kind string) bool) ([]Found, error) {
	id, err := strconv.ParseInt(strings.TrimPrefix(norm.NFKC.String(value), "#"), 10, 64)
	if err != nil || id <= 0 {
		return nil, nil
	}
	var out []Found
	add := func(f Found, record int64) error {
		rec, err := a.opt.Ledger.Record(ctx, record)
		if errors.Is(err, ledger.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		f.Message, f.Connection, f.Entity, f.Key, f.Label, f.At = rec.ID, rec.DocKey.Connection, rec.DocKey.Entity, rec.DocKey.Key, rec.Label, rec.At
		if f.State == "" {
			f.State = string(rec.State)
		}
		out = append(out, f)
		return nil
	}
	if asked(kindMessage) {
		if err := add(Found{Matched: []string{kindMessage}}, id); err != nil {
			return nil, err
		}
	}
	if !asked(kindDelivery) {
		return out, nil
	}
	d, err := a.opt.Ledger.Delivery(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	return out, add(Found{Delivery: id, State: string(d.State), Matched: []string{kindDelivery}}, d.Record)
}

// causesOf finds the incidents with a code, open ones first.
func (a *API) causesOf(r *http.Request, value string) ([]Incident, error) {
	out := []Incident{}
	store, ok := a.opt.Ledger.(ledger.Desk)
	if !ok {
		return out, nil
	}
	code := strings.TrimSpace(norm.NFKC.String(value))
	for _, spelled := range slices.Compact([]string{code, strings.ToLower(code)}) {
		for _, state := range []string{"open", "closed"} {
			list, err := store.Incidents(r.Context(), ledger.IncidentFilter{State: state, Code: spelled, Limit: mostCauses - len(out)})
			if err != nil {
				return nil, err
			}
			held, err := a.held(r, list)
			if err != nil {
				return nil, err
			}
			for i := range list {
				out = append(out, a.describe(&list[i], held))
			}
			if len(out) >= mostCauses {
				return out, nil
			}
		}
		if len(out) > 0 {
			break
		}
	}
	return out, nil
}
