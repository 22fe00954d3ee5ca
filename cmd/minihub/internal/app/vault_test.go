package app

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

func openVault(t *testing.T, key string) *vault {
	t.Helper()
	l, err := sqlledger.Open(context.Background(), sqlledger.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "hub.db"), Secret: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	secret := connectors.Secret{}
	if key != "" {
		secret = connectors.NewSecret(key)
	}
	v, err := newVault(l, secret, "oms")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVaultKeepsCredentialsEncrypted(t *testing.T) {
	t.Parallel()
	ctx, v := context.Background(), openVault(t, "invented-vault-key")
	if s, version, err := v.Get(ctx, "token"); err != nil || version != 0 || !s.Empty() {
		t.Fatalf("an entry that is not there yet: %v, version %d, %v; want none, version 0", s, version, err)
	}
	if err := v.Swap(ctx, "token", 0, connectors.NewSecret("refresh-1")); err != nil {
		t.Fatal(err)
	}
	s, version, err := v.Get(ctx, "token")
	if err != nil || version != 1 || s.Reveal() != "refresh-1" {
		t.Fatalf("got version %d, %v; want refresh-1 in version 1", version, err)
	}
	sealed, _, err := v.ledger.VaultGet(ctx, "oms/token")
	if err != nil || string(sealed) == "refresh-1" {
		t.Fatalf("the store holds %q, %v; want it encrypted", sealed, err)
	}
	var moved *connectors.Error
	if err := v.Swap(ctx, "token", 0, connectors.NewSecret("refresh-2")); !errors.As(err, &moved) || moved.Kind != connectors.Conflict {
		t.Errorf("a swap of an old version: %v, want a conflict", err)
	}
}

func TestVaultNeedsAKeyToKeepAnything(t *testing.T) {
	t.Parallel()
	if err := openVault(t, "").Swap(context.Background(), "token", 0, connectors.NewSecret("refresh-1")); !errors.Is(err, errNoKey) {
		t.Errorf("swap without a key: %v, want %v", err, errNoKey)
	}
}
