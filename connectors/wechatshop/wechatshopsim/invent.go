package wechatshopsim

import (
	"fmt"
	"math/rand"
	"strings"
)

var (
	surnames = []string{"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "欧阳", "上官", "司马", "诸葛"}
	given    = []string{"伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "洋", "艳", "勇", "杰", "涛", "明", "霞", "小雨", "子轩", "思远", "雅琴"}
	streets  = []string{"测试路", "样例街", "虚构大道", "发明巷", "示范路", "演示街"}
	towns    = [][4]string{
		{"上海市", "上海市", "徐汇区", "200030"}, {"北京市", "北京市", "朝阳区", "100020"}, {"广东省", "深圳市", "南山区", "518000"},
		{"广东省", "广州市", "天河区", "510630"}, {"浙江省", "杭州市", "西湖区", "310012"}, {"江苏省", "苏州市", "工业园区", "215021"},
		{"四川省", "成都市", "武侯区", "610041"}, {"湖北省", "武汉市", "洪山区", "430070"}, {"新疆维吾尔自治区", "乌鲁木齐市", "天山区", "830002"},
		{"广东省", "东莞市", "长安镇", "523850"}, {"海南省", "三亚市", "吉阳区", "572000"}, {"内蒙古自治区", "呼和浩特市", "赛罕区", "010020"},
	}
	remarks = []string{"", "", "", "请尽快发货", "放门口, 不要打电话", "周末送货\n谢谢", "需要\"礼盒\"包装 🎁", "<请核对尺码>"}
)

func inventAddress(r *rand.Rand) Address {
	town := towns[r.Intn(len(towns))]
	return Address{
		Name: surnames[r.Intn(len(surnames))] + given[r.Intn(len(given))], Phone: inventPhone(r),
		Province: town[0], City: town[1], County: town[2], Postcode: town[3],
		Detail: fmt.Sprintf("%s%d号%d幢%d室", streets[r.Intn(len(streets))], 1+r.Intn(300), 1+r.Intn(20), 101+r.Intn(1800)),
	}
}

func inventPhone(r *rand.Rand) string { return fmt.Sprintf("13800%06d", r.Intn(1000000)) }

// seed fills the world as it was before anybody looked: orders over the last six
// days in every state.
func (s *Sim) seed() {
	s.loadCatalog()
	now := s.now().Unix()
	for range s.opts.Members {
		m := s.join(Member{Grade: 1 + s.rng.Intn(4), Experience: int64(s.rng.Intn(5000))}, now-30*86400)
		m.Score = int64(s.rng.Intn(2000))
	}
	if s.opts.Orders == 0 {
		return
	}
	p := s.deal(s.opts.Seed, s.opts.Orders, PlanOptions{Versions: 3})
	span := int64(6 * 86400)
	for i, st := range p.steps {
		at := now - span + span*int64(i)/int64(len(p.steps))
		if err := st.run(at); err != nil {
			panic(fmt.Sprintf("wechatshopsim: the seeded world contradicts itself: %v", err))
		}
		if st.kind == "note" && i%3 == 0 {
			s.ageOrder(s.orders[st.order()], at)
		}
	}
}

// ageOrder ships a seeded order, and confirms every second of them.
func (s *Sim) ageOrder(o *order, at int64) {
	if o.status != StatusToShip || s.shipAll(o, "", "", at) != nil {
		return
	}
	if strings.HasSuffix(o.id, "1") || strings.HasSuffix(o.id, "3") || strings.HasSuffix(o.id, "5") {
		_ = s.confirm(o, at)
	}
}
