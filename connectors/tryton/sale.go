package tryton

import (
	"context"
	"encoding/json"
	"time"

	"github.com/minihub/minihub/connectors"
)

// saleRow is a sale as the server has it.
type saleRow struct {
	ID        id     `json:"id"`
	Number    string `json:"number"`
	Reference string `json:"reference"`
	State     string `json:"state"`
	Total     number `json:"total_amount"`
	Origin    string `json:"origin"`
	CreatedBy id     `json:"create_uid"`
	WrittenBy id     `json:"write_uid"`
	Created   moment `json:"create_date"`
	Written   moment `json:"write_date"`
	Party     *struct {
		Code string `json:"code"`
	} `json:"party."`
	Currency *struct {
		Code string `json:"code"`
	} `json:"currency."`
	ShipTo *addressRow `json:"shipment_address."`

	Lines  []lineRow `json:"-"`
	Undone bool      `json:"-"` // taken back: returns of all its lines are confirmed
	Backs  []id      `json:"-"` // those returns
}

type lineRow struct {
	ID       id          `json:"id"`
	Sale     id          `json:"sale"`
	Type     string      `json:"type"`
	Text     string      `json:"description"`
	Quantity plainNumber `json:"quantity"`
	Price    number      `json:"unit_price"`
	Product  *struct {
		Code string `json:"code"`
	} `json:"product."`
}

var (
	saleFields = names("number", "reference", "state", "total_amount", "origin", "create_uid", "write_uid", "create_date", "write_date",
		"party.code", "currency.code", "shipment_address.party_name", "shipment_address.street", "shipment_address.city",
		"shipment_address.postal_code", "shipment_address.country.code")
	lineFields = names("sale", "type", "description", "quantity", "unit_price", "product.code")
)

// States of a sale ("sale.sale", field state).
const (
	draft      = "draft"
	quotation  = "quotation"
	confirmed  = "confirmed"
	processing = "processing"
	finished   = "done"
	cancelled  = "cancelled"
)

// accepted tells the states after a confirmation. What was taken back keeps its state.
func (s *saleRow) accepted() bool {
	return s.confirmed() && !s.Undone
}

func (s *saleRow) confirmed() bool {
	return s.State == confirmed || s.State == processing || s.State == finished
}

// booked tells a sale that is as far as the hub takes it.
func (r *run) booked(s *saleRow) bool {
	return s.accepted() || r.bookAs == quotation && s.State == quotation
}

// ours tells a draft or quotation that only the connection's user has touched.
func (s *saleRow) ours(user id) bool {
	return (s.State == draft || s.State == quotation) && s.CreatedBy == user && (s.WrittenBy == 0 || s.WrittenBy == user)
}

func (s *saleRow) modified() time.Time {
	if s.Written.IsZero() {
		return s.Created.Time
	}
	return s.Written.Time
}

// dead tells a sale that is cancelled, or taken back after its confirmation.
func (s *saleRow) dead() bool { return s.State == cancelled || s.Undone }

func (s *saleRow) names() []connectors.RemoteID {
	out := []connectors.RemoteID{{Kind: "sale", Value: s.ID.String()}}
	if s.Number != "" {
		out = append(out, connectors.RemoteID{Kind: "number", Value: s.Number})
	}
	for _, back := range s.Backs {
		out = append(out, connectors.RemoteID{Kind: "return", Value: back.String()})
	}
	return out
}

// heads reads sales without their lines, oldest first.
func (r *run) heads(ctx context.Context, where []any, limit any) ([]saleRow, *connectors.Error) {
	var rows []saleRow
	err := r.call(ctx, &rows, "model.sale.sale.search_read", where, 0, limit, order, saleFields)
	return rows, err
}

// sales reads sales with their lines, oldest first, and which of them were taken back.
func (r *run) sales(ctx context.Context, where []any, limit any) ([]saleRow, *connectors.Error) {
	rows, err := r.withLines(ctx, where, limit)
	if err != nil {
		return nil, err
	}
	return rows, r.findUndone(ctx, rows)
}

func (r *run) withLines(ctx context.Context, where []any, limit any) ([]saleRow, *connectors.Error) {
	rows, err := r.heads(ctx, where, limit)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	at := map[id]int{}
	var all []id
	for i, s := range rows {
		at[s.ID] = i
		all = append(all, s.ID)
	}
	var lines []lineRow
	err = r.call(ctx, &lines, "model.sale.line.search_read", domain(is("sale", "in", ids(all...))), 0, nil,
		[]any{[]any{"sequence", "ASC"}, []any{"id", "ASC"}}, lineFields)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		if i, ok := at[l.Sale]; ok {
			rows[i].Lines = append(rows[i].Lines, l)
		}
	}
	return rows, nil
}

// head reads a sale without its lines; nil when it is gone. Reading an id that is not
// there would be an error about access rules, so it is searched.
func (r *run) head(ctx context.Context, sale id) (*saleRow, *connectors.Error) {
	rows, err := r.heads(ctx, domain(is("id", "=", int64(sale))), 1)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// saleByReference finds the sale of a key: the oldest that is neither cancelled nor taken
// back, else the newest of those. several says that more than one is alive.
func (r *run) saleByReference(ctx context.Context, key string) (found *saleRow, several bool, _ *connectors.Error) {
	rows, err := r.sales(ctx, domain(is("reference", "=", key)), nil)
	if err != nil {
		return nil, false, err
	}
	alive := 0
	for i := range rows {
		switch s := &rows[i]; {
		case s.returned():
		case !s.dead():
			if alive++; alive == 1 {
				found = s
			}
		case alive == 0:
			found = s
		}
	}
	return found, alive > 1, nil
}

// progress is what is kept between the steps of sale.push and sale.cancel.
type progress struct {
	Sale   id `json:"sale"`
	Return id `json:"return,omitempty"` // the return that takes the sale back
}

// pushSale takes a sale from wherever it stands to its confirmation.
func (r *run) pushSale(ctx context.Context, d connectors.Delivery) connectors.Result {
	res := connectors.Result{ID: d.ID}
	fail := func(err *connectors.Error) connectors.Result {
		res.Outcome, res.Err, res.Exchanges = outcome(err), err, r.made
		if r.wrote && res.Outcome == connectors.NotSent {
			// There is a draft: it is not as if nothing had happened.
			res.Outcome, res.Err.Sent = connectors.Unknown, true
		}
		return res
	}
	want, err := readSale(d)
	if err != nil {
		return fail(err)
	}
	s, err := r.begun(ctx, d, want)
	if err != nil {
		return fail(err)
	}
	if s != nil && r.booked(s) && len(differs(want, s, r.walkIn)) == 0 {
		res.Outcome, res.RemoteIDs, res.Exchanges = connectors.Done, s.names(), r.made
		return res
	}
	if s != nil && !s.ours(r.who().id) {
		res.Outcome, res.RemoteIDs, res.Exchanges = connectors.Duplicate, s.names(), r.made
		res.Err = conflict("reference", "Tryton has a sale with the reference %q in state %s", want.Reference, s.stands())
		return res
	}
	r.wrote = s != nil
	if s, err = r.write(ctx, d, want, s); err != nil {
		if err.Code == missingParty {
			res.Missing = &connectors.Missing{Operation: opParty, Key: want.PartyCode}
			res.Outcome, res.Err, res.Exchanges = connectors.MissingReference, err, r.made
			return res
		}
		return fail(err)
	}
	if s, err = r.confirm(ctx, d, want, s); err != nil {
		return fail(err)
	}
	res.Outcome, res.RemoteIDs, res.Exchanges = connectors.Done, s.names(), r.made
	return res
}

// begun finds what earlier attempts, or somebody else, made of the key. When progress
// names a sale, only what became of that one counts.
func (r *run) begun(ctx context.Context, d connectors.Delivery, want saleDoc) (*saleRow, *connectors.Error) {
	var p progress
	if len(d.Progress) > 0 && json.Unmarshal(d.Progress, &p) == nil && p.Sale != 0 {
		rows, err := r.sales(ctx, domain(is("id", "=", int64(p.Sale)), is("reference", "=", want.Reference)), 1)
		if err != nil || len(rows) == 1 {
			return first(rows), err
		}
	}
	s, _, err := r.saleByReference(ctx, want.Reference)
	return s, err
}

func first(rows []saleRow) *saleRow {
	if len(rows) == 0 {
		return nil
	}
	return &rows[0]
}

// write creates the sale, or writes it again where it differs from the document, and
// leaves it with the total checked.
func (r *run) write(ctx context.Context, d connectors.Delivery, want saleDoc, s *saleRow) (*saleRow, *connectors.Error) {
	if s != nil && len(differs(want, s, r.walkIn)) == 0 {
		return s, nil
	}
	v, err := r.saleValues(ctx, want)
	if err != nil {
		return nil, err
	}
	var sale id
	switch {
	case s == nil:
		var made []id
		if err := r.call(ctx, &made, "model.sale.sale.create", []any{v}); err != nil {
			return nil, r.stale(err)
		}
		if len(made) != 1 {
			return nil, unreadable(nil, "sale.sale.create gave no id")
		}
		sale = made[0]
	default:
		sale = s.ID
		if s.State == quotation {
			if err := r.call(ctx, nil, "model.sale.sale.draft", ids(sale)); err != nil {
				return nil, err
			}
		}
		if old := s.lineIDs(); len(old) > 0 {
			v["lines"] = append([]any{[]any{"delete", old}}, v["lines"].([]any)...)
		}
		if err := r.call(ctx, nil, "model.sale.sale.write", ids(sale), v); err != nil {
			return nil, r.stale(err)
		}
	}
	r.wrote = true
	if err := save(ctx, d, progress{Sale: sale}); err != nil {
		return nil, err
	}
	if s, err = r.head(ctx, sale); err != nil {
		return nil, err
	}
	if s == nil {
		return nil, conflict("gone", "the sale that was just written is gone")
	}
	return s, nil
}

// confirm takes the last two steps, or only the first where people confirm, reading the
// state again after each.
func (r *run) confirm(ctx context.Context, d connectors.Delivery, want saleDoc, s *saleRow) (*saleRow, *connectors.Error) {
	step := func(button string) *connectors.Error {
		if err := r.call(ctx, nil, "model.sale.sale."+button, ids(s.ID)); err != nil {
			return err
		}
		now, err := r.head(ctx, s.ID)
		if err != nil {
			return err
		}
		if now == nil {
			return conflict("gone", "the sale vanished at %s", button)
		}
		s = now
		return save(ctx, d, progress{Sale: s.ID})
	}
	if err := checkTotal(want, s); err != nil {
		return nil, err
	}
	if s.State == draft {
		if err := step("quote"); err != nil {
			return nil, err
		}
		if s.State != quotation {
			return nil, conflict("state", "after quote the sale is in state %s", s.State)
		}
		if err := checkTotal(want, s); err != nil {
			return nil, err
		}
	}
	if r.booked(s) {
		return s, nil
	}
	if err := step("confirm"); err != nil {
		return nil, err
	}
	// With a queue of its own the server processes later; asking does no harm.
	if s.State == confirmed {
		if err := step("process"); err != nil {
			return nil, err
		}
	}
	if !s.accepted() {
		return nil, conflict("state", "after confirm the sale is in state %s", s.State)
	}
	return s, nil
}

func checkTotal(want saleDoc, s *saleRow) *connectors.Error {
	if sameAmount(want.ExpectedTotal, s.Total.Decimal) {
		return nil
	}
	e := refuse("total", "Tryton computes a total of %s, the document expects %s; the sale stays a %s", s.Total.String(), want.ExpectedTotal, s.State)
	e.Hint = "see taxes, unit prices and the rounding line in the mapping, and replay: the " + s.State + " is written again"
	return e
}

// stale forgets the resolved codes when the server refuses a document: one of the ids may
// be old.
func (r *run) stale(err *connectors.Error) *connectors.Error {
	if err.Kind == connectors.Invalid {
		r.codes.forget()
	}
	return err
}

func (s *saleRow) lineIDs() []any {
	var out []any
	for _, l := range s.Lines {
		out = append(out, int64(l.ID))
	}
	return out
}

// save makes progress durable; without it the delivery must end, its outcome unknown.
func save(ctx context.Context, d connectors.Delivery, p progress) *connectors.Error {
	if d.Save == nil {
		return nil
	}
	b, err := json.Marshal(p)
	if err == nil {
		err = d.Save(ctx, b)
	}
	if err != nil {
		return &connectors.Error{Kind: connectors.Unavailable, Scope: doc, Code: "tryton.progress", Text: "the progress could not be kept", Sent: true, Err: err}
	}
	return nil
}
