package text

// The texts of alarms. A rule's sentence takes 1 where, 2 how many, 3 of how many, 4 the
// code in brackets, 5 since when, 6 for how long; under `.mend` is what to do.
var alarmMessages = map[ID]pair{
	"alarm.acked":          {"alarm %s is seen to by %s", "告警 %s 已由 %s 处理"},
	"alarm.store":          {"the store does not answer: nothing is taken in or sent", "数据存储没有响应: 无法接收和发送"},
	"alarm.store.mend":     {"Look at the hub's log; restart the hub when the disk or the database is back.", "查看服务日志; 磁盘或数据库恢复后重启服务。"},
	"alarm.disk":           {"only %[2]s MiB are free where the store is", "数据存储所在磁盘只剩 %[2]s MiB"},
	"alarm.disk.mend":      {"Make room before 256 MiB are left, when the hub stops taking messages in.", "请在只剩 256 MiB 之前清理空间, 否则将停止接收。"},
	"alarm.gate":           {"%[1]s takes nothing since %[5]s%[4]s; messages are held, none is lost", "%[1]s 自 %[5]s 起不可用%[4]s; 消息已保留, 不会丢失"},
	"alarm.gate.mend":      {"`minihub doctor --online` says where the way ends; it goes on by itself when the other side is back.", "用 `minihub doctor --online` 查看断在何处; 对方恢复后会自动继续。"},
	"alarm.pause":          {"%[1]s has been paused by a person since %[5]s (%[6]s)", "%[1]s 自 %[5]s 起被人工暂停 (%[6]s)"},
	"alarm.pause.mend":     {"`minihub connections resume` lets it go on; for a job, `minihub jobs resume`.", "用 `minihub connections resume` 恢复; 任务用 `minihub jobs resume`。"},
	"alarm.token":          {"a credential of %[1]s ends at %[5]s", "%[1]s 的凭据将于 %[5]s 到期"},
	"alarm.token.mend":     {"Renew it in the vendor's console and put the new value where the connection's file refers to.", "请在对方后台续期, 并更新连接文件所引用的值。"},
	"alarm.failures":       {"%[2]s messages fail at %[1]s%[4]s", "%[1]s 有 %[2]s 条消息失败%[4]s"},
	"alarm.failures.mend":  {"`minihub messages list --code CODE` shows them; mend the cause, then `minihub replay --code CODE --start`.", "用 `minihub messages list --code 代码` 查看; 解决原因后 `minihub replay --code 代码 --start`。"},
	"alarm.silence":        {"nothing new came from %[1]s since %[5]s (%[6]s), which is unusual at this hour", "%[1]s 自 %[5]s 起没有新数据 (%[6]s), 此时段通常不会这样"},
	"alarm.silence.mend":   {"Compare with the vendor's console; look at the job that pulls it, or whether its pushes still reach the hub.", "与对方后台核对; 查看拉取任务, 或推送是否还能到达。"},
	"alarm.job":            {"job %[1]s should have run; its last run began %[5]s", "任务 %[1]s 未按计划运行; 上次运行于 %[5]s"},
	"alarm.job.never":      {"job %[1]s should have run and never has", "任务 %[1]s 应运行却从未运行"},
	"alarm.job.mend":       {"`minihub jobs list` shows whether a run hangs; `minihub jobs run NAME` runs it now.", "用 `minihub jobs list` 查看是否卡住; `minihub jobs run 名称` 立即运行。"},
	"alarm.job_fails":      {"job %[1]s has failed %[2]s times in a row", "任务 %[1]s 已连续失败 %[2]s 次"},
	"alarm.job_fails.mend": {"`minihub jobs run NAME` says why it fails.", "用 `minihub jobs run 名称` 查看失败原因。"},
	"alarm.quota":          {"%[2]s of %[3]s calls of %[1]s are used", "%[1]s 的额度已用 %[2]s / %[3]s 次"},
	"alarm.quota.mend":     {"The rest is spread by itself; ask the vendor for more, or let jobs run less often.", "剩余额度会自动分配; 可申请提高额度, 或降低任务频率。"},
	"alarm.backlog":        {"%[2]s messages wait for %[1]s", "有 %[2]s 条消息等待 %[1]s"},
	"alarm.backlog.mend":   {"`minihub connections list` shows gates and queues; the vendor may be slow or its limit too small for today.", "用 `minihub connections list` 查看闸门和队列; 可能是对方变慢, 或额度不足。"},
	"alarm.oldest":         {"a message has waited for %[1]s since %[5]s (%[6]s)%[4]s", "%[1]s 有消息自 %[5]s 起等待 (%[6]s)%[4]s"},
	"alarm.oldest.mend":    {"`minihub messages list --state waiting,unknown,ready` shows what waits and why.", "用 `minihub messages list --state waiting,unknown,ready` 查看在等什么。"},

	"alarm.what.opened":     {"[ALARM]", "[告警]"},
	"alarm.what.still_open": {"[STILL OPEN]", "[仍未恢复]"},
	"alarm.what.recovered":  {"[RECOVERED]", "[已恢复]"},
	"alarm.also":            {"Also: %[1]s", "另外: %[1]s"},
	"alarm.since":           {"Open since %[1]s (%[2]s).", "开始于 %[1]s (已 %[2]s)。"},
	"alarm.over":            {"From %[1]s to %[2]s, for %[3]s.", "从 %[1]s 到 %[2]s, 持续 %[3]s。"},
	"alarm.over.peak":       {" At most %[1]s messages.", " 最多时 %[1]s 条消息。"},
	"alarm.and_more":        {" (and %[1]s more)", " (另有 %[1]s 项)"},
	"alarm.left_out":        {"... and %[1]s more", "... 另有 %[1]s 项"},
	"alarm.open_hub":        {"Open the hub", "打开 minihub"},
	"alarm.test":            {"[TEST] minihub's alarms reach you", "[测试] minihub 的告警可以送达"},
	"alarm.test_over":       {"[TEST RECOVERED] the end of an alarm reaches you too", "[测试恢复] 告警的恢复通知也可以送达"},
	"alarm.test.detail":     {"Sent by hand at %[1]s; nothing is wrong.", "于 %[1]s 手动发送; 一切正常。"},
	"alarm.seconds":         {"%[1]s s", "%[1]s 秒"},
	"alarm.minutes":         {"%[1]s min", "%[1]s 分钟"},
	"alarm.hours":           {"%[1]s h", "%[1]s 小时"},
	"alarm.days":            {"%[1]s days", "%[1]s 天"},

	"alarm.language":       {"en", "zh"},
	"alarm.none":           {"no alarm is open", "没有未恢复的告警"},
	"alarm.no_receivers":   {"no receiver is configured: add `alarms: {receivers: [...]}` to hub.yaml", "没有配置接收方: 请在 hub.yaml 中加入 `alarms: {receivers: [...]}`"},
	"alarm.sent":           {"%s (%s) took it in %s: %s", "%s (%s) 已接收, 用时 %s: %s"},
	"alarm.not_sent":       {"%s (%s) did not take it, after %s: %s", "%s (%s) 未接收, 用时 %s: %s"},
	"alarm.mend_line":      {"%s: %s", "%s: %s"},
	"alarm.receiver_fails": {"receiver %s (%s) fails: %s", "接收方 %s (%s) 失败: %s"},
	"alarm.not_running":    {"no hub runs here: this is what the last one knew", "没有正在运行的服务: 以下为上次运行所知"},
}

var alarmHelp = map[string]string{
	"alarms": "查看告警, 检验送达", "alarms ack": "标记未恢复的告警已有人处理; 不再重复通知", "alarms ack --note": "处理说明", "alarms list": "列出未恢复和最近的告警", "alarms test": "向接收方发送一条测试告警及其恢复通知, 并显示其答复",
	"column SINCE": "开始", "column UNTIL": "结束", "column ALARM": "告警", "column PEAK": "最多",
}

var alarmCodes = map[string]string{"api.unknown_receiver": "没有这个接收方", "api.unknown_alarm": "没有这个未恢复的告警", "alarm.note": "没有给出备注", "alarm.no_receivers": "没有配置接收方"}
