// Package jushuitansim is 聚水潭 (Jushuitan) as a simulator: the open platform's
// form-signed calls over an ERP that lives in memory. It follows the vendor's own
// pages at openweb.jushuitan.com (signature rule, token calls, error code table,
// orders/upload, orderbyoid/cancel, orders/single/query, aftersale/upload,
// refund/single/query, inventory/query, logistic/query, shops/query,
// logisticscompany/query, and the callbacks to an own-mall shop).
//
// A call is judged in the order the vendor judges it: path, form, timestamp, app,
// signature, token, rate, permission, body. Business refusals come with HTTP 200.
//
// # Where the vendor's pages are silent, and what was chosen
//
//   - More than 5 calls in any rolling second answer 199, more than 100 in one
//     calendar minute answer 200; counted per app; refused calls are not counted;
//     token calls are not limited.
//   - A body that is not what the call takes (not JSON, too many elements, page too
//     large, window over seven days) answers code 130; the current code table has no
//     number for it, the older one has this. An unknown app_key answers 10.
//   - At most 50 orders or after-sales in one upload (Options.MaxBatch).
//   - orders/upload replaces what it carries and keeps what it leaves out, except
//     the lines, which are replaced as a whole. An equal upload changes nothing, not
//     even `modified`. An older shop_modified is not refused: the last upload wins,
//     so a hub that overtakes itself is visible in the history.
//   - A shipped order takes a new shop_status of WAIT_BUYER_CONFIRM_GOODS or
//     TRADE_FINISHED, notes, labels and flag; anything else is refused. A cancelled
//     or merged order takes only an upload that leaves it cancelled.
//   - A row with control characters or characters outside the BMP is refused, since
//     the ERP stores neither.
//   - orderbyoid/cancel is all or nothing; cancelling twice is harmless.
//   - A refresh ends the old pair at once. getInitToken answers the pair that is
//     alive, and a new one when there is none. Self-built apps may refresh; apps of
//     service providers are told 150.
//   - An after-sale changes its order only when Options.Intercept is set.
//
// # Control
//
// ControlHTTP serves POST /_sim/jushuitan/<command> with a JSON object, answering
// {"ok":true,...} or HTTP 400 and {"error":"..."}:
//
//	delete_order      {shop_id, so_id}
//	change_order      {shop_id, so_id, fields: {pay_amount: 1.00, ...}}
//	change_line       {shop_id, so_id, outer_oi_id, fields: {qty: 2, ...}}
//	set_status        {shop_id, so_id, status: "Question"}
//	insert_order      {order: {...as uploaded...}}          an order the hub never sent
//	copy_order        {shop_id, so_id}                      a second order of the same so_id
//	ship              {shop_id, so_id, l_id?, lines?: {outer_oi_id: qty}}
//	merge             {shop_id, so_ids: [a, b]}
//	set_stock         {sku_id, qty}
//	delete_aftersale  {shop_id, outer_as_id}
//	change_aftersale  {shop_id, outer_as_id, fields: {...}}
//	insert_aftersale  {after_sale: {...as uploaded...}}
//	expire_token      {}
//	GET record        what Record returns
//
// shop_id may be left out when there is one shop.
package jushuitansim
