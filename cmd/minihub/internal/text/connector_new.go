package text

// The texts of `connectors new` and `connectors declare`.
const (
	NewDone       ID = "new.done"
	NewFile       ID = "new.file"
	NewNext       ID = "new.next"
	NewTest       ID = "new.test"
	NewGet        ID = "new.get"
	NewTidy       ID = "new.tidy"
	NewBuild      ID = "new.build"
	NewDeclare    ID = "new.declare"
	NewConnection ID = "new.connection"
	NewBuiltin    ID = "new.builtin"
	NewSims       ID = "new.sims"
	NewEdit       ID = "new.edit"
	NewGuide      ID = "new.guide"
	NewBadForm    ID = "new.name_form"
	NewReserved   ID = "new.name_reserved"
	NewSimName    ID = "new.name_sim"
	NewExists     ID = "new.exists"
	NewModule     ID = "new.module"
	NewNoDir      ID = "new.dir"
	NewNoCheckout ID = "new.checkout"
	DeclareNone   ID = "declare.command"
	DeclareFailed ID = "declare.failed"
)

var newMessages = map[ID]pair{
	NewDone:       {"%s: a connector that speaks an invented protocol, with a simulator of it; %d files in %s", "%s: 已生成连接器及其模拟系统 (协议是虚构的), 共 %d 个文件, 位于 %s"},
	NewFile:       {"  %s", "  %s"},
	NewNext:       {"Next:", "接下来:"},
	NewTest:       {"  go test ./connectors/%s/...   passes the conformance suite as it is", "  go test ./connectors/%s/...   现在就能通过一致性测试"},
	NewGet:        {"  go get %s@latest && go mod tidy", "  go get %s@latest && go mod tidy"},
	NewTidy:       {"  go mod tidy", "  go mod tidy"},
	NewBuild:      {"  go build -o bin/%s ./cmd/%s   makes the program", "  go build -o bin/%s ./cmd/%s   编译程序"},
	NewDeclare:    {"  minihub connectors declare %s -- ./bin/%s > connectors/%s.yaml   describes it to a hub", "  minihub connectors declare %s -- ./bin/%s > connectors/%s.yaml   生成给 hub 的描述"},
	NewConnection: {"  then copy bin/, connectors/%s.yaml, mappings/%s and schemas/vendors/%s into a deployment", "  然后把 bin/, connectors/%s.yaml, mappings/%s 和 schemas/vendors/%s 复制到部署目录"},
	NewBuiltin:    {"  add %s.Connector() to connectors/builtin/builtin.go", "  在 connectors/builtin/builtin.go 中加入 %s.Connector()"},
	NewSims:       {"  add %ssim to cmd/minihub/internal/sims/sims.go, so that `minihub sim` runs it", "  在 cmd/minihub/internal/sims/sims.go 中加入 %ssim, 使 `minihub sim` 运行它"},
	NewEdit:       {"  put the vendor's protocol in place of the invented one: first %ssim, then errors.go, then the rest", "  用真实协议替换虚构协议: 先改 %ssim, 再改 errors.go, 然后其余部分"},
	NewGuide:      {"  docs/new-connector.md goes on from there", "  后续步骤见 docs/new-connector.md"},
	NewBadForm:    {"%q is not a name of a connector (use 2 to 30 small letters and digits, a letter first)", "%q 不能作为连接器名称 (2 到 30 个小写字母和数字, 以字母开头)"},
	NewReserved:   {"%q is a word of Go or of minihub (choose another name: the vendor's, in one word)", "%q 是 Go 或 minihub 的保留词 (请换一个名称, 例如厂商名的一个词)"},
	NewSimName:    {"%q ends in sim, as simulators do (choose another name)", "%q 以 sim 结尾, 那是模拟系统的名称 (请换一个名称)"},
	NewExists:     {"%s is there already; nothing was written (choose another name, or take it away)", "%s 已经存在; 没有写入任何内容 (请换一个名称, 或先移走它)"},
	NewModule:     {"%s (--dir names the root of a module, or a folder without go.mod that becomes one)", "%s (--dir 应是模块的根目录, 或一个没有 go.mod 的目录)"},
	NewNoDir:      {"%s is not a folder that can be read (make it first: mkdir -p %s)", "%s 不是可读的目录 (请先创建: mkdir -p %s)"},
	NewNoCheckout: {"--minihub: %s", "--minihub: %s"},
	DeclareNone:   {"no command says which program to ask (minihub connectors declare NAME -- COMMAND ...)", "没有给出要询问的程序 (minihub connectors declare 名称 -- 命令 ...)"},
	DeclareFailed: {"%s (docs/external-protocol.md says what the program must answer)", "%s (程序应如何回答见 docs/external-protocol.md)"},
}

var newHelp = map[string]string{
	"connectors new":           "写出一个新连接器的开头: 连接器、模拟系统、映射、结构和测试",
	"connectors new --dir":     "模块的根目录; 没有 go.mod 的目录会成为一个私有连接器的模块",
	"connectors new --module":  "新 go.mod 的模块路径; 默认 example.com/名称",
	"connectors new --minihub": "新 go.mod 使用这个 minihub 源码目录, 而不是已发布的版本",
	"connectors declare":       "询问一个程序声明了什么, 输出 connectors/名称.yaml",
}
