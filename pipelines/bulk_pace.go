package pipelines

import (
	"context"
	"sync"
	"time"

	"github.com/minihub/minihub/pipelines/bus"
	"github.com/minihub/minihub/pipelines/ledger"
)

const (
	bulkFewest   = 16               // rows on their way at once, however slow the target is
	bulkMost     = 512              // and at most
	bulkAhead    = 2 * time.Second  // rows on their way last a target this long
	bulkPatience = 10 * time.Minute // then a row that does not move gives its place up
	bulkLook     = 20 * time.Millisecond
	bulkLookMost = 500 * time.Millisecond
)

// leg is what a running replay keeps in memory: the rows that it let go and that have
// not arrived. Only so many are on their way at once, so that pausing and cancelling
// reach nearly all of a large replay, a target in trouble gets a few rows and not all,
// and live traffic shares its lanes with little.
type leg struct {
	due    time.Time
	look   time.Duration // until the next look while there is no room
	most   int
	after  int64 // every item up to this row is written
	moving []underway
	asked  []string // with re-pull: the topics of the hints that it makes
}

type underway struct {
	row   int64
	since time.Time
}

func (l *leg) add(done []ledger.BulkItem, at time.Time) {
	for i := range done {
		if done[i].State == ItemReplayed {
			l.moving = append(l.moving, underway{done[i].Row, at})
		}
	}
}

// newLeg finds what a replay has on its way, after a start too.
func (b *Bulks) newLeg(ctx context.Context, job *ledger.Bulk) (*leg, error) {
	p, err := b.plan(ctx, job)
	if err != nil {
		return nil, err
	}
	l := &leg{most: ahead(p.Targets), look: bulkLook}
	if ReplayMode(job.Mode) == Repull {
		for _, source := range p.sources {
			l.asked = append(l.asked, bus.Topic("hints", source))
		}
		l.most = bulkMost
		return l, nil
	}
	now := time.Now()
	for after := int64(0); ; {
		items, err := b.desk.BulkItems(ctx, job.ID, after, "", 1000)
		if err != nil || len(items) == 0 {
			return l, err
		}
		after = items[len(items)-1].Row
		l.add(items, now)
		if err := b.arrived(ctx, job, l); err != nil {
			return l, err
		}
	}
}

// ahead is how many rows may be on their way to these targets.
func ahead(targets []BulkTarget) int {
	n := 0.0
	for _, t := range targets {
		if t.PerSecond <= 0 {
			return bulkMost
		}
		n += t.PerSecond * bulkAhead.Seconds()
	}
	if len(targets) == 0 {
		return bulkMost
	}
	return int(min(max(n, bulkFewest), bulkMost))
}

// arrived drops what is no longer on its way.
func (b *Bulks) arrived(ctx context.Context, job *ledger.Bulk, l *leg) error {
	if len(l.moving) == 0 {
		return nil
	}
	rows := make([]int64, len(l.moving))
	for i, m := range l.moving {
		rows[i] = m.row
	}
	found, err := b.desk.BulkMoving(ctx, job.Kind, rows)
	if err != nil {
		return err
	}
	still := make(map[int64]bool, len(found))
	for _, row := range found {
		still[row] = true
	}
	// One that is stuck behind another row of its lane would hold its place for ever.
	old := time.Now().Add(-bulkPatience)
	kept := l.moving[:0]
	for _, m := range l.moving {
		if still[m.row] && m.since.After(old) {
			kept = append(kept, m)
		}
	}
	l.moving = kept
	return nil
}

// room is how many rows may go now; without any it sets when to look again.
func (b *Bulks) room(ctx context.Context, job *ledger.Bulk, l *leg) (int, error) {
	if len(l.asked) > 0 {
		return b.roomForHints(l), nil
	}
	if len(l.moving) > l.most/2 {
		before := len(l.moving)
		if err := b.arrived(ctx, job, l); err != nil {
			return 0, err
		}
		if len(l.moving) < before {
			l.look = bulkLook
		}
	}
	if n := l.most - len(l.moving); n > 0 {
		l.look = bulkLook
		return n, nil
	}
	l.due = time.Now().Add(l.look)
	l.look = min(2*l.look, bulkLookMost)
	return 0, nil
}

// roomForHints is room where rows are asked for at their sources again.
func (b *Bulks) roomForHints(l *leg) int {
	n, depth := l.most, b.e.Depth()
	for _, topic := range l.asked {
		n -= depth[topic]
	}
	if n <= 0 {
		l.due = time.Now().Add(bulkLookMost)
	}
	return max(0, n)
}

// counted keeps the last count of each replay for a moment: counting a large one takes
// a while, and everybody who looks at it asks every second.
type counted struct {
	mu sync.Mutex
	by map[int64]countedOnce
}

type countedOnce struct {
	state string
	until time.Time
	p     BulkProgress
}
