package reconcile

import (
	"time"
)

// Kind is what a finding is.
type Kind string

// The kinds. Parked is no drift: it is known and waits for a person.
const (
	MissingAtTarget Kind = "missing_at_target" // never delivered, or gone after a receipt
	MissingAtSource Kind = "missing_at_source" // the ledger or a target has what the source does not
	MissingInLedger Kind = "missing_in_ledger" // the source lists what was never pulled
	Double          Kind = "double"            // the target holds two for one key
	Differs         Kind = "differs"           // status, amount or lines
	Orphan          Kind = "orphan"            // a key of our form that no record explains
	UnknownResolved Kind = "unknown_resolved"  // nobody knew the outcome; the document is there
	CancelledAlive  Kind = "cancelled_alive"   // cancelled or replaced, and alive at the target
	Parked          Kind = "parked"            // known, waits for a person
)

// Why narrows a kind down; stable words.
const (
	WhyNotRouted    = "not_routed"          // no delivery was ever made of it
	WhyNotSent      = "not_sent"            // the target was off or in shadow when it came
	WhyGone         = "gone_after_receipt"  // the target confirmed it and has it no more
	WhyNotAtSource  = "not_at_source"       // the source does not know the key
	WhyAlive        = "alive_at_target"     // gone at the source, alive at the target
	WhyNeverPulled  = "never_pulled"        //
	WhySource       = "source_and_ledger"   // the newest record is not what the source has
	WhyTarget       = "target_and_delivery" // the target is not what was applied last
	WhyAtSource     = "cancelled_at_source" //
	WhyWithdrawn    = "withdrawn"           // cancelled through the hub, with a receipt
	WhyGeneration   = "older_generation"    // replaced by a newer generation of its key
	WhyUnknown      = "unknown"             // the delivery is unknown
	WhyUnsure       = "parked_unsure"       // the delivery is parked after an unsure attempt
	WhyRecord       = "record"              // the record is parked
	WhyDelivery     = "delivery"            // the delivery is parked
	WhyHint         = "hint"                // the fetch is parked
	WhyTwice        = "twice_alive"         //
	WhyNoRecord     = "no_record"           //
	WhyDeletedThere = "deleted_in_ledger"   // the ledger holds a tombstone, the source the document
)

// The ways a finding can be healed; empty = only proposed.
const (
	ByRefetch = "refetch" // fetch the current state; the flows do the rest
	ByReplay  = "replay"  // fetch, then route the record again
	ByLookup  = "lookup"  // ask the target what became of it
)

// Report is what a run found. Its JSON is stored and public: fields are added, never
// renamed.
type Report struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Grace    string    `json:"grace"`
	Zone     string    `json:"zone"`
	Flows    []string  `json:"flows"`
	Previous int64     `json:"previous,omitempty"` // the report that New refers to

	// Partial: a list ended early, so absences may be missing from the findings; the
	// reasons stand in NotCompared.
	Partial bool `json:"partial"`
	Drift   int  `json:"drift"` // findings without the parked ones
	New     int  `json:"new"`   // of Drift, those the previous report did not have

	Sides       []Side        `json:"sides"`
	Totals      []Total       `json:"totals"`
	Kinds       []KindCount   `json:"kinds"`
	InFlight    []StateCount  `json:"in_flight"`
	LookAlikes  []StateCount  `json:"look_alikes"`
	NotCompared []NotCompared `json:"not_compared"`
	Findings    []Finding     `json:"findings"`
}

// Place is what a row of a report is about: a source stream, or a step of a flow with
// its target.
type Place struct {
	Flow       string `json:"flow"` // several, joined by ", ", for a source they share
	Step       string `json:"step,omitempty"`
	Connection string `json:"connection"`
	Name       string `json:"name"` // stream or operation
	Role       string `json:"role"` // source or target
}

// The roles of a Place.
const (
	RoleSource = "source"
	RoleTarget = "target"
)

// String is the place as people write it: shop-a.orders.
func (p Place) String() string { return p.Connection + "." + p.Name }

// Side says how much of one place was read.
type Side struct {
	Place
	Listed   int  `json:"listed"`   // documents its list showed
	ByKey    int  `json:"by_key"`   // keys it was asked for
	Compared int  `json:"compared"` // documents held against the hub's
	Equal    int  `json:"equal"`
	CanList  bool `json:"can_list"` // it has a list at all; without one documents are asked for by key
	Complete bool `json:"complete"` // the list was read to its end
}

// Total is both sides' documents and money of one store and day. Hub is the ledger for
// a source, and what was applied last for a target.
type Total struct {
	Place
	Store       string `json:"store"`
	Day         string `json:"day"`                // of the source's time, in the report's zone
	Currency    string `json:"currency,omitempty"` // empty: no amounts are compared
	Hub         int    `json:"hub"`
	HubAmount   int64  `json:"hub_amount"` // minor units
	There       int    `json:"there"`
	ThereAmount int64  `json:"there_amount"`
	Drift       int    `json:"drift"`
}

// KindCount counts findings.
type KindCount struct {
	Place
	Kind     Kind   `json:"kind"`
	Count    int    `json:"count"`
	New      int    `json:"new"`
	Currency string `json:"currency,omitempty"`
	Amount   int64  `json:"amount"` // minor units
}

// StateCount counts rows in flight by state, or look-alikes by reason.
type StateCount struct {
	Place
	State string `json:"state"`
	Count int    `json:"count"`
}

// NotCompared says what could not be compared, and why. Count 0 is all of it.
type NotCompared struct {
	Place
	What   string `json:"what"` // list, get, content, orphans, target
	Count  int    `json:"count,omitempty"`
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason"`
}

// Finding is one disagreement.
type Finding struct {
	Place
	Kind Kind   `json:"kind"`
	Why  string `json:"why"`
	New  bool   `json:"new"`
	Heal string `json:"heal,omitempty"` // refetch, replay, lookup; empty = proposed only

	Source    string     `json:"source,omitempty"` // connection of the document's source
	Stream    string     `json:"stream,omitempty"`
	SourceKey string     `json:"source_key,omitempty"`
	Key       string     `json:"key,omitempty"` // as the target knows it
	Label     string     `json:"label,omitempty"`
	Store     string     `json:"store,omitempty"`
	Day       string     `json:"day,omitempty"`
	At        time.Time  `json:"at,omitzero"`
	Amount    int64      `json:"amount"` // minor units
	Currency  string     `json:"currency,omitempty"`
	Fields    []Field    `json:"fields,omitempty"`
	RemoteIDs []RemoteID `json:"remote_ids,omitempty"`

	Record   int64  `json:"record,omitempty"`
	Delivery int64  `json:"delivery,omitempty"`
	State    string `json:"state,omitempty"` // of the delivery, record or hint
	Code     string `json:"code,omitempty"`
	Text     string `json:"text"`
}

// Field is a difference, both values as text: "128.00 CNY".
type Field struct {
	Name  string `json:"name"` // status, amount, lines
	Hub   string `json:"hub"`
	There string `json:"there"`
}

// RemoteID is one name a target gave a document.
type RemoteID struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// same is what makes a finding of two runs the same one.
func (f *Finding) same() fingerprint {
	p := fingerprint{f.Place, f.Kind, f.Why, f.SourceKey, f.Key, ""}
	for _, d := range f.Fields {
		p.fields += d.Name + "\x1f" + d.Hub + "\x1f" + d.There + "\x1f"
	}
	return p
}

type fingerprint struct {
	place            Place
	kind             Kind
	why, source, key string
	fields           string
}
