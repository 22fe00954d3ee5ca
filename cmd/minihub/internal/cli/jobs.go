package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/schedule"
)

func (r *root) jobsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "jobs", Short: "See, run and backfill jobs"}
	list := &cobra.Command{
		Use: "list", Short: "List jobs with their last and next run", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var out struct {
					Jobs []schedule.Status `json:"jobs"`
				}
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/jobs", nil, &out); err != nil {
					return err
				}
				return r.printJobs(out.Jobs)
			})
		},
	}
	run := &cobra.Command{
		Use: "run NAME", Short: "Run a job now and wait for its end", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var out struct {
					Run ledger.JobRun `json:"run"`
				}
				if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/jobs/"+url.PathEscape(args[0])+"/run", nil, &out); err != nil {
					return err
				}
				if r.json {
					return r.printJSON(out)
				}
				took := out.Run.Ended.Sub(out.Run.Started).Round(time.Millisecond)
				r.say(text.JobRan, args[0], out.Run.State, took, r.counts(out.Run.Counts))
				return nil
			})
		},
	}
	cmd.AddCommand(list, run, r.backfillCommand())
	return cmd
}

func (r *root) printJobs(jobs []schedule.Status) error {
	switch {
	case r.json:
		return r.printJSON(map[string]any{"jobs": jobs})
	case len(jobs) == 0:
		r.say(text.NoJobs)
		return nil
	}
	var rows [][]string
	for _, j := range jobs {
		last, state := r.texts.Say(text.Never), ""
		if j.Last != nil {
			last, state = short(j.Last.Started), j.Last.State
		}
		rows = append(rows, []string{j.Job, j.Spec, j.Zone, short(j.Next), last, state, j.Text})
	}
	return r.table([]string{"JOB", "SCHEDULE", "ZONE", "NEXT", "LAST", "ENDED", "WHAT"}, rows)
}

func (r *root) backfillCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use: "backfill CONNECTION.STREAM", Short: "Pull a window of the past, with a cursor of its own", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			i := strings.LastIndexByte(args[0], '.')
			if i < 0 {
				return r.bad(text.NotAStream, args[0])
			}
			req := api.BackfillRequest{Connection: args[0][:i], Stream: args[0][i+1:]}
			var err error
			if req.From, err = parseTime(from); err != nil {
				return r.bad(text.NotATime, "--from", from)
			}
			if req.To, err = parseTime(to); err != nil {
				return r.bad(text.NotATime, "--to", to)
			}
			return r.with(cmd.Context(), func(c *client) error {
				var out struct {
					Counts map[string]int64 `json:"counts"`
				}
				if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/backfill", req, &out); err != nil {
					return err
				}
				if r.json {
					return r.printJSON(out)
				}
				r.say(text.BackfillDone, args[0], r.counts(out.Counts))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "beginning, such as 2026-11-10T00:00:00+08:00")
	cmd.Flags().StringVar(&to, "to", "", "end, not included")
	_ = cmd.MarkFlagRequired("from")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

// counts writes what a run did: "pages 2, new 7".
func (r *root) counts(counts map[string]int64) string {
	var parts []string
	for name, n := range counts {
		if n != 0 {
			parts = append(parts, fmt.Sprintf("%s %d", name, n))
		}
	}
	if len(parts) == 0 {
		return r.texts.Say(text.Nothing)
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}
