package salesforce

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
)

var _ connectors.Looker = (*conn)(nil)

// wanted is a document to look for, as the records it would write.
type wanted struct {
	index int // of the finding
	key   string
	body  record
	lines []line
}

// Lookup compares every field that the document sets with what is there.
func (c *conn) Lookup(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	if operation != opContact && operation != opTransaction {
		return nil, unknownName(operation)
	}
	out := make([]connectors.Finding, len(batch))
	var list []wanted
	for i, d := range batch {
		out[i].ID = d.ID
		w, err := c.wanted(operation, d)
		if err != nil {
			out[i].Err = err
			continue
		}
		w.index = i
		list = append(list, w)
	}
	if len(list) == 0 {
		return out, nil
	}
	r := c.run()
	err := r.compare(ctx, operation, list, out)
	for _, w := range list {
		f := &out[w.index]
		f.Exchanges = r.made
		if err != nil {
			f.Err, f.Presence = err, connectors.CannotTell
		}
	}
	return out, nil
}

func (c *conn) wanted(operation string, d connectors.Delivery) (wanted, *connectors.Error) {
	if operation == opContact {
		m, err := c.readContact(d.Document)
		return wanted{key: d.Key, body: m.body}, err
	}
	t, err := c.readTransaction(d.Document)
	return wanted{key: d.Key, body: t.header, lines: t.lines}, err
}

func (r *run) compare(ctx context.Context, operation string, list []wanted, out []connectors.Finding) *connectors.Error {
	object, key, kind := r.contact, r.contactKey, "contact"
	if operation == opTransaction {
		object, key, kind = r.header, r.headerKey, "transaction"
	}
	keys := make([]string, len(list))
	set, lineSet := record{}, record{}
	for i, w := range list {
		keys[i] = w.key
		maps.Copy(set, w.body)
		for _, l := range w.lines {
			maps.Copy(lineSet, l.body)
		}
	}
	found, p := r.byKeys(ctx, object, key, keys, append([]string{"Id", key}, columns(set)...))
	if p != nil {
		return p.err
	}
	lines := map[string][]record{}
	if operation == opTransaction && len(found) > 0 {
		if lines, p = r.linesOf(ctx, keys, columns(lineSet)...); p != nil {
			return p.err
		}
	}
	for _, w := range list {
		var mine []record
		for _, rec := range found {
			if s, _ := rec[key].(string); fold(s) == fold(w.key) {
				mine = append(mine, rec)
			}
		}
		f := &out[w.index]
		switch len(mine) {
		case 0:
			f.Presence = connectors.Absent
			continue
		case 1:
		default:
			f.Err = classify(apiError{ErrorCode: "DUPLICATE_EXTERNAL_ID"}).err
			continue
		}
		id, _ := mine[0]["Id"].(string)
		f.RemoteIDs = []connectors.RemoteID{{Kind: kind, Value: id}}
		f.Fields = differences(w.body, mine[0], "")
		if operation == opTransaction {
			f.Fields = append(f.Fields, r.lineDifferences(w, lines[fold(w.key)])...)
		}
		f.Presence = connectors.Same
		if len(f.Fields) > 0 {
			f.Presence = connectors.Other
		}
	}
	return nil
}

// columns are what a query must select to see the fields of a record again.
func columns(set record) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if parent, ok := set[name].(map[string]any); ok {
			for field := range parent {
				name += "." + field
			}
		}
		out = append(out, name)
	}
	return out
}

// lineDifferences compares line by line; lines at zero count as absent on both sides.
func (c *conn) lineDifferences(w wanted, there []record) []string {
	left := map[string]record{}
	for _, l := range there {
		if key, _ := l[c.lineKey].(string); !zero(l[c.lineFields["Quantity"]]) {
			left[fold(key)] = l
		}
	}
	var out []string
	for _, l := range w.lines {
		if l.gone() {
			continue
		}
		key := fold(lineKey(w.key, l.id))
		if left[key] == nil {
			out = append(out, "Lines/"+l.id)
			continue
		}
		out = append(out, differences(l.body, left[key], "Lines/"+l.id+"/")...)
		delete(left, key)
	}
	if len(left) > 0 {
		out = append(out, "Lines")
	}
	return out
}

// differences names the fields of ours that are another value there.
func differences(ours, theirs record, at string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		if !equal(ours[name], theirs[name]) {
			out = append(out, at+name)
		}
	}
	return out
}

// equal compares a value with what Salesforce made of it: it trims text, keeps no empty
// text, shows times in UTC and numbers without trailing zeros.
func equal(ours, theirs any) bool {
	switch o := ours.(type) {
	case nil:
		return theirs == nil || theirs == "" || theirs == false
	case bool:
		t, ok := theirs.(bool)
		return ok && t == o
	case json.Number:
		return equalNumber(o, theirs)
	case map[string]any:
		t, _ := theirs.(map[string]any)
		for field, id := range o {
			a, _ := id.(string)
			b, _ := t[field].(string)
			if fold(a) != fold(b) {
				return false
			}
		}
		return true
	case string:
		switch t := theirs.(type) {
		case nil:
			return strings.TrimSpace(o) == ""
		case json.Number:
			return equalNumber(o, t)
		case string:
			if lines(o) == lines(t) {
				return true
			}
			a, isTime := moment(o)
			b, isTime2 := moment(t)
			return isTime && isTime2 && a.Equal(b)
		}
	}
	return false
}

func equalNumber(a, b any) bool {
	x, ok := number(a)
	y, ok2 := number(b)
	return ok && ok2 && x.Equal(y)
}

func lines(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
}
