package sqlledger

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"
)

// Options say where the ledger is and how it is written. Only URL and Secret are
// required.
type Options struct {
	// URL is "sqlite:/path/ledger.db" or "postgres://user@host/database?schema=name"; the
	// schema is made when it is missing (default "minihub").
	URL string
	// Secret is the key of the search keys' hash. A store opens with the secret it was
	// made with only.
	Secret []byte
	Log    *zap.Logger
	// Owner names this process in leases and job runs; by default host, pid and a random
	// number.
	Owner string
	// WaitOwner is how long Open waits for another process to give the store up, before
	// it answers ledger.ErrOwned.
	WaitOwner time.Duration

	CacheBytes int           // of payloads kept in memory; default 64 MiB
	CacheRows  int           // of each of records, deliveries and links; default 16,384
	BatchUnits int           // written in one transaction at most; default 1,024
	Linger     time.Duration // wait for more units after a batch of more than 8; default 2 ms
	MinFree    uint64        // bytes of free disk below which Intake answers ledger.ErrFull; default 256 MiB; SQLite only

	// Relaxed leaves the last moments before a power cut to chance (SQLite synchronous
	// NORMAL, PostgreSQL synchronous_commit off). A crash of the process loses nothing.
	Relaxed bool
	// LeaseTTL is how long a PostgreSQL ledger stays owned by a process that vanished;
	// default 10 s.
	LeaseTTL time.Duration

	// Now and Free replace the clock and the measure of free disk in tests.
	Now  func() time.Time
	Free func() (uint64, bool)
}

func (o Options) withDefaults() (Options, error) {
	if o.URL == "" {
		return o, errors.New(`ledger: no URL; give "sqlite:/path/ledger.db" or "postgres://..."`)
	}
	if len(o.Secret) == 0 {
		return o, errors.New("ledger: no secret for the search keys; give any 32 random bytes and keep them")
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Owner == "" {
		var b [6]byte
		rand.Read(b[:])
		host, err := os.Hostname()
		if err != nil {
			host = "host"
		}
		o.Owner = fmt.Sprintf("%s-%d-%s", host, os.Getpid(), hex.EncodeToString(b[:]))
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = 64 << 20
	}
	if o.CacheRows <= 0 {
		o.CacheRows = 16384
	}
	if o.BatchUnits <= 0 {
		o.BatchUnits = 1024
	}
	if o.Linger <= 0 {
		o.Linger = 2 * time.Millisecond
	}
	if o.MinFree == 0 {
		o.MinFree = 256 << 20
	}
	if o.LeaseTTL <= 0 {
		o.LeaseTTL = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}
