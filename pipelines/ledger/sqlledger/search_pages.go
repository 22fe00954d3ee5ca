package sqlledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Search keys are hashes, so that an index over them is written at random places: six
// keys an order cost six pages of the log each. Instead a commit appends its keys in
// one row, and once in a while the collected ones become a sorted generation, written
// from end to end. A search looks at one page of each generation, and generations are
// merged, so that there are few of them.
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
	slices.SortFunc(all, compareKeys)
	all = slices.Compact(all)
	gen, last := w.s.ids.gen.next(), int64(w.s.ids.tail)
	pages := slices.Collect(slices.Chunk(all, pageKeys))
	w.generation = true
	return append(cs, addPages(t, gen, 0, pages),
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

// lastPages finds in each generation the last page that may hold a hash: the pages of a
// generation are in order, and so are the docs of a hash.
const lastPages = "SELECT g.gen, q.h, k.n, k.pairs FROM skey_gen g CROSS JOIN (%s) q JOIN skey k ON k.gen = g.gen AND k.n = " +
	"(SELECT x.n FROM skey x WHERE x.gen = g.gen AND x.first <= q.h ORDER BY x.first DESC, x.n DESC LIMIT 1)"

// run is the rest of a hash that begins before a page.
type run struct {
	gen, before, h int64
	have           int
}

// errMoved says that a generation was merged into another while it was read.
var errMoved = errors.New("ledger: search keys have moved")

// inGenerations finds of each hash the docs with the highest ids in each generation: at
// most some more than most of them.
func (s *Store) inGenerations(ctx context.Context, hs []int64, most int, found func(h, doc int64)) error {
	if len(hs) == 0 {
		return nil
	}
	args := make([]any, len(hs))
	for i, h := range hs {
		args[i] = h
	}
	values := "SELECT CAST(? AS BIGINT) AS h" + strings.Repeat(" UNION ALL SELECT CAST(? AS BIGINT)", len(hs)-1)
	var page []keyRow
	var rest []run
	err := s.read(ctx, "search keys", fmt.Sprintf(lastPages, values), args, func(r row) error {
		page = unpackKeys(page[:0], r.Blob(3))
		h := r.Int(1)
		n, first := fromPage(page, h, most, func(doc int64) { found(h, doc) })
		if first && n < most && r.Int(2) > 0 {
			rest = append(rest, run{r.Int(0), r.Int(2), h, n})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range rest {
		if err := s.earlier(ctx, r, most, found); err != nil {
			return err
		}
	}
	return nil
}

// fromPage tells the docs of a hash in a page, the last first, and whether the page
// begins with the hash: then the page before may have more of it.
func fromPage(page []keyRow, h int64, most int, found func(doc int64)) (n int, first bool) {
	past, _ := slices.BinarySearchFunc(page, h, func(k keyRow, h int64) int {
		if k.h <= h {
			return -1
		}
		return 1
	})
	for i := past - 1; i >= 0 && page[i].h == h && n < most; i-- {
		found(page[i].doc)
		n++
	}
	return n, len(page) > 0 && page[0].h == h
}

// earlier reads the pages before one that begins with the hash.
func (s *Store) earlier(ctx context.Context, r run, most int, found func(h, doc int64)) error {
	from := max(0, r.before-1-int64(most-r.have)/pageKeys)
	want := r.before
	var page []keyRow
	err := s.read(ctx, "search keys", "SELECT n, pairs FROM skey WHERE gen = ? AND n >= ? AND n < ? ORDER BY n DESC", []any{r.gen, from, r.before}, func(row row) error {
		if want--; row.Int(0) != want {
			return errMoved
		}
		page = unpackKeys(page[:0], row.Blob(1))
		n, _ := fromPage(page, r.h, most-r.have, func(doc int64) { found(r.h, doc) })
		r.have += n
		return nil
	})
	if err == nil && want != from {
		return errMoved
	}
	return err
}
