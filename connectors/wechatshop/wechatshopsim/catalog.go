package wechatshopsim

import (
	"hash/fnv"
	"strconv"
)

// Product is one product of the shop with its SKUs. Ids left empty are invented.
type Product struct {
	ID     string `json:"product_id"`
	Title  string `json:"title"`
	Status int    `json:"status"` // 5 listed, 11 delisted
	SKUs   []*SKU `json:"skus"`
}

// SKU is one article; Code is the merchant's own code, at most 20 bytes.
type SKU struct {
	ID        string `json:"sku_id"`
	Code      string `json:"sku_code"`
	Attrs     []Attr `json:"sku_attrs"`
	PriceFen  int64  `json:"sale_price"`
	MarketFen int64  `json:"market_price"`
	Stock     int64  `json:"stock_num"`

	product string
	flow    []stockMove
}

// Attr is one property of a SKU, such as colour.
type Attr struct {
	Key   string `json:"attr_key"`
	Value string `json:"attr_value"`
}

type stockMove struct {
	Amount, Before, After, At int64
	Op                        int // 1 sale, 2 return, 3 by API
	OrderID                   string
}

// DefaultCatalog is what a shop sells when nothing else is said.
func DefaultCatalog() []Product {
	one := func(title, code string, fen, market int64) Product {
		return Product{Title: title, Status: 5, SKUs: []*SKU{{Code: code, PriceFen: fen, MarketFen: market, Stock: 100000}}}
	}
	tee := func(colour, size, code string) *SKU {
		return &SKU{Code: code, PriceFen: 6900, MarketFen: 9900, Stock: 100000, Attrs: []Attr{{"颜色", colour}, {"尺码", size}}}
	}
	return []Product{
		one("龙井茶 100g", "SKU-TEA-100", 8850, 9900),
		one("马克杯", "SKU-MUG-01", 3900, 4900),
		one("帆布袋", "SKU-BAG-07", 2590, 2990),
		{Title: "发明牌纯棉T恤", Status: 5, SKUs: []*SKU{tee("红", "M", "TEE-RED-M"), tee("红", "L", "TEE-RED-L"), tee("蓝", "M", "TEE-BLU-M")}},
		one("手账本", "SKU-NOTE-A5", 1999, 1999),
		one("礼盒, 大号", "SKU-GIFT-XL", 19900, 23900),
	}
}

func (s *Sim) loadCatalog() {
	for i := range s.opts.Catalog {
		p := s.opts.Catalog[i]
		if p.ID == "" {
			p.ID = strconv.Itoa(10000000000001 + i)
		}
		skus := make([]*SKU, len(p.SKUs))
		for j, given := range p.SKUs {
			sku := *given
			if sku.ID == "" {
				sku.ID = strconv.Itoa(20000001 + i*100 + j)
			}
			sku.product = p.ID
			skus[j] = &sku
			s.skus[sku.ID] = &sku
		}
		p.SKUs = skus
		s.products = append(s.products, &p)
	}
}

func (s *Sim) skuByCode(code string) (*Product, *SKU) {
	for _, p := range s.products {
		for _, sku := range p.SKUs {
			if sku.Code == code {
				return p, sku
			}
		}
	}
	return nil, nil
}

func (s *Sim) product(id string) *Product {
	for _, p := range s.products {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// moveStock books a sale (negative) or a return of a line's SKU.
func (s *Sim) moveStock(l *orderLine, amount int64, orderID string, at int64) {
	sku := s.skus[l.skuID]
	if sku == nil {
		return
	}
	op := 1
	if amount > 0 {
		op = 2
	}
	sku.book(amount, op, orderID, at)
}

func (k *SKU) book(amount int64, op int, orderID string, at int64) {
	k.flow = append(k.flow, stockMove{amount, k.Stock, k.Stock + amount, at, op, orderID})
	k.Stock += amount
}

// Stock returns what the shop has of a SKU code; ok is false for one it does not sell.
func (s *Sim) Stock(code string) (n int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, sku := s.skuByCode(code)
	if sku == nil {
		return 0, false
	}
	return sku.Stock, true
}

// foreignID makes a stable number of at most 10 digits of a text.
func foreignID(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64() % 1e10
}
