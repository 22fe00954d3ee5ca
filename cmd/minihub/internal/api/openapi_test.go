package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Every call that is served is described, and nothing else is.
func TestTheDocumentDescribesWhatIsServed(t *testing.T) {
	a, _ := deskAPI(t)
	served := map[string]bool{}
	for _, pattern := range a.Endpoints() {
		if served[pattern] = true; pattern == "/api/v1/" {
			continue
		}
		if described[pattern].summary == "" {
			t.Errorf("%s is served and not described", pattern)
		}
	}
	for pattern, d := range described {
		if !served[pattern] {
			t.Errorf("%s is described and not served", pattern)
		}
		method, _, _ := strings.Cut(pattern, " ")
		if d.in != nil && !changing(method) {
			t.Errorf("%s takes a body", pattern)
		}
	}
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string         `json:"operationId"`
			Summary     string         `json:"summary"`
			Responses   map[string]any `json:"responses"`
			Parameters  []struct{ Name, In string }
		} `json:"paths"`
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if status := ask(t, a, "GET", "/api/v1/openapi.json", "", &doc); status != http.StatusOK || doc.OpenAPI != "3.1.0" {
		t.Fatalf("%d: version %q", status, doc.OpenAPI)
	}
	seen, n := map[string]bool{}, 0
	for path, item := range doc.Paths {
		for method, op := range item {
			n++
			if seen[op.OperationID] || op.OperationID == "" || op.Summary == "" || op.Responses["200"] == nil || op.Responses["default"] == nil {
				t.Errorf("%s %s is described as %+v", method, path, op)
			}
			seen[op.OperationID] = true
			in := 0
			for _, p := range op.Parameters {
				if p.In == "path" {
					in++
					if !strings.Contains(path, "{"+p.Name+"}") {
						t.Errorf("%s %s has no parameter %s", method, path, p.Name)
					}
				}
			}
			if in != strings.Count(path, "{") {
				t.Errorf("%s %s describes %d parameters of its path", method, path, in)
			}
		}
	}
	if n != len(described) {
		t.Errorf("%d operations, %d descriptions", n, len(described))
	}
	b, err := json.Marshal(a.Document())
	if err != nil {
		t.Fatal(err)
	}
	refs := 0
	for _, part := range strings.Split(string(b), `"$ref":"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		refs++
		if doc.Components.Schemas[name] == nil {
			t.Errorf("the schema %s is named and not there", name)
		}
	}
	if refs < 50 {
		t.Errorf("only %d references", refs)
	}
	// The schemas say what is sent.
	incident, _ := doc.Components.Schemas["Incident"].(map[string]any)
	fields, _ := incident["properties"].(map[string]any)
	for _, name := range []string{"id", "since", "now", "means", "recovered"} {
		if fields[name] == nil {
			t.Errorf("the schema of an incident has no %s: %v", name, fields)
		}
	}
}
