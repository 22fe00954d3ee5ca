package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/demo"
	"github.com/minihub/minihub/cmd/minihub/internal/starter"
)

func (r *root) demoCommand() *cobra.Command {
	opt := demo.Options{}
	var exit bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run everything against simulated shops, OMS, WMS, ERP, CRM and carrier, and prove it right",
		Long: "Starts simulators and a hub on this machine, nothing installed, no account needed. Two shops that use the same\n" +
			"order numbers sell; every tenth order is cancelled, every tenth edited, every tenth refunded in part. A few bad\n" +
			"orders park with their cause, are mended and replayed. Then an oracle that knows nothing of the mappings compares\n" +
			"every target with what the shops really sold, field by field.\n\n" +
			"The vendors' true limits would make 500 orders take minutes; --limits-x multiplies them, for the simulators and\n" +
			"the hub alike. Texts are English, or Chinese where LANG or LC_ALL begins with zh.\n\n" +
			"With --exit the exit code is 0 only when every target holds every document exactly once with equal content.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opt.Orders < 1 || opt.Members < 1 || opt.LimitsX <= 0 {
				return badInput("--orders and --members must be at least 1, and --limits-x above 0")
			}
			opt.Registry, opt.Language = r.registry, cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))
			if !r.json {
				opt.Out, opt.Terminal = r.std.Out, terminal(r.std.Out)
			}
			level := "error"
			if r.verbose {
				level = "debug"
			}
			log, err := r.logger(level)
			if err != nil {
				return err
			}
			opt.Log = log
			d, err := demo.Run(cmd.Context(), opt)
			switch {
			case errors.Is(err, starter.ErrNotEmpty):
				return badInput("--keep: %w", err)
			case errors.Is(err, context.Canceled):
				return quiet(Failed) // interrupted before the end
			case err != nil:
				return err
			}
			if r.json {
				err = r.printJSON(&d.Result)
			}
			if !exit && err == nil {
				d.Up()
				<-cmd.Context().Done()
			}
			if err = errors.Join(err, d.Close()); err == nil && !d.Result.OK {
				return quiet(Failed)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.IntVar(&opt.Orders, "orders", 500, "orders of both shops together; a few bad and unpaid ones come on top")
	f.IntVar(&opt.Members, "members", 100, "members of each shop")
	f.Int64Var(&opt.Seed, "seed", 1, "makes what is sold repeatable")
	f.Float64Var(&opt.LimitsX, "limits-x", 20, "multiply the vendors' rate limits")
	f.BoolVar(&exit, "exit", false, "end after the comparison instead of staying up")
	f.StringVar(&opt.Dir, "keep", "", "write the deployment into this directory and leave it there")
	return cmd
}

// terminal reports whether a stream is a terminal, which can redraw a line.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
