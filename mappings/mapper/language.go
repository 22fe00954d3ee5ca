package mapper

import (
	"sync"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
)

// language is what the expressions of one program share: the functions and
// the time zones.
type language struct {
	functions map[string]*Function
	zones     *zoneCache
}

func newLanguage() *language { return &language{functions: functionTable(), zones: &zoneCache{}} }

// functionTable is every function by name; it never changes.
var functionTable = sync.OnceValue(func() map[string]*Function {
	table := map[string]*Function{}
	for _, fn := range Functions() {
		table[fn.Name] = fn
	}
	return table
})

// parserNames tells the parser of the expression library which of its own
// functions are replaced by ours.
var parserNames = sync.OnceValue(func() conf.FunctionsTable {
	names := conf.FunctionsTable{}
	for name := range functionTable() {
		names[name] = &builtin.Function{Name: name}
	}
	return names
})

// config is the expression library's configuration: our functions and nothing
// of its own. Strictness comes from the translation, which knows every name.
func (l *language) config() *conf.Config {
	c := conf.CreateNew()
	c.Functions = parserNames()
	c.Optimize = false
	c.MaxNodes = maxExprNodes
	return c
}

// functionNames lists what can be called, for suggestions.
func (l *language) functionNames() []string {
	names := make([]string, 0, len(l.functions)+len(loops))
	for name := range l.functions {
		names = append(names, name)
	}
	for name := range loops {
		names = append(names, name)
	}
	return names
}

// loops are the functions of the expression library that take a condition or
// an expression over a list's items; they are the only ones kept.
var loops = map[string]string{
	"all":    "boolean",
	"none":   "boolean",
	"any":    "boolean",
	"one":    "boolean",
	"filter": "list",
	"map":    "list",
	"find":   "",
}
