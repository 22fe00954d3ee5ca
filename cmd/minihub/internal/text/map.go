package text

import "maps"

// The texts of `map` and `record`.
const (
	NoSuchFile ID = "map.no_file"
	TypeSample ID = "map.type_sample"

	NoMemory      ID = "map.test.no_memory"
	CaseUpdated   ID = "map.test.updated_one"
	CasesUpdated  ID = "map.test.updated"
	CaseState     ID = "map.test.state"
	CaseFailed    ID = "map.test.failed"
	CaseInput     ID = "map.test.input"
	NotThere      ID = "map.test.not_there"
	Items         ID = "map.test.items"
	WantErrors    ID = "map.test.want_errors"
	GotErrors     ID = "map.test.got_errors"
	NoErrors      ID = "map.test.no_errors"
	Uncovered     ID = "map.test.uncovered"
	UncoveredAll  ID = "map.test.uncovered_all"
	UncoveredSome ID = "map.test.uncovered_some"
	SuiteEnd      ID = "map.test.end"

	LoopbackOnly ID = "map.serve.loopback"
	WorkshopAt   ID = "map.serve.at"
)

var mapMessages = map[ID]pair{
	NoSuchFile: {"there is no file %s", "没有文件 %s"},
	TypeSample: {"type or paste a JSON document, then Ctrl-D", "请输入或粘贴一个 JSON 文档, 以 Ctrl-D 结束"},

	NoMemory:      {"what was green cannot be remembered: %s (name a file that can be written with --cache)", "无法记住已通过的用例: %s (用 --cache 指定可写的文件)"},
	CaseUpdated:   {"updated %s", "已更新 %s"},
	CasesUpdated:  {"updated: %d (read the changes before you commit them)", "已更新 %d 个 (提交前请阅读改动)"},
	CaseState:     {"%s  %s", "%s  %s"},
	CaseFailed:    {"FAILED %s (%s)", "未通过 %s (%s)"},
	CaseInput:     {"  the case's own document does not fit its schema: %s", "  用例自身的文档不符合结构: %s"},
	NotThere:      {"(not there)", "(没有)"},
	Items:         {"%s items", "%s 项"},
	WantErrors:    {"  wanted errors:", "  期望的错误:"},
	GotErrors:     {"  got errors:", "  实际的错误:"},
	NoErrors:      {"(none)", "(无)"},
	Uncovered:     {"Target fields that no case brings forth:", "没有用例覆盖的目标字段:"},
	UncoveredAll:  {"  %s has no case (fields: %d)", "  %s 没有用例 (字段 %d 个)"},
	UncoveredSome: {"  %s %d of %d: %s", "  %s %d/%d: %s"},
	SuiteEnd:      {"cases run: %d, failed: %d, unchanged and left out: %d; mappings: %d, target fields without a case: %d", "运行用例 %d 个, 未通过 %d 个, 未变而略过 %d 个; 映射 %d 个, 未覆盖的目标字段 %d 个"},

	LoopbackOnly: {"%q is not an address of this machine alone (use 127.0.0.1:PORT or localhost:PORT)", "%q 不是仅限本机的地址 (请用 127.0.0.1:端口 或 localhost:端口)"},
	WorkshopAt:   {"mapping workshop: %s (only this machine reaches it; stop it with Ctrl-C)", "映射工作台: %s (仅本机可访问; 按 Ctrl-C 停止)"},
}

var mapHelp = map[string]string{
	"map":                "测试、试用和比较映射",
	"map test":           "运行映射旁边的用例",
	"map test --changed": "只运行上次通过之后有改动的",
	"map test --update":  "把映射的结果写入用例文件",
	"map test --cache":   "记住已通过用例的文件",
	"map try":            "映射一个样例, 显示结果, 或在出错位置显示错误",
	"map try --file":     "映射文件",
	"map try --context":  "JSON 文件: key, store, source, links, lookups",
	"map serve":          "打开网页: 样例、映射、结果并列显示",
	"map serve --listen": "本机地址; 端口 0 表示任选空闲端口",
	"map serve --file":   "打开时显示的映射",

	"case passed": "通过", "case unchanged": "未变",
	"column WANT": "期望", "column GOT": "实际",
}

func init() {
	maps.Copy(messages, mapMessages)
	maps.Copy(help, mapHelp)
}
