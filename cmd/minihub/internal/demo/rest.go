package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// tally is the ledger's state in numbers.
type tally struct {
	records, moving, blocked, parked, ended int64
	what                                    []string // what moves, in words
}

// count reads the ledger.
func (d *Demo) count(ctx context.Context) (tally, error) {
	counts, err := d.hub.Ledger().Counts(ctx)
	if err != nil {
		return tally{}, err
	}
	var t tally
	for _, c := range counts {
		moving := false
		switch c.Kind {
		case "record":
			t.records += c.N
			moving = c.State == string(ledger.RecordReceived)
			if c.State == string(ledger.RecordParked) {
				t.parked += c.N
			}
		case "hint":
			moving = c.State == "pending"
			if c.State == "parked" {
				t.parked += c.N
			}
		default:
			switch s := ledger.State(c.State); {
			case s == ledger.Parked:
				t.parked += c.N
			case s == ledger.Blocked:
				t.blocked += c.N
			case s.Final():
				t.ended += c.N
			default:
				moving = true
			}
		}
		if moving {
			t.moving += c.N
			t.what = append(t.what, fmt.Sprintf("%d %s %s.%s %s %s", c.N, c.Kind, c.Connection, c.Name, c.State, c.Code))
		}
	}
	slices.Sort(t.what)
	return t, nil
}

const (
	restEvery = 100 * time.Millisecond
	// restFor is how long nothing may have moved: what is blocked is let go by a commit of
	// another row, so a still ledger is one at rest.
	restFor = 8
)

// rest waits until nothing moves any more. It is bounded in all, and ends when nothing
// gets on: what still waits then is the result's Problem.
func (d *Demo) rest(ctx context.Context) error {
	started := time.Now()
	moved := started
	tick := time.NewTicker(restEvery)
	defer tick.Stop()
	var last tally
	for still := 0; still < restFor; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		t, err := d.count(ctx)
		if err != nil {
			return err
		}
		same := t.records == last.records && t.blocked == last.blocked && t.ended == last.ended
		if still++; !same || t.moving > 0 {
			still = 0
		}
		now := time.Now()
		if !same {
			moved = now
		}
		if last = t; still < restFor && (now.Sub(started) > d.opt.Wait || now.Sub(moved) > d.opt.Stuck) {
			d.Result.Problem = fmt.Sprintf("not at rest after %s, nothing ended for %s; there still wait: %s",
				now.Sub(started).Round(time.Second), now.Sub(moved).Round(time.Second), strings.Join(t.what, "; "))
			return nil
		}
	}
	return nil
}
