package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"
)

// Sum is a SHA-256.
type Sum [sha256.Size]byte

// The phases of an audit entry. A change that cannot share its transaction with the
// entry has two: intent before it, and done or failed after.
const (
	AuditIntent  = "intent"
	AuditDone    = "done"
	AuditFailed  = "failed"
	AuditRefused = "refused"
)

// AuditEntry says who did what. Entries are numbered without gaps from 1 and chained:
// each one's hash is over the hash before it and its own canonical JSON.
type AuditEntry struct {
	ID     int64             `json:"id"`
	At     time.Time         `json:"at"`
	Who    string            `json:"who"`
	Act    string            `json:"act"`
	Target string            `json:"on,omitempty"`
	Why    string            `json:"why,omitempty"`
	From   string            `json:"from,omitempty"` // address of the caller
	Phase  string            `json:"phase"`
	Of     int64             `json:"of,omitempty"` // the intent that this is the end of
	Code   string            `json:"code,omitempty"`
	Detail map[string]string `json:"detail,omitempty"`
}

// Canonical is the JSON that the chain's hash is over: fields in the order of
// AuditEntry, the detail by name, nothing escaped that need not be.
func (e *AuditEntry) Canonical() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// ChainHash is the hash of an entry that follows one with the hash prev; the first
// entry follows zeros.
func ChainHash(prev Sum, canonical []byte) Sum {
	return sha256.Sum256(append(prev[:], canonical...))
}

// AddAudit appends an entry; the store gives it its number, time and hash. When, if
// given, is looked at after the units before this one: false writes nothing.
type AddAudit struct {
	Entry AuditEntry
	When  *bool
}

func (*AddAudit) unit() {}

// AuditRow is an entry as it is stored. The columns repeat what the body says, for
// searching; a row where they differ was tampered with.
type AuditRow struct {
	ID     int64
	At     time.Time
	Who    string
	Act    string
	Target string
	Body   []byte // canonical JSON
	Hash   Sum
}

// Entry reads the row's body.
func (r *AuditRow) Entry() (*AuditEntry, error) {
	var e AuditEntry
	if err := json.Unmarshal(r.Body, &e); err != nil {
		return nil, err
	}
	return &e, nil
}

// AuditFilter selects entries; empty fields match all.
type AuditFilter struct {
	Who, Act, Target string
	From, To         time.Time // closed-open
	After            int64     // entries with a higher number, rising
	Before           int64     // newest first below this number; 0 = from the end
	Rising           bool      // After instead of Before
	Limit            int       // 0 = 100
}

// Auditor reads the audit.
type Auditor interface {
	Audit(ctx context.Context, f AuditFilter) ([]AuditRow, error)
	// AuditHead returns the number and hash of the newest entry as the store noted them
	// beside the entries; 0 when there is none.
	AuditHead(ctx context.Context) (id int64, hash Sum, err error)
}
