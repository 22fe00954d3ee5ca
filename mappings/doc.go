// Package mappings holds the mapping files and lookup tables that minihub
// ships, lays a deployment's own over them, and compiles all of them into a
// [Set]. README.md is the guide for the people who write mappings; package
// mapper is the engine.
//
// A mapping lives at <vendor>/in/<name>.yaml (record to canonical document)
// or <vendor>/out/<name>.yaml (canonical document to target document), a
// lookup table at lookups/<table>.yaml, a case at <vendor>/cases/<name>.txtar.
package mappings
