// Package qimensim is a warehouse that speaks the Qimen WMS protocol
// (奇门仓储接口): XML over HTTP POST with signed query parameters. It follows the
// vendor's method pages taobao.qimen.deliveryorder.create (26002), .query
// (24690), .confirm (26001) and taobao.qimen.order.cancel (26000), and the
// signature of the vendor's SDK (body included, both ends the secret).
//
// Any path answers; everything is in the query: method (with or without the
// "taobao.qimen." prefix), timestamp, format=xml, app_key, v, sign_method=md5 or
// hmac, customerId, sign. Business failures are HTTP 200 with flag "failure".
//
//	deliveryorder.create   one sales shipment; Options.Repeat says what a repeat answers
//	deliveryorder.query    one order, its lines by page (1.., at most 100 lines)
//	order.cancel           refused once picking began (or, Options.CancelUntilReady, once packed)
//	deliveryorder.confirm  sent to the hub by Ship and Resend, signed; Options.HubURL
//
// The protocol has no list by time: reconciliation asks order by order.
//
// Where the vendor leaves a choice or its pages are silent, and a real warehouse
// may differ:
//
//   - failure codes other than sign-check-failure: every warehouse has its own, so
//     the codes here are plain words and only flag is dependable;
//   - a repeat of a cancelled code is refused; a second cancel is a success;
//   - the signature clock may be ten minutes off; text lengths other than
//     deliveryOrderCode (50) are the customary ones; amounts have at most two
//     decimals; elements may come in any order but once;
//   - characters outside the basic plane are refused, as by many warehouse databases;
//   - totalOrderLines must equal the lines sent: one order over several requests is
//     not supported; neither is a warehouse that splits an order (deliveryOrders);
//   - the vendor documents totalAmount = itemAmount - discountAmount + freight =
//     arAmount + gotAmount, and warehouses seldom check it: Options.CheckTotals does.
//
// Faults: rate_limit and error_body answer flag "failure"; lag hides young orders
// from deliveryorder.query. For deliveryorder.confirm, duplicate sends a message
// twice, reorder sends waiting messages last first, drop_request leaves one unsent
// until Resend.
//
// ControlHTTP takes commands as POST /_sim/qimen/<command> with a JSON object:
//
//	hub     {"url": "..."}                              where confirms go
//	advance {"code": "..."}                             one step on, up to READY
//	pick    {"code": "..."}                             picking begins
//	ship    {"code": "...", "packages": 2, "intermediate": true, "short": {"1": 1}, "silent": false}
//	resend  {}                                          send unanswered confirms again
//	delete  {"code": "..."}                             the order is gone
//	change  {"code": "...", "set": {"receiver": {"name": "..."}}}  as in Record
//	insert  {"set": {"code": "...", "lines": [...]}}    an order nobody sent
//
// and GET /_sim/qimen/record answers Record.
package qimensim
