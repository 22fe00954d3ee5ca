package filedrop

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// book makes a workbook of one sheet.
func book(t testing.TB, fill func(f *excelize.File)) string {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func set(t testing.TB, f *excelize.File, cell string, v any) {
	t.Helper()
	if err := f.SetCellValue("Sheet1", cell, v); err != nil {
		t.Fatal(err)
	}
}

func workbook(t testing.TB, keys []string) string {
	return book(t, func(f *excelize.File) {
		set(t, f, "A1", "no")
		for i, k := range keys {
			cell, _ := excelize.CoordinatesToCellName(1, i+2)
			set(t, f, cell, k)
		}
	})
}

// thousands shows a number as #,##0.00.
func thousands(t testing.TB, f *excelize.File, cell string) {
	t.Helper()
	id, err := f.NewStyle(&excelize.Style{NumFmt: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellStyle("Sheet1", cell, cell, id); err != nil {
		t.Fatal(err)
	}
}

func TestCellsOfASheet(t *testing.T) {
	src := book(t, func(f *excelize.File) {
		for i, h := range []string{"单号", "数量", "金额", "日期", "下单", "条码", "备注"} {
			cell, _ := excelize.CoordinatesToCellName(i+1, 1)
			set(t, f, cell, h)
		}
		set(t, f, "A2", "000123")
		set(t, f, "B2", 3)
		set(t, f, "C2", 1234.5)
		thousands(t, f, "C2")
		set(t, f, "D2", time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC))
		set(t, f, "E2", time.Date(2026, 2, 28, 13, 5, 6, 0, time.UTC))
		set(t, f, "F2", int64(690123456789012345))
		set(t, f, "G2", "两行\n文字")
		set(t, f, "A4", "X")                       // row 3 is empty
		set(t, f, "E4", "2026/3/1 08:00")          // a text, not a date
		set(t, f, "A5", "Y")                       // a short row
		set(t, f, "A6", "Z")                       // a date that is none
		set(t, f, "D6", "soon")                    //
		set(t, f, "A7", "W")                       // a cell beyond the header
		set(t, f, "H7", "what is this doing here") //
	})
	d := newDesk(t, streamOf(`format: xlsx
zone: Asia/Shanghai
key: no
columns:
  no: 单号
  qty: 数量
  amount: 金额
  exact: {position: 3, as: stored}
  day: {header: 日期, as: date}
  at: {header: 下单, as: datetime}
  code: 条码
  memo: 备注
`))
	d.put("in/a.xlsx", src)
	got := bodies(d.settled("orders"))
	want := `000123 {"no":"000123","qty":"3","amount":"1,234.50","exact":"1234.5","day":"2026-02-28","at":"2026-02-28T13:05:06+08:00","code":"690123456789012345","memo":"两行\n文字"}
X {"no":"X","qty":"","amount":"","exact":"","day":"","at":"2026-03-01T08:00:00+08:00","code":"","memo":""}
Y {"no":"Y","qty":"","amount":"","exact":"","day":"","at":"","code":"","memo":""}
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	rejects := d.rejected()
	for _, reason := range []string{`6,"cell D6: ""soon"" is no date"`, `7,"it has 8 columns, not 7"`} {
		if !strings.Contains(rejects, reason) {
			t.Errorf("rejects %q, want %s", rejects, reason)
		}
	}
}

func TestASheetIsChosenByName(t *testing.T) {
	src := book(t, func(f *excelize.File) {
		if _, err := f.NewSheet("订单"); err != nil {
			t.Fatal(err)
		}
		if err := f.SetCellValue("订单", "A1", "no"); err != nil {
			t.Fatal(err)
		}
		if err := f.SetCellValue("订单", "A2", "1"); err != nil {
			t.Fatal(err)
		}
	})
	for sheet, want := range map[string]string{"订单": "1", "另一个": ""} {
		d := newDesk(t, streamOf("format: xlsx\nkey: no\nsheet: "+sheet))
		d.put("in/a.xlsx", src)
		if got := keysOf(d.settled("orders")); got != want {
			t.Errorf("sheet %s gives %q", sheet, got)
		}
		if want == "" && !strings.Contains(d.rejected(), `the workbook has no sheet ""另一个""; it has Sheet1, 订单`) {
			t.Errorf("rejects %q", d.rejected())
		}
	}
}

func TestAZipBombIsNotUnpacked(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 64 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, streamOf("format: xlsx\nkey: no"))
	d.put("in/a.xlsx", b.String())
	if got := d.settled("orders"); len(got) != 0 || !strings.Contains(d.rejected(), "zip bomb") {
		t.Errorf("%d documents, rejects %q", len(got), d.rejected())
	}
}
