package sqlledger_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

func TestTheAuditIsAChain(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		c := newClock()
		s := st.open(t, c.in)
		if id, _, err := s.AuditHead(t.Context()); id != 0 || err != nil {
			t.Fatalf("head of nothing: %d %v", id, err)
		}
		var wait sync.WaitGroup
		for i := range 20 {
			wait.Go(func() {
				e := &ledger.AddAudit{Entry: ledger.AuditEntry{Who: fmt.Sprintf("p%d", i%3), Act: "replay", Target: "message 7", Why: "<客户> asked",
					From: "192.0.2.7", Phase: ledger.AuditDone, Detail: map[string]string{"mode": "re-map", "filter": "x"}}}
				if err := s.Commit(t.Context(), e); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = st.open(t, c.in)
		c.pass(time.Hour)
		no := false
		set := &ledger.SetPerson{Name: "nobody", Roles: []string{"admin"}}
		commit(t, s, &ledger.AddAudit{Entry: ledger.AuditEntry{Who: "x", Act: "never", Phase: ledger.AuditDone}, When: &no},
			set, &ledger.AddAudit{Entry: ledger.AuditEntry{Who: "x", Act: "never", Phase: ledger.AuditDone}, When: &set.Applied},
			&ledger.AddAudit{Entry: ledger.AuditEntry{Who: "last", Act: "pause", Phase: ledger.AuditIntent}})

		rows, err := s.Audit(t.Context(), ledger.AuditFilter{Rising: true})
		if err != nil || len(rows) != 21 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		var prev ledger.Sum
		for i, r := range rows {
			e, err := r.Entry()
			if err != nil {
				t.Fatal(err)
			}
			again, err := e.Canonical()
			if err != nil || string(again) != string(r.Body) {
				t.Fatalf("the body is not canonical: %s", r.Body)
			}
			if prev = ledger.ChainHash(prev, r.Body); prev != r.Hash || r.ID != int64(i+1) || e.ID != r.ID || !e.At.Equal(r.At) {
				t.Fatalf("row %d does not follow: %s", r.ID, r.Body)
			}
		}
		if id, hash, err := s.AuditHead(t.Context()); id != 21 || hash != prev || err != nil {
			t.Fatalf("head %d %x %v", id, hash, err)
		}
		newest, err := s.Audit(t.Context(), ledger.AuditFilter{Limit: 2})
		if err != nil || len(newest) != 2 || newest[0].ID != 21 || newest[1].ID != 20 || newest[0].Who != "last" {
			t.Fatalf("newest: %+v %v", newest, err)
		}
		for name, f := range map[string]ledger.AuditFilter{"who": {Who: "last"}, "act": {Act: "pause"}, "from": {From: c.now()}, "after": {Rising: true, After: 20}} {
			if got, err := s.Audit(t.Context(), f); err != nil || len(got) != 1 || got[0].ID != 21 {
				t.Errorf("by %s: %d rows, %v", name, len(got), err)
			}
		}
		if got, _ := s.Audit(t.Context(), ledger.AuditFilter{Target: "message 7", To: c.now(), Before: 11}); len(got) != 10 {
			t.Errorf("by target, time and number: %d rows", len(got))
		}
	})
}
