package people

import (
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// desk is a desk on a store of its own, with a clock that the test moves.
type desk struct {
	*Desk
	*testing.T
	us atomic.Int64
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{T: t}
	d.us.Store(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC).UnixMicro())
	now := func() time.Time { return time.UnixMicro(d.us.Load()).UTC() }
	s, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "hub.db"), Secret: []byte("invented"), Now: now, Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d.Desk = &Desk{Store: s, Now: now}
	return d
}

func (d *desk) pass(t time.Duration) { d.us.Add(t.Microseconds()) }

const good = "an invented password"

// add makes a person who has the password good.
func (d *desk) add(name string, roles ...string) {
	d.Helper()
	hash, err := HashPassword(d.Context(), good)
	if err != nil {
		d.Fatal(err)
	}
	d.set(&ledger.SetPerson{Name: name, Make: true, Hash: &hash, Roles: roles})
}

func (d *desk) set(u *ledger.SetPerson) {
	d.Helper()
	if err := d.Store.Commit(d.Context(), u); err != nil || !u.Applied {
		d.Fatalf("%v, applied %v", err, u.Applied)
	}
}

func (d *desk) signIn(name string) *Identity {
	d.Helper()
	id, err := d.SignIn(d.Context(), name, good, "192.0.2.1")
	if err != nil {
		d.Fatal(err)
	}
	return id
}

// open reports whether a session is still one.
func (d *desk) open(id *Identity) bool {
	d.Helper()
	got, err := d.Session(d.Context(), id.Session)
	if err != nil {
		d.Fatal(err)
	}
	return got != nil
}

func TestSigningInSaysNothingOfWhatWasWrong(t *testing.T) {
	d := newDesk(t)
	d.add("anna", "support")
	d.add("gone", "support")
	yes := true
	d.set(&ledger.SetPerson{Name: "gone", Disabled: &yes})
	d.set(&ledger.SetPerson{Name: "invited", Make: true, Roles: []string{"viewer"}})
	id := d.signIn("Anna")
	if id.Name != "anna" || !id.May(Reveal) || id.May(Manage) || !d.open(id) {
		t.Fatalf("%+v", id)
	}
	for name, password := range map[string]string{"anna": "a wrong password", "nobody": good, "gone": good, "invited": good, "": good, "in valid": good, "ANNA": "", "anna.": strings.Repeat("x", 5000)} {
		if got, err := d.SignIn(t.Context(), name, password, "192.0.2.1"); !errors.Is(err, ErrNoEntry) || got != nil {
			t.Errorf("%q: %v %v", name, got, err)
		}
	}
	if err := d.SignOut(t.Context(), id.Session); err != nil || d.open(id) {
		t.Errorf("signed out: %v, still open %v", err, d.open(id))
	}
	if got, err := d.Session(t.Context(), "guessed"); got != nil || err != nil {
		t.Errorf("a guessed cookie: %v %v", got, err)
	}
}

func TestSessionsEnd(t *testing.T) {
	d := newDesk(t)
	d.add("anna", "support")
	idle := d.signIn("anna")
	d.pass(2*time.Hour - time.Second)
	if !d.open(idle) {
		t.Fatal("it ended before its time")
	}
	d.pass(2 * time.Hour)
	if d.open(idle) {
		t.Fatal("an unused session stays open")
	}
	used := d.signIn("anna")
	for range 12 * 60 / 50 {
		d.pass(50 * time.Minute)
		if !d.open(used) {
			t.Fatal("a used session ended before its time")
		}
	}
	d.pass(20 * time.Minute)
	if d.open(used) {
		t.Fatal("a session goes on for ever while it is used")
	}
	hash, yes, no := "", true, false
	for name, u := range map[string]*ledger.SetPerson{"a new password": {Name: "anna", Hash: &hash}, "disabling": {Name: "anna", Disabled: &yes}} {
		id := d.signIn("anna")
		d.set(u)
		if d.open(id) {
			t.Errorf("%s leaves sessions open", name)
		}
		h, _ := HashPassword(t.Context(), good)
		d.set(&ledger.SetPerson{Name: "anna", Hash: &h, Disabled: &no})
		if d.open(id) {
			t.Errorf("after %s an old session opened again", name)
		}
	}
	id := d.signIn("anna")
	d.set(&ledger.SetPerson{Name: "anna", Roles: []string{"viewer"}})
	if got, err := d.Session(t.Context(), id.Session); err != nil || got.May(Repair) {
		t.Errorf("taken roles are still there: %+v %v", got, err)
	}
}

func TestGuessingIsLocked(t *testing.T) {
	d := newDesk(t)
	d.add("anna", "support")
	d.add("bert", "support")
	var locked *LockedError
	for _, name := range []string{"anna", "nobody"} { // a name that is not there is locked alike
		n := 0
		for ; n < 50; n++ {
			_, err := d.SignIn(t.Context(), name, "wrong password", "192.0.2.1")
			if errors.As(err, &locked) {
				break
			}
		}
		if n != triesByName {
			t.Fatalf("%s: %d tries went through", name, n)
		}
	}
	if _, err := d.SignIn(t.Context(), "anna", good, "198.51.100.1"); !errors.As(err, &locked) {
		t.Fatalf("the right password from elsewhere opens a locked name: %v", err)
	}
	if _, err := d.SignIn(t.Context(), "bert", good, "192.0.2.1"); err != nil {
		t.Fatalf("another name is locked too: %v", err)
	}
	d.pass(tryLock)
	d.signIn("anna")
	// Many names from one network are as many tries of it.
	n := 0
	for ; n < 200; n++ {
		from := "2001:db8::" + string(rune('1'+n%9))
		if _, err := d.SignIn(t.Context(), "name"+strings.Repeat("x", n%60), "wrong password", from); errors.As(err, &locked) {
			break
		}
	}
	if n != triesByAddress {
		t.Fatalf("%d tries of one network went through", n)
	}
}

func TestTokensOpenUntilTheyEnd(t *testing.T) {
	d := newDesk(t)
	tok, text := NewToken("robot", []string{"ops"}, "anna", d.now().Add(24*time.Hour))
	if err := d.Store.Commit(t.Context(), &ledger.PutToken{Token: tok}); err != nil {
		t.Fatal(err)
	}
	bearer := func(s string) *Identity {
		t.Helper()
		id, err := d.Bearer(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if id := bearer(text); id == nil || id.Who() != "token:robot" || !id.May(Operate) || id.May(Change) {
		t.Fatalf("%+v", id)
	}
	last := text[len(text)-2]
	for _, s := range []string{"", text[:len(text)-1], text[:len(text)-2] + string(last^1) + text[len(text)-1:], strings.TrimPrefix(text, tokenPrefix), tokenPrefix + "0000000000000000" + text[len(tokenPrefix)+16:], tokenPrefix} {
		if bearer(s) != nil {
			t.Errorf("%q opens", s)
		}
	}
	d.pass(24 * time.Hour)
	if bearer(text) != nil {
		t.Error("it opens after its end")
	}
	tok, text = NewToken("robot", []string{"ops"}, "anna", time.Time{})
	if err := d.Store.Commit(t.Context(), &ledger.PutToken{Token: tok}); err != nil {
		t.Fatal(err)
	}
	d.pass(10 * 365 * 24 * time.Hour)
	if bearer(text) == nil {
		t.Error("one without an end ended")
	}
	if err := d.Store.Commit(t.Context(), &ledger.RevokeToken{ID: tok.ID}); err != nil || bearer(text) != nil {
		t.Errorf("a revoked one opens, %v", err)
	}
}

func TestTheFirstLinkMakesOneAdmin(t *testing.T) {
	d := newDesk(t)
	older, err := d.First(t.Context())
	if err != nil || older == "" {
		t.Fatal(older, err)
	}
	link, err := d.First(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][3]string{"an older link": {older, "anna", good}, "no link": {"", "anna", good}} {
		if _, err := d.Accept(t.Context(), c[0], c[1], c[2], ""); !errors.Is(err, ErrNoInvite) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var input *InputError
	for name, c := range map[string][2]string{"a short password": {"anna", "short"}, "a name that is none": {"an na", good}, "no name": {"", good}, "the name": {"annabell-s", "Annabell-S"}} {
		if _, err := d.Accept(t.Context(), link, c[0], c[1], ""); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
	id, err := d.Accept(t.Context(), link, "Anna", good, "192.0.2.1")
	if err != nil || id.Name != "anna" || !id.May(Manage) || !d.open(id) {
		t.Fatalf("%+v %v", id, err)
	}
	if _, err := d.Accept(t.Context(), link, "eve", good, ""); !errors.Is(err, ErrNoInvite) {
		t.Errorf("it works twice: %v", err)
	}
	if again, err := d.First(t.Context()); again != "" || err != nil {
		t.Errorf("there is another first: %q %v", again, err)
	}
	d = newDesk(t)
	if link, err = d.First(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.pass(FirstLife)
	if _, err := d.Accept(t.Context(), link, "anna", good, ""); !errors.Is(err, ErrNoInvite) {
		t.Errorf("it works after its time: %v", err)
	}
}
