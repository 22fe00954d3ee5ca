package mapweb

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/craft"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/schemas"
)

// SchemasOf gives a set of schemas to package craft.
func SchemasOf(set *schemas.Set) craft.Schemas {
	return &schemaSet{set: set, print: sync.OnceValue(func() string {
		h := sha256.New()
		for _, name := range set.Names() {
			s, _ := set.Get(name)
			h.Write([]byte(name + "\x00"))
			h.Write(s.Source())
		}
		return hex.EncodeToString(h.Sum(nil))
	})}
}

type schemaSet struct {
	set   *schemas.Set
	print func() string
}

func (s *schemaSet) Shape(name string) (mapper.Shape, bool) {
	schema, ok := s.set.Get(name)
	if !ok {
		return nil, false
	}
	return mapper.ShapeOf(schema.Shape()), true
}

func (s *schemaSet) Validate(name string, doc any) []mappings.Violation {
	schema, ok := s.set.Get(name)
	if !ok {
		return unknown(name)
	}
	return violations(schema.Validate(doc))
}

func (s *schemaSet) ValidateText(name string, text []byte) []mappings.Violation {
	schema, ok := s.set.Get(name)
	if !ok {
		return unknown(name)
	}
	_, found := schema.ValidateBytes(text)
	return violations(found)
}

// Fingerprint is of all schemas together: they refer to each other.
func (s *schemaSet) Fingerprint(string) string { return s.print() }

func unknown(name string) []mappings.Violation {
	return []mappings.Violation{{Rule: "name", Text: "there is no schema " + name}}
}

func violations(found []schemas.Violation) (out []mappings.Violation) {
	for _, v := range found {
		out = append(out, mappings.Violation{Pointer: v.Pointer, Rule: v.Rule, Text: v.Text, Hint: v.Hint, Line: v.Line, Column: v.Column})
	}
	return out
}
