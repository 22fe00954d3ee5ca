package habits

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
)

// The calls of a Pool, for faults.
const (
	PoolPull = "GET /pool"
	PoolAck  = "POST /pool/ack"
)

// Pool hands out its oldest rows, the same ones until they are acknowledged.
type Pool struct {
	system
	page  int
	rows  []Row
	acked map[string]int
}

// Row is one document of a Pool.
type Row struct {
	ID      string          `json:"id"`
	Version int64           `json:"version"`
	Data    json.RawMessage `json:"data"`
}

// NewPool returns a system that hands out page rows at once; below one means two.
// faults may be nil.
func NewPool(page int, faults *simkit.Faults) *Pool {
	if page < 1 {
		page = 2
	}
	s := &Pool{page: page, acked: map[string]int{}}
	s.start("pool", faults)
	s.mux.HandleFunc(PoolPull, s.pull)
	s.mux.HandleFunc(PoolAck, s.ack)
	return s
}

// Add puts rows into the pool.
func (s *Pool) Add(rows ...Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, rows...)
}

// Left returns the rows that nobody has acknowledged.
func (s *Pool) Left() []Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Row(nil), s.rows...)
}

// Acked counts how often a row was acknowledged.
func (s *Pool) Acked(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked[id]
}

func (s *Pool) pull(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(s.page, len(s.rows))
	respond(w, map[string]any{"rows": s.rows[:n], "more": n < len(s.rows)})
}

func (s *Pool) ack(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ID      string `json:"id"`
		Version string `json:"version"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.ID == "" {
		refuse(w, codeInvalid)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked[body.ID]++
	var left []Row
	for _, row := range s.rows {
		if row.ID != body.ID || strconv.FormatInt(row.Version, 10) != body.Version {
			left = append(left, row)
		}
	}
	s.rows = left
	respond(w, map[string]any{})
}

// PoolStream is the stream of PoolConnector.
const PoolStream = "rows"

// PoolConnector speaks to a Pool.
func PoolConnector() *connectors.Connector {
	return &connectors.Connector{
		Name: "pool", Title: "Pool", Role: "any", Docs: "this package", Config: configFields(),
		Text: "An invented system that hands out rows until they are acknowledged.",
		Streams: []connectors.Stream{{
			Name: PoolStream, Entity: "shipment", Pull: true, Text: "The rows of the pool.",
			List: connectors.Listing{Reason: "what was acknowledged is gone"},
		}},
		Open: func(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
			return poolConnection{newClient(cfg, env)}, nil
		},
	}
}

type poolConnection struct{ *client }

var (
	_ connectors.Source = poolConnection{}
	_ connectors.Acker  = poolConnection{}
)

type poolReply struct {
	Error *failure `json:"error"`
	Rows  []Row    `json:"rows"`
	More  bool     `json:"more"`
}

func (r *poolReply) inside() *failure { return r.Error }

// Pull implements connectors.Source. The position is the pool's own: there is no cursor.
func (c poolConnection) Pull(ctx context.Context, req connectors.PullRequest) (connectors.Page, error) {
	var reply poolReply
	if _, err := c.call(ctx, http.MethodGet, "/pool", nil, nil, &reply); err != nil {
		return connectors.Page{}, err
	}
	page := connectors.Page{Cursor: req.Cursor, More: reply.More}
	for _, row := range reply.Rows {
		page.Items = append(page.Items, connectors.Item{Key: row.ID, Version: row.Version, Body: row.Data})
		token := url.Values{"id": {row.ID}, "version": {strconv.FormatInt(row.Version, 10)}}
		page.Acks = append(page.Acks, connectors.Ack{Stream: PoolStream, Token: token.Encode()})
	}
	return page, nil
}

// Ack implements connectors.Acker.
func (c poolConnection) Ack(ctx context.Context, acks []connectors.Ack) error {
	for _, a := range acks {
		token, err := url.ParseQuery(a.Token)
		if err != nil {
			return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "habits.ack", Text: "the token is not one of ours", Err: err}
		}
		var reply poolReply
		body := map[string]any{"id": token.Get("id"), "version": token.Get("version")}
		if _, err := c.call(ctx, http.MethodPost, "/pool/ack", nil, body, &reply); err != nil {
			return err
		}
	}
	return nil
}
