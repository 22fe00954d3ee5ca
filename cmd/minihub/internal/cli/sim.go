package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/sims"
)

func (r *root) simCommand() *cobra.Command {
	var opt sims.Options
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Run the simulated shops, OMS, WMS, ERP, CRM, carrier and webhook target alone",
		Long: "Serves every simulator on a port of its own and prints one JSON line with their addresses and invented\n" +
			"credentials, then runs until it is interrupted. At the control address:\n\n" +
			"  GET    /_sim/systems               the systems again\n" +
			"  GET    /_sim/record/SYSTEM         what a system holds and what reached it\n" +
			"  GET    /_sim/faults                the faults that are switched on\n" +
			"  POST   /_sim/faults                switch one on: {\"system\":\"qimen\",\"call\":\"deliveryorder.create\",\"kind\":\"drop_answer\",\"count\":1};\n" +
			"                                     kinds: delay, status, bad_gateway, drop_answer, drop_request, duplicate, rate_limit,\n" +
			"                                     error_body, token_expiry, lag, reorder, garble; rate is a chance from 0 to 1\n" +
			"  DELETE /_sim/faults                switch all off\n" +
			"  POST   /_sim/SYSTEM/COMMAND        act behind the hub's back, e.g. /_sim/shop-a/cancel {\"order_id\":\"...\"},\n" +
			"                                     /_sim/qimen/ship {\"code\":\"...\"}, /_sim/jushuitan/delete_order {\"so_id\":\"...\"}",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := sims.Start(opt)
			if err != nil {
				return err
			}
			line := struct {
				Control string         `json:"control"`
				Systems []*sims.System `json:"systems"`
			}{w.ControlURL(), w.Systems()}
			b, err := json.Marshal(line)
			if err != nil {
				return errors.Join(err, w.Close())
			}
			fmt.Fprintln(r.std.Out, string(b))
			<-cmd.Context().Done()
			return w.Close()
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.Addr, "addr", "127.0.0.1:0", "address of the control listener; the systems take the ports after it, or free ones for port 0")
	f.Int64Var(&opt.Seed, "seed", 1, "makes everything that is invented repeatable")
	f.IntVar(&opt.Orders, "orders", 0, "orders that exist in each shop from the start")
	f.IntVar(&opt.Members, "members", 20, "members of each shop from the start")
	f.Float64Var(&opt.LimitsX, "limits-x", 1, "multiply the vendors' rate limits")
	f.BoolVar(&opt.NoDedupe, "no-dedupe", false, "make the webhook target one that cannot tell repeats")
	return cmd
}
