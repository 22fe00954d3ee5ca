package sqlledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"

	"github.com/minihub/minihub/pipelines/ledger"
)

const (
	kindPhone = "phone"
	kindTail  = "phone_tail"
)

// search hashes search keys; the values are never stored (Invariant 8).
type search struct {
	macs  sync.Pool
	mu    sync.RWMutex
	kinds map[string]bool // kinds the store has seen
	tail  []keyRow        // search keys that are in no generation yet
}

func newSearch(secret []byte) *search {
	s := &search{kinds: map[string]bool{}}
	s.macs.New = func() any { return hmac.New(sha256.New, secret) }
	return s
}

func (s *search) sum(kind, value string) int64 {
	m := s.macs.Get().(hash.Hash)
	defer s.macs.Put(m)
	m.Reset()
	buf := make([]byte, 0, 96)
	buf = append(append(append(buf, kind...), 0), value...)
	m.Write(buf)
	return int64(binary.BigEndian.Uint64(m.Sum(buf[:0])))
}

// print identifies the secret without telling it.
func (s *search) print() string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(s.sum("", "the key of this store")))
	return hex.EncodeToString(b[:])
}

// hash returns the stored form of search keys and the kinds among them. A phone is
// found whole and by its last four digits.
func (s *search) hash(c *checker, keys []ledger.SearchKey) (hs []int64, kinds []string) {
	for _, k := range keys {
		c.text("search key's kind", k.Kind)
		v := normalise(k.Kind, k.Value)
		if v == "" {
			continue
		}
		hs, kinds = append(hs, s.sum(k.Kind, v)), append(kinds, k.Kind)
		if k.Kind == kindPhone && len(v) >= 4 {
			hs, kinds = append(hs, s.sum(kindTail, v[len(v)-4:])), append(kinds, kindTail)
		}
	}
	return hs, kinds
}

// normalise makes what people type and what vendors send alike: compatibility forms
// (full-width digits) folded, spaces dropped, lower case; a phone is its digits,
// without the country code of China.
func normalise(kind, value string) string {
	v := strings.ToLower(strings.Join(strings.Fields(norm.NFKC.String(value)), ""))
	if kind != kindPhone && kind != kindTail {
		return v
	}
	v = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, v)
	v = strings.TrimPrefix(v, "00")
	if len(v) == 13 && strings.HasPrefix(v, "86") {
		v = v[2:]
	}
	return v
}

func (s *search) knows(kind string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.kinds[kind]
}

func (s *search) all() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	kinds := make([]string, 0, len(s.kinds))
	for k := range s.kinds {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds
}
