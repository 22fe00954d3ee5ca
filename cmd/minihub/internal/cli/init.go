package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/starter"
)

func (r *root) initCommand() *cobra.Command {
	var opt starter.Options
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "Write a commented deployment to start from",
		Long: "Writes hub.yaml, connections/, flows/, jobs.yaml and folders for own mappings, schemas and lookup tables.\n" +
			"Secrets are references: set the environment variables that `minihub check DIR` names.\n\n" +
			"--start says where the history of the shops begins. It is `now` unless you say otherwise, so that no order\n" +
			"of the past goes out a second time.",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := args[0]
			err := starter.Init(dir, opt)
			switch {
			case errors.Is(err, starter.ErrNotEmpty):
				return badInput("%w; choose another one, or --force to write over files of the same names", err)
			case errors.Is(err, starter.ErrStart):
				return badInput("--start: %w", err)
			case err != nil:
				return err
			}
			if r.json {
				return r.printJSON(map[string]any{"ok": true, "dir": dir})
			}
			fmt.Fprintf(r.std.Out, "%s is ready. Next:\n  minihub check %s     names what is still to be filled in\n  minihub -c %s serve  runs it\n", dir, dir, dir)
			return nil
		},
	}
	cmd.Flags().StringVar(&opt.Start, "start", "now", "where the shops' history begins: now, or a time such as 2026-11-01T00:00:00+08:00")
	cmd.Flags().BoolVar(&opt.Force, "force", false, "write into a directory that is not empty, over files of the same names")
	return cmd
}
