package mapper

// Tables gives access to lookup tables. A program asks at every run, so an
// entry filled while the hub runs takes effect without compiling again. It
// must be safe for concurrent use.
type Tables interface {
	// Has says whether the table exists; mappings that name another do not compile.
	Has(table string) bool
	// Get answers the value of an entry: a text, a number or a document.
	Get(table, key string) (value any, ok bool)
}

// Context is what a run knows beside the document. Paths read it with @
// (@key, @store.code), expressions by bare name (key, store.code) or through
// context (context.key).
type Context struct {
	Key    string         // the remote key, built by the flow
	Store  map[string]any // the store: code, name, currency, time_zone, ...
	Source map[string]any // where the record came from: connection, stream, ...
	Links  map[string]any // alias -> link of a predecessor: its remote ids
	Values map[string]any // further values by name; the mapping must be compiled with them declared
	// Lookups is asked instead of the tables given at compile time, if set.
	Lookups Tables
}

// value answers a context value by name; nil where there is none.
func (c *Context) value(name string) any {
	switch name {
	case "key":
		if c.Key != "" {
			return c.Key
		}
	case "store":
		if c.Store != nil {
			return c.Store
		}
	case "source":
		if c.Source != nil {
			return c.Source
		}
	case "links":
		if c.Links != nil {
			return c.Links
		}
	default:
		return c.Values[name]
	}
	return nil
}

// contextNames lists the context values a mapping may use.
func contextNames(declared map[string]Shape) []string {
	names := []string{"key", "store", "source", "links"}
	for name := range declared {
		switch name {
		case "key", "store", "source", "links":
		default:
			names = append(names, name)
		}
	}
	return names
}

// session is one run's state: what it may read and what it has spent.
type session struct {
	ctx    *Context
	root   any
	tables Tables
	zones  *zoneCache
	work   int
	out    output
	m      *machine

	sharing bool // the result may hold parts of what was read
}

func newSession(ctx *Context, root any, tables Tables, zones *zoneCache) *session {
	if ctx.Lookups != nil {
		tables = ctx.Lookups
	}
	return &session{ctx: ctx, root: root, tables: tables, zones: zones, m: machines.Get().(*machine)}
}

// close ends the run. Nothing of its frames may be used afterwards.
func (s *session) close() { s.m.release() }

// frame is the place in the document that rows and expressions work from. It
// is the environment of every expression.
type frame struct {
	s        *session
	it       any
	up       *frame
	index    int // of the item in its list, from 0
	position int // of the result in its target list, from 1
	memo     []remembered
}

// frame makes a place of this run, or takes one that is done.
func (s *session) frame(it any, up *frame, index, position int) *frame {
	var f *frame
	if n := len(s.m.spare); n > 0 {
		f, s.m.spare = s.m.spare[n-1], s.m.spare[:n-1]
	} else {
		f = new(frame)
	}
	f.s, f.it, f.up, f.index, f.position = s, it, up, index, position
	return f
}

// done gives the frame back, so that a run over a long list needs no more
// frames than its rows are deep.
func (f *frame) done() {
	m := f.s.m
	clear(f.memo)
	*f = frame{memo: f.memo}
	m.spare = append(m.spare, f)
}

var errWork = &fault{code: CodeLimit, text: "the mapping does too much work for one document",
	hint: "avoid lists nested inside lists, or split the document"}

// charge spends work and fails once the run's share is used up.
func (f *frame) charge(n int) error {
	if f.s.work += n; f.s.work > maxWork {
		return errWork
	}
	return nil
}

// close ends the run of a single frame.
func (f *frame) close() {
	s := f.s
	f.done()
	s.close()
}

// read evaluates a path.
func (f *frame) read(p *path) (any, error) {
	v := f.it
	switch p.from {
	case fromRoot:
		v = f.s.root
	case fromUp:
		at := f
		for range p.up {
			if at.up == nil {
				return nil, wrong("use fewer ^", "there is no enclosing item")
			}
			at = at.up
		}
		v = at.it
	case fromContext:
		v = f.s.ctx.value(p.name)
	}
	return follow(v, p.steps)
}
