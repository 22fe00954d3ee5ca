package manifest

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
	"github.com/minihub/minihub/schemas/codec"
)

// position is what a cursor holds.
type position struct {
	Page    int    `json:"page,omitempty"`
	Offset  int    `json:"offset,omitempty"`
	Size    int    `json:"size,omitempty"` // of the pages being read, where it is not the declared one
	Next    string `json:"next,omitempty"`
	Anchor  string `json:"anchor,omitempty"`  // key of the last row read, which the next page must show again
	Read    int    `json:"read,omitempty"`    // rows before and with the anchor
	Turn    int    `json:"turn,omitempty"`    // how often the list was read again from the top
	Counted bool   `json:"counted,omitempty"` // backwards: the number of pages is known
}

// maxTurns bounds how often a list that shifts is begun again.
const maxTurns = 20

func readPosition(cursor string) (position, *connectors.Error) {
	var p position
	if cursor == "" {
		return p, nil
	}
	if err := codec.Unmarshal([]byte(cursor), &p); err != nil || p.Page < 0 || p.Offset < 0 || p.Size < 0 || p.Read < 0 {
		return p, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "manifest.cursor", Text: "the cursor is not one of this list"}
	}
	return p, nil
}

func (p position) String() string {
	b, _ := json.Marshal(p) // texts and numbers always encode
	return string(b)
}

// page is what one list call brought.
type page struct {
	rows []any
	ans  *answer
	next string
	more bool
}

// lister reads a list page by page: of a stream, or of a reconciliation.
type lister struct {
	a      *account
	call   *callSpec
	rows   *expression
	paging *pagingSpec
	key    *expression // for lists that shift
	empty  *whenEmptySpec
	vars   formula.Env
}

func (l *lister) first() int {
	if l.paging != nil && l.paging.First != nil {
		return *l.paging.First
	}
	return 1
}

// read makes the call of one position.
func (l *lister) read(ctx context.Context, cursor string) (page, *connectors.Error) {
	pos, err := readPosition(cursor)
	if err != nil {
		return page{}, err
	}
	if l.paging == nil {
		p, _, err := l.ask(ctx, position{})
		return p, err
	}
	switch {
	case l.paging.Shifts:
		return l.readShifting(ctx, pos)
	case l.paging.Backwards:
		return l.readBackwards(ctx, pos)
	}
	if cursor == "" {
		pos.Page = l.first()
	}
	p, env, err := l.ask(ctx, pos)
	if err != nil {
		return p, err
	}
	next := position{}
	switch l.paging.Kind {
	case "pool":
		p.more = len(p.rows) > 0
		return p, nil
	case "cursor", "link":
		v, everr := l.paging.Next.e.Eval(env)
		if everr != nil {
			return p, l.a.unreadable(p.ans, "paging.next cannot be worked out: "+everr.Error())
		}
		next.Next = formula.Text(v)
		p.more = next.Next != "" && next.Next != pos.Next
		if l.paging.More.given() && p.more {
			p.more, err = l.more(p, env)
		}
	case "offset":
		next.Offset = pos.Offset + len(p.rows)
		p.more, err = l.more(p, env)
	default:
		next.Page = pos.Page + 1
		p.more, err = l.more(p, env)
	}
	if p.more {
		p.next = next.String()
	}
	return p, err
}

// more tells whether another page follows.
func (l *lister) more(p page, env formula.Env) (bool, *connectors.Error) {
	if l.paging.More.given() {
		more, err := l.paging.More.e.Bool(env)
		if err != nil {
			return false, l.a.unreadable(p.ans, "paging.more cannot be worked out: "+err.Error())
		}
		// An empty page has nothing behind it, whatever it says.
		return more && len(p.rows) > 0, nil
	}
	if l.paging.Kind == "until_empty" || l.paging.Size == 0 {
		return len(p.rows) > 0, nil
	}
	return len(p.rows) >= l.paging.Size, nil
}

// ask makes one call. An empty page counts only when the probe vouches for it.
func (l *lister) ask(ctx context.Context, pos position) (page, formula.Env, *connectors.Error) {
	for try := 0; ; try++ {
		size := 0
		if l.paging != nil {
			size = l.paging.Size
		}
		if pos.Size > 0 {
			size = pos.Size
		}
		vars := l.vars.With(formula.Env{"cursor": map[string]any{
			"page": formula.Number(int64(pos.Page)), "offset": formula.Number(int64(pos.Offset)), "size": formula.Number(int64(size)), "next": none(pos.Next),
		}})
		o := options{reads: true}
		if l.paging != nil && l.paging.Kind == "link" && pos.Next != "" {
			var err *connectors.Error
			if o.link, err = l.a.link(pos.Next); err != nil {
				return page{}, nil, err
			}
		}
		ans, err := l.a.call(ctx, l.call, vars, o)
		if err != nil {
			return page{ans: ans}, nil, err
		}
		if missingRows(l.rows, ans.body) && l.empty == nil && l.a.strict(l.call) {
			return page{ans: ans}, nil, l.a.unreadable(ans, "the answer has no "+l.rows.source)
		}
		rows, err := l.a.rows(l.rows, ans, ans.env)
		if err != nil {
			return page{ans: ans}, nil, err
		}
		if len(rows) == 0 && l.empty != nil {
			again, err := l.a.vouch(ctx, l.empty, ans, try == 0)
			if err != nil {
				return page{ans: ans}, nil, err
			}
			if again {
				continue
			}
		}
		return page{rows: rows, ans: ans}, ans.env.With(formula.Env{"rows": rows}), nil
	}
}

// strict reports that answers are JSON, where an empty list is written as one.
func (a *account) strict(c *callSpec) bool {
	return first(c.Answer.Format, a.m.Request.Answer.Format, "json") == "json"
}

func none(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// vouch makes the probe after an empty answer. again says that the session was renewed
// and the page is to be asked for once more.
func (a *account) vouch(ctx context.Context, e *whenEmptySpec, empty *answer, mayRenew bool) (again bool, failed *connectors.Error) {
	probe, err := a.call(ctx, e.Probe, nil, options{})
	if err != nil {
		return false, err
	}
	ok, everr := e.OK.e.Bool(probe.env)
	if everr != nil {
		return false, a.unreadable(probe, "when_empty.ok cannot be worked out: "+everr.Error())
	}
	switch {
	case ok && probe.token.Value == empty.token.Value:
		return false, nil
	case ok && mayRenew: // somebody renewed the session in between: the empty page was the old one's
		return true, nil
	case !ok && a.session != nil && mayRenew:
		a.session.drop(probe.token)
		return true, nil
	}
	return false, &connectors.Error{Kind: connectors.Unauthorized, Scope: connectors.OfConnection, Code: a.m.Name + ".empty",
		Text: "the vendor answered with an empty list, and the probe shows that it does not recognise the credentials or the filter",
		Hint: "compare the connection's credentials and filters with the vendor's; nothing was taken for deleted"}
}

// link resolves the address of the next page. It must lead to the vendor's own host:
// the request carries credentials.
func (a *account) link(next string) (string, *connectors.Error) {
	text, err := a.m.Request.URL.t.Text(formula.Env{"config": a.config, "secret": a.secrets})
	base, perr := url.Parse(text)
	u, uerr := url.Parse(next)
	if err != nil || perr != nil || uerr != nil {
		return "", &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfDocument, Code: a.m.Name + ".link", Text: "the link to the next page is not an address"}
	}
	u = base.ResolveReference(u)
	if u.Host != base.Host || u.Scheme != base.Scheme {
		return "", &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfConnection, Code: a.m.Name + ".link", Text: "the link to the next page leads to another host: it was not followed"}
	}
	return u.String(), nil
}

// readBackwards reads the last page first. The first call of a list of several pages only
// learns how many there are.
func (l *lister) readBackwards(ctx context.Context, pos position) (page, *connectors.Error) {
	begin := !pos.Counted
	if begin {
		pos.Page = l.first()
	}
	p, env, err := l.ask(ctx, pos)
	if err != nil {
		return p, err
	}
	if begin {
		v, everr := l.paging.Pages.e.Eval(env)
		n, ok := formula.Int(v)
		switch {
		case everr != nil || v != nil && !ok:
			return p, l.a.unreadable(p.ans, "paging.pages is not a number of pages")
		case n > 1:
			return page{ans: p.ans, more: true, next: position{Page: l.first() + int(min(n, 1<<20)) - 1, Counted: true}.String()}, nil
		}
		if more, err := l.more(p, env); err != nil || more && l.paging.More.given() {
			if err == nil {
				err = l.a.unreadable(p.ans, "there are more pages, but paging.pages does not say how many")
			}
			return p, err
		}
		return p, nil
	}
	if pos.Page > l.first() {
		p.more, p.next = true, position{Page: pos.Page - 1, Counted: true}.String()
	}
	return p, nil
}

// readShifting reads a list that moves while it is read. Each page begins at or before
// the last row of the one before, its anchor. If the anchor is there, what follows it is
// new; if not, rows have left the list above it and others may have slipped past, so the
// list is read again from the top.
func (l *lister) readShifting(ctx context.Context, pos position) (page, *connectors.Error) {
	size := l.paging.Size
	ask := position{Page: l.first(), Size: size}
	start := 0
	if pos.Anchor != "" {
		start = pos.Read - 1 // where the anchor stood
		if l.paging.Kind == "offset" {
			ask.Offset = start
		} else {
			ask.Size, ask.Page, start = overlap(pos.Read-1, size)
			ask.Page += l.first()
		}
	}
	p, env, err := l.ask(ctx, ask)
	if err != nil {
		return p, err
	}
	got := len(p.rows)
	keys := make([]string, got)
	for i, row := range p.rows {
		v, kerr := l.key.e.Eval(l.a.base(formula.Env{"row": row}))
		if kerr != nil || formula.Text(v) == "" {
			return p, l.a.unreadable(p.ans, "a row has no key: "+l.key.source)
		}
		keys[i] = formula.Text(v)
	}
	read := start
	if pos.Anchor != "" {
		at := slices.Index(keys, pos.Anchor)
		if at < 0 {
			if pos.Turn >= maxTurns {
				return page{ans: p.ans}, &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfOperation, Code: l.a.m.Name + ".shifts", Wait: time.Minute,
					Text: "the list shifts faster than it can be read: it was begun again " + strconv.Itoa(maxTurns) + " times"}
			}
			return page{ans: p.ans, more: true, next: position{Turn: pos.Turn + 1}.String()}, nil
		}
		p.rows, keys, read = p.rows[at+1:], keys[at+1:], start+at+1
	}
	if len(p.rows) == 0 && got >= ask.Size { // so many rows came on top that the anchor is the page's last
		p.more, p.next = true, position{Anchor: pos.Anchor, Read: read, Turn: pos.Turn}.String()
		return p, nil
	}
	more := len(p.rows) > 0
	if l.paging.More.given() {
		if more, err = l.more(p, env); err != nil {
			return p, err
		}
	} else if l.paging.Kind != "until_empty" && got < ask.Size {
		more = false
	}
	if more && len(keys) > 0 {
		p.more = true
		p.next = position{Anchor: keys[len(keys)-1], Read: read + len(keys), Turn: pos.Turn}.String()
	}
	return p, nil
}

// overlap finds the page size and number (from 0) whose page holds row n and as many rows
// behind it as can be, for vendors that count pages: another size cuts the list at other
// rows. It also gives the first row of that page.
func overlap(n, size int) (s, number, start int) {
	best := -1
	for try := size; try >= max(2, size/2); try-- {
		from := n / try * try
		if behind := from + try - n - 1; behind > best {
			best, s, number, start = behind, try, n/try, from
		}
	}
	return s, number, start
}
