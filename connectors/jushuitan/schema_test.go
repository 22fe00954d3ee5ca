package jushuitan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors/jushuitan"
	"github.com/minihub/minihub/schemas"
)

// The samples that the simulator takes pass the schemas, and what it would refuse does
// not, so that a mistake is found before it is sent.
func TestSchemasAgreeWithTheSamples(t *testing.T) {
	set, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]json.RawMessage{"order.push": order("S1-1", 0), "order.cancel": cancel("S1-1", 0), "aftersale.push": afterSale("A-1", 0)}
	for _, op := range jushuitan.Connector().Operations {
		s, ok := set.Get(op.Schema)
		if !ok {
			t.Errorf("%s has no schema %s", op.Name, op.Schema)
			continue
		}
		if _, v := s.ValidateBytes(samples[op.Name]); len(v) > 0 {
			t.Errorf("%s: %v", op.Name, v)
		}
	}
	s, _ := set.Get("vendors/jushuitan/order.push")
	for name, change := range map[string][2]string{
		"an emoji":              {"示例收件人", "示例😀"},
		"a control character":   {"示例收件人", `示例\u0001`},
		"an empty region":       {"杭州市", ""},
		"three decimals":        {"118.00,\"freight\"", "118.001,\"freight\""},
		"a time with a T":       {"2025-01-01 10:00:00", "2025-01-01T10:00:00"},
		"a number too long":     {`"so_id":"S1-1"`, `"so_id":"` + strings.Repeat("1", 51) + `"`},
		"no line":               {`"items":[{`, `"items":[],"x":[{`},
		"no telephone":          {`"receiver_mobile":"13800000000",`, ""},
		"a state nobody knows":  {"WAIT_SELLER_SEND_GOODS", "PAID"},
		"a line without its id": {`"outer_oi_id":"S1-1-1",`, ""},
	} {
		doc := strings.Replace(string(samples["order.push"]), change[0], change[1], 1)
		if doc == string(samples["order.push"]) {
			t.Fatalf("%s: the sample has no %q", name, change[0])
		}
		if _, v := s.ValidateBytes([]byte(doc)); len(v) == 0 {
			t.Errorf("%s passes", name)
		}
	}
	tree, _ := s.ValidateBytes(samples["order.push"])
	pii := strings.Join(s.PII(tree), " ")
	for _, person := range []string{"示例收件人", "13800000000", "仓前街道示例路1号", "u_7731", "o-invented"} {
		if !strings.Contains(pii, person) {
			t.Errorf("%s is not marked as personal", person)
		}
	}
}
