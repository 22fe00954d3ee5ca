package wechatshop

import (
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// payload says which member of an event holds the id of which stream's document
// ("微信小店 消息推送: 事件"). The event's name is not looked at: a new event about an
// order carries the same member.
type payload struct {
	member string
	stream string
	key    string
}

var payloads = []payload{
	{"order_info", streamOrders, "order_id"},
	{"ProductOrderStatusUpdate", streamOrders, "order_id"},
	{"finder_shop_aftersale_status_update", streamAfterSales, "after_sale_order_id"},
	{"finder_shop_present_aftersale_status_update", streamAfterSales, "after_sale_order_id"},
	{"finder_shop_complaint", streamAfterSales, "after_sale_order_id"},
}

// hints reads the keys out of an event. An event about nothing that a stream carries
// gives none: it is answered and forgotten.
func hints(msg []byte) ([]connectors.Item, *connectors.Error) {
	var ev envelope
	if err := codec.Unmarshal(msg, &ev); err != nil {
		return nil, &connectors.Error{Kind: connectors.Unreadable, Scope: doc, Code: "push.unreadable", Raw: msg, Err: err,
			Text: "the decrypted message is not one JSON object"}
	}
	var items []connectors.Item
	for _, p := range payloads {
		about := ev.object(p.member)
		if about == nil {
			continue
		}
		item := connectors.Item{Stream: p.stream, Key: about.text(p.key)}
		order := about.text("order_id")
		if item.Key == "" && order != "" { // a complaint about an order without an after-sale
			item = connectors.Item{Stream: streamOrders, Key: order}
		}
		if item.Key == "" {
			return nil, &connectors.Error{Kind: connectors.Unreadable, Scope: doc, Code: "push.unreadable", Raw: msg,
				Text: "the event " + short(ev.text("Event")) + " carries no " + p.key}
		}
		if item.Stream == streamAfterSales {
			item.Root = order
		}
		items = append(items, item)
	}
	if strings.HasPrefix(ev.text("Event"), "channels_ec_vip_") {
		if id := member(ev); id != "" {
			items = append(items, connectors.Item{Stream: streamMembers, Key: id})
		}
	}
	return items, nil
}

// member is the openid that a member event is about: its sender, unless the payload
// names one. Events of the shop as a whole carry the literal OpenID.
func member(ev envelope) string {
	for _, id := range []string{ev.object("user_info").text("openid"), ev.text("FromUserName")} {
		if id != "" && id != "OpenID" {
			return id
		}
	}
	return ""
}
