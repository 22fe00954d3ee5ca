// Package newconnector writes the start of a connector in Go: a connector that speaks an
// invented protocol, a strict simulator of it, mappings with their cases, schemas and a
// conformance test that passes. Its author puts the vendor's protocol in its place.
//
// Inside the module of minihub the connector becomes one of those that the program is
// built with. Anywhere else it is a private connector: a module of its own, and a program
// that a hub starts by connectors/NAME.yaml.
package newconnector
