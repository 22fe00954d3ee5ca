package sqlledger_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// A reader works beside the owner, sees what is durable, and finds the records since a
// time; it changes nothing.
func TestReaderBesideTheOwner(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		var now atomic.Int64
		begin := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
		s, err := sqlledger.Open(t.Context(), sqlledger.Options{URL: st.url, Secret: secret, Now: func() time.Time { return time.Unix(now.Load(), 0) }})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		write := func(stream string, at time.Time, n int) (last int64) {
			t.Helper()
			now.Store(at.Unix())
			in := &ledger.Intake{Connection: "shop", Stream: stream}
			for i := range n {
				key := fmt.Sprintf("%s-%d-%d", stream, at.Unix(), i)
				in.Items = append(in.Items, &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: 1, FetchedAt: at, Body: []byte(`"` + key + `"`)})
			}
			if err := s.Commit(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			return in.Items[n-1].ID
		}
		write("orders", begin, 200)
		write("orders", begin.AddDate(0, 0, 5), 100)
		last := write("members", begin.AddDate(0, 0, 5), 10)

		r, err := sqlledger.OpenReader(t.Context(), st.url, 2)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}()
		read := func(since time.Time, nth int64) (recs []ledger.Record) {
			t.Helper()
			span, err := r.Since(t.Context(), since)
			if err != nil {
				t.Fatal(err)
			}
			err = r.Page(t.Context(), span, since, nth, func(rec ledger.Record) error {
				recs = append(recs, rec)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return recs
		}
		if got := read(time.Time{}, 1); len(got) != 310 {
			t.Errorf("%d records of all time, want 310", len(got))
		}
		recent := read(begin.AddDate(0, 0, 2), 1)
		if len(recent) != 110 {
			t.Fatalf("%d records since day 2, want 110", len(recent))
		}
		for _, rec := range recent {
			body, err := r.Payload(t.Context(), rec.Payload)
			if err != nil || string(body) != `"`+rec.DocKey.Key+`"` || rec.DocKey.Connection != "shop" {
				t.Fatalf("record %d of %v has %q %v", rec.ID, rec.DocKey, body, err)
			}
		}
		if got := read(time.Time{}, 10); len(got) != 31 {
			t.Errorf("%d of every tenth record, want 31", len(got))
		}
		span, err := r.Since(t.Context(), begin.AddDate(0, 0, 2))
		if err != nil || span.Records() != 110 {
			t.Errorf("the span since day 2 is %+v %v", span, err)
		}

		by, all, err := r.Counted(t.Context())
		if err != nil || all != 310 || by["shop.orders"] != 300 {
			t.Errorf("counted %v %d %v", by, all, err)
		}
		// What the owner writes now is seen by the next call.
		d := &ledger.NewDelivery{Flow: "f", Step: "erp.push", Connection: "erp", Operation: "push", RemoteKey: "k", State: ledger.Parked, Code: "mapping.value", MapVersion: "a/b"}
		if err := s.Commit(t.Context(), &ledger.Route{Record: last, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{d}}); err != nil {
			t.Fatal(err)
		}
		if ds, err := r.RecordDeliveries(t.Context(), last); err != nil || len(ds) != 1 || ds[0].Code != "mapping.value" {
			t.Errorf("the record's deliveries are %+v %v", ds, err)
		}
		if v, err := r.MapVersion(t.Context(), "f", "erp.push"); err != nil || v != "a/b" {
			t.Errorf("the mapping version is %q %v", v, err)
		}
		if rec, err := r.Record(t.Context(), last); err != nil || rec.State != ledger.RecordRouted {
			t.Errorf("the record is %+v %v", rec, err)
		}
		if _, err := r.Record(t.Context(), 99999); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("a record that is none: %v", err)
		}
	})
}

func TestReaderOfNoStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none.db")
	if _, err := sqlledger.OpenReader(t.Context(), "sqlite:"+file, 0); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("a store that is not there: %v", err)
	}
	if _, err := sqlledger.OpenReader(t.Context(), "mysql:x", 0); err == nil {
		t.Error("another engine opens")
	}
}
