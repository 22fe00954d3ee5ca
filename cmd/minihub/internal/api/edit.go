package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

// editing adds the calls that show a document to be edited, check what a person types,
// and store it.
func (a *API) editing() {
	for row, open := range map[string]opener{"messages": a.openMessage, "deliveries": a.openDelivery} {
		path := "/api/v1/" + row + "/{id}/edit"
		a.handle("GET "+path, func(r *http.Request) (any, error) { return a.editable(r, open) })
		a.handle("POST "+path+"/check", func(r *http.Request) (any, error) { return a.checkEdit(r, open) })
		a.handle("POST "+path+"/rehearsal", func(r *http.Request) (any, error) { return a.rehearseEdit(r, open) })
		a.handle("POST "+path, func(r *http.Request) (any, error) { return a.edit(r, open) })
	}
}

type opener func(ctx context.Context, id int64) (*pipelines.Editing, error)

func (a *API) openMessage(ctx context.Context, id int64) (*pipelines.Editing, error) {
	d, err := a.opt.Engine.EditRecord(ctx, id, a.sourceSchema)
	return d, missing("message", id, err)
}

func (a *API) openDelivery(ctx context.Context, id int64) (*pipelines.Editing, error) {
	d, err := a.opt.Engine.EditDelivery(ctx, id)
	return d, missing("delivery", id, err)
}

// Editable is a document to be edited.
type Editable struct {
	Message    int64  `json:"message"` // it belongs to
	Connection string `json:"connection"`
	Name       string `json:"name"` // operation or stream
	Key        string `json:"key"`
	State      string `json:"state"`
	Revision   int    `json:"revision"` // to be sent with the edit
	Edited     bool   `json:"edited"`   // a person has changed it before
	// Text is the document as text, so that no number loses digits, with its personal
	// values masked. Where a mask is left alone the stored value stays.
	Text   string          `json:"text"`
	Schema json.RawMessage `json:"schema,omitempty"` // JSON Schema, draft 7
	Repeat string          `json:"repeat,omitempty"`
	// Confirm: it may take effect twice, or must not be sent twice; a person confirms.
	Confirm bool `json:"confirm"`
}

// EditRequest is an edited document. Original asks, instead of one, that a message is
// mapped from its own document again.
type EditRequest struct {
	Document string `json:"document,omitempty"` // as text
	Original bool   `json:"original,omitempty"`
	Revision int    `json:"revision"` // of the document that was edited
	Why      string `json:"why"`
	Confirm  bool   `json:"confirm,omitempty"`
	Who      string `json:"who,omitempty"`
}

// CheckRequest is a document as somebody types it.
type CheckRequest struct {
	Document string `json:"document"`
}

// Checked is what an edited document would lead to; nothing is stored or sent. State,
// Code and Text are a message's where nothing of it would go out.
type Checked struct {
	Problems  []EditProblem `json:"problems"`
	Unchanged bool          `json:"unchanged"`
	Previewed
}

// EditProblem is one thing that is wrong with an edited document.
type EditProblem struct {
	Pointer string `json:"pointer"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1, in characters
	Rule    string `json:"rule"`
	Text    string `json:"text"`
	Hint    string `json:"hint,omitempty"`
}

func (a *API) editable(r *http.Request, open opener) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	d, err := open(r.Context(), id)
	if err != nil {
		return nil, editError(err)
	}
	defer d.Close()
	text, err := codec.Encode(schemas.Masked(d.Schema, d.Document))
	if err != nil {
		return nil, err
	}
	var lines bytes.Buffer
	if err := json.Indent(&lines, text, "", "  "); err != nil {
		return nil, err
	}
	out := Editable{Message: d.Message, Connection: d.Connection, Name: d.Name, Key: d.Key, State: d.State, Revision: d.Revision, Edited: d.Edited, Text: lines.String(),
		Repeat: string(d.Repeat), Confirm: d.Repeat == connectors.OneShot}
	if d.Schema != nil {
		out.Schema = d.Schema.Source()
	}
	return out, nil
}

// typed reads what a person typed and puts the stored values back where their masks
// were left alone (Invariant 8).
func typed(d *pipelines.Editing, text string) (any, []schemas.Violation) {
	tree, found := schemas.ReadTyped([]byte(text))
	if found != nil {
		return nil, found
	}
	return schemas.Unmask(d.Schema, d.Document, tree)
}

// asked opens what a call is about, with the text as somebody types it.
func asked(r *http.Request, open opener) (d *pipelines.Editing, text string, err error) {
	id, err := pathID(r)
	if err != nil {
		return nil, "", err
	}
	var req CheckRequest
	if err := body(r, &req); err != nil {
		return nil, "", err
	}
	if d, err = open(r.Context(), id); err != nil {
		return nil, "", editError(err)
	}
	return d, req.Document, nil
}

func (a *API) checkEdit(r *http.Request, open opener) (any, error) {
	d, text, err := asked(r, open)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	doc, found := typed(d, text)
	out := Checked{Problems: []EditProblem{}, Previewed: Previewed{Rows: []Preview{}}}
	if found == nil {
		trial, err := d.Try(r.Context(), doc)
		if err != nil {
			return nil, editError(err)
		}
		found, out.Unchanged = trial.Found, trial.Unchanged
		out.State, out.Code, out.Text = trial.State, trial.Code, trial.Text
		for _, p := range trial.Rows {
			out.Rows = append(out.Rows, a.preview(p))
		}
	}
	schemas.Locate([]byte(text), found)
	for _, v := range found {
		out.Problems = append(out.Problems, EditProblem{Pointer: v.Pointer, Line: v.Line, Column: v.Column, Rule: v.Rule, Text: v.Text, Hint: editHint(v)})
	}
	return out, nil
}

func (a *API) rehearseEdit(r *http.Request, open opener) (any, error) {
	d, text, err := asked(r, open)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	doc, found := typed(d, text)
	if found != nil {
		return nil, editProblems(text, found)
	}
	rows, err := d.Rehearse(r.Context(), doc)
	var bad *pipelines.EditError
	switch {
	case errors.As(err, &bad):
		return nil, editProblems(text, bad.Found)
	case err != nil:
		return nil, editError(err)
	}
	return a.rehearsed(r, rows...)
}

func (a *API) edit(r *http.Request, open opener) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	var req EditRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	req.Why = strings.TrimSpace(req.Why)
	if utf8.RuneCountInString(req.Why) < shortestReason {
		return nil, &Error{Status: http.StatusBadRequest, Code: "edit.why", Text: "no reason is given", Hint: "say in why it is changed: the reason stays with it"}
	}
	req.Who, req.Why = who(r, req.Who), cut(req.Why, longestWhy)
	if req.Original {
		return a.useOriginal(r, id, &req)
	}
	d, err := open(r.Context(), id)
	if err != nil {
		return nil, editError(err)
	}
	defer d.Close()
	if d.Revision != req.Revision {
		return nil, editError(pipelines.ErrMoved) // its masks are of another document
	}
	doc, found := typed(d, req.Document)
	if found != nil {
		return nil, editProblems(req.Document, found)
	}
	row, err := d.Apply(r.Context(), pipelines.Edit{Document: doc, Revision: req.Revision, Who: req.Who, Why: req.Why, Confirmed: req.Confirm})
	var bad *pipelines.EditError
	if errors.As(err, &bad) {
		return nil, editProblems(req.Document, bad.Found)
	}
	return row, editError(err)
}

func (a *API) useOriginal(r *http.Request, id int64, req *EditRequest) (any, error) {
	if strings.Contains(r.Pattern, "/deliveries/") || req.Document != "" {
		return nil, &Error{Status: http.StatusBadRequest, Code: "edit.original", Text: "original stands alone, and is asked of a message",
			Hint: "a delivery is made anew from its message by a replay with mode re-map"}
	}
	if err := a.opt.Engine.UseOriginal(r.Context(), id, req.Revision, req.Who, req.Why); err != nil {
		return nil, editError(missing("message", id, err))
	}
	rec, err := a.opt.Ledger.Record(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return pipelines.Replay{Record: id, Label: rec.Label, From: string(rec.State), To: string(rec.State)}, nil
}

// editError gives the refusals of an edit their codes.
func editError(err error) error {
	var still *pipelines.StillParked
	switch {
	case errors.As(err, &still):
		return &Error{Code: "edit.parked", Text: "the edited document cannot be mapped either: " + still.Text, Hint: "mend that too, or the mapping; code " + still.Code}
	case errors.Is(err, pipelines.ErrMoved):
		return &Error{Status: http.StatusConflict, Code: "edit.moved", Text: "somebody else was quicker, or it moved on: it is not any more what you saw", Hint: "open it again and look what it is now"}
	case errors.Is(err, pipelines.ErrUnchanged):
		return &Error{Code: "edit.unchanged", Text: err.Error()}
	case errors.Is(err, pipelines.ErrNotEditable):
		return &Error{Code: "edit.not", Text: err.Error()}
	}
	return err
}

// editHint leaves out the advice that is for whoever writes a mapping, and long lists.
func editHint(v schemas.Violation) string {
	if strings.HasPrefix(v.Hint, "map ") || len(v.Hint) > 200 {
		return ""
	}
	return v.Hint
}

func editProblems(text string, found []schemas.Violation) *Error {
	schemas.Locate([]byte(text), found)
	e := &Error{Code: "edit.problems", Text: fmt.Sprintf("the edited document has mistakes, the first at line %d: %s", found[0].Line, found[0].Text), Hint: "edit/check lists them with their lines"}
	for _, v := range found {
		e.Problems = append(e.Problems, &mapper.Problem{Code: v.Rule, Line: v.Line, Column: v.Column, Source: v.Pointer, Text: strings.TrimSpace(v.Pointer + " " + v.Text), Hint: editHint(v)})
	}
	return e
}

// EditRow is a document that a person changed, as it was and as it is since.
type EditRow struct {
	Revision int             `json:"revision"`
	At       time.Time       `json:"at"`
	Who      string          `json:"who"`
	Why      string          `json:"why"`
	Original bool            `json:"original,omitempty"` // they went back to the message's own document
	Before   json.RawMessage `json:"before,omitempty"`
	After    json.RawMessage `json:"after,omitempty"`
	// Changed are the JSON pointers of what differs, hidden values too.
	Changed []string `json:"changed,omitempty"`
}

// compare fills in both documents of an edit, masked, and where they differ.
func (a *API) compare(r *http.Request, row *EditRow, schema *schemas.Schema, before, after ledger.Ref) {
	row.Before, _ = a.masked(r, schema, before)
	row.After, _ = a.masked(r, schema, after)
	if row.Before == nil || row.After == nil {
		return
	}
	was, err := a.opt.Ledger.Payload(r.Context(), before)
	if err != nil {
		return // its age has just ended
	}
	is, err := a.opt.Ledger.Payload(r.Context(), after)
	if err != nil {
		return
	}
	row.Changed = differing(was, is)
}

// differing are the pointers of the fields that two documents do not share.
func differing(a, b []byte) (out []string) {
	var walk func(a, b any, at string)
	walk = func(a, b any, at string) {
		was, is := children(a), children(b)
		if was == nil || is == nil {
			if !reflect.DeepEqual(a, b) {
				out = append(out, at)
			}
			return
		}
		for _, k := range slices.Sorted(maps.Keys(was)) {
			walk(was[k], is[k], at+"/"+k)
		}
		for _, k := range slices.Sorted(maps.Keys(is)) {
			if _, there := was[k]; !there {
				walk(nil, is[k], at+"/"+k)
			}
		}
	}
	was, err := codec.Decode(a)
	if err != nil {
		return nil
	}
	is, err := codec.Decode(b)
	if err != nil {
		return nil
	}
	walk(was, is, "")
	return out
}

// children are the fields of an object or the items of a list by the tokens of their
// pointers; nil for anything else, and for what is empty.
func children(v any) map[string]any {
	out := map[string]any{}
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			out[pointerToken.Replace(k)] = child
		}
	case []any:
		for i, child := range v {
			out[strconv.Itoa(i)] = child
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

var pointerToken = strings.NewReplacer("~", "~0", "/", "~1")

// recordEdits are what people made of a message's document. Each act of a person is a
// revision, so most messages are not looked up.
func (a *API) recordEdits(r *http.Request, rec *ledger.Record) ([]EditRow, error) {
	if rec.Revision == 0 {
		return nil, nil
	}
	list, err := a.opt.Ledger.RecordEdits(r.Context(), rec.ID)
	schema := a.sourceSchema(rec.DocKey.Connection, rec.Stream)
	before := rec.Payload
	var out []EditRow
	for _, e := range list {
		row := EditRow{Revision: e.Revision, At: e.At, Who: e.Who, Why: e.Why, Original: e.After == (ledger.Ref{})}
		after := e.After
		if row.Original {
			after = rec.Payload
		}
		a.compare(r, &row, schema, before, after)
		before = after
		out = append(out, row)
	}
	return out, err
}

// deliveryEdits are what people made of a delivery's document.
func (a *API) deliveryEdits(r *http.Request, d *ledger.Delivery, schema *schemas.Schema) ([]EditRow, error) {
	if d.Revision == 0 {
		return nil, nil
	}
	list, err := a.opt.Ledger.DeliveryEdits(r.Context(), d.ID)
	var out []EditRow
	for _, e := range list {
		row := EditRow{Revision: e.Revision, At: e.At, Who: e.Who, Why: e.Why}
		a.compare(r, &row, schema, e.Before, e.After)
		out = append(out, row)
	}
	return out, err
}
