package sqlledger

import (
	"container/list"
	"sync"
)

// blockCache holds the payloads of the blocks written or read last, up to a number of
// bytes, so that the engine reads what it just wrote without a query.
type blockCache struct {
	mu    sync.Mutex
	limit int
	size  int
	m     map[int64]*list.Element
	order *list.List // newest first
}

type cachedBlock struct {
	id    int64
	size  int
	parts [][]byte
}

func newBlockCache(limit int) *blockCache {
	return &blockCache{limit: limit, m: map[int64]*list.Element{}, order: list.New()}
}

func (c *blockCache) get(id int64) ([][]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.m[id]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cachedBlock).parts, true
}

func (c *blockCache) put(id int64, parts [][]byte) {
	b := &cachedBlock{id: id, parts: parts, size: 256}
	for _, p := range parts {
		b.size += len(p) + 24
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.m[id]; ok || b.size > c.limit {
		return
	}
	c.m[id] = c.order.PushFront(b)
	c.size += b.size
	for c.size > c.limit {
		last := c.order.Back()
		old := c.order.Remove(last).(*cachedBlock)
		delete(c.m, old.id)
		c.size -= old.size
	}
}

func (c *blockCache) drop(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.m[id]; ok {
		old := c.order.Remove(e).(*cachedBlock)
		delete(c.m, id)
		c.size -= old.size
	}
}
