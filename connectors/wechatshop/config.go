package wechatshop

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
)

// Names of the streams and operations.
const (
	streamOrders     = "orders"
	streamAfterSales = "after_sales"
	streamMembers    = "members"
	opShipment       = "shipment.upload"
)

// Connector declares WeChat Shop.
func Connector() *connectors.Connector {
	return &connectors.Connector{
		Name:  "wechatshop",
		Title: "微信小店 WeChat Shop",
		Role:  "store",
		Text: "Orders, after-sales and members of a WeChat Shop, by pull and by its encrypted message push; parcels back into the shop. " +
			"The hub's address must be on the shop's IP allowlist.",
		Docs:       "https://developers.weixin.qq.com/doc/store/shop/API/",
		Config:     fields(),
		Limits:     limits(),
		Streams:    streams(),
		Operations: operations(),
		Open:       open,
	}
}

func fields() []connectors.Field {
	return []connectors.Field{
		{Name: "base_url", Kind: connectors.FieldURL, Default: "https://api.weixin.qq.com", Text: "address of the API"},
		{Name: "app_id", Kind: connectors.FieldString, Required: true, Text: "AppID of the shop", Example: "wx0000000000000000"},
		{Name: "app_secret", Kind: connectors.FieldSecret, Required: true, Text: "AppSecret of the shop"},
		{Name: "push_token", Kind: connectors.FieldSecret, Text: "Token of the message push; without it the shop is only pulled"},
		{Name: "encoding_aes_key", Kind: connectors.FieldSecret, Text: "EncodingAESKey of the message push, 43 characters"},
		{Name: "decode", Kind: connectors.FieldString, Default: "auto", Enum: []string{"auto", "never"},
			Text: "auto: the receiver of an order that is to be shipped is asked for in clear when the shop masks it, which counts against the shop's quota; never: it stays masked"},
		{Name: "store", Kind: connectors.FieldString, Text: "the hub's code of this store, shown in reconciliation", Example: "shop-a"},
	}
}

// The vendor counts 10,000 calls a minute and 500,000 a day for each shop and API
// ("接口调用频率").
const (
	perMinute = 10_000
	perDay    = 500_000
)

var apis = []string{"order_list", "order_get", "order_decode", "aftersale_list", "aftersale_get", "vip_list", "vip_get", "delivery_send"}

func limits() []connectors.Limit {
	var out []connectors.Limit
	for _, api := range apis {
		out = append(out,
			connectors.Limit{Name: api + "_minute", Requests: perMinute, Per: time.Minute, Text: "10,000 a minute for one shop and API"},
			connectors.Limit{Name: api + "_day", Requests: perDay, Per: 24 * time.Hour, Text: "500,000 a day for one shop and API"})
	}
	return out
}

func uses(api string) []connectors.Use {
	return []connectors.Use{{Limit: api + "_minute", Cost: 1}, {Limit: api + "_day", Cost: 1}}
}

func streams() []connectors.Stream {
	return []connectors.Stream{
		{
			Name: streamOrders, Entity: "order", Schema: "vendors/wechatshop/order",
			Text: "orders by time of their last change",
			Pull: true, Push: true, Hints: true,
			Windowed: true, MaxSpan: 7 * 24 * time.Hour, Overlap: 5 * time.Minute, Delay: 10 * time.Second, Grain: time.Second,
			FetchBatch: 1, PullUses: uses("order_list"),
			// At most: only the first fetch of a receiver that is masked decodes.
			FetchUses: append(uses("order_get"), uses("order_decode")...),
			List:      connectors.Listing{Can: true, By: "modified"},
		},
		{
			Name: streamAfterSales, Entity: "after_sale", Schema: "vendors/wechatshop/after_sale",
			Text: "refunds, returns and exchanges by time of their last change; their order is fetched as well, because the shop leaves its status unchanged",
			Pull: true, Push: true, Hints: true,
			Windowed: true, MaxSpan: 24 * time.Hour, Overlap: 5 * time.Minute, Delay: 10 * time.Second, Grain: time.Second,
			RootEntity: "order", Also: streamOrders,
			FetchBatch: 1, PullUses: uses("aftersale_list"), FetchUses: uses("aftersale_get"),
			List: connectors.Listing{Can: true, By: "modified"},
		},
		{
			Name: streamMembers, Entity: "member", Schema: "vendors/wechatshop/member",
			Text: "members (VIP) of the shop; a pull walks the whole list, since the shop keeps no time of change",
			Pull: true, Push: true, Hints: true,
			FetchBatch: 1, PullUses: uses("vip_list"), FetchUses: uses("vip_get"),
			List: connectors.Listing{Reason: "the member list has no times, so no window can select from it"},
		},
	}
}

func operations() []connectors.Operation {
	return []connectors.Operation{{
		Name: opShipment, Entity: "shipment", Schema: "vendors/wechatshop/shipment.upload",
		Text: "ships parcels of an order (order/delivery/send). A parcel that is there cannot be taken back through it; " +
			"the same waybill sent twice would ship units that are still open, so the order is read first when in doubt.",
		Carries: connectors.State, Changes: connectors.CreateOnly,
		Repeat: connectors.AskFirst, Settle: 10 * time.Second,
		Timeout: 30 * time.Second,
		// At most: the order is read where the document leaves out a product_id.
		Uses: append(uses("delivery_send"), uses("order_get")...), LookupUses: uses("order_get"),
		Key:  connectors.KeyRule{MaxLen: 128, Text: "the shop never sees the key; a parcel is found by its waybill"},
		List: connectors.Listing{Reason: "the shop lists orders, not parcels; compare the orders stream"},
	}}
}

// conn is one shop.
type conn struct {
	log   *zap.Logger
	now   func() time.Time
	appID string
	store string
	*client
	push      *push      // nil: no message push configured
	receivers *receivers // nil: receivers are never decoded
	products  sync.Map   // SKU id -> product id, both text
}

func open(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
	c := &conn{log: env.Log, now: env.Now, appID: cfg.String("app_id"), store: cfg.String("store")}
	if c.now == nil {
		c.now = time.Now
	}
	if c.log == nil {
		c.log = zap.NewNop()
	}
	token, aesKey := cfg.Secret("push_token"), cfg.Secret("encoding_aes_key")
	if token.Empty() != aesKey.Empty() {
		return nil, fmt.Errorf("open wechatshop: push_token and encoding_aes_key belong together: give both or none")
	}
	if !token.Empty() {
		key, err := decodeAESKey(aesKey)
		if err != nil {
			return nil, fmt.Errorf("open wechatshop: %w", err)
		}
		c.push = &push{token: token, key: key, appID: c.appID}
	}
	if cfg.String("decode") == "auto" {
		c.receivers = &receivers{shown: map[string]shown{}}
	}
	c.client = newClient(cfg, env.Transport, c.now)
	return c, nil
}

// Close drops idle connections.
func (c *conn) Close() error {
	c.client.http.Close()
	return nil
}

// decodeAESKey reads the 43 characters of an EncodingAESKey. The last character may
// carry spare bits that are not zero, which Go's decoder passes over.
func decodeAESKey(s connectors.Secret) ([]byte, error) {
	if len(s.Reveal()) != 43 {
		return nil, fmt.Errorf("encoding_aes_key has %d characters, want the 43 that the console shows", len(s.Reveal()))
	}
	key, err := base64.StdEncoding.DecodeString(s.Reveal() + "=")
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("encoding_aes_key is not base64: copy the 43 letters and digits that the console shows")
	}
	return key, nil
}
