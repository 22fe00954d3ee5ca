package sqlledger

import (
	"fmt"
	"slices"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// peopleWork is what a batch does about people and the audit. Few batches do, so it is
// made when one asks for it.
type peopleWork struct {
	persons  *rows[string, ledger.Person]
	tokens   *rows[string, ledger.Token]
	sessions *rows[string, ledger.Session]
	invites  *rows[string, ledger.Invite]
	tries    *rows[string, tryRow]
	audit    *rows[int64, ledger.AuditRow]

	before, after []change // around those of the rows
	chain         chain
	chained       bool
}

func (w *work) desk() *peopleWork {
	if w.people == nil {
		t := w.s.t.people
		w.people = &peopleWork{persons: newRows(w, t.persons, nil), tokens: newRows(w, t.tokens, nil), sessions: newRows(w, t.sessions, nil),
			invites: newRows(w, t.invites, nil), tries: newRows(w, t.tries, nil), audit: newRows(w, t.audit, nil), chain: w.s.chain}
	}
	return w.people
}

// preparePeople checks the units about people and the audit.
func preparePeople(u ledger.Unit) (op, error) {
	switch u := u.(type) {
	case *ledger.SetPerson:
		c := &checker{what: "person"}
		c.key("name", u.Name)
		c.text("subject", u.Subject)
		c.roles(u.Roles)
		if u.Hash != nil {
			c.text("hash", *u.Hash)
		}
		return &direct{ask: func(w *work) {
			w.desk().persons.want(u.Name)
			if u.Invite != "" {
				w.desk().invites.want(u.Invite)
			}
		}, do: func(w *work) { setPerson(w, u) }}, c.err
	case *ledger.PutToken:
		c := &checker{what: "token"}
		c.key("id", u.Token.ID)
		c.text("name", u.Token.Name)
		c.text("maker", u.Token.Maker)
		c.roles(u.Token.Roles)
		return &direct{ask: func(w *work) { w.desk().tokens.want(u.Token.ID) }, do: func(w *work) {
			if u.Applied = w.desk().tokens.get(u.Token.ID) == nil; u.Applied {
				t := u.Token
				t.Created, t.Used, t.Revoked = w.now, time.Time{}, time.Time{}
				w.desk().tokens.add(t.ID, t)
			}
		}}, c.err
	case *ledger.RevokeToken:
		return &direct{ask: func(w *work) { w.desk().tokens.want(u.ID) }, do: func(w *work) {
			old := w.desk().tokens.get(u.ID)
			if u.Applied = old != nil && old.Revoked.IsZero(); u.Applied {
				w.desk().tokens.edit(u.ID).Revoked = w.now
			}
		}}, nil
	case *ledger.UseToken:
		return &direct{ask: func(w *work) { w.desk().tokens.want(u.ID) }, do: func(w *work) {
			if w.desk().tokens.get(u.ID) != nil {
				w.desk().tokens.edit(u.ID).Used = w.now
			}
		}}, nil
	}
	return prepareSessions(u)
}

func prepareSessions(u ledger.Unit) (op, error) {
	switch u := u.(type) {
	case *ledger.PutSession:
		c := &checker{what: "session"}
		c.key("id", u.Session.ID)
		c.key("person", u.Session.Person)
		c.text("from", u.Session.From)
		return &direct{ask: func(w *work) { w.desk().persons.want(u.Session.Person) }, do: func(w *work) {
			if w.desk().persons.get(u.Session.Person) != nil {
				w.desk().persons.edit(u.Session.Person).SignedIn = w.now
			}
			s := u.Session
			s.Began, s.Seen = w.now, w.now
			w.desk().sessions.add(s.ID, s)
		}}, c.err
	case *ledger.UseSession:
		return &direct{ask: func(w *work) { w.desk().sessions.want(u.ID) }, do: func(w *work) {
			if w.desk().sessions.get(u.ID) != nil {
				w.desk().sessions.edit(u.ID).Seen = w.now
			}
		}}, nil
	case *ledger.DropSession:
		return &direct{ask: func(w *work) { w.desk().sessions.want(u.ID) }, do: func(w *work) {
			if w.desk().sessions.get(u.ID) != nil {
				w.desk().sessions.remove(u.ID)
			}
		}}, nil
	case *ledger.PutInvite:
		c := &checker{what: "invite"}
		c.key("id", u.Invite.ID)
		c.key("person", u.Invite.Person)
		c.roles(u.Invite.Roles)
		return &direct{do: func(w *work) {
			d := w.desk()
			// A newer link makes the older ones of the same person worthless.
			d.before = append(d.before, change{w.s.t.people.dropInviteOf, 1, func(_ int, b binder) { b.Text(u.Invite.Person) }})
			d.invites.add(u.Invite.ID, u.Invite)
		}}, c.err
	case *ledger.CountTry:
		c := &checker{what: "try"}
		for _, l := range u.Limits {
			c.key("key", l.Key)
		}
		return &direct{ask: func(w *work) {
			for _, l := range u.Limits {
				w.desk().tries.want(l.Key)
			}
		}, do: func(w *work) { countTry(w, u) }}, c.err
	case *ledger.ForgetTry:
		return &direct{ask: func(w *work) { w.desk().tries.want(u.Key) }, do: func(w *work) { forgetTry(w, u) }}, nil
	case *ledger.SweepPeople:
		return &direct{do: func(w *work) {
			for _, m := range w.s.t.people.sweep {
				w.desk().after = append(w.desk().after, change{m, 1, func(_ int, b binder) { b.Int(micros(w.now)) }})
			}
		}}, nil
	case *ledger.AddAudit:
		return prepareAudit(u)
	default:
		return nil, fmt.Errorf("ledger: a unit of type %T is not known", u)
	}
}

func (c *checker) roles(roles []string) {
	for _, r := range roles {
		c.text("role", r)
	}
}

func setPerson(w *work, u *ledger.SetPerson) {
	d := w.desk()
	u.Applied = false
	old := d.persons.get(u.Name)
	if (old == nil) != u.Make || u.Subject != "" && (!u.Make || vouched(w, u.Subject)) {
		return
	}
	if u.Last = leavesNobody(w, old, u); u.Last {
		return
	}
	roles := u.Roles
	if u.Invite != "" {
		i := d.invites.get(u.Invite)
		if i == nil || !w.now.Before(i.Until) || u.First != (i.Person == "") || !u.First && i.Person != u.Name {
			return
		}
		if u.First && anybody(w) {
			return
		}
		if u.First {
			roles = i.Roles
		}
		d.invites.remove(u.Invite)
	}
	if w.err != nil {
		return
	}
	if old == nil {
		d.persons.add(u.Name, ledger.Person{Name: u.Name, Subject: u.Subject, Created: w.now})
	}
	p := d.persons.edit(u.Name)
	p.Changed = w.now
	if roles != nil {
		p.Roles = slices.Clone(roles)
	}
	if u.Hash != nil {
		p.Hash = *u.Hash
		p.Generation++
	}
	if u.Disabled != nil {
		p.Disabled = *u.Disabled
		p.Generation++
	}
	u.Applied = true
}

// leavesNobody reports whether a change takes the role to keep from its last holder.
func leavesNobody(w *work, old *ledger.Person, u *ledger.SetPerson) bool {
	if u.Keep == "" || old == nil || !holds(old, u.Keep) {
		return false
	}
	next := *old
	if u.Roles != nil {
		next.Roles = u.Roles
	}
	if u.Disabled != nil {
		next.Disabled = *u.Disabled
	}
	if holds(&next, u.Keep) {
		return false
	}
	changed := w.desk().persons.m
	for name, e := range changed {
		if name != u.Name && e.exists && holds(&e.row, u.Keep) {
			return false
		}
	}
	found := false
	err := w.s.drv.fetch(w.ctx, []fetch{{q: w.s.t.people.holders, n: 1, bind: func(_ int, b binder) { b.Text(u.Name) },
		row: func(r row) error {
			if _, here := changed[r.Text(0)]; !here && slices.Contains(split(r.Text(1)), u.Keep) {
				found = true
			}
			return nil
		}}})
	if err != nil {
		w.err = err
	}
	return !found
}

func holds(p *ledger.Person, role string) bool {
	return !p.Disabled && p.Hash != "" && slices.Contains(p.Roles, role)
}

// anybody reports whether there is a person already.
func anybody(w *work) bool {
	for _, e := range w.desk().persons.m {
		if e.exists {
			return true
		}
	}
	return exists(w, w.s.t.people.anybody, "")
}

// vouched reports whether a person has a subject already, in the store or in this batch.
func vouched(w *work, subject string) bool {
	for _, e := range w.desk().persons.m {
		if e.exists && e.row.Subject == subject {
			return true
		}
	}
	return exists(w, w.s.t.people.bySubject, subject)
}

func exists(w *work, q *keyed, value string) bool {
	found := false
	err := w.s.drv.fetch(w.ctx, []fetch{{q: q, n: 1, bind: func(_ int, b binder) { b.Text(value) },
		row: func(row) error {
			found = true
			return nil
		}}})
	if err != nil {
		w.err = err
	}
	return found
}

func countTry(w *work, u *ledger.CountTry) {
	tries := w.desk().tries
	u.Allowed, u.Until = true, time.Time{}
	for _, l := range u.Limits {
		if t := tries.get(l.Key); t != nil && w.now.Before(t.locked) {
			u.Allowed = false
			if t.locked.After(u.Until) {
				u.Until = t.locked
			}
		}
	}
	if !u.Allowed {
		return
	}
	for _, l := range u.Limits {
		if tries.get(l.Key) == nil {
			tries.add(l.Key, tryRow{since: w.now})
		}
		t := tries.edit(l.Key)
		last := t.since
		if t.locked.After(last) {
			last = t.locked
		}
		if w.now.Sub(last) >= u.Window {
			*t = tryRow{since: w.now}
		}
		t.n++
		if over := t.n - int64(l.Max); over >= 0 {
			t.locked = w.now.Add(min(u.Most, u.Lock<<min(over, 16)))
		}
		t.until = w.now.Add(u.Window)
		if t.locked.After(w.now) {
			t.until = t.locked.Add(u.Window)
		}
	}
}

func forgetTry(w *work, u *ledger.ForgetTry) {
	tries := w.desk().tries
	t := tries.get(u.Key)
	switch {
	case t == nil:
	case u.All || t.n <= 1:
		tries.remove(u.Key)
	default:
		tries.edit(u.Key).n-- // a lock stays: whoever has one password must not open it for guessing others
	}
}
