package text

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

	NoStore       ID = "map.stored.none"
	BadAge        ID = "map.diff.age"
	NoFlowUses    ID = "map.diff.unused"
	NoBase        ID = "map.diff.no_base"
	FromCommit    ID = "map.diff.commit"
	FromRevision  ID = "map.diff.revision"
	BaseMisfit    ID = "map.diff.misfit"
	FromShipped   ID = "map.diff.shipped"
	DiffProgress  ID = "map.diff.progress"
	DiffHead      ID = "map.diff.head"
	DiffDeployed  ID = "map.diff.deployed"
	DiffNotKept   ID = "map.diff.not_kept"
	DiffUnknown   ID = "map.diff.unknown"
	DiffSampled   ID = "map.diff.sampled"
	DiffGone      ID = "map.diff.gone"
	DiffTorn      ID = "map.diff.torn"
	DiffWouldFail ID = "map.diff.would_fail"
	DiffEnd       ID = "map.diff.end"

	NoMessage       ID = "record.no_message"
	NoDelivery      ID = "record.no_delivery"
	RecordExists    ID = "record.exists"
	RecordWritten   ID = "record.written"
	RecordSame      ID = "record.same"
	NotRecorded     ID = "record.refused"
	RecordGone      ID = "record.gone"
	RecordTorn      ID = "record.torn"
	RecordOther     ID = "record.other"
	RecordNothing   ID = "record.nothing"
	RecordMended    ID = "record.mended"
	RecordChanged   ID = "record.changed"
	RecordCanonical ID = "record.canonical"
	RecordNoSchema  ID = "record.no_schema"
	RecordOtherwise ID = "record.otherwise"
	RecordUnproven  ID = "record.unproven"
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

	NoStore:       {"the hub of %s has stored nothing yet (run `minihub serve` first)", "%s 还没有存储任何内容 (先运行 `minihub serve`)"},
	BadAge:        {"%q is not a time to look back (write 30d, 2w or 12h; --sample takes a positive number)", "%q 不是有效的回溯时间 (例如 30d, 2w, 12h; --sample 为正整数)"},
	NoFlowUses:    {"no flow uses the mapping %s (say which one the file replaces with --as; flows use: %s)", "没有流程使用映射 %s (用 --as 指明该文件替换哪个映射; 流程使用: %s)"},
	NoBase:        {"there is no other version of %s to compare with (commit the deployed one, or name its file with --base)", "没有 %s 的其他版本可比较 (请提交已部署的版本, 或用 --base 指定文件)"},
	FromCommit:    {"commit %s", "提交 %s"},
	FromShipped:   {"shipped with minihub", "minihub 内置"},
	FromRevision:  {"revision %d, in force", "现行修订 %d"},
	BaseMisfit:    {"the mapping of revision %d, in force, does not compile here: %s (name another version with --base)", "现行修订 %d 的映射在此无法编译: %s (用 --base 指定其他版本)"},
	DiffProgress:  {"%d of %d messages passed, %d %%, %d a second, %s", "已处理 %d/%d 条消息, %d %%, 每秒 %d 条, %s"},
	DiffHead:      {"%s (version %s) compared with version %s (%s)", "%s (版本 %s) 与版本 %s (%s) 比较"},
	DiffDeployed:  {"That is the version that is deployed.", "这就是已部署的版本。"},
	DiffNotKept:   {"The newest delivery used version %s, whose text is kept nowhere; --base names its file.", "最近的投递使用版本 %s, 但其内容未保留; 可用 --base 指定文件。"},
	DiffUnknown:   {"No delivery says which version is deployed.", "没有投递记录说明部署的是哪个版本。"},
	DiffSampled:   {"A sample: one message in %d.", "抽样: 每 %d 条取一条。"},
	DiffGone:      {"Left out, for retention has dropped their documents: %d", "因保留期已过、原文已删除而略过: %d 条"},
	DiffTorn:      {"Left out, for they cannot be read or have no canonical document: %d", "因无法读取或没有规范文档而略过: %d 条"},
	DiffWouldFail: {"Errors that messages had not before:", "新出现的错误:"},
	DiffEnd:       {"messages compared: %d; same: %d, changed: %d, would fail: %d, mended: %d, fail otherwise than before: %d", "比较消息 %d 条; 相同 %d, 变化 %d, 将失败 %d, 已修复 %d, 失败原因改变 %d"},
	WorkshopAt:    {"mapping workshop: %s (only this machine reaches it; stop it with Ctrl-C)", "映射工作台: %s (仅本机可访问; 按 Ctrl-C 停止)"},

	NoMessage:       {"there is no message %d", "没有消息 %d"},
	NoDelivery:      {"%s has no delivery %d (it has: %s)", "%s 没有投递 %d (有: %s)"},
	RecordExists:    {"%s is there already (name another file with -o)", "%s 已存在 (用 -o 指定其他文件)"},
	RecordWritten:   {"wrote %s, a case of %s; values masked: %d (read it before you share it)", "已写入 %s (映射 %s 的用例); 已遮盖 %d 个值 (分享前请先阅读)"},
	RecordSame:      {"Masked, it fails the same way:", "遮盖后以相同方式失败:"},
	NotRecorded:     {"nothing was written: %s", "未写入: %s"},
	RecordGone:      {"the document of message %d was dropped by retention", "消息 %d 的原文已因保留期删除"},
	RecordTorn:      {"message %d cannot be read, so no mapping has seen it: %s", "消息 %d 无法读取, 未经过映射: %s"},
	RecordOther:     {"%s did not fail in a mapping but with %s", "%s 不是在映射中失败, 而是 %s"},
	RecordNothing:   {"%s has not failed in a mapping; its deliveries: %s", "%s 没有在映射中失败; 投递: %s"},
	RecordMended:    {"%s failed with %s, and today's mapping maps it: replay it", "%s 曾以 %s 失败, 现在的映射可以处理: 请重放"},
	RecordChanged:   {"%s failed with %s, and with today's mapping it fails otherwise: %s", "%s 曾以 %s 失败, 现在的映射以不同方式失败: %s"},
	RecordCanonical: {"%s: with today's mappings there is no canonical document any more: %s", "%s: 现在的映射无法得到规范文档: %s"},
	RecordNoSchema:  {"%s has a document without a schema, so nobody knows which of its values are personal (give the stream a schema with x-pii)", "%s 的文档没有结构, 无法判断哪些是个人信息 (请为数据流提供带 x-pii 的结构)"},
	RecordOtherwise: {"%s fails because of what masking hides. Real: %s. Masked: %s. No value was unmasked: write the case by hand with invented values", "%s 的失败与被遮盖的内容有关。原文: %s。遮盖后: %s。未揭示任何值: 请用虚构的值手写用例"},
	RecordUnproven:  {"%s fails, and as a case it does not: %s", "%s 会失败, 但作为用例不会: %s"},
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

	"map diff":           "查看修改后的映射会使已存消息发生哪些变化",
	"map diff --against": "回溯多久: 30d, 12h, 2w",
	"map diff --base":    "用来比较的版本",
	"map diff --as":      "该文件替换的映射, 例如 acme/in/order.yaml",
	"map diff --sample":  "只取大约这么多条消息, 均匀抽取",

	"record":            "把在映射中失败的消息变成遮盖了个人信息的用例文件",
	"record --output":   "写入的文件; - 为标准输出 (默认: 映射的用例旁边)",
	"record --delivery": "有多个投递失败时, 指定其中一个",

	"change changed": "变化", "change missing": "消失", "change extra": "新增", "change length": "项数",
	"column CHANGE": "变化", "column MESSAGES": "消息数", "column BEFORE": "之前", "column AFTER": "之后",
	"case passed": "通过", "case unchanged": "未变",
	"column WANT": "期望", "column GOT": "实际",
}
