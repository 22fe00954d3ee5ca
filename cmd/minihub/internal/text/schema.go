package text

// The texts of `schema`.
const (
	SchemaWrote    ID = "schema.wrote"
	SchemaSame     ID = "schema.same"
	SchemaLine     ID = "schema.line"
	SchemaSettings ID = "schema.settings"
	SchemaNoKind   ID = "schema.kind"
	SchemaNoDir    ID = "schema.dir"
	SchemaUnread   ID = "schema.unread"
	InferFile      ID = "infer.file"
	InferEmpty     ID = "infer.empty"
	InferName      ID = "infer.name"
	InferMapping   ID = "infer.mapping"
	InferWrote     ID = "infer.wrote"
	InferExists    ID = "infer.exists"
	InferNext      ID = "infer.next"
)

var schemaMessages = map[ID]pair{
	SchemaWrote:    {"%s: schemas of %d kinds of files, %d of them new or changed", "%s: 共 %d 种文件的结构, 其中 %d 个是新的或有变化"},
	SchemaSame:     {"%s: schemas of %d kinds of files, all as they were", "%s: 共 %d 种文件的结构, 没有变化"},
	SchemaLine:     {"A file names its schema in its first line, as those of `minihub init` do: %s", "文件用第一行指明它的结构, `minihub init` 写出的文件就是这样: %s"},
	SchemaSettings: {"For Visual Studio Code with the YAML extension, .vscode/settings.json does the same for all files:", "使用带 YAML 扩展的 Visual Studio Code 时, .vscode/settings.json 可一次指明全部文件:"},
	SchemaNoKind:   {"there is no kind of file %q (%s)", "没有 %q 这种文件 (%s)"},
	SchemaNoDir:    {"%s is not a folder that can be written to (name the deployment's directory)", "%s 不是可写的目录 (请给出部署目录)"},
	SchemaUnread:   {"%s: its fields are not in the schema until the file can be read", "%s: 在文件可读之前, 结构中没有它的字段"},
	InferFile:      {"%s:%d:%d: %s", "%s:%d:%d: %s"},
	InferEmpty:     {"%s holds no document (give JSON, a JSON list, or JSON Lines)", "%s 中没有文档 (请给出 JSON、JSON 列表或 JSON Lines)"},
	InferName:      {"--name %q is not VENDOR/DOCUMENT (use small letters, digits, - and _, for instance teashop/order)", "--name %q 不是 厂商/文档 的形式 (请用小写字母、数字、- 和 _, 例如 teashop/order)"},
	InferMapping:   {"--mapping %q is no canonical document (%s)", "--mapping %q 不是标准文档 (%s)"},
	InferWrote:     {"wrote %s", "已写入 %s"},
	InferExists:    {"%s is there already; nothing was written (take it away, or choose another --name)", "%s 已经存在; 没有写入任何内容 (请先移走它, 或换一个 --name)"},
	InferNext:      {"Read both: everything in them is a guess from %d documents. `minihub map try -f %s SAMPLE.json` shows what the mapping gives.", "请逐行检查: 其中都是由 %d 个文档推测的。`minihub map try -f %s SAMPLE.json` 显示映射的结果。"},
}

var schemaHelp = map[string]string{
	"schema":                 "供编辑器使用的结构, 以及由样例起草结构和映射",
	"schema list":            "列出各种 YAML 文件的结构",
	"schema print":           "输出一种 YAML 文件的 JSON Schema",
	"schema write":           "把各种 YAML 文件的结构写入部署的 .schemas/",
	"schema infer":           "由样例文档起草厂商文档的结构和映射",
	"schema infer --name":    "厂商/文档, 例如 teashop/order",
	"schema infer --mapping": "另起草一份到此标准文档的映射, 例如 canonical/order",
	"schema infer --write":   "写入部署目录中的 schemas/ 和 mappings/, 而不是输出",
	"column FILES":           "文件",
}
