// Package lanes keeps, in memory, what waits for one topic: ids and times only, in
// order within a lane, at most one in flight per lane. Waiting lanes stand in a heap
// by time, so a million of them cost tens of megabytes and no goroutine.
//
// The rows in the ledger are the truth; a Queue is rebuilt from them at start and
// moved only after a commit (Invariants 2 and 4).
//
// The lanes of a topic belong to sources. Ready lanes are handed out source by source in
// turn, so that a burst of one store does not make another's lanes wait behind it.
package lanes

import (
	"context"
	"sync"
	"time"
)

// Task is the head of a lane, handed out for work.
type Task struct {
	ID     int64
	Lane   uint64
	Behind int  // how many more stand in the lane
	Probe  bool // the one task let through a closed gate
}

type laneState uint8

const (
	ready    laneState = iota // in its source's line
	inFlight                  // handed out
	waiting                   // in the heap until `at`
	held                      // until Wake or Done
)

const none = -1

// lane is one lane; 40 bytes. Ids behind the head are in the items list.
type lane struct {
	key   uint64
	head  int64
	at    int64 // unix ms, while waiting
	rest  int32 // first item behind the head; none
	heap  int32 // place in the heap; none
	state laneState
	src   uint16 // whose it is: index of its source
	begun bool   // the head was handed out before: nothing may pass it
	again bool   // in flight, and something happened to it meanwhile: hand it out once more
}

type item struct {
	id   int64
	next int32
}

// Queue is the lanes of one topic. Its methods are safe for concurrent use.
type Queue struct {
	now func() time.Time

	mu    sync.Mutex
	index map[uint64]int32
	lanes slab[lane]
	items slab[item]
	heap  []int32
	// sources in the order they were seen; turns are those that have ready lanes, the
	// next one first.
	sources []source
	names   map[string]uint16
	turns   fifo[uint16]
	count   int // ids in all lanes
	// closed holds everything back, except one probe when the time has come.
	closed  bool
	probeAt int64
	probing bool
	ended   bool
	signal  chan struct{}
}

// New returns an empty queue; now is a clock, nil for the real one.
func New(now func() time.Time) *Queue {
	if now == nil {
		now = time.Now
	}
	return &Queue{now: now, index: map[uint64]int32{}, names: map[string]uint16{}, signal: make(chan struct{}, 1)}
}

// Add puts an id into its lane, which is src's. A zero at means ready. An id goes behind the smaller
// ids of its lane, but never before a head that was begun; begun marks an id whose
// attempt may be under way (it goes to the front). To add the head once more says that
// something happened to it: see Wake.
func (q *Queue) Add(src string, key uint64, id int64, at time.Time, begun bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	li, ok := q.index[key]
	if !ok {
		li = q.lanes.take(lane{key: key, head: id, rest: none, heap: none, src: q.source(src), begun: begun})
		q.index[key] = li
		q.count++
		q.place(li, at)
		return
	}
	l := q.lanes.at(li)
	if l.head == id {
		if at.IsZero() {
			q.remind(li)
		}
		return
	}
	if q.behind(l, id) {
		return
	}
	q.count++
	before := id < l.head && !l.begun && l.state != inFlight
	if begun && !l.begun && l.state != inFlight {
		before = true
	}
	if before {
		l.rest = q.items.take(item{id: l.head, next: l.rest})
		l.head, l.begun = id, begun
		q.unplace(li)
		q.place(li, at)
		return
	}
	q.insert(l, id)
}

// Next hands out the head of a ready lane; it blocks until there is one, ctx ends or
// the queue is closed for good (ok = false).
func (q *Queue) Next(ctx context.Context) (Task, bool) {
	for {
		t, wait, ok, ended := q.try()
		if ok || ended {
			return t, ok
		}
		var timer *time.Timer
		var fire <-chan time.Time
		if wait >= 0 {
			timer = time.NewTimer(wait)
			fire = timer.C
		}
		select {
		case <-q.signal:
		case <-fire:
		case <-ctx.Done():
			if timer != nil {
				timer.Stop()
			}
			return Task{}, false
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// try returns a task, or how long to wait for the next waiting lane (-1 = no bound).
func (q *Queue) try() (t Task, wait time.Duration, ok, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return Task{}, 0, false, true
	}
	now := q.now().UnixMilli()
	for len(q.heap) > 0 && q.lanes.at(q.heap[0]).at <= now {
		li := q.heap[0]
		q.heapRemove(0)
		q.makeReady(li)
	}
	probe := false
	if q.closed {
		if q.probing || q.probeAt == 0 {
			return Task{}, -1, false, false
		}
		if q.probeAt > now {
			return Task{}, time.Duration(q.probeAt-now) * time.Millisecond, false, false
		}
		probe = true
	}
	li, found := q.turn()
	if !found {
		if len(q.heap) == 0 {
			return Task{}, -1, false, false
		}
		return Task{}, time.Duration(q.lanes.at(q.heap[0]).at-now) * time.Millisecond, false, false
	}
	l := q.lanes.at(li)
	l.state, l.begun = inFlight, true
	if probe {
		q.probing = true
	}
	if q.turns.len() > 0 {
		q.wake()
	}
	return Task{ID: l.head, Lane: l.key, Behind: q.lenRest(l), Probe: probe}, 0, true, false
}

// Done takes the id out of its lane; the next one becomes ready.
func (q *Queue) Done(key uint64, id int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	li, ok := q.index[key]
	if !ok {
		return
	}
	l := q.lanes.at(li)
	if l.head != id {
		q.removeRest(l, id)
		return
	}
	if l.again {
		q.settle(li, time.Time{})
		return
	}
	q.count--
	q.unplace(li)
	if l.rest == none {
		delete(q.index, key)
		q.lanes.give(li)
		return
	}
	it := q.items.at(l.rest)
	next := l.rest
	l.head, l.rest, l.begun = it.id, it.next, false
	q.items.give(next)
	q.place(li, time.Time{})
}

// Wait puts the head back until at; nothing of the lane passes it meanwhile.
func (q *Queue) Wait(key uint64, id int64, at time.Time) {
	q.change(key, id, func(li int32) { q.settle(li, at) })
}

// Pause blocks the lane at its head until Wake or Done.
func (q *Queue) Pause(key uint64, id int64) {
	q.change(key, id, func(li int32) {
		if q.lanes.at(li).again {
			q.settle(li, time.Time{})
			return
		}
		q.unplace(li)
	})
}

// Wake makes a held or waiting head ready now. One that is in flight is handed out
// once more when it comes back, whatever was decided about it: the decision may be
// older than what it is woken for.
func (q *Queue) Wake(key uint64, id int64) {
	q.change(key, id, q.remind)
}

// settle puts a head back until at, or at once when it was woken while in flight.
func (q *Queue) settle(li int32, at time.Time) {
	if l := q.lanes.at(li); l.again {
		l.again, at = false, time.Time{}
	}
	q.unplace(li)
	q.place(li, at)
}

func (q *Queue) remind(li int32) {
	switch l := q.lanes.at(li); l.state {
	case inFlight:
		l.again = true
	case held, waiting:
		q.unplace(li)
		q.makeReady(li)
	}
}

func (q *Queue) change(key uint64, id int64, place func(li int32)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	li, ok := q.index[key]
	if !ok || q.lanes.at(li).head != id {
		return
	}
	place(li)
}

// WakeAll wakes every head that is held or in flight: an operation's gate opened.
func (q *Queue) WakeAll() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, li := range q.index {
		if s := q.lanes.at(li).state; s == held || s == inFlight {
			q.remind(li)
		}
	}
}

// CloseGate holds everything back; at probeAt one task is let through (zero = never).
func (q *Queue) CloseGate(probeAt time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.probing, q.probeAt = true, false, 0
	if !probeAt.IsZero() {
		q.probeAt = probeAt.UnixMilli()
	}
	q.wake()
}

// OpenGate lets everything through again.
func (q *Queue) OpenGate() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.probing = false, false
	q.wake()
}

// Probed ends a probe that decided nothing, so that another may follow.
func (q *Queue) Probed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.probing = false
	q.wake()
}

// End closes the queue for good: Next answers false.
func (q *Queue) End() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.wake()
}

// Len returns how many ids the queue holds, and Lanes how many lanes.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count
}

// Lanes returns the number of lanes.
func (q *Queue) Lanes() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.index)
}

func (q *Queue) place(li int32, at time.Time) {
	l := q.lanes.at(li)
	if at.IsZero() {
		q.makeReady(li)
		return
	}
	l.state, l.at = waiting, at.UnixMilli()
	q.heapPush(li)
	q.wake()
}

func (q *Queue) makeReady(li int32) {
	l := q.lanes.at(li)
	l.state = ready
	q.line(l.src, li)
	q.wake()
}

// unplace takes the lane out of its source's line or the heap.
func (q *Queue) unplace(li int32) {
	l := q.lanes.at(li)
	switch l.state {
	case waiting:
		q.heapRemove(int(l.heap))
	case ready:
		q.sources[l.src].ready.remove(li)
	}
	l.state = held
}

func (q *Queue) wake() {
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

func (q *Queue) lenRest(l *lane) int {
	n := 0
	for i := l.rest; i != none && n < 1000; i = q.items.at(i).next {
		n++
	}
	return n
}

func (q *Queue) behind(l *lane, id int64) bool {
	for i := l.rest; i != none; i = q.items.at(i).next {
		if q.items.at(i).id == id {
			return true
		}
	}
	return false
}

func (q *Queue) insert(l *lane, id int64) {
	prev := int32(none)
	i := l.rest
	for i != none && q.items.at(i).id < id {
		prev, i = i, q.items.at(i).next
	}
	n := q.items.take(item{id: id, next: i})
	if prev == none {
		l.rest = n
		return
	}
	q.items.at(prev).next = n
}

func (q *Queue) removeRest(l *lane, id int64) {
	prev := int32(none)
	for i := l.rest; i != none; i = q.items.at(i).next {
		it := q.items.at(i)
		if it.id == id {
			if prev == none {
				l.rest = it.next
			} else {
				q.items.at(prev).next = it.next
			}
			q.items.give(i)
			q.count--
			return
		}
		prev = i
	}
}
