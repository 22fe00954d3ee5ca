package connectortest

import (
	"slices"

	"github.com/minihub/minihub/connectors"
)

// receiveGood: an authentic request gives its items, twice alike, and an answer in the
// vendor's words for each verdict.
func receiveGood(h *harness, st Stream) {
	rc := h.conn.(connectors.Receiver)
	req := st.Push(h.T, h.sys)
	var got []string
	for try := range 2 {
		rcv, err := rc.Receive(h.Context(), req)
		h.hearError(err)
		if err != nil {
			h.Fatalf("try %d: %v", try+1, err)
		}
		var keys []string
		for _, it := range rcv.Items {
			keys = append(keys, it.Key)
			if it.Key == "" {
				h.Error("an item without a key")
			}
		}
		if try == 1 && !slices.Equal(got, keys) {
			h.Errorf("the same request gives %v first and %v then", got, keys)
		}
		got = keys
		stored, busy := rc.Reply(connectors.Stored, rcv, nil), rc.Reply(connectors.Busy, rcv, nil)
		h.hear(string(stored.Body), string(busy.Body))
		if stored.Status == 0 || busy.Status == 0 {
			h.Errorf("an answer without a status: %+v %+v", stored, busy)
		}
		if stored.Status == busy.Status && string(stored.Body) == string(busy.Body) {
			h.Error("busy is answered like stored: the vendor would not come again")
		}
	}
	if !slices.Equal(got, st.Pushed) {
		h.Errorf("items %v, want %v", got, st.Pushed)
	}
}

// receiveForged: what is not authentic yields nothing and is not answered like
// something that was stored.
func receiveForged(h *harness, st Stream) {
	rc := h.conn.(connectors.Receiver)
	rcv, err := rc.Receive(h.Context(), st.Forged(h.T, h.sys))
	h.hearError(err)
	e := connectors.AsError(err)
	if e == nil || e.Kind != connectors.Unauthorized {
		h.Fatalf("a forged request gives %v, want kind unauthorized", err)
	}
	if len(rcv.Items) > 0 || rcv.Answer != nil {
		h.Errorf("a forged request gives %+v", rcv)
	}
	bad, stored := rc.Reply(connectors.Bad, rcv, err), rc.Reply(connectors.Stored, rcv, nil)
	h.hear(string(bad.Body))
	if bad.Status == stored.Status && string(bad.Body) == string(stored.Body) {
		h.Error("a forged request is answered like one that was stored")
	}
}
