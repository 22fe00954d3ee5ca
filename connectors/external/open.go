package external

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
	"github.com/minihub/minihub/schemas/codec"
)

// open starts the program and gives the connection the abilities it named. The engine
// looks at some of them by their presence alone, so they must not be pretended.
func (p *program) open(ctx context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
	c := newConnection(p, cfg, env)
	if _, err := c.running(ctx); err != nil {
		_ = c.Close() // nothing has been opened
		if field, ok := strings.CutPrefix(err.Code, "config."); ok {
			return nil, &connectors.FieldError{Field: field, Text: err.Text}
		}
		return nil, err
	}
	base := abilities{c}
	switch decodes, looks := c.can(wire.CanDecode), c.can(wire.CanLookup); {
	case decodes && looks:
		return struct {
			abilities
			looker
			decoder
		}{base, looker{c}, decoder{c}}, nil
	case decodes:
		return struct {
			abilities
			decoder
		}{base, decoder{c}}, nil
	case looks:
		return struct {
			abilities
			looker
		}{base, looker{c}}, nil
	}
	return base, nil
}

// abilities are those that the engine uses only where the declaration asks for them.
type abilities struct{ *connection }

var (
	_ connectors.Source   = abilities{}
	_ connectors.Fetcher  = abilities{}
	_ connectors.Acker    = abilities{}
	_ connectors.Receiver = abilities{}
	_ connectors.Sink     = abilities{}
	_ connectors.Poller   = abilities{}
	_ connectors.Querier  = abilities{}
	_ connectors.Pinger   = abilities{}
)

// looker and decoder are there only when the program has the ability.
type looker struct{ c *connection }

type decoder struct{ c *connection }

// missing says what the declaration needs and the program cannot.
func missing(c *connectors.Connector, able []string) string {
	var out []string
	need := func(needed bool, who, ability string) {
		if needed && !slices.Contains(able, ability) {
			out = append(out, fmt.Sprintf("%s needs the ability %q", who, ability))
		}
	}
	for _, a := range able {
		if !slices.Contains(wire.Abilities(), a) {
			out = append(out, fmt.Sprintf("%q is no ability (known: %s)", a, strings.Join(wire.Abilities(), ", ")))
		}
	}
	for _, s := range c.Streams {
		who := "stream " + s.Name
		need(s.Pull, who, wire.CanPull)
		need(s.Push, who, wire.CanReceive)
		need(s.Hints, who, wire.CanFetch)
		need(s.List.Can, who, wire.CanQuery)
	}
	for _, o := range c.Operations {
		who := "operation " + o.Name
		need(true, who, wire.CanDeliver)
		need(o.Repeat == connectors.AskFirst, who, wire.CanLookup)
		need(o.Poll > 0, who, wire.CanPoll)
		need(o.List.Can, who, wire.CanQuery)
	}
	return strings.Join(out, "; ")
}

// differences lists where two declarations part, at most a few.
func differences(described, said *connectors.Connector) []string {
	a, b := *described, *said
	a.Name, b.Name = "", "" // the deployment's file gives the name
	left, errA := plain(a)
	right, errB := plain(b)
	if err := errors.Join(errA, errB); err != nil {
		return []string{err.Error()}
	}
	out := unlike(nil, "", left, right)
	if len(out) > 3 {
		out = append(out[:3], fmt.Sprintf("and %d more", len(out)-3))
	}
	return out
}

func plain(c connectors.Connector) (any, error) {
	raw, err := wire.Encode(c)
	if err != nil {
		return nil, err
	}
	return codec.Decode(raw)
}

func unlike(out []string, at string, a, b any) []string {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			names := map[string]bool{}
			for k := range x {
				names[k] = true
			}
			for k := range y {
				names[k] = true
			}
			for _, k := range sorted(names) {
				out = unlike(out, at+"/"+k, x[k], y[k])
			}
			return out
		}
	case []any:
		if y, ok := b.([]any); ok && len(x) == len(y) {
			for i := range x {
				out = unlike(out, fmt.Sprintf("%s/%d", at, i), x[i], y[i])
			}
			return out
		}
	}
	if x, y := show(a), show(b); x != y {
		out = append(out, fmt.Sprintf("%s is %s in the description and %s in the program", at, x, y))
	}
	return out
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// show writes a part of a declaration in a few characters.
func show(v any) string {
	if v == nil {
		return "nothing"
	}
	b, err := codec.Encode(v)
	if err != nil {
		return err.Error()
	}
	if len(b) > 80 {
		return strings.ToValidUTF8(string(b[:80]), "") + "…"
	}
	return string(b)
}
