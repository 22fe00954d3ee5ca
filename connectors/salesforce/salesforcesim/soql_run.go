package salesforcesim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// cursor is a result that is read page by page.
type cursor struct {
	serial int64
	rows   []any
}

const maxCursors = 10 // per user, as the vendor allows

// query serves query?q=, queryAll?q= and query/<locator>.
func (s *Sim) query(q *request) (reply, *apiError) {
	if q.method != http.MethodGet {
		return reply{}, errMethod(q.method, "GET", "HEAD")
	}
	size, err := s.batchSize(q)
	if err != nil {
		return reply{}, err
	}
	if len(q.rest) == 2 {
		return s.nextPage(q, size)
	}
	parsed, err := s.parseSOQL(q.query.Get("q"))
	if err != nil {
		return reply{}, err
	}
	found := s.run(q, parsed)
	if parsed.count {
		return reply{status: http.StatusOK, body: map[string]any{"totalSize": len(found), "done": true, "records": []any{}}}, nil
	}
	rows := make([]any, len(found))
	for i, r := range found {
		rows[i] = s.row(q.version, parsed, r)
	}
	if len(rows) <= size {
		return reply{status: http.StatusOK, body: map[string]any{"totalSize": len(rows), "done": true, "records": rows}}, nil
	}
	s.serial++
	id := newID("01g", s.serial)
	s.cursors[id] = &cursor{serial: s.serial, rows: rows}
	s.forgetCursors()
	return s.page(q, id, 0, size), nil
}

// batchSize reads Sforce-Query-Options: batchSize=200..2000.
func (s *Sim) batchSize(q *request) (int, *apiError) {
	text, ok := strings.CutPrefix(strings.ReplaceAll(q.batch, " ", ""), "batchSize=")
	if !ok {
		return s.opts.PageSize, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 200 || n > 2000 {
		return 0, fail(http.StatusBadRequest, "INVALID_QUERY_OPTION", "batchSize must be between 200 and 2000")
	}
	return min(n, s.opts.PageSize), nil
}

func (s *Sim) forgetCursors() {
	for len(s.cursors) > maxCursors {
		oldest := ""
		for id, c := range s.cursors {
			if oldest == "" || c.serial < s.cursors[oldest].serial {
				oldest = id
			}
		}
		delete(s.cursors, oldest)
	}
}

func (s *Sim) nextPage(q *request, size int) (reply, *apiError) {
	id, from, _ := strings.Cut(q.rest[1], "-")
	n, err := strconv.Atoi(from)
	c := s.cursors[id]
	if err != nil || c == nil || n <= 0 || n >= len(c.rows) {
		return reply{}, fail(http.StatusBadRequest, "INVALID_QUERY_LOCATOR", "invalid query locator")
	}
	return s.page(q, id, n, size), nil
}

func (s *Sim) page(q *request, id string, from, size int) reply {
	rows := s.cursors[id].rows
	to := min(from+size, len(rows))
	body := map[string]any{"totalSize": len(rows), "done": to == len(rows), "records": rows[from:to]}
	if to < len(rows) {
		body["nextRecordsUrl"] = fmt.Sprintf("/services/data/v%d.0/%s/%s-%d", q.version, q.rest[0], id, to)
	}
	return reply{status: http.StatusOK, body: body}
}

// run finds and sorts the records of a query.
func (s *Sim) run(q *request, p *soql) []*record {
	hidden := s.now().Add(-s.opts.Faults.LagOf(System, q.call))
	var out []*record
	for _, id := range s.store.order[p.object.Name] {
		r := s.store.byID[id]
		if r.deleted && q.rest[0] != "queryAll" || r.created.After(hidden) {
			continue
		}
		if !slices.ContainsFunc(p.where, func(c condition) bool { return !s.holds(c, r) }) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b *record) int {
		for _, o := range p.order {
			x, y := s.at(o.path, a), s.at(o.path, b)
			n := compare(o.path.field, x, y)
			if o.desc && x != nil && y != nil { // empty values come first either way
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
	if _, hit := s.opts.Faults.Hit(System, q.call, simkit.Reorder); hit && len(p.order) == 0 {
		slices.Reverse(out)
	}
	if p.limit >= 0 {
		out = out[:min(p.limit, len(out))]
	}
	return out
}

// parentOf follows a reference field; nil when it is empty.
func (s *Sim) parentOf(f *Field, r *record) *record {
	id, _ := r.values[f.Name].(string)
	return s.store.byID[id]
}

func (s *Sim) at(p fieldPath, r *record) any {
	if p.parent != nil {
		if r = s.parentOf(p.parent, r); r == nil {
			return nil
		}
	}
	return r.field(p.field.Name)
}

// holds says whether a record meets a condition. An empty value meets only
// comparisons with null and "not equal".
func (s *Sim) holds(c condition, r *record) bool {
	v := s.at(c.path, r)
	for _, lit := range c.values {
		want := lit.value(c.path.field)
		if v == nil || want == nil {
			same := v == nil && want == nil
			if c.op == "!=" && !same || (c.op == "=" || c.op == "in") && same {
				return true
			}
			continue
		}
		n := compare(c.path.field, v, want)
		if c.op == "=" && n == 0 || c.op == "in" && n == 0 || c.op == "!=" && n != 0 || c.op == "<" && n < 0 ||
			c.op == "<=" && n <= 0 || c.op == ">" && n > 0 || c.op == ">=" && n >= 0 {
			return true
		}
	}
	return false
}

// value is a literal as the field would store it.
func (t token) value(f *Field) any {
	switch {
	case t.kind == word && strings.EqualFold(t.text, "null"):
		return nil
	case t.kind == word:
		return strings.EqualFold(t.text, "true")
	case t.kind == number:
		return json.Number(t.text)
	case f.Type == ID || f.Type == Reference:
		if id, ok := normalID(t.text); ok {
			return id
		}
	}
	return t.text
}

// compare orders two values of a field, empty ones first.
func compare(f *Field, a, b any) int {
	if a == nil || b == nil {
		return cmp.Compare(presence(a), presence(b))
	}
	x, y := fmt.Sprint(a), fmt.Sprint(b)
	switch f.Type {
	case Currency, Double, Int:
		m, okm := new(big.Rat).SetString(x)
		n, okn := new(big.Rat).SetString(y)
		if okm && okn {
			return m.Cmp(n)
		}
	case DateTime:
		return dateTimeOf(x).Compare(dateTimeOf(y))
	case ID, Reference:
		return strings.Compare(x, y)
	}
	if f.CaseSensitive {
		return strings.Compare(x, y)
	}
	return strings.Compare(strings.ToLower(x), strings.ToLower(y))
}

func presence(v any) int {
	if v == nil {
		return 0
	}
	return 1
}

func dateTimeOf(s string) time.Time { t, _ := parseDateTime(s); return t }

// row is a record as the query selected it.
func (s *Sim) row(version int, p *soql, r *record) map[string]any {
	out := map[string]any{"attributes": attributes(version, r)}
	for _, f := range p.fields {
		if f.parent == nil {
			out[f.field.Name] = f.field.shown(r.field(f.field.Name))
			continue
		}
		up := s.parentOf(f.parent, r)
		if up == nil {
			out[f.parent.Relationship] = nil
			continue
		}
		nested, ok := out[f.parent.Relationship].(map[string]any)
		if !ok {
			nested = map[string]any{"attributes": attributes(version, up)}
			out[f.parent.Relationship] = nested
		}
		nested[f.field.Name] = f.field.shown(up.field(f.field.Name))
	}
	return out
}
