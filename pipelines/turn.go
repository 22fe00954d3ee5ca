package pipelines

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/codec"
)

// settle begins the unit that ends a turn: guarded by the state the turn began with.
func (t *turn) settle(to ledger.State) *ledger.Settle {
	return &ledger.Settle{Delivery: t.d.ID, From: []ledger.State{t.d.State}, To: to, Absent: t.d.Absent, Progress: t.d.Progress}
}

// commit writes the unit and lets what it released into its lane.
func (t *turn) commit(ctx context.Context, s *ledger.Settle) (next, error) {
	cleanSettle(s)
	committing := t.e.opt.Now()
	if err := t.e.opt.Ledger.Commit(ctx, s); err != nil {
		return next{}, err
	}
	if !s.Applied {
		return next{}, errMoved
	}
	t.settled(s, committing)
	t.count(s)
	for _, m := range s.Moves {
		if m.Applied {
			t.e.left(t.d.Connection, t.d.Root, m.Delivery)
		}
	}
	own := false
	for _, p := range s.Released {
		if p.ID == t.d.ID {
			own = true
			continue
		}
		t.e.bus.Enqueue(p)
	}
	now := t.e.opt.Now()
	switch s.To {
	case ledger.Ready:
		return next{later: now}, nil
	case ledger.Unknown, ledger.Waiting, ledger.Accepted:
		return next{later: s.NextAt}, nil
	case ledger.Parked:
		return next{hold: s.Holds}, nil
	case ledger.Blocked:
		if own {
			// What it waits for is there already, by our books: not at once again, since the
			// target has just said otherwise.
			return next{later: now.Add(t.e.opt.Retry.wait(t.d.Attempts+1, 0, t.d.ID))}, nil
		}
		return t.blocked(), nil
	}
	return next{}, nil
}

// count says to the program what a target said to one of its documents; what another
// revision made says nothing about this one.
func (t *turn) count(s *ledger.Settle) {
	if s.Attempt == nil || s.Attempt.Kind != "send" || s.To != ledger.Delivered && s.To != ledger.Parked {
		return
	}
	_, made, _ := strings.Cut(t.d.MapVersion, "@")
	p := t.e.current()
	if step := t.e.step(t.d); step != nil && made == strconv.FormatInt(p.revision, 10) {
		p.tally.sent(step.Map.Name(), s.To == ledger.Delivered)
	}
}

// park keeps the lane closed where order matters, and where an attempt may have had an
// effect (Invariant 4).
func (t *turn) park(ctx context.Context, code, text string) (next, error) {
	s := t.settle(ledger.Parked)
	s.Code, s.Text, s.Clean, s.Holds = code, text, t.d.Clean, holds(t.opOrZero()) || t.unsure()
	s.Attempt = t.attempt("job", t.e.opt.Now(), s.To, code, text)
	return t.commit(ctx, s)
}

func (t *turn) opOrZero() *connectors.Operation {
	if t.op == nil {
		return &connectors.Operation{}
	}
	return t.op
}

func (t *turn) supersede(ctx context.Context, code, text string, cause int64) (next, error) {
	s := t.settle(ledger.Superseded)
	s.Code, s.Text, s.Cause, s.Clean = code, text, cause, true
	s.Attempt = t.attempt("job", t.e.opt.Now(), s.To, code, text)
	return t.commit(ctx, s)
}

func (t *turn) attempt(kind string, started time.Time, to ledger.State, code, text string) *ledger.Attempt {
	return &ledger.Attempt{Delivery: t.d.ID, N: t.d.Attempts, Kind: kind, StartedAt: started, EndedAt: t.e.opt.Now(),
		State: to, Code: code, Text: text, MapVersion: t.d.MapVersion}
}

// link reads the link of an operation of this connection under the delivery's key; nil
// when there is none.
func (t *turn) link(ctx context.Context, operation string) (*ledger.Link, error) {
	l, err := t.e.opt.Ledger.Link(ctx, t.d.Connection, operation, t.d.RemoteKey)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	return l, err
}

// document returns the target document: stored, or mapped now when the mapping reads
// links, the key has come to another generation, or a lookup entry released it.
func (t *turn) document(ctx context.Context) ([]byte, error) {
	if t.doc != nil {
		return t.doc, nil
	}
	doc, err := t.readOrMap(ctx)
	t.doc = doc
	return doc, err
}

func (t *turn) readOrMap(ctx context.Context) ([]byte, error) {
	if t.d.Payload != (ledger.Ref{}) {
		return t.e.opt.Ledger.Payload(ctx, t.d.Payload)
	}
	step := t.e.step(t.d)
	if step == nil {
		return nil, &prepareError{code: CodeFlowGone, text: fmt.Sprintf("flow %q no longer has the step %q", t.d.Flow, t.d.Step)}
	}
	rec, err := t.e.opt.Ledger.Record(ctx, t.d.Record)
	if err != nil {
		return nil, err
	}
	p, err := t.e.prepare(ctx, rec, step, t.d.RemoteKey, t.d.Generation)
	if err != nil {
		return nil, err
	}
	if t.d.State == ledger.Ready || t.d.State == ledger.Waiting {
		// Made durable before it is sent, so that a look-up compares with what left.
		u := &ledger.Settle{Delivery: t.d.ID, From: []ledger.State{t.d.State}, To: t.d.State, NextAt: t.d.NextAt,
			Code: t.d.Code, Text: t.d.Text, Clean: t.d.Clean, Absent: t.d.Absent,
			Revise: &ledger.Revision{Payload: p.doc, Digest: p.digest, MapVersion: p.version, Generation: t.d.Generation}}
		if err := t.e.opt.Ledger.Commit(ctx, u); err != nil {
			return nil, err
		}
		if !u.Applied {
			return nil, errMoved
		}
	}
	t.d.Digest, t.d.MapVersion = p.digest, p.version
	return p.doc, nil
}

// unmapped ends a turn whose document could not be made: blocked on a lookup, or parked.
func (t *turn) unmapped(ctx context.Context, err error) (next, error) {
	var pe *prepareError
	if !errors.As(err, &pe) {
		return next{}, err
	}
	if len(pe.deps) > 0 && t.d.State != ledger.Unknown {
		s := t.settle(ledger.Blocked)
		s.Code, s.Text, s.Deps, s.Clean = pe.code, pe.text, pe.deps, t.d.Clean
		s.Attempt = t.attempt("job", t.e.opt.Now(), s.To, s.Code, s.Text)
		return t.commit(ctx, s)
	}
	return t.park(ctx, pe.code, pe.text)
}

// scrub takes the document's personal values out of a text that a vendor may have
// echoed them in (Invariant 8).
func (t *turn) scrub(ctx context.Context, text string) string {
	if text == "" {
		return ""
	}
	step := t.e.step(t.d)
	if step == nil || step.Schema == nil {
		return text
	}
	doc, err := t.document(ctx)
	if err != nil {
		return "(text withheld: the document it may quote cannot be read)"
	}
	return scrub(text, step.Schema, doc)
}

func scrub(text string, schema *schemas.Schema, doc []byte) string {
	tree, err := codec.Decode(doc)
	if err != nil {
		return "(text withheld: the document it may quote cannot be read)"
	}
	text = storable(text)
	for _, v := range schema.PII(tree) {
		if len([]rune(v)) > 1 {
			text = strings.ReplaceAll(text, v, "***")
		}
	}
	return text
}

// storable takes out of a text what no store can hold: a vendor's broken encoding must
// not keep the outcome it came with from being written.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}

func cleanSettle(s *ledger.Settle) {
	s.Code, s.Text, s.Ticket = storable(s.Code), storable(s.Text), storable(s.Ticket)
	if a := s.Attempt; a != nil {
		a.Code, a.Text = storable(a.Code), storable(a.Text)
	}
	if l := s.Link; l != nil {
		for i, id := range l.RemoteIDs {
			l.RemoteIDs[i] = ledger.RemoteID{Kind: storable(id.Kind), Value: storable(id.Value)}
		}
	}
	for i, d := range s.Deps {
		s.Deps[i].Key = storable(d.Key)
	}
}

// prepared is a target document ready to store or send.
type prepared struct {
	doc     []byte
	digest  ledger.Digest
	version string
}

// prepareError says why a document could not be made; deps are lookup entries whose
// filling mends it.
type prepareError struct {
	code, text string
	deps       []ledger.Dep
}

func (e *prepareError) Error() string { return e.code + ": " + e.text }

// prepare maps a stored record to a step's target document from its raw bytes.
func (e *Engine) prepare(ctx context.Context, rec *ledger.Record, step *flow.Step, key string, generation int) (*prepared, error) {
	src, err := e.sourceOf(ctx, rec)
	if err != nil {
		return nil, err
	}
	f := e.flowOf(step)
	if f == nil {
		return nil, &prepareError{code: CodeFlowGone, text: fmt.Sprintf("there is no flow %q any more", step.Flow)}
	}
	tree, err := e.connections()[rec.DocKey.Connection].read(rec.Stream, src)
	if err != nil {
		return nil, &prepareError{code: CodeUnreadable, text: err.Error()}
	}
	canonical, perr := e.toCanonical(rec, f, tree)
	if perr != nil {
		return nil, perr
	}
	links, err := e.opt.Ledger.LinksByDoc(ctx, rec.Doc)
	if err != nil {
		return nil, err
	}
	p, perr := e.toTarget(rec, f, step, canonical, key, generation, links)
	if perr != nil {
		return nil, perr
	}
	return p, nil
}

// toTarget maps a canonical document to a step's target document and checks it.
func (e *Engine) toTarget(rec *ledger.Record, f *flow.Flow, step *flow.Step, canonical any, key string, generation int, links []ledger.Link) (_ *prepared, failed *prepareError) {
	defer func() { e.counted(step.Map.Name(), failed == nil) }()
	mc := e.mapContext(rec)
	mc.Key = remoteKey(step.Decl, key, generation)
	mc.Links = linksFor(f, links)
	tree, err := runSafely(step.Map, canonical, mc)
	if err != nil {
		return nil, mappingError(err)
	}
	if step.Schema != nil {
		if v := step.Schema.Validate(tree); len(v) > 0 {
			return nil, &prepareError{code: CodeSchemaTarget, text: violationText(v)}
		}
	}
	doc, err := codec.Encode(tree)
	if err != nil {
		return nil, &prepareError{code: CodeSchemaTarget, text: "the target document cannot be written: " + err.Error()}
	}
	return &prepared{doc: doc, digest: digest(doc), version: e.mapVersion(f, step)}, nil
}

// mapVersion names what made a document: both mappings by their content, and the
// revision of the program they stood in.
func (e *Engine) mapVersion(f *flow.Flow, step *flow.Step) string {
	v := f.Canonical.Version() + "/" + step.Map.Version()
	if n := e.current().revision; n > 0 {
		v += "@" + strconv.FormatInt(n, 10)
	}
	return v
}

// toCanonical maps a record's tree to its canonical document and checks it.
func (e *Engine) toCanonical(rec *ledger.Record, f *flow.Flow, tree any) (_ any, failed *prepareError) {
	defer func() { e.counted(f.Canonical.Name(), failed == nil) }()
	doc, err := runSafely(f.Canonical, tree, e.mapContext(rec))
	if err != nil {
		return nil, mappingError(err)
	}
	if v := f.Schema.Validate(doc); len(v) > 0 {
		return nil, &prepareError{code: CodeSchema, text: violationText(v)}
	}
	if check := e.opt.Checks[f.Entity]; check != nil {
		if err := check(doc); err != nil {
			return nil, &prepareError{code: CodeTotals, text: err.Error()}
		}
	}
	return doc, nil
}

func (e *Engine) mapContext(rec *ledger.Record) mapper.Context {
	ctx := mapper.Context{Lookups: e.current().opt.Tables, Source: map[string]any{"connection": rec.DocKey.Connection, "stream": rec.Stream,
		"key": rec.DocKey.Key}}
	if rec.Deleted {
		ctx.Source["deleted"] = true
	}
	if c := e.connections()[rec.DocKey.Connection]; c != nil {
		ctx.Store = c.Store
	}
	return ctx
}

// linksFor gives mappings the remote ids of the steps before them:
// @links.STEP.key and @links.STEP.ids.KIND.
func linksFor(f *flow.Flow, links []ledger.Link) map[string]any {
	if len(links) == 0 {
		return nil
	}
	out := map[string]any{}
	for _, s := range f.Steps {
		for _, l := range links {
			if l.Connection != s.Connection || l.Operation != s.Operation || l.Applied == 0 {
				continue
			}
			ids := map[string]any{}
			for _, id := range l.RemoteIDs {
				ids[id.Kind] = id.Value
			}
			out[strings.ReplaceAll(s.Name, ".", "_")] = map[string]any{"key": remoteKey(s.Decl, l.RemoteKey, l.Generation), "ids": ids}
		}
	}
	return out
}

// runSafely turns a panic of the mapping engine into an error: one document must not
// stop the others.
func runSafely(p *mapper.Program, in any, ctx mapper.Context) (out any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &prepareError{code: CodePanic, text: "the mapping " + p.Name() + " broke; this is a bug of minihub"}
		}
	}()
	return p.RunSharing(in, ctx) // nothing here changes a tree
}

func mappingError(err error) *prepareError {
	var pe *prepareError
	if errors.As(err, &pe) {
		return pe
	}
	if missing, only := mapper.MissingLookups(err); only {
		out := &prepareError{code: CodeMissingLookup, text: err.Error()}
		for _, m := range missing {
			out.deps = append(out.deps, ledger.Dep{Kind: ledger.DepLookup, Key: ledger.LookupKey(m.Table, m.Key)})
		}
		return out
	}
	var run *mapper.RunErrors
	if errors.As(err, &run) && len(run.Errors) > 0 {
		return &prepareError{code: run.Errors[0].Code, text: err.Error()}
	}
	return &prepareError{code: mapper.CodeValue, text: err.Error()}
}

func violationText(list []schemas.Violation) string {
	const most = 10
	var b strings.Builder
	for i, v := range list {
		if i == most {
			fmt.Fprintf(&b, "\nand %d more", len(list)-most)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(v.String())
	}
	return b.String()
}

func digest(b []byte) ledger.Digest {
	sum := sha256.Sum256(b)
	return ledger.Digest(sum[:16])
}

// budgetKey reads the key a one-shot budget is counted by out of the document.
func budgetKey(op *connectors.Operation, d *ledger.Delivery, doc []byte) (string, error) {
	if op.BudgetKey == "" {
		return d.RemoteKey, nil
	}
	tree, err := codec.Decode(doc)
	if err != nil {
		return "", err
	}
	for _, part := range strings.Split(strings.TrimPrefix(op.BudgetKey, "/"), "/") {
		m, ok := tree.(map[string]any)
		if !ok {
			return "", fmt.Errorf("the document has no %s, by which the vendor's budget is counted", op.BudgetKey)
		}
		tree = m[part]
	}
	switch v := tree.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	default:
		return "", fmt.Errorf("the document has no %s, by which the vendor's budget is counted", op.BudgetKey)
	}
}

// exchanges encodes what went over the wire, for support to read.
func exchanges(list []connectors.Exchange) []byte {
	if len(list) == 0 {
		return nil
	}
	b, err := json.Marshal(list)
	if err != nil {
		return nil
	}
	return b
}

func remoteIDs(list []connectors.RemoteID) []ledger.RemoteID {
	out := make([]ledger.RemoteID, len(list))
	for i, id := range list {
		out[i] = ledger.RemoteID{Kind: id.Kind, Value: id.Value}
	}
	return out
}
