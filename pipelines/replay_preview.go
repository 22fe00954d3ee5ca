package pipelines

import (
	"context"
	"errors"
	"fmt"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// Preview is one document as a replay would make it now. Nothing is stored or sent.
type Preview struct {
	Delivery              int64 // 0: the replay would create it
	Flow, Step            string
	Connection, Operation string
	Key                   string
	State                 ledger.State // what it would become
	Code, Text            string       // why it would not go out
	Document              []byte       // nil: none can be made, or it is made at the time of sending
	Repeat                connectors.Repeat
	Attempts              int
	// Edited: it is made of a document that a person changed, or is one.
	Edited bool
}

// PreviewDelivery makes the document that replaying a delivery would send.
func (e *Engine) PreviewDelivery(ctx context.Context, id int64, mode ReplayMode) (Preview, error) {
	d, err := e.opt.Ledger.Delivery(ctx, id)
	if err != nil {
		return Preview{}, err
	}
	e, leave := e.enterTrial(d.Root)
	defer leave()
	p := Preview{Delivery: d.ID, Flow: d.Flow, Step: d.Step, Connection: d.Connection, Operation: d.Operation, Key: d.RemoteKey,
		State: ledger.Ready, Attempts: d.Attempts}
	c, err := e.connection(d.Connection)
	if err != nil {
		return p, err
	}
	op, ok := c.Connector.Operation(d.Operation)
	if !ok {
		return p, fmt.Errorf("connection %s no longer has the operation %s", d.Connection, d.Operation)
	}
	p.Repeat = op.Repeat
	if mode == AsSent && d.Payload != (ledger.Ref{}) {
		p.Edited = d.MapVersion == EditedByHand
		p.Document, err = e.opt.Ledger.Payload(ctx, d.Payload)
		return p, err
	}
	var s ledger.Settle
	if err := e.remap(ctx, d, &s); err != nil {
		var pe *prepareError
		if !errors.As(err, &pe) {
			return p, err
		}
		p.State, p.Code, p.Text = d.State, pe.code, pe.text
		return p, nil
	}
	p.Key, p.Document = s.Revise.RemoteKey, s.Revise.Payload
	rec, err := e.opt.Ledger.Record(ctx, d.Record)
	if err != nil {
		return p, err
	}
	src, err := e.sourceOf(ctx, rec)
	p.Edited = src.edited
	return p, err
}

// PreviewRecord makes the deliveries that mapping a parked record again would create.
// Without any, the state, code and text say what would become of the record.
func (e *Engine) PreviewRecord(ctx context.Context, id int64) ([]Preview, *ledger.Route, error) {
	rec, err := e.opt.Ledger.Record(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	e, leave := e.enterTrial(rec.Root)
	defer leave()
	if rec.State != ledger.RecordParked && rec.State != ledger.RecordNoTarget {
		return nil, nil, fmt.Errorf("record %d is %s; only parked records and those without a target are mapped again", id, rec.State)
	}
	src, err := e.sourceOf(ctx, rec)
	if err != nil {
		return nil, nil, err
	}
	route, err := e.again(ctx, rec, src)
	if err != nil {
		return nil, nil, err
	}
	return e.previews(route, src.edited), route, nil
}

// previews are the deliveries of a route as they would be made.
func (e *Engine) previews(route *ledger.Route, edited bool) []Preview {
	var out []Preview
	for _, d := range route.Deliveries {
		p := Preview{Flow: d.Flow, Step: d.Step, Connection: d.Connection, Operation: d.Operation, Key: d.RemoteKey,
			State: d.State, Code: d.Code, Text: d.Text, Document: d.Payload, Edited: edited}
		if target, err := e.connection(d.Connection); err == nil {
			if op, ok := target.Connector.Operation(d.Operation); ok {
				p.Repeat = op.Repeat
			}
		}
		out = append(out, p)
	}
	return out
}
