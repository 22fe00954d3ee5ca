package filedrop

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"
)

// journal is what a folder knows about keys that were written there, for as long as the
// operation keeps it. An entry is made before the file appears and names its draft:
//
//   - the draft is there: the file has not appeared;
//   - the draft lies in void: it never will, the attempt was given up;
//   - neither: it was renamed, the file has appeared, whatever became of it since.
//
// One rename decides between the first and the others, so an attempt that was cut off
// and its repetition cannot both take effect (Invariant 3).
type journal struct {
	place  place
	folder string
	name   string // of the operation
}

type journalEntry struct {
	Digest string `json:"digest"`
	File   string `json:"file"`
	Draft  string `json:"draft"`
	At     string `json:"at"`
}

// standing is what became of a key.
type standing int

const (
	unwritten standing = iota
	drafted
	written
)

func (j journal) drafts() string { return path.Join(j.folder, "drafts") }
func (j journal) void() string   { return path.Join(j.folder, "void") }

func (j journal) bucket(n int) string { return path.Join(j.folder, j.name, fmt.Sprintf("%02x", n)) }

func (j journal) at(key string) string {
	sum := sha256.Sum256([]byte(key))
	return path.Join(j.bucket(int(sum[0])), hex.EncodeToString(sum[1:17])+".json")
}

func digest(doc []byte) string {
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}

func newDraft(now time.Time) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, by its contract
	return now.UTC().Format("20060102T150405") + "-" + hex.EncodeToString(b[:])
}

func (j journal) prepare(ctx context.Context) error {
	return errors.Join(j.place.mkdir(ctx, j.drafts()), j.place.mkdir(ctx, j.void()))
}

// look reads what is known about a key.
func (j journal) look(ctx context.Context, key string) (journalEntry, standing, error) {
	var e journalEntry
	raw, err := j.readAll(ctx, j.at(key))
	if errors.Is(err, fs.ErrNotExist) {
		return e, unwritten, nil
	}
	if err != nil {
		return e, unwritten, err
	}
	if err := json.Unmarshal(raw, &e); err != nil || !plainName(e.Draft) {
		return e, unwritten, fmt.Errorf("the journal entry %s is damaged", j.place.show(j.at(key)))
	}
	there, err := j.exists(ctx, path.Join(j.drafts(), e.Draft))
	if err != nil || there {
		return e, drafted, err
	}
	void, err := j.exists(ctx, path.Join(j.void(), e.Draft))
	if err != nil || void {
		return e, unwritten, err
	}
	return e, written, nil
}

func (j journal) exists(ctx context.Context, name string) (bool, error) {
	_, err := j.place.stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (j journal) readAll(ctx context.Context, name string) (raw []byte, err error) {
	f, err := j.place.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	defer j.place.guard(ctx)()
	var b bytes.Buffer
	_, err = b.ReadFrom(f)
	j.place.lost(err)
	return b.Bytes(), err
}

// settle is look, but gives an attempt up that was cut off before its file appeared.
func (j journal) settle(ctx context.Context, key string) (journalEntry, standing, error) {
	e, st, err := j.look(ctx, key)
	if err != nil || st != drafted {
		return e, st, err
	}
	err = j.place.rename(ctx, path.Join(j.drafts(), e.Draft), path.Join(j.void(), e.Draft))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return e, st, err
	}
	return j.look(ctx, key) // whoever was first has decided
}

// note makes a key's entry, whole or not at all.
func (j journal) note(ctx context.Context, key string, e journalEntry) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	to := j.at(key)
	if err := j.place.mkdir(ctx, path.Dir(to)); err != nil {
		return err
	}
	part := to + "." + e.Draft
	if err := j.place.write(ctx, part, bytes.NewReader(raw)); err != nil {
		return err
	}
	return j.place.rename(ctx, part, to)
}

// sweep clears one bucket of entries older than keep. Drafts and what lies in void go
// last: without them an entry would say that its file has appeared.
func (j journal) sweep(ctx context.Context, bucket int, keep time.Duration, now time.Time) error {
	old := func(folder string, age time.Duration) error {
		list, err := j.place.list(ctx, folder)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, e := range list {
			if now.Sub(e.MTime) > age {
				err = errors.Join(err, j.place.remove(ctx, path.Join(folder, e.Name)))
			}
		}
		return err
	}
	err := old(j.bucket(bucket), keep)
	if bucket == 0 {
		err = errors.Join(err, old(j.drafts(), 2*keep+24*time.Hour), old(j.void(), 2*keep+24*time.Hour))
	}
	return err
}
