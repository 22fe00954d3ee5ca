package alarm

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

// Notice is what a receiver is told of one incident.
type Notice struct {
	What     What     `json:"what"`
	Incident Incident `json:"incident"`
	Title    string   `json:"title"`
	Detail   string   `json:"detail"`
	Mend     string   `json:"mend,omitempty"`
}

// Message is what goes to a receiver in one piece.
type Message struct {
	ID      string    `json:"id"` // the same for a repeated try
	At      time.Time `json:"at"`
	Title   string    `json:"title"`
	Link    string    `json:"link,omitempty"`
	Notices []Notice  `json:"notices"`
	// More is how many further notices there are that this message has no room for.
	More int `json:"more,omitempty"`

	texts text.Texts
}

// mostNotices bounds a message: people read the first ones, and robots cut long texts.
const mostNotices = 8

// writer puts incidents into words.
type writer struct {
	texts text.Texts
	zone  *time.Location
	link  string // of the hub; empty = none is known
}

func (w writer) message(list []Notice, now time.Time) Message {
	m := Message{At: now, texts: w.texts}
	for i, n := range list {
		if i == mostNotices {
			m.More = len(list) - i
			break
		}
		m.Notices = append(m.Notices, w.notice(n, now))
	}
	first := m.Notices[0]
	m.ID = fmt.Sprintf("%s-%s-%d", first.Incident.ID, first.What, now.Unix())
	m.Title = first.Title
	if n := len(list) - 1; n > 0 {
		m.Title += w.fill("alarm.and_more", strconv.Itoa(n))
	}
	if w.link != "" {
		m.Link = w.link
		m.Link += "console/#/alarms"
		if len(list) == 1 && first.Incident.OpenedAt != (time.Time{}) {
			m.Link += "/" + url.PathEscape(first.Incident.ID)
		}
	}
	return m
}

func (w writer) fill(id text.ID, args ...string) string {
	s, _ := w.texts.Fill(id, args...)
	return s
}

// notice fills in the words.
func (w writer) notice(n Notice, now time.Time) Notice {
	switch n.What {
	case Trial:
		n.Title, n.Detail = w.fill("alarm.test"), w.fill("alarm.test.detail", w.clock(now))
		return n
	case TrialOver:
		n.Title, n.Detail = w.fill("alarm.test_over"), w.fill("alarm.test.detail", w.clock(now))
		return n
	}
	i := n.Incident
	n.Title = w.fill(text.ID("alarm.what."+string(n.What))) + " " + w.sentence(i.Lead, now)
	switch n.What {
	case Recovered:
		n.Detail = w.fill("alarm.over", w.clock(i.OpenedAt), w.clock(i.ClosedAt), w.span(i.ClosedAt.Sub(i.OpenedAt)))
		if countsMessages(i.Lead.Rule) && i.Peak > 0 {
			n.Detail += w.fill("alarm.over.peak", strconv.FormatInt(i.Peak, 10))
		}
	default:
		n.Detail = w.fill("alarm.since", w.clock(i.OpenedAt), w.span(now.Sub(i.OpenedAt)))
		for _, f := range i.More {
			n.Detail += "\n" + w.fill("alarm.also", w.sentence(f, now))
		}
		n.Mend = w.fill(text.ID("alarm." + string(i.Lead.Rule) + ".mend"))
	}
	return n
}

func countsMessages(r Rule) bool { return r == RuleFailures || r == RuleBacklog || r == RuleGate }

// sentence says a finding in one line.
func (w writer) sentence(f Finding, now time.Time) string {
	code, since, age := "", "", ""
	if f.Code != "" {
		code = " [" + f.Code + "]"
	}
	if !f.Since.IsZero() {
		since, age = w.clock(f.Since), w.span(now.Sub(f.Since).Abs())
	}
	n := strconv.FormatInt(f.N, 10)
	if f.Rule == RuleDisk {
		n = strconv.FormatInt(f.N>>20, 10)
	}
	where := path(f.Connection, f.Name)
	if f.Rule == RuleJob || f.Rule == RuleJobFails {
		where = f.Name
	}
	id := text.ID("alarm." + string(f.Rule))
	if f.Rule == RuleJob && f.Since.IsZero() {
		id = "alarm.job.never"
	}
	return w.fill(id, where, n, strconv.FormatInt(f.Of, 10), code, since, age)
}

func (w writer) clock(t time.Time) string { return t.In(w.zone).Format("01-02 15:04:05") }

// span is a length of time as people say it.
func (w writer) span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return w.fill("alarm.seconds", strconv.Itoa(int(d.Seconds())))
	case d < 2*time.Hour:
		return w.fill("alarm.minutes", strconv.Itoa(int(d.Minutes())))
	case d < 48*time.Hour:
		return w.fill("alarm.hours", strconv.Itoa(int(d.Hours())))
	}
	return w.fill("alarm.days", strconv.Itoa(int(d.Hours()/24)))
}

// Plain is the message as text, within most bytes of UTF-8.
func (m Message) Plain(most int) string {
	return m.render(most, func(n Notice) string { return n.Title }, func(link string) string { return link })
}

// Markdown is the message in the Markdown that WeCom and DingTalk both show.
func (m Message) Markdown(most int) string {
	return m.render(most, func(n Notice) string { return "**" + n.Title + "**" }, func(link string) string {
		label, _ := m.texts.Fill("alarm.open_hub")
		return "[" + label + "](" + link + ")"
	})
}

func (m Message) render(most int, title func(Notice) string, link func(string) string) string {
	end := ""
	if m.Link != "" {
		end = "\n\n" + link(m.Link)
	}
	var b strings.Builder
	left := m.More
	for i, n := range m.Notices {
		block := title(n)
		for _, part := range []string{n.Detail, n.Mend} {
			if part != "" {
				block += "\n\n" + strings.ReplaceAll(part, "\n", "\n\n")
			}
		}
		if i > 0 {
			block = "\n\n" + block
		}
		const room = 64 // for the line that says how many are left out
		if b.Len()+len(block)+len(end)+room > most {
			if i == 0 {
				b.WriteString(cut(block, most-len(end)-room))
				left += len(m.Notices) - 1
			} else {
				left += len(m.Notices) - i
			}
			break
		}
		b.WriteString(block)
	}
	if left > 0 {
		more, _ := m.texts.Fill("alarm.left_out", strconv.Itoa(left))
		b.WriteString("\n\n" + more)
	}
	return b.String() + end
}

// cut shortens a text to at most n bytes, at a character's end.
func cut(s string, n int) string {
	n = max(0, n)
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
