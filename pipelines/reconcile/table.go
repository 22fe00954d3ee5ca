package reconcile

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Table writes the report for people: what was found first, then what explains it. At
// most `most` findings are listed (0 = 50); the JSON has them all.
func (r *Report) Table(w io.Writer, most int) error {
	if most <= 0 {
		most = 50
	}
	t := &table{tw: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	drift, waiting := r.split()
	r.head(t, drift, waiting)
	t.section("Findings by kind", len(r.Kinds), "PLACE\tFLOW\tKIND\tCOUNT\tNEW\tAMOUNT")
	for _, k := range r.Kinds {
		t.row(k.title(), k.Flow, k.Kind, k.Count, k.New, amount(k.Amount, k.Currency))
	}
	t.findings("Findings", drift, most)
	t.findings("Known, and waiting for a person", waiting, most)
	t.section("In flight", len(r.InFlight), "PLACE\tFLOW\tSTATE\tCOUNT")
	for _, s := range r.InFlight {
		t.row(s.title(), s.Flow, s.State, s.Count)
	}
	t.section("No drift, counted apart", len(r.LookAlikes), "PLACE\tFLOW\tCOUNT\tWHY")
	for _, s := range r.LookAlikes {
		t.row(s.title(), s.Flow, s.Count, or(lookAlikes[s.State], s.State))
	}
	r.totals(t)
	t.section("Read", len(r.Sides), "PLACE\tFLOW\tLISTED\tBY KEY\tCOMPARED\tEQUAL\tLIST")
	for _, s := range r.Sides {
		t.row(s.title(), s.Flow, s.Listed, s.ByKey, s.Compared, s.Equal, s.list())
	}
	t.section("Not compared", len(r.NotCompared), "PLACE\tFLOW\tWHAT\tCOUNT\tREASON")
	for _, n := range r.NotCompared {
		count := "all"
		if n.Count > 0 {
			count = fmt.Sprint(n.Count)
		}
		t.row(n.title(), n.Flow, n.What, count, strings.TrimPrefix(n.Code+": "+n.Reason, ": "))
	}
	if t.err != nil {
		return t.err
	}
	return t.tw.Flush()
}

// split tells drift from what is known and waits for a person.
func (r *Report) split() (drift, waiting []*Finding) {
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Kind == Parked {
			waiting = append(waiting, f)
		} else {
			drift = append(drift, f)
		}
	}
	return drift, waiting
}

func (r *Report) head(t *table, drift, waiting []*Finding) {
	zone := r.zone()
	t.line("Report %d: %s to %s (%s), flows %s", r.ID, r.From.In(zone).Format(time.DateTime), r.To.In(zone).Format(time.DateTime), r.Zone, strings.Join(r.Flows, ", "))
	heals := 0
	for _, f := range drift {
		if f.Heal != "" {
			heals++
		}
	}
	switch {
	case r.Drift == 0 && r.Partial:
		t.line("No drift in what could be read.")
	case r.Drift == 0:
		t.line("No drift.")
	default:
		t.line("%d findings of drift, %d of them new. A heal mends %d and proposes what to do about %d.", r.Drift, r.New, heals, r.Drift-heals)
	}
	if len(waiting) > 0 {
		t.line("Known, and waiting for a person: %d.", len(waiting))
	}
	if r.Partial {
		t.line("PARTIAL: not everything could be read; see \"not compared\".")
	}
}

// totals shows the stores and days on which the two sides are not the same.
func (r *Report) totals(t *table) {
	var differ []*Total
	for i := range r.Totals {
		if s := &r.Totals[i]; s.Drift > 0 || s.Hub != s.There || s.HubAmount != s.ThereAmount {
			differ = append(differ, s)
		}
	}
	if len(r.Totals) == 0 {
		return
	}
	t.section("Stores and days that differ", len(differ), "PLACE\tFLOW\tSTORE\tDAY\tHUB\tHUB AMOUNT\tTHERE\tTHERE AMOUNT\tDRIFT")
	for _, s := range differ {
		t.row(s.title(), s.Flow, s.Store, s.Day, s.Hub, amount(s.HubAmount, s.Currency), s.There, amount(s.ThereAmount, s.Currency), s.Drift)
	}
	t.line("\n%d of %d stores and days agree in number and amount; the JSON has them all.", len(r.Totals)-len(differ), len(r.Totals))
}

// title is a place, with the step where a flow delivers to it in several.
func (p Place) title() string {
	if p.Step == "" || p.Step == p.String() {
		return p.String()
	}
	return p.String() + " (" + p.Step + ")"
}

func (s *Side) list() string {
	switch {
	case !s.CanList:
		return "none"
	case s.Complete:
		return "complete"
	}
	return "ended early"
}

// amount is money, or a dash where none is shown.
func amount(n int64, currency string) string {
	if currency == "" {
		return ""
	}
	return money(n, currency)
}

// lookAlikes says what the words of a report's look-alikes mean.
var lookAlikes = map[string]string{
	"cancelled_orphan":     "the target has it cancelled under a key of ours, and no record explains it",
	"cancelled_unsent":     "cancelled before it was ever sent",
	"changed_after_window": "changed after the window: the next run's affair",
	"changed_meanwhile":    "changed while it was compared",
	"discarded":            "given up by a person",
	"filtered":             "left out by the flow's condition",
	"gone_unsent":          "deleted at the source before it was ever sent",
	"moved_on":             "shipped or finished at the target meanwhile",
	"not_needed":           "not needed: what it undoes never went out",
	"not_ours":             "not made by the hub",
	"not_routed":           "not taken by the flow",
	"record_parked":        "its record is parked; see the source",
	"superseded":           "overtaken by a newer version",
	"there_already":        "not sent by the hub, and there all the same",
	"withdrawn":            "cancelled before it went out",
}

// zone is the zone the report was made in; a name this machine does not know shows UTC.
func (r *Report) zone() *time.Location {
	if loc, err := time.LoadLocation(r.Zone); err == nil {
		return loc
	}
	if r.Zone == shanghai {
		return time.FixedZone(shanghai, 8*60*60)
	}
	return time.UTC
}

// what is a finding in words, with its differences.
func (f *Finding) what() string {
	s := f.Text
	for i, d := range f.Fields {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		s += fmt.Sprintf("%s%s %s here, %s there", sep, d.Name, d.Hub, d.There)
	}
	if f.Code != "" && (f.Kind == Parked || f.Kind == UnknownResolved) {
		s += " (" + f.Code + ")"
	}
	return oneLine(s)
}

// table keeps the first error of many writes.
type table struct {
	tw  *tabwriter.Writer
	err error
}

func (t *table) line(format string, a ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.tw, format+"\n", a...)
	}
}

// section begins a table, when it has rows.
func (t *table) section(title string, rows int, head string) {
	if rows > 0 {
		t.line("\n%s", title)
		t.line("%s", head)
	}
}

// findings lists at most so many.
func (t *table) findings(title string, list []*Finding, most int) {
	t.section(title, len(list), "PLACE\tKIND\tSTORE\tDAY\tKEY\tAMOUNT\tNEW\tHEAL\tWHAT")
	for _, f := range list[:min(most, len(list))] {
		isNew := ""
		if f.New {
			isNew = "new"
		}
		t.row(f.title(), f.Kind, f.Store, f.Day, or(f.Key, f.SourceKey), amount(f.Amount, f.Currency), isNew, f.Heal, f.what())
	}
	t.more(len(list) - most)
}

func (t *table) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = fmt.Sprint(c)
		if texts[i] == "" {
			texts[i] = "-"
		}
	}
	t.line("%s", strings.Join(texts, "\t"))
}
