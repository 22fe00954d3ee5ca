package cli

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

func (r *root) connectionsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "connections", Short: "See, pause and resume connections"}
	list := &cobra.Command{
		Use: "list", Short: "List connections with their gates and queues", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var out struct {
					Connections []api.ConnectionStatus `json:"connections"`
				}
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/connections", nil, &out); err != nil {
					return err
				}
				if r.json {
					return r.printJSON(out)
				}
				var rows [][]string
				for _, s := range out.Connections {
					gate, why := r.texts.Say(text.GateOpen), ""
					for _, g := range s.Gates {
						gate, why = strings.TrimSpace(g.Reason+" "+g.Operation+" "+g.Code), firstLine(g.Text)
					}
					rows = append(rows, []string{s.Name, gate, strconv.Itoa(s.Queued), why})
				}
				return r.table([]string{"CONNECTION", "GATE", "QUEUED", "WHY"}, rows)
			})
		},
	}
	cmd.AddCommand(list,
		r.gateCommand("pause", "Hold everything for a connection; nothing is dropped", true),
		r.gateCommand("resume", "Let everything for a connection go on", false))
	return cmd
}

func (r *root) gateCommand(verb, short string, pause bool) *cobra.Command {
	var operation, why string
	cmd := &cobra.Command{
		Use: verb + " NAME", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var out map[string]any
				in := map[string]string{"operation": operation, "why": why, "who": "cli"}
				if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/connections/"+url.PathEscape(args[0])+"/"+verb, in, &out); err != nil {
					return err
				}
				switch {
				case r.json:
					return r.printJSON(out)
				case pause && operation != "":
					r.say(text.PausedOne, operation, args[0], args[0], operation)
				case pause:
					r.say(text.Paused, args[0], args[0])
				default:
					r.say(text.Resumed, strings.TrimSpace(args[0]+" "+operation))
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&operation, "operation", "", "only this operation")
	if pause {
		cmd.Flags().StringVar(&why, "why", "", "why, for whoever comes next")
	}
	return cmd
}

func (r *root) lookupsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "lookups", Short: "Fill lookup tables"}
	var why string
	put := &cobra.Command{
		Use: "put TABLE KEY VALUE", Short: "Set an entry; what waited for it goes on in its order", Args: cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var out struct {
					Released int `json:"released"`
				}
				in := map[string]string{"table": args[0], "key": args[1], "value": args[2], "who": "cli", "why": why}
				if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/lookups", in, &out); err != nil {
					return err
				}
				if r.json {
					return r.printJSON(out)
				}
				r.say(text.LookupPut, args[0], args[1], args[2], out.Released)
				return nil
			})
		},
	}
	put.Flags().StringVar(&why, "why", "", "why, for the entry's history")
	cmd.AddCommand(put)
	return cmd
}
