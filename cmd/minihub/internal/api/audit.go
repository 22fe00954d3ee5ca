package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/audit"
	"github.com/minihub/minihub/pipelines/ledger"
)

// AuditRow is one entry as the API shows it.
type AuditRow struct {
	ledger.AuditEntry
	Hash string `json:"hash"`
}

func (a *API) auditing() {
	a.handle("GET /api/v1/audit", a.listAudit)
	a.handle("GET /api/v1/audit/verify", a.verifyAudit)
	a.lines("GET /api/v1/audit/export", a.exportAudit)
}

// longestWhy is how many bytes of a reason the audit keeps.
const longestWhy = 1000

// entry begins an audit entry of a call.
func (a *API) entry(r *http.Request, act, phase string) *ledger.AuditEntry {
	return &ledger.AuditEntry{Who: who(r, ""), Act: act, From: a.from(r), Phase: phase}
}

// note appends an entry; what has happened is noted even if the caller has gone.
func (a *API) note(r *http.Request, e *ledger.AuditEntry) error {
	if e.From == "" {
		e.From = a.from(r)
	}
	add := &ledger.AddAudit{Entry: *e}
	err := a.opt.Ledger.Commit(context.WithoutCancel(r.Context()), add)
	*e = add.Entry
	return err
}

// refusal notes that somebody tried what they may not.
func (a *API) refusal(r *http.Request, c call) error {
	e := a.entry(r, c.act, ledger.AuditRefused)
	e.Code = "api.forbidden"
	return a.note(r, e)
}

// audited writes the intent of a changing call before it and what became of it after
// it. Nothing is changed that could not be noted (Invariant 5).
func (a *API) audited(pattern string, h func(w http.ResponseWriter, r *http.Request) (any, error)) func(http.ResponseWriter, *http.Request) (any, error) {
	c := calls[pattern]
	return func(w http.ResponseWriter, r *http.Request) (any, error) {
		switch {
		case c.sees:
			out, err := h(w, r)
			if err == nil {
				err = a.saw(r, target(pattern, r.PathValue))
			}
			return out, err
		case !changing(r.Method) || c.own || c.looks || c.act == "":
			return h(w, r)
		}
		given := peek(r)
		if c.dry != "" && given[c.dry] == true {
			return h(w, r)
		}
		e := a.entry(r, c.act, ledger.AuditIntent)
		e.Target = target(pattern, r.PathValue)
		said, _ := given["who"].(string)
		e.Who = who(r, cut(said, 200))
		e.Why = cut(reason(given), longestWhy)
		e.Detail = kept(given, c.keep)
		if err := a.note(r, e); err != nil {
			return nil, &Error{Status: http.StatusServiceUnavailable, Code: "audit.unwritable", Text: "the audit cannot be written, so nothing is changed: " + err.Error()}
		}
		out, err := h(w, r)
		end := &ledger.AuditEntry{Who: e.Who, Act: e.Act, Target: e.Target, From: e.From, Phase: ledger.AuditDone, Of: e.ID}
		if err != nil {
			end.Phase, end.Code = ledger.AuditFailed, asError(err).Code
		}
		if noted := a.note(r, end); noted != nil && err == nil {
			return out, &Error{Status: http.StatusInternalServerError, Code: "audit.unwritable", Text: "it was done, and the audit could not be told: " + noted.Error()}
		}
		return out, err
	}
}

// peek reads the body's fields and leaves the body to be read again.
func peek(r *http.Request) map[string]any {
	b, err := io.ReadAll(r.Body)
	rest := io.Reader(bytes.NewReader(b))
	if err != nil {
		rest = io.MultiReader(rest, failing{err})
	}
	r.Body = io.NopCloser(rest)
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var fields map[string]any
	if dec.Decode(&fields) != nil {
		return nil // the handler says what is wrong with it
	}
	return fields
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func reason(given map[string]any) string {
	for _, name := range []string{"why", "reason"} {
		if s, _ := given[name].(string); s != "" {
			return s
		}
	}
	return ""
}

// kept picks the named fields, in objects by dots, as text.
func kept(given map[string]any, names []string) map[string]string {
	out := map[string]string{}
	for _, name := range names {
		var v any = given
		for _, part := range strings.Split(name, ".") {
			m, _ := v.(map[string]any)
			v = m[part]
		}
		switch v := v.(type) {
		case string:
			if v != "" {
				out[name] = cut(v, 200)
			}
		case json.Number:
			out[name] = v.String()
		case bool:
			out[name] = strconv.FormatBool(v)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// cut shortens a text that people wrote to what every store takes.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "?")
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "..."
	}
	return s
}

// auditFilter reads which entries are asked for.
func auditFilter(r *http.Request) (f ledger.AuditFilter, err error) {
	q := r.URL.Query()
	f = ledger.AuditFilter{Who: q.Get("who"), Act: q.Get("act"), Target: q.Get("on")}
	for name, to := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if s := q.Get(name); s != "" {
			if *to, err = time.Parse(time.RFC3339, s); err != nil {
				return f, &Error{Status: http.StatusBadRequest, Code: "audit.time", Text: name + " is not a time with its zone", Hint: "write 2026-11-10T00:00:00+08:00"}
			}
		}
	}
	return f, nil
}

func (a *API) listAudit(r *http.Request) (any, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	f, err := auditFilter(r)
	if err != nil {
		return nil, err
	}
	f.Limit = n
	if s := r.URL.Query().Get("before"); s != "" {
		if f.Before, err = strconv.ParseInt(s, 10, 64); err != nil || f.Before <= 0 {
			return nil, &Error{Status: http.StatusBadRequest, Code: "audit.before", Text: "before is not the number of an entry"}
		}
	}
	rows, err := a.opt.Ledger.Audit(r.Context(), f)
	if err != nil {
		return nil, err
	}
	out := []AuditRow{}
	for i := range rows {
		out = append(out, auditRow(&rows[i]))
	}
	answer := map[string]any{"entries": out}
	if len(out) == n {
		answer["before"] = out[n-1].ID // the next page's
	}
	return answer, nil
}

// auditRow is an entry to show. One that cannot be read is shown as what is left of it;
// verify says more.
func auditRow(row *ledger.AuditRow) AuditRow {
	e, err := row.Entry()
	if err != nil {
		e = &ledger.AuditEntry{ID: row.ID, At: row.At, Who: row.Who, Act: row.Act, Target: row.Target, Phase: "unreadable"}
	}
	return AuditRow{*e, encodeSum(row.Hash)}
}

// exportPage is how many entries are read at once.
const exportPage = 1000

// exportAudit writes all entries that are asked for, oldest first, one JSON object a line.
func (a *API) exportAudit(w http.ResponseWriter, r *http.Request) {
	f, err := auditFilter(r)
	f.Rising, f.Limit = true, exportPage
	var rows []ledger.AuditRow
	if err == nil {
		rows, err = a.opt.Ledger.Audit(r.Context(), f)
	}
	if err != nil {
		e := asError(err)
		write(w, e.Status, e)
		return
	}
	w.Header().Set("Content-Type", "application/jsonl; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="audit.jsonl"`)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for {
		for i := range rows {
			if enc.Encode(auditRow(&rows[i])) != nil {
				return // the reader has gone
			}
			f.After = rows[i].ID
		}
		if len(rows) < exportPage {
			return
		}
		if rows, err = a.opt.Ledger.Audit(r.Context(), f); err != nil {
			panic(http.ErrAbortHandler) // a file cut short must not look whole
		}
	}
}

func (a *API) verifyAudit(r *http.Request) (any, error) {
	v, err := audit.Verify(r.Context(), a.opt.Ledger, r.URL.Query().Get("head"))
	var head *audit.HeadError
	if errors.As(err, &head) {
		return nil, &Error{Status: http.StatusBadRequest, Code: "audit.head", Text: err.Error()}
	}
	return v, err
}
