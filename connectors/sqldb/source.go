package sqldb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/minihub/minihub/connectors"
)

// cursor is the stored form of a position. Positions are the texts of the columns that
// order a stream.
type cursor struct {
	Phase string   `json:"phase,omitempty"`
	At    []string `json:"at,omitempty"` // where the phase goes on

	// Of a stream by a rising column: up to High everything was read once, up to Low
	// twice. Rows between Low and Until are read again when Overlap has passed since
	// Since: by then what was committed late is there.
	High  []string  `json:"high,omitempty"`
	Low   []string  `json:"low,omitempty"`
	Until []string  `json:"until,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// Base is High as it was when this pull began: what stands behind it is new.
	Base []string `json:"base,omitempty"`
}

// The phases. A windowed stream reads main and then null; one by a rising column reads
// fresh, again and open; one without reads all.
const (
	phaseMain  = "main"  // rows by the incremental column
	phaseNull  = "null"  // rows where it is NULL, by the column that counts instead
	phaseFresh = "fresh" // rows behind High
	phaseAgain = "again" // rows between Low and Until, for what was committed late
	phaseOpen  = "open"  // rows up to Base that may still change
	phaseAll   = "all"   // every row
)

// Pull implements connectors.Source.
func (c *conn) Pull(ctx context.Context, req connectors.PullRequest) (connectors.Page, error) {
	st, ok := c.streams[req.Stream]
	if !ok {
		return connectors.Page{}, ofOperation("sql.no_stream", fmt.Sprintf("there is no stream %q", req.Stream), "")
	}
	p := &puller{st: st, w: req.Window, now: c.now()}
	if req.Cursor != "" {
		if err := json.Unmarshal([]byte(req.Cursor), &p.cur); err != nil {
			return connectors.Page{}, ofOperation("sql.cursor", "the stored position cannot be read", "begin anew, or restore the description that wrote it")
		}
	}
	_, err := c.transaction(ctx, true, func(s *session) error {
		p.s = s
		return p.run(ctx)
	})
	if err != nil {
		return connectors.Page{}, c.readFault(err)
	}
	next, err := json.Marshal(p.cur)
	if err != nil {
		return connectors.Page{}, ofOperation("sql.cursor", "the position cannot be written", "")
	}
	return connectors.Page{Items: p.items, Cursor: string(next), More: p.more}, nil
}

// readFault classifies a fault of reading, and looks at the tables anew the next time.
func (c *conn) readFault(err error) *connectors.Error {
	e := c.fault(err)
	if e.Code == "25006" || e.Code == "1792" {
		// It is our own transaction that takes no writes.
		e = statement.error(e.Code, e.Text)
		e.Hint = "the SELECT calls something that writes; reading never does"
	}
	if e.Kind == connectors.Invalid {
		c.forget()
	}
	return e
}

// puller reads one page.
type puller struct {
	st    *stream
	s     *session
	w     connectors.Window
	now   time.Time
	cur   cursor
	have  []column
	items []connectors.Item
	more  bool
}

// run reads phase after phase until there is something to show.
func (p *puller) run(ctx context.Context) error {
	var err error
	if p.have, err = p.st.columnsOf(ctx, p.s); err != nil {
		return err
	}
	if err := p.st.noNulls(ctx, p.s); err != nil {
		return err
	}
	p.begin()
	for {
		full, err := p.phase(ctx)
		if err != nil {
			return err
		}
		if !full {
			p.ended()
		}
		p.more = full || p.cur.Phase != ""
		if len(p.items) > 0 || !p.more {
			return nil
		}
	}
}

// begin enters the first phase of a pull.
func (p *puller) begin() {
	if p.cur.Phase != "" {
		return
	}
	switch {
	case p.st.incremental != nil:
		p.cur = cursor{Phase: phaseMain}
	case p.st.rising != "":
		p.cur.Phase, p.cur.At, p.cur.Base = phaseFresh, p.cur.High, p.cur.High
	default:
		p.cur = cursor{Phase: phaseAll}
	}
}

// ended leaves a phase that has nothing more, for the next one or for the end.
func (p *puller) ended() {
	at := p.cur.At
	p.cur.At = nil
	switch p.cur.Phase {
	case phaseMain:
		p.cur.Phase = ""
		if p.st.incremental.whenNull != "" {
			p.cur.Phase = phaseNull
		}
		return
	case phaseFresh:
		p.cur.High = at
		if p.st.overlap == 0 {
			p.cur.Low = at
		}
		p.settle()
		if p.cur.Until != nil && !p.now.Before(p.cur.Since.Add(p.st.overlap)) {
			p.cur.Phase, p.cur.At = phaseAgain, p.cur.Low
			return
		}
	case phaseAgain:
		p.cur.Low, p.cur.Until = p.cur.Until, nil
		p.settle()
	case phaseOpen, phaseAll, phaseNull:
		p.cur.Phase, p.cur.Base = "", nil
		return
	}
	p.cur.Phase = ""
	if p.st.rescan && p.cur.Base != nil {
		p.cur.Phase = phaseOpen
		return
	}
	p.cur.Base = nil
}

// settle notes what is to be read again, and since when it is known.
func (p *puller) settle() {
	if p.cur.Until == nil && !slices.Equal(p.cur.High, p.cur.Low) {
		p.cur.Until, p.cur.Since = p.cur.High, p.now
	}
}

// phase reads one page of the phase at hand; full says that there is more of it.
func (p *puller) phase(ctx context.Context) (full bool, err error) {
	st := p.st
	order := p.order()
	at := p.bounds(order, p.cur.At)
	rows, err := st.read.rows(ctx, p.s, append(st.needs(), order...), func(q *query) {
		q.raw(" WHERE 1=1")
		p.where(q, order)
		if p.cur.At != nil {
			q.raw(" AND ").after(order, at, true)
		}
		q.raw(" ORDER BY ").cols(order).raw(fmt.Sprintf(" LIMIT %d", st.page+1))
	})
	if err != nil {
		return false, err
	}
	last := p.cur.At
	for i, r := range rows {
		pos := make([]string, len(order))
		for j, name := range order {
			if r.cells[name] == nil {
				return false, ofOperation("sql.null_key", fmt.Sprintf("%s: a row has NULL in %q, by which the rows are ordered", st.read.where, name), "choose columns that are never NULL, or leave such rows out with a SELECT")
			}
			pos[j] = keyText(p.s.c.driver, p.have[indexOf(p.have, name)], r.cells[name])
		}
		if slices.Equal(pos, last) {
			return false, ofOperation("sql.key_twice", fmt.Sprintf("%s: two rows have the same %v, so one of them could be passed over", st.read.where, order), "`key` must be unique: add the columns that tell the rows apart")
		}
		if i == st.page {
			full = true
			break
		}
		last = pos
		it, err := st.item(p.s, p.have, r)
		if err != nil {
			return false, err
		}
		p.items = append(p.items, it)
	}
	p.cur.At = last
	return full, nil
}

// order is by which columns the phase at hand is read.
func (p *puller) order() []string {
	var first string
	switch p.cur.Phase {
	case phaseMain:
		first = p.st.incremental.column
	case phaseNull:
		first = p.st.incremental.whenNull
	case phaseFresh, phaseAgain:
		first = p.st.rising
	}
	out := slices.Clone(p.st.key)
	if first != "" {
		out = append([]string{first}, out...)
	}
	return unique(out)
}

func (p *puller) bounds(names, texts []string) []bound {
	out := make([]bound, len(texts))
	for i, t := range texts {
		if i < len(names) {
			out[i] = boundOf(p.have[indexOf(p.have, names[i])], t)
		}
	}
	return out
}

// where appends what the phase at hand selects.
func (p *puller) where(q *query, order []string) {
	st := p.st
	column := func(name string) column { return p.have[indexOf(p.have, name)] }
	between := func(name string) {
		w := st.incremental
		q.raw(" AND ").col(name).raw(" >= ").bind(w.edge(column(name), p.w.From, p.s.c.zone, false), true)
		q.raw(" AND ").col(name).raw(" < ").bind(w.edge(column(name), p.w.To, p.s.c.zone, true), true)
	}
	switch p.cur.Phase {
	case phaseMain:
		between(st.incremental.column)
	case phaseNull:
		q.raw(" AND (")
		isNull(q, column(st.incremental.column))
		q.raw(")")
		between(st.incremental.whenNull)
	case phaseAgain:
		q.raw(" AND ").after(order, p.bounds(order, p.cur.Until), false)
	case phaseOpen:
		base := unique(append([]string{st.rising}, st.key...))
		q.raw(" AND ").after(base, p.bounds(base, p.cur.Base), false)
		q.raw(" AND (").col(st.final.column).raw(" IS NULL OR ").col(st.final.column).raw(" NOT IN (")
		c := column(st.final.column)
		for i, v := range st.final.given {
			if i > 0 {
				q.raw(", ")
			}
			q.bind(bound{text: v, class: c.class}, true)
		}
		q.raw("))")
	}
}

// isNull is true for NULL and for MySQL's zero date, which stands for it.
func isNull(q *query, c column) {
	q.col(c.name).raw(" IS NULL")
	if q.driver == driverMySQL && (c.class == classLocal || c.class == classInstant) {
		q.raw(" OR ").col(c.name).raw(" = '0000-00-00 00:00:00'")
	}
}

// believed is how long what was found out about a table holds: its columns, that one has
// no NULL, that there is a unique index.
const believed = 10 * time.Minute

// noNulls refuses a stream whose order column is NULL somewhere: no window and no
// position would ever show that row (Invariant 5).
func (st *stream) noNulls(ctx context.Context, s *session) error {
	names := slices.Clone(st.key)
	if w := st.incremental; w != nil && w.whenNull == "" {
		names = append(names, w.column)
	} else if w != nil {
		names = append(names, w.whenNull)
	}
	if st.rising != "" {
		names = append(names, st.rising)
	}
	if s.c.known("nulls of " + st.name) {
		return nil
	}
	have, err := st.read.columnsOf(ctx, s)
	if err != nil {
		return err
	}
	for _, name := range unique(names) {
		q := newQuery(s.c.driver, "SELECT 1 FROM "+st.read.from+" WHERE ")
		q.alias = "q."
		isNull(q, have[indexOf(have, name)])
		q.raw(" LIMIT 1")
		g, err := s.query(ctx, q)
		if err != nil {
			return err
		}
		if len(g.rows) > 0 {
			hint := "leave such rows out with a SELECT, or choose a column that is never NULL"
			if st.incremental != nil && name == st.incremental.column {
				hint = "say with `when_null` which column counts then (created_at), or leave such rows out with a SELECT"
			}
			return ofOperation("sql.nulls", fmt.Sprintf("%s: %q is NULL in some rows, and they would never be read", st.read.where, name), hint)
		}
	}
	s.c.believe("nulls of " + st.name)
	return nil
}

// known says whether something was found in order not long ago.
func (c *conn) known(what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.checked[what]
	return ok && c.now().Before(at.Add(believed))
}

func (c *conn) believe(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked[what] = c.now()
}
