package connectors

import "fmt"

// Secret never prints itself (Invariant 8).
type Secret struct{ value string }

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the value, for the one place that sends or signs with it.
func (s Secret) Reveal() string { return s.value }

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.value == "" }

// Format prints a placeholder under every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	if s.value == "" {
		_, _ = f.Write([]byte("(none)"))
		return
	}
	_, _ = f.Write([]byte("****"))
}

// MarshalText keeps a secret out of JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) {
	if s.value == "" {
		return nil, nil
	}
	return []byte("****"), nil
}
