package sqlledger

import (
	"strings"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// tryRow is how often somebody tried to sign in under a key.
type tryRow struct {
	n      int64
	since  time.Time
	locked time.Time
	until  time.Time // of no interest after that
}

// peopleTables are the tables of 0002.
type peopleTables struct {
	persons  *table[string, ledger.Person]
	tokens   *table[string, ledger.Token]
	sessions *table[string, ledger.Session]
	invites  *table[string, ledger.Invite]
	tries    *table[string, tryRow]
	audit    *table[int64, ledger.AuditRow]

	sweep        []*mutation
	anybody      *keyed
	holders      *keyed
	bySubject    *keyed
	dropInviteOf *mutation
}

func newPeopleTables() *peopleTables {
	t := &peopleTables{persons: personTable(), tokens: tokenTable(), sessions: sessionTable(), invites: inviteTable(), tries: tryTable(), audit: auditTable()}
	for _, name := range []string{"session", "invite", "sign_in_try"} {
		t.sweep = append(t.sweep, &mutation{cols: columns("until:i"), sqlite: "DELETE FROM " + name + " WHERE until <= ?1",
			postgres: "DELETE FROM " + name + " WHERE until <= ($1::bigint[])[1]"})
	}
	t.anybody = &keyed{cols: columns("name:t"), sqlite: "SELECT name FROM person WHERE name > ?1 LIMIT 1",
		postgres: "SELECT name FROM person WHERE name > ($1::text[])[1] LIMIT 1"}
	t.holders = &keyed{cols: columns("name:t"), sqlite: "SELECT name, roles FROM person WHERE name <> ?1 AND disabled = 0 AND hash <> ''",
		postgres: "SELECT name, roles FROM person WHERE name <> ($1::text[])[1] AND disabled = 0 AND hash <> ''"}
	t.bySubject = &keyed{cols: columns("subject:t"), sqlite: "SELECT name FROM person WHERE subject = ?1",
		postgres: "SELECT name FROM person WHERE subject = ($1::text[])[1]"}
	t.dropInviteOf = newDelete("invite", columns("person:t"))
	return t
}

func sumOf(b []byte) (s ledger.Sum) {
	copy(s[:], b)
	return s
}

func joined(roles []string) string { return strings.Join(roles, ",") }

func split(roles string) []string {
	if roles == "" {
		return nil
	}
	return strings.Split(roles, ",")
}

func personTable() *table[string, ledger.Person] {
	return newTable(spec{name: "person", key: "name:t", fixed: "created_at:i subject:t", moving: "hash:t roles:t disabled:i generation:i changed_at:i signed_in_at:i"},
		table[string, ledger.Person]{
			bindKey:   func(b binder, k string) { b.Text(k) },
			bindFixed: func(b binder, p *ledger.Person) { b.Int(micros(p.Created)); b.Text(p.Subject) },
			bindMoving: func(b binder, p *ledger.Person) {
				b.Text(p.Hash)
				b.Text(joined(p.Roles))
				b.Int(flag(p.Disabled))
				b.Int(p.Generation)
				b.Int(micros(p.Changed))
				b.Int(micros(p.SignedIn))
			},
			scan: func(r row) (string, ledger.Person) {
				p := ledger.Person{Name: r.Text(0), Created: instant(r.Int(1)), Subject: r.Text(2), Hash: r.Text(3), Roles: split(r.Text(4)),
					Disabled: r.Int(5) != 0, Generation: r.Int(6), Changed: instant(r.Int(7)), SignedIn: instant(r.Int(8))}
				return p.Name, p
			},
		})
}

func tokenTable() *table[string, ledger.Token] {
	return newTable(spec{name: "api_token", key: "id:t", fixed: "name:t digest:b roles:t maker:t created_at:i expires_at:i", moving: "used_at:i revoked_at:i"},
		table[string, ledger.Token]{
			bindKey: func(b binder, k string) { b.Text(k) },
			bindFixed: func(b binder, t *ledger.Token) {
				b.Text(t.Name)
				b.Blob(t.Digest[:])
				b.Text(joined(t.Roles))
				b.Text(t.Maker)
				b.Int(micros(t.Created))
				b.Int(micros(t.Expires))
			},
			bindMoving: func(b binder, t *ledger.Token) { b.Int(micros(t.Used)); b.Int(micros(t.Revoked)) },
			scan: func(r row) (string, ledger.Token) {
				t := ledger.Token{ID: r.Text(0), Name: r.Text(1), Digest: sumOf(r.Blob(2)), Roles: split(r.Text(3)), Maker: r.Text(4),
					Created: instant(r.Int(5)), Expires: instant(r.Int(6)), Used: instant(r.Int(7)), Revoked: instant(r.Int(8))}
				return t.ID, t
			},
		})
}

func sessionTable() *table[string, ledger.Session] {
	return newTable(spec{name: "session", key: "id:t", fixed: "person:t generation:i came_from:t began_at:i until:i", moving: "seen_at:i"},
		table[string, ledger.Session]{
			bindKey: func(b binder, k string) { b.Text(k) },
			bindFixed: func(b binder, s *ledger.Session) {
				b.Text(s.Person)
				b.Int(s.Generation)
				b.Text(s.From)
				b.Int(micros(s.Began))
				b.Int(micros(s.Until))
			},
			bindMoving: func(b binder, s *ledger.Session) { b.Int(micros(s.Seen)) },
			scan: func(r row) (string, ledger.Session) {
				s := ledger.Session{ID: r.Text(0), Person: r.Text(1), Generation: r.Int(2), From: r.Text(3), Began: instant(r.Int(4)),
					Until: instant(r.Int(5)), Seen: instant(r.Int(6))}
				return s.ID, s
			},
		})
}

func inviteTable() *table[string, ledger.Invite] {
	return newTable(spec{name: "invite", key: "id:t", fixed: "person:t roles:t until:i"}, table[string, ledger.Invite]{
		bindKey:    func(b binder, k string) { b.Text(k) },
		bindFixed:  func(b binder, i *ledger.Invite) { b.Text(i.Person); b.Text(joined(i.Roles)); b.Int(micros(i.Until)) },
		bindMoving: func(binder, *ledger.Invite) {},
		scan: func(r row) (string, ledger.Invite) {
			i := ledger.Invite{ID: r.Text(0), Person: r.Text(1), Roles: split(r.Text(2)), Until: instant(r.Int(3))}
			return i.ID, i
		},
	})
}

func tryTable() *table[string, tryRow] {
	return newTable(spec{name: "sign_in_try", key: "key:t", moving: "n:i since:i locked_until:i until:i"}, table[string, tryRow]{
		bindKey:   func(b binder, k string) { b.Text(k) },
		bindFixed: func(binder, *tryRow) {},
		bindMoving: func(b binder, t *tryRow) {
			b.Int(t.n)
			b.Int(micros(t.since))
			b.Int(micros(t.locked))
			b.Int(micros(t.until))
		},
		scan: func(r row) (string, tryRow) {
			return r.Text(0), tryRow{n: r.Int(1), since: instant(r.Int(2)), locked: instant(r.Int(3)), until: instant(r.Int(4))}
		},
	})
}

func auditTable() *table[int64, ledger.AuditRow] {
	return newTable(spec{name: "audit", key: "id:i", fixed: "at:i who:t act:t target:t body:b hash:b"}, table[int64, ledger.AuditRow]{
		bindKey: func(b binder, k int64) { b.Int(k) },
		bindFixed: func(b binder, a *ledger.AuditRow) {
			b.Int(micros(a.At))
			b.Text(a.Who)
			b.Text(a.Act)
			b.Text(a.Target)
			b.Blob(a.Body)
			b.Blob(a.Hash[:])
		},
		bindMoving: func(binder, *ledger.AuditRow) {},
		scan: func(r row) (int64, ledger.AuditRow) {
			a := ledger.AuditRow{ID: r.Int(0), At: instant(r.Int(1)), Who: r.Text(2), Act: r.Text(3), Target: r.Text(4), Body: r.Blob(5),
				Hash: sumOf(r.Blob(6))}
			return a.ID, a
		},
	})
}
