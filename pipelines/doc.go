// Package pipelines is the engine: it pulls and receives, makes durable, maps, routes
// and delivers, over connectors it knows only by their contract.
//
// # The life of a message
//
// A pull or a webhook yields items. An item with a body is a record at once; a hint is
// a key that the fetch stage turns into a record. A received record is mapped to its
// canonical document, checked, routed by the flows, mapped to one target document per
// step and checked again; its deliveries are committed together with its state. A
// delivery waits in its lane until it is the head, its gate is open and the vendor's
// limits allow it; it is sent, and its outcome is committed with receipt and link
// before the lane moves. Watermill's router carries the ids from stage to stage over
// package bus; the ledger is the truth.
//
// # Invariants
//
//  1. Raw first: the exact bytes are durable before anything interprets more than a key.
//  2. Ack after commit: nothing is acknowledged before it is durable here.
//  3. One effect: a document takes effect at its target once, whatever happens.
//  4. Order per lane: (target connection, root); unknown always blocks it.
//  5. Nothing silent: every record ends in a named state; attempts are appended.
//  6. Exact values: money in minor units, ids as text, no floats.
//  7. One owner of retry: the ledger. Faults of a connection close its gate.
//  8. Secrets and people stay inside: nothing personal in logs, errors or metrics.
//
// The line that upholds one of them cites it by number.
package pipelines
