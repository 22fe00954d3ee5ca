package text

// The texts of `plan`, `apply` and `revisions`.
const (
	PlanHead      ID = "plan.head"
	PlanFirst     ID = "plan.first"
	PlanStored    ID = "plan.stored"
	PlanNothing   ID = "plan.nothing"
	PlanComments  ID = "plan.comments"
	PlanMore      ID = "plan.more"
	PlanRestart   ID = "plan.restart"
	PlanImpact    ID = "plan.impact"
	PlanFailing   ID = "plan.failing"
	PlanMended    ID = "plan.mended"
	PlanPartly    ID = "plan.partly"
	PlanNoImpact  ID = "plan.no_impact"
	PlanCanary    ID = "plan.canary"
	PlanApply     ID = "plan.apply"
	PlanServe     ID = "plan.serve"
	PlanNoLook    ID = "plan.no_look"
	ApplyWhat     ID = "apply.what"
	ApplyShare    ID = "apply.share"
	ApplyDone     ID = "apply.done"
	ApplyCanary   ID = "apply.canary"
	ApplyPromoted ID = "apply.promoted"
	ApplyBack     ID = "apply.back"
	ApplyRestored ID = "apply.restored"
	ApplyDiffers  ID = "apply.differs"
	NoRevisions   ID = "revisions.none"
	InForce       ID = "revisions.in_force"
	CanaryOf      ID = "revisions.canary"
	FailingNow    ID = "revisions.failing_now"
	FailingSince  ID = "revisions.failing"
	Restored      ID = "revisions.restores"
	Draining      ID = "revisions.draining"
)

var planMessages = map[ID]pair{
	PlanHead:      {"plan %s over revision %d, which runs", "计划 %s, 基于正在运行的版本 %d"},
	PlanFirst:     {"plan %s: nothing was applied here yet", "计划 %s: 此处尚未应用过任何版本"},
	PlanStored:    {"plan %s over revision %d, which was applied last; no hub runs", "计划 %s, 基于上次应用的版本 %d; 当前没有运行中的服务"},
	PlanNothing:   {"nothing would change: revision %d has these files", "没有变化: 版本 %d 就是这些文件"},
	PlanComments:  {"only comments or the order of keys differ", "只有注释或键的顺序不同"},
	PlanMore:      {"and %d more", "另有 %d 处"},
	PlanRestart:   {"takes effect at the next start only: %s", "下次启动时才生效: %s"},
	PlanImpact:    {"of %d stored messages looked at, %d would be mapped otherwise", "查看了 %d 条已存消息, 其中 %d 条的映射结果会不同"},
	PlanFailing:   {"%d of them could be mapped before and would fail", "其中 %d 条原来可以映射, 之后会失败"},
	PlanMended:    {"%d of them could not be mapped before and would be", "其中 %d 条原来无法映射, 之后可以"},
	PlanPartly:    {"there are more: the time for looking was up (`minihub map diff` looks at all)", "还有更多消息未查看: 时间已到 (用 `minihub map diff` 查看全部)"},
	PlanNoImpact:  {"no stored message says what the mappings would change", "没有已存消息可用来比较映射结果"},
	PlanNoLook:    {"the stored messages could not be looked at: %s", "无法查看已存消息: %s"},
	PlanCanary:    {"revision %d runs as a canary: `minihub apply --promote` or `minihub apply --back` first", "版本 %d 正在灰度: 请先 `minihub apply --promote` 或 `minihub apply --back`"},
	PlanApply:     {"apply it: minihub apply --plan %s", "应用: minihub apply --plan %s"},
	PlanServe:     {"`minihub serve` starts with it", "`minihub serve` 将以此启动"},
	ApplyWhat:     {"nothing says what to apply (give one of --plan HASH, --promote, --back)", "没有指定要应用什么 (给出 --plan 哈希、--promote、--back 之一)"},
	ApplyShare:    {"--canary: %q is no share (write it like 5%%, between 0.01%% and 99.99%%)", "--canary: %q 不是有效的比例 (例如 5%%, 介于 0.01%% 与 99.99%% 之间)"},
	ApplyDone:     {"revision %d is in force (swapped in %s; messages in flight end with what they began with)", "版本 %d 已生效 (切换用时 %s; 处理中的消息按原版本完成)"},
	ApplyCanary:   {"revision %d runs as a canary for %s of the roots (`minihub revisions` shows how it does; go on with `minihub apply --promote` or `minihub apply --back`)", "版本 %d 正在灰度, 占 %s (用 `minihub revisions` 查看情况; 之后用 `minihub apply --promote` 或 `minihub apply --back`)"},
	ApplyPromoted: {"revision %d is in force for all (swapped in %s)", "版本 %d 已全部生效 (切换用时 %s)"},
	ApplyBack:     {"the canary is taken back: revision %d is in force for all (swapped in %s)", "灰度已撤回: 版本 %d 全部生效 (切换用时 %s)"},
	ApplyRestored: {"revision %d is in force: the files of revision %d again (swapped in %s)", "版本 %d 已生效: 内容与版本 %d 相同 (切换用时 %s)"},
	ApplyDiffers:  {"the directory still holds what was taken back; `minihub plan` shows it", "目录中仍是被撤回的内容; 用 `minihub plan` 查看"},
	NoRevisions:   {"nothing was applied yet", "尚未应用过任何版本"},
	InForce:       {"in force", "生效中"},
	CanaryOf:      {"canary %s", "灰度 %s"},
	FailingNow:    {"%s fails more often under revision %d than under %d: %d of %d, before %d of %d (`minihub apply --back` goes back)", "%s 在版本 %d 下比版本 %d 失败更多: %d / %d, 之前 %d / %d (用 `minihub apply --back` 回退)"},
	FailingSince:  {"failing: %s", "失败: %s"},
	Restored:      {"the files of %d", "内容同 %d"},
	Draining:      {"removed, with work left that comes to its end: %s", "已移除, 剩余工作仍会完成: %s"},
}

var planHelp = map[string]string{
	"plan":              "比较目录与正在运行的内容, 不做任何改变",
	"plan --sample":     "每个数据流查看最新的多少条已存消息; 0 表示不查看",
	"apply":             "在运行中切换到计划的内容: 要么全部, 要么不变",
	"apply --plan":      "`minihub plan` 给出的哈希",
	"apply --canary":    "先只让这一比例的订单使用, 例如 5%",
	"apply --promote":   "让灰度版本对全部生效",
	"apply --back":      "撤回灰度, 或回到之前的版本",
	"apply --to":        "配合 --back: 回到这个版本",
	"apply --why":       "原因, 记入历史",
	"revisions":         "列出生效过的版本及其情况",
	"revisions --limit": "最多列出多少条",
	"serve --applied":   "即使目录已改动, 也运行上次应用的版本",
	"do added":          "新增", "do changed": "修改", "do removed": "删除",
	"act start": "启动", "act apply": "应用", "act canary": "灰度", "act promote": "全量", "act back": "回退", "act failing": "发现失败",
	"column ACT":      "动作",
	"column REVISION": "版本",
	"column CONTENT":  "内容哈希",
	"column WHO":      "谁",
	"column DO":       "变化",
	"column FLOW":     "流程",
	"column STEP":     "步骤",
	"column COUNT":    "条数",
	"column EXAMPLE":  "示例消息",
}

// planCodes is the Chinese of what the API refuses.
var planCodes = map[string]string{
	"apply.not_running":      "没有运行中的服务可供切换",
	"apply.canary":           "正在灰度",
	"apply.no_canary":        "没有灰度版本",
	"apply.moved":            "计划已失效: 目录或运行中的内容已改变",
	"apply.same":             "内容没有变化",
	"apply.plan":             "没有给出计划的哈希",
	"apply.share":            "灰度比例无效",
	"apply.revision":         "版本号无效",
	"apply.unknown_revision": "没有这个版本",
	"plan.sample":            "sample 无效",
}
