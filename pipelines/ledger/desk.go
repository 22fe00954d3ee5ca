package ledger

import (
	"context"
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Desk is what the support desk reads and keeps. A store implements it beside Ledger.
type Desk interface {
	// Incidents pages through incidents, the newest opening first.
	Incidents(ctx context.Context, f IncidentFilter) ([]Incident, error)
	Incident(ctx context.Context, id int64) (*Incident, error)
	// Stakes sums the money of all open incidents by currency. A document that fails for two
	// causes is in both.
	Stakes(ctx context.Context) ([]Stake, error)
	// IncidentRows returns the ids of the rows that are in an incident now, in order, after
	// the given id.
	IncidentRows(ctx context.Context, id, after int64, limit int) ([]int64, error)
	// WaitingLookups pages through the lookup entries that rows wait for, in order of table
	// and key, after the given ones.
	WaitingLookups(ctx context.Context, table, key string, limit int) ([]WaitingLookup, error)

	// Tally counts rows by kind, connection, name and state; Code and Oldest stay empty.
	Tally(ctx context.Context) ([]Count, error)

	// AddBulk keeps a planned bulk replay with the rows that are parked now and fills in ID,
	// Total and CreatedAt; when there are none, nothing is kept and ID stays 0.
	AddBulk(ctx context.Context, b *Bulk) error
	// PutBulk writes what changes of a bulk replay, with the items given, in one commit.
	PutBulk(ctx context.Context, b *Bulk, items ...BulkItem) error
	// SumBulk keeps of a bulk replay that is over its counts, and drops its items.
	SumBulk(ctx context.Context, b *Bulk) error
	Bulk(ctx context.Context, id int64) (*Bulk, error)
	// Bulks returns bulk replays, newest first.
	Bulks(ctx context.Context, f BulkFilter) ([]Bulk, error)
	// BulkItems pages through the items of a bulk replay in order of row, after the given
	// row; a state narrows it.
	BulkItems(ctx context.Context, id, after int64, state string, limit int) ([]BulkItem, error)
	// BulkMoving returns which of the rows have deliveries that are on their way.
	BulkMoving(ctx context.Context, kind string, rows []int64) ([]int64, error)
	// BulkShapes counts the pending items of a bulk replay by what decides how safe each is.
	BulkShapes(ctx context.Context, b *Bulk) ([]BulkShape, error)
	// BulkCounts counts the items by state, and those replayed by the state their row is in
	// now.
	BulkCounts(ctx context.Context, b *Bulk) (items, rows map[string]int64, err error)
}

// Incident is all rows that fail for one cause. It opens with the first and closes with
// the last; when the cause comes back within a quarter of an hour it is the same one.
type Incident struct {
	ID         int64
	Kind       string // delivery, record, hint, gate
	Connection string
	Name       string // operation, or stream
	Code       string // of a gate: its reason
	Field      string // where the text names one; of a missing lookup entry "table: key"
	OpenedAt   time.Time
	ChangedAt  time.Time
	ClosedAt   time.Time // zero while it is open
	Now        int64     // rows in it
	Seen       int64     // failures since it opened; a row that fails again counts again
	Lifetime   int64     // failures of this cause ever
	Episodes   int64     // how often it has opened
	// Money is what the rows in it now are about, by currency; a row without a known amount
	// is in none of them.
	Money []Stake
}

// Stake is the money of a number of rows in one currency.
type Stake struct {
	Amount
	Rows int64
}

// Unpriced is how many rows of it have no known amount; a closed gate has no rows.
func (i *Incident) Unpriced() int64 {
	if i.Kind == "gate" {
		return 0
	}
	n := i.Now
	for _, s := range i.Money {
		n -= s.Rows
	}
	return n
}

// Open reports whether anything is left in it.
func (i *Incident) Open() bool { return i.Now > 0 }

// IncidentFilter selects incidents; empty fields match all.
type IncidentFilter struct {
	State      string // open, closed; empty = both
	Kind       string
	Connection string
	Code       string
	Before     time.Time // opened before, or then with a smaller id: the last row of a page
	BeforeID   int64
	Limit      int // 0 = 100
}

// WaitingLookup is one lookup entry that is missing.
type WaitingLookup struct {
	Table, Key string
	Deliveries int64
	Records    int64
	Oldest     time.Time // of what waits for it
}

// Bulk is a replay of many parked rows as a job.
type Bulk struct {
	ID         int64
	Kind       string // delivery or record
	Incident   int64  // 0 = by the fields that follow
	Connection string
	Operation  string // stream for records
	Flow       string
	Code       string
	Mode       string
	Rate       int // rows a second; 0 = as fast as they go
	Confirmed  bool
	Who, Why   string
	Total      int64
	CreatedAt  time.Time

	State     string
	UpdatedAt time.Time

	// SummedAt is when the items were dropped; what they came to stands in Items and Rows
	// then, as BulkCounts counts them.
	SummedAt    time.Time
	Items, Rows map[string]int64
}

// BulkFilter selects bulk replays; empty fields match all.
type BulkFilter struct {
	States    []string
	Incident  int64
	Unsummed  bool
	OlderThan time.Time // changed before
	Before    int64     // with a smaller id: the last row of a page
	Limit     int       // 0 = 100
}

// BulkItem is one row of a bulk replay and what became of it.
type BulkItem struct {
	Row      int64  // delivery or record
	Revision int    // it had when it was planned
	State    string // pending, replayed, refused, skipped
	To       string // the state the replay led to
	Code     string
	Text     string
	At       time.Time
	// What follows is of its row as it is now, and not stored.
	Now     string // state
	NowCode string
	Key     string // remote key, or label
	Record  int64
}

// BulkShape is a number of items that are alike.
type BulkShape struct {
	Connection, Operation string // of a record: its source and stream
	Source                string // the connection that its record came from
	Unsure                bool   // an attempt may have had an effect
	Stored                bool   // the document that was sent is kept
	N                     int64
}

// maxField is how many bytes of a field name an incident.
const maxField = 300

// Trouble is the cause that a row fails for.
type Trouble struct{ Kind, Connection, Name, Code, Field string }

// ID names the incident of a cause: the same one in every store and after every start.
// It fits a JSON number.
func (t Trouble) ID() int64 {
	h := fnv.New64a()
	for _, s := range []string{t.Kind, t.Connection, t.Name, t.Code, t.Field} {
		_, _ = h.Write([]byte(s))
		_, _ = h.Write([]byte{0})
	}
	return int64(h.Sum64()&(1<<53-1)) | 1
}

// DeliveryTrouble returns the cause of a delivery that needs a person: parked, or
// blocked on something that nobody is about to make.
func DeliveryTrouble(d *Delivery) (t Trouble, ok bool) {
	switch {
	case d.State == Parked:
	case d.State == Blocked && (d.Code == codeLookup || d.Code == codeReference):
	default:
		return t, false
	}
	return Trouble{"delivery", d.Connection, d.Operation, d.Code, FieldOf(d.Code, d.Text)}, true
}

// RecordTrouble returns the cause of a record that is parked.
func RecordTrouble(r *Record) (t Trouble, ok bool) {
	if r.State != RecordParked {
		return t, false
	}
	return Trouble{"record", r.DocKey.Connection, r.Stream, r.Code, FieldOf(r.Code, r.Text)}, true
}

// HintTrouble returns the cause of a hint that is parked.
func HintTrouble(h *Hint) (t Trouble, ok bool) {
	if h.State != "parked" {
		return t, false
	}
	return Trouble{"hint", h.Connection, h.Stream, h.Code, ""}, true
}

// GateTrouble returns the cause of a gate that closed by itself.
func GateTrouble(g *Gate) (t Trouble, ok bool) {
	if g.Reason == "pause" || g.Reason == "shadow" {
		return t, false
	}
	return Trouble{"gate", g.Connection, g.Operation, g.Reason, ""}, true
}

// The codes of rows that are blocked on something to be filled in.
const (
	codeLookup    = "blocked.lookup"
	codeReference = "blocked.reference"
)

var (
	missingEntry = regexp.MustCompile(`lookup table (\S+) has no entry for (")`)
	placed       = regexp.MustCompile(`^\S+:\d+:\d+: (?:(\S+): )?`)
	pointed      = regexp.MustCompile(`^(?:\d+:\d+: )?(/\S*) `)
	listIndex    = regexp.MustCompile(`\[\d+\]`)
	pointerIndex = regexp.MustCompile(`/\d+(/|$)`)
)

// FieldOf returns the field that the text of a failure names, with list indexes as *;
// empty when it names none.
func FieldOf(code, text string) string {
	field := ""
	switch {
	case code == codeLookup:
		table, key, ok := MissingEntry(text)
		if ok {
			field = table + ": " + key
		}
	case strings.HasPrefix(code, "schema."):
		if m := pointed.FindStringSubmatch(text); m != nil {
			field = m[1]
			for pointerIndex.MatchString(field) {
				field = pointerIndex.ReplaceAllString(field, "/*$1")
			}
		}
	case strings.HasPrefix(code, "mapping."):
		if m := placed.FindStringSubmatch(text); m != nil {
			field = listIndex.ReplaceAllString(m[1], "[*]")
		}
	}
	if len(field) > maxField {
		field = field[:maxField]
		for !utf8.ValidString(field) {
			field = field[:len(field)-1]
		}
	}
	return field
}

// MissingEntry reads the first missing lookup entry out of a failure's text.
func MissingEntry(text string) (table, key string, ok bool) {
	m := missingEntry.FindStringSubmatchIndex(text)
	if m == nil {
		return "", "", false
	}
	quoted, err := strconv.QuotedPrefix(text[m[4]:])
	if err != nil {
		return "", "", false
	}
	if key, err = strconv.Unquote(quoted); err != nil {
		return "", "", false
	}
	return text[m[2]:m[3]], key, true
}
