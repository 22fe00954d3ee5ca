package reconcile

import (
	"io"
	"strings"
	"text/tabwriter"
)

// Table writes what a heal did for people. At most `most` rows of a kind are listed
// (0 = 50); the JSON has them all.
func (h *Healed) Table(w io.Writer, most int) error {
	if most <= 0 {
		most = 50
	}
	t := &table{tw: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if len(h.Done)+len(h.Failed)+len(h.Proposed) == 0 {
		t.line("Report %d has nothing to heal.", h.Report)
	} else {
		t.line("Report %d: %d done, %d failed, %d proposed. Nothing that is proposed was sent.", h.Report, len(h.Done), len(h.Failed), len(h.Proposed))
	}
	t.acts("Done", h.Done, most)
	t.acts("Failed", h.Failed, most)
	t.section("Proposed: a person decides", len(h.Proposed), "PLACE\tKIND\tKEY\tTHERE\tPROPOSED\tWHAT")
	for _, p := range h.Proposed[:min(most, len(h.Proposed))] {
		var ids []string
		for _, id := range p.RemoteIDs {
			ids = append(ids, id.Kind+" "+id.Value)
		}
		t.row(p.title(), p.Kind, or(p.Key, p.SourceKey), strings.Join(ids, ", "), proposalWords[p.Action], oneLine(p.Text))
	}
	t.more(len(h.Proposed) - most)
	if t.err != nil {
		return t.err
	}
	return t.tw.Flush()
}

func (t *table) acts(title string, list []Act, most int) {
	t.section(title, len(list), "PLACE\tKIND\tKEY\tACTION\tRESULT")
	for _, a := range list[:min(most, len(list))] {
		result := a.To
		if a.Code != "" {
			result += " (" + a.Code + ")"
		}
		if a.Text != "" {
			result = strings.TrimPrefix(result+": "+a.Text, ": ")
		}
		t.row(a.title(), a.Kind, or(a.Key, a.SourceKey), or(actionWords[a.Action], a.Action), oneLine(result))
	}
	t.more(len(list) - most)
}

func (t *table) more(n int) {
	if n > 0 {
		t.line("and %d more; the JSON has them all", n)
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// actionWords and proposalWords are the words of a heal for people.
var (
	actionWords = map[string]string{
		"refetched":  "fetched again",
		"routed":     "put through the flow again",
		"replayed":   "let into its lane again",
		"on_its_way": "is on its way",
		"resolved":   "has resolved itself",
		"waits":      "waits for its look-up",
	}
	proposalWords = map[string]string{
		"send":   "send it again",
		"cancel": "cancel it there",
		"look":   "look at it",
	}
)
