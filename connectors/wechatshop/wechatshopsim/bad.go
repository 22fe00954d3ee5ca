package wechatshopsim

import (
	"fmt"
	"slices"
	"strings"
)

// The kinds of orders that a hub cannot simply pass on.
const (
	BadUnknownSKU    = "unknown_sku"    // a SKU code that no other system knows
	BadEmptySKU      = "empty_sku"      // a line without a merchant's code
	BadEmptyName     = "empty_name"     // no receiver
	BadNULReceiver   = "nul_receiver"   // a NUL inside the receiver's name
	BadLongReceiver  = "long_receiver"  // a receiver's name of 300 characters
	BadUnknownStatus = "unknown_status" // a status that no document lists
)

// BadKinds lists them all.
func BadKinds() []string {
	return []string{BadUnknownSKU, BadEmptySKU, BadEmptyName, BadNULReceiver, BadLongReceiver, BadUnknownStatus}
}

// BadOrder is the order that PlaceBad places for a kind.
func BadOrder(kind string) OrderSpec {
	addr := Address{Name: "测试坏单", Phone: "13800000000", Province: "上海市", City: "上海市", County: "徐汇区", Detail: "测试路1号"}
	line := LineSpec{SKUCode: "SKU-MUG-01", Qty: 1, UnitFen: 3900}
	switch kind {
	case BadUnknownSKU:
		line.SKUCode = "NO-SUCH-SKU"
	case BadEmptySKU:
		line.SKUCode = ""
	case BadEmptyName:
		addr.Name = ""
	case BadNULReceiver:
		addr.Name = "坏\x00单"
	case BadLongReceiver:
		addr.Name = strings.Repeat("长", 300)
	}
	return OrderSpec{Lines: []LineSpec{line}, Receiver: &addr}
}

// PlaceBad places and pays a bad order of a kind and returns its id.
func (s *Sim) PlaceBad(kind string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.placeBad(kind, BadOrder(kind), s.now().Unix())
}

func (s *Sim) placeBad(kind string, spec OrderSpec, at int64) (string, error) {
	if !slices.Contains(BadKinds(), kind) {
		return "", fmt.Errorf("bad order kind %q is unknown; known: %v", kind, BadKinds())
	}
	o, err := s.place(spec, at)
	if err != nil {
		return "", err
	}
	o.bad = kind
	if err := s.pay(o, at); err != nil {
		return "", err
	}
	if kind == BadUnknownStatus {
		o.status = 77
	}
	return o.id, nil
}
