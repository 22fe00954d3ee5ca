package text

// The texts of bulk replays.
const (
	BulkOne         ID = "bulk.one"
	BulkAct         ID = "bulk.act"
	BulkPlanOrStart ID = "bulk.plan_or_start"
	BulkHead        ID = "bulk.head"
	BulkEstimate    ID = "bulk.estimate"
	BulkOneShot     ID = "bulk.one_shot"
	BulkItems       ID = "bulk.items"
	BulkRows        ID = "bulk.rows"
	BulkStart       ID = "bulk.start"
	BulkAsking      ID = "bulk.asking"
	BulkLocal       ID = "bulk.local"
)

var bulkMessages = map[ID]pair{
	BulkOne:         {"say one thing to replay as a job: --incident N, or --code, --connection, --operation, --flow, --stream, or --job N", "批量重放只能指定一项: --incident N, 或 --code、--connection、--operation、--flow、--stream, 或 --job N"},
	BulkAct:         {"these flags do not go together: a plan takes --plan or --start; a job takes one of --start, --pause, --resume, --cancel, --results; --wait goes with none of --plan and --results", "参数不能同时使用: 计划可用 --plan 或 --start; 任务可用 --start、--pause、--resume、--cancel、--results 之一; --wait 不能与 --plan、--results 同用"},
	BulkPlanOrStart: {"say --plan to count first, or --start to let the first ten go", "请加 --plan 先计数, 或 --start 先放行前十条"},
	BulkHead:        {"job %d: %s, %d rows, %s", "任务 %d: %s, 共 %d 条, %s"},
	BulkEstimate:    {"takes at least %s by the limits", "按限额至少需要 %s"},
	BulkOneShot:     {"warning: %d rows are one-shot and may have had an effect; they go only with --confirm", "警告: %d 条为一次性操作且可能已生效, 只有加 --confirm 才会重放"},
	BulkItems:       {"so far: %s", "进度: %s"},
	BulkRows:        {"now: %s", "现状: %s"},
	BulkStart:       {"let the first ten go: minihub replay --job %d --start", "放行前十条: minihub replay --job %d --start"},
	BulkAsking:      {"the first ten went; look at them, then: minihub replay --job %d --start", "前十条已放行; 查看结果后继续: minihub replay --job %d --start"},
	BulkLocal:       {"no hub runs: it goes on when one does", "服务未运行: 启动后继续"},
}

var bulkHelp = map[string]string{
	"replay --incident":   "作为任务重放: 一个事件的全部",
	"replay --code":       "作为任务重放: 所有带此代码而停下的",
	"replay --connection": "作为任务重放: 此连接所有停下的",
	"replay --operation":  "作为任务重放: 此操作所有停下的投递",
	"replay --flow":       "作为任务重放: 此流程所有停下的投递",
	"replay --stream":     "作为任务重放: 此流所有停下的消息",
	"replay --job":        "一个已计划的任务: 查看, 或启动、暂停、继续、取消",
	"replay --rate":       "任务每秒放行多少条; 0 表示只受限额约束",
	"replay --why":        "原因, 记入任务历史",
	"replay --start":      "放行任务: 先放行前十条, 查看后再放行其余",
	"replay --pause":      "暂停任务",
	"replay --resume":     "继续任务",
	"replay --cancel":     "取消任务; 尚未放行的保持停下",
	"replay --results":    "以 JSON 行输出任务结果",
	"replay --wait":       "等到任务询问、暂停或结束; 有未能重放的则退出码为 1",

	"column MODE":       "方式",
	"column SAFE":       "安全",
	"column ASKS FIRST": "先查询",
	"column CONFIRM":    "需确认",
	"column CANNOT":     "不可行",

	"bulk planned": "已计划", "bulk canary": "试放行", "bulk asking": "等待确认", "bulk running": "进行中", "bulk paused": "已暂停", "bulk cancelled": "已取消", "bulk done": "已完成",
	"bulk pending": "待放行", "bulk replayed": "已放行", "bulk refused": "无法重放", "bulk skipped": "已跳过",
}

var bulkCodes = map[string]string{
	"replays.state":  "任务当前状态不允许此操作",
	"replays.empty":  "没有符合条件的停下消息",
	"replays.rate":   "速率无效",
	"replays.filter": "筛选条件无效",
	"replays.summed": "结果已过保留期, 只保留计数",
}
