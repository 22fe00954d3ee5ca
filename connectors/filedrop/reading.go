package filedrop

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
)

// The bounds of one pull: a page is kept in one transaction, and a pull has a minute.
const (
	pageBytes  = 8 << 20
	pageSteps  = 50_000
	patience   = 20 * time.Second // of one stage of a pull; then the next pull goes on
	checkEvery = 256              // rows between two looks at the clock
)

// opened is a file that stays open between two pulls, so that a page does not cost
// reading the file from its start.
type opened struct {
	id  identity
	asm *assembler
}

func (s *stream) drop() error {
	if s.open == nil {
		return nil
	}
	err := s.open.asm.rows.close()
	s.open = nil
	return err
}

// unchanged holds the file being read against its listing.
func (c *connection) unchanged(ctx context.Context, s *stream, id identity) error {
	e, err := c.place.stat(ctx, path.Join(s.Folder, id.Name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &connectors.Error{Kind: connectors.NotFound, Scope: connectors.OfOperation, Code: "file.vanished",
			Text: fmt.Sprintf("%s was taken away while it was read", c.place.show(path.Join(s.Folder, id.Name))),
			Hint: "put the file back to have the rest read, or an empty file of that name to give it up"}
	case err != nil:
		return err
	case e.identity() != id:
		return errChanged
	}
	return nil
}

// errChanged means that a file has other content than when its reading began.
var errChanged = errors.New("the file was changed while it was read")

// hash goes on hashing the file; whole says that the hash is complete.
func (c *connection) hash(ctx context.Context, s *stream, r *reading) (whole bool, err error) {
	f, err := c.place.open(ctx, path.Join(s.Folder, r.Name))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	defer c.place.guard(ctx)()
	h := sha256.New()
	if r.Hashed > 0 {
		if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(r.Sum); err != nil {
			return false, badCursor(err)
		}
	}
	if _, err := f.Seek(r.Hashed, io.SeekStart); err != nil {
		return false, err
	}
	began, buf := time.Now(), make([]byte, 1<<20)
	for n := 0; n == 0 || time.Since(began) < c.patience; n++ {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		k, err := f.Read(buf)
		h.Write(buf[:k]) // a hash never fails
		r.Hashed += int64(k)
		if errors.Is(err, io.EOF) {
			if r.Hashed != r.Size {
				return false, errChanged
			}
			r.Hash, r.Sum, r.Hashed = hashText(h.Sum(nil)), nil, 0
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	r.Sum, err = h.(encoding.BinaryMarshaler).MarshalBinary()
	return false, err
}

// assembler opens the file at the place the cursor names. ready is false when getting
// there takes longer than one pull may.
func (c *connection) assembler(ctx context.Context, s *stream, r *reading) (a *assembler, ready bool, err error) {
	if s.open != nil && (s.open.id != r.identity || past(s.open.asm.position, r.At)) {
		if err := s.drop(); err != nil {
			return nil, false, err
		}
	}
	if s.open == nil {
		if a, err = c.begin(ctx, s, r.identity); err != nil {
			return nil, false, err
		}
		s.open = &opened{r.identity, a}
		if s.seekable() && r.At.Row > 0 {
			a.position = r.At
			if err := seek(a.rows, r.At); err != nil {
				return nil, false, err
			}
		}
	}
	a = s.open.asm
	began := time.Now()
	for n := 0; a.position != r.At; n++ {
		if n > 0 && n%checkEvery == 0 && (time.Since(began) > c.patience || ctx.Err() != nil) {
			return nil, false, ctx.Err()
		}
		var broken *fatal
		if _, err := a.next(); errors.Is(err, io.EOF) || errors.As(err, &broken) {
			return nil, false, errChanged // it broke after this place when it was read before
		} else if err != nil {
			return nil, false, err
		}
		if past(a.position, r.At) {
			return nil, false, errChanged
		}
	}
	return a, true, nil
}

func past(a, b position) bool { return a.Row > b.Row }

// begin opens a file's rows from the start.
func (c *connection) begin(ctx context.Context, s *stream, id identity) (*assembler, error) {
	f, err := c.place.open(ctx, path.Join(s.Folder, id.Name))
	if err != nil {
		return nil, err
	}
	defer c.place.guard(ctx)()
	rows, err := s.openRows(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return newAssembler(s.streamSpec, rows, entry{Name: id.Name, Size: id.Size, MTime: time.UnixMilli(id.MTime)}), nil
}

// read fills a page.
func (c *connection) read(ctx context.Context, s *stream, cur *cursor, page *connectors.Page) error {
	r := cur.Reading
	a, ready, err := c.assembler(ctx, s, r)
	var broken *fatal
	switch {
	case errors.As(err, &broken) && !errors.Is(err, errChanged):
		return c.finish(ctx, s, cur, page, broken)
	case err != nil:
		return err
	case !ready:
		return nil
	}
	defer c.place.guard(ctx)()
	size, began := 0, time.Now()
	for n := 0; len(page.Items) < s.Page && size < pageBytes && n < pageSteps; n++ {
		if n%checkEvery == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if n > 0 && time.Since(began) > c.patience {
				return nil
			}
		}
		st, err := a.next()
		switch {
		case errors.Is(err, io.EOF):
			return c.finish(ctx, s, cur, page, nil)
		case errors.As(err, &broken):
			return c.finish(ctx, s, cur, page, broken)
		case err != nil:
			return err
		}
		r.At = st.next
		r.Rejects += len(st.rejects)
		r.Ignored += st.ignored
		if st.item != nil {
			r.Items++
			size += len(st.item.Body)
			page.Items = append(page.Items, *st.item)
		}
	}
	return nil
}

// finish ends the reading of a file.
func (c *connection) finish(ctx context.Context, s *stream, cur *cursor, page *connectors.Page, broken *fatal) error {
	if err := c.unchanged(ctx, s, cur.Reading.identity); err != nil {
		return err
	}
	r := cur.Reading
	f := finished{identity: r.identity, Hash: r.Hash, Rejects: r.Rejects}
	if broken != nil {
		f.Fatal = broken.Error()
	}
	f.Open = s.Done != doneLeave || f.Rejects > 0 || f.Fatal != ""
	log := c.log.Info
	if f.Rejects > 0 || f.Fatal != "" {
		log = c.log.Warn
	}
	log("file read", zap.String("stream", s.Name), zap.String("file", f.Name), zap.Int("documents", r.Items),
		zap.Int("rejected", f.Rejects), zap.Int("ignored", r.Ignored), zap.String("broken", f.Fatal))
	cur.finish(f)
	if f.Open {
		page.Acks = append(page.Acks, s.ack(f))
	}
	return s.drop()
}
