package cli

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/cmd/minihub/internal/api"
)

func (r *root) alarmsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "alarms", Short: "See alarms, prove that they reach you"}
	list := &cobra.Command{
		Use: "list", Short: "List open alarms and the last ones", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var out alarm.Listing
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/alarms?language="+r.texts.Say("alarm.language"), nil, &out); err != nil {
					return err
				}
				return r.printAlarms(out, c.local != nil)
			})
		},
	}
	test := &cobra.Command{
		Use: "test [RECEIVER]", Short: "Send a test alarm and its end to receivers and print their answers", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var req api.AlarmTest
			if len(args) == 1 {
				req.Receiver = args[0]
			}
			return r.with(cmd.Context(), func(c *client) error {
				var out api.AlarmTested
				if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/alarms/test", req, &out); err != nil {
					return err
				}
				return r.printTried(out)
			})
		},
	}
	cmd.AddCommand(list, test, r.alarmsAck())
	return cmd
}

func (r *root) alarmsAck() *cobra.Command {
	var req api.AlarmAck
	cmd := &cobra.Command{
		Use: "ack ALARM", Short: "Say that somebody sees to an open alarm; it is not told again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Who = "cli"
			return r.with(cmd.Context(), func(c *client) error {
				var out alarm.Ack
				if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/alarms/"+url.PathEscape(args[0])+"/ack", &req, &out); err != nil {
					return err
				}
				if r.json {
					return r.printJSON(out)
				}
				r.say("alarm.acked", args[0], out.Who)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&req.Note, "note", "", "what is done about it")
	_ = cmd.MarkFlagRequired("note")
	return cmd
}

func (r *root) printAlarms(out alarm.Listing, local bool) error {
	if r.json {
		return r.printJSON(out)
	}
	if local {
		r.say("alarm.not_running")
	}
	if len(out.Open) == 0 {
		r.say("alarm.none")
	}
	var rows [][]string
	for _, e := range append(out.Open, out.Past...) {
		until, peak := "", ""
		if !e.Open() {
			until = short(e.ClosedAt)
		}
		if e.Peak > 0 {
			peak = strconv.FormatInt(e.Peak, 10)
		}
		rows = append(rows, []string{e.ID, short(e.OpenedAt), until, peak, e.Title})
	}
	if len(rows) > 0 {
		if err := r.table([]string{"ID", "SINCE", "UNTIL", "PEAK", "ALARM"}, rows); err != nil {
			return err
		}
	}
	for _, e := range out.Open {
		r.say("alarm.mend_line", e.ID, e.Mend)
	}
	for _, s := range out.Receivers {
		if s.Error != "" {
			r.say("alarm.receiver_fails", s.Name, s.Kind, s.Error)
		}
	}
	if len(out.Receivers) == 0 {
		r.say("alarm.no_receivers")
	}
	return nil
}

// printTried ends in failure when any receiver did not take its message.
func (r *root) printTried(out api.AlarmTested) error {
	failed := false
	for _, t := range out.Results {
		failed = failed || !t.OK
	}
	if r.json {
		if err := r.printJSON(out); err != nil {
			return err
		}
	} else {
		for _, t := range out.Results {
			if t.OK {
				r.say("alarm.sent", t.Receiver, t.Kind, t.Took, t.Answer)
			} else {
				r.say("alarm.not_sent", t.Receiver, t.Kind, t.Took, t.Answer)
			}
		}
	}
	if failed {
		return quiet(Failed)
	}
	return nil
}
