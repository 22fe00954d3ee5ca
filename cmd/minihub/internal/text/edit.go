package text

// The texts of editing.
const (
	EditFile      ID = "edit.file"
	EditWhy       ID = "edit.reason"
	EditRevision  ID = "edit.revision"
	EditStands    ID = "edit.stands"
	EditUnchanged ID = "edit.same"
	EditFits      ID = "edit.fits"
	EditDone      ID = "edit.done"
)

var editMessages = map[ID]pair{
	EditFile:      {"say what to do: nothing to print the document, --file to send one, --file with --check to check one; --original stands alone", "请说明要做什么: 不加参数输出文档, --file 发送, --file 加 --check 只检查; --original 单独使用"},
	EditWhy:       {"say why it is changed: --why TEXT stays with it", "请用 --why 说明修改原因, 会一并保留"},
	EditRevision:  {"revision %[1]d; when it is changed: --file FILE --revision %[1]d --why TEXT", "修订次数 %[1]d; 修改后: --file 文件 --revision %[1]d --why 原因"},
	EditStands:    {"it would stand still again: %s: %s", "仍会停滞: %s: %s"},
	EditUnchanged: {"nothing is changed", "没有任何修改"},
	EditFits:      {"it fits; documents that would go out: %d", "检查通过; 将要发送的文档: %d"},
	EditDone:      {"stored beside the original: %s is now %s", "已与原文档一并保存: %s 变为 %s"},
}

var editHelp = map[string]string{
	"deliveries":                 "编辑将要投递的内容",
	"deliveries edit":            "编辑一个停下的投递的文档并发送",
	"deliveries edit --file":     "编辑后的文档; - 表示标准输入",
	"deliveries edit --check":    "只检查",
	"deliveries edit --why":      "修改原因, 会一并保留",
	"deliveries edit --revision": "所编辑文档的修订次数; 他人抢先修改时会被拒绝",
	"deliveries edit --confirm":  "确认: 可能在对方生效两次",
	"messages edit":              "编辑一条停下的消息的来源文档",
	"messages edit --file":       "编辑后的文档; - 表示标准输入",
	"messages edit --check":      "只检查",
	"messages edit --why":        "修改原因, 会一并保留",
	"messages edit --revision":   "所编辑文档的修订次数; 他人抢先修改时会被拒绝",
	"messages edit --original":   "重新按消息自己的原文档映射",
}

// editCodes are the refusals of an edit.
var editCodes = map[string]string{
	"edit.why":       "没有给出原因",
	"edit.original":  "original 单独使用, 且只用于消息",
	"edit.parked":    "编辑后的文档仍无法映射",
	"edit.moved":     "已有他人抢先修改, 或状态已变化",
	"edit.unchanged": "没有任何修改",
	"edit.not":       "没有可以编辑的内容",
	"edit.problems":  "编辑后的文档有错误",
}
