package pipelines_test

import "testing"

func TestAChangeAfterACreate(t *testing.T) {
	for change, want := range map[string]string{
		"ignore": "create T-1 unchanged unchanged.ignored",
		"park":   "create T-1 parked change.after_create",
	} {
		w := newWorld(t, flowTo("create", "on_change: "+change), nil)
		w.put(paid(1, 100))
		w.rest()
		w.put(paid(2, 200))
		w.comes("create T-1 delivered ", want)
		w.put(paid(3, 100)) // back to what was created
		w.until("version 3", func() bool { return len(w.states()) == 3 && w.delivery(3).State == "unchanged" })
		w.wantCalls("create T-1")
	}
}

// A mapping that reads links is made at the time of sending, and compared all the same.
func TestALateDocumentIsComparedToo(t *testing.T) {
	flow := flowTo("push") + "  - operation: crm.create\n    key: 'T-{order_no}'\n    map: late.yaml\n    after: oms.push\n"
	w := newWorld(t, flow, nil, func(w *world) {
		w.files["late.yaml"] = outMapping + "  - { to: oms, from: \"@links.oms_push.ids.id\" }\n"
	})
	w.put(paid(1, 100))
	w.rest()
	if got := w.crm.sent(); len(got) != 1 || string(got[0].Doc) != `{"key":"T-1","oms":"push-T-1","status":"paid","total":100}` {
		t.Fatalf("crm got %s", got)
	}
	w.put(paid(2, 100))
	w.put(paid(3, 300))
	w.comes("push T-1 delivered ", "create T-1 delivered ", "push T-1 unchanged unchanged.same", "create T-1 unchanged unchanged.same",
		"push T-1 delivered ", "create T-1 parked change.after_create")
}

func TestAnEventSeenAgainIsNotSentAgain(t *testing.T) {
	w := newWorld(t, flowTo("points"), nil)
	w.put(paid(1, 100))
	w.rest()
	w.put(shopDoc{No: "1", Status: "paid", Fen: 100, Version: 2})
	w.comes("points T-1 delivered ", "points T-1 unchanged unchanged.same")
	w.wantCalls("points T-1")
}
