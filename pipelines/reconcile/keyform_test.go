package reconcile

import (
	"testing"

	"github.com/minihub/minihub/connectors"
)

func TestKeyForms(t *testing.T) {
	type learned struct{ key, store, own string }
	tests := []struct {
		template     string
		learned      []learned
		ours, theirs []string
	}{
		{"{store.code}-{order_no}", []learned{{"shop-a-1", "shop-a", "1"}}, []string{"shop-a-2", "shop-a-2-g1"}, []string{"shop-b-2", "shop-2", "2", "xshop-a-2"}},
		{"{store.code}-{order_no}", []learned{{"A-1", "", "1"}, {"B-1", "shop-b", "1"}}, []string{"A-2", "B-77"}, []string{"C-2", "shop-b-2"}},
		{"{upper(order.store.code)}_{order_no}", []learned{{"A_1", "a", "x"}}, []string{"A_9"}, []string{"a_9", "B_9"}},
		// The source names no store: the document's own key tells where the store ends.
		{"{store.code}-{order_no}", []learned{{"shop-a-77-1", "", "77-1"}}, []string{"shop-a-2"}, []string{"shop-2", "shop-b-2"}},
		{"{store.code}-R{refund_no}", []learned{{"shop-R-R77", "", "77"}}, []string{"shop-R-R8"}, []string{"shop-R8", "shop-8"}},
		{"{store.code}-{order_no}", []learned{{"shop-a-77", "", "other"}}, []string{"shop-2"}, []string{"2"}},
		{"WX-{order_no}", nil, []string{"WX-1"}, []string{"wx-1", "1", "WX-"}},
		{"{order_no}/{store.code}", []learned{{"1/a", "a", "1"}}, []string{"2/a"}, []string{"2/b"}},
		{"{{x}}{order_no}", nil, []string{"{x}1"}, []string{"x1"}},
		{"{store.code}-{order_no}", nil, nil, []string{"A-1"}},
	}
	for _, tt := range tests {
		f := newKeyForm(tt.template, &connectors.Operation{})
		if f == nil {
			t.Errorf("%s: no form", tt.template)
			continue
		}
		for _, l := range tt.learned {
			f.learn(l.key, documentOf("shop", l.store, l.own))
		}
		for _, k := range tt.ours {
			if _, ok := f.ours(k); !ok {
				t.Errorf("%s: %q is not recognised", tt.template, k)
			}
		}
		for _, k := range tt.theirs {
			if _, ok := f.ours(k); ok {
				t.Errorf("%s: %q is taken for ours", tt.template, k)
			}
		}
	}
	for _, template := range []string{"{order_no}", "{order_no}-{version}", "{order_no"} {
		if newKeyForm(template, &connectors.Operation{}) != nil {
			t.Errorf("%s: keys of this form cannot be told from others", template)
		}
	}
}

func documentOf(connection, store, key string) *document {
	return &document{src: &source{place: Place{Connection: connection}}, key: key, facts: facts{store: store}}
}

func TestTheStoreOfAKey(t *testing.T) {
	f := newKeyForm("{store.code}-{order_no}", &connectors.Operation{})
	f.learn("shop-1", documentOf("first", "", "1"))
	f.learn("shop-a-1", documentOf("second", "", "1"))
	f.learn("shop-b-1", documentOf("third", "shop-b", "1"))
	for key, want := range map[string]string{"shop-a-7": "second", "shop-7": "first", "shop-b-7": "shop-b"} {
		if store, ok := f.ours(key); !ok || store != want {
			t.Errorf("%s is of %q, want %q", key, store, want)
		}
	}
}

func TestTheGenerationOfAKey(t *testing.T) {
	op := &connectors.Operation{Key: connectors.KeyRule{GenSep: "R"}}
	for _, tt := range []struct {
		key, base string
		ok        bool
	}{{"A1R2", "A1", true}, {"A1R", "A1R", false}, {"A1", "A1", false}, {"R2", "R2", false}, {"A1Rx", "A1Rx", false}} {
		if b, ok := base(tt.key, genSep(op)); b != tt.base || ok != tt.ok {
			t.Errorf("base(%q) = %q, %t", tt.key, b, ok)
		}
	}
	if k := keyOf(op, "A1", 2); k != "A1R2" {
		t.Error(k)
	}
	if k := keyOf(&connectors.Operation{}, "A1", 1); k != "A1-g1" {
		t.Error(k)
	}
}

func TestMoney(t *testing.T) {
	for want, got := range map[string]string{"0.05 CNY": money(5, "CNY"), "-0.05 CNY": money(-5, "CNY"), "1234.50 CNY": money(123450, "CNY"),
		"12 JPY": money(12, "JPY"), "0.012 KWD": money(12, "KWD"), "0.00": money(0, "")} {
		if want != got {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
