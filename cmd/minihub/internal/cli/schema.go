package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/reference"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/kinds"
)

func (r *root) schemaCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "schema", Aliases: []string{"schemas"}, Short: "Schemas for editors, and drafts of schemas and mappings from samples"}
	cmd.AddCommand(r.schemaListCommand(), r.schemaPrintCommand(), r.schemaWriteCommand(), r.schemaInferCommand())
	return cmd
}

func (r *root) schemaListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the schemas of the YAML kinds", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			list, _, err := r.kinds(r.dir)
			if err != nil {
				return err
			}
			var rows [][]string
			var out []map[string]any
			for _, s := range list {
				rows = append(rows, []string{s.Kind, strings.Join(s.Files, " "), s.Title})
				out = append(out, map[string]any{"kind": s.Kind, "files": s.Files, "title": s.Title})
			}
			if r.json {
				return r.printJSON(out)
			}
			return r.table([]string{"KIND", "FILES", "WHAT"}, rows)
		},
	}
}

func (r *root) schemaPrintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "print KIND",
		Short: "Print the JSON Schema of a YAML kind",
		Long: "Prints a JSON Schema (draft-07). That of a connection knows the fields of every connector, those too that the\n" +
			"directory describes in connectors/.",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			list, _, err := r.kinds(r.dir)
			if err != nil {
				return err
			}
			for _, s := range list {
				if s.Kind == args[0] {
					_, err := r.std.Out.Write(s.Source)
					return err
				}
			}
			hint := strings.Join(kinds.Names(), ", ")
			if n := mapper.Nearest(args[0], kinds.Names()); n != "" {
				hint = r.texts.Say(text.DidYouMean, n)
			}
			return r.bad(text.SchemaNoKind, args[0], hint)
		},
	}
}

func (r *root) schemaWriteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "write [DIR]",
		Short: "Write the schemas of all YAML kinds to .schemas/ of a deployment",
		Long: "Writes DIR/.schemas/*.json, made for the connectors, lookup tables and schemas of the deployment, and prints how an\n" +
			"editor finds them. Nothing else is touched. Run it again after an upgrade or a new file in connectors/.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := r.dir
			if len(args) == 1 {
				dir = args[0]
			}
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				return r.bad(text.SchemaNoDir, dir)
			}
			list, problems, err := r.kinds(dir)
			if err != nil {
				return err
			}
			changed, err := writeSchemas(dir, list)
			if err != nil {
				return err
			}
			if r.json {
				return r.printJSON(map[string]any{"ok": true, "dir": filepath.Join(dir, kinds.Folder), "changed": changed, "settings": kinds.Settings(list), "problems": problems})
			}
			for _, p := range problems {
				fmt.Fprintln(r.std.Err, r.texts.Say(text.Warning, r.texts.Say(text.SchemaUnread, p.File)))
			}
			if len(changed) == 0 {
				r.say(text.SchemaSame, filepath.Join(dir, kinds.Folder), len(list))
			} else {
				r.say(text.SchemaWrote, filepath.Join(dir, kinds.Folder), len(list), len(changed))
			}
			r.say(text.SchemaLine, strings.TrimSpace(kinds.Modeline("connections/x.yaml")))
			r.say(text.SchemaSettings)
			return r.printJSON(kinds.Settings(list))
		},
	}
}

// writeSchemas writes what differs and answers the names of those files, never nil.
func writeSchemas(dir string, list []kinds.Schema) ([]string, error) {
	folder := filepath.Join(dir, kinds.Folder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	changed := []string{}
	for _, s := range list {
		name := filepath.Join(folder, s.File())
		if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, s.Source) {
			continue
		}
		if err := os.WriteFile(name, s.Source, 0o644); err != nil {
			return nil, err
		}
		changed = append(changed, path.Join(kinds.Folder, s.File()))
	}
	return changed, nil
}

// kinds makes the schemas for what a directory holds. Files of it that cannot be read are
// left to `check`: here they only take their names out of the completion. The problems are
// those of connectors/, one a file.
func (r *root) kinds(dir string) ([]kinds.Schema, mapper.Problems, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, mapper.Problems{{Code: config.CodeMissing, File: dir, Text: "there is no such directory", Hint: "name a deployment's directory with -c, or leave -c out"}}
	}
	known := reference.Known{}
	registry, found := config.Described(dir, config.Options{Registry: r.registry})
	known.Registry = registry
	var problems mapper.Problems
	for _, p := range found {
		name := strings.TrimSuffix(path.Base(p.File), ".yaml")
		if len(known.Unread) == 0 || known.Unread[len(known.Unread)-1] != name {
			known.Unread = append(known.Unread, name)
			problems = append(problems, p)
		}
	}
	top := os.DirFS(dir)
	if l, err := mappings.LoadLookups(top); err == nil {
		known.Lookups = l
	}
	if f := folder(top, "schemas"); f != nil {
		if s, err := schemas.Load(f); err == nil {
			known.Schemas = s
		}
	}
	list, err := reference.Kinds(known)
	return list, problems, err
}
