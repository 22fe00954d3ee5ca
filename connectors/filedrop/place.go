package filedrop

import (
	"context"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// entry is one file of a folder.
type entry struct {
	Name  string // without the folder
	Size  int64
	MTime time.Time // in whole milliseconds; SFTP tells whole seconds
}

// file is an open file to read.
type file interface {
	io.ReadSeeker
	io.ReaderAt
	io.Closer
}

// place is where files are: a local folder or an SFTP server. Names are slash paths below
// its root and never leave it. Errors wrap fs.ErrNotExist and fs.ErrPermission.
type place interface {
	list(ctx context.Context, folder string) ([]entry, error)
	stat(ctx context.Context, name string) (entry, error)
	open(ctx context.Context, name string) (file, error)
	// write makes or replaces a file and returns once its bytes are stored.
	write(ctx context.Context, name string, from io.Reader) error
	// rename replaces what is at the new name, in one step.
	rename(ctx context.Context, from, to string) error
	remove(ctx context.Context, name string) error
	mkdir(ctx context.Context, folder string) error
	// guard makes calls on open files end when ctx does; the returned function must be
	// called when they are over.
	guard(ctx context.Context) (release func())
	// lost looks at the error of a call on an open file: a connection that has broken is
	// given up, and the next call makes another.
	lost(err error)
	// show is a name as people and exchanges see it.
	show(name string) string
	close() error
}

// below says whether a slash path stays below its root. The path is the integrator's or
// a server's, so nothing about it is taken on trust.
func below(name string) bool {
	return name != "" && fs.ValidPath(name) && !strings.ContainsAny(name, "\x00\\")
}

// plainName says whether a listed name is a name and not a path.
func plainName(name string) bool { return below(name) && name == path.Base(name) && name != "." }
