package e2e

import (
	"fmt"
	"iter"
	"maps"
	"strings"
)

// everywhereOnce says which target does not hold a paid order exactly once.
func (s *script) everywhereOnce(o sold) string {
	var wrong []string
	n := 0
	for _, x := range s.w.sims.OMS.Orders() {
		if x.SoID == o.key() {
			n++
		}
	}
	if n != 1 {
		wrong = append(wrong, fmt.Sprintf("the OMS has %d orders", n))
	}
	if n := len(s.w.sims.ERP.SalesByReference(o.key())); n != 1 {
		wrong = append(wrong, fmt.Sprintf("the ERP has %d sales", n))
	}
	if _, ok := s.w.sims.CRM.Lookup("Transaction__c", o.key()); !ok {
		wrong = append(wrong, "the CRM has no transaction")
	}
	if n := len(s.w.sims.SF.WaybillsMade()[o.key()]); n != 1 {
		wrong = append(wrong, fmt.Sprintf("the carrier made %d waybills", n))
	}
	if _, ok := s.w.sims.WMS.DeliveryOrder(o.key()); !ok {
		wrong = append(wrong, "the warehouse has no order")
	}
	return strings.Join(wrong, ", ")
}

// cancelledEverywhere says which target holds a cancelled order alive. What the ERP makes
// of a confirmed sale is the flow's affair.
func (s *script) cancelledEverywhere(o sold) string {
	var wrong []string
	if x, _ := s.w.sims.OMS.Order(s.omsShop(), o.key()); x.Status != "Cancelled" {
		wrong = append(wrong, "the OMS has it as "+x.Status)
	}
	if x, _ := s.w.sims.WMS.DeliveryOrder(o.key()); !x.Cancelled {
		wrong = append(wrong, "the warehouse has it as "+x.Process)
	}
	if x, _ := s.w.sims.SF.Order(o.key()); !x.Cancelled {
		wrong = append(wrong, "the carrier has it as "+x.Status)
	}
	return strings.Join(append(wrong, s.crmIs(o, "Status__c", "closed")), ", ")
}

func (s *script) crmIs(o sold, field, want string) string {
	r, _ := s.w.sims.CRM.Lookup("Transaction__c", o.key())
	if got := r.Values[field]; got != want {
		return fmt.Sprintf("the CRM has %s %q, want %q", field, got, want)
	}
	return ""
}

// writes counts what reached the targets of an order, behind the hub's back or through it.
func (s *script) writes(o sold) int {
	key := o.key()
	n := len(s.w.sims.OMS.History(s.omsShop()+"/"+key)) + len(s.w.sims.CRM.History("Transaction__c", key))
	n += len(s.w.sims.SF.WaybillsMade()[key]) + len(s.w.sims.ERP.SalesByReference(key))
	for _, e := range s.w.sims.WMS.History() {
		n += count(ours(e.Code, key))
	}
	for _, e := range s.w.sims.SF.History() {
		n += count(ours(e.OrderID, key))
	}
	return n
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// ours tells a key, with or without a generation.
func ours(there, key string) bool { return there == key || strings.HasPrefix(there, key+"-") }

func keysOf(m map[string]int) iter.Seq[string] { return maps.Keys(m) }
