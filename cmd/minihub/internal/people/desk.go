package people

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Store is what the desk needs of the ledger.
type Store interface {
	ledger.People
	Commit(ctx context.Context, units ...ledger.Unit) error
}

// Desk signs people in and knows callers by what they carry.
type Desk struct {
	Store Store
	Idle  time.Duration // a session ends when it is unused for so long; 0 = 2 h
	Life  time.Duration // and so long after it began in any case; 0 = 12 h
	Now   func() time.Time
}

// What a caller is told; which of name, password, state of the person it was, nobody is.
var (
	ErrNoEntry  = errors.New("the name or the password is wrong")
	ErrNoInvite = errors.New("the link was used, has run out, or is for somebody else")
)

// LockedError is an answer to too many tries.
type LockedError struct{ Until time.Time }

func (e *LockedError) Error() string {
	return "too many tries; the next is possible at " + e.Until.UTC().Format(time.RFC3339)
}

// The limits of signing in. The names' is low, since a name that is being guessed at
// waits; that of an address leaves room for an office behind one.
const (
	triesByName    = 8
	triesByAddress = 40
	tryWindow      = 15 * time.Minute
	tryLock        = 30 * time.Second
	tryLongest     = 15 * time.Minute
	touch          = time.Minute // how exactly the last use is noted
)

// FirstLife and InviteLife are how long a link works, the hub's first and a person's.
const (
	FirstLife  = 15 * time.Minute
	InviteLife = 24 * time.Hour
)

var nameRule = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,63}$`)

// CheckName returns the name as it is kept, in lower case.
func CheckName(name string) (string, error) {
	if !nameRule.MatchString(name) {
		return "", fmt.Errorf("%q is no name: letters, digits and . _ @ -, at most 64, beginning with a letter or a digit", name)
	}
	return strings.ToLower(name), nil
}

func (d *Desk) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

func (d *Desk) idle() time.Duration {
	if d.Idle > 0 {
		return d.Idle
	}
	return 2 * time.Hour
}

func (d *Desk) life() time.Duration {
	if d.Life > 0 {
		return d.Life
	}
	return 12 * time.Hour
}

// secret is 256 random bits as text.
func secret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// idOf is what is stored of a secret.
func idOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// CSRF is the token that changing calls of a session must carry. It follows from the
// cookie's secret and does not reveal it.
func CSRF(session string) string {
	m := hmac.New(sha256.New, []byte(session))
	m.Write([]byte("minihub csrf"))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// addressKey is what tries are counted under: an address, or the network of an IPv6 one,
// of which one household has 2^64.
func addressKey(from string) string {
	a, err := netip.ParseAddr(from)
	if err != nil {
		return "address:" + from
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return "address:" + p.String()
		}
	}
	return "address:" + a.String()
}

// SignIn begins a session and returns its secret, for the cookie.
func (d *Desk) SignIn(ctx context.Context, name, password, from string) (*Identity, error) {
	key, err := CheckName(name)
	if err != nil {
		key = "?" // counted all the same
	}
	// The name is kept as a digest: people type passwords in its place.
	byName := "name:" + idOf(key)
	try := &ledger.CountTry{Limits: []ledger.TryLimit{{Key: byName, Max: triesByName}, {Key: addressKey(from), Max: triesByAddress}},
		Window: tryWindow, Lock: tryLock, Most: tryLongest}
	if err := d.Store.Commit(ctx, try, &ledger.SweepPeople{}); err != nil {
		return nil, err
	}
	if !try.Allowed {
		return nil, &LockedError{try.Until}
	}
	p, err := d.Store.Person(ctx, key)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		p = &ledger.Person{}
	case err != nil:
		return nil, err
	}
	ok, err := VerifyPassword(ctx, p.Hash, password)
	if err != nil {
		return nil, err
	}
	if !ok || p.Disabled {
		return nil, ErrNoEntry
	}
	if err := d.Store.Commit(ctx, &ledger.ForgetTry{Key: byName, All: true}, &ledger.ForgetTry{Key: addressKey(from)}); err != nil {
		return nil, err
	}
	return d.begin(ctx, p, from)
}

func (d *Desk) begin(ctx context.Context, p *ledger.Person, from string) (*Identity, error) {
	s := secret()
	err := d.Store.Commit(ctx, &ledger.PutSession{Session: ledger.Session{ID: idOf(s), Person: p.Name, Generation: p.Generation, From: from,
		Until: d.now().Add(d.life())}})
	if err != nil {
		return nil, err
	}
	return &Identity{Kind: KindPerson, Name: p.Name, Roles: p.Roles, Session: s, Provider: p.Subject != ""}, nil
}

// Session returns whose session a cookie is of; nil when it is none, or over.
func (d *Desk) Session(ctx context.Context, cookie string) (*Identity, error) {
	s, err := d.Store.Session(ctx, idOf(cookie))
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	p, err := d.Store.Person(ctx, s.Person)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case !d.lasts(s, p):
		return nil, nil
	}
	if now := d.now(); now.Sub(s.Seen) >= min(touch, d.idle()/2) {
		if err := d.Store.Commit(ctx, &ledger.UseSession{ID: s.ID}); err != nil {
			return nil, err
		}
	}
	return &Identity{Kind: KindPerson, Name: p.Name, Roles: p.Roles, Session: cookie, Provider: p.Subject != ""}, nil
}

// SessionID is under which id the ledger keeps the session of a cookie.
func SessionID(cookie string) string { return idOf(cookie) }

// Sessions are a person's that are not over, newest first.
func (d *Desk) Sessions(ctx context.Context, name string) ([]ledger.Session, error) {
	p, err := d.Store.Person(ctx, name)
	if err != nil {
		return nil, err
	}
	all, err := d.Store.Sessions(ctx, name)
	return slices.DeleteFunc(all, func(s ledger.Session) bool { return !d.lasts(&s, p) }), err
}

// lasts reports whether a session of a person is not over.
func (d *Desk) lasts(s *ledger.Session, p *ledger.Person) bool {
	now := d.now()
	return now.Before(s.Until) && now.Sub(s.Seen) < d.idle() && !p.Disabled && p.Generation == s.Generation
}

// SignOutEverywhere ends all sessions of a person and returns how many were open.
func (d *Desk) SignOutEverywhere(ctx context.Context, name string) (int, error) {
	open, err := d.Sessions(ctx, name)
	if err != nil {
		return 0, err
	}
	var units []ledger.Unit
	for _, s := range open {
		units = append(units, &ledger.DropSession{ID: s.ID})
	}
	return len(open), d.Store.Commit(ctx, units...)
}

// SignOut ends a session.
func (d *Desk) SignOut(ctx context.Context, cookie string) error {
	return d.Store.Commit(ctx, &ledger.DropSession{ID: idOf(cookie)})
}

// tokenPrefix lets a token be recognised where it should not be, in a log or a chat.
const tokenPrefix = "mhub_"

// NewToken returns a token to keep and its text, which is shown once: the prefix, its
// public id and its secret.
func NewToken(name string, roles []string, maker string, expires time.Time) (ledger.Token, string) {
	var id [8]byte
	rand.Read(id[:])
	t := ledger.Token{ID: hex.EncodeToString(id[:]), Name: name, Roles: roles, Maker: maker, Expires: expires}
	s := secret()
	t.Digest = sha256.Sum256([]byte(s))
	return t, tokenPrefix + t.ID + "_" + s
}

// Bearer returns whose token it is; nil when it is none, has run out or was revoked.
func (d *Desk) Bearer(ctx context.Context, token string) (*Identity, error) {
	rest, ok := strings.CutPrefix(token, tokenPrefix)
	id, s, both := strings.Cut(rest, "_")
	if !ok || !both || len(id) != 16 {
		return nil, nil
	}
	t, err := d.Store.Token(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(s))
	now := d.now()
	if subtle.ConstantTimeCompare(sum[:], t.Digest[:]) != 1 || !t.Revoked.IsZero() || !t.Expires.IsZero() && !now.Before(t.Expires) {
		return nil, nil
	}
	if now.Sub(t.Used) >= touch {
		if err := d.Store.Commit(ctx, &ledger.UseToken{ID: t.ID}); err != nil {
			return nil, err
		}
	}
	return &Identity{Kind: KindToken, Name: t.Name, Roles: t.Roles}, nil
}
