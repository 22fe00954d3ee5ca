package filedrop

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
)

// Ack puts files away whose rows are durable: first the rejected rows are written down,
// then the marker goes, then the file. Each step may be repeated, and a file that is gone
// was put away before (Invariant 2).
func (c *connection) Ack(ctx context.Context, acks []connectors.Ack) error {
	var errs []error
	for _, a := range acks {
		s := c.streams[a.Stream]
		if s == nil {
			errs = append(errs, unknownName("stream", a.Stream))
			continue
		}
		var f finished
		if err := json.Unmarshal([]byte(a.Token), &f); err != nil || !plainName(f.Name) {
			errs = append(errs, badCursor(errors.New("the acknowledgement cannot be read")))
			continue
		}
		s.mu.Lock()
		err := c.putAway(ctx, s, f)
		if err == nil {
			s.acked[f.id()] = true
		}
		s.mu.Unlock()
		if err != nil {
			c.place.lost(err)
			errs = append(errs, placeError("the file "+f.Name+" cannot be put away", err, false))
		}
	}
	return errors.Join(errs...)
}

func (c *connection) putAway(ctx context.Context, s *stream, f finished) error {
	from := path.Join(s.Folder, f.Name)
	e, err := c.place.stat(ctx, from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if same, err := c.same(ctx, s, e, f); err != nil || !same {
		return err // another file stands under the name: it will be read
	}
	if f.Rejects > 0 || f.Fatal != "" {
		if err := c.writeRejects(ctx, s, f, e); err != nil {
			return err
		}
	}
	if s.Done == doneLeave {
		return nil
	}
	if s.open != nil && s.open.id.Name == f.Name {
		if err := s.drop(); err != nil {
			return err
		}
	}
	if err := c.removeMarkers(ctx, s, f.Name); err != nil {
		return err
	}
	to := s.DoneDir
	switch {
	case f.Fatal != "":
		to = s.Rejects
	case s.Done == doneDelete:
		return c.place.remove(ctx, from)
	}
	return c.move(ctx, s, e, f, from, to)
}

// same tells whether a file still has the content that was read.
func (c *connection) same(ctx context.Context, s *stream, e entry, f finished) (bool, error) {
	switch {
	case e.identity() == f.identity:
		return true, nil
	case e.Size != f.Size:
		return false, nil
	}
	r := &reading{identity: e.identity()}
	for {
		whole, err := c.hash(ctx, s, r)
		if errors.Is(err, errChanged) {
			return false, nil
		}
		if err != nil || whole {
			return r.Hash == f.Hash, err
		}
	}
}

// removeMarkers comes before the file goes: a marker that stayed behind would call the
// next file of that name whole before it is.
func (c *connection) removeMarkers(ctx context.Context, s *stream, name string) error {
	if s.Marker == "" {
		return nil
	}
	for _, m := range s.markers(name) {
		if err := c.place.remove(ctx, path.Join(s.Folder, m)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// move never replaces an older file of the same name with other content.
func (c *connection) move(ctx context.Context, s *stream, e entry, f finished, from, folder string) error {
	if err := c.place.mkdir(ctx, folder); err != nil {
		return err
	}
	to := path.Join(folder, f.Name)
	if _, err := c.place.stat(ctx, to); err == nil {
		to = path.Join(folder, marked(f.Name, f.Hash))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := c.place.rename(ctx, from, to); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		return err
	}
	moved, err := c.place.stat(ctx, to)
	if err != nil || moved.identity().Size == e.Size && moved.MTime.Equal(e.MTime) {
		return err
	}
	// Somebody has written to it between the look and the move: it goes back to be read.
	c.log.Warn("file changed while it was put away", zap.String("stream", s.Name), zap.String("file", f.Name))
	return c.place.rename(ctx, to, from)
}

// marked puts a piece of the content's hash before a name's ending.
func marked(name, hash string) string {
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "~" + hash[:min(8, len(hash))] + ext
}

// writeRejects reads the file once more and writes down what was not taken: the same file
// under the same description gives the same rejects, however often it is asked.
func (c *connection) writeRejects(ctx context.Context, s *stream, f finished, e entry) error {
	if err := c.place.mkdir(ctx, s.Rejects); err != nil {
		return err
	}
	name := marked(f.Name, f.Hash) + ".rejects.csv"
	pr, pw := io.Pipe()
	produced := make(chan struct{})
	go func() {
		defer close(produced)
		pw.CloseWithError(c.copyRejects(ctx, s, f, e, pw))
	}()
	draft := path.Join(s.Rejects, "."+name+".tmp")
	err := c.place.write(ctx, draft, pr)
	_ = pr.CloseWithError(errors.Join(io.ErrClosedPipe, err)) // lets the producer end when the write has failed
	<-produced
	if err != nil {
		return err
	}
	return c.place.rename(ctx, draft, path.Join(s.Rejects, name))
}

func (c *connection) copyRejects(ctx context.Context, s *stream, f finished, e entry, to io.Writer) (err error) {
	if _, err := io.WriteString(to, "\uFEFF"); err != nil { // Excel takes UTF-8 for the local charset without it
		return err
	}
	w := csv.NewWriter(to)
	w.UseCRLF = true
	if err := w.Write([]string{"line", "reason", "row"}); err != nil {
		return err
	}
	broken := func(why *fatal) error {
		w.Flush()
		return errors.Join(w.Write([]string{strconv.Itoa(why.line), "the file: " + why.text, ""}), flush(w))
	}
	var why *fatal
	a, err := c.begin(ctx, s, e.identity())
	if errors.As(err, &why) {
		return broken(why)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.rows.close()) }()
	defer c.place.guard(ctx)()
	for n := 0; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		st, err := a.next()
		switch {
		case errors.Is(err, io.EOF):
			return flush(w)
		case errors.As(err, &why):
			return broken(why)
		case err != nil:
			return fmt.Errorf("reading %s again: %w", f.Name, err)
		}
		for _, r := range st.rejects {
			if err := w.Write([]string{strconv.Itoa(r.line), r.reason, r.raw}); err != nil {
				return err
			}
		}
	}
}

func flush(w *csv.Writer) error {
	w.Flush()
	return w.Error()
}
