package qimen

import (
	"context"
	"net/url"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
)

// The names of what a connection offers.
const (
	opCreate = "delivery.create"
	opCancel = "delivery.cancel"
	confirms = "confirmations"
)

// The vendor's methods.
const (
	callCreate  = "deliveryorder.create"
	callQuery   = "deliveryorder.query"
	callCancel  = "order.cancel"
	callConfirm = "deliveryorder.confirm"
	longPrefix  = "taobao.qimen."
)

// settle is how long a create that was cut off may still be on its way through the
// gateway and the warehouse's own queue.
const settle = 30 * time.Second

// Connector declares the Qimen WMS protocol.
func Connector() *connectors.Connector {
	noList := connectors.Listing{Reason: "the protocol has no call that lists orders by time: each is asked for by its code"}
	key := connectors.KeyRule{MaxLen: 50, Pattern: `^[!-~]+$`, Text: "deliveryOrderCode: at most 50 characters; visible ASCII, since warehouses print it as a barcode"}
	call := []connectors.Use{{Limit: "calls", Cost: 1}}
	return &connectors.Connector{
		Name: "qimen", Title: "奇门 Qimen WMS", Role: "wms",
		Text: "Warehouses that speak the Qimen WMS protocol: delivery orders out, cancels, confirmations with waybills in.",
		Docs: "https://open.taobao.com/docV3.htm, group 奇门仓储: methods 26000, 26001, 26002, 24690",
		Config: []connectors.Field{
			{Name: "base_url", Kind: connectors.FieldURL, Required: true, Default: "https://qimen.api.taobao.com/router/qimen/service", Text: "the gateway, or the address agreed with the warehouse"},
			{Name: "app_key", Kind: connectors.FieldString, Required: true, Text: "app key", Example: "12345678"},
			{Name: "secret", Kind: connectors.FieldSecret, Required: true, Text: "signs calls and verifies what the warehouse posts"},
			{Name: "customer_id", Kind: connectors.FieldString, Required: true, Text: "customerId, agreed when the warehouse was connected", Example: "c1234567"},
			{Name: "owner_code", Kind: connectors.FieldString, Text: "ownerCode, for queries that have no document at hand", Example: "OWN01"},
			{Name: "warehouse_code", Kind: connectors.FieldString, Text: "warehouseCode, for queries that have no document at hand", Example: "WH01"},
			{Name: "can_query", Kind: connectors.FieldBool, Default: "true", Text: "the warehouse offers deliveryorder.query; without it an unknown outcome waits for a person"},
			{Name: "sign_method", Kind: connectors.FieldString, Default: signMD5, Enum: []string{signMD5, signHMAC}, Text: "how calls are signed"},
			{Name: "version", Kind: connectors.FieldString, Default: "2.0", Text: "the query parameter v"},
			{Name: "long_methods", Kind: connectors.FieldBool, Default: "false", Text: "send taobao.qimen.order.cancel in place of order.cancel"},
			{Name: "target_app_key", Kind: connectors.FieldString, Text: "target_app_key, where the gateway asks for it"},
		},
		Limits: []connectors.Limit{{Name: "calls", Concurrent: 10, Text: "the protocol states no limit; ten calls at once spare the warehouse"}},
		Streams: []connectors.Stream{{
			Name: confirms, Entity: "shipment", Push: true, Schema: "vendors/qimen/shipment", List: noList,
			Text: "deliveryorder.confirm as the warehouse posts it: XML, one record a message. The root is deliveryOrderCode.",
		}},
		Operations: []connectors.Operation{
			{
				Name: opCreate, Entity: "order", Schema: "vendors/qimen/delivery.create",
				Text: "deliveryorder.create. A repeated code changes nothing at the warehouse. A look-up compares order type, warehouse, lines and " +
					"whether it was cancelled: the query shows neither receiver nor amounts.",
				Carries: connectors.State, Changes: connectors.CreateOnly, Repeat: connectors.AskFirst, Settle: settle,
				Uses: call, LookupUses: call, Key: key, List: noList,
			},
			{
				Name: opCancel, Entity: "order", Schema: "vendors/qimen/delivery.cancel",
				Text:    "order.cancel of a delivery order. Refused as a conflict once picking began: the parcel will leave, a refund must wait for the return.",
				Carries: connectors.State, Changes: connectors.Upsert, Undoes: opCreate, Repeat: connectors.Idempotent,
				Uses: call, LookupUses: call, Key: key, List: noList,
			},
		},
		Open: open,
	}
}

// conn is one customerId at one warehouse or gateway.
type conn struct {
	http      *vendorhttp.Client
	now       func() time.Time
	base      *url.URL
	query     url.Values // what every call carries and signs
	method    string     // of the signature
	prefix    string
	secret    connectors.Secret
	owner     string
	warehouse string
	canQuery  bool
}

var (
	_ connectors.Sink     = (*conn)(nil)
	_ connectors.Looker   = (*conn)(nil)
	_ connectors.Receiver = (*conn)(nil)
	_ connectors.Decoder  = (*conn)(nil)
	_ connectors.Querier  = (*conn)(nil)
	_ connectors.Pinger   = (*conn)(nil)
)

func open(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
	base, err := url.Parse(cfg.String("base_url"))
	if err != nil {
		return nil, &connectors.FieldError{Field: "base_url", Text: "is no URL"}
	}
	c := &conn{
		now: env.Now, base: base, query: url.Values{}, method: cfg.String("sign_method"), secret: cfg.Secret("secret"),
		owner: cfg.String("owner_code"), warehouse: cfg.String("warehouse_code"), canQuery: cfg.Bool("can_query"),
		http: vendorhttp.New(vendorhttp.Options{Transport: env.Transport, MaxBody: maxMessage,
			ShowParams: []string{"method", "timestamp", "format", "v", "sign_method", "customerId"}}),
	}
	if c.now == nil {
		c.now = time.Now
	}
	if cfg.Bool("long_methods") {
		c.prefix = longPrefix
	}
	for k, v := range map[string]string{
		"format": "xml", "app_key": cfg.String("app_key"), "v": cfg.String("version"), "sign_method": c.method,
		"customerId": cfg.String("customer_id"), "target_app_key": cfg.String("target_app_key"),
	} {
		if v != "" {
			c.query.Set(k, v)
		}
	}
	return c, nil
}

// Close drops idle connections.
func (c *conn) Close() error {
	c.http.Close()
	return nil
}
