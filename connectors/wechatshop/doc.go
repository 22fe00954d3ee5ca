// Package wechatshop speaks the server API of WeChat Shop (微信小店): orders,
// after-sales and members out of the shop, parcels into it, and the shop's
// encrypted message push.
//
// The vendor documents it under "微信小店 API" (paths /channels/ec/...), "获取稳定版
// 接口调用凭据" (access tokens) and "消息推送" (the push).
//
// # Records
//
// Every list call of the shop gives ids only, and every event says no more than that
// something changed, so each stream yields hints. A record is the exact bytes of one
// member of a detail call's answer: `order` of order/get, `after_sale_order` of
// aftersale/getaftersaleorder, `info` of vip/user/info/get. They are cut out of the
// envelope, never encoded again. Item.Version is the document's update_time in
// seconds; of two documents inside one second the later fetch is the newer. A member
// has no such time, so the fetch alone orders its versions.
//
// # Receivers
//
// A shop without a waiver sees receivers masked in order/get (王**, 138****0000). With
// `decode: auto` an order that is paid, still has a parcel to send (status 20 or 21,
// goods) and comes masked is decoded as well (order/sensitiveinfo/decode). Its record is
// then a composite: the exact bytes of `order`, with one more member put before its
// closing brace, whose values are the exact bytes of the decode's answer:
//
//	{ ...order..., "sensitive_info":{"address_info":{...},"virtual_number_info":{...}}}
//
// virtual_number_info is there when the answer has it; its number and extension are then
// the only ones that ring. Unpaid, shipped and closed orders, gifts not accepted and
// virtual goods are never decoded, nor is anything read for reconciliation or a look-up.
//
// Decodes are limited per shop (the number is not published) and may themselves move
// the order's update_time, since a virtual number is assigned by them. So a receiver is
// decoded once: it is remembered by order and masked address, not by version, until the
// order needs no parcel any more or the virtual number expires. The memory does not
// outlive the process; the first fetch after a start decodes again.
//
// A decode that fails never lets a masked address pass for a receiver:
//
//   - For now (quota or rate used up, permission missing, network, an unreadable answer,
//     an unknown code): the fetch fails with code decode.CODE, for this order alone. Its
//     hint waits and comes again, so that the order is neither lost nor shown without a
//     receiver that nothing would bring later: an order that does not change is not
//     fetched again. An order cancelled meanwhile needs no decode and comes through.
//     A refusal that every decode would meet is remembered: none is sent before its time.
//   - For good (10080000, 10080001: the buyer's account is being or has been cancelled;
//     another refusal of this order): waiting mends nothing, and people must see a paid
//     order. The record comes masked, with "sensitive_info_error":"CODE" as its added
//     member, and the mapping holds it.
//
// With `decode: never` records come as order/get gives them.
//
// # Push
//
// Every event is answered with the plain text success. That holds for ewaybill_push_path
// (物流轨迹推送通知) too: older editions of its page show a JSON answer with ResultCode, the
// current one asks for success or nothing. Traces of platform waybills carry no order id;
// no stream is made of them.
//
// # What is left open by the vendor's documents
//
// Whether the end of a time window belongs to it is not said; windows are asked for
// as start <= t < end and a doubled order is harmless. The codes that refuse a parcel
// are not listed: they end unclassified, and a look-up by waybill tells what happened.
package wechatshop
