package cli

import (
	"context"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/pipelines/reconcile"
)

func (r *root) reconcileCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "reconcile", Short: "Compare sources, ledger and targets, and heal"}
	var from, to string
	var req api.ReconcileRequest
	var most int
	run := &cobra.Command{
		Use: "run", Short: "Compare a window; drift ends with exit code 1", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if from != "" {
				if req.From, err = parseTime(from); err != nil {
					return badInput("--from: %w", err)
				}
			}
			if to != "" {
				if req.To, err = parseTime(to); err != nil {
					return badInput("--to: %w", err)
				}
			}
			return r.with(cmd.Context(), func(c *client) error {
				var rep reconcile.Report
				if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/reconcile", req, &rep); err != nil {
					return err
				}
				return r.printReport(&rep, most)
			})
		},
	}
	run.Flags().StringVar(&from, "from", "", "beginning of the window, with its zone; default a day before --to")
	run.Flags().StringVar(&to, "to", "", "end of the window, not included; default now minus the grace")
	run.Flags().StringVar(&req.Grace, "grace", "", "how long the hub may take; default 30m")
	run.Flags().StringSliceVar(&req.Flows, "flow", nil, "only these flows")
	run.Flags().IntVar(&most, "most", 50, "list no more findings than this in the table")
	report := &cobra.Command{
		Use: "report [ID]", Short: "Show a stored report: the newest, or by id", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := reportArg(args)
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(c *client) error {
				var rep reconcile.Report
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/reconcile/"+id, nil, &rep); err != nil {
					return err
				}
				return r.printReport(&rep, most)
			})
		},
	}
	report.Flags().IntVar(&most, "most", 50, "list no more findings than this in the table")
	heal := &cobra.Command{
		Use: "heal [ID]", Short: "Heal what a report found where that is safe; propose the rest", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := reportArg(args)
			if err != nil {
				return err
			}
			return r.with(cmd.Context(), func(c *client) error { return r.heal(cmd.Context(), c, id) })
		},
	}
	cmd.AddCommand(run, report, heal)
	return cmd
}

func reportArg(args []string) (string, error) {
	if len(args) == 0 {
		return "0", nil
	}
	if _, err := strconv.ParseUint(args[0], 10, 63); err != nil {
		return "", badInput("%q is not the id of a report", args[0])
	}
	return args[0], nil
}

func (r *root) printReport(rep *reconcile.Report, most int) error {
	if r.json {
		if err := r.printJSON(rep); err != nil {
			return err
		}
	} else if err := rep.Table(r.std.Out, most); err != nil {
		return err
	}
	if rep.Drift > 0 || rep.Partial {
		return quiet(Failed)
	}
	return nil
}

func (r *root) heal(ctx context.Context, c *client, id string) error {
	var out reconcile.Healed
	if err := c.do(ctx, http.MethodPost, "/api/v1/reconcile/"+id+"/heal", map[string]string{"who": "cli"}, &out); err != nil {
		return err
	}
	if r.json {
		return r.printJSON(out)
	}
	if err := out.Table(r.std.Out, 0); err != nil {
		return err
	}
	if len(out.Failed) > 0 {
		return quiet(Failed)
	}
	return nil
}
