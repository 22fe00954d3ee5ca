// Package redact makes a captured request or answer fit to be shown: what nobody can
// vouch for is replaced by dots (Invariant 8).
//
// A value is shown because something speaks for it: it stands at a place that a schema
// calls impersonal, it is a key or a remote id of the delivery, it is a short number, or it
// is a vendor's code under a name that vendors give to codes. Texts in which vendors
// explain themselves are shown without what they share with a personal value. Everything
// else is dots with its kind and length, and so is whatever looks like a phone number, an
// e-mail address or an identity number, whoever vouches for it.
package redact
