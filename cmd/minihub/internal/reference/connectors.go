package reference

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
)

// Connectors is the page of what can be connected.
func Connectors(r *connectors.Registry) string {
	var b strings.Builder
	b.WriteString("# Connectors · 连接器\n\n" + generated +
		"What `minihub connectors describe NAME` shows, for every connector of the program. A directory describes further ones in\n" +
		"`connectors/*.yaml`, without code.\n\n" +
		"| word | meaning |\n|---|---|\n" +
		"| carries | `state`: documents replace one another · `event`: each counts |\n" +
		"| changes | `upsert`: a changed document is simply sent · `create-only`: the flow's `on_change` decides |\n" +
		"| repeat | what may be done after an outcome that nobody knows. `idempotent`: send again, the target dedupes by our key · `ask-first`: look the key up before sending again · `one-shot`: never again without a person |\n" +
		"| reconciled | whether the nightly comparison can list it, and if not, why |\n\n")
	for _, c := range r.List() {
		fmt.Fprintf(&b, "- [%s](#%s)\n", c.Title, c.Name)
	}
	for _, c := range r.List() {
		connectorPage(&b, c)
	}
	return b.String()
}

func connectorPage(b *strings.Builder, c *connectors.Connector) {
	fmt.Fprintf(b, "\n<a id=%q></a>\n\n## %s\n\n`%s`, role %s. %s\n\n", c.Name, c.Title, c.Name, c.Role, strings.TrimSpace(c.Text))
	if c.Docs != "" {
		fmt.Fprintf(b, "Documents: %s\n\n", c.Docs)
	}
	b.WriteString("```yaml\n" + example(c) + "```\n")
	table(b, "Fields · 字段", []string{"field", "kind", "needed", "default", "what"}, len(c.Config), func(i int) []string {
		f := c.Config[i]
		what := f.Text
		if len(f.Enum) > 0 {
			what += " (" + strings.Join(f.Enum, ", ") + ")"
		}
		return []string{code(f.Name), string(f.Kind), yes(f.Required && f.Default == ""), code(f.Default), what}
	})
	table(b, "Streams · 数据流", []string{"stream", "entity", "comes", "schema", "windows", "reconciled", "what"}, len(c.Streams), func(i int) []string {
		s := c.Streams[i]
		return []string{code(s.Name), s.Entity, comes(s), code(s.Schema), windows(s), listing(s.List), s.Text}
	})
	table(b, "Operations · 操作", []string{"operation", "carries", "changes", "repeat", "batch", "undoes", "key", "schema", "reconciled", "what"}, len(c.Operations), func(i int) []string {
		o := c.Operations[i]
		return []string{code(o.Name), string(o.Carries), string(o.Changes), repeat(o), strconv.Itoa(max(1, o.Batch)), code(o.Undoes), key(o.Key), code(o.Schema), listing(o.List), o.Text}
	})
	table(b, "Limits · 限制", []string{"limit", "requests", "at once", "what"}, len(c.Limits), func(i int) []string {
		l := c.Limits[i]
		requests, atOnce := "", ""
		if l.Requests > 0 {
			requests = fmt.Sprintf("%d in %s", l.Requests, span(l.Per))
		}
		if l.Concurrent > 0 {
			atOnce = strconv.Itoa(l.Concurrent)
		}
		return []string{code(l.Name), requests, atOnce, l.Text}
	})
}

// table writes rows under a heading; a column that is empty in every row is left out.
func table(b *strings.Builder, title string, header []string, n int, row func(i int) []string) {
	if n == 0 {
		return
	}
	rows := make([][]string, n)
	used := make([]bool, len(header))
	for i := range rows {
		rows[i] = row(i)
		for j, c := range rows[i] {
			used[j] = used[j] || c != ""
		}
	}
	line := func(cells []string) {
		b.WriteString("|")
		for j, c := range cells {
			if used[j] {
				b.WriteString(" " + cell.Replace(c) + " |")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n### " + title + "\n\n")
	line(header)
	rule := make([]string, len(header))
	for j := range rule {
		rule[j] = "---"
	}
	line(rule)
	for _, r := range rows {
		line(r)
	}
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// span writes 24h0m0s as 24h.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func comes(s connectors.Stream) string {
	var how []string
	if s.Pull && s.Hints {
		how = append(how, "pulled: ids, then documents")
	} else if s.Pull {
		how = append(how, "pulled")
	}
	if s.Push {
		how = append(how, "pushed")
	}
	if s.Also != "" {
		how = append(how, "with its "+code(s.Also))
	}
	return strings.Join(how, "; ")
}

func windows(s connectors.Stream) string {
	switch {
	case s.Complete:
		return "everything each time"
	case !s.Windowed:
		return ""
	}
	out := "at most " + span(s.MaxSpan)
	if s.Overlap > 0 {
		out += ", overlap " + span(s.Overlap)
	}
	if s.Delay > 0 {
		out += ", ends " + span(s.Delay) + " ago"
	}
	return out
}

func listing(l connectors.Listing) string {
	if l.Can {
		return "yes, by " + cmp.Or(l.By, "time")
	}
	return "no: " + l.Reason
}

func repeat(o connectors.Operation) string {
	out := string(o.Repeat)
	switch {
	case o.Repeat == connectors.Idempotent && o.IdempotentFor > 0:
		out += " for " + span(o.IdempotentFor)
	case o.Repeat == connectors.AskFirst && o.Settle > 0:
		out += ", seen after " + span(o.Settle)
	case o.Repeat == connectors.OneShot:
		out += fmt.Sprintf(", %d for each %s", o.Budget, cmp.Or(code(o.BudgetKey), "key"))
	}
	if o.Always {
		out += ", always"
	}
	return out
}

func key(k connectors.KeyRule) string {
	switch {
	case k.Text != "":
		return k.Text
	case k.MaxLen > 0:
		return fmt.Sprintf("at most %d bytes", k.MaxLen)
	}
	return ""
}

var upperName = regexp.MustCompile(`[^A-Z0-9]+`)

// example is the shortest connection file that `check` takes; a test reads it.
func example(c *connectors.Connector) string {
	var b strings.Builder
	fmt.Fprintf(&b, "connection: %s\nconnector: %s\n", c.Name, c.Name)
	started := false
	for _, f := range c.Config {
		if !f.Required || f.Default != "" {
			continue
		}
		if !started {
			b.WriteString("config:\n")
			started = true
		}
		fmt.Fprintf(&b, "  %s: %s\n", f.Name, exampleValue(c.Name, f))
	}
	return b.String()
}

func exampleValue(connector string, f connectors.Field) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	if f.Kind == connectors.FieldSecret {
		return quote("${env:" + upperName.ReplaceAllString(strings.ToUpper(connector+"_"+f.Name), "_") + "}")
	}
	if len(f.Enum) > 0 {
		return quote(f.Enum[0])
	}
	if f.Example != "" && f.Kind != connectors.FieldMap {
		return quote(f.Example)
	}
	switch f.Kind {
	case connectors.FieldURL:
		return "https://" + connector + ".example.test"
	case connectors.FieldInt:
		return "1"
	case connectors.FieldBool:
		return "true"
	case connectors.FieldDuration:
		return "30s"
	case connectors.FieldMap:
		return "{}"
	}
	return "YOUR-" + strings.ReplaceAll(strings.ToUpper(f.Name), "_", "-")
}
