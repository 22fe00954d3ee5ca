package tryton

import (
	"context"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors"
)

// keep is how long a resolved code is believed.
const keep = 10 * time.Minute

// codes remembers which id a code has. Only hits are kept: what is missing today may
// be there in a minute.
type codes struct {
	now func() time.Time
	mu  sync.Mutex
	m   map[string]kept
}

type kept struct {
	value any
	until time.Time
}

func newCodes(now func() time.Time) *codes { return &codes{now: now, m: map[string]kept{}} }

func (c *codes) get(key string) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.m[key]
	if !ok || !c.now().Before(k.until) {
		delete(c.m, key)
		return nil, false
	}
	return k.value, true
}

func (c *codes) put(key string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m[key] = kept{value, c.now().Add(keep)}
}

// forget drops everything: the server refused a document, perhaps for an id of ours
// that is no longer right.
func (c *codes) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.m)
}

// cached returns what key was resolved to, or asks.
func cached[T any](c *codes, key string, ask func() (T, *connectors.Error)) (T, *connectors.Error) {
	if v, ok := c.get(key); ok {
		return v.(T), nil
	}
	v, err := ask()
	if err == nil {
		c.put(key, v)
	}
	return v, err
}

// product is what a sale line needs of a product.
type product struct {
	ID   id     `json:"id"`
	Code string `json:"code"`
	Unit id     `json:"sale_uom"`
}

// products resolves the codes of all lines with one call for those not known.
func (r *run) products(ctx context.Context, want []string) (map[string]product, *connectors.Error) {
	found := map[string]product{}
	var ask []string
	for _, code := range want {
		if v, ok := r.codes.get("product " + code); ok {
			found[code] = v.(product)
		} else if code != "" {
			ask = append(ask, code)
		}
	}
	if len(ask) == 0 {
		return found, nil
	}
	var rows []product
	err := r.call(ctx, &rows, "model.product.product.search_read", domain(is("code", "in", names(ask...))), 0, nil, nil, names("code", "sale_uom"))
	if err != nil {
		return nil, err
	}
	for _, p := range rows {
		if _, twice := found[p.Code]; twice {
			return nil, refuse("product", "Tryton has several products with the code %q", p.Code)
		}
		found[p.Code] = p
	}
	for _, code := range ask {
		p, ok := found[code]
		if !ok {
			e := refuse("product", "Tryton has no active product with the code %q", code)
			e.Hint = "create the product, or mend the mapping of its code, and replay"
			return nil, e
		}
		r.codes.put("product "+code, p)
	}
	return found, nil
}

// tax resolves a tax by its name or its description.
func (r *run) tax(ctx context.Context, name string) (id, *connectors.Error) {
	return cached(r.codes, "tax "+name, func() (id, *connectors.Error) {
		return r.one(ctx, "tax", name, "model.account.tax.search",
			domain([]any{"OR", is("name", "=", name), is("description", "=", name)}, is("company", "=", int64(r.who().company))))
	})
}

func (r *run) paymentTerm(ctx context.Context, name string) (id, *connectors.Error) {
	return cached(r.codes, "payment_term "+name, func() (id, *connectors.Error) {
		return r.one(ctx, "payment_term", name, "model.account.invoice.payment_term.search", domain(is("name", "=", name)))
	})
}

func (r *run) currency(ctx context.Context, code string) (id, *connectors.Error) {
	return cached(r.codes, "currency "+code, func() (id, *connectors.Error) {
		return r.one(ctx, "currency", code, "model.currency.currency.search", domain(is("code", "=", code)))
	})
}

func (r *run) country(ctx context.Context, code string) (id, *connectors.Error) {
	return cached(r.codes, "country "+code, func() (id, *connectors.Error) {
		return r.one(ctx, "country", code, "model.country.country.search", domain(is("code", "=", code)))
	})
}

func (r *run) warehouse(ctx context.Context, name string) (id, *connectors.Error) {
	return cached(r.codes, "warehouse "+name, func() (id, *connectors.Error) {
		return r.one(ctx, "warehouse", name, "model.stock.location.search",
			domain(is("type", "=", "warehouse"), []any{"OR", is("code", "=", name), is("name", "=", name)}))
	})
}

// party finds a party by its code; 0 when there is none.
func (r *run) party(ctx context.Context, code string) (id, *connectors.Error) {
	if v, ok := r.codes.get("party " + code); ok {
		return v.(id), nil
	}
	var found []id
	if err := r.call(ctx, &found, "model.party.party.search", domain(is("code", "=", code)), 0, 1, nil); err != nil || len(found) == 0 {
		return 0, err
	}
	r.codes.put("party "+code, found[0])
	return found[0], nil
}

// one finds the only record of a name; none and several refuse the document.
func (r *run) one(ctx context.Context, what, name, method string, where []any) (id, *connectors.Error) {
	var found []id
	if err := r.call(ctx, &found, method, where, 0, 2, nil); err != nil {
		return 0, err
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		e := refuse(what, "Tryton has no %s %q", what, name)
		e.Hint = "create it, or mend the mapping, and replay"
		return 0, e
	}
	return 0, refuse(what, "Tryton has several of %s %q; give one of them another name", what, name)
}
