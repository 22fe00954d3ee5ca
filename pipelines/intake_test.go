package pipelines_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// pushShop is the shop with a webhook: "signed KEY BODY" carries a document, "signed KEY"
// a hint, "hello" is a handshake.
type pushShop struct{ *shop }

func (pushShop) Receive(_ context.Context, req connectors.Request) (connectors.Received, error) {
	word, rest, _ := strings.Cut(string(req.Body), " ")
	switch word {
	case "hello":
		return connectors.Received{Answer: &connectors.Response{Body: []byte("hello yourself")}}, nil
	case "broken":
		panic("a bug")
	case "signed":
		key, body, _ := strings.Cut(rest, " ")
		it := connectors.Item{Stream: "orders", Key: key, Version: 1}
		if body != "" {
			it.Body = []byte(body)
		}
		return connectors.Received{Items: []connectors.Item{it}}, nil
	}
	return connectors.Received{}, &connectors.Error{Kind: connectors.Unauthorized, Scope: connectors.OfDocument, Code: "test.signature"}
}

func (pushShop) Reply(v connectors.Verdict, _ connectors.Received, err error) connectors.Response {
	switch v {
	case connectors.Stored:
		return connectors.Response{Body: []byte("stored")}
	case connectors.Busy:
		return connectors.Response{Status: http.StatusServiceUnavailable, Body: []byte("come later")}
	}
	return connectors.Response{Status: http.StatusUnauthorized, Body: []byte("bad")}
}

func receiving(w *world) { w.opt.Connections[0].Conn = pushShop{w.shop} }

func (w *world) post(path string, body io.Reader) (int, string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.eng.ServeIntake(rec, httptest.NewRequest(http.MethodPost, path, body))
	return rec.Code, rec.Body.String()
}

const order1 = `signed 1 {"no":"1","status":"paid","fen":100}`

func TestAPushIsStoredBeforeItIsAnswered(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, receiving)
	pause(w, "oms", "")
	if code, body := w.post("/in/shop/orders", strings.NewReader(order1)); code != 200 || body != "stored" {
		t.Fatalf("answered %d %q", code, body)
	}
	r, err := w.led.Latest(t.Context(), ledger.DocKey{Connection: "shop", Entity: "order", Key: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := w.led.Payload(t.Context(), r.Payload); err != nil || "signed 1 "+string(body) != order1 {
		t.Fatalf("stored %q, %v", body, err)
	}
	if code, body := w.post("/in/shop/orders", strings.NewReader("hello")); code != 200 || body != "hello yourself" {
		t.Fatalf("the handshake was answered %d %q", code, body)
	}
	w.shop.with(func() { w.shop.docs["2"] = shopDoc{No: "2", Status: "paid", Fen: 5, Version: 1} })
	if code, _ := w.post("/in/shop/orders", strings.NewReader("signed 2")); code != 200 {
		t.Fatalf("the hint was answered %d", code)
	}
	if err := w.eng.Resume(t.Context(), "oms", ""); err != nil {
		t.Fatal(err)
	}
	w.comes("push T-1 delivered ", "push T-2 delivered ")
	if got := w.eng.IntakeCounts()["shop"]; got != (pipelines.IntakeCounts{Stored: 2}) {
		t.Fatalf("counted %+v", got)
	}
}

func TestAnUnsignedPushIsCountedAndNotStored(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, receiving)
	for _, body := range []string{"forged 1 {}", "broken"} {
		if code, answer := w.post("/in/shop/orders", strings.NewReader(body)); code != 401 || answer != "bad" {
			t.Fatalf("answered %d %q", code, answer)
		}
	}
	if recs, err := w.led.Records(t.Context(), ledger.Filter{}); err != nil || len(recs) != 0 {
		t.Fatalf("stored %+v, %v", recs, err)
	}
	if got := w.eng.IntakeCounts()["shop"]; got != (pipelines.IntakeCounts{Bad: 2}) {
		t.Fatalf("counted %+v", got)
	}
}

// cutBody ends before its end.
type cutBody struct{}

func (cutBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestABodyThatCannotBeTakenIsRefused(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, receiving, func(w *world) { w.opt.MaxBody = 64 })
	if code, body := w.post("/in/shop/orders", strings.NewReader(order1+strings.Repeat(" ", 64))); code != 413 || !strings.HasPrefix(body, "intake.too_large") {
		t.Fatalf("answered %d %q", code, body)
	}
	if code, body := w.post("/in/shop/orders", cutBody{}); code != 400 || !strings.HasPrefix(body, "intake.broken") {
		t.Fatalf("a cut body was answered %d %q", code, body)
	}
	for _, path := range []string{"/in/nobody/x", "/in/oms/x"} {
		if code, _ := w.post(path, strings.NewReader(order1)); code != 404 {
			t.Fatalf("%s was answered %d", path, code)
		}
	}
}

func TestTooMuchWaitingIsAnsweredBusy(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, receiving, func(w *world) { w.opt.MaxBacklog = 1 })
	pause(w, "shop", "") // hints wait
	for _, key := range []string{"1", "2", "3"} {
		if code, _ := w.post("/in/shop/orders", strings.NewReader("signed "+key)); code != 200 {
			t.Fatalf("%s was answered %d", key, code)
		}
	}
	if code, body := w.post("/in/shop/orders", strings.NewReader("signed 4")); code != 503 || body != "come later" {
		t.Fatalf("answered %d %q", code, body)
	}
}

// full is a ledger whose disk is full.
type full struct{ ledger.Ledger }

func (f full) Commit(ctx context.Context, units ...ledger.Unit) error {
	for _, u := range units {
		if _, ok := u.(*ledger.Intake); ok {
			return ledger.ErrFull
		}
	}
	return f.Ledger.Commit(ctx, units...)
}

func TestAPushThatCannotBeStoredIsAnsweredBusy(t *testing.T) {
	w := newWorld(t, flowTo("push"), nil, receiving)
	opt := w.opt
	opt.Ledger = full{w.led}
	eng, err := pipelines.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	eng.ServeIntake(rec, httptest.NewRequest(http.MethodPost, "/in/shop/orders", strings.NewReader(order1)))
	if rec.Code != 503 || rec.Body.String() != "come later" {
		t.Fatalf("answered %d %q", rec.Code, rec.Body)
	}
	_, err = w.led.Latest(t.Context(), ledger.DocKey{Connection: "shop", Entity: "order", Key: "1"})
	if !errors.Is(err, ledger.ErrNotFound) {
		t.Fatalf("it is stored: %v", err)
	}
}
