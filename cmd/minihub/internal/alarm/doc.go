// Package alarm tells people what is about to go wrong, once, and that it is over.
//
// A Sample is what the hub looks like at one moment. The rules turn samples into
// findings; findings of one cause make one Incident; an incident is told to each
// receiver when it opens, at most every few hours while it stays open, and when it ends.
// Incidents survive a restart: they stand in the store under StateName, rewritten in
// place, so that nothing is told twice and nothing is forgotten.
package alarm
