package qimensim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

type kind int

const (
	text   kind = iota // at most max characters
	code               // text without white space
	money              // yuan, at most two decimals, not negative
	count              // whole number above zero
	number             // whole number, zero allowed
	moment             // yyyy-MM-dd HH:mm:ss
	day                // yyyy-MM-dd
	clock              // HH:mm:ss
	words              // one of words
	flags              // any of words, joined by ^
	group              // of
	list               // elements named item, each of
	props              // free names with text
)

// field is one row of a vendor's table. max 0 means 50 characters.
type field struct {
	name  string
	must  bool
	kind  kind
	max   int
	words []string
	item  string
	of    []field
}

var (
	moneyShape  = regexp.MustCompile(`^[0-9]{1,16}(\.[0-9]{1,2})?$`)
	numberShape = regexp.MustCompile(`^(0|[1-9][0-9]{0,9})$`)
)

// china is the zone of every time in the protocol.
func china() *time.Location { return time.FixedZone("CST", 8*3600) }

const momentLayout = "2006-01-02 15:04:05"

// check compares the children of n with a table and returns what is wrong, in
// the order of the table, or "".
func check(path string, n *node, table []field) string {
	seen := map[string]bool{}
	for _, k := range n.kids {
		at := slices.IndexFunc(table, func(f field) bool { return f.name == k.name })
		switch {
		case at < 0:
			return fmt.Sprintf("%s 含有未知节点 %s", path, k.name)
		case seen[k.name]:
			return fmt.Sprintf("%s.%s 重复出现", path, k.name)
		}
		seen[k.name] = true
	}
	if len(n.kids) == 0 && strings.TrimSpace(n.text) != "" {
		return path + " 应为节点，不是文本"
	}
	for _, f := range table {
		k := n.child(f.name)
		where := path + "." + f.name
		if k == nil || len(k.kids) == 0 && strings.TrimSpace(k.text) == "" {
			if f.must {
				return where + " 不能为空"
			}
			continue
		}
		if wrong := f.value(where, k); wrong != "" {
			return wrong
		}
	}
	return ""
}

func (f field) value(where string, k *node) string {
	switch f.kind {
	case group:
		return check(where, k, f.of)
	case list:
		if len(k.kids) == 0 {
			return where + " 应为列表，不是文本"
		}
		for i, row := range k.kids {
			if row.name != f.item {
				return fmt.Sprintf("%s 含有未知节点 %s", where, row.name)
			}
			if wrong := check(fmt.Sprintf("%s.%s[%d]", where, f.item, i+1), row, f.of); wrong != "" {
				return wrong
			}
		}
		return ""
	case props:
		for _, p := range k.kids {
			if len(p.kids) > 0 || utf8.RuneCountInString(p.text) > 1000 {
				return where + "." + p.name + " 应为文本，最长1000"
			}
		}
		return ""
	}
	if len(k.kids) > 0 {
		return where + " 应为文本"
	}
	return f.leaf(where, k.text)
}

func (f field) leaf(where, v string) string {
	limit := f.max
	if limit == 0 {
		limit = 50
	}
	if utf8.RuneCountInString(v) > limit && f.kind != flags {
		return fmt.Sprintf("%s 超过最大长度 %d", where, limit)
	}
	if strings.ContainsFunc(v, func(r rune) bool { return r > 0xFFFF || r < ' ' && r != '\n' && r != '\t' && r != '\r' }) {
		return where + " 含有不支持的字符"
	}
	ok, want := true, ""
	switch f.kind {
	case code:
		ok, want = !strings.ContainsAny(v, " \t\r\n\u3000"), "不含空白的编码"
	case money:
		ok, want = moneyShape.MatchString(v), "最多两位小数的金额"
	case count:
		ok, want = numberShape.MatchString(v) && v != "0", "正整数"
	case number:
		ok, want = numberShape.MatchString(v), "非负整数"
	case moment:
		ok, want = isTime(momentLayout, v), "yyyy-MM-dd HH:mm:ss"
	case day:
		ok, want = isTime("2006-01-02", v), "yyyy-MM-dd"
	case clock:
		ok, want = isTime("15:04:05", v), "HH:mm:ss"
	case words:
		ok, want = slices.Contains(f.words, v), strings.Join(f.words, "/")
	case flags:
		want = strings.Join(f.words, "^")
		for one := range strings.SplitSeq(v, "^") {
			ok = ok && slices.Contains(f.words, one)
		}
	}
	if !ok {
		return fmt.Sprintf("%s 格式错误，应为 %s", where, want)
	}
	return ""
}

// isTime also refuses what Parse forgives, such as a fraction of a second.
func isTime(layout, v string) bool {
	t, err := time.ParseInLocation(layout, v, china())
	return err == nil && t.Format(layout) == v
}
