package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

// EditedByHand is the mapping version of a target document that a person changed: no
// mapping made it.
const EditedByHand = "edited"

// The errors of an edit that a person can mend.
var (
	ErrNotEditable = errors.New("there is nothing to edit")
	ErrUnchanged   = errors.New("nothing was changed; replay it as it is")
)

// EditError says what is wrong with an edited document.
type EditError struct{ Found []schemas.Violation }

func (e *EditError) Error() string { return violationText(e.Found) }

// StillParked says that an edited source document cannot be mapped.
type StillParked struct{ Code, Text string }

func (e *StillParked) Error() string { return e.Text }

// Editing is a stored document that a person may change: the target document of a parked
// or blocked delivery, or the source document of a message that could not be mapped. It
// holds true values; whoever shows it masks them. Close gives it back.
type Editing struct {
	Document   any             // as it is now
	Schema     *schemas.Schema // of the document; nil when a source has none
	Revision   int             // to be seen by whoever edits
	Edited     bool            // a person has changed it before
	State      string
	Message    int64 // it belongs to
	Connection string
	Name       string // operation or stream
	Key        string
	Repeat     connectors.Repeat // of a delivery's operation
	Attempts   int

	e        *Engine
	leave    func()
	delivery *ledger.Delivery
	op       *connectors.Operation
	record   *ledger.Record
}

// Edit is what a person did to a document.
type Edit struct {
	Document any // the whole document, nothing masked
	Revision int // that they saw
	Who, Why string
	// Confirmed: they read that it may take effect twice.
	Confirmed bool
}

// Trial is what an edited document would lead to. Nothing is stored or sent.
type Trial struct {
	Found []schemas.Violation
	// Rows are the documents that would go out; State, Code and Text are a message's where
	// nothing of it would.
	Rows       []Preview
	State      string
	Code, Text string
	Unchanged  bool
}

// Close gives the program back that the editing holds.
func (d *Editing) Close() { d.leave() }

// EditDelivery opens the target document of a parked or blocked delivery.
func (e *Engine) EditDelivery(ctx context.Context, id int64) (*Editing, error) {
	d, err := e.opt.Ledger.Delivery(ctx, id)
	if err != nil {
		return nil, err
	}
	v, leave := e.enter(d.Root)
	out, err := v.editDelivery(ctx, d)
	if err != nil {
		leave()
		return nil, err
	}
	out.leave = leave
	return out, nil
}

func (e *Engine) editDelivery(ctx context.Context, d *ledger.Delivery) (*Editing, error) {
	c, err := e.connection(d.Connection)
	if err != nil {
		return nil, err
	}
	op, ok := c.Connector.Operation(d.Operation)
	step := e.step(d)
	switch {
	case !ok:
		return nil, fmt.Errorf("connection %s no longer has the operation %s", d.Connection, d.Operation)
	case step == nil:
		return nil, fmt.Errorf("%w: flow %q no longer has the step %q", ErrNotEditable, d.Flow, d.Step)
	case d.State != ledger.Parked && d.State != ledger.Blocked:
		return nil, fmt.Errorf("%w: delivery %d is %s; only parked and blocked ones are edited", ErrNotEditable, d.ID, d.State)
	case d.Payload == (ledger.Ref{}):
		return nil, fmt.Errorf("%w: no document has been made of delivery %d yet; mend what it waits for, or the mapping, and re-map", ErrNotEditable, d.ID)
	}
	body, err := e.opt.Ledger.Payload(ctx, d.Payload)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, fmt.Errorf("%w: the document of delivery %d is past its retention; re-pull it", ErrNotEditable, d.ID)
	}
	if err != nil {
		return nil, err
	}
	tree, err := codec.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("%w: the stored document cannot be read: %w", ErrNotEditable, err)
	}
	return &Editing{Document: tree, Schema: step.Schema, Revision: d.Revision, Edited: d.MapVersion == EditedByHand, State: string(d.State), Message: d.Record,
		Connection: d.Connection, Name: d.Operation, Key: d.RemoteKey, Repeat: op.Repeat, Attempts: d.Attempts, e: e, delivery: d, op: op}, nil
}

// EditRecord opens the source document of a message that is parked, or that no flow takes;
// schemaOf gives the schema of a stream's documents, nil where there is none.
func (e *Engine) EditRecord(ctx context.Context, id int64, schemaOf func(connection, stream string) *schemas.Schema) (*Editing, error) {
	rec, err := e.opt.Ledger.Record(ctx, id)
	if err != nil {
		return nil, err
	}
	v, leave := e.enter(rec.Root)
	out, err := v.editRecord(ctx, rec)
	if err != nil {
		leave()
		return nil, err
	}
	out.Schema, out.leave = schemaOf(out.Connection, out.Name), leave
	return out, nil
}

func (e *Engine) editRecord(ctx context.Context, rec *ledger.Record) (*Editing, error) {
	c, err := e.connection(rec.DocKey.Connection)
	if err != nil {
		return nil, err
	}
	switch {
	case rec.State != ledger.RecordParked && rec.State != ledger.RecordNoTarget:
		return nil, fmt.Errorf("%w: message %d is %s; its source document is edited only while it is parked or has no target. Edit the documents of its deliveries", ErrNotEditable, rec.ID, rec.State)
	case rec.Deleted:
		return nil, fmt.Errorf("%w: the source no longer has message %d", ErrNotEditable, rec.ID)
	}
	src, err := e.sourceOf(ctx, rec)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, fmt.Errorf("%w: the document of message %d is past its retention; re-pull it", ErrNotEditable, rec.ID)
	}
	if err != nil {
		return nil, err
	}
	tree, err := c.read(rec.Stream, src)
	if err != nil {
		return nil, fmt.Errorf("%w: what came of message %d cannot be read, so nobody knows what in it is personal; re-pull it", ErrNotEditable, rec.ID)
	}
	return &Editing{Document: tree, Revision: rec.Revision, Edited: src.edited, State: string(rec.State), Message: rec.ID,
		Connection: rec.DocKey.Connection, Name: rec.Stream, Key: rec.DocKey.Key, e: e, record: rec}, nil
}

// check applies the rules of the document: its schema, and what must stay as it is.
func (d *Editing) check(doc any) []schemas.Violation {
	if d.record != nil {
		found := frozen(d.Schema, d.Document, doc, d.record.DocKey.Key, "the record key: the message would be another one")
		if d.Schema == nil {
			return found
		}
		// What the source itself got wrong was taken before, and is not this person's to mend.
		return append(found, schemas.Added(d.Schema.Validate(doc), d.Schema.Validate(d.Document))...)
	}
	var found []schemas.Violation
	for _, key := range slices.Compact([]string{d.delivery.RemoteKey, remoteKey(d.op, d.delivery.RemoteKey, d.delivery.Generation)}) {
		found = append(found, frozen(d.Schema, d.Document, doc, key, "the remote key: the target would know it as another document")...)
	}
	if d.op.BudgetKey != "" {
		tokens := strings.Split(strings.TrimPrefix(d.op.BudgetKey, "/"), "/")
		if was := leafAt(d.Document, tokens); was != "" && leafAt(doc, tokens) != was {
			found = append(found, schemas.At(d.Schema, tokens, ruleFrozen, "is what the vendor's calls are counted by", "put it back as it was"))
		}
	}
	if d.Schema == nil {
		return found
	}
	return append(found, d.Schema.Validate(doc)...)
}

// Try says what an edited document would lead to.
func (d *Editing) Try(ctx context.Context, doc any) (*Trial, error) {
	out := &Trial{Found: d.check(doc)}
	body, unchanged, err := d.encode(doc)
	if err != nil || len(out.Found) > 0 {
		return out, err
	}
	out.Unchanged = unchanged
	if d.delivery != nil {
		out.Rows = []Preview{{Delivery: d.delivery.ID, Flow: d.delivery.Flow, Step: d.delivery.Step, Connection: d.Connection, Operation: d.Name,
			Key: d.Key, State: ledger.Ready, Document: body, Repeat: d.Repeat, Attempts: d.Attempts, Edited: true}}
		return out, nil
	}
	e, leave := d.e.enterTrial(d.record.Root)
	defer leave()
	route, err := e.again(ctx, d.record, source{body, true})
	if err != nil {
		return nil, err
	}
	out.State, out.Code, out.Text, out.Rows = string(route.To), route.Code, route.Text, e.previews(route, true)
	return out, nil
}

func (d *Editing) encode(doc any) (body []byte, unchanged bool, err error) {
	was, err := codec.Encode(d.Document)
	if err != nil {
		return nil, false, err
	}
	body, err = codec.Encode(doc)
	return body, string(was) == string(body), err
}

// Apply stores the edited document as a new revision beside the original and lets it go
// on, in one commit.
func (d *Editing) Apply(ctx context.Context, ed Edit) (Replay, error) {
	out := Replay{From: d.State}
	if d.delivery != nil {
		out.Record, out.Delivery, out.Label = d.delivery.Record, d.delivery.ID, d.delivery.RemoteKey
	} else {
		out.Record, out.Label = d.record.ID, d.record.Label
	}
	if ed.Revision != d.Revision {
		return out, ErrMoved
	}
	if found := d.check(ed.Document); len(found) > 0 {
		return out, &EditError{found}
	}
	body, unchanged, err := d.encode(ed.Document)
	if err != nil {
		return out, err
	}
	if unchanged {
		return out, ErrUnchanged
	}
	if d.delivery != nil {
		err = d.applyDelivery(ctx, body, ed, &out)
	} else {
		err = d.applyRecord(ctx, body, ed, &out)
	}
	return out, err
}

func (d *Editing) applyDelivery(ctx context.Context, body []byte, ed Edit, out *Replay) error {
	s, err := resume(d.delivery, d.op, ed.Who, ed.Confirmed)
	if err != nil {
		return err
	}
	if s.Deps, err = d.keeps(ctx); err != nil {
		return err
	}
	s.Revise = &ledger.Revision{Payload: body, Digest: digest(body), MapVersion: EditedByHand, Generation: d.delivery.Generation, Bump: true}
	s.IfRevision, s.Edit = &ed.Revision, &ledger.NewEdit{Who: ed.Who, Why: ed.Why}
	return d.e.resumed(ctx, d.delivery, s, "edit", ed.Why, out)
}

// keeps is what the delivery waits for whatever its document says: its predecessors, and a
// newer version that the flow wants. An entry or a reference that the old document lacked
// is the new one's to name again.
func (d *Editing) keeps(ctx context.Context) ([]ledger.Dep, error) {
	if d.delivery.State == ledger.Parked {
		return d.e.waitsFor(ctx, d.delivery)
	}
	deps, err := d.e.opt.Ledger.Deps(ctx, d.delivery.ID)
	return slices.DeleteFunc(deps, func(p ledger.Dep) bool { return p.Kind != ledger.DepPredecessor && p.Kind != ledger.DepNewer }), err
}

func (d *Editing) applyRecord(ctx context.Context, body []byte, ed Edit, out *Replay) error {
	_, tr := d.e.begin(ctx, "edit", d.e.opt.Now())
	route, err := d.e.again(ctx, d.record, source{body, true})
	if err != nil {
		return err
	}
	if route.To == ledger.RecordParked {
		return &StillParked{route.Code, route.Text}
	}
	route.IfRevision, route.Edit = &ed.Revision, &ledger.NewEdit{Who: ed.Who, Why: ed.Why, Document: body}
	return d.e.routedAgain(ctx, d.record, route, tr, out)
}

// UseOriginal makes a message's own document again what it is mapped from, after an edit.
// Its deliveries keep the documents they have until they are re-mapped.
func (e *Engine) UseOriginal(ctx context.Context, record int64, revision int, who, why string) error {
	rec, err := e.opt.Ledger.Record(ctx, record)
	if err != nil {
		return err
	}
	src, err := e.lastEdit(ctx, rec)
	if err != nil {
		return err
	}
	if !src.edited {
		return fmt.Errorf("%w: message %d is mapped from its own document", ErrNotEditable, record)
	}
	u := &ledger.Route{Record: rec.ID, From: []ledger.RecordState{rec.State}, To: rec.State, Code: rec.Code, Text: rec.Text, Replay: true,
		IfRevision: &revision, Edit: &ledger.NewEdit{Who: who, Why: why}}
	if err := e.opt.Ledger.Commit(ctx, u); err != nil {
		return err
	}
	if !u.Applied {
		return fmt.Errorf("%w: message %d", ErrMoved, record)
	}
	return nil
}

const ruleFrozen = "frozen"

// shortKey is how short a key may be to stand in a document by chance.
const shortKey = 6

// frozen holds every place where a document carries its key to the value it has. A short
// key is looked for only where the field's name says that it is one.
func frozen(s *schemas.Schema, was, is any, key, why string) (found []schemas.Violation) {
	if key == "" {
		return nil
	}
	var walk func(v any, tokens []string)
	walk = func(v any, tokens []string) {
		switch v := v.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(v[name], append(slices.Clip(tokens), name))
			}
		case []any:
			for i, child := range v {
				walk(child, append(slices.Clip(tokens), strconv.Itoa(i)))
			}
		default:
			if leaf(v) != key || len(tokens) > 0 && len(key) < shortKey && !namesKey(tokens[len(tokens)-1]) {
				return
			}
			if leafAt(is, tokens) != key {
				found = append(found, schemas.At(s, tokens, ruleFrozen, "is "+why, "put it back as it was"))
			}
		}
	}
	walk(was, nil)
	return found
}

func namesKey(field string) bool {
	field = strings.ToLower(field)
	return slices.ContainsFunc([]string{"id", "no", "key", "code", "number", "ref", "reference"}, func(end string) bool { return strings.HasSuffix(field, end) })
}

func leaf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// leafAt is the text or number at a place; empty when there is none.
func leafAt(v any, tokens []string) string {
	for _, t := range tokens {
		switch at := v.(type) {
		case map[string]any:
			v = at[t]
		case []any:
			i, err := strconv.Atoi(t)
			if err != nil || i < 0 || i >= len(at) {
				return ""
			}
			v = at[i]
		default:
			return ""
		}
	}
	return leaf(v)
}
