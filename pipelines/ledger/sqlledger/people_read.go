package sqlledger

import (
	"context"

	"github.com/minihub/minihub/pipelines/ledger"
)

// only returns the first row, or ledger.ErrNotFound.
func only[K comparable, R any](ctx context.Context, s *Store, t *table[K, R], what, tail string, args ...any) (*R, error) {
	var out *R
	err := s.one(ctx, what, "SELECT "+t.selected+" FROM "+t.from+" "+tail, args, func(r row) error {
		_, found := t.scan(r)
		out = &found
		return nil
	})
	return out, err
}

// Person returns a person by name.
func (s *Store) Person(ctx context.Context, name string) (*ledger.Person, error) {
	return only(ctx, s, s.t.people.persons, "person", "WHERE t.name = ?", name)
}

// PersonOf returns the person whom a provider knows by a subject.
func (s *Store) PersonOf(ctx context.Context, subject string) (*ledger.Person, error) {
	if subject == "" {
		return nil, ledger.ErrNotFound // local people have none
	}
	return only(ctx, s, s.t.people.persons, "person", "WHERE t.subject = ?", subject)
}

// Persons returns everybody, by name.
func (s *Store) Persons(ctx context.Context) ([]ledger.Person, error) {
	return selects(ctx, s, s.t.people.persons, "persons", "ORDER BY t.name")
}

// Token returns an API token by its public part.
func (s *Store) Token(ctx context.Context, id string) (*ledger.Token, error) {
	return only(ctx, s, s.t.people.tokens, "token", "WHERE t.id = ?", id)
}

// Tokens returns all API tokens, oldest first.
func (s *Store) Tokens(ctx context.Context) ([]ledger.Token, error) {
	return selects(ctx, s, s.t.people.tokens, "tokens", "ORDER BY t.created_at, t.id")
}

// Session returns a session.
func (s *Store) Session(ctx context.Context, id string) (*ledger.Session, error) {
	return only(ctx, s, s.t.people.sessions, "session", "WHERE t.id = ?", id)
}

// Sessions returns the sessions of a person, newest first.
func (s *Store) Sessions(ctx context.Context, person string) ([]ledger.Session, error) {
	return selects(ctx, s, s.t.people.sessions, "sessions", "WHERE t.person = ? ORDER BY t.began_at DESC, t.id", person)
}

// Invite returns an invite that was not used.
func (s *Store) Invite(ctx context.Context, id string) (*ledger.Invite, error) {
	return only(ctx, s, s.t.people.invites, "invite", "WHERE t.id = ?", id)
}
