package cli

import (
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/audit"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

func (r *root) auditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "See who did what, and prove that nobody changed the record of it"}
	cmd.AddCommand(r.auditList(), r.auditExport(), r.auditVerify())
	return cmd
}

// auditWhere are the flags that say which entries.
type auditWhere map[string]*string

func (w auditWhere) declare(f *pflag.FlagSet) {
	flag := func(name, usage string) { w[name] = f.String(name, "", usage) }
	flag("who", "only by this person, token:NAME or command")
	flag("act", "only this act, such as replay or reveal")
	flag("on", "only about this, such as 'message 7'")
	flag("from", "from this time on, such as 2026-11-10T00:00:00+08:00")
	flag("to", "before this time")
}

func (w auditWhere) query() url.Values {
	v := url.Values{}
	for name, s := range w {
		if *s != "" {
			v.Set(name, *s)
		}
	}
	return v
}

func (r *root) auditExport() *cobra.Command {
	where := auditWhere{}
	cmd := &cobra.Command{
		Use: "export", Short: "Print the entries as JSON lines, oldest first, each with its hash", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				return c.stream(cmd.Context(), "/api/v1/audit/export?"+where.query().Encode(), r.std.Out)
			})
		},
	}
	where.declare(cmd.Flags())
	return cmd
}

func (r *root) auditList() *cobra.Command {
	where := auditWhere{}
	var limit int
	var before string
	cmd := &cobra.Command{
		Use: "list", Short: "List who did what, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := where.query()
			v.Set("limit", strconv.Itoa(limit))
			if before != "" {
				v.Set("before", before)
			}
			return r.with(cmd.Context(), func(c *client) error {
				var out struct {
					Entries []api.AuditRow `json:"entries"`
					Before  int64          `json:"before,omitempty"`
				}
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/audit?"+v.Encode(), nil, &out); err != nil {
					return err
				}
				switch {
				case r.json:
					return r.printJSON(out)
				case len(out.Entries) == 0:
					r.say(text.NoAudit)
					return nil
				}
				var rows [][]string
				for _, e := range out.Entries {
					phase := r.texts.Help("phase "+e.Phase, e.Phase)
					if e.Code != "" {
						phase += " " + e.Code
					}
					rows = append(rows, []string{strconv.FormatInt(e.ID, 10), short(e.At), e.Who, e.Act, e.Target, phase, details(e.Detail), firstLine(e.Why)})
				}
				return r.table([]string{"NO", "AT", "WHO", "ACT", "ON", "PHASE", "DETAIL", "WHY"}, rows)
			})
		},
	}
	where.declare(cmd.Flags())
	cmd.Flags().StringVar(&before, "before", "", "only entries below this number, for the next page")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many")
	return cmd
}

func details(m map[string]string) string {
	var out []string
	for k, v := range m {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

func (r *root) auditVerify() *cobra.Command {
	var head string
	cmd := &cobra.Command{
		Use: "verify", Short: "Check the chain; names the first entry that was changed or is missing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var v audit.Verdict
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/audit/verify?"+url.Values{"head": {head}}.Encode(), nil, &v); err != nil {
					return err
				}
				switch {
				case r.json:
					if err := r.printJSON(v); err != nil {
						return err
					}
				case v.Broken > 0:
					r.say(text.AuditBroken, v.Broken, v.Reason)
				case v.Entries == 0:
					r.say(text.NoAudit)
				default:
					r.say(text.AuditSound, v.Entries, v.Head)
				}
				if v.Broken > 0 {
					return quiet(Failed)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&head, "head", "", "NUMBER:HASH as an earlier check printed it; kept elsewhere it shows a chain that was made anew")
	return cmd
}
