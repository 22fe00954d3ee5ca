package lanes

// slab keeps values in chunks, so that growing copies nothing and an index stays good.
type slab[T any] struct {
	chunks [][]T
	free   []int32
	used   int32
}

const chunkBits = 12

func (s *slab[T]) at(i int32) *T { return &s.chunks[i>>chunkBits][i&(1<<chunkBits-1)] }

func (s *slab[T]) take(v T) int32 {
	var i int32
	if n := len(s.free); n > 0 {
		i = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		i = s.used
		s.used++
		if int(i>>chunkBits) == len(s.chunks) {
			s.chunks = append(s.chunks, make([]T, 1<<chunkBits))
		}
	}
	*s.at(i) = v
	return i
}

func (s *slab[T]) give(i int32) {
	var zero T
	*s.at(i) = zero
	s.free = append(s.free, i)
}
