package mapper

import "fmt"

// Function is one function of the mapping language, described as data: the
// guide's table is generated from it and a test runs its examples.
type Function struct {
	Name     string
	Group    string // the section of the guide
	Params   []Param
	Result   string // text, number, boolean, list, object, or "" when it depends
	Text     string // one sentence
	Examples []Example

	variadic bool // the last parameter may repeat
	slot     int  // the parameter a converter's value fills
	nulls    bool // called even when its first argument is nothing
	reads    bool // depends on more than its arguments
	fresh    bool // the result is a new list or object that nothing else holds
	call     func(f *frame, args []any) (any, error)
}

// Param is a parameter of a function.
type Param struct {
	Name     string
	Optional bool
	kind     literalKind
}

// Example is an expression and its result as JSON, or the code of its error.
type Example struct {
	Expr   string
	Result string
	Error  string
}

// literalKind says what a parameter accepts where it is written as a literal,
// so that a typo is found when the mapping is compiled.
type literalKind int

const (
	anyLiteral literalKind = iota
	modeLiteral
	zoneLiteral
	layoutLiteral
	parseLayoutLiteral
	currencyLiteral
	digitsLiteral
	countLiteral
	decimalLiteral
	pathLiteral
	tableLiteral
)

// Functions lists every function, by group.
func Functions() []*Function {
	var all []*Function
	all = append(all, moneyFunctions()...)
	all = append(all, numberFunctions()...)
	all = append(all, splitFunctions()...)
	all = append(all, timeFunctions()...)
	all = append(all, textFunctions()...)
	all = append(all, encodingFunctions()...)
	all = append(all, addressFunctions()...)
	all = append(all, phoneFunctions()...)
	all = append(all, listFunctions()...)
	all = append(all, valueFunctions()...)
	return all
}

// Signature writes the function as it is called.
func (fn *Function) Signature() string {
	s := fn.Name + "("
	for i, p := range fn.Params {
		if i > 0 {
			s += ", "
		}
		name := p.Name
		if fn.variadic && i == len(fn.Params)-1 {
			name += "..."
		}
		if p.Optional {
			name = "[" + name + "]"
		}
		s += name
	}
	return s + ")"
}

// arity checks the number of arguments.
func (fn *Function) arity(n int) *fault {
	least := 0
	for _, p := range fn.Params {
		if !p.Optional {
			least++
		}
	}
	if n < least || (n > len(fn.Params) && !fn.variadic) {
		return &fault{code: CodeFunction, text: fmt.Sprintf("%s does not take %d arguments", fn.Name, n), hint: "write " + fn.Signature()}
	}
	return nil
}

// param is the parameter that argument i belongs to.
func (fn *Function) param(i int) Param {
	if i >= len(fn.Params) {
		i = len(fn.Params) - 1
	}
	return fn.Params[i]
}

// apply calls the function within the run's limits.
func (fn *Function) apply(f *frame, args []any) (any, error) {
	if err := f.charge(1); err != nil {
		return nil, err
	}
	if !fn.nulls && len(args) > 0 && args[0] == nil {
		return nil, nil
	}
	v, err := fn.call(f, args)
	if err != nil {
		return nil, inFunction(fn.Name, err)
	}
	return fn.done(f, v)
}

// done charges for a function's result.
func (fn *Function) done(f *frame, v any) (any, error) {
	switch x := v.(type) {
	case string:
		if len(x) > maxTextBytes {
			return nil, &fault{code: CodeLimit, text: fn.Name + " builds a text that is too long"}
		}
		return v, f.charge(len(x) / 256)
	case []any:
		return v, f.charge(len(x))
	}
	return v, nil
}

// inFunction puts the function's name before a fault's text.
func inFunction(name string, err error) error {
	ft, ok := err.(*fault)
	if !ok || ft.missing != nil || ft.code == CodeLimit {
		return err
	}
	named := *ft
	named.text = name + ": " + ft.text
	return &named
}

// checkLiteral checks an argument written as a literal in the mapping.
func checkLiteral(zones *zoneCache, kind literalKind, v any) *fault {
	var err error
	switch kind {
	case modeLiteral:
		_, err = modeArg(v)
	case zoneLiteral:
		_, err = zones.load(v)
	case layoutLiteral:
		_, err = layoutArg(v)
	case parseLayoutLiteral:
		_, err = layoutArg(v)
	case currencyLiteral:
		_, err = currencyArg(v)
	case digitsLiteral:
		_, err = digitsArg(v)
	case countLiteral:
		_, err = countArg(v)
	case decimalLiteral:
		_, err = decArg(v)
	case pathLiteral:
		_, err = pathArg(v)
	}
	if err == nil {
		return nil
	}
	if ft, ok := err.(*fault); ok {
		return &fault{code: CodeFunction, text: ft.text, hint: ft.hint}
	}
	return &fault{code: CodeFunction, text: err.Error()}
}

// Short constructors keep the tables of functions readable.
func arg(name string) Param                   { return Param{Name: name} }
func opt(name string) Param                   { return Param{Name: name, Optional: true} }
func lit(name string, k literalKind) Param    { return Param{Name: name, kind: k} }
func optLit(name string, k literalKind) Param { return Param{Name: name, Optional: true, kind: k} }
func params(ps ...Param) []Param              { return ps }
func gives(expr, result string) Example       { return Example{Expr: expr, Result: result} }
func fails(expr, code string) Example         { return Example{Expr: expr, Error: code} }
func examples(es ...Example) []Example        { return es }
func group(name string, fns ...*Function) []*Function {
	for _, fn := range fns {
		fn.Group = name
	}
	return fns
}
