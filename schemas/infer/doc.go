// Package infer drafts a JSON Schema (draft-07) and the skeleton of a mapping from sample
// documents of a vendor. Everything it writes is a guess for a person to read: it says what
// it has seen, in how many documents, and how sure it is. Sample values never come out of
// it, only their forms, since samples hold real people (Invariant 8); the words of a short
// enumeration are the exception, in fields that are named like one.
//
// Samples are read as a stream: memory grows with the number of different fields, not with
// the size of the files. The same samples in the same order give the same drafts.
package infer
