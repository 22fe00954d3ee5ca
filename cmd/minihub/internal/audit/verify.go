// Package audit checks the chain of who did what.
package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Verdict is what a check of the chain found.
type Verdict struct {
	Entries int64  `json:"entries"`        // that were sound
	Head    string `json:"head,omitempty"` // number:hash of the last sound entry, to be noted elsewhere
	Broken  int64  `json:"broken,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// page is how many entries are read at once.
const page = 1000

// Verify walks the chain from its beginning and names the first entry that is not as it
// was written. expect is a head noted earlier, or empty: whoever can write the store's
// file can make a chain anew, and only what was noted elsewhere gives that away.
func Verify(ctx context.Context, store ledger.Auditor, expect string) (*Verdict, error) {
	var wantID int64
	var wantHash string
	if expect != "" {
		if _, err := fmt.Sscanf(expect, "%d:%s", &wantID, &wantHash); err != nil || wantID <= 0 || len(wantHash) != 2*len(ledger.Sum{}) {
			return nil, &HeadError{expect}
		}
	}
	// Noted before the walk: entries may be added meanwhile.
	headID, head, err := store.AuditHead(ctx)
	if err != nil {
		return nil, err
	}
	v := &Verdict{}
	var prev ledger.Sum
	broken := func(id int64, format string, a ...any) (*Verdict, error) {
		v.Broken, v.Reason = id, fmt.Sprintf(format, a...)
		return v, nil
	}
	for {
		rows, err := store.Audit(ctx, ledger.AuditFilter{Rising: true, After: v.Entries, Limit: page})
		if err != nil {
			return nil, err
		}
		for i := range rows {
			r := &rows[i]
			if r.ID != v.Entries+1 {
				return broken(v.Entries+1, "the entry is missing: %d follows %d", r.ID, v.Entries)
			}
			if why := check(r, prev); why != "" {
				return broken(r.ID, "%s", why)
			}
			prev = r.Hash
			v.Entries, v.Head = r.ID, fmt.Sprintf("%d:%x", r.ID, r.Hash)
			if r.ID == headID && r.Hash != head {
				return broken(r.ID, "the hash is not the one that was noted when the entry was written")
			}
			if r.ID == wantID && fmt.Sprintf("%x", r.Hash) != wantHash {
				return broken(r.ID, "the hash is not the one that was expected: the chain was made anew")
			}
		}
		if len(rows) < page {
			break
		}
	}
	if most := max(headID, wantID); v.Entries < most {
		return broken(v.Entries+1, "the entry is missing: %d were written", most)
	}
	return v, nil
}

// check says what is wrong with a row that follows one with the hash prev.
func check(r *ledger.AuditRow, prev ledger.Sum) string {
	if ledger.ChainHash(prev, r.Body) != r.Hash {
		return "the hash does not fit the entry and the one before it"
	}
	e, err := r.Entry()
	if err != nil {
		return "the entry cannot be read: " + err.Error()
	}
	for _, c := range []struct{ name, column, body string }{
		{"id", fmt.Sprint(r.ID), fmt.Sprint(e.ID)},
		{"at", r.At.UTC().Format(time.RFC3339Nano), e.At.UTC().Format(time.RFC3339Nano)},
		{"who", r.Who, e.Who}, {"act", r.Act, e.Act}, {"target", r.Target, e.Target},
	} {
		if c.column != c.body {
			return fmt.Sprintf("the column %s says %q and the entry %q", c.name, c.column, c.body)
		}
	}
	return ""
}

// HeadError is a head that is none.
type HeadError struct{ Head string }

func (e *HeadError) Error() string {
	return fmt.Sprintf("%q is no head of the audit; write NUMBER:HASH as an earlier check printed it", e.Head)
}
