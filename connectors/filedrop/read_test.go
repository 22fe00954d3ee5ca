package filedrop

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
)

func gbkOf(t *testing.T, s string) string {
	t.Helper()
	out, err := simplifiedchinese.GB18030.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCSVCellsStayAsTheyStand(t *testing.T) {
	for name, c := range map[string]struct{ spec, file, want string }{
		"leading zeros and long ids": {"format: csv\nkey: no", "no,zip\n000123456789012345678,010000\n",
			`000123456789012345678 {"no":"000123456789012345678","zip":"010000"}`},
		"quoted newlines, quotes and delimiters": {"format: csv\nkey: no", "no,memo\r\n1,\"a\r\nb\"\"c\"\",\"\r\n2,\"\"\r\n",
			`1 {"no":"1","memo":"a\r\nb\"c\","}` + "\n" + `2 {"no":"2","memo":""}`},
		"a quote inside a plain cell": {"format: csv\nkey: no", "no,size\n1,5\" pipe\n", `1 {"no":"1","size":"5\" pipe"}`},
		"UTF-8 with its mark":         {"format: csv\nkey: 单号", "\xEF\xBB\xBF单号\nA1\n", `A1 {"单号":"A1"}`},
		"GBK whose second byte is a bar": {"format: csv\nencoding: gbk\ndelimiter: '|'\nkey: no", gbkOf(t, "no|名") + "\n1|\x81|\n",
			`1 {"no":"1","名":"亅"}`},
		"GB18030 with four bytes": {"format: csv\nencoding: gb18030\nkey: no", gbkOf(t, "no,名\n1,😀\n"), `1 {"no":"1","名":"😀"}`},
		"named columns":           {"format: csv\nkey: id\ncolumns:\n  id: 单号\n  qty: {position: 3}", "单号,x,数量\n7,8,9\n", `7 {"id":"7","qty":"9"}`},
		"no header, rows skipped": {"format: csv\nheader: false\nskip: 1\ndelimiter: tab\nkey: b\ncolumns: {b: {position: 2}}", "report of today\nx\ty\n", `y {"b":"y"}`},
		"the last line unended":   {"format: csv\nkey: no", "no\n1\n\n2", "1 {\"no\":\"1\"}\n2 {\"no\":\"2\"}"},
		"json lines": {"format: jsonl\nkey: head/no", "{\"head\":{\"no\":123456789012345678901},\"p\":1.10}\n\n {\"head\":{\"no\":\"x\"}} \n",
			"123456789012345678901 {\"head\":{\"no\":123456789012345678901},\"p\":1.10}\nx {\"head\":{\"no\":\"x\"}}"},
		"xml": {"format: xml\nrow: order\nkey: no\nlists: [items/item]",
			"<?xml version=\"1.0\" encoding=\"GBK\"?><orders>" + gbkOf(t, "<order type='普通'><no>01</no><items><item><sku>A</sku></item></items><memo><![CDATA[a<b]]></memo></order>") + "</orders>",
			`01 {"@type":"普通","items":{"item":[{"sku":"A"}]},"memo":"a<b","no":"01"}`},
		"xml whose declaration lies": {"format: xml\nencoding: gbk\nrow: a/order\nkey: '#text'", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a><order>" + gbkOf(t, "单1") + "</order></a>", `单1 {"#text":"单1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, streamOf(c.spec))
			d.put("in/a.txt", c.file)
			if got := strings.TrimSpace(bodies(d.settled("orders"))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if left := d.files("in"); len(left) != 0 {
				t.Errorf("left in the folder: %v", left)
			}
			if rejects := d.files("in/rejects"); len(rejects) != 0 {
				t.Errorf("rejected: %v", rejects)
			}
		})
	}
}

// rejected returns the one rejects file.
func (d *desk) rejected() string {
	d.Helper()
	for _, f := range d.files("in/rejects") {
		if strings.HasSuffix(f, ".rejects.csv") {
			return strings.TrimPrefix(d.content("in/rejects/"+f), "\uFEFF")
		}
	}
	return ""
}

func TestBadRowsAreRejectedAndTheRestGoesOn(t *testing.T) {
	for name, c := range map[string]struct{ spec, file, want, rejects string }{
		"ragged": {"format: csv\nkey: no", "no,a\n1,x\n2\n3,x,y\n4,x\n", "1 4", "3,\"it has 1 columns, not 2\",2\r\n4,\"it has 3 columns, not 2\",\"3,x,y\"\r\n"},
		"a quote that never closes costs one line": {"format: csv\nkey: no", "no,a\n1,\"x\n2,y\n3,z\n", "2 3", "2,a quote is never closed,\"1,\"\"x\"\r\n"},
		"text after a closing quote":               {"format: csv\nkey: no", "no,a\n1,\"x\"y\n2,z\n", "2", "2,there is text after a closing quote,\"1,\"\"x\"\"y\"\r\n"},
		"no key":                                   {"format: csv\nkey: no", "no,a\n ,x\n2,z\n", "2", "2,no is empty,\" ,x\"\r\n"},
		"a NUL":                                    {"format: csv\nkey: no", "no,a\n1,x\x00\n2,z\n", "2", "2,it holds a NUL byte,\"1,x\x00\"\r\n"},
		"not of the charset":                       {"format: csv\nkey: no", "no,a\n1,\xd6\xd0\n2,z\n", "2", "2,it is not UTF-8; is the file GBK?,\"1,\uFFFD\"\r\n"},
		"not JSON":                                 {"format: jsonl\nkey: no", "{\"no\":1}\n{\"no\":\n[]\n{\"no\":2}{}\n{\"no\":3}\n", "1 3", ""},
		"a bad version":                            {"format: csv\nkey: no\nzone: Asia/Shanghai\nversion: {column: at}", "no,at\n1,soon\n2,2026-01-02 03:04:05\n", "2", "2,its version at is no time in the declared layout,\"1,soon\"\r\n"},
		"totals are ignored":                       {"format: csv\nkey: no\nignore: {column: no, values: [合计]}", "no\n1\n合计\n", "1", ""},
		"broken xml":                               {"format: xml\nrow: o\nkey: no", "<os><o><no>1</no></o><o><no>2</no>", "1", "1,the file: the rest of the file is no XML: unexpected EOF,\r\n"},
		"a document type": {"format: xml\nrow: o\nkey: no", "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><os><o><no>&b;</no></o></os>", "",
			"1,\"the file: a document type is declared; entities could hide anything, so such a file is not read\",\r\n"},
		"an unknown entity":  {"format: xml\nrow: o\nkey: no", "<os><o><no>&b;</no></o></os>", "", "1,the file: the rest of the file is no XML: invalid character entity &b;,\r\n"},
		"a missing column":   {"format: csv\nkey: id\ncolumns: {id: 单号}", "no\n1\n", "", "1,\"the file: the header has no column \"\"单号\"\"; it has no\",\r\n"},
		"UTF-16":             {"format: csv\nkey: no", "\xff\xfen\x00", "", "1,the file: the file is UTF-16; save it as UTF-8 or GBK,\r\n"},
		"empty":              {"format: csv\nkey: no", "", "", "0,the file: the file has no header row,\r\n"},
		"no workbook":        {"format: xlsx\nkey: no", "no\n1\n", "", "0,the file: this is no .xlsx workbook,\r\n"},
		"columns twice":      {"format: csv\nkey: no", "no,no\n1,1\n", "", "1,\"the file: the header has \"\"no\"\" twice; name the columns by position\",\r\n"},
		"a row too long":     {"format: csv\nkey: no\nmax_row: 32768", "no,a\n1," + strings.Repeat("x", 70_000) + "\n2,y\n", "2", "long"},
		"an element too big": {"format: xml\nrow: o\nkey: no\nmax_row: 32768", "<os><o><no>1</no>" + strings.Repeat("<x>y</x>", 9000) + "</o><o><no>2</no></o></os>", "2", "long"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, streamOf(c.spec))
			d.put("in/a.txt", c.file)
			var keys []string
			for _, it := range d.settled("orders") {
				keys = append(keys, it.Key)
			}
			if got := strings.Join(keys, " "); got != c.want {
				t.Errorf("documents %s, want %s", got, c.want)
			}
			got := strings.TrimPrefix(d.rejected(), "line,reason,row\r\n")
			switch {
			case c.rejects == "long":
				if !strings.Contains(got, "has more than 32768 bytes") {
					t.Errorf("rejects %.200q", got)
				}
			case name == "not JSON":
				if strings.Count(got, "\r\n") != 3 || !strings.Contains(got, "3,\"it is JSON, but no object\",[]") && !strings.Contains(got, "it is JSON, but no object") {
					t.Errorf("rejects %q", got)
				}
			case got != c.rejects:
				t.Errorf("rejects %q, want %q", got, c.rejects)
			}
			if left := d.files("in"); len(left) != 0 {
				t.Errorf("left in the folder: %v", left)
			}
		})
	}
}

const grouped = "format: csv\nkey: no\ngroup:\n  by: no\n  columns: [sku, qty]\n"

func TestRowsOfOneOrderBecomeOneDocument(t *testing.T) {
	d := newDesk(t, streamOf(grouped))
	d.put("in/a.csv", "no,city,sku,qty\n1,杭州,A,1\n1,杭州,B,2\n2,上海,C,3\n")
	want := `1 {"no":"1","city":"杭州","lines":[{"sku":"A","qty":"1"},{"sku":"B","qty":"2"}]}` + "\n" + `2 {"no":"2","city":"上海","lines":[{"sku":"C","qty":"3"}]}` + "\n"
	if got := bodies(d.settled("orders")); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestAnOrderThatLacksALineIsNoOrder(t *testing.T) {
	for name, c := range map[string]struct{ rows, want, reason string }{
		"a row between":              {"1,h,A,1\n1,h,B\n1,h,C,1\n2,h,D,1\n", "2", "line 3 may belong to it"},
		"a row behind":               {"1,h,A,1\n1,h,B\n2,h,D,1\n", "2", "line 3 may belong to it"},
		"a row before":               {"1,h,A,1\n2,h,B\n2,h,D,1\n", "1", "line 3 may belong to it"},
		"a row whose cells moved":    {"1,h,A,1\nx,2,h,B,9\n2,h,D,9\n", "1", "line 3 may belong to it"},
		"a row of nobody":            {"1,h,A,1\n9,h,B\n2,h,D,1\n", "1 2", "it has 3 columns, not 4"},
		"at the end of the file":     {"1,h,A,1\n2,h,D,1\n2,h\n", "1", "line 4 may belong to it"},
		"two receivers in one order": {"1,h,A,1\n1,s,B,1\n2,h,D,1\n", "2", "line 3 has another city than line 2"},
		"rows that stand apart":      {"1,h,A,1\n2,h,D,1\n1,h,B,1\n", "1 2", "its rows do not stand together"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, streamOf(grouped+"page: 1"))
			d.put("in/a.csv", "no,city,sku,qty\n"+c.rows)
			var keys []string
			for _, it := range d.settled("orders") {
				keys = append(keys, it.Key)
			}
			if got := strings.Join(keys, " "); got != c.want {
				t.Errorf("documents %s, want %s", got, c.want)
			}
			if got := d.rejected(); !strings.Contains(got, c.reason) {
				t.Errorf("rejects %q, want %q", got, c.reason)
			}
		})
	}
}
