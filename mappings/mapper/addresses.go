package mapper

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// provinces maps the short name of a Chinese province-level region to its
// full one.
var provinces = map[string]string{
	"北京": "北京市", "天津": "天津市", "上海": "上海市", "重庆": "重庆市",
	"河北": "河北省", "山西": "山西省", "辽宁": "辽宁省", "吉林": "吉林省", "黑龙江": "黑龙江省",
	"江苏": "江苏省", "浙江": "浙江省", "安徽": "安徽省", "福建": "福建省", "江西": "江西省", "山东": "山东省",
	"河南": "河南省", "湖北": "湖北省", "湖南": "湖南省", "广东": "广东省", "海南": "海南省",
	"四川": "四川省", "贵州": "贵州省", "云南": "云南省", "陕西": "陕西省", "甘肃": "甘肃省", "青海": "青海省", "台湾": "台湾省",
	"内蒙古": "内蒙古自治区", "广西": "广西壮族自治区", "西藏": "西藏自治区", "宁夏": "宁夏回族自治区", "新疆": "新疆维吾尔自治区",
	"香港": "香港特别行政区", "澳门": "澳门特别行政区",
}

// isMunicipality says whether a province-level name is a city of its own.
func isMunicipality(name string) bool {
	switch strings.TrimSuffix(name, "市") {
	case "北京", "天津", "上海", "重庆":
		return true
	}
	return false
}

// isFiller says whether a city or district name only fills a level of the
// official tables and is never written on a parcel.
func isFiller(name string) bool {
	switch name {
	case "", "市辖区", "县", "直辖县级", "省直辖县级行政区划", "省直辖县级行政单位", "自治区直辖县级行政区划":
		return true
	}
	return false
}

// regionNames are the names of province, city and district that an address
// shows: fillers and a municipality said twice are left out.
func regionNames(parts []string) []string {
	var names []string
	for _, p := range parts {
		p = cleanText(p)
		same := func(q string) bool { return strings.TrimSuffix(q, "市") == strings.TrimSuffix(p, "市") }
		if isFiller(p) || len(names) > 0 && same(names[len(names)-1]) {
			continue
		}
		names = append(names, p)
	}
	return names
}

// withoutRegion removes region names that a detail repeats at its start. A
// form of a name other than the given one (北京 for 北京市) goes only in front
// of another region name, since it may begin a street (上海路).
func withoutRegion(detail string, names []string) string {
	rest := cleanText(detail)
	for _, n := range names {
		bare := strings.TrimSuffix(strings.TrimSuffix(n, "省"), "市")
		for _, form := range []string{bare + "省", bare + "市", n, bare} {
			after, found := strings.CutPrefix(rest, form)
			after = strings.TrimSpace(after)
			if !found || after == "" || strings.HasSuffix(form, "市") && startsWithAny(after, []string{"场", "政"}) {
				continue
			}
			if form == n || startsWithAny(after, names) {
				rest = after
				break
			}
		}
	}
	return rest
}

func startsWithAny(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

func optTexts(args []any) ([]string, error) {
	out := make([]string, len(args))
	for i, v := range args {
		if v == nil {
			continue
		}
		s, err := textArg(v)
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

func addressFunctions() []*Function {
	return group("Chinese addresses",
		&Function{Name: "address", Params: params(arg("province"), arg("city"), arg("district"), arg("detail")), Result: "text", nulls: true, variadic: true,
			Text: "One line of province, city, district, ..., detail (the last argument), without saying a municipality twice, without fillers such as 市辖区, and without the names the detail repeats.",
			call: func(_ *frame, args []any) (any, error) {
				t, err := optTexts(args)
				if err != nil {
					return nil, err
				}
				names := regionNames(t[:len(t)-1])
				return strings.Join(names, "") + withoutRegion(t[len(t)-1], names), nil
			},
			Examples: examples(gives(`address("浙江省", "杭州市", "余杭区", "示例路1号")`, `"浙江省杭州市余杭区示例路1号"`), gives(`address("上海市", "上海市", "徐汇区", "示例路2号")`, `"上海市徐汇区示例路2号"`), gives(`address("北京", "市辖区", "东城区", "北京市东城区示例街3号")`, `"北京东城区示例街3号"`))},
		&Function{Name: "region", Params: params(arg("separator"), arg("province"), arg("city"), arg("district")), Result: "text", nulls: true,
			Text: "Province, city and district joined with a separator; the city of a municipality is kept, since region lists have it.",
			call: func(_ *frame, args []any) (any, error) {
				t, err := optTexts(args)
				if err != nil {
					return nil, err
				}
				parts := []any{cleanText(t[1]), cityOf(t[1], t[2])}
				if d := cleanText(t[3]); !isFiller(d) {
					parts = append(parts, d)
				}
				return joinList(nil, []any{parts, t[0]})
			},
			Examples: examples(gives(`region(" ", "浙江省", "杭州市", "余杭区")`, `"浙江省 杭州市 余杭区"`), gives(`region(" ", "上海市", "市辖区", "徐汇区")`, `"上海市 上海市 徐汇区"`))},
		&Function{Name: "city", Params: params(arg("province"), arg("city")), Result: "text", nulls: true,
			Text: "The city, where a municipality has 市辖区 or nothing: the municipality itself.",
			call: func(_ *frame, args []any) (any, error) {
				t, err := optTexts(args)
				if err != nil {
					return nil, err
				}
				if c := cityOf(t[0], t[1]); c != "" {
					return c, nil
				}
				return nil, nil
			},
			Examples: examples(gives(`city("上海市", "市辖区")`, `"上海市"`), gives(`city("浙江省", "杭州市")`, `"杭州市"`))},
		&Function{Name: "detail", Params: params(arg("detail"), arg("province"), arg("city"), arg("district")), Result: "text",
			Text: "The street part without the region names it repeats at its start, for targets that want the detail only.",
			call: func(_ *frame, args []any) (any, error) {
				t, err := optTexts(args)
				if err != nil {
					return nil, err
				}
				return withoutRegion(t[0], regionNames(t[1:])), nil
			},
			Examples: examples(gives(`detail("浙江省杭州市余杭区示例路1号", "浙江省", "杭州市", "余杭区")`, `"示例路1号"`), gives(`detail("上海路5号", "上海市", "上海市", "黄浦区")`, `"上海路5号"`), gives(`detail("北京市场路5号", "北京市", "", "东城区")`, `"北京市场路5号"`))},
		&Function{Name: "split_address", Params: params(arg("text")), Result: "object",
			Text: "Splits one line into province, city, district and detail by their endings. It fails where it finds no province or city; what it answers is a reading, not a check.",
			call: func(_ *frame, args []any) (any, error) {
				s, err := textArg(args[0])
				if err != nil {
					return nil, err
				}
				return splitAddress(s)
			},
			Examples: examples(gives(`split_address("浙江省杭州市余杭区仓前街道示例路1号")`, `{"city":"杭州市","detail":"仓前街道示例路1号","district":"余杭区","province":"浙江省"}`), gives(`split_address("上海市徐汇区示例路2号")`, `{"city":"上海市","detail":"示例路2号","district":"徐汇区","province":"上海市"}`), gives(`split_address("广东 东莞市 南城街道示例小区")`, `{"city":"东莞市","detail":"南城街道示例小区","district":"","province":"广东省"}`), fails(`split_address("示例路1号")`, CodeValue))},
	)
}

func cityOf(province, city string) string {
	city = cleanText(city)
	if isFiller(city) && isMunicipality(cleanText(province)) {
		return cleanText(province)
	}
	if isFiller(city) {
		return ""
	}
	return city
}

func splitAddress(s string) (any, error) {
	rest := cleanText(s)
	province := ""
	for short := range provinces {
		if strings.HasPrefix(rest, short) {
			province = short // no short name starts another
		}
	}
	if province == "" {
		return nil, wrong("send the fields as the store gave them", "the address does not start with a province")
	}
	full := provinces[province]
	rest = trimStart(rest, full, province+"省", province)
	city := ""
	if isMunicipality(full) {
		city = full
		rest = trimStart(rest, full, "市辖区", "县")
	} else if strings.HasSuffix(full, "特别行政区") || full == "台湾省" {
		return addressParts(full, "", "", rest), nil
	} else if city, rest = cutName(rest, "市", "自治州", "地区", "盟"); city == "" {
		return nil, wrong("send the fields as the store gave them", "no city is found after the province")
	}
	district := ""
	switch city {
	case "东莞市", "中山市", "儋州市", "嘉峪关市": // cities without districts
	default:
		district, rest = cutName(rest, "区", "县", "市", "旗")
	}
	return addressParts(full, city, district, rest), nil
}

func addressParts(province, city, district, detail string) map[string]any {
	return map[string]any{"province": province, "city": city, "district": district, "detail": detail}
}

func trimStart(s string, prefixes ...string) string {
	for _, p := range prefixes {
		if after, found := strings.CutPrefix(s, p); found {
			return strings.TrimSpace(after)
		}
	}
	return s
}

// cutName cuts the shortest name with one of the endings, of 2 to 15
// characters; an ending followed by 区 or 县 goes on (新市区, 红旗区).
func cutName(s string, endings ...string) (name, rest string) {
	count := 0
	for i, r := range s {
		if count++; count > 15 || r == ' ' {
			return "", s
		}
		end := i + utf8.RuneLen(r)
		if count < 2 || !slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(s[:end], e) }) {
			continue
		}
		if after := s[end:]; strings.HasPrefix(after, "区") || strings.HasPrefix(after, "县") {
			continue
		}
		return s[:end], strings.TrimSpace(s[end:])
	}
	return "", s
}
