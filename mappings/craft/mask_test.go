package craft_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/minihub/minihub/mappings/craft"
)

// A mask keeps the shape and nothing else.
func TestMaskKeepsTheShape(t *testing.T) {
	t.Parallel()
	m := craft.NewMasker([]byte("a key that is invented"))
	for _, s := range []string{"13800005678", "+8613800005678", "张三", "张*", "浙江省杭州市余杭区示例路12号", "oINVENTED00000000000000000001", "zhou.li@example.test",
		"057100000000", "a1b2c3d4e5f60718", "请尽快发货\n谢谢🎁", "91330000INVENTED01", "0123", "Ångström", "17000000001-4321"} {
		got := m.Text(s)
		if got == s && s != "张*" {
			t.Errorf("%q is not masked", s)
		}
		if got != m.Text(s) {
			t.Errorf("%q is masked differently the second time", s)
		}
		if utf8.RuneCountInString(got) != utf8.RuneCountInString(s) {
			t.Errorf("%q becomes %q: another length", s, got)
		}
		g := []rune(got)
		for i, r := range []rune(s) {
			if class(r) != class(g[i]) {
				t.Errorf("%q becomes %q: character %d is of another kind", s, got, i)
			}
		}
	}
	for s, has := range map[string]string{"13800005678": "138", "+8613800005678": "+86138", "浙江省杭州市余杭区示例路12号": "路", "057100000000": "0", "zhou.li@example.test": "@xxxxxxx.xxxx"} {
		if got := m.Text(s); !strings.Contains(got, has) || strings.Contains(got, "5678") || strings.Contains(got, "示例") || strings.Contains(got, "zhou") {
			t.Errorf("%q becomes %q, which should have %q and nothing of the person", s, got, has)
		}
	}
	if craft.NewMasker([]byte("another")).Text("13800005678") == m.Text("13800005678") {
		t.Error("another key gives the same mask")
	}
}

func class(r rune) string {
	switch {
	case r >= '0' && r <= '9':
		return "digit"
	case r >= 'a' && r <= 'z':
		return "lower"
	case r >= 'A' && r <= 'Z':
		return "upper"
	case unicode.Is(unicode.Han, r):
		return "han"
	case unicode.IsLetter(r):
		return "lower"
	}
	return string(r)
}

// Personal places are masked, the same value everywhere, unknown places wholly, the rest
// not at all.
func TestMaskADocument(t *testing.T) {
	t.Parallel()
	doc := tree(t, `{"no": "A-1", "phone": "13800005678", "name": "张三丰", "note": "张三丰 13800005678 来电", "status": "paid", "qty": 3, "card": 6222000000000001,
		"extra": {"who": "李四", "n": 12, "ok": true, "status": "paid"}, "lines": [{"sku": "TEE", "name": "李四"}]}`)
	hidden := tree(t, `{"no": "A-1", "phone": "138****5678", "name": "张**", "note": "张三丰 13800005678 来电", "status": "paid", "qty": 3, "card": "***",
		"extra": {"who": "李四", "n": 12, "ok": true, "status": "paid"}, "lines": [{"sku": "TEE", "name": "李*"}]}`)
	m := craft.NewMasker([]byte("k"))
	got := m.Document(doc, hidden, shape{"no": nil, "phone": nil, "name": nil, "note": nil, "status": nil, "qty": nil, "card": nil,
		"lines": list{shape{"sku": nil, "name": nil}}}).(map[string]any)
	if got["no"] != "A-1" || got["status"] != "paid" || got["qty"] != json.Number("3") {
		t.Errorf("what is not personal is changed: %v", got)
	}
	phone, name := got["phone"].(string), got["name"].(string)
	if phone == "13800005678" || name == "张三丰" || got["note"] != name+" "+phone+" 来电" {
		t.Errorf("the personal values become %v", got)
	}
	if card, is := got["card"].(json.Number); !is || len(card) != 16 || card == "6222000000000001" {
		t.Errorf("the number becomes %v", got["card"])
	}
	extra := got["extra"].(map[string]any)
	if extra["who"] == "李四" || extra["status"] == "paid" || extra["n"] == json.Number("12") || extra["ok"] != true {
		t.Errorf("a place nobody knows keeps %v", extra)
	}
	line := got["lines"].([]any)[0].(map[string]any)
	if line["sku"] != "TEE" || line["name"] != extra["who"] {
		t.Errorf("the line is %v, the same name elsewhere %v", line, extra["who"])
	}
	if m.Masked < 6 {
		t.Errorf("only %d values are counted", m.Masked)
	}
	if got := m.Foreign("call 13900000000"); got == "call 13900000000" {
		t.Errorf("a mobile number of another document stays: %q", got)
	}
	if got := m.Foreign("37290000139000000005170"); got != "37290000139000000005170" {
		t.Errorf("an order number is taken for a phone: %q", got)
	}
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{"13800005678", "张三", "a@b", "\xff", "0", "+86 138 0000 5678", "示例路1号示例路1号"} {
		f.Add(s)
	}
	m := craft.NewMasker([]byte("k"))
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		if got := m.Text(s); utf8.RuneCountInString(got) != utf8.RuneCountInString(s) {
			t.Fatalf("%q becomes %q", s, got)
		}
	})
}
