package filedrop

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
)

// Pull reads the next documents of the file the cursor stands in, or begins the next
// file that is whole. It changes nothing in the folder.
func (c *connection) Pull(ctx context.Context, req connectors.PullRequest) (connectors.Page, error) {
	s := c.streams[req.Stream]
	if s == nil {
		return connectors.Page{}, unknownName("stream", req.Stream)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	cur, err := decodeCursor(req.Cursor)
	if err != nil {
		return connectors.Page{}, err
	}
	page, err := c.pull(ctx, s, cur)
	if err != nil {
		c.place.lost(err)
		_ = s.drop() // whatever is open may be in the middle of a row
		return connectors.Page{}, placeError("the files cannot be read", err, false)
	}
	if page.Cursor, err = cur.encode(); err != nil {
		return connectors.Page{}, badCursor(err)
	}
	return page, nil
}

func (c *connection) pull(ctx context.Context, s *stream, cur *cursor) (connectors.Page, error) {
	var page connectors.Page
	if cur.Reading == nil {
		list, err := c.place.list(ctx, s.Folder)
		if err != nil {
			return page, err
		}
		if len(cur.Finished) > maxFinished {
			return page, &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "file.crowded",
				Text: "the folder holds too many files that were read", Hint: "let files be moved: done: {action: move}, or clear the folder"}
		}
		next, found := c.choose(s, cur, list)
		page.Acks = s.again(cur)
		if !found {
			return page, nil
		}
		cur.Reading = &reading{identity: next.identity()}
	}
	page.More = true
	if err := c.proceed(ctx, s, cur, &page); !errors.Is(err, errChanged) {
		return page, err
	}
	// Another file stands under the name now. What was read of the first is durable; the
	// other begins to rest, and is read from its start.
	c.log.Warn("file changed while it was read", zap.String("stream", s.Name), zap.String("file", cur.Reading.Name))
	cur.Reading = nil
	return connectors.Page{More: true}, s.drop()
}

// proceed hashes and reads the file that the cursor stands in.
func (c *connection) proceed(ctx context.Context, s *stream, cur *cursor, page *connectors.Page) error {
	if err := c.unchanged(ctx, s, cur.Reading.identity); err != nil {
		return err
	}
	if cur.Reading.Hash == "" {
		whole, err := c.hash(ctx, s, cur.Reading)
		if err != nil || !whole {
			return err
		}
		if s.known(cur) {
			page.Acks = s.again(cur)
			return nil
		}
	}
	return c.read(ctx, s, cur, page)
}

// choose picks the next file that is whole and was not read.
func (c *connection) choose(s *stream, cur *cursor, list []entry) (entry, bool) {
	cur.forget(list)
	there := map[string]bool{}
	for _, e := range list {
		there[e.Name] = true
	}
	slices.SortFunc(list, func(a, b entry) int {
		if s.Oldest {
			if n := a.MTime.Compare(b.MTime); n != 0 {
				return n
			}
		}
		return cmp.Compare(a.Name, b.Name)
	})
	var next entry
	found := false
	for _, e := range list {
		if !s.wants(e.Name) || slices.ContainsFunc(cur.Finished, func(f finished) bool { return f.identity == e.identity() }) {
			continue
		}
		if s.Marker != "" && !slices.ContainsFunc(s.markers(e.Name), func(m string) bool { return there[m] }) {
			continue
		}
		// Every file is looked at, so that each begins to rest as soon as it is seen.
		if cur.rests(e, s.Settle, c.now()) && !found {
			next, found = e, true
		}
	}
	return next, found
}

// markers are the names under which a file's marker may stand.
func (s *streamSpec) markers(name string) []string {
	out := []string{name + s.Marker}
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		out = append(out, name[:i]+s.Marker)
	}
	return out
}

// known ends the reading of a file whose content was read already under this name: it
// was only touched, or put there again.
func (s *stream) known(cur *cursor) bool {
	r := cur.Reading
	i := slices.IndexFunc(cur.Finished, func(f finished) bool { return f.Name == r.Name && f.Size == r.Size && f.Hash == r.Hash })
	if i < 0 {
		return false
	}
	f := cur.Finished[i]
	f.identity = r.identity
	f.Open = f.Open || s.Done != doneLeave
	delete(s.acked, f.id())
	cur.finish(f)
	return true
}

// again lists the files that were read and have yet to be put away: the process may have
// ended between the commit and the Ack.
func (s *stream) again(cur *cursor) []connectors.Ack {
	var out []connectors.Ack
	for i := range cur.Finished {
		f := &cur.Finished[i]
		if s.Done == doneLeave && s.acked[f.id()] {
			f.Open = false
		}
		if f.Open {
			out = append(out, s.ack(*f))
		}
	}
	return out
}

func (s *stream) ack(f finished) connectors.Ack {
	token, _ := json.Marshal(f) // plain text and numbers always encode
	return connectors.Ack{Stream: s.Name, Token: string(token)}
}
