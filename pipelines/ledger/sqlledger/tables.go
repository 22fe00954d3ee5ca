package sqlledger

import (
	"encoding/json"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// tallyKey names one count of Counts.
type tallyKey struct{ kind, connection, name, state, code string }

type docKey struct{ connection, entity, key string }

// docRow is a record key with its newest record.
type docRow struct {
	id        int64
	version   int64
	digest    ledger.Digest
	fetchedAt time.Time // when the newest record was seen last
	record    int64
	watch     string // the stream that watches it; empty = none
}

type linkKey struct{ connection, operation, remoteKey string }

// tables are the tables whose rows the writer keeps; read-only after Open.
type tables struct {
	docs       *table[docKey, docRow]
	records    *table[int64, ledger.Record]
	deliveries *table[int64, ledger.Delivery]
	links      *table[linkKey, ledger.Link]
	hints      *table[int64, ledger.Hint]
	cursors    *table[cursorKey, string]
	gates      *table[gateKey, ledger.Gate]
	budgets    *table[budgetKey, int64]
	lookups    *table[lookupKey, string]
	vault      *table[string, vaultRow]
	runs       *table[runKey, ledger.JobRun]
	reports    *table[int64, reportRow]
	edits      *table[int64, ledger.Edit]
	meta       *table[string, string]
	blocks     *table[int64, struct{}]
	people     *peopleTables

	rootsWithRecords *keyed

	hintByKey    *keyed
	recordsByDoc *keyed
	depsOf       *keyed
	waiters      *keyed
	dropDep      *mutation

	addDep, addAttempt, addTail, dropTail, addPage, dropPage, addGen, dropGen, addKind, addTally, addHistory, addBlock *mutation
}

func newTables() *tables {
	t := &tables{
		docs:       docTable(),
		records:    recordTable(),
		deliveries: deliveryTable(),
		links:      linkTable(),
		hints:      hintTable(),
		cursors:    cursorTable(),
		gates:      gateTable(),
		budgets:    budgetTable(),
		lookups:    lookupTable(),
		vault:      vaultTable(),
		runs:       runTable(),
		reports:    reportTable(),
		edits:      editTable(),
		meta:       metaTable(),
		blocks:     blockTable(),
		people:     newPeopleTables(),
	}
	t.hintByKey = newKeyed(t.hints.selected, t.hints.from, columns("key:t stream:t connection:t"))
	t.recordsByDoc = newKeyed(t.records.selected, t.records.from, columns("doc:i version:i"))
	t.rootsWithRecords = newKeyed("t.root", "record t", columns("root:i"))
	dep := columns("delivery:i kind:t key:t")
	t.depsOf = newKeyed(names(dep, "t.%s"), "dep t", dep[:1])
	t.waiters = newKeyed(names(dep, "t.%s"), "dep t", dep[1:])
	t.dropDep = newDelete("dep", dep)
	t.addDep = newInsert("dep", dep, "")
	t.addAttempt = newInsert("attempt", columns("delivery:i id:i n:i kind:t started_at:i ended_at:i state:t code:t "+
		"text:t map_version:t who:t blk:i idx:i"), "")
	t.addTail = newInsert("skey_tail", columns("id:i pairs:b"), "")
	t.dropTail = &mutation{cols: columns("id:i"), sqlite: "DELETE FROM skey_tail WHERE id <= ?1",
		postgres: "DELETE FROM skey_tail WHERE id <= ($1::bigint[])[1]"}
	t.addPage = newInsert("skey", columns("gen:i n:i first:i pairs:b"), "")
	t.dropPage = newDelete("skey", columns("gen:i n:i"))
	t.addGen = newInsert("skey_gen", columns("gen:i pairs:i"), "")
	t.dropGen = newDelete("skey_gen", columns("gen:i"))
	t.addKind = newInsert("skey_kind", columns("kind:t"), "DO NOTHING")
	t.addTally = newInsert("tally", columns("kind:t connection:t name:t state:t code:t n:i"),
		"(kind, connection, name, state, code) DO UPDATE SET n = tally.n + excluded.n")
	t.addHistory = newInsert("lookup_history", columns("id:i tab:t key:t value:t deleted:i who:t why:t at:i"), "")
	t.addBlock = newInsert("blk", columns("id:i connection:t kind:t day:i n:i body:b"), "")
	return t
}

// micros and instant map times to the stored integers; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// trunc is the time as it will be read back.
func trunc(t time.Time) time.Time { return instant(micros(t)) }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func digestOf(b []byte) (d ledger.Digest) {
	copy(d[:], b)
	return d
}

func (d docRow) older(version int64, fetchedAt time.Time) bool {
	return version < d.version || version == d.version && fetchedAt.Before(d.fetchedAt)
}

func docTable() *table[docKey, docRow] {
	return newTable(spec{name: "doc", key: "key:t entity:t connection:t", fixed: "id:i",
		moving: "version:i digest:b fetched_at:i record:i watch:t"}, table[docKey, docRow]{
		bindKey:   func(b binder, k docKey) { b.Text(k.key); b.Text(k.entity); b.Text(k.connection) },
		bindFixed: func(b binder, r *docRow) { b.Int(r.id) },
		bindMoving: func(b binder, r *docRow) {
			b.Int(r.version)
			b.Blob(r.digest[:])
			b.Int(micros(r.fetchedAt))
			b.Int(r.record)
			b.Text(r.watch)
		},
		scan: func(r row) (docKey, docRow) {
			return docKey{r.Text(2), r.Text(1), r.Text(0)}, docRow{id: r.Int(3), version: r.Int(4),
				digest: digestOf(r.Blob(5)), fetchedAt: instant(r.Int(6)), record: r.Int(7), watch: r.Text(8)}
		},
	})
}

// openRecord is 1 for what the bus must deliver, 2 for what a person must.
func openRecord(s ledger.RecordState) int64 {
	switch s {
	case ledger.RecordReceived:
		return 1
	case ledger.RecordParked:
		return 2
	default:
		return 0
	}
}

func recordTable() *table[int64, ledger.Record] {
	return newTable(spec{name: "record", key: "id:i",
		fixed:  "doc:i part:i root:i root_key:t stream:t version:i fetched_at:i at:i digest:b deleted:i headers:t",
		moving: "state:t code:t text:t repeats:i revision:i label:t blk:i idx:i open:i amount:i currency:t",
		extra:  "d.connection, d.entity, d.key", join: "JOIN doc d ON d.id = t.doc"}, table[int64, ledger.Record]{
		bindKey: func(b binder, id int64) { b.Int(id) },
		bindFixed: func(b binder, r *ledger.Record) {
			b.Int(r.Doc)
			b.Int(int64(ledger.Part(r.Root)))
			b.Int(r.Root)
			b.Text(r.RootKey)
			b.Text(r.Stream)
			b.Int(r.Version)
			b.Int(micros(r.FetchedAt))
			b.Int(micros(r.At))
			b.Blob(r.Digest[:])
			b.Int(flag(r.Deleted))
			b.Text(encodeMap(r.Headers))
		},
		bindMoving: func(b binder, r *ledger.Record) {
			b.Text(string(r.State))
			b.Text(r.Code)
			b.Text(r.Text)
			b.Int(int64(r.Repeats))
			b.Int(int64(r.Revision))
			b.Text(r.Label)
			b.Int(r.Payload.Block)
			b.Int(int64(r.Payload.Index))
			b.Int(openRecord(r.State))
			b.Int(r.Amount.Minor)
			b.Text(r.Amount.Currency)
		},
		scan: func(r row) (int64, ledger.Record) {
			rec := scanRecord(r)
			return rec.ID, rec
		},
		tally: func(r *ledger.Record) tallyKey {
			return tallyKey{"record", r.DocKey.Connection, r.Stream, string(r.State), r.Code}
		},
	})
}

func scanRecord(r row) ledger.Record {
	return ledger.Record{
		ID: r.Int(0), Doc: r.Int(1), Root: r.Int(3), RootKey: r.Text(4), Stream: r.Text(5), Version: r.Int(6),
		FetchedAt: instant(r.Int(7)), At: instant(r.Int(8)), Digest: digestOf(r.Blob(9)), Deleted: r.Int(10) != 0,
		Headers: decodeMap(r.Text(11)), State: ledger.RecordState(r.Text(12)), Code: r.Text(13), Text: r.Text(14),
		Repeats: int(r.Int(15)), Revision: int(r.Int(16)), Label: r.Text(17),
		Payload: ledger.Ref{Block: r.Int(18), Index: int(r.Int(19))},
		Amount:  ledger.Amount{Minor: r.Int(21), Currency: r.Text(22)},
		DocKey:  ledger.DocKey{Connection: r.Text(23), Entity: r.Text(24), Key: r.Text(25)},
	}
}

// openDelivery is 1 for what the bus must deliver, 2 for what waits for another row or
// a person.
func openDelivery(d *ledger.Delivery) int64 {
	switch {
	case d.State.Final():
		return 0
	case d.State == ledger.Blocked, d.State == ledger.Parked && !d.Holds:
		return 2
	default:
		return 1
	}
}

func deliveryTable() *table[int64, ledger.Delivery] {
	return newTable(spec{name: "delivery", key: "id:i",
		fixed: "record:i doc:i part:i root:i lane:i version:i flow:t step:t connection:t operation:t undoes:t created_at:i source:t amount:i currency:t",
		moving: "remote_key:t generation:i revision:i state:t code:t text:t holds:i clean:i attempts:i next_at:i " +
			"ticket:t absent:i progress:b blk:i idx:i digest:b map_version:t cause:i updated_at:i open:i"},
		table[int64, ledger.Delivery]{
			bindKey: func(b binder, id int64) { b.Int(id) },
			bindFixed: func(b binder, d *ledger.Delivery) {
				b.Int(d.Record)
				b.Int(d.Doc)
				b.Int(int64(ledger.Part(d.Root)))
				b.Int(d.Root)
				b.Int(int64(ledger.LaneHash(d.Connection, d.Root)))
				b.Int(d.Version)
				b.Text(d.Flow)
				b.Text(d.Step)
				b.Text(d.Connection)
				b.Text(d.Operation)
				b.Text(d.Undoes)
				b.Int(micros(d.CreatedAt))
				b.Text(d.Source)
				b.Int(d.Amount.Minor)
				b.Text(d.Amount.Currency)
			},
			bindMoving: func(b binder, d *ledger.Delivery) {
				b.Text(d.RemoteKey)
				b.Int(int64(d.Generation))
				b.Int(int64(d.Revision))
				b.Text(string(d.State))
				b.Text(d.Code)
				b.Text(d.Text)
				b.Int(flag(d.Holds))
				b.Int(flag(d.Clean))
				b.Int(int64(d.Attempts))
				b.Int(micros(d.NextAt))
				b.Text(d.Ticket)
				b.Int(int64(d.Absent))
				b.Blob(d.Progress)
				b.Int(d.Payload.Block)
				b.Int(int64(d.Payload.Index))
				b.Blob(d.Digest[:])
				b.Text(d.MapVersion)
				b.Int(d.Cause)
				b.Int(micros(d.UpdatedAt))
				b.Int(openDelivery(d))
			},
			scan: func(r row) (int64, ledger.Delivery) {
				d := scanDelivery(r)
				return d.ID, d
			},
			tally: func(d *ledger.Delivery) tallyKey {
				return tallyKey{"delivery", d.Connection, d.Operation, string(d.State), d.Code}
			},
		})
}

func scanDelivery(r row) ledger.Delivery {
	d := ledger.Delivery{
		ID: r.Int(0), Record: r.Int(1), Doc: r.Int(2), Root: r.Int(4), Version: r.Int(6), Flow: r.Text(7),
		Step: r.Text(8), Connection: r.Text(9), Operation: r.Text(10), Undoes: r.Text(11), CreatedAt: instant(r.Int(12)), Source: r.Text(13),
		Amount:    ledger.Amount{Minor: r.Int(14), Currency: r.Text(15)},
		RemoteKey: r.Text(16), Generation: int(r.Int(17)), Revision: int(r.Int(18)), State: ledger.State(r.Text(19)),
		Code: r.Text(20), Text: r.Text(21), Holds: r.Int(22) != 0, Clean: r.Int(23) != 0, Attempts: int(r.Int(24)),
		NextAt: instant(r.Int(25)), Ticket: r.Text(26), Absent: int(r.Int(27)), Progress: r.Blob(28),
		Payload: ledger.Ref{Block: r.Int(29), Index: int(r.Int(30))}, Digest: digestOf(r.Blob(31)),
		MapVersion: r.Text(32), Cause: r.Int(33), UpdatedAt: instant(r.Int(34)),
	}
	return d
}

func linkTable() *table[linkKey, ledger.Link] {
	return newTable(spec{name: "link", key: "remote_key:t operation:t connection:t", fixed: "doc:i",
		moving: "remote_ids:t generation:i applied:i version:i digest:b withdrawn:i withdrawn_by:i updated_at:i"},
		table[linkKey, ledger.Link]{
			bindKey:   func(b binder, k linkKey) { b.Text(k.remoteKey); b.Text(k.operation); b.Text(k.connection) },
			bindFixed: func(b binder, l *ledger.Link) { b.Int(l.Doc) },
			bindMoving: func(b binder, l *ledger.Link) {
				b.Text(encodeIDs(l.RemoteIDs))
				b.Int(int64(l.Generation))
				b.Int(l.Applied)
				b.Int(l.Version)
				b.Blob(l.Digest[:])
				b.Int(flag(l.Withdrawn))
				b.Int(l.WithdrawnBy)
				b.Int(micros(l.UpdatedAt))
			},
			scan: func(r row) (linkKey, ledger.Link) {
				l := scanLink(r)
				return linkKey{l.Connection, l.Operation, l.RemoteKey}, l
			},
		})
}

func scanLink(r row) ledger.Link {
	return ledger.Link{RemoteKey: r.Text(0), Operation: r.Text(1), Connection: r.Text(2), Doc: r.Int(3),
		RemoteIDs: decodeIDs(r.Text(4)), Generation: int(r.Int(5)), Applied: r.Int(6), Version: r.Int(7),
		Digest: digestOf(r.Blob(8)), Withdrawn: r.Int(9) != 0, WithdrawnBy: r.Int(10), UpdatedAt: instant(r.Int(11))}
}

func hintTable() *table[int64, ledger.Hint] {
	return newTable(spec{name: "hint", key: "id:i", fixed: "connection:t stream:t key:t part:i root:i",
		moving: "asked:i done:i state:t next_at:i attempts:i code:t text:t first_at:i open:i"},
		table[int64, ledger.Hint]{
			bindKey: func(b binder, id int64) { b.Int(id) },
			bindFixed: func(b binder, h *ledger.Hint) {
				b.Text(h.Connection)
				b.Text(h.Stream)
				b.Text(h.Key)
				b.Int(int64(ledger.Part(h.Root)))
				b.Int(h.Root)
			},
			bindMoving: func(b binder, h *ledger.Hint) {
				b.Int(h.Asked)
				b.Int(h.Done)
				b.Text(h.State)
				b.Int(micros(h.NextAt))
				b.Int(int64(h.Attempts))
				b.Text(h.Code)
				b.Text(h.Text)
				b.Int(micros(h.FirstAt))
				b.Int(openHint(h.State))
			},
			scan: func(r row) (int64, ledger.Hint) {
				h := scanHint(r)
				return h.ID, h
			},
			tally: func(h *ledger.Hint) tallyKey {
				return tallyKey{"hint", h.Connection, h.Stream, h.State, h.Code}
			},
		})
}

func openHint(state string) int64 {
	switch state {
	case hintPending:
		return 1
	case hintParked:
		return 2
	default:
		return 0
	}
}

func scanHint(r row) ledger.Hint {
	return ledger.Hint{ID: r.Int(0), Connection: r.Text(1), Stream: r.Text(2), Key: r.Text(3), Root: r.Int(5),
		Asked: r.Int(6), Done: r.Int(7), State: r.Text(8), NextAt: instant(r.Int(9)), Attempts: int(r.Int(10)),
		Code: r.Text(11), Text: r.Text(12), FirstAt: instant(r.Int(13))}
}

// encodeMap and its kin write "" for what is empty: most rows have none.
func encodeMap(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	b, _ := json.Marshal(m) // a map of strings always encodes
	return string(b)
}

func decodeMap(s string) map[string]string {
	if s == "" {
		return nil
	}
	var m map[string]string
	if json.Unmarshal([]byte(s), &m) != nil {
		return map[string]string{"unreadable": s}
	}
	return m
}

func encodeIDs(ids []ledger.RemoteID) string {
	if len(ids) == 0 {
		return ""
	}
	b, _ := json.Marshal(ids)
	return string(b)
}

func decodeIDs(s string) []ledger.RemoteID {
	if s == "" {
		return nil
	}
	var ids []ledger.RemoteID
	if json.Unmarshal([]byte(s), &ids) != nil {
		return []ledger.RemoteID{{Kind: "unreadable", Value: s}}
	}
	return ids
}
