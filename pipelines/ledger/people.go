package ledger

import (
	"context"
	"time"
)

// Person is somebody who signs in by name.
type Person struct {
	Name     string
	Subject  string // who they are to the provider that vouches for them; empty = a local person
	Hash     string // of the password, in the form its maker gave it; empty = none
	Roles    []string
	Disabled bool
	// Generation is raised whenever the password changes or the person is disabled:
	// sessions of an older one are over.
	Generation int64
	Created    time.Time
	Changed    time.Time
	SignedIn   time.Time // the last time; zero = never
}

// Token is a bearer token of the API. What is shown once is not stored, only its digest.
type Token struct {
	ID      string // public part, by which a token is found
	Name    string
	Digest  Sum // SHA-256 of the secret part
	Roles   []string
	Maker   string
	Created time.Time
	Expires time.Time // zero = never
	Used    time.Time // within a minute; zero = never
	Revoked time.Time // zero = it is not
}

// Session is one sign-in of a person.
type Session struct {
	ID         string // hex of the digest of what the browser holds
	Person     string
	Generation int64 // of the person when it began
	From       string
	Began      time.Time
	Seen       time.Time // within a minute
	Until      time.Time // it ends then, used or not
}

// Invite lets its holder set a person's password once. Without a person it makes the
// first one, under a name of the holder's choice.
type Invite struct {
	ID     string // hex of the digest of what the link holds
	Person string
	Roles  []string
	Until  time.Time
}

// SetPerson makes or changes a person. Guards: a made one is not there yet, a changed one
// is; the invite, when one is named, is there, has not run out and is for this person; no
// other person has the subject of one who is made; the role to keep, when one is named, is
// left to somebody.
type SetPerson struct {
	Name     string
	Make     bool
	Subject  string  // of one who is made
	Hash     *string // nil: as it was
	Roles    []string
	Disabled *bool
	// Invite is used up by this change; empty = none is needed. First: it is no person's
	// invite, and there must be nobody yet.
	Invite string
	First  bool
	// Keep is a role that must not leave its last holder who is enabled and has a
	// password. Last: that is why the change was not applied.
	Keep string
	Last bool

	Applied bool
}

// PutToken keeps a new token; guard: its id is new.
type PutToken struct {
	Token   Token
	Applied bool
}

// RevokeToken ends a token; guard: it is there and has not ended.
type RevokeToken struct {
	ID      string
	Applied bool
}

// UseToken notes that a token was used.
type UseToken struct{ ID string }

// PutSession keeps a new session.
type PutSession struct{ Session Session }

// UseSession notes that a session was used.
type UseSession struct{ ID string }

// DropSession ends a session.
type DropSession struct{ ID string }

// PutInvite keeps a new invite. One for the first person replaces those before it.
type PutInvite struct{ Invite Invite }

// CountTry counts an attempt to sign in under every key, before the password is looked
// at, so that many at once do not slip through. Allowed is false, and nothing is
// counted, while a key is locked.
type CountTry struct {
	Limits []TryLimit
	Window time.Duration // tries older than this are forgotten
	Lock   time.Duration // of a key with more tries than its limit, doubled with each more
	Most   time.Duration // a lock is never longer

	Allowed bool
	Until   time.Time // when the lock ends
}

// TryLimit is how many tries a key has in a window.
type TryLimit struct {
	Key string
	Max int
}

// ForgetTry takes one try back from a key, or all of them: the password was right.
type ForgetTry struct {
	Key string
	All bool
}

// SweepPeople drops sessions, invites and counted tries that have run out.
type SweepPeople struct{}

func (*SetPerson) unit()   {}
func (*PutToken) unit()    {}
func (*RevokeToken) unit() {}
func (*UseToken) unit()    {}
func (*PutSession) unit()  {}
func (*UseSession) unit()  {}
func (*DropSession) unit() {}
func (*PutInvite) unit()   {}
func (*CountTry) unit()    {}
func (*ForgetTry) unit()   {}
func (*SweepPeople) unit() {}

// People reads who may do what. Everything is ErrNotFound when it is not there.
type People interface {
	Person(ctx context.Context, name string) (*Person, error)
	PersonOf(ctx context.Context, subject string) (*Person, error)
	Persons(ctx context.Context) ([]Person, error) // by name
	Token(ctx context.Context, id string) (*Token, error)
	Tokens(ctx context.Context) ([]Token, error) // oldest first, ended ones too
	Session(ctx context.Context, id string) (*Session, error)
	Sessions(ctx context.Context, person string) ([]Session, error) // newest first, ended ones too
	Invite(ctx context.Context, id string) (*Invite, error)
}
