package kinds

import "strings"

// mapping is the schema of mappings/**/*.yaml.
func mapping(in Input) object {
	root := keys("One document into another, row by row.", []string{"mapping", "fields"}, object{
		"mapping":     filled("A title."),
		"description": filled("More about it."),
		"input":       suggest("Schema of the source, so that a wrong field name is found at once.", in.Schemas, filled("")),
		"output":      suggest("Schema of the result.", in.Schemas, filled("")),
		"lookups":     list("The lookup tables it uses; if given it must be complete.", suggest("A lookup table.", in.Tables, filled(""))),
		"fields":      object{"type": "array", "minItems": 1, "items": object{"$ref": "#/definitions/row"}, "description": "The rows."},
	})
	root["definitions"] = object{"row": row(in)}
	return root
}

// filled is text that is not blank; the loader wants numbers in quotes here.
func filled(text string) object {
	o := object{"type": "string", "pattern": `\S`}
	if text != "" {
		o["description"] = text
	}
	return o
}

func row(in Input) object {
	convert := filled("A function, with its further arguments in ( ).")
	if len(in.Functions) > 0 {
		convert = object{"anyOf": []object{{"enum": in.Functions}, {"type": "string", "pattern": `^\s*(` + strings.Join(in.Functions, "|") + `)\s*(\([\s\S]*)?$`}}}
	}
	r := keys("One target field.", []string{"to"}, object{
		"to":         filled("Path in the target document; a.b.c makes the objects on the way."),
		"from":       filled("Path in the source: qty, lines[0].qty, $.order_no, ^.order_no, @key, @store.code."),
		"value":      object{"description": "A constant: any YAML value, numbers keep their digits."},
		"expr":       filled("An expression, where a path is not enough."),
		"each":       filled("A path or expression that gives a list: the row runs for each item."),
		"fields":     object{"type": "array", "minItems": 1, "items": object{"$ref": "#/definitions/row"}, "description": "Rows that build an object."},
		"convert":    object{"description": "A function, or a list of functions one after another.", "anyOf": []object{convert, {"type": "array", "items": convert}}},
		"map":        object{"type": "object", "minProperties": 1, "description": "A table of values; a value in no entry and without else is an error."},
		"else":       object{"description": "With map: the value for what is in no entry."},
		"lookup":     suggest("A lookup table; a missing entry holds the delivery back until it is filled.", in.Tables, filled("")),
		"on_missing": object{"enum": []any{"block", "park", "null", nil}, "description": "With lookup: park asks a person, null leaves the target out, block waits."},
		"default":    object{"description": "The value where there is none."},
		"when":       filled("A condition; with each, for each item."),
		"required":   flag("No value is an error."),
		"omit_empty": flag("\"\", [] and {} count as no value."),
		"append":     flag("Add to the list that other rows with the same to build."),
	})
	has := func(key string) object { return object{"required": []string{key}} }
	without := func(names ...string) object {
		var any []object
		for _, n := range names {
			any = append(any, has(n))
		}
		return object{"not": object{"anyOf": any}}
	}
	// What goes together, as the mapper's own check of a row has it.
	r["dependencies"] = object{
		"value":      without("from", "expr", "convert", "map", "lookup", "default"),
		"expr":       without("from"),
		"fields":     without("value", "expr", "convert", "map", "lookup", "default"),
		"map":        without("lookup"),
		"each":       without("default"),
		"else":       []string{"map"},
		"on_missing": []string{"lookup"},
	}
	r["anyOf"] = []object{has("from"), has("value"), has("expr"), has("each"), has("fields")}
	r["not"] = object{"required": []string{"default", "on_missing"}, "properties": object{"on_missing": object{"const": "park"}}}
	return r
}
