package connectortest

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/minihub/minihub/connectors"
)

// declaration: valid, honoured, and wholly covered by the suite.
func (r *runner) declaration(t *testing.T) {
	if _, err := connectors.NewRegistry(r.Connector); err != nil {
		t.Error(err)
	}
	c := r.Connector
	if c.Name == "" || c.Title == "" || c.Role == "" || c.Text == "" || c.Docs == "" {
		t.Error("name, title, role, text and docs must be given: connectors describe shows them")
	}
	for _, f := range c.Config {
		if f.Name == "" || f.Kind == "" || f.Text == "" {
			t.Errorf("config field %q needs a name, a kind and a text", f.Name)
		}
	}
	for _, o := range c.Operations {
		if !slices.ContainsFunc(r.Operations, func(s Operation) bool { return s.Name == o.Name }) {
			t.Errorf("operation %s has no samples in the suite", o.Name)
		}
	}
	for _, st := range c.Streams {
		if !slices.ContainsFunc(r.Streams, func(s Stream) bool { return s.Name == st.Name }) {
			t.Errorf("stream %s has no samples in the suite", st.Name)
		}
	}
	for _, o := range r.Operations {
		if _, ok := c.Operation(o.Name); !ok {
			t.Fatalf("the suite has samples of operation %s, which is not declared", o.Name)
		}
	}
	for _, st := range r.Streams {
		if _, ok := c.Stream(st.Name); !ok {
			t.Fatalf("the suite has samples of stream %s, which is not declared", st.Name)
		}
	}
}

// config: every required field that is missing is named, and so is an unknown one.
func (r *runner) config(t *testing.T) {
	given := r.Start(t).Values
	clone := func() connectors.Values {
		return connectors.Values{Text: maps.Clone(given.Text), Secrets: maps.Clone(given.Secrets), Maps: maps.Clone(given.Maps)}
	}
	names := func(v connectors.Values) []string {
		_, errs := connectors.NewConfig(r.Connector.Config, v)
		var out []string
		for _, err := range errs {
			var fe *connectors.FieldError
			if !errors.As(err, &fe) {
				t.Errorf("%v is no FieldError", err)
				continue
			}
			out = append(out, fe.Field)
		}
		return out
	}
	for _, f := range r.Connector.Config {
		if !f.Required || f.Default != "" {
			continue
		}
		v := clone()
		delete(v.Text, f.Name)
		delete(v.Secrets, f.Name)
		delete(v.Maps, f.Name)
		if got := names(v); !slices.Equal(got, []string{f.Name}) {
			t.Errorf("without %s the errors name %v", f.Name, got)
		}
	}
	v := clone()
	if v.Text == nil {
		v.Text = map[string]string{}
	}
	v.Text["no_such_field"] = "x"
	if got := names(v); !slices.Equal(got, []string{"no_such_field"}) {
		t.Errorf("with an unknown field the errors name %v", got)
	}
}

// closeTwice: the harness closes once more.
func closeTwice(h *harness) {
	if err := h.conn.Close(); err != nil {
		h.Errorf("first close: %v", err)
	}
}
