package oddshop

import (
	"fmt"
	"time"
)

// article is what the shop sells. All of it is invented.
type article struct {
	sku, title string
	price      int64
}

var articles = []article{
	{"ODD-TEA-01", "高山绿茶", 9990},
	{"ODD-TEA-02", "桂花乌龙", 12850},
	{"ODD-CUP-01", "手作茶杯", 4500},
	{"ODD-CUP-02", "双层玻璃杯", 3910},
	{"ODD-BAG-01", "帆布袋", 2005},
	{"ODD-GFT-01", "礼盒 A/B", 29900},
}

var (
	nicks    = []string{"小明", "Ann", "橘子汽水", "风行者_99", "喵🐱", "L'été", "一二三四五六七八九十"}
	people   = []string{"王晓", "李想", "欧阳若水", "陈一", "Zoë Lin", "张三丰", "赵", "古丽娜尔"}
	streets  = []string{"和平路", "长江大街", "花园北路", "学院路"}
	freights = []int64{0, 600, 1000, 1250}
	remarks  = []string{"", "", "", "请尽快发货", "放门口\n谢谢", `要"礼盒"包装`}
)

// firstID is beyond 2^53 and odd: read as a float it becomes another order's.
const firstID = 9007199254740993

func (s *Sim) next(n *int64) int64 {
	*n++
	return *n
}

func (s *Sim) number(placed time.Time) string {
	return fmt.Sprintf("OD%s%06d", placed.In(Zone).Format("060102"), s.next(&s.numbers))
}

// invent makes a new order; everything comes from the seed.
func (s *Sim) invent() *Order {
	now := s.clock()
	at := places()[s.rng.IntN(len(places()))]
	uid := 5000 + s.rng.Int64N(400)
	o := &Order{
		ID: firstID + s.next(&s.ids) - 1, Number: s.number(now), PlacedAt: now,
		Buyer: Member{ID: uid, Nick: nicks[int(uid)%len(nicks)]},
		Receiver: Receiver{
			Name: people[s.rng.IntN(len(people))], Phone: fmt.Sprintf("1990000%04d", uid%10000),
			Province: at[0], City: at[1], District: at[2],
			Address: fmt.Sprintf("%s%d号", streets[s.rng.IntN(len(streets))], 1+s.rng.IntN(200)),
		},
		Freight: freights[s.rng.IntN(len(freights))],
		Note:    remarks[s.rng.IntN(len(remarks))],
	}
	first := s.rng.IntN(len(articles))
	for i := range 1 + s.rng.IntN(3) {
		a := articles[(first+i)%len(articles)]
		o.Lines = append(o.Lines, Line{ID: s.next(&s.lines), SKU: a.sku, Title: a.title, Price: a.price, Qty: 1 + s.rng.Int64N(3)})
	}
	o.add()
	return o
}
