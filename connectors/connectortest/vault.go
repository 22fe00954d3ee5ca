package connectortest

import (
	"context"
	"sync"

	"github.com/minihub/minihub/connectors"
)

// Vault is a vault in memory.
type Vault struct {
	mu     sync.Mutex
	values map[string]kept
}

type kept struct {
	secret  connectors.Secret
	version int64
}

// Get implements connectors.Vault.
func (v *Vault) Get(_ context.Context, name string) (connectors.Secret, int64, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.values[name]
	return k.secret, k.version, nil
}

// Swap implements connectors.Vault.
func (v *Vault) Swap(_ context.Context, name string, version int64, next connectors.Secret) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.values[name].version != version {
		return &connectors.Error{Kind: connectors.Conflict, Scope: connectors.OfConnection, Code: "vault.conflict", Text: "another version is kept"}
	}
	if v.values == nil {
		v.values = map[string]kept{}
	}
	v.values[name] = kept{next, version + 1}
	return nil
}

// secrets lists the texts kept now.
func (v *Vault) secrets() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []string
	for _, k := range v.values {
		out = append(out, k.secret.Reveal())
	}
	return out
}
