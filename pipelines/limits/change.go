package limits

import "github.com/minihub/minihub/connectors"

// Change puts other limits in force. What the last spans hold keeps counting, so that a
// change while running exceeds no limit.
func (s *Set) Change(list []connectors.Limit, scale float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.buckets
	s.buckets = make(map[string]*bucket, len(list))
	changed := len(list) != len(old)
	for _, l := range list {
		l = scaled(l, scale)
		b := old[l.Name]
		if b == nil {
			b = &bucket{}
		}
		changed = changed || b.limit != l
		b.limit = l
		s.buckets[l.Name] = b
	}
	if changed {
		close(s.changed) // who waits looks again
		s.changed = make(chan struct{})
	}
}

func scaled(l connectors.Limit, scale float64) connectors.Limit {
	if scale > 0 && l.Requests > 0 {
		l.Requests = max(1, int(float64(l.Requests)*scale))
	}
	return l
}
