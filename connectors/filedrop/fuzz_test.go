package filedrop

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors/internal/describe"
	"github.com/minihub/minihub/schemas/codec"
)

// memory is a file in memory.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

// specOf loads the one stream of a description.
func specOf(tb testing.TB, rest string) *streamSpec {
	tb.Helper()
	l := &loader{}
	var shape fileShape
	l.Decoder = describe.Decode("x.yaml", []byte(streamOf(rest)), &shape)
	l.check("x", &shape)
	if len(l.Problems) > 0 {
		tb.Fatal(l.Problems)
	}
	return l.streams[0]
}

// readAll reads a file to its end and holds what every reader must keep.
func readAll(t *testing.T, s *streamSpec, src []byte) []step {
	t.Helper()
	rows, err := s.openRows(memory{bytes.NewReader(src)})
	var broken *fatal
	if err != nil {
		if !errors.As(err, &broken) {
			t.Fatalf("opening: %v", err)
		}
		return nil
	}
	a := newAssembler(s, rows, entry{Name: "f", MTime: time.Unix(1, 0)})
	defer func() { _ = rows.close() }()
	var out []step
	last := position{}
	for {
		st, err := a.next()
		if errors.Is(err, io.EOF) || errors.As(err, &broken) {
			return out
		}
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
		if past(last, st.next) || st.next.Offset > int64(len(src)) {
			t.Fatalf("the position goes from %+v to %+v of %d bytes", last, st.next, len(src))
		}
		last = st.next
		if st.item == nil && len(st.rejects) == 0 && st.ignored == 0 {
			t.Fatal("a step without anything in it")
		}
		if it := st.item; it != nil {
			if it.Key == "" || strings.ContainsRune(it.Key, 0) {
				t.Fatalf("key %q", it.Key)
			}
			if _, err := codec.Decode(it.Body); err != nil {
				t.Fatalf("the document is not exact JSON: %v: %q", err, it.Body)
			}
		}
		for _, r := range st.rejects {
			if r.reason == "" || r.line < 1 {
				t.Fatalf("reject %+v", r)
			}
		}
		out = append(out, st)
	}
}

// resumes reads on from every position and wants what the whole reading gave.
func resumes(t *testing.T, s *streamSpec, src []byte, all []step) {
	t.Helper()
	for i := 0; i < len(all); i += 1 + len(all)/5 {
		rows, err := s.openRows(memory{bytes.NewReader(src)})
		if err != nil {
			t.Fatal(err)
		}
		if err := seek(rows, all[i].next); err != nil {
			t.Fatal(err)
		}
		a := newAssembler(s, rows, entry{Name: "f", MTime: time.Unix(1, 0)})
		for n := i + 1; n < len(all); n++ {
			st, err := a.next()
			if err != nil || st.next != all[n].next || (st.item == nil) != (all[n].item == nil) || st.item != nil && string(st.item.Body) != string(all[n].item.Body) {
				t.Fatalf("from step %d, step %d differs: %+v %v, want %+v", i, n, st, err, all[n])
			}
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"no,a\n1,2\n", "no,a\r\n\"1\",\"a\r\nb\"\"\"\r\n", "no\n\"open\n1\n", "\xEF\xBB\xBFno\n1", "no|\x81|\n1|\x81\x30\x81\x30\n", "no,a\n1,\"x\"y\n,\n"} {
		f.Add([]byte(seed))
	}
	specs := []*streamSpec{specOf(f, "format: csv\nkey: no\n"), specOf(f, "format: csv\nencoding: gb18030\ndelimiter: '|'\nkey: no\n"),
		specOf(f, "format: csv\nencoding: gbk\nheader: false\nkey: no\ncolumns: {no: {position: 1}, x: {position: 2}}\n")}
	whole := specOf(f, "format: csv\nkey: no\ngroup: {by: no, columns: a}\ncolumns: {no: no, a: a, b: b}\n")
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, s := range specs {
			resumes(t, s, src, readAll(t, s, src))
		}
		readAll(t, whole, src)
	})
}

func FuzzJSONLines(f *testing.F) {
	f.Add([]byte("{\"no\":1}\n\n{\"no\":\"x\"} {}\n[]\n"))
	s := specOf(f, "format: jsonl\nkey: no\n")
	f.Fuzz(func(t *testing.T, src []byte) { resumes(t, s, src, readAll(t, s, src)) })
}

func FuzzXML(f *testing.F) {
	for _, seed := range []string{"<a><o><no>1</no><x y='z'>t</x></o></a>", "<?xml version=\"1.0\" encoding=\"GBK\"?><a><o no=\"\xd6\xd0\"/></a>", "<!DOCTYPE a><a/>", "<a><o><o><no>1</no></o></o>", "<o><no>&amp;</no></o>"} {
		f.Add([]byte(seed))
	}
	plain, forced := specOf(f, "format: xml\nrow: o\nkey: no\nmax_row: 32768\n"), specOf(f, "format: xml\nencoding: gbk\nrow: a/o\nkey: '@no'\nlists: [x]\n")
	f.Fuzz(func(t *testing.T, src []byte) {
		readAll(t, plain, src)
		readAll(t, forced, src)
	})
}

func FuzzExcel(f *testing.F) {
	f.Add([]byte(workbook(f, []string{"A", "B"})))
	f.Add([]byte("PK\x03\x04"))
	s := specOf(f, "format: xlsx\nkey: no\nzone: UTC\ncolumns: {no: no, at: {position: 1, as: datetime}}\n")
	f.Fuzz(func(t *testing.T, src []byte) { readAll(t, s, src) })
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(conformant))
	f.Add([]byte(writeCSV))
	f.Add([]byte(streamOf(grouped)))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, problems := Load("drop", src)
		if (c == nil) != (len(problems) > 0) {
			t.Fatalf("connector %v with problems %v", c != nil, problems)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Text == "" {
				t.Fatalf("problem %+v", p)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(`{"r":{"n":"a.csv"}}`)
	f.Add(`{"reading":{"n":"../x","s":1,"u":"eA=="},"seen":[{"n":"a"}]}`)
	f.Fuzz(func(t *testing.T, src string) {
		c, err := decodeCursor(src)
		if err != nil {
			return
		}
		text, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeCursor(text)
		if err != nil {
			t.Fatal(err)
		}
		if back, _ := again.encode(); back != text {
			t.Fatalf("%s becomes %s", text, back)
		}
	})
}
