package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

func (r *root) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [DIR]",
		Short: "Find every mistake in a deployment's files",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := r.dir
			if len(args) == 1 {
				dir = args[0]
			}
			dep, err := config.Load(dir, config.Options{Registry: r.registry})
			if err != nil {
				return err
			}
			if r.json {
				return r.printJSON(map[string]any{"ok": true, "connections": len(dep.Connections), "flows": len(dep.Flows),
					"jobs": len(dep.Jobs), "warnings": dep.Warnings})
			}
			for _, w := range dep.Warnings {
				r.say(text.Warning, w.Error()+" ["+w.Code+"]")
			}
			r.say(text.CheckOK, len(dep.Connections), len(dep.Flows), len(dep.Jobs))
			return nil
		},
	}
}

func (r *root) serveCommand() *cobra.Command {
	var settle float64
	var standby time.Duration
	var applied bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the hub until it is told to stop",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dep, err := config.Load(r.dir, config.Options{Registry: r.registry})
			if err != nil {
				return err
			}
			log, err := r.logger(dep.Hub.LogLevel)
			if err != nil {
				return err
			}
			a, err := app.New(cmd.Context(), app.Options{Dir: r.dir, Registry: r.registry, Log: log, Settle: settle, WaitOwner: standby, Applied: applied})
			if err != nil {
				return err
			}
			if err := a.Start(context.WithoutCancel(cmd.Context())); err != nil {
				return err
			}
			if err := r.sayRunning(context.WithoutCancel(cmd.Context()), a); err != nil {
				return errors.Join(err, a.Stop())
			}
			<-cmd.Context().Done()
			return a.Stop()
		},
	}
	cmd.Flags().BoolVar(&applied, "applied", false, "run what was applied last, even if the directory has changed since")
	cmd.Flags().DurationVar(&standby, "standby", 0, "how long to wait for another process to give the store up")
	cmd.Flags().Float64Var(&settle, "settle-x", 1, "multiply the waits before a look-up; below 1 only against simulators")
	return cmd
}
