package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/pipelines/ledger"
)

func (r *root) recordCommand() *cobra.Command {
	var opt struct {
		out      string
		delivery int64
	}
	cmd := &cobra.Command{
		Use:   "record MESSAGE",
		Short: "Turn a stored message that failed in a mapping into a masked case file",
		Long: "Writes a case file that fails as the message did, with its personal values masked: the fields that the schema marks as\n" +
			"personal and those it does not name keep their length and their kinds of characters, and equal values stay equal. The case\n" +
			"is run before it is written; one that does not fail in the same way, with the same code at the same field, is not written.\n" +
			"Works beside a running hub and changes nothing in it. Read the file before you share it.\n\n" +
			"Exit codes: 0 written, 1 the failure cannot be recorded, 2 your input, 3 the store cannot be read.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			message, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || message <= 0 {
				return r.bad(text.NotAnID, args[0])
			}
			return r.record(cmd.Context(), message, opt.delivery, opt.out)
		},
	}
	cmd.Flags().StringVarP(&opt.out, "output", "o", "", "the file to write; - is the standard output (default: beside the mapping's cases)")
	cmd.Flags().Int64Var(&opt.delivery, "delivery", 0, "the delivery of the message that failed, when several did")
	return cmd
}

// refusal is why a failure cannot be recorded: nothing is wrong with the command.
type refusal struct{ error }

func (r *root) refuse(id text.ID, a ...any) error { return refusal{errors.New(r.texts.Say(id, a...))} }

func (r *root) record(ctx context.Context, message, delivery int64, out string) error {
	s, err := r.stored(ctx, 1)
	if err != nil {
		return err
	}
	made, err := r.recorded(ctx, s, message, delivery)
	if err := errors.Join(err, s.close()); err != nil {
		return r.tellRefusal(err)
	}
	if out == "" {
		name := strings.TrimSuffix(path.Base(made.mapping), ".yaml") + "-message-" + strconv.FormatInt(message, 10) + ".txtar"
		out = filepath.Join(r.dir, "mappings", filepath.FromSlash(path.Dir(path.Dir(made.mapping))), "cases", name)
	}
	if out == "-" {
		if r.json {
			return r.printJSON(map[string]any{"ok": true, "case": string(made.file), "mapping": made.mapping, "failures": made.failures, "masked": made.masked})
		}
		_, err := r.std.Out.Write(made.file)
		return err
	}
	if err := writeNew(out, made.file); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return r.bad(text.RecordExists, out)
		}
		return environmentError{err}
	}
	if r.json {
		return r.printJSON(map[string]any{"ok": true, "file": out, "mapping": made.mapping, "failures": made.failures, "masked": made.masked})
	}
	r.say(text.RecordWritten, out, made.mapping, made.masked)
	r.say(text.RecordSame)
	for _, f := range made.failures {
		fmt.Fprintf(r.std.Out, "  %s %s\n", f.Code, f.Target)
	}
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// tellRefusal prints why nothing was written.
func (r *root) tellRefusal(err error) error {
	var no refusal
	if !errors.As(err, &no) {
		return err
	}
	if r.json {
		return errors.Join(r.printJSON(map[string]any{"ok": false, "exit": Failed, "error": no.Error()}), quiet(Failed))
	}
	fmt.Fprintln(r.std.Err, r.texts.Say(text.NotRecorded, no.Error()))
	return quiet(Failed)
}

// recording is a case that fails as its message did.
type recording struct {
	mapping  string // path below mappings/
	file     []byte
	failures []mappings.Failure
	masked   int
}

// recorded finds where the message failed, masks what the mapping was given and makes
// sure that it still fails in the same way.
func (r *root) recorded(ctx context.Context, s *stored, message, delivery int64) (*recording, error) {
	rec, err := s.reader.Record(ctx, message)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil, r.bad(text.NoMessage, message)
	case err != nil:
		return nil, &app.StoreError{Err: err}
	}
	if err := s.openDecoder(ctx, rec.DocKey.Connection); err != nil {
		fmt.Fprintln(r.std.Err, r.texts.Say(text.Warning, err))
	}
	body, err := s.reader.Payload(ctx, rec.Payload)
	switch {
	case errors.Is(err, ledger.ErrNotFound) || rec.Payload == (ledger.Ref{}):
		return nil, r.refuse(text.RecordGone, message)
	case err != nil:
		return nil, &app.StoreError{Err: err}
	}
	tree, err := s.tree(rec, body)
	if err != nil {
		return nil, r.refuse(text.RecordTorn, message, err)
	}
	f, err := r.failed(ctx, s, rec, tree, delivery)
	if err != nil {
		return nil, err
	}
	return r.mask(s, rec, f)
}
