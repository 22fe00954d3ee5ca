// Package sfexpresssim is the Fengqiao open platform of SF Express (顺丰丰桥), as
// the vendor's API overview and the pages of these services describe it:
//
//	EXP_RECE_CREATE_ORDER        makes an order and its waybills
//	EXP_RECE_SEARCH_ORDER_RESP   the result of an order, by order id
//	EXP_RECE_UPDATE_ORDER        confirms (dealType 1) or cancels (2) an order
//	EXP_RECE_SEARCH_ROUTES       routes by waybill or order id, at most 10 numbers
//	EXP_RECE_QUERY_SFWAYBILL     billed weight and fees, once the parcel is collected
//
// Any path answers a form POST with partnerID, requestID, serviceCode, timestamp
// (seconds or milliseconds, without a window), msgDigest and msgData. The gateway
// checks in the order A1001 (form), A1003 (address), A1004 (service), A1005
// (rate), A1006 (digest). Business answers are a JSON string in apiResultData.
// Digest modes: standard MD5 (URL-encoded), simple MD5, SM3 (URL-encoded). The
// OAuth2 alternative is not served: msgDigest is always asked for.
//
// Limits are the vendor's for the integration environment, per service: 30 calls
// a second and 3000 a day in China time.
//
// Where the vendor's pages are silent, and the real platform may differ:
//
//   - a repeated order id answers 8016 (captured often) or, with Options.Repeat,
//     the first result (the current field table); a cancelled order id answers
//     8016 for ever, and its search 8037;
//   - cancelling a collected parcel answers 8168; a cancel or confirm that names a
//     waybill of another order answers resStatus 1 inside a success;
//   - missing fields without a code of their own answer S0002, texts over their
//     length S0004, other types, values and unknown fields S0007, a msgData of
//     another shape S0001; text lengths are the customary ones;
//   - value-added services known are INSURE, COD, IN26 and TDELIVERY;
//   - Options.Filter makes a receiver's city need a manual check (filterResult 1) or
//     not serviceable (3); neither gives a waybill until SetFilterResult says 2.
//
// Faults: rate_limit answers A1005; error_body answers its code, as a gateway code
// when it starts with A (A1099 when empty), else as a business code; lag hides
// young orders and routes from the three queries; reorder reverses routes and
// pushes. For the call "RoutePush", duplicate sends a push twice and drop_request
// leaves it unsent until the next PushRoutes.
//
// ControlHTTP takes commands as POST /_sim/sfexpress/<command> with a JSON object:
//
//	hub      {"url": "..."}                               where routes are pushed
//	route    {"order_id": "...", "op_code": "80", "remark": "", "address": "", "reason_code": ""}
//	progress {"order_id": "..."}                          the next step of an ordinary journey
//	push     {}                                           push routes not yet acknowledged
//	filter   {"order_id": "...", "result": 2}             the outcome of a manual check
//	cancel   {"order_id": "..."}                          the carrier or a courier cancels
//	delete   {"order_id": "..."}                          the order is gone
//	change   {"order_id": "...", "set": {"receiver": {"address": "..."}}}  as in Record
//	insert   {"set": {"order_id": "...", "receiver": {...}}}  an order nobody sent, with a waybill
//
// and GET /_sim/sfexpress/record answers Record.
package sfexpresssim
