package connectortest

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
)

// dryRuns checks that a dry run writes nothing and shows what a real delivery then sends.
func (r *runner) dryRuns(t *testing.T, op Operation) {
	if _, ok := r.Connector.Operation(op.Name); !ok {
		return
	}
	if reason, ok := r.waived("dry_run", op.Name); ok {
		t.Logf("dry_run waived: %s", reason)
		return
	}
	r.check(t, "dry_run.cold", op.Name, func(h *harness) {
		before := 0
		d := h.delivery(op, 1, 0) // what it needs first may have got a token
		if h.sys.Renewals != nil {
			before = h.sys.Renewals()
		}
		h.rehearse(op, d, true)
		h.effects(op, d.Key, 0)
		if h.sys.Renewals != nil && h.sys.Renewals() != before {
			h.Error("a dry run fetched a token")
		}
	})
	r.check(t, "dry_run.same", op.Name, func(h *harness) {
		h.done(op, h.delivery(op, 2, 0)) // a token is at hand, and codes are known
		d := h.delivery(op, 1, 0)
		kept := h.rehearse(op, d, true)
		h.effects(op, d.Key, 0)
		res := h.deliver(h.Context(), op, d)[d.ID]
		h.settle(op, d, res)
		h.effects(op, d.Key, 1)
		for _, x := range res.Exchanges {
			if x.Method != kept.Method || !alike(x.URL, kept.URL) {
				continue
			}
			// Of a call for many documents a result shows its own share.
			if alike(x.Request, kept.Request) || x.Request != "" && strings.Contains(kept.Request, x.Request) {
				return
			}
		}
		h.Errorf("the dry run shows\n%s %s\n%s\nand no call of the delivery is that one: %+v", kept.Method, kept.URL, kept.Request, res.Exchanges)
	})
	r.check(t, "dry_run.reads", op.Name, func(h *harness) {
		h.done(op, h.delivery(op, 2, 0))
		d := h.delivery(op, 1, 0)
		h.rehearse(op, d, false)
		h.effects(op, d.Key, 0)
	})
}

var errForbidden = errors.New("nothing may be asked")

// rehearse makes a dry run; it must come to a call.
func (h *harness) rehearse(op Operation, d connectors.Delivery, reads bool) connectors.Exchange {
	h.Helper()
	conn, ok := h.conn.(connectors.DryRunner)
	if !ok {
		h.Fatal("the connection makes no dry runs; a waiver of dry_run must say why")
	}
	d.Save = func(context.Context, json.RawMessage) error {
		h.Error("a dry run saved progress")
		return errForbidden
	}
	asked := false
	dry := &connectors.DryRun{Permit: func(context.Context) error {
		asked = true
		if !reads {
			return errForbidden
		}
		return nil
	}}
	results, err := conn.Deliver(connectors.WithDryRun(h.Context(), dry), op.Name, []connectors.Delivery{d})
	h.hearError(err)
	for _, res := range results {
		h.hearExchanges(res.Exchanges)
		if res.Outcome == connectors.Done || res.Outcome == connectors.Took {
			h.Errorf("a dry run says %s", outcome(res.Outcome))
		}
	}
	x, why, ok := dry.Kept()
	if !ok {
		h.Fatalf("the dry run came to no call: %+v %v", results, err)
	}
	h.hearExchanges([]connectors.Exchange{x})
	if x.Status != 0 || x.Response != "" {
		h.Errorf("the call was answered: %+v", x)
	}
	if !reads && asked && why == nil {
		h.Error("nothing might be asked, and what would be written is known")
	}
	return x
}

// What differs between two requests that say the same: times, nonces, names of files.
var (
	passing = regexp.MustCompile(`^([0-9]{10,17}|[0-9a-fA-F-]{16,64}|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?|[0-9]{2}(:[0-9]{2})+([.0-9Z+:-]*)?|[0-9]{6,8})$`)
	parts   = regexp.MustCompile(`[^A-Za-z0-9:-]+`)
)

// alike reports whether two texts differ in passing values alone.
func alike(a, b string) bool {
	if a == b {
		return true
	}
	x, y := parts.Split(a, -1), parts.Split(b, -1)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] && (!passing.MatchString(x[i]) || !passing.MatchString(y[i])) {
			return false
		}
	}
	return strings.Join(parts.FindAllString(a, -1), "") == strings.Join(parts.FindAllString(b, -1), "")
}
