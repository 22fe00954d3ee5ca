package infer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Few values, seen often enough, become an enumeration.
const (
	fewWords  = 8
	oftenSeen = 3 // times as many values as different ones
)

type object = map[string]any

// Schema drafts a JSON Schema that every sample fits. Title is its title. It ends with a
// line break. There is nothing to draft without documents.
func (s *Samples) Schema(title string) []byte {
	s.root.finish()
	root := s.root.schema("", "")
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = title
	root["description"] = fmt.Sprintf("Drafted from %d sample documents: every line is a guess until somebody has read it.", s.root.count)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		panic(err) // maps, lists, texts and numbers always encode
	}
	return b.Bytes()
}

// schema drafts one place; parent is the name of what holds it.
func (n *seen) schema(name, parent string) object {
	out := object{}
	switch kinds := n.kinds(); len(kinds) {
	case 0:
		return out
	case 1:
		out["type"] = kinds[0]
	default:
		out["type"] = kinds
	}
	if n.fields != nil {
		properties, required := object{}, []string{}
		for _, key := range slices.Sorted(maps.Keys(n.fields)) {
			f := n.fields[key]
			properties[key] = f.schema(key, name)
			if f.count == n.maps {
				required = append(required, key)
			}
		}
		out["properties"] = properties
		if len(required) > 0 {
			out["required"] = required
		}
	}
	if n.values != nil {
		out["additionalProperties"] = n.values.schema("", name)
	}
	if n.items != nil && n.items.count > 0 {
		out["items"] = n.items.schema(name, parent)
	}
	n.annotate(out, name)
	return out
}

// annotate adds what the values look like.
func (n *seen) annotate(out object, name string) {
	kind := personal(name, n)
	if kind != "" {
		out["x-pii"] = kind
	}
	if s := searched(name); s != "" && n.texts+n.wholes > 0 {
		out["x-search"] = s
	}
	if n.is(moment) && n.empty == 0 && n.texts > 0 {
		out["format"] = "date-time"
	}
	if unit := n.unit(name); unit != "" {
		out["x-unit"] = unit
	}
	if text := n.looks(name); text != "" {
		out["description"] = text
	}
	if words := n.enumeration(name); words != nil && kind == "" {
		out["enum"] = words
	}
}

// unit is the unit of a number, where its form or name tells.
func (n *seen) unit(name string) string {
	switch {
	case n.isTime(name, seconds):
		return "Unix seconds"
	case n.isTime(name, milliseconds):
		return "Unix milliseconds"
	case n.isAmount(name) && n.is(decimalAmount):
		return "yuan"
	}
	return ""
}

// isTime says whether the values are Unix times: all of them could be, and one is not 0.
func (n *seen) isTime(name string, c class) bool {
	if !n.is(c) || n.longest < 9 {
		return false
	}
	// Ten digits may be an order number; a name that says so wins.
	return searched(name) == "" && !strings.HasSuffix(plain(name), "id") && !strings.HasSuffix(plain(name), "no")
}

// isAmount says whether a field is money by its name.
func (n *seen) isAmount(name string) bool {
	p := plain(name)
	for _, w := range []string{"amount", "price", "fee", "payment", "total", "money", "discount", "freight", "postage", "subtotal", "paid", "refund", "cost", "jine", "金额", "价", "费", "实付", "应付", "小计", "单价", "优惠"} {
		if strings.HasSuffix(p, w) {
			return n.wholes+n.decimals > 0 || n.is(decimalAmount) || n.is(digits)
		}
	}
	return false
}

// looks says in words what the values look like.
func (n *seen) looks(name string) string {
	say := ""
	switch {
	case n.scalars() == 0:
	case n.isTime(name, seconds):
		say = "a time in Unix seconds"
	case n.isTime(name, milliseconds):
		say = "a time in Unix milliseconds"
	case n.is(moment):
		say = "a time with its zone"
	case n.is(localTime), n.is(localMinutes), n.is(localSlashes), n.is(localCompact):
		say = "a time without a zone, as " + n.form
	case n.is(calendarDay):
		say = "a day"
	case n.is(mobile):
		say = "a mobile number"
	case n.is(email):
		say = "an e-mail address"
	case n.is(idNumber):
		say = "an identity number"
	case n.is(longID):
		say = fmt.Sprintf("a number of up to %d digits: an id, to be kept as text", n.longest)
	case n.is(decimalAmount) && n.isAmount(name) && n.texts > 0:
		say = "money as decimal text"
	case n.is(decimalAmount) && n.isAmount(name):
		say = "money as a decimal"
	case n.is(personName):
		say = "a person's name"
	case n.is(postal):
		say = "an address"
	}
	if say == "" {
		return ""
	}
	return "Looks like " + say + "."
}

// enumeration is the values, where they are few, seen often, and words of a program: never
// those of people.
func (n *seen) enumeration(name string) []any {
	if n.manyWords || len(n.words) == 0 || len(n.words) > fewWords || n.scalars() < oftenSeen*len(n.words) || n.decimals+n.bools+n.maps+n.lists > 0 || !n.is(code) {
		return nil
	}
	if n.wholes > 0 && n.texts > 0 || !chooses(name) {
		return nil
	}
	var out []any
	for _, w := range n.sortedWords() {
		if n.wholes > 0 {
			out = append(out, json.Number(w))
		} else {
			out = append(out, w)
		}
	}
	if n.empty > 0 {
		out = append(out, "")
	}
	if n.nulls > 0 {
		out = append(out, nil)
	}
	return out
}
