package app

import (
	"context"
	"os"
	"runtime/debug"
	gometrics "runtime/metrics"
	"time"
)

// Garbage may grow to three times what lives, which halves the collector's share of the
// path, as long as the whole stays below memoryFloor, or twice what lives where that is
// more: a hub with a million waiting messages must not weigh a gigabyte.
const (
	gcPercent   = 300
	memoryFloor = 384 << 20
)

// tuneMemory gives back what loading the unfinished work took, and sets the collector
// until ctx ends. GOGC and GOMEMLIMIT, when given, are the operator's word.
func tuneMemory(ctx context.Context) {
	debug.FreeOSMemory()
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(gcPercent)
	live := []gometrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		gometrics.Read(live)
		debug.SetMemoryLimit(max(memoryFloor, 2*int64(live[0].Value.Uint64())))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
