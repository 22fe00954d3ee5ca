package people

import (
	"context"
	"errors"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// NewInvite returns a one-time invite to keep and its secret, for the link.
func NewInvite(person string, roles []string, until time.Time) (ledger.Invite, string) {
	s := secret()
	return ledger.Invite{ID: idOf(s), Person: person, Roles: roles, Until: until}, s
}

// First returns the secret of a link that makes the first person, an admin; empty when
// there is somebody already. It makes earlier ones worthless.
func (d *Desk) First(ctx context.Context) (string, error) {
	all, err := d.Store.Persons(ctx)
	if err != nil || len(all) > 0 {
		return "", err
	}
	i, s := NewInvite("", []string{string(Admin)}, d.now().Add(FirstLife))
	return s, d.Store.Commit(ctx, &ledger.PutInvite{Invite: i})
}

// Invited returns whom a link is for, empty for the first person.
func (d *Desk) Invited(ctx context.Context, secret string) (*ledger.Invite, error) {
	i, err := d.Store.Invite(ctx, idOf(secret))
	if errors.Is(err, ledger.ErrNotFound) || err == nil && !d.now().Before(i.Until) {
		return nil, ErrNoInvite
	}
	return i, err
}

// Accept uses a link up: it sets the password of the person it is for, or makes the
// first person under the name, and signs in. The audit entry shares the transaction.
func (d *Desk) Accept(ctx context.Context, secret, name, password, from string) (*Identity, error) {
	i, err := d.Invited(ctx, secret)
	if err != nil {
		return nil, err
	}
	first := i.Person == ""
	if !first {
		name = i.Person
	}
	if name, err = CheckName(name); err != nil {
		return nil, &InputError{err}
	}
	if err := CheckPassword(name, password); err != nil {
		return nil, &InputError{err}
	}
	hash, err := HashPassword(ctx, password)
	if err != nil {
		return nil, err
	}
	set := &ledger.SetPerson{Name: name, Make: first, First: first, Hash: &hash, Invite: i.ID}
	entry := &ledger.AddAudit{When: &set.Applied, Entry: ledger.AuditEntry{Who: name, Act: "invite.accept", Target: "person " + name, From: from, Phase: ledger.AuditDone}}
	if err := d.Store.Commit(ctx, set, entry); err != nil {
		return nil, err
	}
	if !set.Applied {
		return nil, ErrNoInvite
	}
	p, err := d.Store.Person(ctx, name)
	if err != nil {
		return nil, err
	}
	if p.Disabled {
		return nil, ErrNoEntry
	}
	return d.begin(ctx, p, from)
}

// InputError is a name or a password that cannot be.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }

func (e *InputError) Unwrap() error { return e.Err }
