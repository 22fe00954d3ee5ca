package sqlledger

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
)

// Search keys are hashes, so that an index over them is written at random places: six
// keys an order cost six pages of the log each. Instead a commit appends its keys in
// one row, and once in a while the collected ones become a sorted generation, written
// from end to end. A search looks at one page of each generation.
const (
	generationKeys = 1 << 16
	pageKeys       = 256
	keyBytes       = 16
)

// keyRow is a search key: its hash and the row of its record key.
type keyRow struct{ h, doc int64 }

func packKeys(keys []keyRow) []byte {
	b := make([]byte, 0, len(keys)*keyBytes)
	for _, k := range keys {
		b = binary.BigEndian.AppendUint64(b, uint64(k.h))
		b = binary.BigEndian.AppendUint64(b, uint64(k.doc))
	}
	return b
}

func unpackKeys(keys []keyRow, b []byte) []keyRow {
	for ; len(b) >= keyBytes; b = b[keyBytes:] {
		keys = append(keys, keyRow{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))})
	}
	return keys
}

// load reads the kinds and the tail when the store opens.
func (s *search) load(ctx context.Context, drv driver) error {
	err := drv.query(ctx, "SELECT kind FROM skey_kind", nil, func(r row) error {
		s.kinds[r.Text(0)] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: read the kinds of search keys: %w", err)
	}
	err = drv.query(ctx, "SELECT pairs FROM skey_tail ORDER BY id", nil, func(r row) error {
		s.tail = unpackKeys(s.tail, r.Blob(0))
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: read the newest search keys: %w", err)
	}
	return nil
}

// changes appends the batch's keys to the tail, or makes a generation of both. Only the
// writer changes the tail, so it reads it without the lock.
func (s *search) changes(cs []change, w *work) []change {
	if len(w.keys) == 0 {
		return cs
	}
	t := w.s.t
	if len(s.tail)+len(w.keys) < generationKeys {
		id, pairs := w.s.ids.tail.next(), packKeys(w.keys)
		return append(cs, change{t.addTail, 1, func(_ int, b binder) { b.Int(id); b.Blob(pairs) }})
	}
	all := slices.Concat(s.tail, w.keys)
	slices.SortFunc(all, func(a, b keyRow) int { return cmp.Or(cmp.Compare(a.h, b.h), cmp.Compare(a.doc, b.doc)) })
	all = slices.Compact(all)
	gen, last := w.s.ids.gen.next(), int64(w.s.ids.tail)
	pages := slices.Collect(slices.Chunk(all, pageKeys))
	w.generation = true
	return append(cs,
		change{t.addPage, len(pages), func(i int, b binder) {
			b.Int(gen)
			b.Int(int64(i))
			b.Int(pages[i][0].h)
			b.Blob(packKeys(pages[i]))
		}},
		change{t.addGen, 1, func(_ int, b binder) { b.Int(gen); b.Int(int64(len(all))) }},
		change{t.dropTail, 1, func(_ int, b binder) { b.Int(last) }})
}

// done lets searches find what was committed.
func (s *search) done(w *work) {
	if len(w.keys) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range w.kinds {
		s.kinds[k] = true
	}
	if w.generation {
		s.tail = nil
	} else {
		s.tail = append(s.tail, w.keys...)
	}
}

// inTail returns the docs of a hash that are in no generation yet.
func (s *search) inTail(h int64, found func(doc int64)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, k := range s.tail {
		if k.h == h {
			found(k.doc)
		}
	}
}

// inGenerations reads of each generation the pages that may hold the hash.
func (s *Store) inGenerations(ctx context.Context, h int64, found func(doc int64)) error {
	const text = "SELECT k.pairs FROM skey_gen g JOIN skey k ON k.gen = g.gen AND k.first <= ? AND k.first >= " +
		"COALESCE((SELECT max(x.first) FROM skey x WHERE x.gen = g.gen AND x.first < ?), ?)"
	var page []keyRow
	return s.read(ctx, "search keys", text, []any{h, h, h}, func(r row) error {
		page = unpackKeys(page[:0], r.Blob(0))
		i, _ := slices.BinarySearchFunc(page, h, func(k keyRow, h int64) int { return cmp.Compare(k.h, h) })
		for ; i < len(page) && page[i].h == h; i++ {
			found(page[i].doc)
		}
		return nil
	})
}
