// Package sfexpress connects the Fengqiao open platform of SF Express (顺丰丰桥): one
// address, form posts signed with a digest, the service named by serviceCode. It
// follows the vendor's pages "API overview" and those of EXP_RECE_CREATE_ORDER,
// EXP_RECE_SEARCH_ORDER_RESP, EXP_RECE_UPDATE_ORDER, EXP_RECE_SEARCH_ROUTES and
// RoutePushService.
//
// # Documents
//
// A target document is the service's msgData. The connector writes orderId (the remote
// key) and, where they are left out, language and the connection's monthlyCard.
//
// # One effect
//
// A second waybill costs money. The platform dedupes by orderId and answers a repeat
// with 8016 or with the first result, so order.create is create-only and asks first:
// after an unknown outcome the order is searched by its id. The search shows waybills
// and nothing of receiver or goods: "same" means that the order is under our id, is not
// cancelled and has as many waybills as the document has parcels. Since an order id is
// never used twice, that is the order the hub sent.
//
// An order that waits for the carrier's manual check (filterResult 1) has no waybill
// yet: it is accepted and polled. One that the carrier cannot serve (filterResult 3) is
// refused, though its id is used up.
//
// A cancelled id can never be used again; a redo creates under the next generation of
// the key. Cancelling twice has no second effect. After pickup a cancel is refused as a
// conflict.
//
// # Routes
//
// The platform has no list of waybills: routes are fetched by waybill. RoutePush is not
// signed, so it is taken only at an address that nobody can guess (push_secret), and
// nothing of it is believed but the waybill, whose routes are then fetched. The root of
// a routes document is its waybill; the link of order.create leads from it to the order.
package sfexpress
