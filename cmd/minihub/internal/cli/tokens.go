package cli

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

func (r *root) tokensCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "tokens", Short: "Give programs tokens for the API"}
	cmd.AddCommand(r.tokensList(), r.tokensAdd(), r.tokensRevoke())
	return cmd
}

func (r *root) tokensList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List tokens; what they are is never shown again", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var out struct {
					Tokens []api.TokenRow `json:"tokens"`
				}
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/tokens", nil, &out); err != nil {
					return err
				}
				switch {
				case r.json:
					return r.printJSON(out)
				case len(out.Tokens) == 0:
					r.say(text.NoTokens)
					return nil
				}
				var rows [][]string
				for _, t := range out.Tokens {
					rows = append(rows, []string{t.ID, t.Name, strings.Join(t.Roles, " "), r.texts.Help("token "+t.State, t.State), t.Expires.Local().Format("2006-01-02"), short(t.Used)})
				}
				return r.table([]string{"ID", "NAME", "ROLES", "STATE", "EXPIRES", "LAST USED"}, rows)
			})
		},
	}
}

func (r *root) tokensAdd() *cobra.Command {
	var req api.TokenRequest
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Make a token and print it, this once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name = args[0]
			return r.with(cmd.Context(), func(c *client) error {
				var out api.TokenRow
				if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/tokens", &req, &out); err != nil {
					return err
				}
				if r.json {
					return r.printJSON(out)
				}
				r.say(text.TokenAdded, out.Name, strings.Join(out.Roles, " "), out.Expires.Local().Format("2006-01-02"), out.Token)
				return nil
			})
		},
	}
	cmd.Flags().StringSliceVar(&req.Roles, "role", nil, "a role: viewer, support, ops, integrator, admin; several by commas")
	cmd.Flags().IntVar(&req.Days, "days", 90, "how long it lives")
	cmd.Flags().StringVar(&req.Why, "why", "", "why, for the audit")
	_ = cmd.MarkFlagRequired("role")
	return cmd
}

func (r *root) tokensRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "End a token at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var out map[string]string
				if err := c.do(cmd.Context(), http.MethodDelete, "/api/v1/tokens/"+url.PathEscape(args[0]), nil, &out); err != nil {
					return err
				}
				if r.json {
					return r.printJSON(out)
				}
				r.say(text.TokenRevoked, args[0])
				return nil
			})
		},
	}
}
