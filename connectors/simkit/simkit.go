// Package simkit is what the vendor simulators share among themselves: faults
// that can be switched on while they run, and a record of every call that
// reached them. It knows no vendor and no signature, and no connector may import
// it, so that a simulator stays a second, independent reading of its vendor's
// rules.
package simkit

import (
	"net/http"
	"time"
)

// Sim is one vendor's system, simulated. ServeHTTP speaks the vendor's true
// protocol; the other methods are for tests, the demo and `minihub sim`.
type Sim interface {
	http.Handler
	// System is the short name under which faults and records are filed: "jushuitan".
	System() string
	// Credentials returns the invented credentials a connection needs, by config key.
	Credentials() map[string]string
	// Record returns what the system holds now and what reached it, ready for
	// JSON: {"documents": {key: ...}, "calls": [...counts...], ...}.
	Record() any
}

// Options is what every simulator's constructor takes.
type Options struct {
	// Seed makes everything the simulator invents repeatable.
	Seed int64
	// Now is the simulator's clock; nil means time.Now.
	Now func() time.Time
	// LimitScale multiplies the vendor's rate limits (and nothing else); 0 means 1.
	LimitScale float64
	// Faults is shared by the simulators of one run; nil means none.
	Faults *Faults
}

// WithDefaults fills what was left out.
func (o Options) WithDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LimitScale == 0 {
		o.LimitScale = 1
	}
	if o.Faults == nil {
		o.Faults = NewFaults(o.Seed)
	}
	return o
}
