package sqlledger_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// clock is a store's clock that a test moves.
type clock struct{ us atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.us.Store(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.us.Load()).UTC() }
func (c *clock) pass(d time.Duration)    { c.us.Add(d.Microseconds()) }
func (c *clock) in(o *sqlledger.Options) { o.Now = c.now }

func commit(t *testing.T, s *sqlledger.Store, units ...ledger.Unit) {
	t.Helper()
	if err := s.Commit(t.Context(), units...); err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

func TestPersonsAreMadeOnceAndChanged(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		c := newClock()
		s := st.open(t, c.in)
		if _, err := s.Person(t.Context(), "anna"); !errors.Is(err, ledger.ErrNotFound) {
			t.Fatalf("nobody yet: %v", err)
		}
		made := &ledger.SetPerson{Name: "anna", Make: true, Hash: ptr("h1"), Roles: []string{"support", "ops"}}
		again := &ledger.SetPerson{Name: "anna", Make: true, Hash: ptr("h2")}
		absent := &ledger.SetPerson{Name: "bert", Roles: []string{"admin"}}
		commit(t, s, made, again, absent)
		if !made.Applied || again.Applied || absent.Applied {
			t.Fatalf("made %v, made again %v, changed nobody %v", made.Applied, again.Applied, absent.Applied)
		}
		p, err := s.Person(t.Context(), "anna")
		if err != nil {
			t.Fatal(err)
		}
		if p.Hash != "h1" || !slices.Equal(p.Roles, []string{"support", "ops"}) || p.Generation != 1 || !p.Created.Equal(c.now()) || p.Disabled {
			t.Fatalf("%+v", p)
		}
		c.pass(time.Hour)
		commit(t, s, &ledger.SetPerson{Name: "anna", Roles: []string{"viewer"}})
		if p, _ = s.Person(t.Context(), "anna"); p.Generation != 1 || p.Hash != "h1" || !slices.Equal(p.Roles, []string{"viewer"}) {
			t.Fatalf("new roles alone: %+v", p)
		}
		commit(t, s, &ledger.SetPerson{Name: "anna", Disabled: ptr(true)})
		if p, _ = s.Person(t.Context(), "anna"); p.Generation != 2 || !p.Disabled || !p.Changed.Equal(c.now()) {
			t.Fatalf("disabled: %+v", p)
		}
		all, err := s.Persons(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%v %v", all, err)
		}
		if err := s.Commit(t.Context(), &ledger.SetPerson{Name: "a\x00b", Make: true}); err == nil {
			t.Fatal("a name with a NUL was taken")
		}
	})
}

func TestTheLastHolderOfARoleKeepsIt(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s := st.open(t)
		for _, name := range []string{"anna", "bert", "carl"} {
			commit(t, s, &ledger.SetPerson{Name: name, Make: true, Hash: ptr("h"), Roles: []string{"ops", "admin"}})
		}
		commit(t, s, &ledger.SetPerson{Name: "dora", Make: true, Roles: []string{"admin"}}) // invited: she cannot sign in yet
		commit(t, s, &ledger.SetPerson{Name: "emil", Make: true, Hash: ptr("h"), Roles: []string{"ops"}})
		// All at once, and each alone could go.
		gone := []*ledger.SetPerson{{Name: "anna", Roles: []string{"viewer"}, Keep: "admin"}, {Name: "bert", Disabled: ptr(true), Keep: "admin"}, {Name: "carl", Roles: []string{"ops"}, Keep: "admin"}}
		commit(t, s, gone[0], gone[1], gone[2], &ledger.SetPerson{Name: "emil", Roles: []string{"viewer"}, Keep: "admin"})
		last := gone[2]
		if !gone[0].Applied || !gone[1].Applied || last.Applied || !last.Last {
			t.Fatalf("%+v %+v %+v", gone[0], gone[1], last)
		}
		for name, u := range map[string]*ledger.SetPerson{"disabling": {Name: "carl", Disabled: ptr(true), Keep: "admin"}, "no role": {Name: "carl", Roles: []string{}, Keep: "admin"}} {
			if commit(t, s, u); u.Applied || !u.Last {
				t.Errorf("%s: %+v", name, u)
			}
		}
		for name, u := range map[string]*ledger.SetPerson{"more roles": {Name: "carl", Roles: []string{"admin", "viewer"}, Keep: "admin"}, "one who is not in": {Name: "dora", Disabled: ptr(true), Keep: "admin"},
			"another's": {Name: "emil", Disabled: ptr(true), Keep: "admin"}} {
			if commit(t, s, u); !u.Applied || u.Last {
				t.Errorf("%s: %+v", name, u)
			}
		}
		back := &ledger.SetPerson{Name: "anna", Roles: []string{"admin"}}
		if commit(t, s, back, last); !last.Applied || last.Last {
			t.Errorf("with another one back: %+v", last)
		}
	})
}

// A provider's subject is of one person, whatever comes at once and in whatever batch.
func TestASubjectIsOfOnePerson(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s := st.open(t)
		const subject = "https://login.example.com u-1"
		if _, err := s.PersonOf(t.Context(), subject); !errors.Is(err, ledger.ErrNotFound) {
			t.Fatalf("nobody yet: %v", err)
		}
		local := &ledger.SetPerson{Name: "mei", Make: true}
		commit(t, s, local)
		taken := &ledger.SetPerson{Name: "mei", Make: true, Subject: subject, Roles: []string{"ops"}}
		over := &ledger.SetPerson{Name: "mei", Subject: subject}
		first := &ledger.SetPerson{Name: "mei-1", Make: true, Subject: subject, Roles: []string{"ops"}}
		again := &ledger.SetPerson{Name: "mei-2", Make: true, Subject: subject}
		commit(t, s, taken, over, first, again)
		if taken.Applied || over.Applied || !first.Applied || again.Applied {
			t.Fatalf("a name that is taken %v, a local person taken over %v, made %v, made again %v", taken.Applied, over.Applied, first.Applied, again.Applied)
		}
		later := &ledger.SetPerson{Name: "mei-3", Make: true, Subject: subject}
		if commit(t, s, later); later.Applied {
			t.Error("a second person has the subject")
		}
		commit(t, s, &ledger.SetPerson{Name: "mei-1", Roles: []string{}})
		p, err := s.PersonOf(t.Context(), subject)
		if err != nil || p.Name != "mei-1" || p.Subject != subject || len(p.Roles) != 0 {
			t.Errorf("%+v %v", p, err)
		}
		if _, err := s.PersonOf(t.Context(), ""); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("local people have one: %v", err)
		}
		if p, err := s.Person(t.Context(), "mei"); err != nil || p.Subject != "" {
			t.Errorf("%+v %v", p, err)
		}
	})
}

func TestAnInviteWorksOnceAndInTime(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		c := newClock()
		s := st.open(t, c.in)
		soon := func() time.Time { return c.now().Add(15 * time.Minute) }
		set := func(u *ledger.SetPerson) bool {
			t.Helper()
			commit(t, s, u)
			return u.Applied
		}
		first := func(name, invite string) *ledger.SetPerson {
			return &ledger.SetPerson{Name: name, Make: true, Hash: ptr("h"), Roles: []string{"viewer"}, Invite: invite, First: true}
		}
		commit(t, s, &ledger.PutInvite{Invite: ledger.Invite{ID: "old", Roles: []string{"admin"}, Until: soon()}})
		commit(t, s, &ledger.PutInvite{Invite: ledger.Invite{ID: "one", Roles: []string{"admin"}, Until: soon()}})
		if set(first("eve", "old")) {
			t.Error("an older link still works")
		}
		if set(first("eve", "guess")) {
			t.Error("a guessed link works")
		}
		c.pass(15 * time.Minute)
		if set(first("eve", "one")) {
			t.Error("a link works after its time")
		}
		commit(t, s, &ledger.PutInvite{Invite: ledger.Invite{ID: "two", Roles: []string{"admin"}, Until: soon()}})
		a, b := first("anna", "two"), first("eve", "two")
		commit(t, s, a, b)
		if !a.Applied || b.Applied {
			t.Errorf("a link made %v and %v", a.Applied, b.Applied)
		}
		if p, _ := s.Person(t.Context(), "anna"); p == nil || !slices.Equal(p.Roles, []string{"admin"}) {
			t.Errorf("the roles are not the link's: %+v", p)
		}
		commit(t, s, &ledger.PutInvite{Invite: ledger.Invite{ID: "three", Roles: []string{"admin"}, Until: soon()}})
		if set(first("eve", "three")) {
			t.Error("a second first person was made")
		}
		commit(t, s, &ledger.PutInvite{Invite: ledger.Invite{ID: "four", Person: "anna", Until: soon()}})
		if set(&ledger.SetPerson{Name: "eve", Make: true, Hash: ptr("x"), Invite: "four"}) {
			t.Error("a link for anna made eve")
		}
		if set(first("eve", "four")) {
			t.Error("a link for anna made a first person")
		}
		if !set(&ledger.SetPerson{Name: "anna", Hash: ptr("new"), Invite: "four"}) || set(&ledger.SetPerson{Name: "anna", Hash: ptr("newer"), Invite: "four"}) {
			t.Error("a link for anna works not once")
		}
	})
}

func TestTokensAndSessions(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		c := newClock()
		s := st.open(t, c.in)
		tok := ledger.Token{ID: "t1", Name: "robot", Digest: ledger.Sum{1, 2, 31: 9}, Roles: []string{"ops"}, Maker: "anna", Expires: c.now().Add(time.Hour)}
		put, twice := &ledger.PutToken{Token: tok}, &ledger.PutToken{Token: tok}
		commit(t, s, put, twice)
		if !put.Applied || twice.Applied {
			t.Fatalf("put %v, put again %v", put.Applied, twice.Applied)
		}
		began := c.now()
		c.pass(time.Minute)
		commit(t, s, &ledger.UseToken{ID: "t1"}, &ledger.UseToken{ID: "none"})
		got, err := s.Token(t.Context(), "t1")
		tok.Created, tok.Used = began, c.now()
		if err != nil || got.Digest != tok.Digest || !got.Used.Equal(tok.Used) || !got.Created.Equal(began) || !got.Expires.Equal(tok.Expires) || !got.Revoked.IsZero() {
			t.Fatalf("%+v %v", got, err)
		}
		end, none := &ledger.RevokeToken{ID: "t1"}, &ledger.RevokeToken{ID: "none"}
		commit(t, s, end, none)
		if list, _ := s.Tokens(t.Context()); !end.Applied || none.Applied || len(list) != 1 || !list[0].Revoked.Equal(c.now()) {
			t.Fatalf("revoked: %+v", list)
		}

		for _, id := range []string{"s1", "s2"} {
			commit(t, s, &ledger.PutSession{Session: ledger.Session{ID: id, Person: "anna", Generation: 3, From: "192.0.2.1", Until: c.now().Add(time.Hour)}})
			c.pass(time.Minute)
		}
		commit(t, s, &ledger.UseSession{ID: "s1"}, &ledger.UseSession{ID: "none"}, &ledger.SweepPeople{})
		if got, err := s.Session(t.Context(), "s1"); err != nil || !got.Seen.Equal(c.now()) || got.Generation != 3 || got.Person != "anna" || got.From != "192.0.2.1" {
			t.Fatalf("%+v %v", got, err)
		}
		commit(t, s, &ledger.DropSession{ID: "s1"}, &ledger.DropSession{ID: "none"})
		if _, err := s.Session(t.Context(), "s1"); !errors.Is(err, ledger.ErrNotFound) {
			t.Fatalf("dropped: %v", err)
		}
		c.pass(time.Hour)
		commit(t, s, &ledger.SweepPeople{})
		if _, err := s.Session(t.Context(), "s2"); !errors.Is(err, ledger.ErrNotFound) {
			t.Fatalf("run out: %v", err)
		}
	})
}

func TestGuessingIsSlowedDown(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		c := newClock()
		s := st.open(t, c.in)
		try := func() *ledger.CountTry {
			return &ledger.CountTry{Limits: []ledger.TryLimit{{Key: "name", Max: 3}, {Key: "addr", Max: 100}}, Window: 10 * time.Minute,
				Lock: time.Minute, Most: 3 * time.Minute}
		}
		// Many at once: no more than the limit gets through.
		var allowed atomic.Int64
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				u := try()
				if err := s.Commit(t.Context(), u); err != nil {
					t.Error(err)
				}
				if u.Allowed {
					allowed.Add(1)
				}
			})
		}
		wait.Wait()
		if allowed.Load() != 3 {
			t.Fatalf("%d of 20 tries were allowed, the limit is 3", allowed.Load())
		}
		// A restart forgets nothing.
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = st.open(t, c.in)
		for i, lock := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute} {
			u := try()
			commit(t, s, u)
			if u.Allowed || !u.Until.Equal(c.now().Add(lock)) {
				t.Fatalf("lock %d: allowed %v, until %v, want after %v", i, u.Allowed, u.Until, lock)
			}
			c.pass(lock)
			u = try()
			if commit(t, s, u); !u.Allowed {
				t.Fatalf("lock %d holds after its end", i)
			}
		}
		commit(t, s, &ledger.ForgetTry{Key: "name", All: true})
		for i := range 3 {
			if u := try(); commitOne(t, s, u).Allowed != true {
				t.Fatalf("try %d after it was forgotten is refused", i)
			}
		}
		c.pass(12 * time.Minute)
		u := try()
		commit(t, s, u, &ledger.SweepPeople{})
		if !u.Allowed {
			t.Fatal("the window does not end")
		}
	})
}

func commitOne[U ledger.Unit](t *testing.T, s *sqlledger.Store, u U) U {
	t.Helper()
	commit(t, s, u)
	return u
}

// A store that was made before there were people gets their tables and keeps its rows.
func TestAStoreOfTheFirstSchemaIsUpgraded(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		s := st.open(t)
		it := intake(t, s, "a")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		st.age(t, 1)
		s = st.open(t)
		u := &ledger.SetPerson{Name: "anna", Make: true}
		commit(t, s, u, &ledger.AddAudit{Entry: ledger.AuditEntry{Who: "anna", Act: "test", Phase: ledger.AuditDone}})
		if r, err := s.Record(t.Context(), it.ID); err != nil || r.DocKey.Key != "a" || !u.Applied {
			t.Fatalf("after the upgrade: %+v %v, a person: %v", r, err, u.Applied)
		}
	})
}
