package mapper

// get reads a place of the document that is being built; nil where there is
// none.
func get(doc map[string]any, target []string) any {
	for _, name := range target[:len(target)-1] {
		doc, _ = doc[name].(map[string]any)
	}
	return doc[target[len(target)-1]]
}

// set puts a value into the document and makes the objects on the way.
func set(doc map[string]any, target []string, v any) {
	for _, name := range target[:len(target)-1] {
		next, isObject := doc[name].(map[string]any)
		if !isObject {
			next = map[string]any{}
			doc[name] = next
		}
		doc = next
	}
	doc[target[len(target)-1]] = v
}
