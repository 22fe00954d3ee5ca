package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/minihub/minihub/cmd/minihub/internal/people"
)

// openapi adds the document that describes every call.
func (a *API) openapi() {
	a.handle("GET /api/v1/openapi.json", func(*http.Request) (any, error) { return a.Document(), nil })
}

// object is a JSON object of the document.
type object = map[string]any

// Document is the OpenAPI 3.1 description of what the API serves.
func (a *API) Document() map[string]any {
	b := &schemaBuilder{schemas: object{}}
	b.of(Error{})
	b.schemas["Failure"] = object{"type": "object", "required": []string{"error"}, "properties": object{"error": ref("Error")}}
	paths := object{}
	for _, pattern := range a.Endpoints() {
		d, ok := described[pattern]
		method, path, both := strings.Cut(pattern, " ")
		if !ok || !both {
			continue
		}
		item, _ := paths[path].(object)
		if item == nil {
			item = object{}
			paths[path] = item
		}
		item[strings.ToLower(method)] = operation(b, pattern, method, path, d)
	}
	return object{
		"openapi": "3.1.0",
		"info":    object{"title": "minihub", "version": "1", "description": "What the commands and the console of a hub can do. Personal values are masked."},
		"paths":   paths,
		"components": object{"schemas": b.schemas, "securitySchemes": object{
			"token":  object{"type": "http", "scheme": "bearer"},
			"cookie": object{"type": "apiKey", "in": "cookie", "name": "minihub"},
		}},
		"security": []object{{"token": []string{}}, {"cookie": []string{}}},
	}
}

func operation(b *schemaBuilder, pattern, method, path string, d description) object {
	media := "application/json"
	if d.media != "" {
		media = d.media
	}
	answer := any(object{"type": "object"})
	if d.out != nil {
		answer = b.of(d.out)
	}
	op := object{
		"operationId": operationID(method, path), "summary": d.summary,
		"responses": object{
			"200":     object{"description": "done", "content": object{media: object{"schema": answer}}},
			"default": object{"description": "refused or failed", "content": object{"application/json": object{"schema": ref("Failure")}}},
		},
	}
	right := calls[pattern].right
	if op["x-right"] = string(right); right == people.Public {
		op["security"] = []object{}
	}
	var params []object
	for _, part := range strings.Split(path, "/") {
		name, ok := strings.CutPrefix(part, "{")
		if !ok {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		kind := "string"
		if name == "id" {
			kind = "integer"
		}
		params = append(params, object{"name": name, "in": "path", "required": true, "schema": object{"type": kind}})
	}
	for _, name := range d.query {
		kind := "string"
		if name == "limit" || name == "sample" {
			kind = "integer"
		}
		params = append(params, object{"name": name, "in": "query", "schema": object{"type": kind}})
	}
	if len(params) > 0 {
		op["parameters"] = params
	}
	if d.in != nil {
		op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": b.of(d.in)}}}
	}
	return op
}

// operationID names an operation: "getIncidentsId".
func operationID(method, path string) string {
	id := strings.ToLower(method)
	for _, part := range strings.FieldsFunc(strings.TrimPrefix(path, "/api/v1/"), func(r rune) bool { return strings.ContainsRune("/{}._-", r) }) {
		id += strings.ToUpper(part[:1]) + part[1:]
	}
	return id
}

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

// paged are the parameters of a list, after others.
func paged(more ...string) []string { return slices.Concat(more, []string{"limit", "cursor"}) }
