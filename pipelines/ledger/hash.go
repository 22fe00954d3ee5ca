package ledger

import "hash/fnv"

// Partitions is how many partitions a store has. It is written to `meta` when a
// store is made; a program built with another number refuses to open it.
const Partitions = 64

// HashName names the hash in `meta`.
const HashName = "fnv1a64"

// RootHash is the 64-bit FNV-1a hash of connection, entity and key of a root, joined
// by NUL bytes. It never changes: it is stored.
func RootHash(connection, entity, key string) int64 {
	return hash(connection, entity, key)
}

// LaneHash is the hash of a target connection and a root.
func LaneHash(connection string, root int64) uint64 {
	h := fnv.New64a()
	h.Write([]byte(connection))
	var b [9]byte
	for i := range 8 {
		b[i+1] = byte(uint64(root) >> (8 * i))
	}
	h.Write(b[:])
	return h.Sum64()
}

// Part is the partition of a root: its hash modulo Partitions.
func Part(root int64) int { return int(uint64(root) % Partitions) }

func hash(parts ...string) int64 {
	h := fnv.New64a()
	for i, p := range parts {
		if i > 0 {
			h.Write([]byte{0})
		}
		h.Write([]byte(p))
	}
	return int64(h.Sum64())
}
