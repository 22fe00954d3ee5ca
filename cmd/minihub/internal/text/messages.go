package text

// The texts of the commands.
const (
	Oops         ID = "error"
	ProblemCount ID = "check.problems"
	Warning      ID = "check.warning"
	CheckOK      ID = "check.ok"
	Running      ID = "serve.running"

	UnknownCommand  ID = "input.command"
	UnknownFlag     ID = "input.flag"
	UnknownName     ID = "input.name"
	ArgumentCount   ID = "input.arguments"
	MissingFlag     ID = "input.missing_flag"
	BadFlagValue    ID = "input.flag_value"
	FlagWithout     ID = "input.flag_without_value"
	DidYouMean      ID = "input.did_you_mean"
	SeeHelp         ID = "input.see_help"
	NotAnID         ID = "input.id"
	NotAStream      ID = "input.stream"
	NotATime        ID = "input.time"
	NothingToReplay ID = "input.nothing_to_replay"
	BadLevel        ID = "input.level"

	StoreOwned     ID = "store.owned"
	EndpointBroken ID = "hub.endpoint"
	HubAnswered    ID = "hub.answered"
	HubGone        ID = "hub.gone"

	NothingKnown ID = "messages.none"
	FoundMore    ID = "messages.more"
	NoneInState  ID = "messages.none_in_state"
	MessageHead  ID = "messages.head"
	Version      ID = "messages.version"
	WaitsFor     ID = "messages.waits_for"
	CallHead     ID = "messages.call"
	NoAnswer     ID = "messages.no_answer"
	ReplayPlan   ID = "replay.plan"
	ReplayDone   ID = "replay.done"
	NoJobs       ID = "jobs.none"
	Never        ID = "jobs.never"
	JobRan       ID = "jobs.ran"
	Nothing      ID = "counts.nothing"
	Paused       ID = "connections.paused"
	PausedOne    ID = "connections.paused_operation"
	Resumed      ID = "connections.resumed"
	GateOpen     ID = "connections.open"
	URLNot       ID = "url.not"
	URLNoToken   ID = "url.no_token"
	URLClear     ID = "url.clear"
	URLFiles     ID = "url.files"
	LookupPut    ID = "lookups.put"
	Required     ID = "connectors.required"
	CanList      ID = "connectors.can_list"
	CannotList   ID = "connectors.cannot_list"
	DocsAt       ID = "connectors.docs"
	Unlimited    ID = "connectors.unlimited"
)

var commonMessages = map[ID]pair{
	Oops:         {"minihub: %s", "minihub: %s"},
	ProblemCount: {"problems: %d", "共 %d 个问题"},
	Warning:      {"warning: %s", "警告: %s"},
	CheckOK:      {"ok: connections %d, flows %d, jobs %d", "检查通过: 连接 %d 个, 流程 %d 个, 任务 %d 个"},
	Running:      {"minihub runs: status page %s, webhooks %s; stop it with Ctrl-C", "minihub 已启动: 状态页 %s, 接收推送 %s; 按 Ctrl-C 停止"},

	UnknownCommand:  {"there is no command %q", "没有命令 %q"},
	UnknownFlag:     {"there is no flag %s", "没有参数 %s"},
	UnknownName:     {"there is no connector %q", "没有连接器 %q"},
	ArgumentCount:   {"wrong number of arguments: %s", "参数个数不对: %s"},
	MissingFlag:     {"a flag is missing: %s", "缺少必填参数: %s"},
	BadFlagValue:    {"%s does not take %q", "参数 %s 的值 %q 无效"},
	FlagWithout:     {"%s needs a value", "参数 %s 需要一个值"},
	DidYouMean:      {"did you mean %q?", "是不是 %q?"},
	SeeHelp:         {"`%s --help` shows how it is used", "用法见 `%s --help`"},
	NotAnID:         {"%q is not a message id (`minihub messages find` finds it by its order number)", "%q 不是消息编号 (用 `minihub messages find` 按订单号查找)"},
	NotAStream:      {"%q is not a stream (write connection.stream)", "%q 不是数据流 (写成 连接名.流名)"},
	NotATime:        {"%s: %q is not a time with its zone (write it like 2026-11-10T00:00:00+08:00)", "%s: %q 不是带时区的时间 (例如 2026-11-10T00:00:00+08:00)"},
	NothingToReplay: {"nothing to replay (give a message id, --delivery, --incident, or one of --code, --connection, --operation, --flow, --stream)", "没有指定要重放什么 (给出消息编号、--delivery、--incident, 或 --code、--connection、--operation、--flow、--stream 之一)"},
	BadLevel:        {"hub.yaml: log %q is not a level (use debug, info, warn or error)", "hub.yaml: log %q 不是日志级别 (可用 debug, info, warn, error)"},

	StoreOwned:     {"another process owns the store%s (stop it, or wait for it with `minihub serve --standby 1m`)", "另一个进程正在使用此数据存储%s (先停止它, 或用 `minihub serve --standby 1m` 等待)"},
	EndpointBroken: {"%s, where the running hub leaves its address, cannot be read: %s (restart the hub)", "%s 记录运行中服务的地址, 但无法读取: %s (重启服务即可)"},
	HubAnswered:    {"the hub answered %d without saying why", "服务返回 %d, 未说明原因"},
	HubGone:        {"the hub at %s went away: %s (look at its log, then try again)", "与 %s 的服务断开: %s (查看其日志后重试)"},

	URLNot:     {"--url: %q is not the address of a hub (write https://hub.example.com)", "--url: %q 不是服务地址 (例如 https://hub.example.com)"},
	URLNoToken: {"no token for the hub at %s: set MINIHUB_TOKEN, or name a file with --token-file (`minihub tokens add` makes one at the hub)", "没有 %s 的令牌: 设置 MINIHUB_TOKEN 或用 --token-file 指定文件 (在服务端用 `minihub tokens add` 创建)"},
	URLClear:   {"the token goes to %s unencrypted (write https:// where the hub is behind a proxy with TLS)", "令牌以明文发送到 %s (若前面有 TLS 代理请使用 https://)"},
	URLFiles:   {"`%s` works on the files of this machine, not on a hub (leave --url and --token-file out)", "`%s` 处理本机文件, 不访问服务 (去掉 --url 和 --token-file)"},

	NothingKnown: {"nothing is known under %q (whole numbers only; --kind narrows the search)", "没有找到 %q (请输入完整号码; 可用 --kind 缩小范围)"},
	FoundMore:    {"these are the newest %d; there are more (a longer number finds fewer)", "仅显示最新的 %d 条, 还有更多 (输入更完整的号码可缩小范围)"},
	NoneInState:  {"nothing is %s", "没有状态为 %s 的内容"},
	MessageHead:  {"message %d: %s %s from %s, version %d, %s", "消息 %d: %s %s, 来自 %s, 版本 %d, %s"},
	Version:      {"version %d", "版本 %d"},
	WaitsFor:     {"waits for %s", "等待 %s"},
	CallHead:     {"delivery %d, try %d: %s, %s, %d ms", "投递 %d, 第 %d 次尝试: %s, %s, %d 毫秒"},
	NoAnswer:     {"no answer", "无应答"},
	ReplayPlan:   {"planned: %d; nothing was replayed, leave --plan out to do it", "计划重放 %d 条; 尚未执行, 去掉 --plan 即执行"},
	ReplayDone:   {"planned: %d, replayed: %d, not replayed: %d", "计划 %d 条, 已重放 %d 条, 未能重放 %d 条"},
	NoJobs:       {"there are no jobs (add them to jobs.yaml)", "没有任务 (在 jobs.yaml 中添加)"},
	Never:        {"never", "从未"},
	JobRan:       {"job %s: %s in %s, %s", "任务 %s: %s, 用时 %s, %s"},
	Nothing:      {"nothing to do", "没有要处理的内容"},
	Paused:       {"%s is paused: what comes for it waits, in its order (`minihub connections resume %s` lets it go on)", "%s 已暂停: 发往它的内容按顺序等待 (用 `minihub connections resume %s` 恢复)"},
	PausedOne:    {"%s of %s is paused: what comes for it waits, in its order (`minihub connections resume %s --operation %s` lets it go on)", "%s (%s) 已暂停: 内容按顺序等待 (用 `minihub connections resume %s --operation %s` 恢复)"},
	Resumed:      {"%s goes on", "%s 已恢复"},
	GateOpen:     {"open", "正常"},
	LookupPut:    {"%s %s = %s; released: %d", "%s %s = %s; 放行 %d 条"},
	Required:     {"required", "必填"},
	CanList:      {"can be listed", "可以列出"},
	CannotList:   {"cannot be listed: %s", "不能列出: %s"},
	DocsAt:       {"documents: %s", "文档: %s"},
	Unlimited:    {"no limit", "不限"},
}
