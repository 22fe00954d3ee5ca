package sqlledger

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/minihub/minihub/pipelines/ledger"
)

// op is a unit in the writer. want asks for the rows it names, more for rows that are
// only known once those are there; apply changes them.
type op interface {
	want(w *work)
	more(w *work)
	apply(w *work)
}

// prepare checks a unit and does on the caller's goroutine what needs no database:
// digests and hashes.
func (s *Store) prepare(u ledger.Unit) (op, error) {
	switch u := u.(type) {
	case *ledger.Intake:
		return s.prepareIntake(u)
	case *ledger.Route:
		return s.prepareRoute(u)
	case *ledger.Start:
		c := &checker{what: "start"}
		c.budget(u.Budget)
		return &startOp{u}, c.err
	case *ledger.Settle:
		return s.prepareSettle(u)
	case *ledger.Progress:
		return &progressOp{u}, nil
	case *ledger.PutLookup:
		c := &checker{what: "lookup entry"}
		c.key("table", u.Table)
		c.key("key", u.Key)
		c.text("value", u.Value)
		c.text("who", u.Who)
		c.text("why", u.Why)
		return &lookupOp{u}, c.err
	case *ledger.PutGate:
		g := u.Gate
		c := &checker{what: "gate"}
		c.key("connection", g.Connection)
		c.key("operation", g.Operation)
		for _, t := range []string{g.Reason, g.Code, g.Text, g.Who} {
			c.text("reason, code, text or person", t)
		}
		return &gateOp{u}, c.err
	default:
		return preparePeople(u)
	}
}

// checker collects the first thing that is wrong with a unit.
type checker struct {
	what string
	err  error
}

func (c *checker) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("ledger: %s: "+format, append([]any{c.what}, args...)...)
	}
}

// text refuses what PostgreSQL could not store, in both stores alike. The value is not
// repeated: it may be personal.
func (c *checker) text(field, value string) {
	if strings.IndexByte(value, 0) >= 0 {
		c.fail("%s holds a NUL byte; remove it before the ledger", field)
	} else if !utf8.ValidString(value) {
		c.fail("%s is not valid UTF-8; decode it before the ledger", field)
	}
}

// keyLimit is how long a text may be that an index holds: PostgreSQL takes 2,700 bytes
// for the three parts of a key.
const keyLimit = 800

// key refuses a text that could not be indexed, in both stores alike.
func (c *checker) key(field, value string) {
	c.text(field, value)
	if len(value) > keyLimit {
		c.fail("%s is %d bytes long, and a key may have %d; take a shorter one or a digest of it", field, len(value), keyLimit)
	}
}

func (c *checker) texts(m map[string]string) {
	for k, v := range m {
		c.text("header name", k)
		c.text("header "+strconv.Quote(k), v)
	}
}

func (c *checker) budget(b *ledger.Budget) {
	if b != nil {
		c.key("budget connection", b.Connection)
		c.key("budget operation", b.Operation)
		c.key("budget key", b.Key)
	}
}

func (c *checker) state(field string, s ledger.State) {
	if !slices.Contains(ledger.States(), s) {
		c.fail("%s %q is not a state of a delivery", field, s)
	}
}

// deps reads dependencies; "#i" stands for the i-th of n new deliveries and is kept as
// a negative delivery id until that has one.
func (c *checker) deps(ds []ledger.Dep, n int) []target {
	ts := make([]target, 0, len(ds))
	for _, d := range ds {
		switch d.Kind {
		case ledger.DepPredecessor:
			number, local := strings.CutPrefix(d.Key, "#")
			id, err := strconv.ParseInt(number, 10, 64)
			switch {
			case err != nil || id < 0:
				c.fail("predecessor %q is neither a delivery id nor #i", d.Key)
			case local && id >= int64(n):
				c.fail("predecessor %q: the unit has %d new deliveries", d.Key, n)
			case local:
				ts = append(ts, predecessor(-1-id))
			default:
				ts = append(ts, predecessor(id))
			}
			continue
		case ledger.DepReference:
			if strings.Count(d.Key, keySep) < 2 {
				c.fail("reference %q was not made by ReferenceKey", d.Key)
			}
		case ledger.DepLookup:
			if !strings.Contains(d.Key, keySep) {
				c.fail("lookup dependency %q was not made by LookupKey", d.Key)
			}
		case ledger.DepNewer:
		default:
			c.fail("dependency of kind %q is not known", d.Kind)
		}
		c.key("dependency", d.Key)
		ts = append(ts, target{d.Kind, d.Key})
	}
	return ts
}

// settleLocal replaces the stand-ins of deps by the ids of the created deliveries.
func settleLocal(ts []target, created []*ledger.NewDelivery) []target {
	out := slices.Clone(ts)
	for i, t := range out {
		if t.kind == ledger.DepPredecessor && strings.HasPrefix(t.key, "-") {
			out[i] = predecessor(created[-1-deliveryOf(t.key)].ID)
		}
	}
	return out
}

func digest(b []byte) ledger.Digest {
	sum := sha256.Sum256(b)
	return digestOf(sum[:])
}
