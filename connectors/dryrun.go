package connectors

import (
	"context"
	"sync"
)

// DryRun is a Deliver that writes nothing: it goes as far as the first call that would
// have an effect, and that call is kept instead of sent. Only a DryRunner is asked for one.
//
// A call writes unless its connector says that it only reads. Those that read go out when
// Permit lets them and a token is at hand: none is fetched. After a call was kept nothing
// leaves any more.
type DryRun struct {
	// Permit is asked before the first call that reads; an error keeps that call.
	Permit func(ctx context.Context) error

	mu    sync.Mutex
	asked bool
	stop  *Error // why what reads may not leave
	kept  *Exchange
	why   *Error // why a call that reads was kept
}

// DryRunner is a Sink whose Deliver honours a DryRun.
type DryRunner interface {
	Sink
	// DryRuns does nothing: having it is the promise that nothing which writes gets past a
	// DryRun. The conformance suite holds a connector to it.
	DryRuns()
}

type dryRunKey struct{}

// WithDryRun makes a Deliver under the returned context a dry run.
func WithDryRun(ctx context.Context, d *DryRun) context.Context {
	return context.WithValue(ctx, dryRunKey{}, d)
}

// DryRunOf returns the dry run of a context; nil when what is done there counts.
func DryRunOf(ctx context.Context) *DryRun {
	d, _ := ctx.Value(dryRunKey{}).(*DryRun)
	return d
}

// CodeDryRun is the code of the error that ends a dry run.
const CodeDryRun = "dry_run.kept"

func dryRunEnded() *Error {
	return &Error{Kind: Unavailable, Scope: OfConnection, Code: CodeDryRun, Text: "a dry run ends here: nothing was sent"}
}

// Pass decides about a call: nil lets it leave; with an error it was kept, or comes after
// one that was.
func (d *DryRun) Pass(ctx context.Context, x Exchange, reads bool) *Error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.kept != nil:
	case !reads:
		d.kept = &x
	case d.allowed(ctx):
		return nil
	default:
		d.kept, d.why = &x, d.stop
	}
	return dryRunEnded()
}

func (d *DryRun) allowed(ctx context.Context) bool {
	if !d.asked && d.stop == nil {
		d.asked = true
		if d.Permit == nil {
			d.stop = &Error{Kind: Forbidden, Scope: OfConnection, Code: "dry_run.reads", Text: "nothing may be asked"}
		} else if err := d.Permit(ctx); err != nil {
			d.stop = AsError(err)
		}
	}
	return d.stop == nil
}

// NoToken notes that no token is at hand: the calls carry a placeholder, and none leaves.
func (d *DryRun) NoToken() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop == nil {
		d.stop = &Error{Kind: Unauthorized, Scope: OfConnection, Code: "dry_run.token",
			Text: "no token is at hand, and a dry run fetches none; the next real call gets one"}
	}
}

// Kept returns the call that would have gone out; false when Deliver came to an end
// without one. With an error it is one that reads and could not leave: what would be
// written after it is not known.
func (d *DryRun) Kept() (Exchange, *Error, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept == nil {
		return Exchange{}, nil, false
	}
	return *d.kept, d.why, true
}
