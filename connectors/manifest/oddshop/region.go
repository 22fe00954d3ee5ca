package oddshop

// Region is one row of the region table. The country is the parent of the provinces.
type Region struct {
	ID     int    `json:"region_id"`
	Parent int    `json:"parent_id"`
	Name   string `json:"region_name"`
}

// Regions is the shop's whole region table: country, provinces, cities, districts. The ids are the
// shop's own and mean nothing elsewhere.
func Regions() []Region {
	return []Region{
		{1, 0, "中国"},
		{2, 1, "北京市"}, {3, 1, "上海市"}, {6, 1, "广东省"}, {11, 1, "浙江省"}, {24, 1, "新疆维吾尔自治区"},
		{52, 2, "北京市"}, {321, 3, "上海市"},
		{76, 6, "广州市"}, {77, 6, "深圳市"}, {383, 11, "杭州市"}, {388, 11, "宁波市"}, {401, 24, "乌鲁木齐市"},
		{500, 52, "东城区"}, {502, 52, "海淀区"}, {503, 52, "朝阳区"},
		{2703, 321, "长宁区"}, {2708, 321, "徐汇区"}, {2713, 321, "浦东新区"},
		{692, 76, "从化区"}, {693, 76, "天河区"}, {700, 76, "越秀区"},
		{707, 77, "福田区"}, {708, 77, "罗湖区"}, {710, 77, "南山区"},
		{3229, 383, "西湖区"}, {3230, 383, "上城区"}, {3260, 388, "江北区"}, {3263, 388, "鄞州区"},
		{3395, 401, "天山区"},
	}
}

func region(id int) (Region, bool) {
	for _, r := range Regions() {
		if r.ID == id {
			return r, true
		}
	}
	return Region{}, false
}

// places are the districts with their city and province.
func places() [][3]int {
	var out [][3]int
	for _, d := range Regions() {
		city, ok := region(d.Parent)
		if !ok || city.Parent <= 1 {
			continue
		}
		out = append(out, [3]int{city.Parent, city.ID, d.ID})
	}
	return out
}
