package pipelines_test

import (
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

func TestAMissingLookupEntryBlocksAndReleases(t *testing.T) {
	for _, op := range []string{"push", "points"} {
		w := newWorld(t, flowTo(op), nil)
		w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1, Sku: "B"})
		w.comes(op + " T-1 blocked blocked.lookup")
		w.put(shopDoc{No: "2", Status: "paid", Fen: 5, Version: 1, Sku: "A"}) // another lane
		w.comes(op+" T-1 blocked blocked.lookup", op+" T-2 delivered ")
		w.restart()
		if op == "points" { // an event that comes later waits behind the blocked one
			w.put(shopDoc{No: "1", Status: "paid", Fen: 200, Version: 2, Sku: "A"})
			w.comes(op+" T-1 blocked blocked.lookup", op+" T-2 delivered ", op+" T-1 ready ")
		}
		n, err := w.eng.PutLookup(t.Context(), "skus", "B", "b-1", "tester", "a test")
		if n != 1 || err != nil {
			t.Fatalf("released %d, %v", n, err)
		}
		w.rest()
		got := w.target.sent()
		if string(got[1].Doc) != `{"key":"T-1","sku":"b-1","status":"paid","total":100}` {
			t.Fatalf("%s: the target got %s", op, got[1].Doc)
		}
		if op == "points" && string(got[2].Doc) != `{"key":"T-1","sku":"a-1","status":"paid","total":200}` {
			t.Fatalf("the later event came as %s", got[2].Doc)
		}
	}
}

func TestANewerVersionPassesABlockedState(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil)
	w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1, Sku: "B"})
	w.comes("push T-1 blocked blocked.lookup")
	w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 2, Sku: "A"})
	w.comes("push T-1 superseded superseded.newer", "push T-1 delivered ")
}

func TestAMappingErrorParksWithItsPlaceAndIsMended(t *testing.T) {
	t.Run("of a record", func(t *testing.T) {
		w := newWorld(t, flowTo("push"), nil)
		w.put(shopDoc{No: "1", Status: "no such status", Fen: 100, Version: 1})
		r, err := w.led.Latest(t.Context(), ledger.DocKey{Connection: "shop", Entity: "order", Key: "1"})
		if err != nil || r.State != ledger.RecordParked || r.Code != "schema.canonical" {
			t.Fatalf("the record is %+v, %v", r, err)
		}
		w.files["in.yaml"] = mend(inMapping, `from: status }`, `value: paid }`)
		w.restart()
		if _, err := w.eng.ReplayRecord(t.Context(), r.ID, pipelines.Remap, "tester"); err != nil {
			t.Fatal(err)
		}
		w.comes("push T-1 delivered ")
	})
	t.Run("of a delivery", func(t *testing.T) {
		w := newWorld(t, flowTo("push"), nil, func(w *world) {
			w.files["out.yaml"] = mend(outMapping, "from: amounts.total.minor", `expr: 'div(amounts.total.minor, 0, "half_up")'`)
		})
		w.put(paid(1, 100))
		w.until("it to park", func() bool { return len(w.states()) == 1 && w.delivery(1).State == "parked" })
		if d := w.delivery(1); !strings.Contains(d.Text, "out.yaml:7") {
			t.Fatalf("the text does not say where: %s", d.Text)
		}
		w.files["out.yaml"] = outMapping
		w.restart()
		w.replay(1, pipelines.Remap)
		w.comes("push T-1 delivered ")
		if d := w.delivery(1); d.Revision != 1 {
			t.Fatalf("the revision is %d", d.Revision)
		}
	})
}

// phone is invented; it stands in the canonical document as the receiver's.
const phone = "13800001234"

func TestNoPersonalValueInStoredTexts(t *testing.T) {
	t.Run("schema violation", func(t *testing.T) {
		w := newWorld(t, flowTo("push"), nil, func(w *world) {
			w.files["in.yaml"] = inMapping + "  - { to: ship_to.phone, from: sku }\n"
		})
		w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 1, Sku: strings.Repeat(phone, 5)})
		r, err := w.led.Latest(t.Context(), ledger.DocKey{Connection: "shop", Entity: "order", Key: "1"})
		if err != nil || r.State != ledger.RecordParked {
			t.Fatalf("the record is %+v, %v", r, err)
		}
		if !strings.Contains(r.Text, "phone") || strings.Contains(r.Text, phone) {
			t.Fatalf("the text does not name the field, or shows it: %s", r.Text)
		}
	})
	t.Run("what a vendor echoes", func(t *testing.T) {
		echo := func(kind connectors.Kind, scope connectors.Scope, out connectors.Outcome) connectors.Result {
			return connectors.Result{Outcome: out, Err: &connectors.Error{Kind: kind, Scope: scope, Code: "test.echo", Text: "phone " + phone + " is wrong"}}
		}
		w := newWorld(t, flowTo("push"), func(o *connectors.Operation) { o.Schema = "canonical/member" }, func(w *world) {
			w.files["in.yaml"] = inMapping + "  - { to: ship_to.phone, value: \"" + phone + "\" }\n"
			w.files["out.yaml"] = `
mapping: order -> member
input: canonical/order
output: canonical/member
fields:
  - { to: member_no, from: order_no }
  - { to: phone, from: ship_to.phone }
`
		})
		w.target.answer(sequence(echo(connectors.Unauthorized, connectors.OfConnection, connectors.NotSent), echo(connectors.Invalid, connectors.OfDocument, connectors.Refused)))
		w.put(paid(1, 100))
		w.until("the gate to close", func() bool { return len(w.gates()) == 1 || len(w.states()) == 1 && w.delivery(1).State == "parked" })
		for _, g := range w.gates() {
			if strings.Contains(g.Text, phone) {
				t.Fatalf("the gate shows the phone: %s", g.Text)
			}
		}
		w.until("it to park", func() bool { return w.delivery(1).State == "parked" })
		tries, err := w.led.Attempts(t.Context(), w.delivery(1).ID)
		if err != nil || len(tries) != 2 {
			t.Fatalf("attempts %+v, %v", tries, err)
		}
		for _, text := range []string{tries[0].Text, tries[1].Text, w.delivery(1).Text} {
			if text != "phone *** is wrong" {
				t.Fatalf("the text is %q", text)
			}
		}
	})
}
