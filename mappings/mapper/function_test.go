package mapper

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tables is a set of lookup tables for tests.
type tables map[string]map[string]any

func (ts tables) Has(table string) bool { _, ok := ts[table]; return ok }
func (ts tables) Get(table, key string) (any, bool) {
	v, ok := ts[table][key]
	return v, ok
}

var carriers = tables{"carriers": {"SF": "shunfeng"}}

// evalText runs an expression over an empty document and writes its result as
// JSON; code is the code of a compile or run error.
func evalText(t *testing.T, src string) (result, code string) {
	t.Helper()
	src = "mapping: example\nfields:\n- {to: out, expr: " + quoteYAML(src) + ", default: null}\n"
	p, err := Compile("example.yaml", []byte(src), Options{Lookups: carriers})
	var ps Problems
	if errors.As(err, &ps) {
		return ps.Error(), ps[0].Code
	}
	out, err := p.Run(map[string]any{}, Context{})
	var es *RunErrors
	if errors.As(err, &es) {
		return es.Error(), es.Errors[0].Code
	}
	b, err := json.Marshal(out.(map[string]any)["out"])
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(b)), ""
}

func quoteYAML(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func TestFunctionExamples(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, fn := range Functions() {
		if seen[fn.Name] {
			t.Errorf("%s is there twice", fn.Name)
		}
		seen[fn.Name] = true
		if len(fn.Examples) == 0 || fn.Text == "" || !strings.HasSuffix(fn.Text, ".") {
			t.Errorf("%s lacks an example or a sentence", fn.Name)
		}
		for _, ex := range fn.Examples {
			result, code := evalText(t, ex.Expr)
			if code != ex.Error {
				t.Errorf("%s: code %q, want %q: %s", ex.Expr, code, ex.Error, result)
				continue
			}
			if ex.Error == "" && result != ex.Result {
				t.Errorf("%s: %s", ex.Expr, cmp.Diff(ex.Result, result))
			}
		}
	}
}
