package sfexpress

import (
	"context"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
)

// The names of what a connection offers.
const (
	opCreate = "order.create"
	opCancel = "order.cancel"
	routes   = "routes"
)

// The vendor's services.
const (
	svcCreate = "EXP_RECE_CREATE_ORDER"
	svcSearch = "EXP_RECE_SEARCH_ORDER_RESP"
	svcUpdate = "EXP_RECE_UPDATE_ORDER"
	svcRoutes = "EXP_RECE_SEARCH_ROUTES"
)

const (
	settle     = 10 * time.Second
	checkAgain = 5 * time.Minute // a manual check is done by people
	maxRoutes  = 10              // numbers of one route query; above, 8003
)

// Connector declares SF Express.
func Connector() *connectors.Connector {
	noList := connectors.Listing{Reason: "the platform has no call that lists orders or waybills: each is asked for by its number"}
	use := func(service string) []connectors.Use { return []connectors.Use{{Limit: service, Cost: 1}} }
	limit := func(service string) connectors.Limit {
		return connectors.Limit{Name: service, Requests: 30, Per: time.Second,
			Text: "30 calls a second for each service and customer code, as the API overview says for the integration environment (with 3000 a day there); production is by contract"}
	}
	key := connectors.KeyRule{MaxLen: 64, Pattern: `^[!-~]+$`, GenSep: "-g", Text: "orderId: at most 64 visible ASCII characters; a cancelled id can never be used again"}
	return &connectors.Connector{
		Name: "sfexpress", Title: "顺丰 SF Express", Role: "logistics",
		Text: "Waybills of SF Express: orders made and cancelled, routes by waybill.",
		Docs: "https://open.sf-express.com/Api/ApiDetails?level3=393",
		Config: []connectors.Field{
			{Name: "base_url", Kind: connectors.FieldURL, Required: true, Default: "https://bspgw.sf-express.com/std/service", Text: "the platform; the sandbox is https://sfapi-sbox.sf-express.com/std/service"},
			{Name: "partner_id", Kind: connectors.FieldString, Required: true, Text: "customer code (顾客编码)", Example: "DEMOPARTNER"},
			{Name: "check_word", Kind: connectors.FieldSecret, Required: true, Text: "check word (校验码) of the environment: sandbox and production have different ones"},
			{Name: "digest", Kind: connectors.FieldString, Default: digestStandard, Enum: []string{digestStandard, digestSimple, digestSM3}, Text: "how calls are signed, as set for the application in the vendor's console: 标准MD5, 简易MD5 or SM3"},
			{Name: "monthly_card", Kind: connectors.FieldString, Text: "monthly card of orders whose document names none, 10 digits", Example: "7551234567"},
			{Name: "check_phone", Kind: connectors.FieldString, Text: "last four digits of the sender's phone, for routes of waybills that are not on the monthly card", Example: "0001"},
			{Name: "push_secret", Kind: connectors.FieldSecret, Text: "last part of the address that RoutePush posts to, which is not signed: at least 16 characters that nobody can guess; without it pushes are refused"},
		},
		Limits: []connectors.Limit{limit(svcCreate), limit(svcSearch), limit(svcUpdate), limit(svcRoutes)},
		Streams: []connectors.Stream{{
			Name: routes, Entity: "tracking", Schema: "vendors/sfexpress/tracking", Push: true, Hints: true,
			Text:       "Routes of a waybill. RoutePush names the waybill, EXP_RECE_SEARCH_ROUTES has the document. A waybill without events yet is a document without routes.",
			FetchBatch: maxRoutes, FetchUses: use(svcRoutes), List: noList,
		}},
		Operations: []connectors.Operation{
			{
				Name: opCreate, Entity: "shipment", Schema: "vendors/sfexpress/order.create",
				Text: "EXP_RECE_CREATE_ORDER: makes an order and its waybills. A look-up knows the order by its id, its cancellation and the number of its " +
					"waybills: the search shows neither receiver nor goods.",
				Carries: connectors.State, Changes: connectors.CreateOnly, Repeat: connectors.AskFirst, Settle: settle, Poll: checkAgain,
				Uses: use(svcCreate), LookupUses: use(svcSearch), PollUses: use(svcSearch), Key: key, List: noList,
			},
			{
				Name: opCancel, Entity: "shipment", Schema: "vendors/sfexpress/order.cancel",
				Text:    "EXP_RECE_UPDATE_ORDER with dealType 2. Works before pickup; later it is refused as a conflict.",
				Carries: connectors.State, Changes: connectors.Upsert, Undoes: opCreate, Repeat: connectors.Idempotent,
				Uses: use(svcUpdate), LookupUses: use(svcSearch), Key: key, List: noList,
			},
		},
		Open: open,
	}
}

// conn is one customer code of one environment.
type conn struct {
	http    *vendorhttp.Client
	now     func() time.Time
	url     string
	partner string
	digest  string
	word    connectors.Secret
	card    string
	phone   string
	secret  connectors.Secret // of the push address
}

var (
	_ connectors.Sink     = (*conn)(nil)
	_ connectors.Looker   = (*conn)(nil)
	_ connectors.Poller   = (*conn)(nil)
	_ connectors.Fetcher  = (*conn)(nil)
	_ connectors.Receiver = (*conn)(nil)
	_ connectors.Querier  = (*conn)(nil)
	_ connectors.Pinger   = (*conn)(nil)
)

// shortestSecret is the least length of push_secret: it stands for a signature.
const shortestSecret = 16

func open(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
	c := &conn{
		now: env.Now, url: cfg.String("base_url"), partner: cfg.String("partner_id"), digest: cfg.String("digest"), word: cfg.Secret("check_word"),
		card: cfg.String("monthly_card"), phone: cfg.String("check_phone"), secret: cfg.Secret("push_secret"),
	}
	if n := len(c.secret.Reveal()); n > 0 && n < shortestSecret {
		return nil, &connectors.FieldError{Field: "push_secret", Text: "is too short: pushes are not signed, so take at least 16 random characters"}
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.http = vendorhttp.New(vendorhttp.Options{Transport: env.Transport})
	return c, nil
}

// Close drops idle connections.
func (c *conn) Close() error {
	c.http.Close()
	return nil
}
