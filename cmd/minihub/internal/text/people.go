package text

// The texts of `users`, `tokens`, `audit` and of the first start.
const (
	FirstSignIn    ID = "serve.first"
	NoPeople       ID = "users.none"
	PersonActive   ID = "users.active"
	PersonDisabled ID = "users.disabled"
	PersonInvited  ID = "users.invited"
	PersonProvider ID = "users.provider"
	PersonAdded    ID = "users.added"
	PersonChanged  ID = "users.changed"
	PersonLink     ID = "users.link"
	PasswordSet    ID = "users.password"
	NoPassword     ID = "users.no_password"
	NoTokens       ID = "tokens.none"
	TokenAdded     ID = "tokens.added"
	TokenRevoked   ID = "tokens.revoked"
	NoAudit        ID = "audit.none"
	AuditSound     ID = "audit.sound"
	AuditBroken    ID = "audit.broken"
)

var peopleMessages = map[ID]pair{
	FirstSignIn:    {"nobody can sign in yet; this link makes the first admin, once, within %d minutes:\n%s", "还没有任何用户; 用此链接创建第一个管理员, 仅可使用一次, %d 分钟内有效:\n%s"},
	NoPeople:       {"there is nobody (`minihub users add NAME --role admin`)", "没有用户 (用 `minihub users add 用户名 --role admin` 添加)"},
	PersonActive:   {"active", "正常"},
	PersonDisabled: {"disabled", "已停用"},
	PersonInvited:  {"invited", "已邀请"},
	PersonProvider: {"active, by the provider", "正常 (统一登录)"},
	PersonAdded:    {"%s can sign in", "%s 可以登录了"},
	PersonChanged:  {"%s is changed", "%s 已更改"},
	PersonLink:     {"give %s this link; it works once, until %s:\n%s", "请把此链接交给 %s; 仅可使用一次, 有效至 %s:\n%s"},
	PasswordSet:    {"%s has a new password; older sessions have ended", "%s 的密码已更新; 之前的登录已失效"},
	NoPassword:     {"the standard input holds no password (write it as one line)", "标准输入中没有密码 (写成一行)"},
	NoTokens:       {"there are no tokens (`minihub tokens add NAME --role viewer`)", "没有令牌 (用 `minihub tokens add 名称 --role viewer` 添加)"},
	TokenAdded:     {"%s (%s, until %s); it is not shown again:\n%s", "%s (%s, 有效至 %s); 以后不再显示:\n%s"},
	TokenRevoked:   {"%s opens nothing any more", "%s 已失效"},
	NoAudit:        {"the audit holds nothing of this", "审计中没有相关记录"},
	AuditSound:     {"the chain of %d entries is sound; note its head elsewhere: %s", "%d 条审计记录完整无误; 请将链头另行保存: %s"},
	AuditBroken:    {"the chain is broken at entry %d: %s", "审计链在第 %d 条处断裂: %s"},
}

var peopleHelp = map[string]string{
	"users":                         "添加用户, 分配角色, 允许登录",
	"users list":                    "列出用户及其角色",
	"users add":                     "添加用户; 对方通过一次性链接设置密码",
	"users add --role":              "角色: viewer, support, ops, integrator, admin; 多个用逗号分隔",
	"users add --password-stdin":    "改为从标准输入读取密码",
	"users add --why":               "原因, 记入审计",
	"users passwd":                  "让用户通过一次性链接设置新密码",
	"users passwd --password-stdin": "改为从标准输入读取密码",
	"users passwd --why":            "原因, 记入审计",
	"users roles":                   "以这些角色替换用户现有的角色",
	"users roles --why":             "原因, 记入审计",
	"users disable":                 "立即停用用户, 其登录随即失效",
	"users disable --undo":          "重新启用",
	"users disable --why":           "原因, 记入审计",
	"tokens":                        "为程序发放 API 令牌",
	"tokens list":                   "列出令牌; 令牌内容不再显示",
	"tokens add":                    "生成令牌并显示一次",
	"tokens add --role":             "角色: viewer, support, ops, integrator, admin; 多个用逗号分隔",
	"tokens add --days":             "有效天数",
	"tokens add --why":              "原因, 记入审计",
	"tokens revoke":                 "立即作废令牌",
	"audit":                         "查看谁做了什么, 并证明记录未被改动",
	"audit list":                    "列出谁做了什么, 最新的在前",
	"audit list --who":              "只看此用户、token:名称 或 command",
	"audit list --act":              "只看此动作, 例如 replay 或 reveal",
	"audit list --on":               "只看此对象, 例如 'message 7'",
	"audit list --from":             "起始时间, 例如 2026-11-10T00:00:00+08:00",
	"audit list --to":               "结束时间, 不含",
	"audit list --before":           "只看编号小于此数的记录, 用于翻页",
	"audit list --limit":            "最多多少条",
	"audit export":                  "以 JSON 行输出记录, 最早的在前, 每条带哈希",
	"audit export --who":            "只看此用户、token:名称 或 command",
	"audit export --act":            "只看此动作, 例如 replay 或 reveal",
	"audit export --on":             "只看此对象, 例如 'message 7'",
	"audit export --from":           "起始时间, 例如 2026-11-10T00:00:00+08:00",
	"audit export --to":             "结束时间, 不含",
	"audit verify":                  "检查审计链; 指出第一条被改动或缺失的记录",
	"audit verify --head":           "之前检查时显示的 编号:哈希; 另行保存即可发现整条链被重写",
	"column ROLES":                  "角色",
	"column CHANGED":                "更改时间",
	"column EXPIRES":                "有效至",
	"column LAST USED":              "最近使用",
	"column NO":                     "编号",
	"column ON":                     "对象",
	"column PHASE":                  "结果",
	"column DETAIL":                 "细节",
	"token active":                  "有效",
	"token expired":                 "已过期",
	"token revoked":                 "已作废",
	"phase intent":                  "开始",
	"phase done":                    "完成",
	"phase failed":                  "失败",
	"phase refused":                 "被拒绝",
}

// peopleCodes is the Chinese of what the API refuses.
var peopleCodes = map[string]string{
	"api.forbidden":      "没有此操作的权限",
	"api.csrf":           "请求不是来自本系统的页面",
	"api.no_right":       "此接口未配置权限",
	"api.unknown_person": "没有这个用户",
	"api.unknown_token":  "没有这个令牌",
	"session.refused":    "用户名或密码不正确",
	"session.locked":     "尝试次数过多, 请稍后再试",
	"invite.refused":     "链接已使用、已过期或不属于你",
	"person.input":       "用户名、角色或密码不符合要求",
	"person.exists":      "已有同名用户",
	"person.nothing":     "没有要更改的内容",
	"person.fixed":       "此接口不能更改这些内容",
	"person.self":        "不能更改自己的角色或停用自己",
	"person.last_admin":  "这是最后一个能用密码登录的管理员",
	"person.none":        "只有用户才有密码",
	"person.provider":    "此用户通过统一登录平台登录, 密码和角色由该平台决定",
	"oidc.none":          "本系统未配置统一登录",
	"oidc.provider":      "统一登录平台没有正常响应, 请稍后再试",
	"oidc.state":         "此次登录不是由本浏览器发起, 或已使用、已超时; 请重新登录",
	"oidc.denied":        "统一登录平台拒绝了登录",
	"oidc.answer":        "统一登录平台的答复不可信",
	"oidc.domain":        "你的邮箱未经验证, 或不属于允许的域名",
	"oidc.role":          "身份已确认, 但你在本系统没有角色; 请联系管理员",
	"oidc.blocked":       "你已被本系统的管理员停用",
	"token.days":         "有效天数无效",
	"token.again":        "请再试一次",
	"audit.unwritable":   "审计无法写入, 未执行",
	"audit.time":         "时间无效",
	"audit.before":       "before 无效",
	"audit.head":         "链头无效",
	"reveal.reason":      "没有给出原因",
	"reveal.pointer":     "没有这个字段",
	"reveal.whole":       "只能查看单个字段",
	"reveal.gone":        "内容已不再保存",
}
