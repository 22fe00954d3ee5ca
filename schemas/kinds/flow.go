package kinds

// flow is the schema of flows/*.yaml.
func flow(in Input) object {
	path := func(text string) object {
		return suggest(text, in.Mappings, object{"type": "string", "pattern": `\.yaml$`})
	}
	step := keys("", nil, object{
		"step":     words("An earlier step."),
		"required": flag("A step that was filtered out does not count."),
	})
	after := object{"anyOf": []object{words("An earlier step."), step}}
	to := keys("One target.", []string{"operation", "key", "map"}, object{
		"operation": object{"type": "string", "pattern": `^[^.]+\..+$`, "description": "connection.operation, for instance oms.order.push."},
		"step":      words("Its name in the flow; the operation unless given."),
		"text":      scalar("What it is for."),
		"key":       object{"type": "string", "minLength": 1, "description": "The name the target knows the document by.", "examples": []string{"{store.code}-{order_no}"}},
		"map":       path("The mapping into the target's document."),
		"when":      object{"type": []string{"string", "boolean"}, "description": "Condition on the canonical document; otherwise the step is filtered out."},
		"hold":      object{"type": []string{"string", "boolean"}, "description": "While it holds, the step waits for a newer version."},
		"after": object{"description": "Earlier steps that must be done first.",
			"anyOf": []object{words("An earlier step."), step, {"type": "array", "items": after}}},
		"on_change": oneOf("What a changed document does at a create-only operation. redo: undo, then create anew.", "ignore", "park", "redo"),
		"undoes":    words("The step whose operation this one cancels."),
	})
	return keys("From which streams, through which mappings, under which conditions, to which operations.", []string{"flow", "from", "canonical", "to"}, object{
		"flow":      object{"type": "string", "minLength": 1, "description": "Its name."},
		"text":      scalar("What it is for."),
		"from":      object{"type": "array", "minItems": 1, "items": object{"type": "string", "pattern": `^.+\.[^.]+$`}, "description": "connection.stream, or {label=value}.stream."},
		"canonical": path("The mapping into the canonical document."),
		"when":      object{"type": []string{"string", "boolean"}, "description": "Condition on the canonical document; others go nowhere."},
		"deletes":   flag("A document that its source no longer has comes through once more, with source.deleted set."),
		"to":        object{"type": "array", "minItems": 1, "items": to, "description": "The targets, in order."},
	})
}
