package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/ledger"
)

// body reads one JSON document strictly.
func body(r *http.Request, v any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil && !errors.Is(dec.Decode(new(json.RawMessage)), io.EOF) {
		err = errors.New("something follows the document")
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "api.too_large", Text: fmt.Sprintf("the body has more than %d bytes", large.Limit)}
	case errors.Is(err, io.EOF):
		return &Error{Status: http.StatusBadRequest, Code: "api.body", Text: "the body is empty", Hint: "send one JSON object"}
	case err != nil:
		return &Error{Status: http.StatusBadRequest, Code: "api.body", Text: "the body cannot be read: " + strings.TrimPrefix(err.Error(), "json: "), Hint: "send one JSON object"}
	}
	return nil
}

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, &Error{Status: http.StatusBadRequest, Code: "api.id", Text: fmt.Sprintf("%q is not an id", r.PathValue("id")), Hint: "ids are whole numbers; look the message up by its order number"}
	}
	return id, nil
}

const (
	defaultLimit = 50
	mostRows     = 1000
)

func limit(r *http.Request) (int, error) {
	s := r.URL.Query().Get("limit")
	if s == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 || n > mostRows {
		return 0, &Error{Status: http.StatusBadRequest, Code: "api.limit", Text: fmt.Sprintf("limit %q is not a number from 1 to %d", s, mostRows), Hint: "page on with after"}
	}
	return n, nil
}

// page reads after which row a page begins and how many rows it may hold.
func page(r *http.Request) (after int64, n int, err error) {
	if n, err = limit(r); err != nil {
		return 0, 0, err
	}
	at, err := cursor(r, 1)
	if err != nil {
		return 0, 0, err
	}
	return at[0], n, nil
}

// states are the words a row's state may be asked for by.
func states() []string {
	out := []string{string(ledger.RecordReceived), string(ledger.RecordRouted), string(ledger.RecordNoTarget)}
	for _, s := range []ledger.State{ledger.Blocked, ledger.Ready, ledger.Sending, ledger.Waiting, ledger.Unknown, ledger.Accepted, ledger.Parked,
		ledger.Delivered, ledger.Unchanged, ledger.Superseded, ledger.Withdrawn, ledger.NotNeeded, ledger.Filtered, ledger.Discarded} {
		out = append(out, string(s))
	}
	return out
}

// filter reads what rows are asked for; a name that nothing has is an error, since it
// would find nothing in silence.
func (a *API) filter(r *http.Request) (ledger.Filter, error) {
	q := r.URL.Query()
	f := ledger.Filter{Connection: q.Get("connection"), Operation: q.Get("operation"), Stream: q.Get("stream"), Flow: q.Get("flow"),
		Code: q.Get("code"), Label: q.Get("label")}
	var err error
	if f.Limit, err = limit(r); err != nil {
		return f, err
	}
	if s := q.Get("state"); s != "" {
		f.States = strings.Split(s, ",")
		for _, s := range f.States {
			if !slices.Contains(states(), s) {
				return f, unknown("state", s, states())
			}
		}
	}
	if after := q.Get("after"); after != "" {
		if f.After, err = strconv.ParseInt(after, 10, 64); err != nil || f.After < 0 {
			return f, &Error{Status: http.StatusBadRequest, Code: "api.after", Text: fmt.Sprintf("after %q is not an id", after), Hint: "give the id of the last row"}
		}
	}
	return f, a.knows(f.Connection, f.Operation, f.Flow)
}

// knows refuses names that the deployment does not have; empty ones pass.
func (a *API) knows(connection, operation, flow string) error {
	conns := a.opt.Engine.Connections()
	if _, ok := conns[connection]; connection != "" && !ok {
		return unknown("connection", connection, keys(conns))
	}
	if flow != "" && a.opt.Engine.Flows()[flow] == nil {
		return unknown("flow", flow, keys(a.opt.Engine.Flows()))
	}
	if operation == "" {
		return nil
	}
	var known []string
	for name := range conns {
		if connection != "" && name != connection {
			continue
		}
		_, c, _ := a.opt.Engine.Conn(name)
		for _, o := range c.Operations {
			known = append(known, o.Name)
		}
	}
	if !slices.Contains(known, operation) {
		sort.Strings(known)
		return unknown("operation", operation, slices.Compact(known))
	}
	return nil
}

// stream refuses a stream that a connection does not have.
func (a *API) stream(connection, stream string) error {
	_, c, ok := a.opt.Engine.Conn(connection)
	if !ok {
		return unknown("connection", connection, keys(a.opt.Engine.Connections()))
	}
	var known []string
	for _, s := range c.Streams {
		known = append(known, s.Name)
	}
	if !slices.Contains(known, stream) {
		return unknown("stream", stream, known)
	}
	return nil
}

// unknown is the error for a name that nothing has.
func unknown(what, name string, known []string) *Error {
	hint := "known: " + strings.Join(known, ", ")
	if n := mapper.Nearest(name, known); n != "" {
		hint = fmt.Sprintf("did you mean %q?", n)
	}
	return &Error{Status: http.StatusNotFound, Code: "api.unknown_" + what, Text: fmt.Sprintf("there is no %s %q", what, name), Hint: hint}
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// missing makes a row that is not there an error that names it.
func missing(what string, id int64, err error) error {
	if !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	return &Error{Status: http.StatusNotFound, Code: "api.not_found", Text: fmt.Sprintf("there is no %s %d", what, id), Hint: "look it up by its order number or another key"}
}
