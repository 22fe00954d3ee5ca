package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// longestDelay bounds how long after the window its documents are looked for among the
// ledger's records; those a later backfill brought are found through the source's list.
const longestDelay = 7 * 24 * time.Hour

// readLedger takes the newest record of every document that became durable since the
// window began, and of every listed one.
func (s *source) readLedger(ctx context.Context) error {
	l := s.r.opt.Ledger
	from := s.from.Add(-s.r.opt.Margin)
	after, err := s.seek(ctx, from)
	if err != nil {
		return err
	}
	seen := map[int64]bool{}
	f := ledger.Filter{Connection: s.place.Connection, Stream: s.place.Name, From: from, To: s.to.Add(longestDelay), After: after, Limit: pageSize}
	for {
		recs, err := l.Records(ctx, f)
		if err != nil {
			return err
		}
		for i := range recs {
			f.After = recs[i].ID
			if seen[recs[i].Doc] {
				continue
			}
			seen[recs[i].Doc] = true
			rec, err := l.Latest(ctx, recs[i].DocKey)
			if err != nil {
				return err
			}
			if err := s.take(ctx, rec); err != nil {
				return err
			}
		}
		s.tell(Progress{Stage: "ledger", Connection: s.place.Connection, Name: s.place.Name, Rows: len(seen)})
		if len(recs) < pageSize {
			break
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.docs)) {
		d := s.docs[key]
		if d.rec != nil {
			continue
		}
		rec, err := l.Latest(ctx, ledger.DocKey{Connection: s.place.Connection, Entity: s.decl.Entity, Key: key})
		switch {
		case errors.Is(err, ledger.ErrNotFound):
			s.neverPulled(d)
		case err != nil:
			return err
		default:
			if err := s.take(ctx, rec); err != nil {
				return err
			}
		}
	}
	return nil
}

// seek finds an id up to which every record became durable before from: ids rise
// with time.
func (s *source) seek(ctx context.Context, from time.Time) (int64, error) {
	early := func(after int64) (bool, error) {
		recs, err := s.r.opt.Ledger.Records(ctx, ledger.Filter{After: after, Limit: 1})
		return len(recs) > 0 && recs[0].At.Before(from), err
	}
	lo, step := int64(0), int64(1)
	for {
		yes, err := early(lo + step)
		if err != nil {
			return 0, err
		}
		if !yes {
			break
		}
		lo += step
		step *= 2
	}
	for step > 1 {
		step /= 2
		yes, err := early(lo + step)
		if err != nil {
			return 0, err
		}
		if yes {
			lo += step
		}
	}
	return lo, nil
}

// neverPulled: the source lists it and the ledger has nothing of it.
func (s *source) neverPulled(d *document) {
	switch h := s.hints[d.key]; h.state {
	case "pending":
		s.book.inFlight(s.place, "hint")
		return
	case "parked":
		f := d.finding(s.place, Parked, WhyHint, "", "its fetch is parked: "+h.text)
		f.State, f.Code = h.state, h.code
		s.book.find(f)
		return
	}
	s.book.side(s.place).Compared++
	t := s.book.both(s.place, d.facts, d.storeName())
	t.There++
	t.ThereAmount += d.amount
	s.book.find(d.finding(s.place, MissingInLedger, WhyNeverPulled, ByRefetch, "the source lists it and it was never pulled"))
}

// take compares the newest record of a document with what the source showed, or keeps
// it as a document of the window when the ledger alone has it.
func (s *source) take(ctx context.Context, rec *ledger.Record) error {
	led, err := s.read(ctx, rec)
	if err != nil {
		return err
	}
	d := s.docs[rec.DocKey.Key]
	if d == nil {
		if !s.in(led.at) {
			return nil
		}
		d = &document{src: s, key: rec.DocKey.Key, facts: led, late: s.late(led)}
		s.docs[d.key] = d
	}
	d.rec = &known{id: rec.ID, doc: rec.Doc, root: rec.Root, state: rec.State, code: rec.Code, text: rec.Text, label: rec.Label, deleted: rec.Deleted}
	if d.presence == present {
		s.against(d, led)
	}
	return nil
}

// read returns what a record says. Where its content cannot be read, only its time is
// known: when it became durable.
func (s *source) read(ctx context.Context, rec *ledger.Record) (facts, error) {
	bare := facts{lines: -1, at: rec.At}
	if rec.Deleted {
		return bare, nil
	}
	body, err := s.r.opt.Ledger.Payload(ctx, rec.Payload)
	if errors.Is(err, ledger.ErrNotFound) {
		s.book.notCompared(s.place, "content", 1, "", "the record's bytes are past their retention")
		return bare, nil
	} else if err != nil {
		return bare, err
	}
	led, serr := s.view.summarize(body)
	if serr != nil {
		if rec.State != ledger.RecordParked && s.decl.List.Can {
			code, text := reason(serr)
			s.book.notCompared(s.place, "content", 1, code, "the record cannot be summarised: "+text)
		}
		return bare, nil
	}
	if led.at.IsZero() {
		led.at = rec.At
	}
	return led, nil
}

// against compares the source's document with the newest record.
func (s *source) against(d *document, led facts) {
	if d.late {
		s.book.lookAlike(s.place, "changed_after_window")
		return
	}
	if s.hints[d.key].state == "pending" {
		s.book.inFlight(s.place, "hint")
		return
	}
	if led.modified.After(d.modified) {
		// The ledger is ahead: the document changed while it was being compared.
		d.facts, d.late = led, s.late(led)
		s.book.lookAlike(s.place, "changed_meanwhile")
		return
	}
	side := s.book.side(s.place)
	side.Compared++
	t := s.book.both(s.place, d.facts, d.storeName())
	t.There++
	t.ThereAmount += d.amount
	if d.rec.deleted {
		f := d.finding(s.place, Differs, WhyDeletedThere, ByRefetch, "the ledger says the source deleted it, and the source has it")
		s.book.find(f)
		return
	}
	t.Hub++
	if led.currency == d.currency {
		t.HubAmount += led.amount
	}
	fields := compareExactly(led, d.facts)
	if len(fields) == 0 {
		side.Equal++
		return
	}
	d.behind = true
	f := d.finding(s.place, Differs, WhySource, ByRefetch, "the newest record is not what the source has: an update was missed")
	f.Fields = fields
	s.book.find(f)
}

// compareExactly is differ for a source: whatever moved on there is an update the hub
// should have.
func compareExactly(led, there facts) []Field {
	fields, moved := differ(led, there)
	if moved {
		fields = append([]Field{{"status", led.status, there.status}}, fields...)
	}
	return fields
}
