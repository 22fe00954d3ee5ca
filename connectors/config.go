package connectors

import (
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Config is a connection's checked configuration, by field name.
type Config struct {
	text    map[string]string
	secrets map[string]Secret
	maps    map[string]map[string]string
}

// Values is configuration as a file gave it: text for every plain field, resolved
// secrets, and maps.
type Values struct {
	Text    map[string]string
	Secrets map[string]Secret
	Maps    map[string]map[string]string
}

// NewConfig checks values against the fields and reports every problem at once, each
// naming its field.
func NewConfig(fields []Field, v Values) (Config, []error) {
	c := Config{text: map[string]string{}, secrets: map[string]Secret{}, maps: map[string]map[string]string{}}
	var errs []error
	known := map[string]Field{}
	for _, f := range fields {
		known[f.Name] = f
	}
	for _, name := range v.names() {
		if _, ok := known[name]; !ok {
			errs = append(errs, &FieldError{name, fmt.Sprintf("unknown field; known: %s", strings.Join(fieldNames(fields), ", "))})
		}
	}
	for _, f := range fields {
		if err := c.take(f, v); err != nil {
			errs = append(errs, &FieldError{f.Name, err.Error()})
		}
	}
	return c, errs
}

// FieldError is a problem of one configuration field.
type FieldError struct{ Field, Text string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Text }

func (c *Config) take(f Field, v Values) error {
	switch f.Kind {
	case FieldSecret:
		s, ok := v.Secrets[f.Name]
		if _, plain := v.Text[f.Name]; plain {
			return fmt.Errorf("is a secret: give it by reference, ${env:NAME} or ${file:PATH}")
		}
		if f.Required && (!ok || s.Empty()) {
			return fmt.Errorf("is required: %s", f.Text)
		}
		c.secrets[f.Name] = s
		return nil
	case FieldMap:
		m, ok := v.Maps[f.Name]
		if f.Required && !ok {
			return fmt.Errorf("is required: %s", f.Text)
		}
		c.maps[f.Name] = m
		return nil
	}
	s, ok := v.Text[f.Name]
	if !ok {
		s = f.Default
	}
	if s == "" {
		if f.Required {
			return fmt.Errorf("is required: %s", f.Text)
		}
		c.text[f.Name] = s
		return nil
	}
	if err := f.check(s); err != nil {
		return err
	}
	c.text[f.Name] = s
	return nil
}

func (f Field) check(s string) error {
	if len(f.Enum) > 0 && !slices.Contains(f.Enum, s) {
		return fmt.Errorf("%q is not one of %s", s, strings.Join(f.Enum, ", "))
	}
	var err error
	switch f.Kind {
	case FieldInt:
		_, err = strconv.Atoi(s)
	case FieldBool:
		_, err = strconv.ParseBool(s)
	case FieldDuration:
		_, err = time.ParseDuration(s)
	case FieldURL:
		var u *url.URL
		u, err = url.Parse(s)
		if err == nil && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			err = fmt.Errorf("want http(s)://host/path")
		}
	}
	if err != nil {
		return fmt.Errorf("%q is not a %s: %w", s, f.Kind, err)
	}
	return nil
}

// String returns a text field.
func (c Config) String(name string) string { return c.text[name] }

// Secret returns a secret field.
func (c Config) Secret(name string) Secret { return c.secrets[name] }

// Map returns a map field; nil when it was not given.
func (c Config) Map(name string) map[string]string { return c.maps[name] }

// Int returns an int field; NewConfig has checked it.
func (c Config) Int(name string) int {
	n, _ := strconv.Atoi(c.text[name])
	return n
}

// Bool returns a bool field.
func (c Config) Bool(name string) bool {
	b, _ := strconv.ParseBool(c.text[name])
	return b
}

// Duration returns a duration field.
func (c Config) Duration(name string) time.Duration {
	d, _ := time.ParseDuration(c.text[name])
	return d
}

func (v Values) names() []string {
	var out []string
	for k := range v.Text {
		out = append(out, k)
	}
	for k := range v.Secrets {
		out = append(out, k)
	}
	for k := range v.Maps {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func fieldNames(fields []Field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return out
}
