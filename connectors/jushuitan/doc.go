// Package jushuitan connects the OMS 聚水潭 (Jushuitan) through its open platform,
// openweb.jushuitan.com/dev-doc.
//
// Orders go to orders/upload and after-sales to aftersale/upload. Both are upserts by
// the shop's own number (shop_id and so_id, outer_as_id), so a write whose outcome
// nobody knows is simply sent again. An upload carries up to twenty documents and
// answers code 0 with a row for each; a row that is missing is an unknown outcome.
//
// A cancel first reads the order: what is cancelled already is done, what has shipped
// or was merged with another order is refused, and orderbyoid/cancel, which takes the
// ERP's own numbers and is all or nothing, gets the parts that are still open.
//
// Shipments are pulled with logistic/query by time of change. A record is the exact
// bytes of one row, its key o_id/so_id: o_id is the ERP's own number of what was shipped
// (a split order has several), so_id the shop order it was shipped for. The row of a
// merged order gives one record for each shop order, all with the same bytes; a mapping
// takes the lines whose raw_so_id (or else the row's so_id) is that of the key. The
// vendor lists no time of change among a row's fields, so send_date is the version unless
// the row has modified. The callback logistics.upload of an own-mall shop is taken as a
// hint: its signature does not cover the body and its key is a constant at many
// merchants, so the shipment is read before it counts.
//
// After-sales are found by the so_id of their order (refund/single/query), so that a
// look-up works, and listed by a window; they cannot be asked for by outer_as_id.
//
// The access token lives 30 days and is renewed with a refresh token that changes at
// every renewal; the pair is kept in the vault, compare-and-set. A self-built app can
// also ask for a first pair; a service provider's app can only be authorised anew by
// the merchant (since 2023-08-15 its refresh answers code 150).
package jushuitan
