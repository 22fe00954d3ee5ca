// Package starter writes a deployment's directory: the commented files of `minihub init`,
// and the same files pointed at simulators for the demo. Secrets are always references.
package starter

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"text/template"

	"github.com/minihub/minihub/cmd/minihub/internal/reference"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/pipelines/flows"
	"github.com/minihub/minihub/schemas/kinds"
)

//go:embed files
var files embed.FS

// ErrNotEmpty is answered when the directory holds something already.
var ErrNotEmpty = errors.New("the directory is not empty")

// deployment is what the templates are filled with.
type deployment struct {
	hub         hub
	jobs        jobs
	connections []connection
	secrets     map[string]string // path below the directory -> value
}

type hub struct {
	Store, Listen, Intake, Token, Log string
	RetryBase, RetryMax, RetryProbe   string
	SearchKey, VaultKey               string
}

type jobs struct{ PullOrders, PullMembers string }

// connection fills one template of files/connections.
type connection struct {
	Name, Template string
	Start          string
	LimitsX        string
	URL            string
	Store          map[string]string
	Config         map[string]string
}

// empty reports whether a directory can be written to: it is missing or holds nothing.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s: %w", dir, ErrNotEmpty)
	}
	return nil
}

// write makes the directory. What is there under other names stays; secrets are readable
// by their owner only.
func (d *deployment) write(dir string) error {
	w := &writer{dir: dir}
	w.template("hub.yaml", "files/hub.yaml", d.hub)
	w.template("jobs.yaml", "files/jobs.yaml", d.jobs)
	for _, c := range d.connections {
		w.template("connections/"+c.Name+".yaml", "files/connections/"+c.Template+".yaml", c)
	}
	w.flows()
	w.copy("mappings/README.md", "files/mappings.md")
	w.copy("schemas/README.md", "files/schemas.md")
	w.copy("lookups/README.md", "files/lookups.md")
	w.copy("flows/README.md", "files/flows.md")
	w.copy(".gitignore", "files/gitignore")
	w.schemas()
	names := make([]string, 0, len(d.secrets))
	for name := range d.secrets {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		w.put(name, []byte(d.secrets[name]+"\n"), 0o600)
	}
	return w.err
}

type writer struct {
	dir string
	err error // the first one; nothing is written after it
}

func (w *writer) put(name string, content []byte, mode fs.FileMode) {
	if w.err != nil {
		return
	}
	content = append([]byte(kinds.Modeline(name)), content...)
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	folder := fs.FileMode(0o755)
	if mode == 0o600 {
		folder = 0o700
	}
	if w.err = os.MkdirAll(filepath.Dir(path), folder); w.err == nil {
		w.err = os.WriteFile(path, content, mode)
	}
}

func (w *writer) copy(name, from string) {
	b, err := files.ReadFile(from)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.put(name, b, 0o644)
}

func (w *writer) template(name, from string, data any) {
	t, err := template.New(filepath.Base(from)).Funcs(template.FuncMap{"q": strconv.Quote}).Option("missingkey=zero").ParseFS(files, from)
	var b bytes.Buffer
	if err == nil {
		err = t.Execute(&b, data)
	}
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("filling %s: %w", from, err)
	}
	w.put(name, b.Bytes(), 0o644)
}

func (w *writer) flows() {
	shipped := flows.Shipped()
	names, err := fs.Glob(shipped, "*.yaml")
	if err != nil && w.err == nil {
		w.err = err
	}
	for _, name := range names {
		b, err := fs.ReadFile(shipped, name)
		if err != nil && w.err == nil {
			w.err = err
		}
		w.put("flows/"+name, b, 0o644)
	}
}

// schemas writes what editors complete and check the files with, as `minihub schema write`.
func (w *writer) schemas() {
	if w.err != nil {
		return
	}
	registry, err := builtin.Registry()
	if err != nil {
		w.err = err
		return
	}
	list, err := reference.Kinds(reference.Known{Registry: registry})
	if err != nil {
		w.err = err
		return
	}
	for _, s := range list {
		w.put(kinds.Folder+"/"+s.File(), s.Source, 0o644)
	}
}

// random is a secret nobody has seen before.
func random() string {
	var b [24]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
