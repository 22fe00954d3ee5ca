package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/redact"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

func (r *root) messagesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "messages", Short: "Find messages and see every hop"}
	cmd.AddCommand(r.findCommand(), r.showCommand(), r.listCommand(), r.editMessageCommand())
	return cmd
}

func (r *root) findCommand() *cobra.Command {
	var kind string
	cmd := &cobra.Command{
		Use:   "find KEY",
		Short: "Find by order no., waybill, phone, SKU, remote id, error code or any other key, or by number (#123)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var out api.FoundList
				q := url.Values{"key": {args[0]}, "kind": {kind}}
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/messages?"+q.Encode(), nil, &out); err != nil {
					return err
				}
				if err := r.printFound(args[0], &out); err != nil {
					return err
				}
				if len(out.Messages)+len(out.Incidents) == 0 {
					return quiet(Failed)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "look only at these kinds of key, comma-separated")
	return cmd
}

func (r *root) printFound(key string, found *api.FoundList) error {
	if r.json {
		return r.printJSON(found)
	}
	if len(found.Messages)+len(found.Incidents) == 0 {
		r.say(text.NothingKnown, key)
		return nil
	}
	if len(found.Incidents) > 0 {
		if err := r.printIncidents(&api.IncidentList{Incidents: found.Incidents}); err != nil || len(found.Messages) == 0 {
			return err
		}
	}
	var rows [][]string
	for _, m := range found.Messages {
		rows = append(rows, []string{id(m.Message), m.Connection, m.Entity, m.Label, m.State, short(m.At), strings.Join(m.Matched, ",")})
	}
	if err := r.table([]string{"MESSAGE", "FROM", "ENTITY", "LABEL", "STATE", "AT", "MATCHED"}, rows); err != nil {
		return err
	}
	if found.More {
		r.say(text.FoundMore, len(found.Messages))
	}
	return nil
}

func (r *root) showCommand() *cobra.Command {
	var wire bool
	cmd := &cobra.Command{
		Use:   "show MESSAGE",
		Short: "Show a message with its versions, deliveries and attempts",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := strconv.ParseUint(args[0], 10, 63); err != nil {
				return r.bad(text.NotAnID, args[0])
			}
			return r.with(cmd.Context(), func(c *client) error {
				var raw json.RawMessage
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/messages/"+args[0], nil, &raw); err != nil {
					return err
				}
				var m api.Message
				if err := json.Unmarshal(raw, &m); err != nil {
					return err
				}
				calls, err := callsOf(cmd, c, &m, wire)
				switch {
				case err != nil:
					return err
				case r.json && wire:
					return r.printJSON(map[string]any{"message": raw, "calls": calls})
				case r.json:
					return r.printJSON(raw)
				}
				if err := r.printMessage(&m); err != nil {
					return err
				}
				r.printCalls(calls)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&wire, "wire", false, "also what was sent and answered, personal values masked")
	return cmd
}

// callsOf asks for what was said in the tries of a message's deliveries.
func callsOf(cmd *cobra.Command, c *client, m *api.Message, wire bool) ([]api.Calls, error) {
	var out []api.Calls
	for _, d := range m.Deliveries {
		if !wire || len(d.Tries) == 0 {
			continue
		}
		var calls api.Calls
		if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/deliveries/"+id(d.ID)+"/calls", nil, &calls); err != nil {
			return nil, err
		}
		out = append(out, calls)
	}
	return out, nil
}

// printCalls prints each request with its answer below it.
func (r *root) printCalls(list []api.Calls) {
	for _, of := range list {
		for i, try := range of.Tries {
			for _, c := range try.Calls {
				status := strconv.Itoa(c.Status)
				if c.Status == 0 {
					status = r.texts.Say(text.NoAnswer)
				}
				fmt.Fprintln(r.std.Out)
				r.say(text.CallHead, of.Delivery, i+1, c.Method+" "+c.URL, status, c.TookMS)
				if c.Error != "" {
					fmt.Fprintln(r.std.Out, c.Error)
				}
				for _, b := range []*redact.Body{c.Request, c.Response} {
					if b != nil && b.Text != "" {
						fmt.Fprintln(r.std.Out, "\n"+b.Text)
					}
				}
			}
		}
	}
}

// printMessage prints what happened in order, and below it every reason in full.
func (r *root) printMessage(m *api.Message) error {
	r.say(text.MessageHead, m.ID, m.Entity, m.Key, m.Connection+"."+m.Stream, m.Version, strings.TrimSpace(m.State+" "+m.Code))
	fmt.Fprintln(r.std.Out)
	var why []string
	because := func(what string, row int64, s string) {
		if s != "" {
			why = append(why, fmt.Sprintf("%s %d: %s", r.texts.Help("column "+strings.ToUpper(what), what), row, indented(s)))
		}
	}
	because("message", m.ID, m.Text)
	var rows [][]string
	for _, v := range m.Versions {
		rows = append(rows, []string{short(v.At), "message", id(v.ID), m.Connection + "." + v.Stream, r.texts.Say(text.Version, v.Version), "", v.State, ""})
	}
	for _, d := range m.Deliveries {
		next := ""
		if d.NextAt != nil {
			next = short(*d.NextAt)
		}
		rows = append(rows, []string{next, "delivery", id(d.ID), d.Connection + "." + d.Operation, d.Key, "", d.State, d.Code})
		for _, t := range d.Tries {
			rows = append(rows, []string{short(t.Started), "  " + t.Kind, "", "", "", strconv.Itoa(t.N), t.State, t.Code})
		}
		because("delivery", d.ID, d.Text)
		if len(d.WaitsFor) > 0 {
			because("delivery", d.ID, r.texts.Say(text.WaitsFor, strings.Join(d.WaitsFor, ", ")))
		}
	}
	if err := r.table([]string{"AT", "WHAT", "ID", "WHERE", "KEY", "TRY", "STATE", "CODE"}, rows); err != nil {
		return err
	}
	if len(why) > 0 {
		fmt.Fprintln(r.std.Out, "\n"+strings.Join(why, "\n"))
	}
	return nil
}

func (r *root) listCommand() *cobra.Command {
	var state, code, connection string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List messages and deliveries by state: parked ones unless told otherwise",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				q := url.Values{"state": {state}, "code": {code}, "connection": {connection}, "limit": {"200"}}
				var d struct {
					Deliveries []api.Delivery `json:"deliveries"`
				}
				var m struct {
					Messages []api.Message `json:"messages"`
				}
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/deliveries?"+q.Encode(), nil, &d); err != nil {
					return err
				}
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/records?"+q.Encode(), nil, &m); err != nil {
					return err
				}
				if r.json {
					return r.printJSON(map[string]any{"deliveries": d.Deliveries, "messages": m.Messages})
				}
				return r.printRows(state, m.Messages, d.Deliveries)
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "parked", "states, comma-separated")
	cmd.Flags().StringVar(&code, "code", "", "only this code")
	cmd.Flags().StringVar(&connection, "connection", "", "only this connection")
	return cmd
}

func (r *root) printRows(state string, messages []api.Message, deliveries []api.Delivery) error {
	if len(messages)+len(deliveries) == 0 {
		r.say(text.NoneInState, state)
		return nil
	}
	var rows [][]string
	for _, m := range messages {
		rows = append(rows, []string{id(m.ID), "", m.Connection, m.Entity, m.Key, m.State, m.Code, firstLine(m.Text)})
	}
	for _, d := range deliveries {
		rows = append(rows, []string{id(d.Message), id(d.ID), d.Connection, d.Operation, d.Key, d.State, d.Code, firstLine(d.Text)})
	}
	return r.table([]string{"MESSAGE", "DELIVERY", "CONNECTION", "WHAT", "KEY", "STATE", "CODE", "WHY"}, rows)
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is not a time with its zone, such as 2026-11-10T00:00:00+08:00", s)
	}
	return t, nil
}

// id writes a row's id; 0 is none.
func id(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func short(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("01-02 15:04:05")
}

func firstLine(s string) string {
	line, rest, more := strings.Cut(s, "\n")
	if more && rest != "" {
		line += " …"
	}
	return line
}

// indented keeps the further lines of a text below its first.
func indented(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") }
