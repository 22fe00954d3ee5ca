package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

// trytonServer reads a real server by itself: the connector under test must not judge its
// own work.
type trytonServer struct {
	t                                 testing.TB
	url                               string
	database, username, password, key string
	context                           map[string]any
}

// dialTryton logs in at the server of TRYTON_URL; in CI there must be one.
func dialTryton(t testing.TB) *trytonServer {
	t.Helper()
	s := &trytonServer{t: t, url: strings.TrimRight(os.Getenv("TRYTON_URL"), "/"), database: cmp.Or(os.Getenv("TRYTON_DATABASE"), "tryton"),
		username: cmp.Or(os.Getenv("TRYTON_USERNAME"), "admin"), password: os.Getenv("TRYTON_PASSWORD"), context: map[string]any{}}
	if s.url == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("TRYTON_URL is not set: in CI the real server must be tested too")
		}
		t.Skip("TRYTON_URL is not set: no real Tryton to test against")
	}
	var login []json.RawMessage
	s.call(&login, "common.db.login", s.username, map[string]any{"password": s.password}, "en")
	var user json.Number
	var session string
	if len(login) < 2 || json.Unmarshal(login[0], &user) != nil || json.Unmarshal(login[1], &session) != nil {
		t.Fatal("the server at TRYTON_URL lets nobody in with TRYTON_USERNAME and TRYTON_PASSWORD")
	}
	s.key = base64.StdEncoding.EncodeToString([]byte(s.username + ":" + user.String() + ":" + session))
	var prefs struct {
		Company json.Number `json:"company"`
	}
	s.call(&prefs, "model.res.user.get_preferences", true, map[string]any{})
	s.context["company"] = prefs.Company
	return s
}

// call calls a method; what fails ends the test.
func (s *trytonServer) call(out any, method string, params ...any) {
	s.t.Helper()
	if s.key != "" && !strings.HasSuffix(method, ".get_preferences") {
		params = append(params, s.context)
	}
	body, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/"+s.database+"/", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.key != "" {
		req.Header.Set("Authorization", "Session "+s.key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatalf("no real Tryton answers at TRYTON_URL: %v", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK || len(answer.Error) > 0 {
		s.t.Fatalf("the server answers %s to %s: %s, %v", resp.Status, method, answer.Error, err)
	}
	if err := json.Unmarshal(answer.Result, out); err != nil {
		s.t.Fatalf("the server answers %s to %s: %v", answer.Result, method, err)
	}
}

// trytonAmount is a Decimal of whole fen.
type trytonAmount struct{ fen int64 }

func (a *trytonAmount) UnmarshalJSON(b []byte) error {
	var v struct{ Decimal decimal.Decimal }
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	fen := v.Decimal.Shift(2)
	if !fen.IsInteger() {
		return fmt.Errorf("%s is no amount of whole fen", v.Decimal)
	}
	a.fen = fen.IntPart()
	return nil
}

type trytonSale struct {
	ID        json.Number
	Reference string
	State     string
	Untaxed   trytonAmount `json:"untaxed_amount"`
	Tax       trytonAmount `json:"tax_amount"`
	Total     trytonAmount `json:"total_amount"`
	Invoices  []json.Number

	lines    []trytonLine
	invoices []trytonInvoice
}

type trytonLine struct {
	Sale     json.Number
	Text     string `json:"description"`
	Quantity json.Number
	Amount   trytonAmount
	Product  *struct{ Code string } `json:"product."`
}

type trytonInvoice struct {
	ID    json.Number
	Total trytonAmount `json:"total_amount"`
}

// salesOf reads every sale whose reference begins with a store's code.
func (s *trytonServer) salesOf(code string) []*trytonSale {
	s.t.Helper()
	var sales []*trytonSale
	s.find(&sales, "sale.sale", []any{"reference", "like", code + "-%"}, "reference", "state", "untaxed_amount", "tax_amount", "total_amount", "invoices")
	byID, byInvoice := map[json.Number]*trytonSale{}, map[json.Number]*trytonSale{}
	var ids, papers []json.Number
	for _, sale := range sales {
		byID[sale.ID], ids = sale, append(ids, sale.ID)
		for _, id := range sale.Invoices {
			byInvoice[id], papers = sale, append(papers, id)
		}
	}
	var lines []trytonLine
	s.find(&lines, "sale.line", []any{"sale", "in", ids}, "sale", "description", "quantity", "amount", "product.code")
	for _, l := range lines {
		byID[l.Sale].lines = append(byID[l.Sale].lines, l)
	}
	var invoices []trytonInvoice
	s.find(&invoices, "account.invoice", []any{"id", "in", papers}, "total_amount")
	for _, v := range invoices {
		byInvoice[v.ID].invoices = append(byInvoice[v.ID].invoices, v)
	}
	return sales
}

func (s *trytonServer) find(out any, model string, term []any, fields ...string) {
	s.t.Helper()
	s.call(out, "model."+model+".search_read", []any{term}, 0, nil, []any{[]any{"id", "ASC"}}, fields)
}

// stateOf reads the state of one sale.
func (s *trytonServer) stateOf(id json.Number) string {
	s.t.Helper()
	var sales []trytonSale
	s.find(&sales, "sale.sale", []any{"id", "=", id}, "state")
	if len(sales) != 1 {
		return "gone"
	}
	return sales[0].State
}
