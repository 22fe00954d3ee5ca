package jushuitan

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/token"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
)

// The operations.
const (
	opOrder     = "order.push"
	opCancel    = "order.cancel"
	opAfterSale = "aftersale.push"
)

// maxBatch documents go into one upload. The vendor's pages name no ceiling that all
// of them share; twenty is also what a look-up by so_ids takes at once.
const maxBatch = 20

// The kinds of app: who authorised it decides how a token is had.
const (
	ownApp = "own"
	isvApp = "isv"
)

// Connector declares 聚水潭.
func Connector() *connectors.Connector {
	call := []connectors.Use{{Limit: "second", Cost: 1}, {Limit: "minute", Cost: 1}}
	twice := []connectors.Use{{Limit: "second", Cost: 2}, {Limit: "minute", Cost: 2}}
	key := connectors.KeyRule{MaxLen: 50, Pattern: `^[0-9A-Za-z_.:/#-]+$`, Text: "at most 50 characters, unique within the shop"}
	return &connectors.Connector{
		Name: "jushuitan", Title: "聚水潭 Jushuitan", Role: "oms",
		Text: "Pushes orders and after-sales of own-mall shops to the OMS, cancels orders before they ship, brings shipments back, and lists both for reconciliation.",
		Docs: "https://openweb.jushuitan.com/dev-doc",
		Config: []connectors.Field{
			{Name: "url", Kind: connectors.FieldURL, Default: "https://openapi.jushuitan.com", Text: "the gateway; the sandbox is https://dev-api.jushuitan.com"},
			{Name: "app_key", Kind: connectors.FieldString, Required: true, Text: "app_key of the open platform's app"},
			{Name: "app_secret", Kind: connectors.FieldSecret, Required: true, Text: "app_secret of the app: signs every call"},
			{Name: "app", Kind: connectors.FieldString, Default: ownApp, Enum: []string{ownApp, isvApp}, Text: "own: self-built by the merchant, gets and renews its tokens; isv: a service provider's, authorised by the merchant"},
			{Name: "access_token", Kind: connectors.FieldSecret, Text: "first access token; needed for app isv, an own app gets one by itself"},
			{Name: "refresh_token", Kind: connectors.FieldSecret, Text: "first refresh token; later ones are kept in the vault"},
			{Name: "authorized_until", Kind: connectors.FieldString, Text: "when the merchant's authorisation of an app isv ends; people hear of it in time", Example: "2026-12-20T00:00:00+08:00"},
			{Name: "callback_key", Kind: connectors.FieldSecret, Text: "partnerkey of the ERP's callbacks (own-mall shops, 物流同步); without it they are refused and shipments are only pulled"},
			{Name: "callback_partner", Kind: connectors.FieldString, Text: "partnerid that callbacks must carry; empty: any"},
			{Name: "shop_id", Kind: connectors.FieldString, Text: "limits lists to one shop; empty: all shops of the merchant", Example: "10001"},
		},
		Limits: []connectors.Limit{
			{Name: "second", Requests: 5, Per: time.Second, Text: "code 199: more than 5 calls in one second"},
			{Name: "minute", Requests: 100, Per: time.Minute, Text: "code 200: more than 100 calls in one minute"},
		},
		Streams: []connectors.Stream{{
			Name: streamShipments, Entity: "shipment", Schema: "vendors/jushuitan/shipment",
			Text: "what has shipped (logistic/query), by time of the last change; the callback logistics.upload names a shipment, which is then read. " +
				"The root is so_id, the remote key of order.push.",
			Pull: true, Push: true, Hints: true,
			Windowed: true, MaxSpan: maxSpan, Overlap: 10 * time.Minute, Delay: 30 * time.Second, Grain: time.Second,
			RootEntity: "order", FetchBatch: maxBatch, PullUses: call, FetchUses: call,
			List: connectors.Listing{Reason: "that an order has shipped is its status: reconcile order.push"},
		}},
		Operations: []connectors.Operation{
			{
				Name: opOrder, Entity: "order", Schema: "vendors/jushuitan/order.push",
				Text:    "orders/upload: creates or updates an order by shop_id and so_id.",
				Carries: connectors.State, Changes: connectors.Upsert, Repeat: connectors.Idempotent,
				Batch: maxBatch, Linger: 200 * time.Millisecond, Uses: call, LookupUses: call, Key: key,
				List: connectors.Listing{Can: true, By: "modified"},
			}, {
				Name: opCancel, Entity: "order", Schema: "vendors/jushuitan/order.cancel", Undoes: opOrder,
				Text:    "orderbyoid/cancel: cancels an order that has not shipped, after reading what became of it.",
				Carries: connectors.State, Changes: connectors.Upsert, Repeat: connectors.Idempotent,
				Uses: twice, LookupUses: call, Key: key,
				List: connectors.Listing{Reason: "a cancellation is the status of its order: reconcile order.push"},
			}, {
				Name: opAfterSale, Entity: "after_sale", Schema: "vendors/jushuitan/aftersale.push",
				Text:    "aftersale/upload: creates or updates an after-sale by outer_as_id.",
				Carries: connectors.State, Changes: connectors.Upsert, Repeat: connectors.Idempotent,
				Batch: maxBatch, Linger: 200 * time.Millisecond, Uses: call, LookupUses: call, Key: key,
				List: connectors.Listing{Can: true, By: "modified"},
			},
		},
		Open: open,
	}
}

// connection is one app authorised by one merchant.
type connection struct {
	http   *vendorhttp.Client
	log    *zap.Logger
	now    func() time.Time
	clock  clock
	url    string
	appKey string
	secret connectors.Secret
	shop   string
	tokens *token.Cache
	keeper *keeper

	callback callback
}

var (
	_ connectors.Sink    = (*connection)(nil)
	_ connectors.Looker  = (*connection)(nil)
	_ connectors.Querier = (*connection)(nil)
	_ connectors.Pinger  = (*connection)(nil)
)

func open(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
	c := &connection{
		http: vendorhttp.New(vendorhttp.Options{Transport: env.Transport}),
		log:  env.Log, now: env.Now, url: cfg.String("url"), appKey: cfg.String("app_key"), secret: cfg.Secret("app_secret"), shop: cfg.String("shop_id"),
	}
	c.callback = callback{partner: cfg.String("callback_partner"), key: cfg.Secret("callback_key")}
	if c.now == nil {
		c.now = time.Now
	}
	if c.log == nil {
		c.log = zap.NewNop()
	}
	if cfg.String("app") == isvApp && cfg.Secret("access_token").Empty() {
		return nil, &connectors.FieldError{Field: "access_token", Text: "is required for app isv: have the merchant authorise the app and put the pair in"}
	}
	if c.shop != "" && !digits(c.shop) {
		return nil, &connectors.FieldError{Field: "shop_id", Text: "is a number in the ERP: take it from shops/query"}
	}
	c.keeper = &keeper{
		conn: c, vault: env.Vault, name: env.Name + "/token", own: cfg.String("app") == ownApp,
		pair: pair{Access: cfg.Secret("access_token").Reveal(), Refresh: cfg.Secret("refresh_token").Reveal()},
	}
	if until := cfg.String("authorized_until"); until != "" {
		t, err := time.Parse(time.RFC3339, until)
		if err != nil {
			return nil, &connectors.FieldError{Field: "authorized_until", Text: "is no time: write it like 2026-12-20T00:00:00+08:00"}
		}
		c.keeper.pair.Expires = t.Unix()
	}
	c.keeper.tell()
	c.tokens = token.New(c.keeper.fetch, early, c.now)
	return c, nil
}

// Close drops idle connections.
func (c *connection) Close() error {
	c.http.Close()
	return nil
}
