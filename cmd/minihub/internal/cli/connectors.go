package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
)

func (r *root) connectorsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "connectors", Aliases: []string{"connector"}, Short: "What can be connected"}
	list := &cobra.Command{
		Use: "list", Short: "List connectors", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			registry, problems := config.Described(r.dir, config.Options{Registry: r.registry})
			if len(problems) > 0 {
				return problems
			}
			var rows [][]string
			var out []map[string]string
			for _, c := range registry.List() {
				rows = append(rows, []string{c.Name, c.Role, c.Title})
				out = append(out, map[string]string{"name": c.Name, "role": c.Role, "title": c.Title})
			}
			if r.json {
				return r.printJSON(out)
			}
			return r.table([]string{"NAME", "ROLE", "TITLE"}, rows)
		},
	}
	describe := &cobra.Command{
		Use: "describe NAME", Short: "Show a connector's fields, streams, operations and limits", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			registry, problems := config.Described(r.dir, config.Options{Registry: r.registry})
			if len(problems) > 0 {
				return problems
			}
			c, ok := registry.Get(args[0])
			if !ok {
				return r.noConnector(registry, args[0])
			}
			if r.json {
				return r.printJSON(description(c))
			}
			return r.describe(c)
		},
	}
	cmd.AddCommand(list, describe, r.connectorNewCommand(), r.connectorDeclareCommand())
	return cmd
}

func (r *root) noConnector(registry *connectors.Registry, name string) error {
	var known []string
	for _, c := range registry.List() {
		known = append(known, c.Name)
	}
	hint := strings.Join(known, ", ")
	if n := mapper.Nearest(name, known); n != "" {
		hint = r.texts.Say(text.DidYouMean, n)
	}
	return badInput("%s (%s)", r.texts.Say(text.UnknownName, name), hint)
}

// description is a connector without its functions.
func description(c *connectors.Connector) map[string]any {
	return map[string]any{"name": c.Name, "title": c.Title, "role": c.Role, "text": c.Text, "docs": c.Docs,
		"config": c.Config, "limits": c.Limits, "streams": c.Streams, "operations": c.Operations}
}

func (r *root) describe(c *connectors.Connector) error {
	fmt.Fprintf(r.std.Out, "%s (%s, %s)\n%s\n%s\n", c.Title, c.Name, c.Role, c.Text, r.texts.Say(text.DocsAt, c.Docs))
	for _, section := range []func(*connectors.Connector) ([]string, [][]string){r.fieldRows, streamRows, r.operationRows, r.limitRows} {
		header, rows := section(c)
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintln(r.std.Out)
		if err := r.table(header, rows); err != nil {
			return err
		}
	}
	return nil
}

func (r *root) fieldRows(c *connectors.Connector) (header []string, rows [][]string) {
	for _, f := range c.Config {
		need := ""
		if f.Required {
			need = r.texts.Say(text.Required)
		}
		rows = append(rows, []string{f.Name, string(f.Kind), need, f.Default, f.Text})
	}
	return []string{"FIELD", "KIND", "NEED", "DEFAULT", "WHAT"}, rows
}

func streamRows(c *connectors.Connector) (header []string, rows [][]string) {
	for _, s := range c.Streams {
		var how []string
		for _, way := range []struct {
			name string
			is   bool
		}{{"pull", s.Pull}, {"push", s.Push}, {"hints", s.Hints}} {
			if way.is {
				how = append(how, way.name)
			}
		}
		rows = append(rows, []string{s.Name, s.Entity, strings.Join(how, "+"), s.Schema, s.Text})
	}
	return []string{"STREAM", "ENTITY", "HOW", "SCHEMA", "WHAT"}, rows
}

func (r *root) operationRows(c *connectors.Connector) (header []string, rows [][]string) {
	for _, o := range c.Operations {
		list := r.texts.Say(text.CanList)
		if !o.List.Can {
			list = r.texts.Say(text.CannotList, o.List.Reason)
		}
		rows = append(rows, []string{o.Name, string(o.Carries), string(o.Changes), string(o.Repeat), strconv.Itoa(max(1, o.Batch)), o.Undoes, o.Schema, list})
	}
	return []string{"OPERATION", "CARRIES", "CHANGES", "REPEAT", "BATCH", "UNDOES", "SCHEMA", "RECONCILE"}, rows
}

func (r *root) limitRows(c *connectors.Connector) (header []string, rows [][]string) {
	for _, l := range c.Limits {
		requests, per, atOnce := r.texts.Say(text.Unlimited), "", ""
		if l.Requests > 0 {
			requests, per = strconv.Itoa(l.Requests), strings.TrimSuffix(strings.TrimSuffix(l.Per.String(), "0s"), "0m")
		}
		if l.Concurrent > 0 {
			atOnce = strconv.Itoa(l.Concurrent)
		}
		rows = append(rows, []string{l.Name, requests, per, atOnce, l.Text})
	}
	return []string{"LIMIT", "REQUESTS", "PER", "AT ONCE", "WHAT"}, rows
}
