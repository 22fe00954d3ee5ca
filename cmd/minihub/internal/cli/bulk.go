package cli

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/pipelines"
)

// bulkFlags are the flags of replay that make it a job of the hub.
type bulkFlags struct {
	incident int64
	where    api.BulkWhere
	job      int64
	rate     int
	why      string

	start, pause, resume, cancel, results, wait bool
}

func (b *bulkFlags) declare(f *pflag.FlagSet) {
	f.Int64Var(&b.incident, "incident", 0, "plan a job: all of an incident")
	f.StringVar(&b.where.Code, "code", "", "plan a job: all parked with this code")
	f.StringVar(&b.where.Connection, "connection", "", "plan a job: all parked of this connection")
	f.StringVar(&b.where.Operation, "operation", "", "plan a job: all parked deliveries of this operation")
	f.StringVar(&b.where.Flow, "flow", "", "plan a job: all parked deliveries of this flow")
	f.StringVar(&b.where.Stream, "stream", "", "plan a job: all parked messages of this stream")
	f.Int64Var(&b.job, "job", 0, "a planned job: show it, or start, pause, resume or cancel it")
	f.IntVar(&b.rate, "rate", 0, "rows a second of a job; 0 is as fast as the limits allow")
	f.StringVar(&b.why, "why", "", "why, for the job's history")
	f.BoolVar(&b.start, "start", false, "let a job go: the first ten, and after a look the rest")
	f.BoolVar(&b.pause, "pause", false, "hold a job")
	f.BoolVar(&b.resume, "resume", false, "let a held job go on")
	f.BoolVar(&b.cancel, "cancel", false, "end a job; what has not gone stays parked")
	f.BoolVar(&b.results, "results", false, "print a job's results as JSON lines")
	f.BoolVar(&b.wait, "wait", false, "wait until the job asks, is held or is over; exit 1 if a row was not replayed")
}

func (b *bulkFlags) asked() bool {
	return b.plans() || b.job != 0 || b.rate != 0 || b.start || b.pause || b.resume || b.cancel || b.results || b.wait
}

// plans reports whether a new job is asked for.
func (b *bulkFlags) plans() bool { return b.incident != 0 || b.where != (api.BulkWhere{}) }

// acts are the acts asked for.
func (b *bulkFlags) acts() []string {
	var out []string
	for _, a := range []struct {
		name  string
		asked bool
	}{{"start", b.start}, {"pause", b.pause}, {"resume", b.resume}, {"cancel", b.cancel}} {
		if a.asked {
			out = append(out, a.name)
		}
	}
	return out
}

// bulkReplay plans a job, or does something about one.
func (r *root) bulkReplay(cmd *cobra.Command, args []string, b *bulkFlags, req *api.ReplayRequest) error {
	acts, plans := b.acts(), b.plans()
	switch {
	case len(args) > 0 || req.Delivery != 0 || plans == (b.job != 0) || b.incident != 0 && b.where != (api.BulkWhere{}):
		return r.bad(text.BulkOne)
	case len(acts) > 1 || plans && len(acts) == 1 && acts[0] != "start" || req.Plan && (len(acts) > 0 || !plans):
		return r.bad(text.BulkAct)
	case plans && !req.Plan && !b.start:
		return r.bad(text.BulkPlanOrStart)
	case b.results && (plans || len(acts) > 0) || b.wait && (b.results || req.Plan):
		return r.bad(text.BulkAct)
	}
	return r.with(cmd.Context(), func(c *client) error {
		id := strconv.FormatInt(b.job, 10)
		var out api.Bulk
		if plans {
			in := api.BulkRequest{Incident: b.incident, Mode: req.Mode, Rate: b.rate, Who: "cli", Why: b.why}
			if b.incident == 0 {
				in.Filter = &b.where
			}
			if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/replays", in, &out); err != nil {
				return err
			}
			id = strconv.FormatInt(out.ID, 10)
		}
		for _, act := range acts {
			body := map[string]any{"confirm": req.Confirm, "who": "cli", "why": b.why}
			if !plans && b.rate != 0 {
				body["rate"] = b.rate
			}
			if err := c.do(cmd.Context(), http.MethodPost, "/api/v1/replays/"+id+"/"+act, body, &out); err != nil {
				return err
			}
		}
		if b.results {
			return r.bulkResults(cmd, c, id)
		}
		local := c.local != nil && len(acts) > 0
		if err := r.bulkShow(cmd, c, id, &out, b.wait && !local); err != nil {
			return err
		}
		if err := r.printBulk(&out, local); err != nil {
			return err
		}
		if b.wait && out.Items[pipelines.ItemRefused]+out.Items[pipelines.ItemSkipped] > 0 {
			return quiet(Failed)
		}
		return nil
	})
}

// bulkShow reads a job, if asked for when it no longer goes by itself.
func (r *root) bulkShow(cmd *cobra.Command, c *client, id string, out *api.Bulk, wait bool) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		*out = api.Bulk{}
		err := c.do(cmd.Context(), http.MethodGet, "/api/v1/replays/"+id, nil, out)
		if err != nil || !wait || out.State != pipelines.BulkCanary && out.State != pipelines.BulkRunning {
			return err
		}
		select {
		case <-tick.C:
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		}
	}
}

func (r *root) bulkResults(cmd *cobra.Command, c *client, id string) error {
	// The list may have ended early; its last line says so.
	out := &lastLine{out: r.std.Out}
	if err := c.stream(cmd.Context(), "/api/v1/replays/"+id+"/items", out); err != nil {
		return err
	}
	var last struct{ Error *api.Error }
	if json.Unmarshal(out.line, &last) == nil && last.Error != nil {
		return last.Error
	}
	return nil
}

func (r *root) printBulk(b *api.Bulk, local bool) error {
	if r.json {
		return r.printJSON(b)
	}
	r.say(text.BulkHead, b.ID, r.texts.Help("bulk "+b.State, b.State), b.Total, b.Mode)
	if b.Seconds > 0 {
		r.say(text.BulkEstimate, (time.Duration(b.Seconds * float64(time.Second))).Round(time.Second).String())
	}
	if b.OneShot > 0 {
		r.say(text.BulkOneShot, b.OneShot)
	}
	if len(b.Modes) > 0 {
		var rows [][]string
		for _, m := range b.Modes {
			rows = append(rows, []string{m.Mode, count(m.Safe), count(m.Asks), count(m.Confirm), count(m.Cannot)})
		}
		if err := r.table([]string{"MODE", "SAFE", "ASKS FIRST", "CONFIRM", "CANNOT"}, rows); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		id text.ID
		by map[string]int64
	}{{text.BulkItems, b.Items}, {text.BulkRows, b.Rows}} {
		if len(part.by) == 0 {
			continue
		}
		var said []string
		for _, k := range slices.Sorted(maps.Keys(part.by)) {
			said = append(said, r.texts.Help("bulk "+k, k)+" "+strconv.FormatInt(part.by[k], 10))
		}
		r.say(part.id, strings.Join(said, ", "))
	}
	switch {
	case b.State == "planned":
		r.say(text.BulkStart, b.ID)
	case b.State == "asking":
		r.say(text.BulkAsking, b.ID)
	case local:
		r.say(text.BulkLocal)
	}
	return nil
}

// count is a number of a table; zero is empty.
func count(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
