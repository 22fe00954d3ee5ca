// Package trytonsim is a Tryton 6.0 server as its JSON-RPC interface shows it:
// login and sessions, the generic model calls with domains, and the life of a
// party and a sale up to its shipment and invoice.
//
// It follows Tryton's own sources (trytond.protocols.jsonrpc, dispatcher and the
// modules party, product, sale, stock, account of series 6.0) and was compared
// with a running trytond 6.0.29: TestSameScriptAgainstARealServer plays one
// script against both when TRYTON_URL names one, and testdata keeps what the server
// answered.
//
// # Habits that are kept
//
//   - A business error is HTTP 200 with {"error":["UserError",[message,
//     description, domain]]}; a missing session is HTTP 401 with an empty body, a
//     wrong password HTTP 401 with a page, more than five of them HTTP 429.
//   - An envelope with other members than id, method and params is answered in
//     bare mode: the result alone, errors as HTTP codes with pages.
//   - sale.reference is not unique, party.code is. (With Options.WebShop
//     sale.web_id exists and is unique, as with the module web_shop.)
//   - A button in the wrong state answers null and does nothing. confirm processes.
//   - Taxes that are not given are not charged; addresses are wanted at quote.
//   - Amounts are rounded half to even to the currency's digits: each line, and
//     each tax once over the whole sale (unrounded bases added up).
//   - An id used by a create that failed is gone.
//
// # Stricter or simpler than the server
//
//   - A float or plain text for a Decimal, and text for a date, are refused; the
//     server takes them and rounds as it likes.
//   - fields_get names type and label only; wizards other than
//     sale.handle.shipment.exception, sale.handle.invoice.exception and sale.return_sale
//     do not exist. An invoice or a shipment is of one sale.
//   - Accounting ends at the invoice's state; goods are counted in one place.
//
// # Books
//
// [Books] adds sales, returns, invoices and shipments up by reference, so that a test can
// say that an order is booked exactly once, or not at all: [Book.Zero].
//
// # Control requests
//
// [Sim.ControlHTTP] answers below any prefix, by the last element of the path.
// GET: record, sales, parties. POST: delete-sale {id}, edit-sale {id, reference,
// line, quantity, unit_price, state}, orphan {orphan: reference}, duplicate {id}, ship
// {id, tracking}, pay {id}, stock {code, in_stock}.
//
// # Faults
//
// Calls are named by their method ("model.sale.sale.create"). error_body's code
// is UserError, UserWarning, ConcurrencyException or any text, which becomes the
// message of an unexpected error. token_expiry ends every session. lag hides
// young records from search, search_read and search_count.
package trytonsim
