package filedrop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

const plainCSV = "format: csv\nkey: no\nsettle: 30s\n"

func keysOf(items []connectors.Item) string {
	var out []string
	for _, it := range items {
		out = append(out, it.Key)
	}
	return strings.Join(out, " ")
}

func TestAFileIsReadOnceItRests(t *testing.T) {
	d := newDesk(t, streamOf(plainCSV))
	d.put("in/a.csv", "no\n1\n")
	d.put("in/b.csv.part", "no\n9\n")
	d.put("in/.hidden.csv", "no\n9\n")
	for i := range 5 {
		if got := d.pull("orders"); len(got) != 0 {
			t.Fatalf("read %s after %d s", keysOf(got), 20*i)
		}
		d.now = d.now.Add(20 * time.Second)
		d.put("in/a.csv", "no\n1\n"+strings.Repeat("2\n", i+1)) // still being written
	}
	d.pull("orders")
	d.restart(streamOf(plainCSV)) // the sighting is in the cursor
	d.now = d.now.Add(29 * time.Second)
	if got := d.pull("orders"); len(got) != 0 {
		t.Fatalf("read %s a second too early", keysOf(got))
	}
	d.now = d.now.Add(time.Second)
	if got := keysOf(d.pull("orders")); got != "1 2 2 2 2 2" {
		t.Errorf("read %q", got)
	}
	if got := d.files("in/done"); !slices.Equal(got, []string{"a.csv"}) {
		t.Errorf("done: %v", got)
	}
	if got := d.files("in"); !slices.Equal(got, []string{".hidden.csv", "b.csv.part"}) {
		t.Errorf("left: %v", got)
	}
}

func TestAMarkerSaysThatAFileIsWhole(t *testing.T) {
	for _, marker := range []string{"a.csv.ok", "a.ok"} {
		d := newDesk(t, streamOf("format: csv\nkey: no\nmarker: .ok\nglob: '*.csv'\n"))
		d.put("in/a.csv", "no\n1\n")
		d.now = d.now.Add(time.Hour)
		if got := d.pull("orders"); len(got) != 0 {
			t.Fatal("read without its marker")
		}
		d.put("in/"+marker, "")
		if got := keysOf(d.pull("orders")); got != "1" {
			t.Errorf("with %s: read %q", marker, got)
		}
		if got := d.files("in"); len(got) != 0 {
			t.Errorf("left: %v", got)
		}
	}
}

func TestACrashBetweenCommitAndMoveMovesOnly(t *testing.T) {
	d := newDesk(t, streamOf(plainCSV))
	d.put("in/a.csv", "no,x\n1,\n2\n")
	d.pull("orders")
	d.now = d.now.Add(time.Minute)
	p := d.page("orders", false) // the rows are durable, and the process ends
	if keysOf(p.Items) != "1" || len(p.Acks) != 1 {
		t.Fatalf("page %+v", p)
	}
	d.restart(streamOf(plainCSV))
	if got := d.pull("orders"); len(got) != 0 {
		t.Errorf("read again: %s", keysOf(got))
	}
	if got := d.files("in/done"); !slices.Equal(got, []string{"a.csv"}) {
		t.Errorf("done: %v", got)
	}
	if got := d.rejected(); !strings.Contains(got, "3,\"it has 1 columns, not 2\",2") {
		t.Errorf("rejects: %q", got)
	}
	for range 2 { // an acknowledgement may be repeated
		if err := d.conn.Ack(t.Context(), p.Acks); err != nil {
			t.Error(err)
		}
	}
	if d.pull("orders"); strings.Contains(d.cursor, "a.csv") {
		t.Errorf("the cursor keeps a file that is gone: %s", d.cursor)
	}
}

func TestTheSameNameWithOtherContentIsAnotherFile(t *testing.T) {
	d := newDesk(t, streamOf(plainCSV))
	d.put("in/a.csv", "no\n1\n")
	d.pull("orders")
	d.now = d.now.Add(time.Minute)
	p := d.page("orders", false)
	d.put("in/a.csv", "no\n7\n") // in place of the first, before that was put away
	if err := d.conn.Ack(t.Context(), p.Acks); err != nil {
		t.Fatal(err)
	}
	if got := d.files("in"); !slices.Equal(got, []string{"a.csv"}) {
		t.Fatalf("a file that nobody has read was moved: %v", got)
	}
	if got := keysOf(d.settled("orders")); got != "7" {
		t.Errorf("read %q", got)
	}
	d.put("in/a.csv", "no\n8\n")
	if got := keysOf(d.settled("orders")); got != "8" {
		t.Errorf("read %q", got)
	}
	if got := d.files("in/done"); len(got) != 2 {
		t.Errorf("one file has taken the other's place: %v", got)
	}
}

func TestTheSameContentPutThereAgainIsNotReadAgain(t *testing.T) {
	spec := streamOf(plainCSV + "done: {action: leave}\n")
	d := newDesk(t, spec)
	d.put("in/a.csv", "no\n1\n")
	if got := keysOf(d.settled("orders")); got != "1" {
		t.Fatalf("read %q", got)
	}
	d.put("in/a.csv", "no\n1\n") // touched
	if got := keysOf(d.settled("orders")); got != "" {
		t.Errorf("read %q again", got)
	}
	d.restart(spec)
	if got := keysOf(d.settled("orders")); got != "" {
		t.Errorf("read %q again after a restart", got)
	}
	d.put("in/a.csv", "no\n2\n")
	if got := keysOf(d.settled("orders")); got != "2" {
		t.Errorf("read %q", got)
	}
}

func TestFilesMayBeDeletedAndUnreadableOnesAreKept(t *testing.T) {
	d := newDesk(t, streamOf(plainCSV+"done: {action: delete}\n"))
	d.put("in/a.csv", "no\n1\n")
	d.put("in/b.csv", "\xff\xfe")
	if got := keysOf(d.settled("orders")); got != "1" {
		t.Errorf("read %q", got)
	}
	if got := d.files("in"); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	if got := d.files("in/rejects"); len(got) != 2 || got[0] != "b.csv" {
		t.Errorf("rejects: %v", got)
	}
}

func TestAFileThatChangesWhileItIsReadIsReadFromItsStart(t *testing.T) {
	d := newDesk(t, streamOf(plainCSV+"page: 2\n"))
	d.put("in/a.csv", "no\n1\n2\n3\n4\n")
	d.pull("orders")
	d.now = d.now.Add(time.Minute)
	if got := keysOf(d.page("orders", true).Items); got != "1 2" {
		t.Fatalf("read %q", got)
	}
	d.put("in/a.csv", "no\n5\n6\n7\n8\n")
	if got := keysOf(d.settled("orders")); got != "5 6 7 8" {
		t.Errorf("read %q", got)
	}
}

func TestAFileThatIsTakenAwayWhileItIsReadIsSaid(t *testing.T) {
	d := newDesk(t, streamOf(plainCSV+"page: 1\n"))
	d.put("in/a.csv", "no\n1\n2\n")
	d.pull("orders")
	d.now = d.now.Add(time.Minute)
	d.page("orders", true)
	if err := os.Remove(filepath.Join(d.dir, "in", "a.csv")); err != nil {
		t.Fatal(err)
	}
	_, err := d.conn.Pull(t.Context(), connectors.PullRequest{Stream: "orders", Cursor: d.cursor})
	e := connectors.AsError(err)
	if e == nil || e.Code != "file.vanished" || e.Hint == "" {
		t.Fatalf("error %v", err)
	}
	d.put("in/a.csv", "") // the remedy of the hint
	if got := d.settled("orders"); len(got) != 0 {
		t.Errorf("read %q", keysOf(got))
	}
}

// TestKilledAnywhereNothingIsLost ends the process after every page, before or after the
// commit and before or after the acknowledgement, in every format.
func TestKilledAnywhereNothingIsLost(t *testing.T) {
	var csv, lines, xml, table strings.Builder
	csv.WriteString("no,memo\n")
	xml.WriteString("<os>\n")
	table.WriteString("no,city,sku,qty\n")
	var want []string
	for i := range 300 {
		no := fmt.Sprintf("N%03d", i)
		want = append(want, no)
		fmt.Fprintf(&csv, "%s,\"a\nb\"\n", no)
		fmt.Fprintf(&lines, "{\"no\":%q}\n", no)
		fmt.Fprintf(&xml, "<o><no>%s</no></o>\n", no)
		fmt.Fprintf(&table, "%[1]s,杭州,A,1\n%[1]s,杭州,B,2\n", no)
		if i%50 == 7 {
			csv.WriteString("ragged\n")
			lines.WriteString("{ragged\n")
			table.WriteString("ragged\n")
		}
	}
	xml.WriteString("</os>")
	for name, c := range map[string][2]string{
		"csv":     {plainCSV + "page: 17\n", csv.String()},
		"jsonl":   {"format: jsonl\nkey: no\npage: 17\n", lines.String()},
		"xml":     {"format: xml\nrow: o\nkey: no\npage: 17\n", xml.String()},
		"grouped": {grouped + "page: 17\n", table.String()},
		"xlsx":    {"format: xlsx\nkey: no\npage: 17\n", workbook(t, want)},
	} {
		t.Run(name, func(t *testing.T) {
			spec := streamOf(c[0])
			d := newDesk(t, spec)
			d.put("in/a.dat", c[1])
			d.pull("orders")
			d.now = d.now.Add(time.Minute)
			var got []string
			for n := 0; ; n++ {
				if n > 1000 {
					t.Fatal("the pull does not end")
				}
				p, err := d.conn.Pull(context.Background(), connectors.PullRequest{Stream: "orders", Cursor: d.cursor})
				if err != nil {
					t.Fatal(err)
				}
				if n%3 == 1 { // killed before the commit: the page never was
					d.restart(spec)
					continue
				}
				d.cursor = p.Cursor
				for _, it := range p.Items {
					got = append(got, it.Key)
				}
				if n%3 == 2 { // killed after the commit, before the acknowledgement
					d.restart(spec)
					continue
				}
				if err := d.conn.Ack(context.Background(), p.Acks); err != nil {
					t.Fatal(err)
				}
				if !p.More {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d documents, want %d: %v", len(got), len(want), got)
			}
			if done := d.files("in/done"); len(done) != 1 {
				t.Errorf("done: %v", done)
			}
			if name == "csv" || name == "grouped" || name == "jsonl" {
				if n := strings.Count(d.rejected(), "ragged"); n != 6 {
					t.Errorf("%d rejected rows, want 6", n)
				}
			}
		})
	}
}

// TestASlowPlaceIsReadInManyPulls gives every pull time for one piece of its stage only.
func TestASlowPlaceIsReadInManyPulls(t *testing.T) {
	for name, spec := range map[string]string{"in one process": "", "restarted": "restart"} {
		t.Run(name, func(t *testing.T) {
			src := streamOf(grouped + "page: 700\n")
			d := newDesk(t, src)
			var file strings.Builder
			file.WriteString("no,city,sku,qty\n")
			const orders = 4000
			for i := range orders {
				fmt.Fprintf(&file, "N%04d,%s,A,1\n", i, strings.Repeat("x", 600))
			}
			d.put("in/a.csv", file.String()) // more than two pieces to hash
			d.pull("orders")
			d.now = d.now.Add(time.Minute)
			n, pulls := 0, 0
			for ; n < orders; pulls++ {
				if pulls > 300 {
					t.Fatalf("%d documents after %d pulls", n, pulls)
				}
				d.conn.patience = 0
				p := d.page("orders", true)
				for _, it := range p.Items {
					if it.Key != fmt.Sprintf("N%04d", n) {
						t.Fatalf("document %s, want N%04d", it.Key, n)
					}
					n++
				}
				if spec != "" && pulls == 9 {
					d.restart(src)
				}
			}
			if pulls < 4 {
				t.Errorf("only %d pulls: nothing was slow", pulls)
			}
			if d.pull("orders"); len(d.files("in/done")) != 1 {
				t.Error("the file was not put away")
			}
		})
	}
}

func TestRejectsOfFilesThatStayAreWrittenOnce(t *testing.T) {
	spec := streamOf(plainCSV + "done: {action: leave}\n")
	d := newDesk(t, spec)
	d.put("in/a.csv", "no\n1\n2,3\n")
	d.pull("orders")
	d.now = d.now.Add(time.Minute)
	d.page("orders", false) // the process ends before the acknowledgement
	d.restart(spec)
	d.pull("orders")
	if d.rejected() == "" {
		t.Fatal("the rejects were not written after the restart")
	}
	if err := os.RemoveAll(filepath.Join(d.dir, "in", "rejects")); err != nil { // somebody has dealt with them
		t.Fatal(err)
	}
	d.pull("orders")
	d.restart(spec)
	if d.pull("orders"); d.rejected() != "" {
		t.Error("the rejects are written again")
	}
}

func TestADocumentOfTooManyRowsIsRejected(t *testing.T) {
	d := newDesk(t, streamOf(strings.Replace(grouped, "columns:", "most: 3\n  columns:", 1)))
	d.put("in/a.csv", "no,city,sku,qty\n1,h,A,5\n1,h,A,5\n1,h,A,5\n1,h,A,5\n2,h,A,5\n")
	if got := keysOf(d.settled("orders")); got != "2" {
		t.Errorf("documents %s", got)
	}
	if got := d.rejected(); strings.Count(got, "1,h,A,5") != 4 || !strings.Contains(got, "more than 3 rows") {
		t.Errorf("rejects %q", got)
	}
}
