package tryton

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
)

func TestASaleIsPushedOnce(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		key := e.key("sale")
		d, k := delivery(t, key, saleDocument(key, e.key("party")))
		if f := e.lookup(t, opSale, d); f.Presence != connectors.Absent {
			t.Fatalf("before: %+v", f)
		}
		r := e.done(t, opSale, d)
		rows := e.alive(t, key)
		if len(rows) != 1 || rows[0].State != processing || rows[0].Number == "" || rows[0].Total.String() != "177" {
			t.Fatalf("the server has %+v", rows)
		}
		if diff := cmp.Diff(rows[0].names(), r.RemoteIDs); diff != "" {
			t.Error(diff)
		}
		if len(k.kept) < 3 {
			t.Errorf("progress was kept %d times, want it after create, quote and confirm", len(k.kept))
		}
		f := e.lookup(t, opSale, d)
		if f.Presence != connectors.Same || cmp.Diff(r.RemoteIDs, f.RemoteIDs) != "" {
			t.Errorf("after: %+v", f)
		}
		// Again, with and without the progress of the first attempt: nothing new.
		for _, p := range [][]byte{nil, k.last()} {
			d.Progress = p
			again := e.done(t, opSale, d)
			if diff := cmp.Diff(r.RemoteIDs, again.RemoteIDs); diff != "" {
				t.Error(diff)
			}
		}
		if rows := e.alive(t, key); len(rows) != 1 {
			t.Errorf("%d sales", len(rows))
		}
	})
}

func TestFreightRoundingAndCommentLines(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		key := e.key("lines")
		doc := with(saleDocument(key, e.key("party")), "lines", []any{
			goodsLine(),
			map[string]any{"description": "freight", "quantity": 1, "unit_price": "10.00"},
			map[string]any{"description": "rounding", "quantity": 1, "unit_price": "-0.01"},
			map[string]any{"type": "comment", "description": "gift wrapped"},
		})
		d, _ := delivery(t, key, with(doc, "expected_total", "186.99"))
		e.done(t, opSale, d)
		if f := e.lookup(t, opSale, d); f.Presence != connectors.Same {
			t.Errorf("got %+v", f)
		}
	})
}

func TestALookupNamesWhatDiffers(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		key, party := e.key("differs"), e.key("party")
		d, _ := delivery(t, key, saleDocument(key, party))
		e.done(t, opSale, d)
		line := func(field string, value any) map[string]any {
			return with(saleDocument(key, party), "lines", []any{with(goodsLine(), field, value)})
		}
		for name, c := range map[string]struct {
			document map[string]any
			fields   []string
		}{
			"party":    {with(saleDocument(key, party), "party_code", "SOMEONE"), []string{"/party_code"}},
			"receiver": {with(saleDocument(key, party), "shipment_address", map[string]any{"party_name": "李四", "street": "示例路2号"}), []string{"/shipment_address"}},
			"total":    {with(saleDocument(key, party), "expected_total", "177.01"), []string{"/expected_total"}},
			"currency": {with(saleDocument(key, party), "currency", "USD"), []string{"/currency"}},
			"quantity": {line("quantity", 3), []string{"/lines/0/quantity"}},
			"price":    {line("unit_price", "78.3187"), []string{"/lines/0/unit_price"}},
			"product":  {line("product_code", "SKU-MUG-01"), []string{"/lines/0/product_code"}},
			"more":     {with(saleDocument(key, party), "lines", []any{goodsLine(), goodsLine()}), []string{"/lines"}},
			"comment":  {with(saleDocument(key, party), "lines", []any{map[string]any{"type": "comment", "description": "x"}, goodsLine()}), []string{"/lines"}},
		} {
			d, _ := delivery(t, key, c.document)
			if name == "currency" || name == "comment" || name == "more" {
				// compared as well, and never delivered
			} else if r := e.deliver(t, opSale, d); r.Outcome != connectors.Duplicate {
				t.Errorf("%s: outcome %d, %v; want a duplicate", name, r.Outcome, r.Err)
			}
			f := e.lookup(t, opSale, d)
			if diff := cmp.Diff(c.fields, f.Fields); f.Presence != connectors.Other || diff != "" {
				t.Errorf("%s: presence %d, %s", name, f.Presence, diff)
			}
		}
		if rows := e.alive(t, key); len(rows) != 1 {
			t.Errorf("%d sales", len(rows))
		}
	})
}

func TestAnotherTotalLeavesTheDraftAndAMendedDocumentFinishesIt(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		key := e.key("total")
		doc := saleDocument(key, e.key("party"))
		bad := with(goodsLine(), "taxes", []string{})
		d, k := delivery(t, key, with(doc, "lines", []any{bad}))
		err := e.refused(t, opSale, d, "tryton.total")
		if !strings.Contains(err.Text, "156.64") || !strings.Contains(err.Text, "177.00") {
			t.Errorf("both figures must be named: %s", err.Text)
		}
		rows := e.alive(t, key)
		if len(rows) != 1 || rows[0].State != draft {
			t.Fatalf("the server has %+v", rows)
		}
		f := e.lookup(t, opSale, d)
		if f.Presence != connectors.Other || len(f.Fields) != 0 || string(f.Progress) != string(k.last()) {
			t.Fatalf("an unfinished sale must be carried on: %+v", f)
		}
		mended, _ := delivery(t, key, saleDocument(key, e.key("party")))
		mended.Progress = f.Progress
		e.done(t, opSale, mended)
		if rows := e.alive(t, key); len(rows) != 1 || rows[0].State != processing || len(rows[0].Lines) != 1 {
			t.Errorf("the server has %+v", rows)
		}
	})
}

func TestASaleWaitsForItsParty(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		key, party := e.key("waits"), e.key("late")
		d, _ := delivery(t, key, without(saleDocument(key, party), "party"))
		r := e.deliver(t, opSale, d)
		if r.Outcome != connectors.MissingReference || r.Missing == nil || *r.Missing != (connectors.Missing{Operation: opParty, Key: party}) {
			t.Fatalf("got %+v, %v", r, r.Err)
		}
		if rows := e.alive(t, key); len(rows) != 0 {
			t.Fatalf("the server has %+v", rows)
		}
		p, _ := delivery(t, party, map[string]any{"name": "王五"})
		e.done(t, opParty, p)
		e.done(t, opSale, d)
	})
}

func TestTheWalkInParty(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		code := e.key("walk-in")
		p, _ := delivery(t, code, map[string]any{"name": "Walk-in"})
		e.done(t, opParty, p)
		e.conn.walkIn = code
		key := e.key("anonymous")
		d, _ := delivery(t, key, without(without(saleDocument(key, ""), "party_code"), "party"))
		e.done(t, opSale, d)
		if rows := e.alive(t, key); len(rows) != 1 || rows[0].Party.Code != code {
			t.Errorf("the server has %+v", rows)
		}
		if f := e.lookup(t, opSale, d); f.Presence != connectors.Same {
			t.Errorf("got %+v", f)
		}
		e.conn.walkIn = e.key("nobody")
		d.Key = e.key("other")
		d.Base = key
		r := e.deliver(t, opSale, d)
		if r.Outcome != connectors.NotSent || r.Err.Scope != connectors.OfConnection {
			t.Errorf("a walk-in party that is not there is the connection's fault: %+v, %v", r, r.Err)
		}
	})
}

func TestDocumentsThatCannotGo(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		key, party := e.key("refused"), e.key("refused-party")
		sale := func() map[string]any { return saleDocument(key, party) }
		line := func(field string, value any) map[string]any {
			return with(sale(), "lines", []any{with(goodsLine(), field, value)})
		}
		for name, c := range map[string]struct {
			document map[string]any
			code     string
		}{
			"product":            {line("product_code", "NO-SUCH-SKU"), "tryton.product"},
			"tax":                {line("taxes", []string{"VAT 99%"}), "tryton.tax"},
			"currency":           {with(sale(), "currency", "XAU"), "tryton.currency"},
			"term":               {with(sale(), "payment_term", "never"), "tryton.payment_term"},
			"warehouse":          {with(sale(), "warehouse", "NOWHERE"), "tryton.warehouse"},
			"country":            {with(sale(), "shipment_address", map[string]any{"street": "x", "country": "XX"}), "tryton.country"},
			"no address":         {without(with(sale(), "party_code", e.key("homeless")), "shipment_address"), "tryton.address"},
			"five decimals":      {line("unit_price", "78.31861"), "tryton.document"},
			"no quantity":        {line("quantity", 0), "tryton.document"},
			"neither":            {with(sale(), "lines", []any{map[string]any{"quantity": 1, "unit_price": "1"}}), "tryton.document"},
			"no lines":           {with(sale(), "lines", []any{}), "tryton.document"},
			"only comments":      {with(sale(), "lines", []any{map[string]any{"type": "comment", "description": "x"}}), "tryton.document"},
			"no total":           {without(sale(), "expected_total"), "tryton.document"},
			"date":               {with(sale(), "sale_date", "20.11.2026"), "tryton.document"},
			"another reference":  {with(sale(), "reference", "something-else"), "tryton.key"},
			"party without code": {without(sale(), "party_code"), "tryton.document"},
			"half a piece":       {line("quantity", 1.5), "tryton.UserError"},
		} {
			t.Run(name, func(t *testing.T) {
				d, _ := delivery(t, key, c.document)
				if err := e.refused(t, opSale, d, c.code); err.Text == "" {
					t.Error("no words")
				}
			})
		}
		if rows := e.alive(t, key); len(rows) != 0 {
			t.Errorf("the server has %d sales of documents that it refused", len(rows))
		}
	})
}

func TestADraftOfSomebodyElseIsNotTouched(t *testing.T) {
	e := simulated(t)
	key := e.key("theirs")
	d, _ := delivery(t, key, with(saleDocument(key, e.key("party")), "expected_total", "1.00"))
	e.refused(t, opSale, d, "tryton.total")
	s := e.alive(t, key)[0]
	s.WrittenBy = e.who().id + 1
	if s.ours(e.who().id) {
		t.Error("a draft that another user wrote counts as ours")
	}
	s.WrittenBy, s.CreatedBy = 0, e.who().id+1
	if s.ours(e.who().id) {
		t.Error("a draft that another user made counts as ours")
	}
}

func TestProgressThatCannotBeKeptEndsTheDelivery(t *testing.T) {
	e := simulated(t)
	key := e.key("unsaved")
	d, k := delivery(t, key, saleDocument(key, e.key("party")))
	k.err = errors.New("disk full")
	if r := e.deliver(t, opSale, d); r.Outcome != connectors.Unknown || r.Err.Code != "tryton.progress" {
		t.Fatalf("got %+v, %v", r, r.Err)
	}
	if rows := e.alive(t, key); len(rows) != 1 || rows[0].State != draft {
		t.Fatalf("it must stop after the step that was not kept: %+v", rows)
	}
	k.err = nil
	f := e.lookup(t, opSale, d)
	d.Progress = f.Progress
	e.done(t, opSale, d)
	if rows := e.alive(t, key); len(rows) != 1 {
		t.Errorf("%d sales", len(rows))
	}
}

func TestASaleThatPeopleConfirmCanBeTakenBack(t *testing.T) {
	servers(t, func(t *testing.T, e *erp) {
		later := &erp{conn: connect(t, e.url, e.creds, map[string]string{"book_as": quotation}), sim: e.sim, unique: e.unique}
		t.Cleanup(func() { _ = later.Close() })
		key := e.key("quoted")
		d, _ := delivery(t, key, saleDocument(key, e.key("party")))
		r := later.done(t, opSale, d)
		if rows := later.alive(t, key); len(rows) != 1 || rows[0].State != quotation || rows[0].Total.String() != "177" {
			t.Fatalf("the server has %+v", rows)
		}
		if f := later.lookup(t, opSale, d); f.Presence != connectors.Same {
			t.Errorf("after: %+v", f)
		}
		if again := later.done(t, opSale, d); cmp.Diff(r.RemoteIDs, again.RemoteIDs) != "" {
			t.Errorf("sent again: %+v", again)
		}
		// A connection that confirms sees unfinished work of its own.
		if f := e.lookup(t, opSale, d); f.Presence != connectors.Other || f.Progress == nil {
			t.Errorf("seen by a connection that confirms: %+v", f)
		}
		c, _ := delivery(t, key, map[string]any{})
		c.RemoteIDs = r.RemoteIDs
		later.done(t, opCancel, c)
		if rows := later.alive(t, key); len(rows) != 0 {
			t.Errorf("still alive: %+v", rows)
		}
	})
}
