package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minihub/minihub/connectors"
)

const (
	callTimeout = 2 * time.Minute
	// listSpan cuts the windows of operations, which declare none.
	listSpan = 24 * time.Hour
	// keysPerGet where the vendor declares no batch.
	keysPerGet = 10
)

// view is what one side shows under one name, a stream or an operation.
type view struct {
	run        *run
	connection string
	name       string
	querier    connectors.Querier // nil: the connection cannot be queried
	listing    connectors.Listing
	span       time.Duration
	grain      time.Duration
	batch      int              // keys per Get
	listUses   []connectors.Use // of a page
	rowUses    []connectors.Use // of a listed row that the connector reads one by one
	getUses    []connectors.Use // of a Get; of every key of it when batch is undeclared
	perKey     bool

	rows     map[string][]row
	listed   int
	asked    int
	complete bool
	from, to time.Time
	pages    int
	fault    error // why the list ended early
	refused  error // why Get does not answer
}

func streamView(r *run, connection string, conn connectors.Connection, s *connectors.Stream) *view {
	v := newView(r, connection, conn, s.Name, s.List, s.FetchBatch)
	v.listUses, v.getUses = s.PullUses, s.FetchUses
	if s.Windowed {
		v.span, v.grain = s.MaxSpan, s.Grain
	}
	if s.Hints {
		v.rowUses = s.FetchUses
	}
	return v
}

func operationView(r *run, connection string, conn connectors.Connection, o *connectors.Operation) *view {
	v := newView(r, connection, conn, o.Name, o.List, o.Batch)
	v.listUses, v.getUses = o.LookupUses, o.LookupUses
	return v
}

func newView(r *run, connection string, conn connectors.Connection, name string, l connectors.Listing, batch int) *view {
	v := &view{run: r, connection: connection, name: name, listing: l, span: listSpan, batch: batch, rows: map[string][]row{}}
	v.querier, _ = conn.(connectors.Querier)
	if v.batch <= 1 {
		v.batch, v.perKey = keysPerGet, true
	}
	return v
}

// list reads a window to its end, in spans the vendor takes. A fault ends it early and
// is kept: what was read still counts. The error is of the context alone.
func (v *view) list(ctx context.Context, from, to time.Time) error {
	if v.grain > 0 {
		from = from.Truncate(v.grain)
		if t := to.Truncate(v.grain); t.Before(to) {
			to = t.Add(v.grain)
		}
	}
	v.from, v.to = from, to
	for v.fault == nil && from.Before(to) {
		end := from.Add(v.span)
		if end.After(to) {
			end = to
		}
		v.fault = v.window(ctx, connectors.Window{From: from, To: end})
		from = end
	}
	v.complete = v.fault == nil
	return ctx.Err()
}

func (v *view) window(ctx context.Context, w connectors.Window) error {
	cursor := ""
	for {
		var page connectors.Listed
		err := v.call(ctx, v.listUses, 1, func(ctx context.Context) (err error) {
			page, err = v.querier.List(ctx, v.name, w, cursor)
			return err
		})
		if err != nil {
			return err
		}
		v.pages++
		for _, s := range page.Rows {
			v.add(s)
		}
		v.run.tell(Progress{Stage: "list", Connection: v.connection, Name: v.name, Pages: v.pages, Rows: v.listed})
		if len(v.rowUses) > 0 && len(page.Rows) > 0 {
			// The connector has read the rows one by one: paid afterwards.
			if err := v.call(ctx, v.rowUses, len(page.Rows), func(context.Context) error { return nil }); err != nil {
				return err
			}
		}
		switch {
		case !page.More:
			return nil
		case page.Cursor == cursor:
			return &connectors.Error{Kind: connectors.Unreadable, Code: "reconcile.cursor", Text: "the list says there is more and does not move on"}
		case v.listed > v.run.r.opt.MaxRows:
			return &connectors.Error{Kind: connectors.Quota, Code: "reconcile.rows",
				Text: fmt.Sprintf("the list has more than %d documents; take a shorter window", v.run.r.opt.MaxRows)}
		}
		cursor = page.Cursor
	}
}

// add keeps a listed row. Pages shift while they are read, so the same document may
// come twice.
func (v *view) add(s connectors.Summary) {
	if s.Key == "" {
		return
	}
	v.listed++
	n := row{facts: factsOf(s), ids: s.RemoteIDs, page: v.pages}
	v.rows[s.Key] = merge(v.rows[s.Key], n)
}

func merge(rows []row, n row) []row {
	for i := range rows {
		switch alike(rows[i], n) {
		case one:
			if !n.modified.Before(rows[i].modified) {
				n.page, n.unsure = rows[i].page, rows[i].unsure
				rows[i] = n
			}
			return rows
		case maybe:
			n.unsure = true
		}
	}
	return append(rows, n)
}

// settled returns a key's rows, once it is sure that they are several.
func (v *view) settled(ctx context.Context, key string) ([]row, error) {
	rows := v.rows[key]
	unsure := false
	for _, r := range rows {
		unsure = unsure || r.unsure
	}
	if !unsure {
		return rows, nil
	}
	got, _, err := v.get(ctx, []string{key})
	if err != nil {
		return nil, err
	}
	if v.refused == nil && len(got[key]) > 0 {
		rows = got[key]
	} else {
		newest := rows[0]
		for _, r := range rows {
			if r.modified.After(newest.modified) {
				newest = r
			}
		}
		newest.unsure = false
		rows = []row{newest}
	}
	v.rows[key] = rows
	return rows, nil
}

// get asks for keys and says how many of them, from the first, were answered. After the
// first refusal nobody is asked again and refused is set. The error is of the context
// alone.
func (v *view) get(ctx context.Context, keys []string) (out map[string][]row, answered int, err error) {
	out = map[string][]row{}
	if v.querier == nil {
		v.refused = &connectors.Error{Kind: connectors.Forbidden, Code: "reconcile.no_query", Text: "the connector answers no questions about what is there"}
	}
	for len(keys) > 0 && v.refused == nil {
		part := keys[:min(v.batch, len(keys))]
		keys = keys[len(part):]
		times := 1
		if v.perKey {
			times = len(part)
		}
		var list []connectors.Summary
		v.refused = v.call(ctx, v.getUses, times, func(ctx context.Context) (err error) {
			list, err = v.querier.Get(ctx, v.name, part)
			return err
		})
		if v.refused != nil {
			break
		}
		v.asked += len(part)
		answered += len(part)
		for _, s := range list {
			n := row{facts: factsOf(s), ids: s.RemoteIDs}
			out[s.Key] = merge(out[s.Key], n)
		}
		for _, rows := range out {
			for i := range rows {
				rows[i].unsure = false // one answer holds no shifted pages
			}
		}
		v.run.tell(Progress{Stage: "get", Connection: v.connection, Name: v.name, Rows: v.asked})
	}
	return out, answered, ctx.Err()
}

// summarize reads a document as this side would hold it.
func (v *view) summarize(document []byte) (f facts, err error) {
	if v.querier == nil {
		return f, errors.New("the connector cannot summarise")
	}
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the connector broke while summarising")
		}
	}()
	s, err := v.querier.Summarize(v.name, document)
	return factsOf(s), err
}

// call takes the limits, bounds the time and turns a panic into an error.
func (v *view) call(ctx context.Context, uses []connectors.Use, times int, fn func(context.Context) error) (err error) {
	if take := v.run.r.opt.Take; take != nil && len(uses) > 0 {
		all := make([]connectors.Use, len(uses))
		for i, u := range uses {
			all[i] = connectors.Use{Limit: u.Limit, Cost: max(1, u.Cost) * times}
		}
		release, err := take(ctx, v.connection, all)
		if err != nil {
			return fmt.Errorf("the vendor's limit: %w", err)
		}
		defer release()
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = &connectors.Error{Kind: connectors.Unclassified, Code: "internal.panic", Text: "the connector broke while it was queried"}
		}
	}()
	return fn(ctx)
}

// structural reports whether an error says "cannot", rather than "not now".
func structural(err error) bool {
	k := connectors.AsError(err).Kind
	return k == connectors.Forbidden || k == connectors.Invalid || k == connectors.NotFound
}

// reason is an error for the report: its code and the vendor's words.
func reason(err error) (code, text string) {
	var e *connectors.Error
	if !errors.As(err, &e) {
		return "", err.Error()
	}
	text = e.Text
	if text == "" {
		text = string(e.Kind)
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return e.Code, text
}
