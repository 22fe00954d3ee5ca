package oddshop

import (
	"errors"
	"strings"
	"testing"
)

// book is a mirror that writes down what it is told, and refuses from the n-th statement on.
type book struct {
	said  []string
	limit int
}

func (b *book) Exec(query string, args ...any) error {
	if b.limit > 0 && len(b.said) == b.limit {
		return errors.New("the server has gone away")
	}
	if n := strings.Count(query, "?"); n != len(args) {
		return errors.New("placeholders and arguments differ: " + query)
	}
	b.said = append(b.said, query)
	return nil
}

func TestTheMirrorFollowsEveryAct(t *testing.T) {
	c := open(t, Options{})
	c.sell(2)
	b := &book{}
	if err := c.sim.SetMirror(b, "odd_"); err != nil {
		t.Fatal(err)
	}
	inserted := func() (n int) {
		for _, q := range b.said {
			if strings.HasPrefix(q, "INSERT INTO `odd_order` ") {
				n++
			}
		}
		return n
	}
	if inserted() != 2 {
		t.Errorf("%d orders were copied, want the 2 that were there", inserted())
	}
	o := c.do(Act{Do: Sell})
	if inserted() != 3 {
		t.Errorf("%d orders, want the new one too", inserted())
	}
	for _, do := range []string{EditPrice, Pay, Ship} {
		b.said = nil
		c.do(Act{Do: do, OID: o.ID})
		n := len(b.said)
		if b.said[0] != "START TRANSACTION" || b.said[n-1] != "COMMIT" || !strings.HasPrefix(b.said[n-2], "UPDATE `odd_order` SET") {
			t.Errorf("%s: %v", do, b.said)
		}
	}
	b.said = nil
	c.do(Act{Do: Delete, OID: o.ID})
	if len(b.said) != 4 || !strings.HasPrefix(b.said[2], "DELETE FROM `odd_order` ") {
		t.Errorf("delete: %v", b.said)
	}
}

func TestAMirrorThatFailsIsTold(t *testing.T) {
	for limit := 1; limit <= len(Schema(""))+len(Regions()); limit += 6 {
		if err := New(Options{}).SetMirror(&book{limit: limit}, ""); err == nil {
			t.Errorf("the statement %d failed and nobody said so", limit)
		}
	}
	c := open(t, Options{})
	b := &book{}
	if err := c.sim.SetMirror(b, ""); err != nil {
		t.Fatal(err)
	}
	b.limit = len(b.said)
	if _, err := c.sim.Do(Act{Do: Sell}); err == nil || !strings.Contains(err.Error(), "gone away") {
		t.Errorf("a sale that the tables did not take: %v", err)
	}
}
