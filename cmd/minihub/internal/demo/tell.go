package demo

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// teller says to people what happens.
type teller struct {
	terminal bool
	words    words
	started  time.Time

	mu    sync.Mutex
	out   io.Writer
	drawn bool // a progress line stands on the terminal
}

func newTeller(out io.Writer, terminal bool, language string) *teller {
	if out == nil {
		out = io.Discard
	}
	return &teller{out: out, terminal: terminal, words: wordsOf(language), started: time.Now()}
}

func (t *teller) line(format string, a ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.drawn {
		fmt.Fprint(t.out, "\r\x1b[K")
		t.drawn = false
	}
	fmt.Fprintf(t.out, format+"\n", a...)
}

func (t *teller) begin(d *Demo) {
	t.line(t.words.begin, d.opt.Orders, d.opt.Members, trim(d.opt.LimitsX))
	t.line(t.words.page, d.URL())
}

func (t *teller) progress(sold int, c tally) {
	text := fmt.Sprintf(t.words.progress, time.Since(t.started).Seconds(), sold, c.records, c.ended, c.moving, c.blocked, c.parked)
	if !t.terminal {
		t.line("%s", text)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprint(t.out, "\r\x1b[K"+text)
	t.drawn = true
}

// watch tells the progress once a second until the returned function is called.
func (d *Demo) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				d.swap.RLock()
				c, err := d.count(ctx)
				d.swap.RUnlock()
				if err == nil {
					d.say.progress(len(d.world.ShopA.Sold())+len(d.world.ShopB.Sold()), c)
				}
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// mending shows what needs a person and what is done about it.
func (t *teller) mending(rows []Row) {
	t.line(t.words.parked, len(rows))
	t.causes(rows)
	t.line("%s", t.words.mending)
}

// causes shows rows that need a person, one line for each cause.
func (t *teller) causes(rows []Row) {
	type cause struct{ target, state, code, text string }
	n := map[cause]int{}
	var order []cause
	for _, r := range rows {
		c := cause{r.Target, r.State, r.Code, shorten(r.Text)}
		if n[c] == 0 {
			order = append(order, c)
		}
		n[c]++
	}
	const most = 20
	for i, c := range order {
		if i == most {
			t.line("  ...")
			break
		}
		t.line("  %3d  %-20s %-8s %-24s %s", n[c], c.target, c.state, c.code, c.text)
	}
}

func (t *teller) result(r *Result) {
	t.line("")
	rows := [][]string{strings.Split(t.words.header, "\t")}
	for _, name := range sortedKeys(r.Targets) {
		c := r.Targets[name]
		row := []string{name}
		for _, n := range []int{c.Expected, c.Present, c.Missing, c.Duplicate, c.Different} {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	t.line("%s", table(rows))
	for _, d := range r.Differences {
		t.line("  %s %s %s: %q != %q", d.Target, d.Key, d.Field, d.Want, d.Got)
	}
	for _, key := range sortedKeys(r.Excluded) {
		t.line(t.words.excluded, key, r.Excluded[key])
	}
	if len(r.Left) > 0 {
		t.line(t.words.left, len(r.Left))
		t.causes(r.Left)
	}
	t.line(t.words.summary, r.Orders, r.Members, r.Seconds, r.Parked, r.Replayed)
	if r.Problem != "" {
		t.line("%s", r.Problem)
	}
	if r.OK {
		t.line("%s", t.words.good)
	} else {
		t.line("%s", t.words.bad)
	}
}

// table aligns columns, the first to the left and numbers to the right. Chinese characters
// are two columns wide.
func table(rows [][]string) string {
	wide := func(s string) (n int) {
		for _, r := range s {
			if n++; r >= 0x2E80 {
				n++
			}
		}
		return n
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], wide(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-wide(cell))
			if i == 0 {
				b.WriteString(cell + space)
			} else {
				b.WriteString("  " + space + cell)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Up says where the status page is and how to end.
func (d *Demo) Up() { d.say.line(d.say.words.up, d.URL()) }

func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 90 {
		return string(runes[:89]) + "…"
	}
	return text
}

func trim(x float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0") }
