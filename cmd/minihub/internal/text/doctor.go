package text

import (
	"strconv"
	"strings"
)

// The texts of `doctor`: what it found, and under `.mend` how to mend it.
var doctorMessages = map[ID]pair{
	"doctor.end.fine": {"nothing is wrong", "一切正常"},
	"doctor.end":      {"failed: %d, warnings: %d", "失败 %d 项, 警告 %d 项"},

	"doctor.disk.fine":    {"%[1]s are free where the store is", "数据存储所在磁盘剩余 %[1]s"},
	"doctor.disk.low":     {"only %[1]s are free where the store is", "数据存储所在磁盘只剩 %[1]s"},
	"doctor.disk.full":    {"only %[1]s are free where the store is: nothing is taken in below %[2]s", "数据存储所在磁盘只剩 %[1]s: 低于 %[2]s 时不再接收"},
	"doctor.disk.unknown": {"this system does not say how much of the disk is free", "此系统不提供剩余磁盘空间"},
	"doctor.disk.low.mend": {"make room before %[2]s are left, when the hub stops taking messages in; a shorter `retention` in hub.yaml keeps less",
		"请在只剩 %[2]s 之前清理空间, 否则将停止接收; 在 hub.yaml 中缩短 `retention` 可减少占用"},
	"doctor.disk.full.mend": {"make room now, or give the store a larger disk; what vendors push is refused until then and comes again",
		"请立即清理空间或更换更大的磁盘; 在此之前推送会被拒收, 对方会重发"},

	"doctor.store.open":            {"%[1]s, schema %[2]s, %[3]s", "%[1]s, 结构版本 %[2]s, %[3]s"},
	"doctor.store.broken":          {"the store does not answer: %[1]s", "数据存储没有响应: %[1]s"},
	"doctor.store.broken.mend":     {"look at the hub's log; restart it when the disk or the database is back", "查看服务日志; 磁盘或数据库恢复后重启服务"},
	"doctor.store.unopened":        {"the store does not open: %[1]s", "数据存储无法打开: %[1]s"},
	"doctor.store.unopened.mend":   {"check `store` in hub.yaml, that its folder may be written, or that the database runs and takes the user", "检查 hub.yaml 的 `store`, 目录是否可写, 或数据库是否运行并接受该用户"},
	"doctor.store.unwritable":      {"the store's folder cannot be written: %[1]s", "数据存储目录无法写入: %[1]s"},
	"doctor.store.unwritable.mend": {"give the user that runs the hub the right to write there", "让运行服务的用户有权写入该目录"},
	"doctor.store.sync":            {"a write is on disk after %[1]s", "一次写入落盘用时 %[1]s"},
	"doctor.store.sync_slow":       {"a write is on disk only after %[1]s: every message waits for it", "一次写入落盘用时 %[1]s: 每条消息都要等待"},
	"doctor.store.sync_slow.mend":  {"put the store on a local SSD; network and USB disks are slow to confirm", "把数据存储放在本地 SSD 上; 网络盘和 USB 盘确认较慢"},
	"doctor.store.sync_bad":        {"a write is on disk only after %[1]s", "一次写入落盘用时 %[1]s"},
	"doctor.store.sync_bad.mend":   {"this disk is none for a store: use a local SSD, or PostgreSQL on another machine", "此磁盘不适合存放数据: 请使用本地 SSD, 或另一台机器上的 PostgreSQL"},

	"doctor.clock.fine":              {"right by %[1]s vendors' clocks", "与 %[1]s 家系统的时钟一致"},
	"doctor.clock.unknown":           {"no vendor said its time", "没有系统返回时间"},
	"doctor.clock.offline":           {"not looked at: it is compared with the vendors' (`--online`)", "未检查: 需与各家系统比较 (`--online`)"},
	"doctor.clock.off_behind":        {"%[1]s behind %[2]s vendors' clocks", "比 %[2]s 家系统的时钟慢 %[1]s"},
	"doctor.clock.off_ahead":         {"%[1]s ahead of %[2]s vendors' clocks", "比 %[2]s 家系统的时钟快 %[1]s"},
	"doctor.clock.wrong_behind":      {"%[1]s behind %[2]s vendors' clocks: signatures are refused", "比 %[2]s 家系统的时钟慢 %[1]s: 签名会被拒绝"},
	"doctor.clock.wrong_ahead":       {"%[1]s ahead of %[2]s vendors' clocks: signatures are refused", "比 %[2]s 家系统的时钟快 %[1]s: 签名会被拒绝"},
	"doctor.clock.off_behind.mend":   {"let the machine set its clock by NTP (timedatectl set-ntp true)", "让系统通过 NTP 校时 (timedatectl set-ntp true)"},
	"doctor.clock.off_ahead.mend":    {"let the machine set its clock by NTP (timedatectl set-ntp true)", "让系统通过 NTP 校时 (timedatectl set-ntp true)"},
	"doctor.clock.wrong_behind.mend": {"let the machine set its clock by NTP now (timedatectl set-ntp true); windows that were pulled meanwhile are read again by themselves", "请立即通过 NTP 校时 (timedatectl set-ntp true); 期间拉取的时间段会自动重读"},
	"doctor.clock.wrong_ahead.mend":  {"let the machine set its clock by NTP now (timedatectl set-ntp true); then compare with `minihub reconcile run`", "请立即通过 NTP 校时 (timedatectl set-ntp true); 然后用 `minihub reconcile run` 核对"},

	"doctor.reach.fine":            {"%[1]s answers in %[2]s", "%[1]s 在 %[2]s 内响应"},
	"doctor.reach.proxy":           {"%[1]s answers in %[2]s through the proxy %[3]s", "%[1]s 经代理 %[3]s 在 %[2]s 内响应"},
	"doctor.reach.offline":         {"not looked at (`--online`)", "未检查 (`--online`)"},
	"doctor.reach.url":             {"the address in the connection's file is none", "连接文件中的地址无效"},
	"doctor.reach.url.mend":        {"write https://HOST/PATH", "写成 https://主机/路径"},
	"doctor.reach.dns":             {"the name %[1]s is not known", "无法解析域名 %[1]s"},
	"doctor.reach.dns.mend":        {"check the spelling, and that this machine's name server answers (getent hosts %[1]s)", "检查拼写, 以及本机 DNS 是否可用 (getent hosts %[1]s)"},
	"doctor.reach.tcp":             {"%[1]s takes no connection: %[2]s", "无法连接 %[1]s: %[2]s"},
	"doctor.reach.tcp.mend":        {"let the firewall pass it, or give the proxy in HTTPS_PROXY; the vendor may be down", "请放行防火墙, 或在 HTTPS_PROXY 中设置代理; 也可能是对方停机"},
	"doctor.reach.tls":             {"%[1]s cannot be trusted: %[2]s", "%[1]s 的证书不可信: %[2]s"},
	"doctor.reach.tls.mend":        {"check the clock and the machine's certificates (ca-certificates); a proxy that looks inside TLS needs its authority installed here", "检查时钟和系统根证书 (ca-certificates); 解密 TLS 的代理需在本机安装其根证书"},
	"doctor.reach.lost":            {"%[1]s did not answer: %[2]s", "%[1]s 没有响应: %[2]s"},
	"doctor.reach.lost.mend":       {"try again; when it stays, ask the network's people or the vendor", "稍后重试; 若持续, 请联系网络管理员或对方"},
	"doctor.reach.proxy_lost":      {"the proxy %[2]s, on the way to %[1]s, is not there", "通往 %[1]s 的代理 %[2]s 不可用"},
	"doctor.reach.proxy_lost.mend": {"correct HTTPS_PROXY, or name the host in NO_PROXY", "更正 HTTPS_PROXY, 或将该主机加入 NO_PROXY"},
	"doctor.reach.cert_soon":       {"the certificate of %[1]s ends in %[2]s", "%[1]s 的证书将在 %[2]s 后过期"},
	"doctor.reach.cert_soon.mend":  {"its owner must renew it; after that day nothing can be sent there", "请对方更新; 过期后将无法发送"},

	"doctor.credentials.fine":              {"accepted (%[1]s)", "有效 (%[1]s)"},
	"doctor.credentials.offline":           {"not tried (`--online`)", "未检查 (`--online`)"},
	"doctor.credentials.no_ping":           {"the connector has no call to try them with", "此连接器没有可用于检验的接口"},
	"doctor.credentials.unauthorized":      {"refused: %[1]s", "被拒绝: %[1]s"},
	"doctor.credentials.unauthorized.mend": {"compare the connection's credentials with the vendor's console; a value by ${env:NAME} or ${file:PATH} may be an old one", "与对方后台核对凭据; 通过 ${env:NAME} 或 ${file:PATH} 引用的可能是旧值"},
	"doctor.credentials.forbidden":         {"not allowed: %[1]s", "没有权限: %[1]s"},
	"doctor.credentials.forbidden.mend":    {"grant the permission, or the hub's outgoing address, in the vendor's console", "在对方后台授予权限, 或加入本机的出口地址"},
	"doctor.credentials.unavailable":       {"the vendor cannot be asked: %[1]s", "无法访问对方: %[1]s"},
	"doctor.credentials.unavailable.mend":  {"see `reach`; when that is fine the vendor is down or in maintenance", "见 `reach`; 若其正常, 则对方停机或维护中"},
	"doctor.credentials.failed":            {"the trial failed: %[1]s", "检验失败: %[1]s"},
	"doctor.credentials.failed.mend":       {"look the code up in the vendor's documents (`minihub connectors describe` names them)", "在对方文档中查此代码 (`minihub connectors describe` 给出文档地址)"},

	"doctor.address.refused":      {"the vendor does not know our address %[1]s: %[2]s", "对方不接受我们的出口地址 %[1]s: %[2]s"},
	"doctor.address.refused.mend": {"put %[1]s on the allowlist in the vendor's console; give the hub a fixed outgoing address if it changes", "在对方后台将 %[1]s 加入 IP 白名单; 若地址会变, 请为服务配置固定出口"},

	"doctor.quota.used_up":      {"used up: %[1]s", "已用完: %[1]s"},
	"doctor.quota.used_up.mend": {"it goes on by itself after %[2]s; ask the vendor for more, or let jobs run less often", "%[2]s 后自动继续; 可向对方申请提高额度, 或降低任务频率"},
	"doctor.quota.near":         {"%[2]s of %[3]s calls of `%[1]s` were made in its span", "`%[1]s` 限制内已用 %[2]s / %[3]s 次"},
	"doctor.quota.near.mend":    {"sending waits by itself; with a larger allowance raise `limits_x` of the connection", "发送会自动等待; 若额度更大, 请提高连接的 `limits_x`"},

	"doctor.gate.paused":      {"paused by a person: %[1]s", "已被人工暂停: %[1]s"},
	"doctor.gate.paused.mend": {"`minihub connections resume %[2]s` lets it go on", "用 `minihub connections resume %[2]s` 恢复"},
	"doctor.gate.auth":        {"held back since the credentials were refused: %[1]s", "凭据被拒绝, 已停止发送: %[1]s"},
	"doctor.gate.auth.mend":   {"mend the credentials; it goes on by itself, or at once with `minihub connections resume %[2]s`", "更正凭据后会自动恢复, 或用 `minihub connections resume %[2]s` 立即恢复"},
	"doctor.gate.quota":       {"held back until %[2]s: %[1]s", "暂停发送至 %[2]s: %[1]s"},
	"doctor.gate.quota.mend":  {"nothing is lost; ask the vendor for a larger allowance", "不会丢失; 可向对方申请提高额度"},
	"doctor.gate.outage":      {"held back, tried again at %[2]s: %[1]s", "已停止发送, 将于 %[2]s 再试: %[1]s"},
	"doctor.gate.outage.mend": {"nothing is lost; `minihub doctor --online` tells where the way ends", "不会丢失; 用 `minihub doctor --online` 查看断在何处"},

	"doctor.gate.orphan":      {"the hub has no such connection, and %[1]s unfinished messages of it", "没有此连接, 却有它的 %[1]s 条未完成消息"},
	"doctor.gate.orphan.mend": {"put its file back, let it finish, and remove it with `minihub apply`; or give the messages up with a reason", "放回其文件, 待处理完后再用 `minihub apply` 移除; 或注明原因放弃这些消息"},

	"doctor.sign_in.fine":           {"the provider answers; registered there must be %[1]s to send people back to and %[2]s after signing out", "平台有响应; 须在该平台登记回调地址 %[1]s 和退出后的地址 %[2]s"},
	"doctor.sign_in.offline":        {"not asked (`--online`); registered at the provider must be %[1]s to send people back to and %[2]s after signing out", "未检查 (`--online`); 须在统一登录平台登记回调地址 %[1]s 和退出后的地址 %[2]s"},
	"doctor.sign_in.issuer":         {"the provider calls itself %[1]s, and people.oidc.issuer is %[2]s", "平台自称 %[1]s, 而 people.oidc.issuer 为 %[2]s"},
	"doctor.sign_in.issuer.mend":    {"write people.oidc.issuer in hub.yaml letter by letter as the provider calls itself, slashes at the end included", "把 hub.yaml 的 people.oidc.issuer 改成与平台自称完全一致, 包括结尾的斜杠"},
	"doctor.sign_in.discovery":      {"%[1]s does not say how to sign in there: %[2]s", "%[1]s 没有给出登录方式: %[2]s"},
	"doctor.sign_in.discovery.mend": {"see `reach`; %[1]s/.well-known/openid-configuration must answer with JSON, every address in it by TLS", "见 `reach`; %[1]s/.well-known/openid-configuration 须返回 JSON, 其中的地址须使用 TLS"},
	"doctor.sign_in.signing":        {"the provider signs by %[1]s; the hub takes %[2]s", "平台的签名算法为 %[1]s; 本系统接受 %[2]s"},
	"doctor.sign_in.signing.mend":   {"choose one of %[2]s for this client at the provider", "请在平台上为此客户端选择 %[2]s 之一"},
	"doctor.sign_in.challenge":      {"the provider does not say that it takes PKCE by S256 (%[1]s)", "平台未声明支持 S256 方式的 PKCE (%[1]s)"},
	"doctor.sign_in.challenge.mend": {"sign in once: when it is refused, turn PKCE by S256 on for this client at the provider", "请试登录一次; 若被拒绝, 请在平台上为此客户端启用 S256 方式的 PKCE"},
	"doctor.sign_in.scope":          {"the provider does not know the scope %[1]s; it names %[2]s", "平台没有 scope %[1]s; 它支持 %[2]s"},
	"doctor.sign_in.scope.mend":     {"correct people.oidc.scopes in hub.yaml, or add the scope at the provider", "更正 hub.yaml 的 people.oidc.scopes, 或在平台上添加该 scope"},

	"doctor.mapping.suspect":      {"fails more often since revision %[1]s: %[2]s of %[3]s", "自版本 %[1]s 起失败增多: %[2]s / %[3]s"},
	"doctor.mapping.suspect.mend": {"`minihub apply --back` returns to the revision before; then `minihub replay --code ... --start`", "用 `minihub apply --back` 回到之前的版本; 然后 `minihub replay --code ... --start`"},
}

var doctorHelp = map[string]string{
	"doctor":          "检查时钟、磁盘、数据存储、凭据、白名单、连通性和额度, 并给出处理办法",
	"doctor --online": "也访问各家系统: 时钟、连通性、凭据",
	"column CHECK":    "检查", "column OF": "对象",
	"state ok": "正常", "state warn": "警告", "state fail": "失败", "state skipped": "未查",
	"check disk": "磁盘", "check store": "存储", "check clock": "时钟", "check reach": "连通", "check credentials": "凭据", "check address": "出口地址",
	"check quota": "额度", "check gate": "闸门", "check mapping": "映射", "check files": "文件", "check sign_in": "登录",
}

// Fill returns a text whose places are numbered (%[1]s), so that it may leave some out;
// false when there is no such text.
func (t Texts) Fill(id ID, args ...string) (string, bool) {
	p, ok := messages[id]
	if !ok {
		return "", false
	}
	said := p.en
	if t.chinese {
		said = p.zh
	}
	var places []string
	for i, a := range args {
		places = append(places, "%["+strconv.Itoa(i+1)+"]s", a)
	}
	return strings.NewReplacer(places...).Replace(said), true
}
