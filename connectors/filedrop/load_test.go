package filedrop

import (
	"os"
	"strings"
	"testing"
)

// TestMistakes holds every message of the loader: testdata/mistakes.txt is what a person
// reads. MINIHUB_UPDATE=1 writes it anew.
func TestMistakes(t *testing.T) {
	var out strings.Builder
	for _, src := range []string{
		"kind: sql\nstreems: {}\n",
		`kind: file
title: T
role: shop
streams:
  orders:
    entity: order
    folder: ../in
    glob: "[a"
    fromat: csv
    key: no
  Bad Name:
    entity: order
    folder: in
    format: xsl
    key: no
`,
		`kind: file
title: T
streams:
  a:
    entity: order
    folder: in
    format: csv
    encoding: gbk2312
    delimiter: "||"
    sheet: x
    row: o
    zone: Shanghai
    columns:
      no: 单号
      both: {header: x, position: 2}
      none: {as: date}
    key: [nr]
    root: no
    version: {}
    group: {by: no, columns: [no], most: 100001}
    ignore: {column: ""}
    settle: 0s
    marker: ok
    done: {action: leave, folder: x}
    rejects: in
    page: -1
  b:
    entity: order
    folder: in
    format: xlsx
    header: false
    version: {column: at, layout: yyyy-MM-dd}
    key: no
`,
		`kind: file
title: T
operations:
  a:
    entity: order
    folder: /out
    format: xml
    file: "{nr}-{date.csv"
    carries: events
    batch: 5000
    keep: 1h
  b:
    entity: order
    folder: out
    format: jsonl
    file: "{key}.jsonl"
    batch: 2
    rows: lines
  c:
    entity: order
    folder: out
    format: csv
    encoding: gbk
    file: all.csv
    journal: out
    marker: ok
    columns: {"😀": a/}
  d:
    entity: order
    folder: out
    format: csv
    file: ../x-{id}.csv
`,
	} {
		c, problems := Load("drop", []byte(src))
		if c != nil || len(problems) == 0 {
			t.Errorf("no problem with %q", src)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.File != "drop.yaml" {
				t.Errorf("no place: %+v", p)
			}
			out.WriteString(p.Error() + "\n")
		}
		out.WriteString("\n")
	}
	const golden = "testdata/mistakes.txt"
	if os.Getenv("MINIHUB_UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestANameOfAConnectorIsChecked(t *testing.T) {
	if _, problems := Load("Drop!", []byte(conformant)); len(problems) != 1 || !strings.Contains(problems[0].Text, "no name of a connector") {
		t.Errorf("%v", problems)
	}
}
