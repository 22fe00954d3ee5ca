package demo

import (
	"maps"
	"slices"
	"strings"
)

// words are the demo's texts in one language.
type words struct {
	begin, page, progress, parked, mending, header, excluded, left, summary, good, bad, up string
}

func wordsOf(language string) words {
	if strings.HasPrefix(strings.ToLower(language), "zh") {
		return words{
			begin:    "演示: 两家微信小店共 %d 个订单, 各 %d 名会员; 各家接口限流放大 %s 倍",
			page:     "状态页 %s",
			progress: "%5.1f 秒  已下单 %d  收到 %d 条  完成 %d  进行中 %d  等待 %d  需人工 %d",
			parked:   "%d 条停下, 原因如下:",
			mending:  "处理: 补一条对照表, 映射改为截断过长的姓名后重放, 店铺补全收件人姓名",
			header:   "目标\t应有\t实有\t缺失\t重复\t不符",
			excluded: "  无法修复而不计入: %s (%s)",
			left:     "仍有 %d 条停着:",
			summary:  "%d 个订单, %d 名会员, 用时 %.1f 秒; %d 条曾停下, 其中 %d 条处理后继续",
			good:     "全部一致: 每个目标里每张单据都恰好一份, 内容相同",
			bad:      "不一致: 见上",
			up:       "仍在运行, 状态页 %s ; 按 Ctrl-C 结束",
		}
	}
	return words{
		begin:    "demo: two shops sell %d orders and have %d members each; vendors' rate limits times %s",
		page:     "status page %s",
		progress: "%5.1f s  sold %d  received %d  finished %d  moving %d  blocked %d  parked %d",
		parked:   "%d rows have stopped:",
		mending:  "mending: a lookup entry is filled, a mapping learns to cut long names and is replayed, a shop adds a name",
		header:   "TARGET\tEXPECTED\tPRESENT\tMISSING\tDUPLICATE\tDIFFERENT",
		excluded: "  left out, nobody can mend it: %s (%s)",
		left:     "%d rows stand still:",
		summary:  "%d orders, %d members, %.1f s; %d rows had stopped, %d of them went on after the mending",
		good:     "equal: every target holds every document exactly once, with equal content",
		bad:      "not equal: see above",
		up:       "still running, status page %s ; Ctrl-C ends it",
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
