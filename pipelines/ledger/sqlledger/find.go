package sqlledger

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/minihub/minihub/pipelines/ledger"
)

// findChunk is how many record keys one query of Find looks at; the text of the query
// is the same for every search.
const findChunk = 64

// Find looks a value up as search keys of the given kinds, or of every kind the store
// has seen; the record keys with the newest records come first.
func (s *Store) Find(ctx context.Context, value string, kinds []string, limit int) ([]ledger.Hit, error) {
	if len(kinds) == 0 {
		kinds = s.search.all()
	}
	found := map[int64][]string{} // kinds by row of doc
	for _, k := range kinds {
		v := normalise(k, value)
		if v == "" || k == kindTail && len(v) != 4 {
			continue
		}
		add := func(doc int64) {
			if !slices.Contains(found[doc], k) {
				found[doc] = append(found[doc], k)
			}
		}
		h := s.search.sum(k, v)
		s.search.inTail(h, add) // before the generations: a key moves from there to here
		if err := s.inGenerations(ctx, h, add); err != nil {
			return nil, err
		}
	}
	hits := make([]ledger.Hit, 0, len(found))
	for docs := range slices.Chunk(slices.Sorted(maps.Keys(found)), findChunk) {
		more, err := s.hits(ctx, docs)
		if err != nil {
			return nil, err
		}
		hits = append(hits, more...)
	}
	slices.SortFunc(hits, func(a, b ledger.Hit) int { return cmp.Compare(b.Latest, a.Latest) })
	hits = hits[:min(len(hits), int(limitOf(limit)))]
	for i := range hits {
		hits[i].Kinds = found[hits[i].Doc]
		slices.Sort(hits[i].Kinds)
	}
	return hits, nil
}

// hits reads record keys with their newest records.
func (s *Store) hits(ctx context.Context, docs []int64) ([]ledger.Hit, error) {
	var hits []ledger.Hit
	err := s.read(ctx, "found documents", "SELECT d.id, d.connection, d.entity, d.key, r.label, r.root, r.id, r.version, r.state, "+
		"r.at FROM doc d JOIN record r ON r.id = d.record WHERE d.id IN "+marks(findChunk), fill(docs, findChunk),
		func(r row) error {
			hits = append(hits, ledger.Hit{Doc: r.Int(0), DocKey: ledger.DocKey{Connection: r.Text(1), Entity: r.Text(2), Key: r.Text(3)},
				Label: r.Text(4), Root: r.Int(5), Latest: r.Int(6), Version: r.Int(7), State: ledger.RecordState(r.Text(8)),
				At: instant(r.Int(9))})
			return nil
		})
	return hits, err
}
