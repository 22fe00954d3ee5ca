// Package schemas loads the JSON Schemas of the hub's own documents
// (canonical/...) and of the vendors' documents (vendors/<vendor>/...), checks
// documents against them, and answers from their annotations.
//
// Schemas are draft-07, say so in $schema, and are refused at load when they
// use anything the validator would silently ignore: newer keywords, unknown
// keywords and formats, limits beside a $ref, references that lead nowhere or
// out of the folder.
//
// Four annotations have a meaning here:
//
//	"x-pii": "phone"        a personal datum: masked on screens, scrubbed from error texts (Invariant 8).
//	                        One of name, phone, email, address, id, text, or true for text.
//	                        On an object or array it covers every text below.
//	"x-search": "order_no"  what people type to find the document; see the Kind constants.
//	                        On an array it covers its items.
//	"x-unit": "g"           the unit of a number, for people.
//	"x-amount": true        how much money the document is about: on an object of minor and currency, or
//	                        with a currency instead of true, "CNY", on whole minor units. Once in a schema.
package schemas
