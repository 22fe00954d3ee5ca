package cli

import (
	"fmt"
	"math"
	"net/http"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/plan"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

func (r *root) endpointFile() string { return app.EndpointFile(r.dir) }

func (r *root) applyCommand() *cobra.Command {
	var hash, canary, why string
	var promote, back bool
	var to int64
	cmd := &cobra.Command{
		Use: "apply", Short: "Swap the running hub to what was planned: all of it or nothing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen := 0
			for _, is := range []bool{hash != "", promote, back} {
				if is {
					chosen++
				}
			}
			if chosen != 1 || canary != "" && hash == "" || to > 0 && !back {
				return r.bad(text.ApplyWhat)
			}
			share, err := r.share(canary)
			if err != nil {
				return err
			}
			path, body := "/api/v1/apply", map[string]any{"who": who(), "why": why}
			switch {
			case promote:
				path += "/promote"
			case back:
				path += "/back"
				body["revision"] = to
			default:
				body["plan"], body["share"] = hash, share
			}
			var done api.Applied
			err = r.with(cmd.Context(), func(c *client) error { return c.do(cmd.Context(), http.MethodPost, path, body, &done) })
			if err != nil {
				return err
			}
			if r.json {
				return r.printJSON(done)
			}
			r.showApplied(&done)
			return nil
		},
	}
	cmd.Flags().StringVar(&hash, "plan", "", "the hash that `minihub plan` printed")
	cmd.Flags().StringVar(&canary, "canary", "", "let this share of orders use it first, such as 5%")
	cmd.Flags().BoolVar(&promote, "promote", false, "let all use the canary")
	cmd.Flags().BoolVar(&back, "back", false, "take the canary back, or return to the revision before")
	cmd.Flags().Int64Var(&to, "to", 0, "with --back: return to this revision")
	cmd.Flags().StringVar(&why, "why", "", "the reason, kept in the history")
	return cmd
}

// share reads 5% as a number of 10,000 roots.
func (r *root) share(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(s, "%")), 64)
	n := int(math.Round(f * 100))
	if err != nil || !strings.HasSuffix(s, "%") || !(f > 0 && f < 100) || n < 1 || n > 9999 {
		return 0, r.bad(text.ApplyShare, s)
	}
	return n, nil
}

func percent(share int) string {
	return strconv.FormatFloat(float64(share)/100, 'f', -1, 64) + "%"
}

// who is the name that the history keeps.
func who() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

func (r *root) showApplied(done *api.Applied) {
	e := done.Entry
	switch {
	case e.Canary != nil:
		r.say(text.ApplyCanary, e.Canary.Number, percent(e.Share))
	case e.Act == plan.Promoted:
		r.say(text.ApplyPromoted, e.Base.Number, done.Took)
	case e.Act == plan.Back && e.Base.Restores > 0 && e.Base.At.Equal(e.At):
		r.say(text.ApplyRestored, e.Base.Number, e.Base.Restores, done.Took)
	case e.Act == plan.Back:
		r.say(text.ApplyBack, e.Base.Number, done.Took)
	default:
		r.say(text.ApplyDone, e.Base.Number, done.Took)
	}
	if e.Directory != e.Base.Hash && e.Canary == nil {
		r.say(text.ApplyDiffers)
	}
}

func (r *root) revisionsCommand() *cobra.Command {
	limit := 20
	cmd := &cobra.Command{
		Use: "revisions", Short: "List what was in force, and how it does", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var h api.History
			err := r.with(cmd.Context(), func(c *client) error {
				return c.do(cmd.Context(), http.MethodGet, "/api/v1/revisions?limit="+strconv.Itoa(limit), nil, &h)
			})
			if err != nil {
				return err
			}
			if r.json {
				return r.printJSON(h)
			}
			return r.showRevisions(&h)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "how many at most")
	return cmd
}

func (r *root) showRevisions(h *api.History) error {
	if len(h.Entries) == 0 {
		r.say(text.NoRevisions)
		return nil
	}
	var rows [][]string
	for i, e := range h.Entries {
		rev := e.Base
		if e.Act == plan.Canaried {
			rev = *e.Canary
		}
		var state []string
		switch {
		case i == 0 && e.Canary != nil:
			state = append(state, r.texts.Say(text.CanaryOf, percent(e.Share)))
		case i == 0:
			state = append(state, r.texts.Say(text.InForce))
		}
		if rev.Restores > 0 {
			state = append(state, r.texts.Say(text.Restored, rev.Restores))
		}
		if len(e.Failing) > 0 {
			state = append(state, r.texts.Say(text.FailingSince, strings.Join(e.Failing, ", ")))
		}
		rows = append(rows, []string{strconv.FormatInt(rev.Number, 10), plan.Short(rev.Hash), e.At.Local().Format("01-02 15:04:05"),
			r.texts.Help("act "+e.Act, e.Act), e.Who, strings.Join(state, "; "), e.Why})
	}
	if err := r.table([]string{"REVISION", "CONTENT", "AT", "ACT", "WHO", "STATE", "WHY"}, rows); err != nil {
		return err
	}
	if h.Entries[0].Canary != nil {
		fmt.Fprintln(r.std.Out)
		r.say(text.PlanCanary, h.Entries[0].Canary.Number)
	}
	for _, s := range h.Standing.Suspects {
		fmt.Fprintln(r.std.Out)
		r.say(text.FailingNow, s.Now.Mapping, s.Revision, s.Before, s.Now.Failed+s.Now.Refused, s.Now.Mapped, s.Then.Failed+s.Then.Refused, s.Then.Mapped)
	}
	if left := append(h.DrainingFlows, h.DrainingConnections...); len(left) > 0 {
		fmt.Fprintln(r.std.Out)
		r.say(text.Draining, strings.Join(left, ", "))
	}
	return nil
}
