// Package salesforce writes members and orders into Salesforce over its REST API: a
// member becomes a Contact, an order a transaction object of the organisation's own
// with its lines.
//
// It follows the vendor's REST API Developer Guide (sObject Collections, Composite,
// Query, Limits, Status Codes and Error Responses), the SOQL and SOSL Reference and
// the help pages of the OAuth 2.0 client credentials flow.
//
// # Keys
//
// Every record is found by an external id, which must be marked External ID and Unique
// in Salesforce. The document's external_id is the delivery's remote key. Salesforce
// ignores the case of external ids unless the field is case-sensitive: keys that differ
// in case only would be one record.
//
// # Members
//
// contact.push upserts up to 200 contacts in one call, each on its own (allOrNone
// false). A field that the document leaves out stays as it is; null empties it.
//
// # Orders
//
// transaction.push writes a header and its lines in one composite call that takes
// effect as a whole or not at all (allOrNone true), so that a header never stands
// beside half of its lines. A line's external id is the header's, a colon, and the
// document's line_id. The lines that are there are read first, for two reasons: only a
// new line may name its parent, which a master-detail field holds for ever; and a line
// that is no longer in the document has its quantity, net amount and discount set to
// zero. It is not deleted: that would need the right to delete, would take along what
// people hung on the line, and could not be undone by a later version. A line whose
// quantity is zero counts as absent in look-ups and summaries.
//
// A contact or original transaction that is not there yet makes the delivery wait for
// contact.push or transaction.push of that key.
//
// # Calls are the scarce thing
//
// An organisation has a rolling allowance of calls over 24 hours, shared with all its
// other integrations; the hub's share is the limit "daily". The answers'
// Sforce-Limit-Info tells how much is used; past nine tenths a warning is logged.
package salesforce
