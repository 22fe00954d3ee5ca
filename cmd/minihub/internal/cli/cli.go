// Package cli is the command line: tables for people, --json for scripts, exit codes 0
// fine, 1 it failed, 2 your input, 3 the environment. Texts are English, or Chinese
// where the locale says so.
package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/builtin"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/ledger"
)

// Exit codes.
const (
	Fine        = 0
	Failed      = 1
	Input       = 2
	Environment = 3
)

// Streams are a command's standard streams.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Locale is the language of texts, such as zh_CN.UTF-8; empty = the environment's.
	Locale string
}

// Run runs a command line and returns the exit code.
func Run(ctx context.Context, args []string, std Streams) int {
	registry, err := builtin.Registry()
	if err != nil {
		fmt.Fprintln(std.Err, "minihub:", err)
		return Failed
	}
	r := &root{std: std, registry: registry, json: slices.Contains(args, "--json"), texts: text.In(cmp.Or(std.Locale, text.Locale(os.Getenv)))}
	cmd := r.command()
	cmd.SetArgs(args)
	cmd.SetIn(std.In)
	cmd.SetOut(std.Out)
	cmd.SetErr(std.Err)
	ran, err := cmd.ExecuteContextC(ctx)
	if err == nil {
		return Fine
	}
	err = r.usageError(ran, err)
	code := exitCode(err)
	r.printError(err, code)
	return code
}

// inputError marks an error as the caller's input.
type inputError struct{ error }

func (e inputError) Unwrap() error { return e.error }

// environmentError marks what is wrong around the program.
type environmentError struct{ error }

func (e environmentError) Unwrap() error { return e.error }

// quiet carries an exit code for a command that has said everything already.
type quiet int

func (q quiet) Error() string { return "" }

func badInput(format string, a ...any) error { return inputError{fmt.Errorf(format, a...)} }

// bad is an error of the caller's input in the caller's language.
func (r *root) bad(id text.ID, a ...any) error {
	return inputError{errors.New(r.texts.Say(id, a...))}
}

func exitCode(err error) int {
	var q quiet
	var in inputError
	var ps mapper.Problems
	var op *net.OpError
	var pe *fs.PathError
	var store *app.StoreError
	var listen *app.ListenError
	var env environmentError
	switch {
	case errors.As(err, &q):
		return int(q)
	case errors.As(err, &ps), errors.As(err, &in):
		return Input
	case errors.As(err, &env), errors.As(err, &store), errors.As(err, &listen), errors.Is(err, ledger.ErrOwned), errors.Is(err, ledger.ErrFull),
		errors.As(err, &op), errors.As(err, &pe):
		return Environment
	}
	return Failed
}

func (r *root) printError(err error, code int) {
	var q quiet
	if errors.As(err, &q) {
		return
	}
	var ps mapper.Problems
	var call *callError
	said := err.Error()
	if _, who, owned := strings.Cut(said, ledger.ErrOwned.Error()); owned {
		said = r.texts.Say(text.StoreOwned, who)
	}
	if r.json {
		out := map[string]any{"ok": false, "exit": code, "error": said}
		if errors.As(err, &ps) {
			out["problems"] = ps
		}
		if errors.As(err, &call) {
			out["code"] = call.code
		}
		_ = r.printJSON(out)
		return
	}
	if errors.As(err, &ps) {
		for _, p := range ps {
			fmt.Fprintf(r.std.Err, "%s [%s]\n", p.Error(), p.Code)
		}
		fmt.Fprintf(r.std.Err, "\n%s\n", r.texts.Say(text.ProblemCount, len(ps)))
		return
	}
	fmt.Fprintln(r.std.Err, r.texts.Say(text.Oops, said))
}

type root struct {
	std      Streams
	texts    text.Texts
	registry *connectors.Registry
	dir      string
	json     bool
	verbose  bool
	// A hub elsewhere, and the file with the token for it.
	url, tokenFile string
}

func (r *root) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "minihub",
		Short: "Connects Mini Program stores to CRM, OMS, WMS, ERP and logistics",
		Long: "minihub connects Mini Program stores to a brand's CRM, OMS, WMS, ERP and logistics providers.\n" +
			"Nothing installed yet? `minihub demo` runs everything against simulators in a temporary folder.\n\n" +
			"Exit codes: 0 fine, 1 it failed, 2 your input, 3 the environment.",
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: r.remote,
	}
	cmd.PersistentFlags().StringVarP(&r.dir, "config", "c", ".", "the deployment's directory")
	cmd.PersistentFlags().StringVar(&r.url, "url", "", "ask the hub at this address, such as https://hub.example.com, with the token in $"+tokenVariable)
	cmd.PersistentFlags().StringVar(&r.tokenFile, "token-file", "", "read the token for --url from this file")
	cmd.PersistentFlags().BoolVar(&r.json, "json", r.json, "print JSON for scripts")
	cmd.PersistentFlags().BoolVarP(&r.verbose, "verbose", "v", false, "log more")
	cmd.AddCommand(r.checkCommand(), r.planCommand(), r.applyCommand(), r.revisionsCommand(), r.doctorCommand(), r.alarmsCommand(), r.serveCommand(), r.messagesCommand(), r.deliveriesCommand(), r.incidentsCommand(), r.replayCommand(), r.jobsCommand(), r.backfillCommand(), r.connectorsCommand(),
		r.connectionsCommand(), r.lookupsCommand(), r.reconcileCommand(), r.mapCommand(), r.recordCommand(), r.schemaCommand(), r.usersCommand(), r.tokensCommand(), r.auditCommand(), r.simCommand(), r.demoCommand(), r.initCommand())
	cmd.InitDefaultHelpCmd()
	cmd.InitDefaultCompletionCmd()
	r.localize(cmd)
	return cmd
}

// logger writes JSON lines to the error stream; level is hub.yaml's unless -v was given.
func (r *root) logger(level string) (*zap.Logger, error) {
	l, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, r.bad(text.BadLevel, level)
	}
	if r.verbose {
		l = zapcore.DebugLevel
	}
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(enc), zapcore.AddSync(r.std.Err), l)), nil
}

func (r *root) printJSON(v any) error {
	enc := json.NewEncoder(r.std.Out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// say prints one line in the caller's language.
func (r *root) say(id text.ID, a ...any) {
	fmt.Fprintln(r.std.Out, r.texts.Say(id, a...))
}

// table prints rows under a header, columns aligned as a terminal shows them: a Chinese
// character takes two. Columns that are empty in every row are left out.
func (r *root) table(header []string, rows [][]string) error {
	widths := make([]int, len(header))
	names := make([]string, len(header))
	for i, h := range header {
		used := len(rows) == 0
		for _, row := range rows {
			used = used || row[i] != ""
			widths[i] = max(widths[i], text.Width(row[i]))
		}
		if !used {
			widths[i] = -1
			continue
		}
		names[i] = r.texts.Help("column "+h, h)
		widths[i] = max(widths[i], text.Width(names[i]))
	}
	var b strings.Builder
	for _, row := range append([][]string{names}, rows...) {
		line := ""
		for i, cell := range row {
			if widths[i] >= 0 {
				line += cell + strings.Repeat(" ", widths[i]-text.Width(cell)+2)
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(r.std.Out, b.String())
	return err
}
