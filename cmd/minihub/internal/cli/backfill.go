package cli

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/pipelines"
)

// backfillFlags are what a backfill is asked for.
type backfillFlags struct {
	preset, from, to, why string
	leave                 int
	job                   int64

	plan, away, start, pause, resume, cancel bool
}

func (r *root) backfillCommand() *cobra.Command {
	f := &backfillFlags{}
	cmd := &cobra.Command{
		Use: "backfill [CONNECTION.STREAM]", Short: "Read a window of the past again as a job, with a forecast; without arguments: list them", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return r.backfill(cmd, args, f) },
	}
	cmd.Flags().StringVar(&f.preset, "preset", "", "yesterday or last-7-days")
	cmd.Flags().StringVar(&f.from, "from", "", "beginning, such as 2026-11-10T00:00:00+08:00")
	cmd.Flags().StringVar(&f.to, "to", "", "end, not included")
	cmd.Flags().IntVar(&f.leave, "leave", 35, "percent of every limit that stay free for live traffic")
	cmd.Flags().StringVar(&f.why, "why", "", "why, for the job's history")
	cmd.Flags().BoolVar(&f.plan, "plan", false, "only tell how much there is and how long it takes")
	cmd.Flags().BoolVar(&f.away, "no-wait", false, "do not wait for the end")
	cmd.Flags().Int64Var(&f.job, "job", 0, "a backfill: show it, or start, pause, resume or cancel it")
	cmd.Flags().BoolVar(&f.start, "start", false, "let a planned backfill go")
	cmd.Flags().BoolVar(&f.pause, "pause", false, "hold a backfill")
	cmd.Flags().BoolVar(&f.resume, "resume", false, "let a held backfill go on")
	cmd.Flags().BoolVar(&f.cancel, "cancel", false, "end a backfill; what it has brought stays")
	return cmd
}

func (f *backfillFlags) acts() (out []string) {
	for name, asked := range map[string]bool{"start": f.start, "pause": f.pause, "resume": f.resume, "cancel": f.cancel} {
		if asked {
			out = append(out, name)
		}
	}
	return out
}

func (r *root) backfill(cmd *cobra.Command, args []string, f *backfillFlags) error {
	acts := f.acts()
	switch {
	case len(acts) > 1 || len(acts) == 1 && f.job == 0 || f.job != 0 && len(args) > 0:
		return r.bad(text.BackfillAct)
	case f.job != 0:
		return r.with(cmd.Context(), func(c *client) error {
			at, method, path := "/api/v1/backfills/"+strconv.FormatInt(f.job, 10), http.MethodGet, ""
			if len(acts) == 1 {
				method, path = http.MethodPost, "/"+acts[0]
			}
			var out api.Backfill
			var in any
			if method == http.MethodPost {
				in = map[string]string{"who": "cli", "why": f.why}
			}
			if err := c.do(cmd.Context(), method, at+path, in, &out); err != nil {
				return err
			}
			return r.printBackfill(&out)
		})
	case len(args) == 0:
		return r.with(cmd.Context(), func(c *client) error { return r.listBackfills(cmd.Context(), c) })
	}
	req, err := r.backfillRequest(args[0], f)
	if err != nil {
		return err
	}
	return r.with(cmd.Context(), func(c *client) error {
		var out api.Backfill
		if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/backfills", req, &out); err != nil {
			return err
		}
		if f.plan {
			return r.printBackfill(&out)
		}
		at := "/api/v1/backfills/" + strconv.FormatInt(out.ID, 10)
		if err := c.do(cmd.Context(), http.MethodPost, at+"/start", map[string]string{"who": "cli", "why": f.why}, &out); err != nil {
			return err
		}
		if f.away || c.local != nil {
			return r.printBackfill(&out)
		}
		return r.followBackfill(cmd.Context(), c, at, &out)
	})
}

func (r *root) backfillRequest(stream string, f *backfillFlags) (*api.BackfillRequest, error) {
	i := strings.LastIndexByte(stream, '.')
	if i < 0 {
		return nil, r.bad(text.NotAStream, stream)
	}
	req := &api.BackfillRequest{Connection: stream[:i], Stream: stream[i+1:], Preset: f.preset, Leave: &f.leave, Who: "cli", Why: f.why}
	for _, t := range []struct {
		flag, value string
		to          **time.Time
	}{{"--from", f.from, &req.From}, {"--to", f.to, &req.To}} {
		if t.value == "" {
			continue
		}
		at, err := parseTime(t.value)
		if err != nil {
			return nil, r.bad(text.NotATime, t.flag, t.value)
		}
		*t.to = &at
	}
	return req, nil
}

// followBackfill tells how far a backfill is until it ends. Whoever stops looking does
// not stop it.
func (r *root) followBackfill(ctx context.Context, c *client, at string, out *api.Backfill) error {
	if !r.json {
		r.say(text.BackfillGoes, out.ID, out.Leave)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for said := ""; out.State == pipelines.FillRunning; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		*out = api.Backfill{}
		if err := c.do(ctx, http.MethodGet, at, nil, out); err != nil {
			return err
		}
		if line := r.backfillProgress(out); !r.json && line != said && out.State == pipelines.FillRunning {
			said = line
			_, _ = fmt.Fprintln(r.std.Err, line)
		}
	}
	return r.printBackfill(out)
}

func (r *root) backfillProgress(b *api.Backfill) string {
	line := r.texts.Say(text.BackfillProgress, b.Items, b.Expected.Items, b.New, b.Same, b.Failed)
	if !b.Done.IsZero() {
		line += "; " + r.texts.Say(text.BackfillDoneAbout, b.Done.Local().Format("01-02 15:04"))
	}
	if why := b.Text + b.Waits; why != "" {
		line += "; " + why
	}
	return line
}

func (r *root) listBackfills(ctx context.Context, c *client) error {
	var out api.BackfillList
	if err := c.do(ctx, http.MethodGet, "/api/v1/backfills", nil, &out); err != nil {
		return err
	}
	switch {
	case r.json:
		return r.printJSON(out)
	case len(out.Backfills) == 0:
		r.say(text.BackfillNone)
		return nil
	}
	var rows [][]string
	for i := range out.Backfills {
		b := &out.Backfills[i]
		rows = append(rows, []string{strconv.FormatInt(b.ID, 10), b.Connection + "." + b.Stream, short(b.From), short(b.To), r.fillState(b.State), r.backfillProgress(b)})
	}
	return r.table([]string{"ID", "STREAM", "SINCE", "UNTIL", "STATE", "NOTE"}, rows)
}

func (r *root) fillState(state string) string { return r.texts.Help("bulk "+state, state) }

func (r *root) printBackfill(b *api.Backfill) error {
	if r.json {
		return r.printJSON(b)
	}
	r.say(text.BackfillHead, b.ID, r.fillState(b.State), b.Connection+"."+b.Stream, b.From.Local().Format("2006-01-02 15:04"), b.To.Local().Format("2006-01-02 15:04"))
	if b.State == pipelines.FillPlanned {
		id := map[string]text.ID{pipelines.FillCounted: text.BackfillCounted, pipelines.FillSampled: text.BackfillSampled}[b.Method]
		if id == "" {
			r.say(text.BackfillUnknown, b.Text)
		} else {
			r.say(id, b.Expected.Items, b.Expected.New, (time.Duration(b.Seconds * float64(time.Second))).Round(time.Second), b.Leave)
		}
		r.say(text.BackfillStart, b.ID)
		return nil
	}
	_, err := fmt.Fprintln(r.std.Out, r.backfillProgress(b))
	return err
}
