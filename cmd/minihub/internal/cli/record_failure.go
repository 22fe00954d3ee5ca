package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/mapweb"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/craft"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas"
)

// failure is a mapping that fails on a stored message, with what it was given.
type failure struct {
	what     string // message 7, or delivery 9 of message 7
	code     string // as stored
	program  *mapper.Program
	in       any
	schemas  []*schemas.Schema // of in; the first says which fields it has
	ctx      mapper.Context
	failures []mappings.Failure // of today's mapping
}

// failed finds the mapping that a message failed in: its canonical mapping when the
// message itself is parked, else the target mapping of a delivery.
func (r *root) failed(ctx context.Context, s *stored, rec *ledger.Record, tree any, delivery int64) (*failure, error) {
	what := fmt.Sprintf("message %d", rec.ID)
	var flows []*flow.Flow
	for _, f := range s.dep.Flows {
		if slices.Contains(f.Sources, flow.Source{Connection: rec.DocKey.Connection, Stream: rec.Stream}) {
			flows = append(flows, f)
		}
	}
	if rec.State == ledger.RecordParked && delivery == 0 {
		if !ofMapping(rec.Code) {
			return nil, r.refuse(text.RecordOther, what, rec.Code)
		}
		for _, f := range flows {
			found := &failure{what: what, code: rec.Code, program: f.Canonical, in: tree, schemas: s.schemasOf(rec, f.Canonical), ctx: s.context(rec)}
			if found.failures = s.failures(found, found.in, found.ctx); len(found.failures) > 0 {
				return r.unchanged(found)
			}
		}
		return nil, r.refuse(text.RecordMended, what, rec.Code)
	}
	rows, err := s.reader.RecordDeliveries(ctx, rec.ID)
	if err != nil {
		return nil, &app.StoreError{Err: err}
	}
	d, err := r.failedDelivery(what, rows, delivery)
	if err != nil {
		return nil, err
	}
	what = fmt.Sprintf("delivery %d of %s", d.ID, what)
	for _, f := range flows {
		step := f.StepNamed(d.Step)
		if f.Name != d.Flow || step == nil {
			continue
		}
		doc, err := mapSafely(f.Canonical, tree, s.context(rec))
		if err != nil {
			return nil, r.refuse(text.RecordCanonical, what, err)
		}
		mc, err := s.targetContext(ctx, rec, f, step, doc, d)
		if err != nil {
			return nil, r.refuse(text.RecordOther, what, pipelines.CodeKey)
		}
		found := &failure{what: what, code: d.Code, program: step.Map, in: doc, schemas: []*schemas.Schema{f.Schema}, ctx: mc}
		if found.failures = s.failures(found, doc, mc); len(found.failures) == 0 {
			return nil, r.refuse(text.RecordMended, what, d.Code)
		}
		return r.unchanged(found)
	}
	return nil, r.refuse(text.RecordOther, what, pipelines.CodeFlowGone)
}

// schemasOf are the schemas of a stream's documents: what the mapping says it reads, and
// what the connector says it gives.
func (s *stored) schemasOf(rec *ledger.Record, p *mapper.Program) (out []*schemas.Schema) {
	names := []string{p.Input()}
	if c := s.conns[rec.DocKey.Connection]; c != nil {
		if stream, ok := c.Connector.Stream(rec.Stream); ok {
			names = append(names, stream.Schema)
		}
	}
	for _, name := range names {
		if schema, ok := s.dep.Schemas.Get(name); ok && !slices.Contains(out, schema) {
			out = append(out, schema)
		}
	}
	return out
}

// failedDelivery is the one asked for, or the first that failed in its mapping.
func (r *root) failedDelivery(what string, rows []ledger.Delivery, id int64) (*ledger.Delivery, error) {
	var states []string
	for i := range rows {
		d := &rows[i]
		switch {
		case id == d.ID && !ofMapping(d.Code):
			return nil, r.refuse(text.RecordOther, fmt.Sprintf("delivery %d of %s", d.ID, what), cmp.Or(d.Code, string(d.State)))
		case id == d.ID, id == 0 && ofMapping(d.Code) && (d.State == ledger.Parked || d.State == ledger.Blocked):
			return d, nil
		}
		states = append(states, strings.TrimSpace(fmt.Sprintf("%d %s %s", d.ID, d.State, d.Code)))
	}
	if id != 0 {
		return nil, r.bad(text.NoDelivery, what, id, strings.Join(states, "; "))
	}
	return nil, r.refuse(text.RecordNothing, what, cmp.Or(strings.Join(states, "; "), r.texts.Say(text.NoErrors)))
}

// ofMapping says whether a stored code comes from a mapping or the schema behind it.
func ofMapping(code string) bool {
	return strings.HasPrefix(code, "mapping.") || code == pipelines.CodeSchema || code == pipelines.CodeSchemaTarget || code == pipelines.CodeMissingLookup
}

// failures runs a mapping and the check of its result, as the engine does.
func (s *stored) failures(f *failure, in any, ctx mapper.Context) []mappings.Failure {
	out, err := mapSafely(f.program, in, ctx)
	if err != nil {
		return mappings.Failures(err)
	}
	schema := f.program.Output()
	if schema == "" {
		return nil
	}
	return mappings.SchemaFailures(schema, mapweb.SchemasOf(s.dep.Schemas).Validate(schema, out))
}

// unchanged refuses a failure that has become another one since it was stored.
func (r *root) unchanged(f *failure) (*failure, error) {
	code := f.failures[0].Code
	if f.code == pipelines.CodeMissingLookup {
		code = f.code
		for _, one := range f.failures {
			if one.Code != mapper.CodeLookupMissing {
				code = one.Code
			}
		}
	}
	if code != f.code {
		return nil, r.refuse(text.RecordChanged, f.what, f.code, failureList(f.failures))
	}
	return f, nil
}

func failureList(list []mappings.Failure) string {
	var out []string
	for _, f := range list {
		out = append(out, strings.TrimSpace(f.Code+" "+f.Target))
	}
	return strings.Join(out, ", ")
}

// mask makes the case, and holds its failure against the real one.
func (r *root) mask(s *stored, rec *ledger.Record, f *failure) (*recording, error) {
	if len(f.schemas) == 0 {
		return nil, r.refuse(text.RecordNoSchema, f.what)
	}
	key := []byte(s.dep.Hub.SearchKey.Reveal())
	if len(key) == 0 {
		key = make([]byte, 32)
		rand.Read(key)
	}
	m := craft.NewMasker(key)
	hidden := f.in
	for _, schema := range f.schemas {
		hidden = schema.Mask(hidden) // personal is what any of them says is
	}
	in := m.Document(f.in, hidden, mapper.ShapeOf(f.schemas[0].Shape()))
	ctx := f.given(m)
	seen := &seenTables{under: s.tables, own: map[string]map[string]any{}}
	ctx.Lookups = seen
	failures := s.failures(f, in, ctx)
	if !sameFailures(f.failures, failures) {
		return nil, r.refuse(text.RecordOtherwise, f.what, failureList(f.failures), cmp.Or(failureList(failures), r.texts.Say(text.NoErrors)))
	}
	input, err := craft.Pretty(in)
	if err != nil {
		return nil, err
	}
	known, err := contextJSON(ctx, seen.own)
	if err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(f.program.Name(), "mappings/")
	about := fmt.Sprintf("Recorded from %s, %s of %s, personal values masked.\nIt fails: %s.", f.what, rec.DocKey.Entity, rec.Stream, failureList(failures))
	file := mappings.NewCase(about, name, known, input, mappings.ErrorLines(failures))
	if err := r.prove(s, file); err != nil {
		return nil, r.refuse(text.RecordUnproven, f.what, err)
	}
	return &recording{mapping: name, file: file, failures: failures, masked: m.Masked}, nil
}

// prove runs the case as `map test` will.
func (r *root) prove(s *stored, file []byte) error {
	c, err := mappings.ReadCase("case.txtar", file)
	if err != nil {
		return err
	}
	out, err := c.RunChecked(s.dep.Mappings, mapweb.SchemasOf(s.dep.Schemas).Validate)
	if err != nil {
		return err
	}
	if out.Diff != "" {
		return errors.New(out.Diff)
	}
	return nil
}

func sameFailures(a, b []mappings.Failure) bool {
	return slices.EqualFunc(a, b, func(x, y mappings.Failure) bool { return x.Code == y.Code && x.Target == y.Target })
}

// given is the part of the context that the mapping reads, masked: settings of the store
// below the first level, such as its sender, are somebody's.
func (f *failure) given(m *craft.Masker) mapper.Context {
	reads := func(name string) bool {
		return slices.ContainsFunc(f.program.Sources(), func(s string) bool {
			s = strings.TrimPrefix(s, "@")
			return s == name || strings.HasPrefix(s, name+".") || strings.HasPrefix(s, name+"[") || strings.HasPrefix(name, s+".")
		})
	}
	ctx := mapper.Context{}
	if reads("key") {
		ctx.Key = m.Foreign(f.ctx.Key)
	}
	ctx.Store = part(f.ctx.Store, "store.", reads, m)
	ctx.Source = part(f.ctx.Source, "source.", reads, m)
	ctx.Links = part(f.ctx.Links, "links.", reads, m)
	return ctx
}

func part(all map[string]any, at string, reads func(string) bool, m *craft.Masker) map[string]any {
	out := map[string]any{}
	for k, v := range all {
		if reads(at + k) {
			out[k] = beside(v, m, at == "store.")
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// beside masks a value of the context; whole below the first level of the store.
func beside(v any, m *craft.Masker, store bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, below := range v {
			if s, is := below.(string); is && store {
				out[k] = m.Text(s)
				continue
			}
			out[k] = beside(below, m, store)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, below := range v {
			out[i] = beside(below, m, store)
		}
		return out
	case string:
		return m.Foreign(v)
	}
	return v
}

// seenTables notes the ledger's own entries that a run reads: a case must bring them.
type seenTables struct {
	under *storedTables
	own   map[string]map[string]any
}

func (t *seenTables) Has(table string) bool { return t.under.Has(table) }

func (t *seenTables) Get(table, key string) (any, bool) {
	v, ok := t.under.Get(table, key)
	if _, over := t.under.over[table][key]; over {
		if t.own[table] == nil {
			t.own[table] = map[string]any{}
		}
		t.own[table][key] = v
	}
	return v, ok
}

// contextJSON is a context as a case has it; nothing when it is empty.
func contextJSON(ctx mapper.Context, lookups map[string]map[string]any) ([]byte, error) {
	out := map[string]any{}
	for name, v := range map[string]map[string]any{"store": ctx.Store, "source": ctx.Source, "links": ctx.Links} {
		if len(v) > 0 {
			out[name] = v
		}
	}
	if ctx.Key != "" {
		out["key"] = ctx.Key
	}
	if len(lookups) > 0 {
		out["lookups"] = lookups
	}
	if len(out) == 0 {
		return nil, nil
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(out)
	return []byte(b.String()), err
}
