// Package tryton speaks the JSON-RPC interface of a Tryton ERP (series 6.0): parties
// and sales into it, summaries of both out of it.
//
// It follows Tryton's own sources: trytond.protocols.jsonrpc and dispatcher for the
// wire, trytond.exceptions for errors, the modules party, product, sale and currency
// for the documents.
//
// # Documents
//
// A document names things by the codes that people know; the connector resolves them
// to ids and keeps those for ten minutes: parties and products by code, taxes by name
// or description, payment terms by name, warehouses by code or name, currencies and
// countries by ISO code, units by the product's own sale unit.
//
// A party that is missing makes the delivery wait for party.push of that code, unless
// the document brings the party along (`party`) or names none and the connection has a
// walk-in party. A product, tax or payment term that is missing refuses the document:
// people keep those in the ERP and no delivery of the hub would ever release it.
//
// # One sale for one key
//
// sale.reference is not unique in Tryton, so it is searched before a sale is created,
// and the sale's state is read again after every step: a button pressed in the wrong
// state answers null and does nothing. A draft or quotation that only the connection's
// own user has touched is unfinished work and is carried on, with its lines written
// again when the document has changed; anything else under the reference is a
// duplicate for the look-up to compare. Give the hub a user of its own: with a shared
// one a person's draft cannot be told from the hub's.
//
// The total that Tryton computes must equal the document's expected_total before the
// sale is quoted. Otherwise the draft stays for people to see and the delivery is
// refused with both figures.
//
// # Taking a sale back
//
// sale.cancel cancels what is not processed yet. Tryton cancels no processed sale, so one
// of which nothing is picked, shipped or billed is taken back with what the client offers
// to people: its shipments and draft invoices are cancelled and given up (wizards
// sale.handle.shipment.exception and sale.handle.invoice.exception), then the wizard
// sale.return_sale makes a return, which is set to make no invoice and no shipment of its
// own and is confirmed. Both sales end as done; turnover, goods and receivables are what
// they were before the sale. The user needs the rights to do so: groups Sales, Stock and
// Accounting.
//
// A sale of which confirmed returns leave nothing is cancelled for every look-up and list,
// whoever made the returns; a return itself is no sale of the hub's. Both keep their
// reference, so what is booked again goes under the next generation of the key.
//
// A picked or shipped shipment, a posted or paid invoice, papers shared with other sales
// and a return that people made of a part are refused, before anything is written.
package tryton
