package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/doctor"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/pipelines/ledger"
)

func (r *root) doctorCommand() *cobra.Command {
	var online bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look at clock, disk, store, credentials, addresses, vendors and quotas, each with a remedy",
		Long: "Look at what the hub stands on, and say how to mend what is wrong.\n\nExit codes: 0 nothing failed, 1 a check failed, 2 the directory's files, 3 the store does not open.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, code, err := r.examine(cmd.Context(), online)
			if err != nil {
				return err
			}
			if r.json {
				err = r.printJSON(map[string]any{"ok": code == Fine, "findings": r.spoken(list)})
			} else {
				err = r.showFindings(list)
			}
			if err == nil && code != Fine {
				err = quiet(code)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&online, "online", false, "go the way to each vendor too: clock, reachability, credentials")
	return cmd
}

// examine asks the running hub, or opens the deployment itself. A store that does not open
// is a finding, with what can be seen without it.
func (r *root) examine(ctx context.Context, online bool) ([]doctor.Finding, int, error) {
	var dep *config.Deployment
	var err error
	if r.url == "" {
		if dep, err = config.Load(r.dir, config.Options{Registry: r.registry, Secrets: true}); err != nil {
			return nil, Input, err
		}
	}
	var answer struct {
		Findings []doctor.Finding `json:"findings"`
	}
	err = r.with(ctx, func(c *client) error {
		return c.do(ctx, http.MethodGet, fmt.Sprintf("/api/v1/doctor?online=%t", online), nil, &answer)
	})
	var store *app.StoreError
	switch {
	case errors.As(err, &store) && !errors.Is(err, ledger.ErrOwned):
		answer.Findings = []doctor.Finding{doctor.Unopened(store.Err)}
		if file, ok := strings.CutPrefix(dep.Hub.Store, "sqlite:"); ok {
			answer.Findings = append(answer.Findings, doctor.Space(filepath.Dir(file)))
		}
		doctor.Sort(answer.Findings)
		return answer.Findings, Environment, nil
	case err != nil:
		return nil, Failed, err
	case doctor.Worst(answer.Findings) == doctor.Fail:
		return answer.Findings, Failed, nil
	}
	return answer.Findings, Fine, nil
}

// spoken puts findings into the caller's language.
func (r *root) spoken(list []doctor.Finding) []doctor.Finding {
	for i := range list {
		list[i].Text, list[i].Remedy = list[i].Say(r.texts)
	}
	return list
}

func (r *root) showFindings(list []doctor.Finding) error {
	var rows [][]string
	failed, warned := 0, 0
	for _, f := range r.spoken(list) {
		switch f.State {
		case doctor.Fail:
			failed++
		case doctor.Warn:
			warned++
		}
		rows = append(rows, []string{r.texts.Help("state "+string(f.State), string(f.State)), r.texts.Help("check "+f.Check, f.Check), f.Of, f.Text})
		if f.Remedy != "" && f.State != doctor.Fine {
			rows = append(rows, []string{"", "", "", "-> " + f.Remedy})
		}
	}
	if err := r.table([]string{"STATE", "CHECK", "OF", "WHAT"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(r.std.Out)
	if failed+warned == 0 {
		r.say(text.ID("doctor.end.fine"))
		return nil
	}
	r.say(text.ID("doctor.end"), failed, warned)
	return nil
}
