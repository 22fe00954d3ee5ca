package text

// The texts of jobs.
const (
	JobPaused    ID = "jobs.paused"
	JobResumed   ID = "jobs.resumed"
	JobPausedBy  ID = "jobs.paused_by"
	JobTicksLost ID = "jobs.ticks_lost"
	JobTicks     ID = "jobs.ticks"
	JobNoHistory ID = "jobs.no_history"
	JobMore      ID = "jobs.more"

	BackfillAct       ID = "backfill.act"
	BackfillGoes      ID = "backfill.goes"
	BackfillProgress  ID = "backfill.progress"
	BackfillDoneAbout ID = "backfill.done_about"
	BackfillNone      ID = "backfill.none"
	BackfillHead      ID = "backfill.head"
	BackfillCounted   ID = "backfill.counted"
	BackfillSampled   ID = "backfill.sampled"
	BackfillUnknown   ID = "backfill.unknown"
	BackfillStart     ID = "backfill.start"
)

var jobMessages = map[ID]pair{
	JobPaused:         {"job %s is paused: it does not run at its ticks, over restarts too (`minihub jobs resume %s` lets it run again)", "任务 %s 已暂停: 不再按计划运行, 重启后依然如此 (用 `minihub jobs resume %s` 恢复)"},
	JobResumed:        {"job %s runs at its ticks again", "任务 %s 已恢复按计划运行"},
	JobPausedBy:       {"PAUSED by %s since %s: %s", "已由 %s 于 %s 暂停: %s"},
	JobTicksLost:      {"%[2]s %[1]d ticks, the last at %[3]s", "%[2]s %[1]d 次, 最近一次 %[3]s"},
	JobTicks:          {"%d ticks", "%d 次"},
	JobNoHistory:      {"job %s has not run yet", "任务 %s 尚未运行"},
	BackfillAct:       {"these do not go together: name a stream to plan a backfill, or --job N with one of --start, --pause, --resume, --cancel", "参数不能同时使用: 指定数据流以计划补拉, 或用 --job N 加上 --start、--pause、--resume、--cancel 之一"},
	BackfillGoes:      {"backfill %d goes in the hub, also when you stop looking; %d %% of the limits stay free for live traffic", "补拉 %d 在服务中进行, 停止查看也会继续; 限额的 %d %% 留给实时业务"},
	BackfillProgress:  {"%d of about %d read: new %d, unchanged %d, failed %d", "已读 %d / 约 %d: 新增 %d, 无变化 %d, 失败 %d"},
	BackfillDoneAbout: {"done about %s", "预计 %s 完成"},
	BackfillNone:      {"there are no backfills yet", "还没有补拉"},
	BackfillHead:      {"backfill %d: %s, %s, from %s to %s", "补拉 %d: %s, %s, 从 %s 到 %s"},
	BackfillCounted:   {"%d documents, %d of them new to the hub: takes about %s and leaves %d %% of the limits to live traffic", "共 %d 条, 其中 %d 条尚未收到: 约需 %s, 为实时业务保留限额的 %d %%"},
	BackfillSampled:   {"about %d documents (sampled), %d of them new to the hub: takes about %s and leaves %d %% of the limits to live traffic", "约 %d 条 (抽样), 其中 %d 条尚未收到: 约需 %s, 为实时业务保留限额的 %d %%"},
	BackfillUnknown:   {"nobody knows how long it takes: %s", "无法预计用时: %s"},
	BackfillStart:     {"let it go: minihub backfill --job %d --start", "开始: minihub backfill --job %d --start"},

	JobMore: {"there is more: add --cursor %s", "还有更多: 加上 --cursor %s"},
}

var jobHelp = map[string]string{
	"jobs pause":            "暂停任务: 不再按计划运行, 重启后依然如此",
	"jobs pause --why":      "原因, 留给后来的人看",
	"jobs resume":           "恢复任务按计划运行",
	"jobs history":          "列出一个任务的历次运行, 以及未能运行的时刻",
	"jobs history --limit":  "最多多少行",
	"jobs history --cursor": "从上一页给出的位置继续",

	"backfill":           "以任务方式补拉过去的一段时间, 并给出预计; 不带参数则列出全部",
	"backfill --preset":  "yesterday 昨天, last-7-days 最近 7 天",
	"backfill --from":    "起始时间, 例如 2026-11-10T00:00:00+08:00",
	"backfill --to":      "结束时间, 不含",
	"backfill --leave":   "每项限额留给实时业务的百分比",
	"backfill --why":     "原因, 记入任务历史",
	"backfill --plan":    "只告知有多少内容、需要多久",
	"backfill --no-wait": "不等待结束",
	"backfill --job":     "一个补拉: 查看, 或启动、暂停、继续、取消",
	"backfill --start":   "开始已计划的补拉",
	"backfill --pause":   "暂停补拉",
	"backfill --resume":  "继续补拉",
	"backfill --cancel":  "取消补拉; 已取得的内容保留",
	"bulk failed":        "失败",

	"column STARTED": "开始时间", "column TOOK": "用时", "column DID": "处理结果", "column NOTE": "备注",

	"run running": "运行中", "run done": "完成", "run failed": "失败", "run interrupted": "被中断", "run skipped": "因上次未结束而跳过", "run paused": "暂停期间未运行", "run missed": "服务未运行而错过",
}

var jobCodes = map[string]string{"jobs.why": "请说明暂停的原因", "backfills.state": "补拉当前状态不允许此操作",
	"backfills.leave": "保留的百分比无效", "api.unknown_preset": "没有这个预设"}
