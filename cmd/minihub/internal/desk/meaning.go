package desk

import (
	"strings"

	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

func say(fix Fix, en, zh, doEn, doZh string) Meaning {
	return Meaning{Words{en, zh}, Words{doEn, doZh}, fix}
}

// meanings are what the hub's own codes mean.
var meanings = map[string]Meaning{
	pipelines.CodeUnreadable: say(Look, "The source's answer is no document: it cannot be decoded.", "来源返回的内容不是完整文档, 无法解码。",
		"Look at the raw bytes. If the vendor cut its answer, replay with re-pull; if its format changed, the connector must learn it.", "查看原始内容。若只是传输截断, 用 re-pull 重放; 若对方格式变了, 需要更新连接器。"),
	pipelines.CodeStalled: say(Look, "A window of the source cannot be read, and the pull does not pass it.", "来源的一段时间窗口无法读取, 拉取停在这里。",
		"Look at the raw answer and ask the vendor; nothing behind it is lost, it only waits.", "查看原始返回并联系对方; 后面的数据不会丢, 只是在等待。"),
	pipelines.CodeSchema: say(Map, "The document lacks a field that the hub needs, or a field has a value that is not allowed.", "文档缺少必需字段, 或字段的值不被允许。",
		"Mend the source's data or the mapping into the canonical document, then replay with re-map.", "修正来源数据或到标准文档的映射, 然后用 re-map 重放。"),
	pipelines.CodeSchemaTarget: say(Map, "The document for the target lacks a field, or a field has a value that the target does not take.", "发往目标系统的文档缺少字段, 或字段的值目标系统不接受。",
		"Mend the mapping to the target or the data, then replay with re-map.", "修正到目标系统的映射或数据, 然后用 re-map 重放。"),
	pipelines.CodeTotals: say(Look, "The amounts of the document do not add up.", "文档的金额合计不一致。",
		"Compare lines, discount and freight with the source; correct the mapping or the order, then replay with re-map.", "与来源核对明细、优惠和运费; 修正映射或订单, 然后用 re-map 重放。"),
	pipelines.CodeKey: say(Map, "The key under which the target should know the document is empty, too long or of a wrong form.", "目标系统用的单号为空、过长或格式不对。",
		"Correct `key:` in the flow, then replay with re-map.", "修正流程中的 `key:`, 然后用 re-map 重放。"),
	ledger.CodeKeyClash: say(Map, "Two documents want the same key at the target.", "两个文档在目标系统使用了同一个单号。",
		"Make the flow's `key:` unique, for instance by a prefix of the store, then replay with re-map.", "让流程的 `key:` 唯一 (例如加店铺前缀), 然后用 re-map 重放。"),
	pipelines.CodeMissingLookup: say(Lookup, "A lookup table has no entry for a value of the document.", "对照表中没有文档里这个值的条目。",
		"Type the code in once: it is kept, and all that wait go on in their order.", "填写一次对应编码: 会保存下来, 等待的消息按顺序继续。"),
	pipelines.CodeMissingRef: say(Wait, "The target lacks a document that this one refers to.", "目标系统还没有它引用的文档。",
		"It goes on by itself when the other document arrives. If that one is parked, mend it first.", "被引用的文档到达后会自动继续; 若那一条已停住, 请先处理它。"),
	pipelines.CodeFlowGone: say(Map, "The flow or step that made it is no longer in the configuration.", "产生它的流程或步骤已不在配置中。",
		"Bring the step back, or discard what is no longer wanted.", "恢复该步骤, 或放弃不再需要的消息。"),
	pipelines.CodePanic: say(Look, "A part of the hub broke on this document; that is a bug of minihub.", "程序处理该文档时出错, 这是 minihub 的缺陷。",
		"Save the message with `minihub record` and report it; replay after the update.", "用 `minihub record` 保存该消息并反馈; 升级后重放。"),
	pipelines.CodeChangedLater: say(Look, "The document changed after the target had created it, and the target takes no change.", "目标系统已创建后文档又有变化, 而目标系统不接受修改。",
		"Change it at the target by hand and discard this one, or set `on_change` in the flow.", "在目标系统手工修改后放弃此条, 或在流程中设置 `on_change`。"),
	pipelines.CodeFoundOther: say(Look, "The target already has this key with other content.", "目标系统已有同一单号, 但内容不同。",
		"Compare both. If the target is right, discard; if it is wrong, correct it there.", "对比两边内容。目标正确则放弃; 目标有误则在那里修正。"),
	pipelines.CodeUnverified: say(Look, "The target says that it has this key and cannot show what it has.", "目标系统称已有该单号, 但无法查看内容。",
		"Look at the target's own screen; discard if it is the same, replay if not.", "到目标系统界面核对; 相同则放弃, 否则重放。"),
	pipelines.CodeOneShot: say(Look, "Nobody knows whether it took effect, and it may not be repeated without a person.", "不确定是否已生效, 且不能自动重发。",
		"Look at the target first. Replay, with confirmation, only what surely did not take effect.", "先到目标系统核实。只对确定未生效的进行确认重放。"),
	pipelines.CodeBudget: say(Look, "The vendor allows no further call for this document.", "对方不允许对该单据再次调用。",
		"Correct it at the vendor's own console, then discard.", "到对方后台修正, 然后放弃此条。"),
	pipelines.CodeAge: say(Replay, "It was tried again for as long as the hub tries, without success.", "已按最长重试时间重试, 仍未成功。",
		"See what the last try said; when the cause is gone, replay the incident.", "查看最后一次失败原因; 原因消除后重放整个事件。"),
	pipelines.CodeCannotTell: say(Look, "The target could not say what became of the write.", "目标系统无法说明写入结果。",
		"Look at the target; then replay or discard.", "到目标系统核实, 再决定重放或放弃。"),
	pipelines.CodeUndoRefused: say(Look, "The target will not cancel: it is probably picked or shipped already.", "目标系统拒绝取消: 可能已拣货或发货。",
		"Call the warehouse now; then discard this one or replay it.", "请立即联系仓库; 之后放弃或重放此条。"),
	"target.refused": say(Look, "The target refused the document.", "目标系统拒绝了该文档。",
		"Read what it said, mend the data or the mapping, then replay with re-map.", "查看拒绝原因, 修正数据或映射, 然后用 re-map 重放。"),
}

// gates are what the reasons of closed gates mean.
var gates = map[string]Meaning{
	"outage": say(Wait, "The system cannot be reached. Nothing is sent and nothing is lost.", "系统无法访问。暂停发送, 不会丢失。",
		"It is asked again by itself and catches up when it is back. If it lasts, call the vendor.", "会自动探测并在恢复后补发。若持续时间长, 请联系对方。"),
	"breaker": say(Wait, "The system failed too often in a row, so sending has stopped for a moment.", "系统连续失败过多, 暂停发送片刻。",
		"It is tried again by itself. If it lasts, look at the last answers.", "会自动重试。若持续, 请查看最近的返回。"),
	"auth": say(Access, "The system does not accept the credentials or this machine's address.", "系统不接受当前凭证或本机地址。",
		"Renew the credentials or the allowlist with the vendor; everything held goes on then.", "向对方更新凭证或白名单; 之后暂存的消息自动继续。"),
	"quota": say(Wait, "The vendor's quota is used up.", "对方的调用额度已用完。",
		"It goes on by itself when the quota is renewed; ask the vendor for more if this is usual.", "额度恢复后自动继续; 若经常发生, 请向对方申请提高额度。"),
}

// prefixes are what families of codes mean.
var prefixes = []struct {
	prefix  string
	meaning Meaning
}{
	{"mapping.", say(Map, "The mapping cannot make a field of this document.", "映射无法生成该文档的某个字段。",
		"Mend the mapping at the line it names (`minihub record` makes a test case of the message), then replay with re-map.", "修正提示行的映射 (`minihub record` 可把消息变成测试用例), 然后用 re-map 重放。")},
	{"schema.", meanings[pipelines.CodeSchemaTarget]},
	{"http.", say(Replay, "The system answered with an HTTP error, or not at all.", "系统返回 HTTP 错误或没有响应。",
		"When the system is well again, replay the incident.", "系统恢复后重放整个事件。")},
	{"unknown.", meanings[pipelines.CodeOneShot]},
}

// fallback is what a vendor's own code means as far as the hub knows.
var fallback = say(Look, "The system refused these messages with a code of its own.", "对方系统以其自有错误码拒绝了这些消息。",
	"Read what it said on one of them, mend the cause, and replay the incident.", "查看其中一条的返回信息, 消除原因后重放整个事件。")

var gateFallback = say(Wait, "Sending to this system has stopped.", "已停止向该系统发送。", "Look at the connection; resume it when it is well.", "查看该连接; 正常后恢复。")

// Explain says what a cause means; every cause has an answer.
func Explain(kind, code string) Meaning {
	if kind == "gate" {
		if m, ok := gates[code]; ok {
			return m
		}
		return gateFallback
	}
	if m, ok := meanings[code]; ok {
		return m
	}
	for _, p := range prefixes {
		if strings.HasPrefix(code, p.prefix) {
			return p.meaning
		}
	}
	return fallback
}
