package app

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// vault keeps rotating credentials in the ledger, encrypted with AES-256-GCM under a
// key that is given by reference (Invariant 8). Entries are bound to their name.
type vault struct {
	ledger ledger.Ledger
	prefix string
	aead   cipher.AEAD // nil: no key was given
}

func newVault(l ledger.Ledger, key connectors.Secret, connection string) (*vault, error) {
	v := &vault{ledger: l, prefix: connection + "/"}
	if key.Empty() {
		return v, nil
	}
	sum := sha256.Sum256([]byte(key.Reveal()))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, err
	}
	v.aead, err = cipher.NewGCM(block)
	return v, err
}

var errNoKey = errors.New("this connection rotates credentials, and hub.yaml gives no secrets.vault_key to keep them under")

func (v *vault) Get(ctx context.Context, name string) (connectors.Secret, int64, error) {
	sealed, version, err := v.ledger.VaultGet(ctx, v.prefix+name)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return connectors.Secret{}, 0, nil // none yet
	case err != nil:
		return connectors.Secret{}, 0, err
	}
	if v.aead == nil {
		return connectors.Secret{}, 0, errNoKey
	}
	n := v.aead.NonceSize()
	if len(sealed) < n {
		return connectors.Secret{}, 0, fmt.Errorf("the vault entry %s%s is damaged", v.prefix, name)
	}
	plain, err := v.aead.Open(nil, sealed[:n], sealed[n:], []byte(v.prefix+name))
	if err != nil {
		return connectors.Secret{}, 0, fmt.Errorf("the vault entry %s%s does not open: was secrets.vault_key changed?", v.prefix, name)
	}
	return connectors.NewSecret(string(plain)), version, nil
}

func (v *vault) Swap(ctx context.Context, name string, version int64, next connectors.Secret) error {
	if v.aead == nil {
		return errNoKey
	}
	nonce := make([]byte, v.aead.NonceSize())
	rand.Read(nonce)
	err := v.ledger.VaultSwap(ctx, v.prefix+name, version, v.aead.Seal(nonce, nonce, []byte(next.Reveal()), []byte(v.prefix+name)))
	if errors.Is(err, ledger.ErrConflict) {
		return &connectors.Error{Kind: connectors.Conflict, Scope: connectors.OfConnection, Code: "vault.moved", Text: "the credential was renewed by somebody else", Err: err}
	}
	return err
}
