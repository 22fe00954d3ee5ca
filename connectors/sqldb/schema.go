package sqldb

import (
	"bytes"
	_ "embed" // the schema is part of the program
)

//go:embed sql.schema.json
var schema []byte

// Schema is the JSON Schema (draft 7) of a description, for editors. Load says more: it
// knows what goes together, and gives line and column.
func Schema() []byte { return bytes.Clone(schema) }
