package mapper

import (
	"sync"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/vm"
)

// language is what the expressions of one program share: the functions bound
// for the expression machine, the machines and the time zones.
type language struct {
	functions map[string]*Function
	bound     conf.FunctionsTable
	machines  sync.Pool
	zones     *zoneCache
}

func newLanguage() *language {
	l := &language{functions: map[string]*Function{}, bound: conf.FunctionsTable{}, zones: &zoneCache{}}
	l.machines.New = func() any { return &vm.VM{MemoryBudget: maxExprMemory} }
	for _, fn := range Functions() {
		l.functions[fn.Name] = fn
		l.bound[fn.Name] = &builtin.Function{Name: fn.Name, Func: bind(fn)}
	}
	for name, op := range operators() {
		l.bound[name] = &builtin.Function{Name: name, Func: op}
	}
	return l
}

// config is the expression library's configuration: our functions and nothing
// of its own. Strictness comes from the translation, which knows every name.
func (l *language) config() *conf.Config {
	c := conf.CreateNew()
	c.Functions = l.bound
	c.Optimize = false
	c.MaxNodes = maxExprNodes
	return c
}

// bind makes a function callable from an expression; the frame comes first.
func bind(fn *Function) func(params ...any) (any, error) {
	return func(params ...any) (any, error) {
		return fn.apply(params[0].(*frame), params[1:])
	}
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
