package sqlledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Generations of about one size become one when there are eight of them: however many
// search keys there are, a search looks at a few dozen pages. A merge goes on beside
// everything else, a piece at a time: the pages of the new generation become durable
// first, one commit then puts it in the place of the old ones, whose pages go last. What a
// crash leaves half done is in no list of generations; it goes at the next start.
const (
	mergeWidth = 8
	mergeRead  = 16  // pages of each generation in memory
	mergeWrite = 128 // pages a commit writes or drops
)

type generation struct{ gen, pairs int64 }

// level tells generations of about one size from others.
func (g generation) level() int {
	level := 0
	for n := g.pairs / (generationKeys / 2); n >= mergeWidth; n /= mergeWidth {
		level++
	}
	return level
}

// merges runs merges one after another until the store closes.
type merges struct {
	s    *Store
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}
}

func newMerges(s *Store) *merges {
	m := &merges{s: s, wake: make(chan struct{}, 1), done: make(chan struct{})}
	m.look()
	return m
}

func (m *merges) start() {
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	go m.run(ctx)
}

// look wakes it: there may be something to merge.
func (m *merges) look() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// close ends what is under way; nothing is lost by it.
func (m *merges) close() {
	m.stop()
	<-m.done
}

func (m *merges) run(ctx context.Context) {
	defer close(m.done)
	clean := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		}
		var err error
		if !clean {
			err = m.s.dropStray(ctx)
			clean = err == nil
		}
		for more := err == nil; more; {
			more, err = m.s.mergeOnce(ctx)
		}
		if err != nil {
			clean = false // what was begun is stray
			if ctx.Err() == nil && !errors.Is(err, ledger.ErrClosed) {
				m.s.log.Warn("ledger: search keys were not merged; it is tried again later", zap.Error(err))
			}
		}
	}
}

func (s *Store) generations(ctx context.Context) ([]generation, error) {
	var gs []generation
	err := s.read(ctx, "generations", "SELECT gen, pairs FROM skey_gen ORDER BY gen", nil, func(r row) error {
		gs = append(gs, generation{r.Int(0), r.Int(1)})
		return nil
	})
	return gs, err
}

// mergeOnce merges the smallest generations that are enough; false when none are.
func (s *Store) mergeOnce(ctx context.Context) (bool, error) {
	gs, err := s.generations(ctx)
	if err != nil {
		return false, err
	}
	levels := map[int][]generation{}
	for _, g := range gs {
		levels[g.level()] = append(levels[g.level()], g)
	}
	low := -1
	for level, some := range levels {
		if len(some) >= mergeWidth && (low < 0 || level < low) {
			low = level
		}
	}
	if low < 0 {
		return false, nil
	}
	return true, s.merge(ctx, levels[low])
}

// merge puts one generation in the place of several.
func (s *Store) merge(ctx context.Context, from []generation) error {
	o := &mergeOp{begin: true}
	if err := s.submit(ctx, o); err != nil {
		return err
	}
	to := generation{gen: o.gen}
	sources := make([]*pageReader, len(from))
	for i, g := range from {
		sources[i] = &pageReader{s: s, gen: g.gen}
	}
	out := &pageWriter{s: s, gen: to.gen}
	for {
		k, ok, err := least(ctx, sources)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := out.add(ctx, k); err != nil {
			return err
		}
	}
	if err := out.flush(ctx, true); err != nil {
		return err
	}
	to.pairs = out.pairs
	if err := s.submit(ctx, &mergeOp{put: to, drop: from}); err != nil {
		return err
	}
	for i, g := range from {
		if err := s.dropPages(ctx, g.gen, sources[i].next); err != nil {
			return err
		}
	}
	return nil
}

// least takes the least key of all sources; equal ones once.
func least(ctx context.Context, sources []*pageReader) (k keyRow, ok bool, err error) {
	for _, r := range sources {
		head, more, err := r.head(ctx)
		if err != nil {
			return k, false, err
		}
		if more && (!ok || compareKeys(head, k) < 0) {
			k, ok = head, true
		}
	}
	for _, r := range sources {
		if len(r.keys) > 0 && r.keys[0] == k {
			r.keys = r.keys[1:]
		}
	}
	return k, ok, nil
}

func compareKeys(a, b keyRow) int { return cmp.Or(cmp.Compare(a.h, b.h), cmp.Compare(a.doc, b.doc)) }

// pageReader reads a generation from its begin.
type pageReader struct {
	s    *Store
	gen  int64
	next int64 // page
	keys []keyRow
	buf  []keyRow
	end  bool
}

func (r *pageReader) head(ctx context.Context) (keyRow, bool, error) {
	if len(r.keys) == 0 && !r.end {
		r.buf = r.buf[:0]
		from := r.next
		err := r.s.read(ctx, "search keys", "SELECT pairs FROM skey WHERE gen = ? AND n >= ? AND n < ? ORDER BY n", []any{r.gen, from, from + mergeRead}, func(row row) error {
			r.buf = unpackKeys(r.buf, row.Blob(0))
			r.next++
			return nil
		})
		if err != nil {
			return keyRow{}, false, err
		}
		r.keys, r.end = r.buf, r.next < from+mergeRead
	}
	if len(r.keys) == 0 {
		return keyRow{}, false, nil
	}
	return r.keys[0], true, nil
}

// pageWriter makes the pages of a generation durable.
type pageWriter struct {
	s     *Store
	gen   int64
	next  int64 // page
	pairs int64
	keys  []keyRow
}

func (w *pageWriter) add(ctx context.Context, k keyRow) error {
	w.keys = append(w.keys, k)
	w.pairs++
	if len(w.keys) < mergeWrite*pageKeys {
		return nil
	}
	return w.flush(ctx, false)
}

func (w *pageWriter) flush(ctx context.Context, last bool) error {
	if len(w.keys) == 0 {
		return nil
	}
	o := &mergeOp{gen: w.gen, at: w.next, pages: slices.Collect(slices.Chunk(w.keys, pageKeys))}
	w.next += int64(len(o.pages))
	if err := w.s.submit(ctx, o); err != nil {
		return err
	}
	w.keys = w.keys[:0]
	if last {
		w.keys = nil
	}
	return nil
}

// dropPages drops the pages of a generation that is in no list any more.
func (s *Store) dropPages(ctx context.Context, gen, pages int64) error {
	for from := int64(0); from < pages; from += mergeWrite {
		if err := s.submit(ctx, &mergeOp{gen: gen, strayFrom: from, strayTo: from + mergeWrite}); err != nil {
			return err
		}
	}
	return nil
}

// dropStray drops the pages that a merge left behind when the process ended in it.
func (s *Store) dropStray(ctx context.Context) error {
	for gen := int64(0); ; {
		var pages int64
		err := s.read(ctx, "generations", "SELECT gen, n + 1 FROM skey WHERE gen = (SELECT min(gen) FROM skey WHERE gen > ?) ORDER BY n DESC LIMIT 1", []any{gen},
			func(r row) error {
				gen, pages = r.Int(0), r.Int(1)
				return nil
			})
		if err != nil || pages == 0 {
			return err
		}
		known, err := s.generations(ctx) // after the pages: a commit makes both at once
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(known, func(g generation) bool { return g.gen == gen }) {
			if err := s.dropPages(ctx, gen, pages); err != nil {
				return err
			}
		}
	}
}

// mergeOp is a piece of a merge in the writer: a number for a new generation, pages of
// it, its place in the list, or the end of old pages.
type mergeOp struct {
	begin              bool
	gen, at            int64
	pages              [][]keyRow
	put                generation
	drop               []generation
	strayFrom, strayTo int64
}

func (o *mergeOp) want(*work) {}
func (o *mergeOp) more(*work) {}

func (o *mergeOp) apply(w *work) {
	t := w.s.t
	if o.begin {
		o.gen = w.s.ids.gen.next()
	}
	if len(o.pages) > 0 {
		w.merged = append(w.merged, addPages(t, o.gen, o.at, o.pages))
	}
	if o.put.gen != 0 {
		w.merged = append(w.merged, change{t.addGen, 1, func(_ int, b binder) { b.Int(o.put.gen); b.Int(o.put.pairs) }},
			change{t.dropGen, len(o.drop), func(i int, b binder) { b.Int(o.drop[i].gen) }})
	}
	if o.strayTo > 0 {
		n := int(o.strayTo - o.strayFrom)
		w.merged = append(w.merged, change{t.dropPage, n, func(i int, b binder) { b.Int(o.gen); b.Int(o.strayFrom + int64(i)) }})
	}
}

// addPages writes pages of a generation.
func addPages(t *tables, gen, at int64, pages [][]keyRow) change {
	return change{t.addPage, len(pages), func(i int, b binder) {
		b.Int(gen)
		b.Int(at + int64(i))
		b.Int(pages[i][0].h)
		b.Blob(packKeys(pages[i]))
	}}
}

// nextGeneration is the number after which no generation was begun.
func nextGeneration(ctx context.Context, drv driver) (counter, error) {
	var last counter
	err := drv.query(ctx, "SELECT COALESCE((SELECT max(gen) FROM skey), 0), COALESCE((SELECT max(gen) FROM skey_gen), 0)", nil, func(r row) error {
		last = max(counter(r.Int(0)), counter(r.Int(1)))
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("ledger: read the last generation of search keys: %w", err)
	}
	return last, nil
}
