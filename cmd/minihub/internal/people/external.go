package people

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// External is somebody whom an OpenID provider vouches for.
type External struct {
	// Subject is the issuer and its own id of them: never an e-mail address or a name,
	// which pass from one person to another.
	Subject string
	Name    string   // what they like to be called
	Roles   []string // what the provider's claims give; none: they are refused
}

// What somebody whom a provider vouches for is told.
var (
	ErrUsed    = errors.New("the sign-in was used before")
	ErrNoRole  = errors.New("the claims give no role")
	ErrBlocked = errors.New("the person is disabled")
)

// TryExternal counts a sign-in by a provider before anybody is asked about it, and lets
// each that was begun be used once: once is what the browser kept, and matters for life.
func (d *Desk) TryExternal(ctx context.Context, from, once string, life time.Duration) error {
	try := &ledger.CountTry{Limits: []ledger.TryLimit{{Key: addressKey(from), Max: triesByAddress}}, Window: tryWindow, Lock: tryLock, Most: tryLongest}
	if err := d.Store.Commit(ctx, try, &ledger.SweepPeople{}); err != nil {
		return err
	}
	if !try.Allowed {
		return &LockedError{try.Until}
	}
	if once == "" {
		return nil // whatever is answered, it belongs to nothing that was begun
	}
	use := &ledger.CountTry{Limits: []ledger.TryLimit{{Key: "flow:" + idOf(once), Max: 1}}, Window: life, Lock: life, Most: life}
	if err := d.Store.Commit(ctx, use); err != nil {
		return err
	}
	if !use.Allowed {
		return ErrUsed
	}
	return nil
}

// SignInExternal begins a session of somebody whom a provider vouches for. Who comes for
// the first time is made, under a name that nobody has; the roles are the claims' of now,
// every time, and without one the person keeps none. What changes is in the audit, in
// the same transaction. The name of the person is returned beside a refusal too.
func (d *Desk) SignInExternal(ctx context.Context, e *External, from string) (*Identity, string, error) {
	p, err := d.Store.PersonOf(ctx, e.Subject)
	switch {
	case errors.Is(err, ledger.ErrNotFound) && len(e.Roles) == 0:
		return nil, "", ErrNoRole
	case errors.Is(err, ledger.ErrNotFound):
		p, err = d.makeExternal(ctx, e, from)
	case err == nil && !p.Disabled && !slices.Equal(p.Roles, e.Roles):
		p, err = d.renewRoles(ctx, p, e.Roles, from)
	}
	switch {
	case err != nil:
		return nil, "", err
	case p.Disabled:
		return nil, p.Name, ErrBlocked
	case len(e.Roles) == 0:
		return nil, p.Name, ErrNoRole
	}
	if err := d.Store.Commit(ctx, &ledger.ForgetTry{Key: addressKey(from)}); err != nil {
		return nil, p.Name, err
	}
	id, err := d.begin(ctx, p, from)
	return id, p.Name, err
}

// byProvider is how the audit says that claims gave roles.
const byProvider = "provider"

func (d *Desk) renewRoles(ctx context.Context, p *ledger.Person, roles []string, from string) (*ledger.Person, error) {
	set := &ledger.SetPerson{Name: p.Name, Roles: append([]string{}, roles...)}
	return d.commitExternal(ctx, set, "person.change", from)
}

// makeExternal makes a person. A name that somebody has stays theirs.
func (d *Desk) makeExternal(ctx context.Context, e *External, from string) (*ledger.Person, error) {
	for _, name := range namesFor(e) {
		p, err := d.commitExternal(ctx, &ledger.SetPerson{Name: name, Make: true, Subject: e.Subject, Roles: e.Roles}, "person.add", from)
		if err != nil || p != nil {
			return p, err
		}
		// Taken; or the same person came through another window meanwhile.
		if p, err = d.Store.PersonOf(ctx, e.Subject); !errors.Is(err, ledger.ErrNotFound) {
			return p, err
		}
	}
	return nil, errors.New("every name for the person is taken")
}

// commitExternal sets a person with the audit entry; nil when it did not apply.
func (d *Desk) commitExternal(ctx context.Context, set *ledger.SetPerson, act, from string) (*ledger.Person, error) {
	entry := &ledger.AddAudit{When: &set.Applied, Entry: ledger.AuditEntry{Who: set.Name, Act: act, Target: "person " + set.Name, From: from, Phase: ledger.AuditDone,
		Detail: map[string]string{"roles": strings.Join(set.Roles, ","), "by": byProvider}}}
	if err := d.Store.Commit(ctx, set, entry); err != nil || !set.Applied {
		return nil, err
	}
	return d.Store.Person(ctx, set.Name)
}

// namesFor are the names that somebody may get, the one they like first; those after it
// carry a part of the digest of who they are.
func namesFor(e *External) []string {
	name := strings.Map(func(r rune) rune {
		if nameRule.MatchString("a" + string(r)) {
			return r
		}
		return '-'
	}, strings.TrimSpace(e.Name))
	name = strings.TrimLeft(name, "._@-")
	if runes := []rune(name); len(runes) > 48 {
		name = string(runes[:48])
	}
	if name = strings.ToLower(name); name == "" {
		name = "person"
	}
	sum := sha256.Sum256([]byte(e.Subject))
	digest := hex.EncodeToString(sum[:])
	names := []string{name, name + "-" + digest[:6], name + "-" + digest[:15]}
	if name == KindCommand { // the audit calls the local command so
		names = names[1:]
	}
	return names
}
