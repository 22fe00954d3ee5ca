// Package reference is what the program knows about itself, written down for people and
// editors: the schemas of the YAML kinds and the pages docs/reference/*.md. Everything in
// it is generated; tests hold the pages to the code and run their examples.
package reference

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/filedrop"
	"github.com/minihub/minihub/connectors/manifest"
	"github.com/minihub/minihub/connectors/sqldb"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas"
	"github.com/minihub/minihub/schemas/kinds"
)

// Known is what schemas of YAML kinds are made for.
type Known struct {
	// Registry holds the connectors that connections may name.
	Registry *connectors.Registry
	// Unread names connectors of the deployment whose files cannot be read.
	Unread []string
	// Lookups and Schemas complete names in mappings; nil stands for what is shipped.
	Lookups *mappings.Lookups
	Schemas *schemas.Set
}

// Kinds writes the schemas of every YAML kind.
func Kinds(k Known) ([]kinds.Schema, error) {
	if k.Lookups == nil {
		l, err := mappings.LoadLookups(nil)
		if err != nil {
			return nil, err
		}
		k.Lookups = l
	}
	if k.Schemas == nil {
		s, err := schemas.Load()
		if err != nil {
			return nil, err
		}
		k.Schemas = s
	}
	program, err := programSchema()
	if err != nil {
		return nil, err
	}
	http, err := withKind(manifest.Schema(), "manifest", "http")
	if err != nil {
		return nil, err
	}
	in := kinds.Input{
		Unread:    k.Unread,
		Described: map[string][]byte{"http": http, "sql": sqldb.Schema(), "file": filedrop.Schema(), "program": program},
		Tables:    k.Lookups.Names(),
		Schemas:   slices.DeleteFunc(k.Schemas.Names(), func(n string) bool { return n == "canonical/defs" }),
	}
	for _, c := range k.Registry.List() {
		d := kinds.Declared{Name: c.Name, Title: c.Title}
		for _, f := range c.Config {
			d.Fields = append(d.Fields, kinds.Field{Name: f.Name, Kind: string(f.Kind), Required: f.Required, Default: f.Default, Enum: f.Enum, Text: f.Text, Example: f.Example})
		}
		in.Connectors = append(in.Connectors, d)
	}
	for _, fn := range mapper.Functions() {
		in.Functions = append(in.Functions, fn.Name)
	}
	in.Mappings, err = shippedMappings()
	if err != nil {
		return nil, err
	}
	return kinds.All(in)
}

// withKind lets a schema's definition of a whole file take the word under `kind:` too, which
// says that the file is of this kind.
func withKind(src []byte, definition, kind string) ([]byte, error) {
	var root struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	var whole map[string]any
	if err := errors.Join(json.Unmarshal(src, &root), json.Unmarshal(src, &whole)); err != nil {
		return nil, err
	}
	properties, ok := root.Definitions[definition]["properties"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the schema of kind %s has no definition %s", kind, definition)
	}
	properties["kind"] = object{"const": kind, "description": "How the rest of the file is read."}
	whole["definitions"] = root.Definitions
	return json.Marshal(whole)
}

// shippedMappings are the paths by which flows name the mappings that are shipped.
func shippedMappings() (names []string, err error) {
	err = fs.WalkDir(mappings.Shipped(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".yaml") && !strings.HasPrefix(path, "lookups/") && !strings.HasPrefix(path, "example/") {
			names = append(names, "mappings/"+path)
		}
		return err
	})
	return names, err
}
