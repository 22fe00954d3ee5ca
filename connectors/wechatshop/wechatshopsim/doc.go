// Package wechatshopsim is a WeChat Shop (微信小店) as its API shows it: access
// tokens, orders, after-sales, products, stock, members and the encrypted
// message push. It is also a little world with a script: orders are placed,
// paid, edited, cancelled, refunded and shipped by Go calls or by control
// requests, and [Sim.Sold] tells afterwards what was really sold.
//
// It follows the vendor's documents "获取稳定版接口调用凭据", "微信小店 API:
// 订单管理, 售后管理, 商品管理, 库存, 会员" (paths /channels/ec/...), "消息推送"
// (signature and encryption, with the published vectors) and the shop's event
// list.
//
// # Where the documents leave a choice
//
//   - Windows are closed-open: start <= t < end. Order windows span at most 7
//     days, after-sale windows at most 24 hours.
//   - A page is followed by has_more=true exactly when it is full, so the last
//     page may be empty, and the last page still carries a next_key.
//   - An after-sale changes the order's document (aftersale_detail, the counts
//     of its lines) but neither its status nor its update_time, until the last
//     unit is refunded: then the order closes (200) and update_time moves.
//     Options.AfterSaleTouchesOrder moves update_time at every step.
//   - A paid order cancelled before shipping is refunded by one after-sale per
//     line; the last one also carries the freight, so the after-sales add up to
//     order_price, and refund_info.refund_freight says how much of it is freight.
//   - order_price = sum of real_price + freight; discounted_price = coupons of
//     every payer; change_down_price = what manual price changes took off;
//     freight is the freight due, also after a change;
//     merchant_receieve_price = order_price + what others bear (platform coupon,
//     finder discount).
//   - A platform coupon is cash_coupon_discounted_price, a store coupon
//     merchant_discounted_price, both apportioned to the lines.
//   - order/get masks name, street and phone, as for every shop without a
//     waiver; order/sensitiveinfo/decode shows them. Options.Unmasked is a shop
//     with the waiver.
//   - Codes that no document lists: an order whose state does not allow the call
//     answers 100010, shipping 109000 (failed), 109001 (shipped already) and
//     108009 (under after-sale) as the older store API did, an after-sale that
//     does not exist or cannot move 100011.
//   - A change of address or notes pushes channels_ec_order_ext_info_update with
//     type 2; the documents name only type 1.
//
// # Control requests
//
// [Sim.ControlHTTP] answers below any prefix, by the last element of the path;
// bodies and answers are JSON. GET: record, sold, members, pushes. POST: place,
// pay, edit, cancel, refund, aftersale, aftersale-finish, aftersale-cancel,
// ship, confirm, delete, delete-history, tamper, plan, bad, join, score, grade,
// subscribe, push (any event by hand). The request of each is the struct of the
// same name in control.go.
//
// # Faults
//
// Calls are named by their path without /channels/ec/ ("order/list/get"),
// pushes are the call "push": duplicate sends one twice, reorder lets the next
// one overtake, drop_request loses it, delay holds it, garble sends it with a
// signature that does not fit. An error_body fault with code 40164 on
// "cgi-bin/stable_token" is the IP allowlist there; a status fault with 403 is
// the shop's own allowlist.
package wechatshopsim
