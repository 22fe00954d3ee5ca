package mapper

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

func fileKeys() []string {
	return []string{"mapping", "input", "output", "lookups", "fields", "description"}
}

func rowKeys() []string {
	return []string{"to", "from", "value", "expr", "each", "fields", "convert", "map", "else", "lookup", "on_missing",
		"default", "when", "required", "omit_empty", "append"}
}

// readFile decodes a whole mapping file.
func (r *reader) readFile(src []byte) *fileSpec {
	root := r.open(src)
	if root == nil {
		return nil
	}
	f := &fileSpec{}
	for _, p := range r.object(root, "a mapping", 0) {
		switch p.key.Value {
		case "mapping":
			f.title, _ = r.text(p.value, "mapping", 1)
		case "input":
			f.input, _ = r.text(p.value, "input", 1)
		case "output":
			f.output, _ = r.text(p.value, "output", 1)
		case "description":
			r.text(p.value, "description", 1)
		case "lookups":
			f.hasLookups = true
			for _, item := range r.list(p.value, "lookups", 1) {
				if t, good := r.text(item, "a lookup table", 2); good {
					f.lookups = append(f.lookups, t)
				}
			}
		case "fields":
			f.fieldsAt = spotOf(p.key)
			f.fields = r.readRows(p.value, 1)
		default:
			r.fail(spotOf(p.key), CodeUnknownKey, didYouMean(p.key.Value, fileKeys()), "a mapping has no key %s", p.key.Value)
		}
	}
	if f.title.s == "" && len(r.problems) == 0 {
		r.fail(spotOf(root), CodeYAML, "for example mapping: order -> warehouse order", "the key mapping with the title is missing")
	}
	if len(f.fields) == 0 && len(r.problems) == 0 {
		r.fail(spotOf(root), CodeYAML, "", "the mapping has no fields")
	}
	return f
}

func (r *reader) readRows(n *yaml.Node, depth int) []*rowSpec {
	var rows []*rowSpec
	for _, item := range r.list(n, "fields", depth) {
		if r.rows++; r.rows > maxRows {
			r.fail(spotOf(item), CodeLimit, "", "a mapping has at most %d rows", maxRows)
			r.stopped = true
			return rows
		}
		if row := r.readRow(item, depth+1); row != nil {
			rows = append(rows, row)
		}
	}
	return rows
}

func (r *reader) readRow(n *yaml.Node, depth int) *rowSpec {
	row := &rowSpec{spot: spotOf(n)}
	before := len(r.problems)
	pairs := r.object(n, "a row", depth)
	if pairs == nil {
		return nil
	}
	for _, p := range pairs {
		key := p.key.Value
		texts := map[string]**text{"to": &row.to, "from": &row.from, "expr": &row.expr, "each": &row.each,
			"when": &row.when, "lookup": &row.lookup, "on_missing": &row.onMissing}
		constants := map[string]**constant{"value": &row.value, "default": &row.def, "else": &row.els}
		flags := map[string]*bool{"required": &row.required, "omit_empty": &row.omitEmpty, "append": &row.append}
		switch {
		case texts[key] != nil:
			if key == "on_missing" && isNull(p.value) {
				*texts[key] = &text{s: "null", spot: spotOf(p.value)}
				continue
			}
			if t, good := r.text(p.value, key, depth+1); good {
				*texts[key] = &t
			}
		case constants[key] != nil:
			if v, good := r.constant(p.value, depth+1); good {
				*constants[key] = &constant{v, spotOf(p.value)}
			}
		case flags[key] != nil:
			*flags[key] = r.flag(p.value, key, depth+1)
		case key == "convert":
			row.convert = r.readConvert(p.value, depth+1)
		case key == "map":
			row.hasMap = true
			row.entries = r.readMap(p.value, depth+1)
		case key == "fields":
			row.hasFields = true
			row.fields = r.readRows(p.value, depth+1)
		default:
			hint := didYouMean(key, rowKeys())
			if strings.HasSuffix(key, ")") {
				hint = "inside { } a comma ends the value: put the whole text in quotes"
			}
			r.fail(spotOf(p.key), CodeUnknownKey, hint, "a row has no key %s", key)
		}
	}
	if row.to == nil {
		r.fail(row.spot, CodeRow, "", "the row has no to")
		return nil
	}
	row.broken = len(r.problems) > before
	return row
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// readConvert reads one converter or a list of them.
func (r *reader) readConvert(n *yaml.Node, depth int) []text {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = r.list(n, "convert", depth)
	}
	var converters []text
	for _, item := range items {
		if t, good := r.text(item, "convert", depth+1); good {
			converters = append(converters, t)
		}
	}
	return converters
}

func (r *reader) readMap(n *yaml.Node, depth int) []entry {
	var entries []entry
	for _, p := range r.object(n, "map", depth) {
		v, good := r.constant(p.value, depth+1)
		if !good {
			continue
		}
		entries = append(entries, entry{key: text{s: p.key.Value, spot: spotOf(p.key)}, value: constant{v, spotOf(p.value)}})
	}
	if len(entries) == 0 && len(r.problems) == 0 {
		r.fail(spotOf(n), CodeRow, "", "the map has no entries")
	}
	return entries
}
