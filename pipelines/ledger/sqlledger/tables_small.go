package sqlledger

import "github.com/minihub/minihub/pipelines/ledger"

type (
	cursorKey struct{ connection, stream, name string }
	gateKey   struct{ connection, operation string }
	budgetKey struct{ connection, operation, key string }
	lookupKey struct{ table, key string }
)

func cursorTable() *table[cursorKey, string] {
	return newTable(spec{name: "cursor", key: "connection:t stream:t name:t", moving: "value:t"},
		table[cursorKey, string]{
			bindKey:    func(b binder, k cursorKey) { b.Text(k.connection); b.Text(k.stream); b.Text(k.name) },
			bindFixed:  func(binder, *string) {},
			bindMoving: func(b binder, v *string) { b.Text(*v) },
			scan: func(r row) (cursorKey, string) {
				return cursorKey{r.Text(0), r.Text(1), r.Text(2)}, r.Text(3)
			},
		})
}

func gateTable() *table[gateKey, ledger.Gate] {
	return newTable(spec{name: "gate", key: "connection:t operation:t",
		moving: "reason:t code:t text:t since:i until:i who:t"}, table[gateKey, ledger.Gate]{
		bindKey:   func(b binder, k gateKey) { b.Text(k.connection); b.Text(k.operation) },
		bindFixed: func(binder, *ledger.Gate) {},
		bindMoving: func(b binder, g *ledger.Gate) {
			b.Text(g.Reason)
			b.Text(g.Code)
			b.Text(g.Text)
			b.Int(micros(g.Since))
			b.Int(micros(g.Until))
			b.Text(g.Who)
		},
		scan: func(r row) (gateKey, ledger.Gate) {
			g := ledger.Gate{Connection: r.Text(0), Operation: r.Text(1), Reason: r.Text(2), Code: r.Text(3),
				Text: r.Text(4), Since: instant(r.Int(5)), Until: instant(r.Int(6)), Who: r.Text(7)}
			return gateKey{g.Connection, g.Operation}, g
		},
	})
}

func budgetTable() *table[budgetKey, int64] {
	return newTable(spec{name: "budget", key: "key:t operation:t connection:t", moving: "used:i"},
		table[budgetKey, int64]{
			bindKey:    func(b binder, k budgetKey) { b.Text(k.key); b.Text(k.operation); b.Text(k.connection) },
			bindFixed:  func(binder, *int64) {},
			bindMoving: func(b binder, used *int64) { b.Int(*used) },
			scan: func(r row) (budgetKey, int64) {
				return budgetKey{r.Text(2), r.Text(1), r.Text(0)}, r.Int(3)
			},
		})
}

func lookupTable() *table[lookupKey, string] {
	return newTable(spec{name: "lookup", key: "tab:t key:t", moving: "value:t"}, table[lookupKey, string]{
		bindKey:    func(b binder, k lookupKey) { b.Text(k.table); b.Text(k.key) },
		bindFixed:  func(binder, *string) {},
		bindMoving: func(b binder, v *string) { b.Text(*v) },
		scan: func(r row) (lookupKey, string) {
			return lookupKey{r.Text(0), r.Text(1)}, r.Text(2)
		},
	})
}
