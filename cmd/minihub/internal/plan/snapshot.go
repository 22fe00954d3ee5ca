// Package plan compares what a directory says with what runs: snapshots of files, the
// changes between two of them, and the revisions that a ledger keeps.
package plan

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Snapshot is the files that make a deployment, by path: all that the loader reads, and
// never a secret, since files refer to those.
type Snapshot struct {
	files map[string][]byte
	hash  string
}

// folders are where the files of a deployment stand, beside roots.
var folders = []string{"connectors", "connections", "flows", "mappings", "schemas", "lookups"}

var roots = []string{"hub.yaml", "jobs.yaml"}

// New makes a snapshot of files by path.
func New(files map[string][]byte) *Snapshot {
	s := &Snapshot{files: files}
	h := sha256.New()
	for _, name := range s.Names() {
		fmt.Fprintf(h, "%d %s %d\n", len(name), name, len(files[name]))
		h.Write(files[name])
	}
	s.hash = hex.EncodeToString(h.Sum(nil))
	return s
}

// Read takes a snapshot of a directory. A file that is missing is no error here: whoever
// loads the directory says so.
func Read(dir fs.FS) (*Snapshot, error) {
	files := map[string][]byte{}
	take := func(name string) error {
		b, err := fs.ReadFile(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		files[name] = b
		return nil
	}
	for _, name := range roots {
		if err := take(name); err != nil {
			return nil, err
		}
	}
	for _, folder := range folders {
		err := fs.WalkDir(dir, folder, func(name string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return fmt.Errorf("reading %s: %w", name, err)
			case d.IsDir() && strings.HasPrefix(d.Name(), "."):
				return fs.SkipDir
			case d.IsDir() || !read(name):
				return nil
			}
			return take(name)
		})
		if err != nil {
			return nil, err
		}
	}
	return New(files), nil
}

// read reports whether the loader looks at a file of this name.
func read(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// Hash is the SHA-256 of names and contents, in hex.
func (s *Snapshot) Hash() string { return s.hash }

// Names lists the files, sorted.
func (s *Snapshot) Names() []string {
	names := make([]string, 0, len(s.files))
	for n := range s.files {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// File returns a file's bytes, which must not be changed.
func (s *Snapshot) File(name string) ([]byte, bool) {
	b, ok := s.files[name]
	return b, ok
}

// Pack returns the snapshot as a ZIP archive. Equal snapshots have equal bytes.
func (s *Snapshot) Pack() ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range s.Names() {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(s.files[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// Bounds of a packed snapshot: a damaged archive must not take the hub's memory.
const (
	mostFiles = 20_000
	mostBytes = 256 << 20
)

// Unpack reads what Pack made.
func Unpack(packed []byte) (*Snapshot, error) {
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, fmt.Errorf("the kept files cannot be read: %w", err)
	}
	if len(r.File) > mostFiles {
		return nil, fmt.Errorf("the kept files are %d, at most %d are read", len(r.File), mostFiles)
	}
	files := map[string][]byte{}
	left := int64(mostBytes)
	for _, f := range r.File {
		if !fs.ValidPath(f.Name) {
			return nil, fmt.Errorf("the kept files hold a path that is none: %q", f.Name)
		}
		b, err := contents(f, left)
		if err != nil {
			return nil, fmt.Errorf("the kept file %s cannot be read: %w", f.Name, err)
		}
		if left -= int64(len(b)); left <= 0 {
			return nil, fmt.Errorf("the kept files have more than %d bytes", mostBytes)
		}
		files[f.Name] = b
	}
	return New(files), nil
}

func contents(f *zip.File, most int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, most))
	return b, errors.Join(err, r.Close())
}

// FS shows the snapshot as the directory that it was taken of.
func (s *Snapshot) FS() (fs.FS, error) {
	packed, err := s.Pack()
	if err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
}
