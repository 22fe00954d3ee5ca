package cli

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/plan"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

func (r *root) planCommand() *cobra.Command {
	var sample int
	cmd := &cobra.Command{
		Use: "plan", Short: "Compare the directory with what runs, and change nothing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := r.makePlan(cmd.Context(), sample)
			if err != nil {
				return err
			}
			if r.json {
				return r.printJSON(p)
			}
			return r.showPlan(p)
		},
	}
	cmd.Flags().IntVar(&sample, "sample", 200, "how many of each stream's newest stored messages to map both ways; 0 = none")
	return cmd
}

// makePlan asks the running hub. Without one the store says what was applied last; where
// there is no store yet, everything is new.
func (r *root) makePlan(ctx context.Context, sample int) (*plan.Plan, error) {
	if _, err := os.ReadFile(r.endpointFile()); err != nil && r.url == "" {
		dep, err := config.Load(r.dir, config.Options{Registry: r.registry})
		if err != nil {
			return nil, err
		}
		if file, ok := strings.CutPrefix(dep.Hub.Store, "sqlite:"); ok {
			if _, err := os.Stat(file); os.IsNotExist(err) {
				snap, err := plan.Read(os.DirFS(r.dir))
				if err != nil {
					return nil, err
				}
				return plan.Make(plan.Base{}, plan.New(nil), snap), nil
			}
		}
	}
	var p plan.Plan
	return &p, r.with(ctx, func(c *client) error {
		return c.do(ctx, http.MethodGet, "/api/v1/plan?sample="+strconv.Itoa(sample), nil, &p)
	})
}

func (r *root) showPlan(p *plan.Plan) error {
	switch {
	case p.Base.Revision == 0:
		r.say(text.PlanFirst, p.Hash)
	case p.Base.Hash == p.Content:
		r.say(text.PlanNothing, p.Base.Revision)
		return nil
	case p.Base.Running:
		r.say(text.PlanHead, p.Hash, p.Base.Revision)
	default:
		r.say(text.PlanStored, p.Hash, p.Base.Revision)
	}
	fmt.Fprintln(r.std.Out)
	if err := r.showChanges(p.Changes); err != nil {
		return err
	}
	for _, what := range p.Restart {
		r.say(text.PlanRestart, what)
	}
	if err := r.showImpact(p); err != nil {
		return err
	}
	fmt.Fprintln(r.std.Out)
	switch {
	case p.Base.Canary > 0:
		r.say(text.PlanCanary, p.Base.Canary)
	case p.Base.Running:
		r.say(text.PlanApply, p.Hash)
	default:
		r.say(text.PlanServe)
	}
	return nil
}

// showChanges prints a line for each edit of what changes, and one for what comes or goes.
func (r *root) showChanges(list []plan.Change) error {
	if len(list) == 0 {
		r.say(text.PlanComments)
		return nil
	}
	const lines = 8 // of one change
	var rows [][]string
	for _, c := range list {
		what := ""
		if len(c.What) > 0 {
			what = c.What[0].String()
		}
		rows = append(rows, []string{c.Kind, c.Name, r.texts.Help("do "+c.Do, c.Do), what})
		for i, e := range c.What {
			switch {
			case i == 0:
			case i == lines:
				rows = append(rows, []string{"", "", "", r.texts.Say(text.PlanMore, len(c.What)-lines)})
			case i < lines:
				rows = append(rows, []string{"", "", "", e.String()})
			}
		}
	}
	return r.table([]string{"KIND", "NAME", "DO", "WHAT"}, rows)
}

func (r *root) showImpact(p *plan.Plan) error {
	i := p.Impact
	if i == nil {
		return nil
	}
	fmt.Fprintln(r.std.Out)
	switch {
	case i.Error != "":
		r.say(text.PlanNoLook, i.Error)
		return nil
	case i.Looked == 0:
		r.say(text.PlanNoImpact)
		return nil
	}
	r.say(text.PlanImpact, i.Looked, i.Changed)
	if i.Failing > 0 {
		r.say(text.PlanFailing, i.Failing)
	}
	if i.Mended > 0 {
		r.say(text.PlanMended, i.Mended)
	}
	if i.Partly {
		r.say(text.PlanPartly)
	}
	if len(i.Fields) == 0 {
		return nil
	}
	const most = 20
	var rows [][]string
	for _, f := range i.Fields[:min(most, len(i.Fields))] {
		rows = append(rows, []string{f.Flow, f.Step, f.Path, strconv.Itoa(f.Count), strconv.FormatInt(f.Message, 10)})
	}
	if err := r.table([]string{"FLOW", "STEP", "FIELD", "COUNT", "EXAMPLE"}, rows); err != nil {
		return err
	}
	if more := len(i.Fields) - most; more > 0 {
		r.say(text.PlanMore, more)
	}
	return nil
}
