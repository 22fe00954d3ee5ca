package connectors

import (
	"context"
	"errors"
	"fmt"
	"sort"
)

// Registry is the connectors a program knows. It is a value: tests build their own.
type Registry struct{ byName map[string]*Connector }

// NewRegistry checks the declarations and reports every problem at once.
func NewRegistry(list ...*Connector) (*Registry, error) {
	r := &Registry{byName: map[string]*Connector{}}
	var errs []error
	for _, c := range list {
		if r.byName[c.Name] != nil {
			errs = append(errs, fmt.Errorf("connector %s is registered twice", c.Name))
		}
		r.byName[c.Name] = c
		errs = append(errs, c.validate()...)
	}
	return r, errors.Join(errs...)
}

// Get returns a connector by name.
func (r *Registry) Get(name string) (*Connector, bool) {
	c, ok := r.byName[name]
	return c, ok
}

// List returns the connectors by name.
func (r *Registry) List() []*Connector {
	out := make([]*Connector, 0, len(r.byName))
	for _, c := range r.byName {
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// Operation returns a declared operation.
func (c *Connector) Operation(name string) (*Operation, bool) {
	for i := range c.Operations {
		if c.Operations[i].Name == name {
			return &c.Operations[i], true
		}
	}
	return nil, false
}

// Stream returns a declared stream.
func (c *Connector) Stream(name string) (*Stream, bool) {
	for i := range c.Streams {
		if c.Streams[i].Name == name {
			return &c.Streams[i], true
		}
	}
	return nil, false
}

// OpenConnection opens a connection and holds it against its declaration.
func (c *Connector) OpenConnection(ctx context.Context, cfg Config, env Env) (Connection, error) {
	conn, err := c.Open(ctx, cfg, env)
	if err != nil {
		return nil, err
	}
	if err := c.honours(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// honours checks that a connection has the abilities its connector declares.
func (c *Connector) honours(conn Connection) error {
	var errs []error
	need := func(ok bool, who, ability string) {
		if !ok {
			errs = append(errs, fmt.Errorf("connector %s: %s needs the ability %s", c.Name, who, ability))
		}
	}
	_, source := conn.(Source)
	_, fetcher := conn.(Fetcher)
	_, receiver := conn.(Receiver)
	_, sink := conn.(Sink)
	_, looker := conn.(Looker)
	_, poller := conn.(Poller)
	_, querier := conn.(Querier)
	for _, s := range c.Streams {
		who := "stream " + s.Name
		need(!s.Pull || source, who, "Source")
		need(!s.Push || receiver, who, "Receiver")
		need(!s.Hints && !s.Complete || fetcher, who, "Fetcher")
		need(!s.List.Can || querier, who, "Querier")
	}
	for _, o := range c.Operations {
		who := "operation " + o.Name
		need(sink, who, "Sink")
		need(o.Repeat != AskFirst || looker, who, "Looker")
		need(o.Poll == 0 || poller, who, "Poller")
		need(!o.List.Can || querier, who, "Querier")
	}
	return errors.Join(errs...)
}

func (c *Connector) validate() []error {
	var errs []error
	bad := func(format string, a ...any) {
		errs = append(errs, fmt.Errorf("connector %s: %s", c.Name, fmt.Sprintf(format, a...)))
	}
	limits := map[string]bool{}
	for _, l := range c.Limits {
		limits[l.Name] = true
		if l.Requests > 0 && l.Per <= 0 {
			bad("limit %s counts requests but has no span", l.Name)
		}
	}
	uses := func(who string, lists ...[]Use) {
		for _, list := range lists {
			for _, u := range list {
				if !limits[u.Limit] {
					bad("%s uses limit %q, which is not declared", who, u.Limit)
				}
			}
		}
	}
	for _, s := range c.Streams {
		if s.Entity == "" {
			bad("stream %s has no entity", s.Name)
		}
		if s.Windowed && (s.MaxSpan <= 0 || s.Grain <= 0) {
			bad("stream %s is windowed but has no MaxSpan or Grain", s.Name)
		}
		if s.Complete && (s.Windowed || !s.Pull) {
			bad("stream %s is complete: it must be pulled, and without windows", s.Name)
		}
		if s.Also != "" {
			if _, ok := c.Stream(s.Also); !ok {
				bad("stream %s also fetches %q, which is not declared", s.Name, s.Also)
			}
		}
		if !s.List.Can && s.List.Reason == "" {
			bad("stream %s does not say why it cannot be listed", s.Name)
		}
		uses("stream "+s.Name, s.PullUses, s.FetchUses)
	}
	for _, o := range c.Operations {
		if o.Carries == "" || o.Changes == "" || o.Repeat == "" {
			bad("operation %s must declare carries, changes and repeat", o.Name)
		}
		if o.Repeat == OneShot && o.Budget <= 0 {
			bad("operation %s is one-shot and has no budget", o.Name)
		}
		if o.Undoes != "" {
			if _, ok := c.Operation(o.Undoes); !ok {
				bad("operation %s undoes %q, which is not declared", o.Name, o.Undoes)
			}
		}
		if !o.List.Can && o.List.Reason == "" {
			bad("operation %s does not say why it cannot be listed", o.Name)
		}
		uses("operation "+o.Name, o.Uses, o.LookupUses, o.PollUses)
	}
	return errs
}
