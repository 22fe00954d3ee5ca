// Package qimen connects a warehouse that speaks the Qimen WMS protocol
// (奇门仓储接口): XML over HTTP POST, signed query parameters, directly or through the
// vendor's gateway. It follows the vendor's method pages
// taobao.qimen.deliveryorder.create (26002), deliveryorder.confirm (26001),
// deliveryorder.query (24690) and order.cancel (26000).
//
// # Documents
//
// A target document is a JSON tree whose members have the names of the vendor's
// elements. A list is a JSON array without the inner element: "orderLines": [{...}]
// becomes <orderLines><orderLine>...</orderLine></orderLines>. Elements are written in
// the order of the vendor's page; extendProps is an object of texts. Amounts are yuan
// as decimal texts, times are China time as "2006-01-02 15:04:05".
//
// deliveryOrderCode and orderCode are the remote key; the connector writes it, so a
// mapping may leave it out.
//
// # One effect
//
// Every warehouse dedupes by deliveryOrderCode, but what it answers to a repeat is its
// own choice: success with the first deliveryOrderId and nothing changed, or failure
// with a text that says the order exists. So delivery.create is create-only, and after
// an unknown outcome the order is looked up by deliveryorder.query. That answer shows
// lines, warehouse, order type and status, but neither receiver nor amounts: "same"
// means that those four agree. A warehouse without the query gets can_query: false;
// an unknown outcome then waits for a person.
//
// A cancel may be repeated: cancelling twice has no second effect. A cancel that fails
// because picking began is refused as a conflict: the parcel will leave.
//
// # Confirmations
//
// The warehouse posts deliveryorder.confirm. The record's bytes are the XML as it came;
// Decode reads it as a tree with the lists above. The key is deliveryOrderCode and
// outBizCode, the warehouse's id of the message. The root is deliveryOrderCode, since a
// confirmation does not know the store's order id: the link of delivery.create leads
// from it to the order.
package qimen
