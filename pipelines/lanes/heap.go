package lanes

// A 4-ary heap of waiting lanes by time; each lane knows its place.

func (q *Queue) heapLess(a, b int32) bool {
	x, y := q.lanes.at(a), q.lanes.at(b)
	return x.at < y.at || x.at == y.at && x.head < y.head
}

func (q *Queue) heapSet(i int, li int32) {
	q.heap[i] = li
	q.lanes.at(li).heap = int32(i)
}

func (q *Queue) heapPush(li int32) {
	q.heap = append(q.heap, li)
	q.heapSet(len(q.heap)-1, li)
	q.heapUp(len(q.heap) - 1)
}

func (q *Queue) heapRemove(i int) {
	li := q.heap[i]
	last := len(q.heap) - 1
	moved := q.heap[last]
	q.heap = q.heap[:last]
	q.lanes.at(li).heap = none
	if i == last {
		return
	}
	q.heapSet(i, moved)
	q.heapDown(i)
	q.heapUp(i)
}

func (q *Queue) heapUp(i int) {
	for i > 0 {
		p := (i - 1) / 4
		if !q.heapLess(q.heap[i], q.heap[p]) {
			return
		}
		a, b := q.heap[i], q.heap[p]
		q.heapSet(p, a)
		q.heapSet(i, b)
		i = p
	}
}

func (q *Queue) heapDown(i int) {
	for {
		best := i
		for c := 4*i + 1; c <= 4*i+4 && c < len(q.heap); c++ {
			if q.heapLess(q.heap[c], q.heap[best]) {
				best = c
			}
		}
		if best == i {
			return
		}
		a, b := q.heap[i], q.heap[best]
		q.heapSet(best, a)
		q.heapSet(i, b)
		i = best
	}
}
