package cli

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/infer"
)

// inference is what `schema infer` was asked for.
type inference struct {
	name, mapping string
	write         bool
}

func (r *root) schemaInferCommand() *cobra.Command {
	var opt inference
	cmd := &cobra.Command{
		Use:   "infer SAMPLE... [--name VENDOR/DOCUMENT] [--mapping canonical/ENTITY]",
		Short: "Draft the schema of a vendor's document, and a mapping, from samples",
		Long: "Reads JSON, a JSON list or JSON Lines from files, or from the standard input for -, in little memory however long they are.\n" +
			"Prints a JSON Schema (draft-07) that all of them fit: types, times, money, ids, personal data. With --mapping it also drafts\n" +
			"a mapping: rows for the fields that names and values speak for, with a comment how sure each is. A required field without a\n" +
			"guess gets a row that fails until you fill it in. No value of a sample is printed, only forms.\n\n" +
			"--write puts both into the deployment: schemas/vendors/VENDOR/DOCUMENT.schema.json and mappings/VENDOR/in/DOCUMENT.yaml.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return r.infer(opt, args) },
	}
	cmd.Flags().StringVar(&opt.name, "name", "vendor/document", "VENDOR/DOCUMENT, for instance teashop/order")
	cmd.Flags().StringVar(&opt.mapping, "mapping", "", "draft a mapping to this canonical document too, for instance canonical/order")
	cmd.Flags().BoolVar(&opt.write, "write", false, "write into the deployment's schemas/ and mappings/ instead of printing")
	return cmd
}

var documentName = regexp.MustCompile(`^[a-z][a-z0-9_-]*/[a-z][a-z0-9_.-]*$`)

func (r *root) infer(opt inference, args []string) error {
	vendor, document, _ := strings.Cut(opt.name, "/")
	if !documentName.MatchString(opt.name) {
		return r.bad(text.InferName, opt.name)
	}
	set, err := schemas.Load()
	if err != nil {
		return err
	}
	target, err := r.canonical(set, opt.mapping)
	if err != nil {
		return err
	}
	samples := infer.New()
	for _, name := range args {
		if err := r.readSample(samples, name); err != nil {
			return err
		}
	}
	if samples.Documents() == 0 {
		return r.bad(text.InferEmpty, strings.Join(args, ", "))
	}
	input := "vendors/" + opt.name
	out := []drafted{{path.Join("schemas", input+".schema.json"), samples.Schema(opt.name)}}
	if target != nil {
		m := samples.Mapping(infer.Mapping{Title: vendor + " " + document + " -> " + strings.TrimPrefix(opt.mapping, "canonical/"),
			Input: input, Output: opt.mapping, Shape: target.Shape()})
		out = append(out, drafted{path.Join("mappings", vendor, "in", document+".yaml"), m})
	}
	if err := compiles(out); err != nil {
		return fmt.Errorf("the drafts do not fit together; this is a fault of the program: %w", err)
	}
	if opt.write {
		return r.writeDrafts(samples.Documents(), out)
	}
	if r.json {
		files := map[string]string{}
		for _, d := range out {
			files[d.path] = string(d.content)
		}
		return r.printJSON(map[string]any{"ok": true, "documents": samples.Documents(), "files": files})
	}
	for i, d := range out {
		if len(out) > 1 {
			if i > 0 {
				fmt.Fprintln(r.std.Out)
			}
			fmt.Fprintf(r.std.Out, "-- %s --\n", d.path)
		}
		if _, err := r.std.Out.Write(d.content); err != nil {
			return err
		}
	}
	return nil
}

// drafted is a file of the draft, by its path in a deployment.
type drafted struct {
	path    string
	content []byte
}

// canonical finds the document that a mapping is drafted to; nil when none is wanted.
func (r *root) canonical(set *schemas.Set, name string) (*schemas.Schema, error) {
	if name == "" {
		return nil, nil
	}
	var known []string
	for _, n := range set.Names() {
		if strings.HasPrefix(n, "canonical/") && n != "canonical/defs" {
			known = append(known, n)
		}
		if n == name && strings.HasPrefix(n, "canonical/") && n != "canonical/defs" {
			s, _ := set.Get(n)
			return s, nil
		}
	}
	hint := strings.Join(known, ", ")
	if n := mapper.Nearest(name, known); n != "" {
		hint = r.texts.Say(text.DidYouMean, n)
	}
	return nil, r.bad(text.InferMapping, name, hint)
}

func (r *root) readSample(into *infer.Samples, name string) error {
	var in io.Reader = r.std.In
	if name != "-" {
		f, err := os.Open(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return r.bad(text.NoSuchFile, name)
		case err != nil:
			return inputError{err}
		}
		defer func() { _ = f.Close() }()
		in = f
	} else {
		name = "stdin"
	}
	err := into.Read(in)
	var bad *infer.Error
	var file *fs.PathError
	switch {
	case errors.As(err, &bad):
		return r.bad(text.InferFile, name, bad.Line, bad.Column, bad.Text)
	case errors.As(err, &file): // a folder, for instance
		return inputError{err}
	}
	return err
}

// compiles holds the drafts to what a deployment would: the schema loads, and the mapping
// compiles against it.
func compiles(out []drafted) error {
	overlay, err := zipped(out[0])
	if err != nil {
		return err
	}
	set, err := schemas.Load(overlay)
	if err != nil || len(out) == 1 {
		return err
	}
	lookups, err := mappings.LoadLookups(nil)
	if err != nil {
		return err
	}
	_, err = mapper.Compile(out[1].path, out[1].content, mapper.Options{Lookups: lookups, Shapes: func(name string) (mapper.Shape, bool) {
		s, ok := set.Get(name)
		if !ok {
			return nil, false
		}
		return mapper.ShapeOf(s.Shape()), true
	}})
	if err != nil {
		return errors.New(err.Error()) // not the caller's input
	}
	return nil
}

// zipped is a folder of schemas in memory that holds one file.
func zipped(d drafted) (fs.FS, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(strings.TrimPrefix(d.path, "schemas/"))
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(d.content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

// writeDrafts writes new files below the directory; nothing is written over.
func (r *root) writeDrafts(documents int, out []drafted) error {
	if info, err := os.Stat(r.dir); err != nil || !info.IsDir() {
		return r.bad(text.SchemaNoDir, r.dir)
	}
	for _, d := range out {
		if _, err := os.Lstat(filepath.Join(r.dir, filepath.FromSlash(d.path))); err == nil {
			return r.bad(text.InferExists, d.path)
		}
	}
	var written []string
	for _, d := range out {
		name := filepath.Join(r.dir, filepath.FromSlash(d.path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(d.content)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		written = append(written, d.path)
	}
	if r.json {
		return r.printJSON(map[string]any{"ok": true, "documents": documents, "written": written})
	}
	for _, w := range written {
		r.say(text.InferWrote, w)
	}
	if len(written) > 1 {
		r.say(text.InferNext, documents, written[1])
	}
	return nil
}
