package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/schedule"
)

func (r *root) jobsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "jobs", Short: "See, run and pause jobs"}
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
				r.say(text.JobRan, args[0], r.runState(out.Run.State), took, r.counts(out.Run.Counts))
				return nil
			})
		},
	}
	cmd.AddCommand(list, run, r.jobPauseCommand(), r.jobResumeCommand(), r.jobHistoryCommand())
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
	for i := range jobs {
		j := &jobs[i]
		last, state := r.texts.Say(text.Never), ""
		if j.Last != nil {
			last, state = short(j.Last.Started), r.runState(j.Last.State)
		}
		rows = append(rows, []string{j.Job, j.Spec, j.Zone, short(j.Next), last, state, r.jobNote(j), j.Text})
	}
	return r.table([]string{"JOB", "SCHEDULE", "ZONE", "NEXT", "LAST", "ENDED", "NOTE", "WHAT"}, rows)
}

// jobNote says what a person must not overlook: a pause, or ticks that began no run.
func (r *root) jobNote(j *schedule.Status) string {
	switch {
	case j.Pause != nil:
		return r.texts.Say(text.JobPausedBy, j.Pause.Who, short(j.Pause.Since), firstLine(j.Pause.Why))
	case j.Lost != nil:
		return r.texts.Say(text.JobTicksLost, j.Lost.Counts[ledger.TicksCount], r.runState(j.Lost.State), short(j.Lost.Ended))
	}
	return ""
}

func (r *root) runState(state string) string { return r.texts.Help("run "+state, state) }

func (r *root) jobPauseCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use: "pause NAME", Short: "Keep a job from its ticks, over restarts too", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.turnJob(cmd, args[0], "pause", why, text.JobPaused, args[0], args[0])
		},
	}
	cmd.Flags().StringVar(&why, "why", "", "why, for whoever comes next")
	_ = cmd.MarkFlagRequired("why")
	return cmd
}

func (r *root) jobResumeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "resume NAME", Short: "Let a job run at its ticks again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.turnJob(cmd, args[0], "resume", "", text.JobResumed, args[0])
		},
	}
}

func (r *root) turnJob(cmd *cobra.Command, name, verb, why string, id text.ID, said ...any) error {
	return r.with(cmd.Context(), func(c *client) error {
		var out map[string]any
		in := map[string]string{"who": "cli", "why": why}
		if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/jobs/"+url.PathEscape(name)+"/"+verb, in, &out); err != nil {
			return err
		}
		if r.json {
			return r.printJSON(out)
		}
		r.say(id, said...)
		return nil
	})
}

func (r *root) jobHistoryCommand() *cobra.Command {
	var limit int
	var cursor string
	cmd := &cobra.Command{
		Use: "history NAME", Short: "List a job's runs, and the ticks that began none", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var out api.JobRuns
				q := url.Values{"limit": {strconv.Itoa(limit)}}
				if cursor != "" {
					q.Set("cursor", cursor)
				}
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/jobs/"+url.PathEscape(args[0])+"/runs?"+q.Encode(), nil, &out); err != nil {
					return err
				}
				switch {
				case r.json:
					return r.printJSON(out)
				case len(out.Runs) == 0:
					r.say(text.JobNoHistory, args[0])
					return nil
				}
				return r.printHistory(&out)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "at most so many rows")
	cmd.Flags().StringVar(&cursor, "cursor", "", "go on where the last page ended")
	return cmd
}

func (r *root) printHistory(page *api.JobRuns) error {
	var rows [][]string
	for i := range page.Runs {
		run := &page.Runs[i]
		took, did := "", r.texts.Say(text.JobTicks, run.Counts[ledger.TicksCount])
		if run.Ran() {
			did = r.counts(run.Counts)
		}
		if !run.Ended.IsZero() {
			took = max(0, run.Ended.Sub(run.Tick)).Round(time.Millisecond).String()
			if run.Ran() {
				took = run.Ended.Sub(run.Started).Round(time.Millisecond).String()
			}
		}
		rows = append(rows, []string{short(run.Tick), r.runState(run.State), took, did, firstLine(run.Text)})
	}
	if err := r.table([]string{"STARTED", "STATE", "TOOK", "DID", "NOTE"}, rows); err != nil {
		return err
	}
	if page.Next != "" {
		r.say(text.JobMore, page.Next)
	}
	return nil
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
