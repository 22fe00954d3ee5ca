package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
	"github.com/minihub/minihub/schemas/codec"
)

// stored is a deployment with its store opened for reading, beside a running hub or
// without one: what the engine would know when it maps a stored record.
type stored struct {
	dep    *config.Deployment
	reader *sqlledger.Reader
	tables *storedTables
	conns  map[string]*config.Connection
	decode map[string]connectors.Decoder // of connections whose documents are not JSON
	open   []connectors.Connection
}

func (r *root) stored(ctx context.Context, readers int) (_ *stored, err error) {
	s := &stored{conns: map[string]*config.Connection{}, decode: map[string]connectors.Decoder{}}
	s.dep, err = config.Load(r.dir, config.Options{Registry: r.registry, Tables: func(files *mappings.Lookups) mapper.Tables {
		s.tables = &storedTables{files: files, over: map[string]map[string]string{}}
		return s.tables
	}})
	if err != nil {
		return nil, err
	}
	for i := range s.dep.Connections {
		s.conns[s.dep.Connections[i].Name] = &s.dep.Connections[i]
	}
	if s.reader, err = sqlledger.OpenReader(ctx, s.dep.Hub.Store, readers); err != nil {
		if errors.Is(err, ledger.ErrNotFound) {
			return nil, r.bad(text.NoStore, r.dir)
		}
		return nil, &app.StoreError{Err: err}
	}
	for _, name := range s.tables.files.Names() {
		if s.tables.over[name], err = s.reader.Lookups(ctx, name); err != nil {
			return nil, errors.Join(&app.StoreError{Err: err}, s.close())
		}
	}
	return s, nil
}

func (s *stored) close() error {
	var errs []error
	for _, c := range s.open {
		errs = append(errs, c.Close())
	}
	return errors.Join(append(errs, s.reader.Close())...)
}

// openDecoder finds out how the documents of a connection are read. Only an opened
// connection tells; nothing is called through it. One that cannot be opened here, for
// want of a secret, is read as JSON.
func (s *stored) openDecoder(ctx context.Context, name string) (err error) {
	c := s.conns[name]
	if c == nil {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("connection %s does not open without its hub", name)
		}
	}()
	conn, err := c.Connector.OpenConnection(ctx, c.Config, connectors.Env{Log: zap.NewNop(), Now: time.Now, Name: name})
	if err != nil {
		return fmt.Errorf("connection %s does not open: %w", name, err)
	}
	if d, is := conn.(connectors.Decoder); is {
		s.decode[name] = d
		s.open = append(s.open, conn)
		return nil
	}
	return conn.Close()
}

// tree reads a stored document.
func (s *stored) tree(rec *ledger.Record, body []byte) (any, error) {
	if d := s.decode[rec.DocKey.Connection]; d != nil {
		return d.Decode(rec.Stream, body)
	}
	return codec.Decode(body)
}

// context is what the engine gives the mappings of a record.
func (s *stored) context(rec *ledger.Record) mapper.Context {
	ctx := mapper.Context{Lookups: s.tables, Source: map[string]any{"connection": rec.DocKey.Connection, "stream": rec.Stream, "key": rec.DocKey.Key}}
	if c := s.conns[rec.DocKey.Connection]; c != nil {
		ctx.Store = c.Store
	}
	return ctx
}

// targetContext adds what a step's mapping reads beside: the remote key and the links of
// the steps before it. known is the delivery that was made, nil when there is none.
func (s *stored) targetContext(ctx context.Context, rec *ledger.Record, f *flow.Flow, step *flow.Step, doc any, known *ledger.Delivery) (mapper.Context, error) {
	mc := s.context(rec)
	if step.Late {
		links, err := s.reader.LinksByDoc(ctx, rec.Doc)
		if err != nil {
			return mc, err
		}
		mc.Links = pipelines.LinkContext(f, links)
	}
	if known != nil && known.RemoteKey != "" {
		mc.Key = pipelines.RemoteKey(step.Decl, known.RemoteKey, known.Generation)
		return mc, nil
	}
	key, err := step.Key.Eval(doc, s.context(rec))
	mc.Key = key
	return mc, err
}

// use is one place where a flow uses a mapping.
type use struct {
	flow *flow.Flow
	step *flow.Step // nil: as the flow's canonical mapping
}

// uses finds the flows that use a mapping of the set.
func (s *stored) uses(name string) (out []use) {
	for _, f := range s.dep.Flows {
		if f.Canonical.Name() == "mappings/"+name {
			out = append(out, use{flow: f})
		}
		for _, step := range f.Steps {
			if step.Map.Name() == "mappings/"+name {
				out = append(out, use{f, step})
			}
		}
	}
	return out
}

// used lists the mappings that flows use.
func (s *stored) used() (names []string) {
	for _, f := range s.dep.Flows {
		names = append(names, strings.TrimPrefix(f.Canonical.Name(), "mappings/"))
		for _, step := range f.Steps {
			names = append(names, strings.TrimPrefix(step.Map.Name(), "mappings/"))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// storedTables are the lookup tables as the hub sees them: the ledger's entries over the
// files.
type storedTables struct {
	files *mappings.Lookups
	over  map[string]map[string]string
}

func (t *storedTables) Has(table string) bool { return t.files.Has(table) }

func (t *storedTables) Get(table, key string) (any, bool) {
	if v, ok := t.over[table][key]; ok {
		return v, true
	}
	return t.files.Get(table, key)
}
