package sfexpresssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

type kind int

const (
	text     kind = iota // a JSON string of at most max characters
	whole                // a whole number, as number or as digits in a string, one of values if given
	decimal              // a number not below zero with at most three decimals, as number or string
	moment               // yyyy-MM-dd HH:mm:ss
	object               // of; free when of is nil
	list                 // objects, each of
	anything             // checked elsewhere
)

// field is one row of a vendor's table. must is the code of its absence, empty
// when it may be absent; max 0 means 100 characters.
type field struct {
	name   string
	must   string
	kind   kind
	max    int
	values []string
	bad    string // the code of a wrong value; empty means S0007
	of     []field
}

// failure is a business answer with success false.
type failure struct{ code, text string }

var (
	wholeShape   = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})$`)
	decimalShape = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,3})?$`)
)

const momentLayout = "2006-01-02 15:04:05"

// china is the zone of every time in the protocol.
func china() *time.Location { return time.FixedZone("CST", 8*3600) }

// decode reads msgData: one JSON object in UTF-8, nothing after it.
func decode(raw string) (map[string]any, error) {
	if !utf8.ValidString(raw) {
		return nil, errors.New("msgData is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(raw)))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something after the JSON")
	}
	m, ok := doc.(map[string]any)
	if !ok {
		return nil, errNotObject
	}
	return m, nil
}

var errNotObject = errors.New("msgData is not an object")

// check compares an object with a table, in the order of the table.
func check(path string, doc map[string]any, table []field) *failure {
	for name := range doc {
		if !slices.ContainsFunc(table, func(f field) bool { return f.name == name }) {
			return &failure{"S0007", "参数未定义: " + path + name}
		}
	}
	for _, f := range table {
		v := doc[f.name]
		if s, ok := v.(string); v == nil || ok && strings.TrimSpace(s) == "" {
			if f.must != "" {
				return &failure{f.must, "必填参数为空: " + path + f.name}
			}
			continue
		}
		if bad := f.value(path+f.name, v); bad != nil {
			return bad
		}
	}
	return nil
}

func (f field) value(path string, v any) *failure {
	wrong := func(want string) *failure {
		code := f.bad
		if code == "" {
			code = "S0007"
		}
		return &failure{code, fmt.Sprintf("参数类型或取值错误: %s 应为 %s", path, want)}
	}
	switch f.kind {
	case text, moment:
		s, ok := v.(string)
		if !ok {
			return wrong("string")
		}
		limit := f.max
		if limit == 0 {
			limit = 100
		}
		if utf8.RuneCountInString(s) > limit {
			return &failure{"S0004", fmt.Sprintf("参数超过最大长度%d: %s", limit, path)}
		}
		if f.kind == moment && !isMoment(s) {
			return wrong("yyyy-MM-dd HH:mm:ss")
		}
		if f.values != nil && !slices.Contains(f.values, s) {
			return wrong(strings.Join(f.values, "/"))
		}
	case whole:
		if !wholeShape.MatchString(digits(v)) || f.values != nil && !slices.Contains(f.values, digits(v)) {
			return wrong("int " + strings.Join(f.values, "/"))
		}
	case decimal:
		if !decimalShape.MatchString(digits(v)) {
			return wrong("number, 最多3位小数")
		}
	case object:
		m, ok := v.(map[string]any)
		if !ok {
			return wrong("object")
		}
		if f.of != nil {
			return check(path+".", m, f.of)
		}
	case list:
		rows, ok := v.([]any)
		if !ok {
			return wrong("array")
		}
		if len(rows) == 0 && f.must != "" {
			return &failure{f.must, "必填参数为空: " + path}
		}
		for i, row := range rows {
			m, ok := row.(map[string]any)
			if !ok {
				return wrong("array of objects")
			}
			if bad := check(fmt.Sprintf("%s[%d].", path, i), m, f.of); bad != nil {
				return bad
			}
		}
	case anything:
	}
	return nil
}

// digits is the text of a number, whichever way it came; empty for anything else.
func digits(v any) string {
	switch n := v.(type) {
	case json.Number:
		return n.String()
	case string:
		return n
	}
	return ""
}

func str(doc map[string]any, name string) string {
	s, _ := doc[name].(string)
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return s
}

func rows(doc map[string]any, name string) []map[string]any {
	list, _ := doc[name].([]any)
	out := make([]map[string]any, 0, len(list))
	for _, row := range list {
		if m, ok := row.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func isMoment(s string) bool {
	t, err := time.ParseInLocation(momentLayout, s, china())
	return err == nil && t.Format(momentLayout) == s
}
