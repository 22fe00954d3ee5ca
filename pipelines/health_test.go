package pipelines

import (
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

func TestHealthCountsAnHourAndForgetsTheRest(t *testing.T) {
	h := &health{}
	start := time.Date(2026, 11, 22, 3, 0, 30, 0, time.UTC)
	down := &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: "http.timeout"}
	bad := &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "130"}
	for m := range 120 { // every minute: one good, one refused; every tenth one failed
		at := start.Add(time.Duration(m) * time.Minute)
		h.called(at, nil)
		h.called(at, bad)
		if m%10 == 0 {
			h.called(at, down)
		}
	}
	last := start.Add(119 * time.Minute)
	got := h.now(last)
	if want := (Calls{Made: 126, Failed: 6, Refused: 60}); got.Hour != want {
		t.Errorf("the hour is %+v, want %+v", got.Hour, want)
	}
	if want := (Calls{Made: 10, Refused: 5}); got.Minutes5 != want {
		t.Errorf("five minutes are %+v, want %+v", got.Minutes5, want)
	}
	if !got.LastSuccess.Equal(last) || !got.LastFailure.Equal(start.Add(110*time.Minute)) || got.LastCode != "http.timeout" {
		t.Errorf("last %+v", got)
	}
	if got := h.now(last.Add(3 * time.Hour)); got.Hour.Made != 0 || got.LastSuccess.IsZero() {
		t.Errorf("three hours later %+v", got)
	}
}

func TestWorstOfABatch(t *testing.T) {
	refused := &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfDocument, Code: "bad"}
	down := &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: "down"}
	results := []connectors.Result{{Outcome: connectors.Done}, {Outcome: connectors.Refused, Err: refused}, {Outcome: connectors.NotSent, Err: down}, {Outcome: connectors.Refused, Err: refused}}
	if got := worst(nil, results); got != down {
		t.Errorf("the worst is %v", got)
	}
	if got := worst(nil, []connectors.Result{{Outcome: connectors.Done}, {Outcome: connectors.Duplicate, Err: refused}}); got != nil {
		t.Errorf("a duplicate is %v", got)
	}
	if got := worst(down, nil); got != down {
		t.Errorf("a whole call that failed is %v", got)
	}
}
