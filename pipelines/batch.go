package pipelines

import (
	"sync"
	"time"
)

// batcher gathers what concurrent callers bring into batches: a batch is run when it is
// full or its first item has waited for the linger. The callers wait; the number of
// goroutines is theirs.
type batcher[T any] struct {
	max    int
	linger time.Duration
	run    func([]T) // must answer every item before it returns

	mu      sync.Mutex
	current *batch[T]
}

type batch[T any] struct {
	items []T
	timer *time.Timer
	done  chan struct{}
}

func newBatcher[T any](size int, linger time.Duration, run func([]T)) *batcher[T] {
	return &batcher[T]{max: max(1, size), linger: linger, run: run}
}

// do adds an item and returns when its batch has been run.
func (b *batcher[T]) do(item T) {
	if b.max == 1 {
		b.run([]T{item})
		return
	}
	b.mu.Lock()
	cur := b.current
	if cur == nil {
		cur = &batch[T]{done: make(chan struct{})}
		b.current = cur
		cur.timer = time.AfterFunc(b.linger, func() { b.flush(cur) })
	}
	cur.items = append(cur.items, item)
	full := len(cur.items) >= b.max
	b.mu.Unlock()
	if full {
		b.flush(cur)
	}
	<-cur.done
}

// flush runs a batch once, whoever comes first: the timer or the item that filled it.
func (b *batcher[T]) flush(cur *batch[T]) {
	b.mu.Lock()
	if b.current != cur {
		b.mu.Unlock()
		return
	}
	b.current = nil
	b.mu.Unlock()
	cur.timer.Stop()
	b.run(cur.items)
	close(cur.done)
}
