package people

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

const subject = "https://login.example.com u-1"

func mei(roles ...string) *External { return &External{Subject: subject, Name: "Mei", Roles: roles} }

func (d *desk) enter(e *External) (*Identity, string, error) {
	return d.SignInExternal(d.Context(), e, "192.0.2.1")
}

func (d *desk) audit() []string {
	d.Helper()
	rows, err := d.Store.(ledger.Auditor).Audit(d.Context(), ledger.AuditFilter{Limit: 100})
	if err != nil {
		d.Fatal(err)
	}
	var out []string
	for i := range rows {
		e, err := rows[i].Entry()
		if err != nil {
			d.Fatal(err)
		}
		out = append(out, strings.Join([]string{e.Who, e.Act, e.Target, e.Detail["roles"], e.Detail["by"]}, " | "))
	}
	slices.Reverse(out)
	return out
}

func TestClaimsDecideAtEverySignIn(t *testing.T) {
	d := newDesk(t)
	if id, name, err := d.enter(mei()); !errors.Is(err, ErrNoRole) || id != nil || name != "" {
		t.Fatalf("without a role: %+v %q %v", id, name, err)
	}
	if all, err := d.Store.Persons(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("who was refused is kept: %+v %v", all, err)
	}
	first, name, err := d.enter(mei("support"))
	if err != nil || name != "mei" || first.Name != "mei" || first.Kind != KindPerson || !first.May(Reveal) {
		t.Fatalf("%+v %q %v", first, name, err)
	}
	second, _, err := d.enter(mei("viewer"))
	if err != nil || second.May(Reveal) || second.Session == first.Session {
		t.Fatalf("%+v %v", second, err)
	}
	if id, err := d.Session(t.Context(), first.Session); err != nil || id.May(Reveal) {
		t.Errorf("an older session keeps the rights: %+v %v", id, err)
	}
	if _, _, err := d.enter(mei("viewer")); err != nil {
		t.Fatal(err)
	}
	id, name, err := d.enter(mei())
	if !errors.Is(err, ErrNoRole) || id != nil || name != "mei" {
		t.Fatalf("%+v %q %v", id, name, err)
	}
	if id, err := d.Session(t.Context(), second.Session); err != nil || id.May(See) {
		t.Errorf("whoever lost the last role keeps rights in an older session: %+v %v", id, err)
	}
	want := []string{"mei | person.add | person mei | support | provider", "mei | person.change | person mei | viewer | provider", "mei | person.change | person mei |  | provider"}
	if got := d.audit(); !slices.Equal(got, want) {
		t.Errorf("the audit says %q", got)
	}
}

func TestABlockedPersonStaysOut(t *testing.T) {
	d := newDesk(t)
	in, _, err := d.enter(mei("viewer"))
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	d.set(&ledger.SetPerson{Name: "mei", Disabled: &yes})
	if d.open(in) {
		t.Error("the session goes on")
	}
	id, name, err := d.enter(mei("admin"))
	if !errors.Is(err, ErrBlocked) || id != nil || name != "mei" {
		t.Errorf("%+v %q %v", id, name, err)
	}
	if p, err := d.Store.Person(t.Context(), "mei"); err != nil || !slices.Equal(p.Roles, []string{"viewer"}) || !p.Disabled {
		t.Errorf("%+v %v", p, err)
	}
}

func TestNobodyIsTakenOver(t *testing.T) {
	d := newDesk(t)
	d.add("mei", "admin")
	id, name, err := d.enter(mei("viewer"))
	if err != nil || name == "mei" || !strings.HasPrefix(name, "mei-") || id.May(Manage) {
		t.Fatalf("%+v %q %v", id, name, err)
	}
	if again := d.signIn("mei"); !again.May(Manage) {
		t.Error("the local person changed")
	}
	// The name of today is not who somebody is.
	renamed := &External{Subject: subject, Name: "chief", Roles: []string{"viewer"}}
	if _, same, err := d.enter(renamed); err != nil || same != name {
		t.Errorf("%q became %q: %v", name, same, err)
	}
	other := &External{Subject: "https://login.example.com u-2", Name: "mei", Roles: []string{"viewer"}}
	if _, third, err := d.enter(other); err != nil || third == name || third == "mei" {
		t.Errorf("%q %v", third, err)
	}
	if _, local, err := d.enter(&External{Subject: "https://login.example.com u-3", Name: "command", Roles: []string{"viewer"}}); err != nil || local == KindCommand {
		t.Errorf("somebody is called like the local command: %q %v", local, err)
	}
	if _, err := d.SignIn(t.Context(), name, "", "192.0.2.1"); !errors.Is(err, ErrNoEntry) {
		t.Errorf("an empty password: %v", err)
	}
}

func TestNamesFromOutsideFit(t *testing.T) {
	for given, want := range map[string]string{"Mei Li": "mei-li", "mei@example.com": "mei@example.com", "": "person", "../../etc": "etc", "张梅": "张梅", "<b>x</b>": "b-x--b-",
		strings.Repeat("长", 90): strings.Repeat("长", 48), "\x00\xff": "person"} {
		for _, name := range namesFor(&External{Subject: subject, Name: given}) {
			if kept, err := CheckName(name); err != nil || kept != name {
				t.Errorf("%q becomes %q: %v", given, name, err)
			}
		}
		if got := namesFor(&External{Subject: subject, Name: given})[0]; got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}

// Whoever opens two windows at once is one person.
func TestManyAtOnceMakeOnePerson(t *testing.T) {
	d := newDesk(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, name, err := d.enter(mei("viewer")); err != nil || name != "mei" {
				t.Errorf("%q %v", name, err)
			}
		})
	}
	all.Wait()
	if all, err := d.Store.Persons(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%+v %v", all, err)
	}
}

func TestASignInAtAProviderIsUsedOnce(t *testing.T) {
	d := newDesk(t)
	try := func(once string) error { return d.TryExternal(t.Context(), "192.0.2.1", once, 10*time.Minute) }
	if err := try("a"); err != nil {
		t.Fatal(err)
	}
	d.pass(9 * time.Minute)
	if err := try("a"); !errors.Is(err, ErrUsed) {
		t.Errorf("again: %v", err)
	}
	if err := try("b"); err != nil {
		t.Errorf("another: %v", err)
	}
	// The address waits, as with passwords.
	d = newDesk(t)
	var locked *LockedError
	n := 0
	for ; n < 100; n++ {
		if err := try(""); errors.As(err, &locked) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n != triesByAddress {
		t.Errorf("%d tries went through", n)
	}
	if err := d.TryExternal(t.Context(), "192.0.2.2", "", time.Minute); err != nil {
		t.Errorf("another address: %v", err)
	}
}
