package sqlledger

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/minihub/minihub/pipelines/ledger"
)

const (
	// findChunk is how many record keys one query of Find looks at; the text of the query
	// is the same for every search.
	findChunk = 64
	// findMost is how many record keys of one search key Find weighs at least: a store's
	// code belongs to every order, and nobody reads them all.
	findMost = 256
	// findTries is how often Find begins anew when a merge moves what it reads.
	findTries = 5
)

// The kinds that Find adds to those of search keys.
const (
	kindKey       = "key"
	kindRemoteKey = "remote_key"
)

// Find looks a value up as search keys of the given kinds, or of every kind the store has
// seen, as the key of a record and as a remote key. The record keys with the newest
// records come first; where more belong to one search key than it weighs, those that were
// known last are weighed.
func (s *Store) Find(ctx context.Context, value string, kinds []string, limit int) ([]ledger.Hit, error) {
	most := max(findMost, 2*int(limitOf(limit)))
	var found docKinds
	var err error
	for range findTries {
		found = docKinds{}
		if err = s.findKeys(ctx, value, kinds, most, found); !errors.Is(err, errMoved) {
			break
		}
	}
	if err == nil {
		err = s.findNames(ctx, value, kinds, most, found)
	}
	if err != nil {
		return nil, err
	}
	ids := slices.SortedFunc(maps.Keys(found), func(a, b int64) int { return cmp.Compare(b, a) })
	ids = ids[:min(len(ids), most)]
	hits := make([]ledger.Hit, 0, len(ids))
	for docs := range slices.Chunk(ids, findChunk) {
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

// docKinds is what was found: the kinds of keys by row of doc.
type docKinds map[int64][]string

func (d docKinds) add(doc int64, kind string) {
	if !slices.Contains(d[doc], kind) {
		d[doc] = append(d[doc], kind)
	}
}

// findKeys finds hashed search keys.
func (s *Store) findKeys(ctx context.Context, value string, kinds []string, most int, found docKinds) error {
	if len(kinds) == 0 {
		kinds = s.search.all()
	}
	of := map[int64]string{} // kind by hash
	var hs []int64
	for _, k := range kinds {
		for _, v := range spellings(k, value) {
			h := s.search.sum(k, v)
			if _, twice := of[h]; !twice {
				of[h] = k
				hs = append(hs, h)
			}
		}
	}
	for _, h := range hs { // before the generations: a key moves from here to there
		s.search.inTail(h, func(doc int64) { found.add(doc, of[h]) })
	}
	return s.inGenerations(ctx, hs, most, func(h, doc int64) { found.add(doc, of[h]) })
}

// spellings are the forms in which a value may be stored as a key of a kind.
func spellings(kind, value string) []string {
	v := normalise(kind, value)
	number := kind == kindPhone || kind == kindTail
	if number && strings.IndexFunc(value, unicode.IsLetter) >= 0 {
		return nil // the digits of a waybill are no phone
	}
	if kind == kindTail {
		v = tailOf(value)
	}
	if v == "" {
		return nil
	}
	out := []string{v}
	if number {
		if area, ok := strings.CutPrefix(v, "86"); ok && len(area) > 8 { // a landline with the code of the country
			out = append(out, "0"+area)
		}
		return out
	}
	if bare := strings.NewReplacer("-", "", "#", "").Replace(v); bare != v && bare != "" {
		out = append(out, bare) // as people write a long number
	}
	return out
}

// tailOf is the last four digits of a phone that says no more than these: "0042" and
// "138****0042".
func tailOf(value string) string {
	v := strings.TrimSpace(norm.NFKC.String(value))
	v = v[strings.LastIndexByte(v, '*')+1:]
	if len(v) != 4 || strings.Trim(v, "0123456789") != "" {
		return ""
	}
	return v
}

// findNames finds what is stored as it is: keys of records, and remote keys.
func (s *Store) findNames(ctx context.Context, value string, kinds []string, most int, found docKinds) error {
	exact := strings.TrimSpace(norm.NFKC.String(value))
	args := []any{strings.TrimSpace(value), exact, strings.ToLower(exact), strings.ToUpper(exact), most}
	for _, q := range []struct{ kind, text string }{
		{kindKey, "SELECT id FROM doc WHERE key IN (?, ?, ?, ?) ORDER BY key, id DESC LIMIT ?"},
		{kindRemoteKey, "SELECT doc FROM link WHERE remote_key IN (?, ?, ?, ?) ORDER BY remote_key LIMIT ?"},
	} {
		if exact == "" || len(kinds) > 0 && !slices.Contains(kinds, q.kind) {
			continue
		}
		err := s.read(ctx, "keys", q.text, args, func(r row) error {
			found.add(r.Int(0), q.kind)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
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
