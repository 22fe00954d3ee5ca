package filedrop

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
)

// local is a folder of this machine. os.Root keeps every name inside it, symbolic links
// included.
type local struct {
	root *os.Root
	path string
}

func openLocal(root string) (*local, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	return &local{root: r, path: root}, nil
}

func (l *local) list(ctx context.Context, folder string) ([]entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := l.root.Open(folder)
	if err != nil {
		return nil, err
	}
	infos, err := dir.Readdir(-1)
	if err := errors.Join(err, dir.Close()); err != nil {
		return nil, err
	}
	var out []entry
	for _, i := range infos {
		if i.Mode().IsRegular() && plainName(i.Name()) {
			out = append(out, entryOf(i))
		}
	}
	return out, nil
}

func entryOf(i fs.FileInfo) entry {
	return entry{Name: i.Name(), Size: i.Size(), MTime: i.ModTime().UTC().Truncate(time.Millisecond)}
}

func (l *local) stat(ctx context.Context, name string) (entry, error) {
	if err := ctx.Err(); err != nil {
		return entry{}, err
	}
	i, err := l.root.Stat(name)
	if err != nil {
		return entry{}, err
	}
	return entryOf(i), nil
}

func (l *local) open(ctx context.Context, name string) (file, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return l.root.Open(name)
}

func (l *local) write(ctx context.Context, name string, from io.Reader) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := l.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (l *local) rename(ctx context.Context, from, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.root.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(l.sync(path.Dir(to)), l.sync(path.Dir(from)))
}

// sync makes a rename outlive a power cut.
func (l *local) sync(folder string) error {
	d, err := l.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (l *local) remove(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.root.Remove(name)
}

func (l *local) mkdir(ctx context.Context, folder string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.root.MkdirAll(folder, 0o750)
}

func (l *local) guard(context.Context) func() { return func() {} }

func (l *local) lost(error) {}

func (l *local) show(name string) string {
	return "file://" + filepath.ToSlash(filepath.Join(l.path, filepath.FromSlash(name)))
}

func (l *local) close() error { return l.root.Close() }
