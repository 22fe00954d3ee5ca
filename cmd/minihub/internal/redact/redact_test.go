package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// order is what the tests' calls are about: the document and its masked copy.
func order() *Known {
	k := New()
	k.Document(
		map[string]any{"order_no": "SO-2026-0001", "sku": "A-100", "city": "上海市", "total": json.Number("12345678.90"), "name": "张三丰",
			"phone": "13800005678", "address": "上海市徐汇区漕溪北路88号3401室", "email": "zhou@example.test", "note": "请尽快发货谢谢", "id": "11010519491231002X"},
		map[string]any{"order_no": "SO-2026-0001", "sku": "A-100", "city": "上海市", "total": json.Number("12345678.90"), "name": "张**",
			"phone": "138****5678", "address": "***", "email": "z***@example.test", "note": "***", "id": "****002X"})
	k.Vouch("K-77", "10000567")
	return k
}

func TestRequests(t *testing.T) {
	for name, tc := range map[string]struct{ body, want, format string }{
		"json": {`{"so_id":"SO-2026-0001","receiver_name":"张三丰","receiver_mobile":"13800005678","pay":12345678.90,"sign":"0f0f","items":[{"sku":"A-100","qty":2}],"method":"jushuitan.orders.upload"}`,
			"{\n  \"so_id\": \"SO-2026-0001\",\n  \"receiver_name\": \"••••(张**)\",\n  \"receiver_mobile\": \"••••(138****5678)\",\n  \"pay\": 12345678.90,\n  \"sign\": \"••••\",\n" +
				"  \"items\": [\n    {\n      \"sku\": \"A-100\",\n      \"qty\": 2\n    }\n  ],\n  \"method\": \"jushuitan.orders.upload\"\n}", JSON},
		"form around json": {"serviceCode=EXP_RECE_CREATE_ORDER&msgDigest=abc%3D&msgData=" + url.QueryEscape(`{"tel":"13800005678"}`),
			"serviceCode=EXP_RECE_CREATE_ORDER\nmsgDigest=••••\nmsgData={\n  \"tel\": \"••••(138****5678)\"\n}", Form},
		"xml": {`<request v="1"><orderCode>SO-2026-0001</orderCode><name>张三&#20016;</name><empty/></request>`,
			"<request v=\"1\">\n  <orderCode>SO-2026-0001</orderCode>\n  <name>••••(张**)</name>\n  <empty/>\n</request>", XML},
		"joined":           {`{"line":"张三丰 13800005678 徐汇区"}`, "{\n  \"line\": \"••••(text 19)\"\n}", JSON},
		"somebody else":    {`{"buyer_name":"John","lang":"zh-CN","x":"李四"}`, "{\n  \"buyer_name\": \"••••(text 4)\",\n  \"lang\": \"zh-CN\",\n  \"x\": \"••••(text 2)\"\n}", JSON},
		"cut off":          {`{"a":1,"b":{"c":"SO-2026-0001","d":"half of a te…`, "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": \"SO-2026-0001\"\n  }\n}", JSON},
		"broken":           {`{"a":1,`, "••••(json 7)", JSON},
		"statement":        {`INSERT INTO orders (no, name) VALUES ('SO-2026-0001', '张三丰', 13800005678)`, `INSERT INTO orders (no, name) VALUES ('SO-2026-0001', '••••', ••••)`, Text},
		"nothing":          {"", "", None},
		"opaque":           {`{"data":"q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ"}`, "{\n  \"data\": \"••••(text 32)\"\n}", JSON},
		"keyed by a phone": {`{"13800005678":{"n":1}}`, "{\n  \"••••(name 11)\": {\n    \"n\": 1\n  }\n}", JSON},
	} {
		t.Run(name, func(t *testing.T) {
			got := order().Request(tc.body)
			if got.Text != tc.want || got.Format != tc.format || got.Bytes != len(tc.body) {
				t.Errorf("%s %d %s\nwant %s", got.Format, got.Bytes, got.Text, tc.want)
			}
			if (got.Hidden > 0) != strings.Contains(got.Text, Dots) {
				t.Errorf("hidden %d of %s", got.Hidden, got.Text)
			}
		})
	}
}

func TestResponses(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"a success": {`{"code":0,"issuccess":true,"msg":null,"requestId":"a1b2","data":{"o_id":10000567,"so_id":"SO-2026-0001"}}`,
			"{\n  \"code\": 0,\n  \"issuccess\": true,\n  \"msg\": null,\n  \"requestId\": \"a1b2\",\n  \"data\": {\n    \"o_id\": 10000567,\n    \"so_id\": \"SO-2026-0001\"\n  }\n}"},
		"an echo":            {`{"msg":"收件人张三丰的电话 138-0000-5678 不正确 (SO-2026-0001)"}`, "{\n  \"msg\": \"收件人••••的电话 •••• 不正确 (SO-2026-0001)\"\n}"},
		"a part of it":       {`{"errmsg":"徐汇区漕溪北路不在配送范围"}`, "{\n  \"errmsg\": \"••••不在配送范围\"\n}"},
		"another order":      {`{"orders":[{"receiver":"李四","memo":"hello","created":"2026-01-02 10:00:00","status":"已发货","amount":99.5}]}`, "{\n  \"orders\": [\n    {\n      \"receiver\": \"••••(text 2)\",\n      \"memo\": \"••••(text 5)\",\n      \"created\": \"2026-01-02 10:00:00\",\n      \"status\": \"已发货\",\n      \"amount\": 99.5\n    }\n  ]\n}"},
		"a long number":      {`{"n":13900001111,"m":123456789,"s":"17712345678"}`, "{\n  \"n\": ••••(number 11),\n  \"m\": ••••(number 9),\n  \"s\": \"••••(text 11)\"\n}"},
		"held in a text":     {`{"apiResultData":"{\"success\":false,\"errorMsg\":\"张三丰\"}"}`, "{\n  \"apiResultData\": ⟨text⟩ {\n    \"success\": false,\n    \"errorMsg\": \"••••(张**)\"\n  }\n}"},
		"a page":             {`<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>张三丰</body></html>`, "<title>502 Bad Gateway</title> ••••(html 87)"},
		"a word":             {"success", "success"},
		"words":              {"invalid signature of 张三丰", "invalid ••••(text 16)"},
		"xml":                {`<response><flag>failure</flag><message>电话13800005678</message><to>x</to></response>`, "<response>\n  <flag>failure</flag>\n  <message>电话••••</message>\n  <to>••••(text 1)</to>\n</response>"},
		"two documents":      {`{"a":1}{"b":2}`, "••••(json 14)"},
		"a token":            {`{"access_token":{"v":"x"},"session":"y"}`, "{\n  \"access_token\": ••••,\n  \"session\": \"••••\"\n}"},
		"full width":         {`{"msg":"１３８００００５６７８"}`, "{\n  \"msg\": \"••••(138****5678)\"\n}"},
		"an identity number": {`{"msg":"110105194912310021"}`, "{\n  \"msg\": \"••••\"\n}"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := order().Response(tc.body); got.Text != tc.want {
				t.Errorf("%s\nwant %s", got.Text, tc.want)
			}
		})
	}
}

func TestNothingIsVouchedForWithoutADocument(t *testing.T) {
	got := New().Request(`{"so_id":"SO-1","service":"order","qty":2,"code":"ok"}`)
	if want := "{\n  \"so_id\": \"••••(text 4)\",\n  \"service\": \"••••(text 5)\",\n  \"qty\": 2,\n  \"code\": \"ok\"\n}"; got.Text != want {
		t.Errorf("%s\nwant %s", got.Text, want)
	}
}

func TestADocumentThatWasMadeDoesNotOverruleWhatItWasMadeOf(t *testing.T) {
	k := order()
	doc := map[string]any{"no": "SO-2026-0001", "who": "张三丰", "more": "gift wrapped"}
	k.Made(doc, map[string]any{"no": "***", "who": "***", "more": "***"})
	got := k.Request(`{"no":"SO-2026-0001","who":"张三丰","more":"gift wrapped"}`)
	if want := "{\n  \"no\": \"SO-2026-0001\",\n  \"who\": \"••••(张**)\",\n  \"more\": \"••••\"\n}"; got.Text != want {
		t.Errorf("%s\nwant %s", got.Text, want)
	}
}

// A schema may know nothing of what people write into a field.
func TestWhatLooksPersonalIsHiddenWhoeverVouches(t *testing.T) {
	for _, name := range names {
		for _, value := range []string{"13800005679", "call +86 138 0000 5679", "a.b@example.test", "021-55556666", "110105194912310020"} {
			k := order()
			k.Vouch(value)
			for _, got := range []Body{k.Request(`{"` + name + `":"` + value + `"}`), k.Response(`{"` + name + `":"` + value + `"}`)} {
				if strings.Contains(got.Text, value) || got.Hidden == 0 {
					t.Errorf("%s shows %s: %s", name, value, got.Text)
				}
			}
		}
	}
}

func TestPlaces(t *testing.T) {
	for raw, want := range map[string]string{
		"https://api.test/orders/upload":                            "https://api.test/orders/upload",
		"https://api.test/send?access_token=****&method=order.push": "https://api.test/send?access_token=••••&method=order.push",
		"https://api.test/members/13800005678?name=%E5%BC%A0":       "https://api.test/members/••••?name=••••(text 1)",
		"https://api.test/members/%E5%BC%A0%E4%B8%89%E4%B8%B0":      "https://api.test/members/••••",
		"https://api.test/orders/SO-2026-0001":                      "https://api.test/orders/SO-2026-0001",
		"sftp://files.test/in/a.csv":                                "sftp://files.test/in/a.csv",
		"/services/data":                                            "/services/data",
	} {
		if got := order().Place(raw); got != want {
			t.Errorf("%s is shown as %s, want %s", raw, got, want)
		}
	}
}

// person draws the personal values of a document.
func person(t *rapid.T) map[string]string {
	return map[string]string{
		"name":    rapid.StringMatching(`[赵钱孙李周吴郑王][一二三四五六七八九丰华明]{1,2}|[A-Z][a-z]{4,8} [A-Z][a-z]{3,8}`).Draw(t, "name"),
		"phone":   rapid.StringMatching(`1[3-9][0-9]{9}`).Draw(t, "phone"),
		"email":   rapid.StringMatching(`[a-z]{5,9}[0-9]{0,3}@[a-z]{4,8}\.test`).Draw(t, "email"),
		"address": rapid.StringMatching(`(上海|广东|浙江)(徐汇|天河|西湖)区[东南西北]{2}路[1-9][0-9]{0,2}号`).Draw(t, "address"),
		"openid":  rapid.StringMatching(`o[A-Za-z0-9_]{20,27}`).Draw(t, "openid"),
		"id":      rapid.StringMatching(`[1-6][0-9]{5}19[0-9]{2}0[1-9]1[0-9][0-9]{4}`).Draw(t, "id"),
		"note":    rapid.StringMatching(`[请把它放在门口谢了快递柜]{6,14}`).Draw(t, "note"),
		"pickup":  rapid.StringMatching(`[0-9]{6}`).Draw(t, "pickup"),
	}
}

func jsonText(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// escapedJSON writes every letter as \uXXXX.
func escapedJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return `"` + b.String() + `"`
}

func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r + 0xfee0
		}
		return r
	}, s)
}

// The ways in which vendors and encodings carry a value, each a JSON value.
var ways = map[string]func(string) string{
	"plain":   jsonText,
	"escaped": escapedJSON,
	"in a sentence": func(s string) string {
		return jsonText("receiver " + s + " is refused")
	},
	"in Chinese":    func(s string) string { return jsonText("收件人" + s + "不在范围") },
	"percent":       func(s string) string { return jsonText(url.QueryEscape(s)) },
	"percent twice": func(s string) string { return jsonText(url.QueryEscape(url.QueryEscape(s))) },
	"base64":        func(s string) string { return jsonText(base64.StdEncoding.EncodeToString([]byte(s))) },
	"base64 url": func(s string) string {
		return jsonText(base64.RawURLEncoding.EncodeToString([]byte(`{"v":"` + s + `"}`)))
	},
	"hex":      func(s string) string { return jsonText(hex.EncodeToString([]byte(s))) },
	"entities": func(s string) string { return jsonText(html.EscapeString("<b>" + s + "</b>")) },
	"json text": func(s string) string {
		return jsonText(`{"receiver":` + jsonText(s) + `,"deep":` + jsonText(`[`+jsonText(s)+`]`) + `}`)
	},
	"escaped twice": func(s string) string { return jsonText(strings.Trim(escapedJSON(s), `"`)) },
	"upper":         func(s string) string { return jsonText(strings.ToUpper(s)) },
	"wide":          func(s string) string { return jsonText(wide(s)) },
	"a name":        func(s string) string { return `{` + jsonText(s) + `:1}` },
	"a list":        func(s string) string { return `[[` + jsonText(s) + `]]` },
	"with others":   func(s string) string { return jsonText("SO-1 " + s + " A-100") },
}

// names are those of members that the value may stand under, some of them trusted.
var names = []string{"code", "errcode", "msg", "errmsg", "message", "data", "status", "request_id", "time", "receiver_name", "x", "type", "result", "so_id", "sub_code", "detail"}

// shells put a JSON value into a body.
var shells = map[string]func(name, value string) string{
	"json":     func(n, v string) string { return `{"a":[{"` + n + `":` + v + `}],"code":0}` },
	"cut":      func(n, v string) string { return `{"` + n + `":` + v + `,"rest":"half…` },
	"broken":   func(n, v string) string { return `{"` + n + `":` + v },
	"form":     func(n, v string) string { return n + "=" + url.QueryEscape(strings.Trim(v, `"`)) + "&v=1" },
	"raw form": func(n, v string) string { return n + "=" + v + "&v=1" },
	"xml": func(n, v string) string {
		return "<r><" + n + ` at="` + html.EscapeString(v) + `">` + html.EscapeString(strings.Trim(v, `"`)) + "</" + n + "></r>"
	},
	"cdata": func(n, v string) string { return "<r><" + n + "><![CDATA[" + v + "]]></" + n + "></r>" },
	"page":  func(_, v string) string { return "<html><title>" + v + "</title>" + v + "</html>" },
	"text":  func(n, v string) string { return n + ": " + v },
	"bare":  func(_, v string) string { return v },
}

// However a personal value stands in a request or an answer, it is not shown.
func TestNobodyIsShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who := person(t)
		doc, masked := map[string]any{"order_no": "SO-1", "sku": "A-100", "qty": json.Number("2")}, map[string]any{"order_no": "SO-1", "sku": "A-100", "qty": json.Number("2")}
		for kind, v := range who {
			doc[kind], masked[kind] = v, "***"
		}
		k := New()
		k.Document(doc, masked)
		which := rapid.SampledFrom([]string{"name", "phone", "email", "address", "openid", "id", "note", "pickup"}).Draw(t, "which")
		value := who[which]
		way := rapid.SampledFrom(keys(ways)).Draw(t, "way")
		shell := rapid.SampledFrom(keys(shells)).Draw(t, "shell")
		body := shells[shell](rapid.SampledFrom(names).Draw(t, "member"), ways[way](value))
		for side, got := range map[string]Body{"request": k.Request(body), "response": k.Response(body)} {
			for _, shown := range readings(got.Text) {
				if strings.Contains(shown, value) || strings.Contains(fold(shown), fold(value)) {
					t.Fatalf("%s, %s in %s: %s %q is shown\nof %s\nas %s", side, way, shell, which, value, body, got.Text)
				}
			}
		}
		if place := k.Place("https://h.test/a/" + url.PathEscape(value) + "?q=" + url.QueryEscape(value)); strings.Contains(fold(place), fold(value)) {
			t.Fatalf("the place shows %q: %s", value, place)
		}
	})
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	// Drawn by index: the order must not change from run to run.
	slices.Sort(out)
	return out
}

// Whatever comes, the answer is given, and twice alike.
func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"c"}]}`, "a=1&b=%7B%7D", "<a b='c'>d<e/></a>", "<html><title>x", "\\u5f20", "…", `"{\"a\":1}"`, "[[[[", "%", "&#20;", `{"a":"13800005678"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		k := order()
		for _, got := range []Body{k.Request(body), k.Response(body)} {
			for _, v := range k.whole {
				if strings.Contains(got.Text, v) {
					t.Errorf("%q is shown of %q: %q", v, body, got.Text)
				}
			}
		}
		if a, b := k.Response(body), k.Response(body); a != b {
			t.Errorf("%+v, then %+v", a, b)
		}
	})
}

func BenchmarkBody(b *testing.B) {
	k := order()
	body := `{"orders":[` + strings.Repeat(`{"so_id":"SO-2026-0001","receiver_name":"张三丰","mobile":"13800005678","pay":199.00,"memo":"hello there"},`, 130) + `{}]}`
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		k.Request(body)
	}
}
