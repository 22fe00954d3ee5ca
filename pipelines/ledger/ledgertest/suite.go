// Package ledgertest is the suite that every store of the ledger passes.
package ledgertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Run runs the suite. open returns a new, empty ledger that it closes with the test.
func Run(t *testing.T, open func(t *testing.T) ledger.Ledger) {
	for _, area := range []struct {
		name string
		test func(k *kit)
	}{
		{"a new document becomes a received record", intakeNew},
		{"the newest record decides what a document is", intakeOrder},
		{"a source without versions", unversioned},
		{"a batch sees its own documents", intakeBatch},
		{"hints of one key merge", hints},
		{"a hint asked again during its fetch stays pending", hintsAgain},
		{"intake/sightings", sightings},
		{"the cursor moves by compare and set", cursor},
		{"text that one store cannot hold is refused by both", badText},
		{"route makes the deliveries of a record once", route},
		{"a replay is a revision", replay},
		{"a remote key belongs to one record key", claims},
		{"moves obey the table of states", moves},
		{"a successor waits for its predecessor", predecessors},
		{"a withdrawn predecessor withdraws its successors", cascade},
		{"a superseded predecessor hands its successors on", supersede},
		{"a reference waits for its link", references},
		{"a lookup dependency waits for its entry", lookupDeps},
		{"an undo withdraws what never started and is remembered", undo},
		{"a spawned undo comes before its redo", spawn},
		{"an attempt starts once and spends its budget", start},
		{"settle writes outcome, attempt, link and keys", settle},
		{"links merge, reset and stay with their owner", links},
		{"a revision replaces the document", revise},
		{"an edit keeps what was there before", edits},
		{"progress is kept while sending", progress},
		{"attempts are appended", attempts},
		{"search finds what people type", find},
		{"lookups have a history", lookups},
		{"gates close and open", gates},
		{"the vault swaps by version", vault},
		{"a tick is claimed once", ticks},
		{"a paused job stays paused", pauses},
		{"a backfill is kept", backfills},
		{"reports are kept", reports},
		{"filters select rows", filters},
		{"counts follow every change", counts},
		{"unfinished brings what the bus must deliver", unfinished},
		{"payloads are exact", payloads},
		{"retention drops payloads and keeps rows", retention},
		{"callers do not disturb one another", concurrency},
	} {
		t.Run(area.name, func(t *testing.T) { area.test(&kit{T: t, l: open(t), ctx: t.Context()}) })
	}
}

// kit is one ledger in one test.
type kit struct {
	*testing.T
	l   ledger.Ledger
	ctx context.Context
	n   int64
}

// base is when the documents of the tests were fetched; only differences matter.
var base = time.Date(2026, 3, 1, 8, 0, 0, 123456000, time.UTC)

func (k *kit) commit(units ...ledger.Unit) {
	k.Helper()
	if err := k.l.Commit(k.ctx, units...); err != nil {
		k.Fatalf("commit: %v", err)
	}
}

func (k *kit) equal(what string, got, want any) {
	k.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		k.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// item is a document of connection "shop".
func item(key string, version int64, body string, fetched time.Duration) *ledger.IntakeItem {
	return &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: version, Body: []byte(body),
		FetchedAt: base.Add(fetched)}
}

func (k *kit) intake(items ...*ledger.IntakeItem) {
	k.Helper()
	u := &ledger.Intake{Connection: "shop", Stream: "orders", Items: items}
	k.commit(u)
	if !u.Applied {
		k.Fatal("intake was not applied")
	}
}

// newRecord takes in a document of a key nobody used and returns its record.
func (k *kit) newRecord() *ledger.Record {
	k.Helper()
	k.n++
	it := item(fmt.Sprintf("made-%d", k.n), 1, fmt.Sprintf("body %d", k.n), 0)
	k.intake(it)
	return k.record(it.ID)
}

func (k *kit) record(id int64) *ledger.Record {
	k.Helper()
	r, err := k.l.Record(k.ctx, id)
	if err != nil {
		k.Fatal(err)
	}
	return r
}

func (k *kit) delivery(id int64) *ledger.Delivery {
	k.Helper()
	d, err := k.l.Delivery(k.ctx, id)
	if err != nil {
		k.Fatal(err)
	}
	return d
}

func (k *kit) state(id int64, want ledger.State) {
	k.Helper()
	if d := k.delivery(id); d.State != want {
		k.Fatalf("delivery %d is %s, want %s", id, d.State, want)
	}
}

// push is a delivery to "erp" that claims the remote key.
func push(key string, state ledger.State, deps ...ledger.Dep) *ledger.NewDelivery {
	return &ledger.NewDelivery{Flow: "orders", Step: "push", Connection: "erp", Operation: "order.push", RemoteKey: key,
		State: state, Claim: true, Payload: []byte("document of " + key), Deps: deps}
}

func after(id int64) ledger.Dep {
	return ledger.Dep{Kind: ledger.DepPredecessor, Key: fmt.Sprint(id)}
}

func afterNew(i int) ledger.Dep {
	return ledger.Dep{Kind: ledger.DepPredecessor, Key: fmt.Sprintf("#%d", i)}
}

// routed routes a new record to the deliveries.
func (k *kit) routed(ds ...*ledger.NewDelivery) *ledger.Record {
	k.Helper()
	r := k.newRecord()
	k.route(r.ID, ds...)
	return r
}

func (k *kit) route(record int64, ds ...*ledger.NewDelivery) *ledger.Route {
	k.Helper()
	u := &ledger.Route{Record: record, To: ledger.RecordRouted, Deliveries: ds}
	k.commit(u)
	if !u.Applied {
		k.Fatal("route was not applied")
	}
	return u
}

func (k *kit) settle(id int64, to ledger.State, change ...func(*ledger.Settle)) *ledger.Settle {
	k.Helper()
	u := &ledger.Settle{Delivery: id, To: to}
	for _, c := range change {
		c(u)
	}
	k.commit(u)
	return u
}

func ids(ps []ledger.Pending) []int64 {
	var out []int64
	for _, p := range ps {
		out = append(out, p.ID)
	}
	return out
}
