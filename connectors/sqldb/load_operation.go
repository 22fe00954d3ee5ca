package sqldb

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/describe"
)

// remoteKey stands for the remote key among the sources of a column.
const remoteKey = "$key"

func (l *loader) operation(name string, d *operationDescribing, all []string) (*operation, connectors.Operation) {
	op := &operation{name: name, driver: l.driver, action: orElse(d.Action.Value, actionUpsert), version: l.column(d.Version), onlyIf: l.flags(d.OnlyIf), returns: l.columns(d.Returns)}
	l.oneOf(d.At, "action", d.Action, []string{actionUpsert, actionInsert, actionUpdate, actionDelete}, false)
	l.oneOf(d.At, "carries", d.Carries, []string{string(connectors.State), string(connectors.Event)}, false)
	decl := connectors.Operation{Name: name, Entity: d.Entity.Value, Text: orElse(d.Text, "Writes a row of the database."), Schema: d.Schema,
		Carries: connectors.Carries(orElse(d.Carries.Value, string(connectors.State))), Changes: connectors.Upsert, Undoes: d.Undoes.Value,
		Repeat: connectors.Idempotent, Timeout: d.Timeout}
	if op.action == actionInsert {
		decl.Changes = connectors.CreateOnly
	}
	if !d.Entity.Given() {
		l.missing(d.At, "entity", "what one document is: order, member, product, ...")
	}
	if d.Undoes.Given() && (!slices.Contains(all, d.Undoes.Value) || d.Undoes.Value == name) {
		l.d.AddText(d.Undoes, fmt.Sprintf("there is no other operation %q", d.Undoes.Value), describe.Suggest(d.Undoes.Value, all))
	}
	op.top = &writing{table: l.table(d.At, d.Table), key: l.feeds(d.Key), columns: l.feeds(d.Columns)}
	for i := range d.Children {
		e := &d.Children[i]
		op.top.children = append(op.top.children, l.childOfWrite(e.Key.Value, &e.Value))
	}
	l.keyOf(d, op)
	l.actionOf(d, op)
	var children []string
	for _, ch := range op.top.children {
		children = append(children, ch.name)
	}
	op.list, decl.List = l.list(d.List, children)
	if op.list != nil && !slices.ContainsFunc(op.top.key, func(f feed) bool { return f.key }) {
		l.d.AddPlace(d.List.At, "rows can be listed only when a key column holds the remote key", "key: {column: "+remoteKey+"}")
	}
	if r := d.KeyRule; r != nil {
		decl.Key = connectors.KeyRule{MaxLen: r.MaxLen, Pattern: r.Pattern.Value, Text: r.Text}
		if _, err := regexp.Compile(r.Pattern.Value); err != nil {
			l.d.AddText(r.Pattern, "this is no regular expression: "+err.Error(), "RE2, as in ^[A-Z0-9-]+$")
		}
		if r.MaxLen < 0 {
			l.d.AddPlace(r.At, "`max_len` is below 0", "the column's width in bytes")
		}
	}
	return op, decl
}

func (l *loader) table(at describe.Place, t describe.Text) string {
	if !t.Given() {
		l.missing(at, "table", "the table that is written")
		return ""
	}
	return l.tableName(t)
}

// keyOf holds the key to what makes a row of every document.
func (l *loader) keyOf(d *operationDescribing, op *operation) {
	if len(d.Key) == 0 {
		l.missing(d.At, "key", "the columns that name a row and where their values come from: {order_key: "+remoteKey+"}")
	}
	for _, list := range []describe.Map[fromDescription]{d.Key} {
		for _, e := range list {
			if e.Value.Charset.Given() {
				l.d.AddText(e.Value.Charset, "a key has no charset of its own", "keys are compared by the database: choose a column of plain letters")
			}
		}
	}
	twice := map[string]bool{}
	for _, f := range op.top.all() {
		if twice[f.column] {
			l.d.AddPlace(d.At, fmt.Sprintf("the column %q is given twice", f.column), "a column is either part of `key` or one of `columns`")
		}
		twice[f.column] = true
	}
	if op.version != "" && !slices.Contains(names(op.top.columns), op.version) {
		l.d.AddText(d.Version, fmt.Sprintf("the version column %q gets no value", op.version), "add it to `columns`")
	}
}

// actionOf holds the parts to the action.
func (l *loader) actionOf(d *operationDescribing, op *operation) {
	switch op.action {
	case actionUpdate:
		if len(d.Columns) == 0 {
			l.missing(d.At, "columns", "what the row gets")
		}
		if len(d.Children) > 0 {
			l.d.AddText(d.Children[0].Key, "an update changes one row, not its children", "use the action upsert")
		}
	case actionDelete:
		for _, e := range d.Columns {
			if e.Key.Value != op.version {
				l.d.AddText(e.Key, "a deletion writes no columns", "only the `version` column may stand here, to be compared")
			}
		}
		if len(d.Returns) > 0 {
			l.d.AddText(d.Returns[0], "a deleted row returns nothing", "take `returns` out")
		}
	case actionInsert:
		if d.Version.Given() {
			l.d.AddText(d.Version, "a new row has no newer one before it", "take `version` out, or use the action upsert")
		}
	}
	if d.OnlyIf != nil && op.action == actionInsert {
		l.d.AddPlace(d.OnlyIf.At, "a new row has no state yet", "take `only_if` out")
	}
}

func (l *loader) childOfWrite(name string, d *childrenOfWrite) *writing {
	w := &writing{name: name, table: l.table(d.At, d.Table), on: l.on(d.At, d.On), key: l.feeds(d.Key), columns: l.feeds(d.Columns), path: d.From.Value}
	if len(d.Key) == 0 {
		l.missing(d.At, "key", "the columns that tell the rows of one parent apart: {line_no: /line_no}")
	}
	ok := false
	if w.pointer, ok = splitPointer(d.From.Value); !ok {
		if d.From.Given() {
			l.d.AddText(d.From, fmt.Sprintf("%q is no JSON pointer", d.From.Value), "where the list is in the document: /lines")
		} else {
			l.missing(d.At, "from", "where the list is in the document: /lines")
		}
	}
	twice := map[string]bool{}
	for _, j := range w.on {
		twice[j.child] = true
	}
	for _, f := range w.all() {
		if twice[f.column] {
			l.d.AddPlace(d.At, fmt.Sprintf("the column %q is given twice", f.column), "a column is part of `on`, of `key`, or one of `columns`")
		}
		twice[f.column] = true
	}
	return w
}

func (l *loader) feeds(m describe.Map[fromDescription]) []feed {
	var out []feed
	for _, e := range m {
		v := e.Value
		f := feed{column: l.column(e.Key), required: v.Required, charset: l.charset(v.Charset), zone: l.zone(v.Zone)}
		if f.charset != "" && l.driver == driverPostgres {
			l.d.AddText(v.Charset, "PostgreSQL checks its own charset; another cannot be written", "take `charset` out")
		}
		switch {
		case v.From.Given() && v.Value.Given():
			l.d.AddText(v.Value, "`from` and `value` exclude one another", "keep one of them")
		case v.Value.Given():
			f.fixed, f.value = true, v.Value.Value
		case v.From.Value == remoteKey:
			f.key = true
		case v.From.Given():
			ok := false
			if f.pointer, ok = splitPointer(v.From.Value); !ok {
				hint := "a JSON pointer into the document, as in /total, or " + remoteKey + ", or {value: ...}"
				if v.From.Value != "" && !strings.ContainsAny(v.From.Value, " $") {
					hint = fmt.Sprintf("did you mean /%s?", strings.ReplaceAll(v.From.Value, ".", "/"))
				}
				l.d.AddText(v.From, fmt.Sprintf("%q is no JSON pointer", v.From.Value), hint)
			}
			f.path = v.From.Value
		case v.At.Line > 0:
			l.missing(v.At, "from", "a JSON pointer into the document, as in /total, or "+remoteKey)
		}
		out = append(out, f)
	}
	return out
}
