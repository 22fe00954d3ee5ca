package text

// The texts of the support desk's commands.
const (
	NoIncidents   ID = "incidents.none"
	IncidentHead  ID = "incidents.head"
	IncidentMeans ID = "incidents.means"
	IncidentDo    ID = "incidents.do"
	IncidentSince ID = "incidents.since"
	IncidentMore  ID = "incidents.more"
	IncidentMoney ID = "incidents.money"
	IncidentTotal ID = "incidents.total"
)

var deskMessages = map[ID]pair{
	NoIncidents:   {"no incident", "没有事件"},
	IncidentHead:  {"incident %d: %s", "事件 %d: %s"},
	IncidentMeans: {"means: %s", "含义: %s"},
	IncidentDo:    {"do:    %s", "处理: %s"},
	IncidentSince: {"since %s, %d now, %d failures", "自 %s 起, 现有 %d 条, 失败 %d 次"},
	IncidentMore:  {"there are more: --cursor %s", "还有更多: --cursor %s"},
	IncidentMoney: {"at stake: %s; of %d messages no amount is known", "涉及金额: %s; 另有 %d 条金额未知"},
	IncidentTotal: {"at stake in all open incidents, at most: %s", "全部未恢复事件涉及金额, 最多: %s"},
}

var deskHelp = map[string]string{
	"incidents":                   "查看按原因归并的故障",
	"incidents list":              "列出事件",
	"incidents list --state":      "open (进行中)、closed (已恢复) 或 all",
	"incidents list --connection": "只看此连接",
	"incidents list --code":       "只看此错误码",
	"incidents list --limit":      "最多列出多少个",
	"incidents list --cursor":     "接着上一页",
	"incidents show":              "显示一个事件: 含义、处理办法和其中的消息",
	"incidents show --limit":      "最多列出多少条消息",
	"incidents show --cursor":     "接着上一页",

	"column INCIDENT": "事件",
	"column NOW":      "现有",
	"column FAILURES": "失败次数",
	"column MEANS":    "含义",
}

var deskCodes = map[string]string{
	"api.cursor": "分页位置无效",
	"lookup.who": "必须说明是谁、为什么填写",
}

// Either returns the text in the language spoken, where both came from elsewhere.
func (t Texts) Either(en, zh string) string {
	if t.chinese {
		return zh
	}
	return en
}
