package cli

import (
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

func (r *root) replayCommand() *cobra.Command {
	var req api.ReplayRequest
	var bulk bulkFlags
	cmd := &cobra.Command{
		Use:   "replay [MESSAGE]",
		Short: "Replay a message, a delivery, or all that is parked for one cause",
		Long: "Replays what is parked. --mode re-map maps the stored record with today's mapping (the default), as-sent sends the stored\n" +
			"document, re-pull fetches the source's current state. --plan only counts.\n\n" +
			"Many rows are replayed as a job of the hub: `--incident N --plan`, or `--code X` and the like with `--plan`, counts and keeps the plan;\n" +
			"`--job N --start` lets the first ten go and stops; a second `--job N --start` lets the rest go. `--start` in the place of `--plan`\n" +
			"plans and lets the first ten go at once. What has gone is in its lane: --pause and --cancel hold the rest.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if bulk.asked() {
				return r.bulkReplay(cmd, args, &bulk, &req)
			}
			switch {
			case len(args) == 1:
				id, err := strconv.ParseInt(args[0], 10, 64)
				if err != nil || id <= 0 {
					return r.bad(text.NotAnID, args[0])
				}
				req.Message = id
			case req.Delivery == 0:
				return r.bad(text.NothingToReplay)
			}
			req.Who = "cli"
			return r.with(cmd.Context(), func(c *client) error {
				var out api.ReplayResult
				if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/replay", req, &out); err != nil {
					return err
				}
				if err := r.printReplay(&out, req.Plan); err != nil {
					return err
				}
				if out.Failed > 0 {
					return quiet(Failed)
				}
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.Int64Var(&req.Delivery, "delivery", 0, "one delivery")
	f.StringVar(&req.Mode, "mode", "re-map", "re-map, as-sent or re-pull")
	f.BoolVar(&req.Plan, "plan", false, "only count")
	f.BoolVar(&req.Confirm, "confirm", false, "yes, it may take effect twice at the target")
	bulk.declare(f)
	return cmd
}

func (r *root) printReplay(out *api.ReplayResult, plan bool) error {
	switch {
	case r.json:
		return r.printJSON(out)
	case plan:
		r.say(text.ReplayPlan, out.Planned)
		return nil
	}
	var rows [][]string
	for _, row := range out.Rows {
		rows = append(rows, []string{id(row.Record), id(row.Delivery), row.Label, row.From, row.To, row.Code, firstLine(row.Text)})
	}
	if len(rows) > 0 {
		if err := r.table([]string{"MESSAGE", "DELIVERY", "LABEL", "FROM", "TO", "CODE", "WHY"}, rows); err != nil {
			return err
		}
	}
	r.say(text.ReplayDone, out.Planned, out.Replayed, out.Failed)
	return nil
}
