// Package canonical holds the hub's own documents: one JSON Schema and one Go
// type for each entity. A test keeps the two equal.
//
// Rules of all documents: money is an integer of minor units with its currency
// and never negative unless the field says so; ids are strings; times carry
// their zone; a field without a value is left out, never null. A field the
// schema requires has a plain Go type; an optional one has omitempty, and is a
// pointer where nothing and zero differ.
package canonical
