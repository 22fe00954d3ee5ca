// Package webhook connects any system that speaks Standard Webhooks
// (standard-webhooks, spec/standard-webhooks.md): it posts signed events and
// receives them.
//
// # Out
//
// Both operations post the target document as it is, signed with HMAC-SHA256
// ("v1"). The webhook-id is made of the remote key and of the document's digest: it
// stays the same over repeats and differs for each content, so a receiver that
// dedupes by it, as the specification asks, takes a document once. A document should
// therefore carry its version or the time of its change; without one, going back to
// an earlier content looks like a repeat.
//
// event.push is for receivers that dedupe. event.push.asked is for those that do not:
// after an outcome nobody knows, the connector asks
//
//	GET {lookup_url}?key=<remote key>
//
// which answers 404 or an empty list when the key is not there, and otherwise a JSON
// array, or {"events": [...]}, of objects whose member "body" is a document the
// receiver holds under the key. The receiver finds the key in the document, so the
// mapping has to put it there.
//
// Any 2xx means done, whatever its body says (specification, "Webhook responses"),
// except for an HTML page, which some proxies answer with 200.
//
// # In
//
// The stream events verifies the signature over the exact bytes, with five minutes of
// tolerance for the timestamp, against the secret and the one being replaced. Key,
// root and version are read at configured JSON pointers.
package webhook
