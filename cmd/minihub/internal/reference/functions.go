package reference

import (
	"fmt"
	"strings"

	"github.com/minihub/minihub/mappings/mapper"
)

const generated = "<!-- Generated from the code by `make reference`; a test holds it to the code. -->\n\n"

// groups are the headings of the functions in Chinese; a test holds them complete.
var groups = map[string]string{
	"Money": "金额", "Numbers": "数字", "Splitting and tax": "分摊与税", "Times": "时间", "Text": "文本", "Encodings": "编码", "Chinese addresses": "中国地址", "Phones": "电话",
	"Lists": "列表", "Values and lookups": "取值与对照表",
}

// cell writes text into a table.
var cell = strings.NewReplacer("|", `\|`, "\n", " ")

// Functions is the page of the mapping language's functions, with every example.
func Functions() string {
	var b strings.Builder
	b.WriteString("# Functions of mappings · 映射函数\n\n" + generated +
		"Rows call them in `expr`, `when` and `each`, and as `convert` with the value left out; flows call them in `when` and `key`.\n" +
		"How rows and expressions work: [mappings/README.md](../../mappings/README.md). A missing first argument gives nothing, unless\n" +
		"the text says otherwise. A test runs every example; *error* names the code that it ends with.\n" +
		"\n在 `expr`、`when`、`each` 中直接调用, 在 `convert` 中省略第一个参数。每个示例都由测试执行。\n")
	last := ""
	for _, fn := range mapper.Functions() {
		if fn.Group != last {
			last = fn.Group
			title := fn.Group
			if zh := groups[fn.Group]; zh != "" {
				title += " · " + zh
			}
			fmt.Fprintf(&b, "\n## %s\n\n| function | gives | what it does | examples |\n|---|---|---|---|\n", title)
		}
		var examples []string
		for _, ex := range fn.Examples {
			result := "`" + ex.Result + "`"
			if ex.Error != "" {
				result = "*error* `" + ex.Error + "`"
			}
			examples = append(examples, "`"+ex.Expr+"` → "+result)
		}
		gives := fn.Result
		if gives == "" {
			gives = "any"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", fn.Signature(), gives, cell.Replace(fn.Text), cell.Replace(strings.Join(examples, "<br>")))
	}
	return b.String()
}
