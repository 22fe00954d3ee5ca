package wechatshop

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

var (
	_ connectors.Source  = (*conn)(nil)
	_ connectors.Fetcher = (*conn)(nil)
)

// api says how a stream's documents are listed and read.
type api struct {
	list   string // path of the list call
	ids    string // member of its answer that holds the ids
	get    string // path of the detail call
	member string // member of its answer that is the document
	key    string // field of the document, and of the request, that is its id
	root   string // field of the document that is the id of its root; empty = key
}

// "微信小店 API: 获取订单列表, 获取订单详情", "售后管理", "会员 (VIP)".
var apiOf = map[string]api{
	streamOrders: {list: "order/list/get", ids: "order_id_list", get: "order/get", member: "order", key: "order_id"},
	streamAfterSales: {list: "aftersale/getaftersalelist", ids: "after_sale_order_id_list", get: "aftersale/getaftersaleorder",
		member: "after_sale_order", key: "after_sale_order_id", root: "order_id"},
	streamMembers: {list: "vip/user/list/get", get: "vip/user/info/get", member: "info", key: "openid"},
}

// Pull yields hints: one list call, whatever comes of it.
func (c *conn) Pull(ctx context.Context, req connectors.PullRequest) (connectors.Page, error) {
	var ids []string
	var next string
	var err error
	switch req.Stream {
	case streamOrders, streamAfterSales:
		ids, next, err = c.pullWindow(ctx, req.Stream, req.Window, req.Cursor)
	case streamMembers:
		ids, next, err = c.pullMembers(ctx, req.Cursor)
	default:
		err = unknownName("stream", req.Stream)
	}
	if err != nil {
		return connectors.Page{}, err
	}
	page := connectors.Page{Cursor: next, More: next != ""}
	for _, id := range ids {
		page.Items = append(page.Items, connectors.Item{Stream: req.Stream, Key: id})
	}
	return page, nil
}

// pullWindow asks for the page at cursor. A window that holds too many documents is
// halved by way of the cursor, so that every call of Pull is one call to the shop.
func (c *conn) pullWindow(ctx context.Context, stream string, w connectors.Window, cursor string) ([]string, string, error) {
	whole := seconds(w)
	if whole.from >= whole.to {
		return nil, "", nil
	}
	at, err := whole.place(cursor, longest[stream])
	if err != nil {
		return nil, "", err
	}
	a := apiOf[stream]
	body, err := at.request(stream)
	if err != nil {
		return nil, "", err
	}
	env, verr := c.call(ctx, a.list, body)
	switch {
	case verr == nil:
	case verr.Code == fmt.Sprint(codeTooMany) && at.To-at.From > 1:
		return nil, at.halved().String(), nil
	case verr.Code == fmt.Sprint(codeNextKey) && at.Key != "" && at.Again < maxAgain:
		return nil, at.restarted().String(), nil
	default:
		return nil, "", verr
	}
	ids, err := idList(env, a.ids)
	if err != nil {
		return nil, "", err
	}
	var more bool
	if raw, ok := env.envelope["has_more"]; ok && json.Unmarshal(raw, &more) != nil {
		return nil, "", unreadable(env.raw, "has_more is neither true nor false")
	}
	if !more {
		return ids, at.after(whole, longest[stream]).String(), nil
	}
	key := env.text("next_key")
	if key == "" || key == at.Key {
		return nil, "", unreadable(env.raw, "has_more is true but next_key does not lead on")
	}
	at.Key = key
	return ids, at.String(), nil
}

// pullMembers walks the member list by page number. The shop may give fewer members a
// page than asked for, so what was seen is counted.
func (c *conn) pullMembers(ctx context.Context, cursor string) ([]string, string, error) {
	at := memberPlace{Page: 1}
	if cursor != "" {
		if err := codec.Unmarshal([]byte(cursor), &at); err != nil || at.Page < 1 || at.Seen < 0 {
			return nil, "", badCursor(err)
		}
	}
	body, err := codec.Encode(map[string]any{"page_num": at.Page, "page_size": memberPage, "need_phone_number": false})
	if err != nil {
		return nil, "", badRequest(err)
	}
	env, verr := c.call(ctx, apiOf[streamMembers].list, body)
	if verr != nil {
		return nil, "", verr
	}
	var rows []envelope
	if raw, ok := env.envelope["list"]; ok && json.Unmarshal(raw, &rows) != nil {
		return nil, "", unreadable(env.raw, "list is not a list of objects")
	}
	total, ok := env.number("total_num")
	if !ok {
		return nil, "", unreadable(env.raw, "total_num is not a number")
	}
	ids := make([]string, 0, len(rows))
	for _, row := range rows {
		id := row.text("openid")
		if id == "" {
			return nil, "", unreadable(env.raw, "a member has no openid")
		}
		ids = append(ids, id)
	}
	at.Page++
	at.Seen += len(rows)
	if len(rows) == 0 || int64(at.Seen) >= total {
		return ids, "", nil
	}
	return ids, encodeCursor(at), nil
}

// Fetch reads the documents of keys, one call each; an order that is to be shipped to a
// masked receiver costs a second one.
func (c *conn) Fetch(ctx context.Context, stream string, keys []string) ([]connectors.Item, error) {
	if _, ok := apiOf[stream]; !ok {
		return nil, unknownName("stream", stream)
	}
	items := make([]connectors.Item, 0, len(keys))
	for _, key := range keys {
		item, _, err := c.fetch(ctx, stream, key)
		if err == nil && stream == streamOrders {
			err = c.reveal(ctx, &item)
		}
		if err != nil {
			if len(items) > 0 {
				return items, nil // the rest is asked for again
			}
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (c *conn) fetch(ctx context.Context, stream, key string) (connectors.Item, []connectors.Exchange, *connectors.Error) {
	a := apiOf[stream]
	ask := map[string]any{a.key: key}
	if stream == streamMembers {
		ask["need_phone_number"] = true
	}
	body, err := codec.Encode(ask)
	if err != nil {
		return connectors.Item{}, nil, badRequest(err)
	}
	env, verr := c.call(ctx, a.get, body)
	if verr != nil {
		if verr.Code == fmt.Sprint(codeAbsentOrder) && stream == streamOrders {
			return connectors.Item{Stream: stream, Key: key, Deleted: true}, env.made, nil
		}
		return connectors.Item{}, env.made, verr
	}
	raw := env.envelope[a.member]
	if len(raw) == 0 || string(raw) == "null" {
		return connectors.Item{Stream: stream, Key: key, Deleted: true}, env.made, nil
	}
	d := env.object(a.member)
	if d.text(a.key) != key {
		return connectors.Item{}, env.made, unreadable(env.raw, "the answer is about another "+a.key+" than the one asked for")
	}
	version, ok := d.number("update_time")
	if !ok || version < 0 || version == 0 && stream != streamMembers {
		return connectors.Item{}, env.made, unreadable(env.raw, "update_time is not a time")
	}
	item := connectors.Item{Stream: stream, Key: key, Version: version, Body: raw, Headers: map[string]string{"app_id": c.appID}}
	if a.root != "" {
		if item.Root = d.text(a.root); item.Root == "" {
			return connectors.Item{}, env.made, unreadable(env.raw, a.root+" is missing")
		}
	}
	return item, env.made, nil
}

// idList reads a list of ids, each a text or a whole number.
func idList(env answer, member string) ([]string, error) {
	raw, ok := env.envelope[member]
	if !ok || string(raw) == "null" {
		return nil, nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil, unreadable(env.raw, member+" is not a list")
	}
	ids := make([]string, 0, len(list))
	for _, one := range list {
		id := envelope{"": one}.text("")
		if id == "" {
			return nil, unreadable(env.raw, member+" holds something that is no id")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func unknownName(what, name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: call, Code: "wechatshop." + what, Text: "there is no " + what + " " + name}
}

func badRequest(err error) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: doc, Code: "wechatshop.request", Text: "the request cannot be written as JSON", Err: err}
}
