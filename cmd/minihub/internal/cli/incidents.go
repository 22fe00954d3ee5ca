package cli

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/desk"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

func (r *root) incidentsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "incidents", Short: "See failures grouped by their cause"}
	q := url.Values{}
	list := &cobra.Command{
		Use: "list", Short: "List incidents", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				for _, name := range []string{"state", "connection", "code", "limit", "cursor"} {
					if f := cmd.Flags().Lookup(name); f.Changed {
						q.Set(name, f.Value.String())
					}
				}
				var out api.IncidentList
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/incidents?"+q.Encode(), nil, &out); err != nil {
					return err
				}
				return r.printIncidents(&out)
			})
		},
	}
	f := list.Flags()
	f.String("state", "open", "open, closed or all")
	f.String("connection", "", "only of this connection")
	f.String("code", "", "only with this code")
	f.Int("limit", 50, "no more than this many")
	f.String("cursor", "", "go on after the last page")
	show := &cobra.Command{
		Use: "show INCIDENT", Short: "Show an incident: what it means, what to do, and its messages", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				limit, cursor := cmd.Flags().Lookup("limit").Value.String(), cmd.Flags().Lookup("cursor").Value.String()
				var out api.IncidentDetail
				path := "/api/v1/incidents/" + url.PathEscape(args[0]) + "?" + url.Values{"limit": {limit}, "cursor": {cursor}}.Encode()
				if err := c.do(cmd.Context(), http.MethodGet, path, nil, &out); err != nil {
					return err
				}
				return r.printIncident(&out)
			})
		},
	}
	show.Flags().Int("limit", 20, "no more than this many messages")
	show.Flags().String("cursor", "", "go on after the last page")
	cmd.AddCommand(list, show)
	return cmd
}

// words are a text of the API in the caller's language.
func (r *root) words(w desk.Words) string { return r.texts.Either(w.En, w.Zh) }

func where(i *api.Incident) string { return strings.TrimSpace(i.Connection + " " + i.Name) }

func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func (r *root) printIncidents(out *api.IncidentList) error {
	if r.json {
		return r.printJSON(out)
	}
	if len(out.Incidents) == 0 {
		r.say(text.NoIncidents)
		return nil
	}
	var rows [][]string
	for i := range out.Incidents {
		x := &out.Incidents[i]
		means := r.words(x.Means)
		if x.Recovered != nil {
			means = r.words(*x.Recovered)
		}
		rows = append(rows, []string{id(x.ID), clock(x.Since), strconv.FormatInt(x.Now, 10), strconv.FormatInt(x.Seen, 10), atStake(x.Money), where(x), x.Code, x.Field, means})
	}
	if err := r.table([]string{"INCIDENT", "SINCE", "NOW", "FAILURES", "AT STAKE", "WHERE", "CODE", "FIELD", "MEANS"}, rows); err != nil {
		return err
	}
	if len(out.Money) > 0 {
		r.say(text.IncidentTotal, atStake(out.Money))
	}
	if out.Next != "" {
		r.say(text.IncidentMore, out.Next)
	}
	return nil
}

// atStake writes amounts of several currencies.
func atStake(list []api.Stake) string {
	var out []string
	for _, s := range list {
		out = append(out, s.Amount+" "+s.Currency)
	}
	return strings.Join(out, ", ")
}

func (r *root) printIncident(out *api.IncidentDetail) error {
	if r.json {
		return r.printJSON(out)
	}
	i := &out.Incident
	r.say(text.IncidentHead, i.ID, strings.TrimSpace(where(i)+" "+i.Code+" "+i.Field))
	r.say(text.IncidentSince, clock(i.Since), i.Now, i.Seen)
	if i.Recovered != nil {
		_, _ = r.std.Out.Write([]byte(r.words(*i.Recovered) + "\n"))
	}
	if len(i.Money) > 0 || i.Unpriced > 0 {
		r.say(text.IncidentMoney, cmp.Or(atStake(i.Money), "-"), i.Unpriced)
	}
	r.say(text.IncidentMeans, r.words(i.Means))
	r.say(text.IncidentDo, r.words(i.Do))
	var rows [][]string
	for _, x := range out.Rows {
		delivery := ""
		if i.Kind == "delivery" {
			delivery = id(x.ID)
		}
		rows = append(rows, []string{id(x.Message), delivery, x.Label, x.State, firstLine(x.Text)})
	}
	if len(rows) > 0 {
		if err := r.table([]string{"MESSAGE", "DELIVERY", "LABEL", "STATE", "WHY"}, rows); err != nil {
			return err
		}
	}
	if out.Next != "" {
		r.say(text.IncidentMore, out.Next)
	}
	return nil
}
