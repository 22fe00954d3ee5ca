package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/craft"
	"github.com/minihub/minihub/mappings/mapper"
)

func (r *root) mapTestCommand() *cobra.Command {
	var opt struct {
		changed, update bool
		cache           string
	}
	cmd := &cobra.Command{
		Use:   "test [./...|MAPPING|CASE|FOLDER]...",
		Short: "Run the cases beside the mappings",
		Long: "Runs the case files in mappings/VENDOR/cases: a document, its mapping, and the document or the errors that must come out.\n" +
			"Shows field by field what came out otherwise, and which target fields no case brings forth.\n\n" +
			"What was green is remembered by a hash of the case, its mapping, its schemas and lookup tables and this program, in the\n" +
			"user's cache folder (minihub/map-test/, a file for each directory; --cache names another). --changed leaves out what was\n" +
			"green with the same hash. Exit codes: 0 all green, 1 a case failed, 2 a file is wrong.",
		RunE: func(_ *cobra.Command, args []string) error {
			w, err := r.workshop(r.dir)
			if err != nil {
				return err
			}
			return r.mapTest(w, args, opt.changed, opt.update, opt.cache)
		},
	}
	cmd.Flags().BoolVar(&opt.changed, "changed", false, "only what changed since it was green")
	cmd.Flags().BoolVar(&opt.update, "update", false, "write what the mappings give into the case files")
	cmd.Flags().StringVar(&opt.cache, "cache", "", "the file that remembers what was green")
	return cmd
}

func (r *root) mapTest(w *workshop, patterns []string, changed, update bool, cache string) error {
	cases := w.cases()
	if cases == nil {
		return mapper.Problems{{Code: mappings.CodeCase, File: filepath.Join(w.dir, "mappings"), Text: "there is no such folder", Hint: "cases live in mappings/VENDOR/cases/NAME.txtar"}}
	}
	memory, remembered := openMemory(w.dir, cache)
	if remembered != nil && changed {
		return environmentError{errors.New(r.texts.Say(text.NoMemory, remembered))}
	}
	s := &craft.Suite{Folder: cases, Prefix: "mappings", Set: w.set, Schemas: w.checks, Lookups: w.lookups, Memory: memory, Changed: changed}
	for i, p := range patterns {
		patterns[i] = below(w.dir, p)
	}
	files, err := s.Files(patterns)
	if err != nil {
		return inputError{err}
	}
	rep, err := s.Run(files, len(patterns) > 0 && !everything(patterns))
	if err != nil {
		return err
	}
	if memory != nil {
		if err := memory.Save(); err != nil && changed {
			return environmentError{errors.New(r.texts.Say(text.NoMemory, err))}
		}
	}
	if update {
		return r.updateCases(w.dir, rep)
	}
	if err := r.printSuite(rep); err != nil {
		return err
	}
	if rep.Failed > 0 {
		return quiet(Failed)
	}
	return nil
}

func everything(patterns []string) bool {
	for _, p := range patterns {
		if p == "..." || p == "." || p == "mappings" || p == "mappings/..." {
			return true
		}
	}
	return false
}

// below makes a pattern relative to the deployment's directory, whether it was given
// relative to that or to where the caller stands.
func below(dir, pattern string) string {
	path, all := strings.CutSuffix(filepath.ToSlash(pattern), "...")
	if rel, err := filepath.Rel(abs(dir), abs(path)); err == nil && path != "" && !strings.HasPrefix(rel, "..") {
		if _, err := os.Stat(abs(path)); err == nil {
			path = filepath.ToSlash(rel)
		}
	}
	path = strings.TrimPrefix(filepath.ToSlash(filepath.Clean(path)), "./")
	switch {
	case all && path == ".":
		return "..."
	case all:
		return path + "/..."
	}
	return path
}

// openMemory opens what is remembered of a directory. Any other program may run the
// same cases otherwise, so the program is part of the hash.
func openMemory(dir, file string) (*craft.Memory, error) {
	if file == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(abs(dir)))
		file = filepath.Join(base, "minihub", "map-test", hex.EncodeToString(sum[:8])+".json")
	}
	salt := runtime.Version()
	if exe, err := os.Executable(); err == nil {
		if info, err := os.Stat(exe); err == nil {
			salt += fmt.Sprint(exe, info.Size(), info.ModTime().UnixNano())
		}
	}
	return craft.OpenMemory(file, salt)
}

// updateCases writes what the mappings give into the files of the cases that failed. A
// case whose own document does not fit its schema is not mended by that, and still fails.
func (r *root) updateCases(dir string, rep *craft.Report) error {
	written, broken := []string{}, 0
	for i := range rep.Cases {
		c := &rep.Cases[i]
		if len(c.Input) > 0 {
			broken++
			if !r.json {
				r.say(text.CaseFailed, c.File, c.Mapping)
				for _, v := range c.Input {
					r.say(text.CaseInput, v.String())
				}
			}
		}
		if !c.Stale() {
			continue
		}
		data, err := c.Updated()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(c.File)), data, 0o644); err != nil {
			return environmentError{err}
		}
		written = append(written, c.File)
	}
	if r.json {
		if err := r.printJSON(map[string]any{"ok": broken == 0, "updated": written, "failed": broken}); err != nil {
			return err
		}
	} else {
		for _, file := range written {
			r.say(text.CaseUpdated, file)
		}
		r.say(text.CasesUpdated, len(written))
	}
	if broken > 0 {
		return quiet(Failed)
	}
	return nil
}

func (r *root) printSuite(rep *craft.Report) error {
	if r.json {
		return r.printJSON(map[string]any{"ok": rep.Failed == 0, "ran": rep.Ran, "failed": rep.Failed, "unchanged": rep.Skipped, "cases": rep.Cases, "mappings": rep.Mappings})
	}
	for i := range rep.Cases {
		c := &rep.Cases[i]
		switch {
		case c.State == craft.Broken:
			if err := r.printCase(c); err != nil {
				return err
			}
		case r.verbose:
			r.say(text.CaseState, r.texts.Help("case "+c.State, c.State), c.File)
		}
	}
	var uncovered []craft.MappingReport
	fields := 0
	for _, m := range rep.Mappings {
		if len(m.Uncovered) > 0 {
			uncovered = append(uncovered, m)
			fields += len(m.Uncovered)
		}
	}
	if len(uncovered) > 0 {
		r.say(text.Uncovered)
		for _, m := range uncovered {
			if m.Cases == 0 {
				r.say(text.UncoveredAll, m.Name, m.Targets)
				continue
			}
			r.say(text.UncoveredSome, m.Name, len(m.Uncovered), m.Targets, strings.Join(m.Uncovered, ", "))
		}
		fmt.Fprintln(r.std.Out)
	}
	r.say(text.SuiteEnd, rep.Ran, rep.Failed, rep.Skipped, len(rep.Mappings), fields)
	return nil
}

// printCase shows what came out otherwise than wanted.
func (r *root) printCase(c *craft.CaseReport) error {
	about, _, _ := strings.Cut(c.About, "\n")
	r.say(text.CaseFailed, c.File, c.Mapping)
	if about != "" {
		fmt.Fprintln(r.std.Out, "  "+about)
	}
	for _, v := range c.Input {
		r.say(text.CaseInput, v.String())
	}
	var rows [][]string
	for _, d := range c.Differences {
		want, got := d.Want, d.Got
		switch d.Kind {
		case mappings.Missing:
			got = r.texts.Say(text.NotThere)
		case mappings.Extra:
			want = r.texts.Say(text.NotThere)
		case mappings.Length:
			want, got = r.texts.Say(text.Items, want), r.texts.Say(text.Items, got)
		}
		path := d.Path
		if path == "" {
			path = "."
		}
		rows = append(rows, []string{"", path, want, got})
	}
	if len(rows) > 0 {
		if err := r.indentedTable([]string{"", "FIELD", "WANT", "GOT"}, rows); err != nil {
			return err
		}
	}
	if len(c.Wanted) > 0 || len(c.Failures) > 0 {
		r.printErrors(c)
	}
	fmt.Fprintln(r.std.Out)
	return nil
}

// indentedTable is table with an empty first column two spaces wide.
func (r *root) indentedTable(header []string, rows [][]string) error {
	for i := range rows {
		rows[i][1] = "  " + rows[i][1]
	}
	name := header[1]
	shown := r.texts.Help("column "+name, name)
	var b strings.Builder
	inner := &root{std: Streams{Out: &b}, texts: r.texts}
	if err := inner.table(append([]string{"  " + shown}, header[2:]...), cutFirst(rows)); err != nil {
		return err
	}
	_, err := fmt.Fprint(r.std.Out, b.String())
	return err
}

func cutFirst(rows [][]string) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		out[i] = row[1:]
	}
	return out
}

func (r *root) printErrors(c *craft.CaseReport) {
	got := strings.Split(strings.TrimSuffix(mappings.ErrorLines(c.Failures), "\n"), "\n")
	if len(c.Failures) == 0 {
		got = nil
	}
	r.say(text.WantErrors)
	for _, line := range orNothing(c.Wanted, r.texts.Say(text.NoErrors)) {
		fmt.Fprintln(r.std.Out, "    "+line)
	}
	r.say(text.GotErrors)
	for _, line := range orNothing(got, r.texts.Say(text.NoErrors)) {
		fmt.Fprintln(r.std.Out, "    "+line)
	}
	for _, f := range c.Failures {
		if f.Line > 0 {
			fmt.Fprintln(r.std.Out, "  "+f.Error()+" ["+f.Code+"]")
		}
	}
}

func orNothing(lines []string, none string) []string {
	if len(lines) == 0 {
		return []string{none}
	}
	return lines
}
