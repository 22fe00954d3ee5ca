package tryton

import (
	"context"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
)

// Names of the operations.
const (
	opParty  = "party.push"
	opSale   = "sale.push"
	opCancel = "sale.cancel"
)

// Connector declares Tryton.
func Connector() *connectors.Connector {
	return &connectors.Connector{
		Name:   "tryton",
		Title:  "Tryton ERP",
		Role:   "erp",
		Text:   "Customers and sales into a Tryton 6.0 ERP over JSON-RPC. A sale is created, checked against its expected total, quoted and confirmed.",
		Docs:   "https://docs.tryton.org/",
		Config: fields(),
		Limits: []connectors.Limit{{Name: "server", Concurrent: 4,
			Text: "one interpreter serves 13 to 20 sales a second whatever the number of clients; more at once only wait"}},
		Operations: operations(),
		Open:       open,
	}
}

func fields() []connectors.Field {
	return []connectors.Field{
		{Name: "base_url", Kind: connectors.FieldURL, Required: true, Text: "address of the server, without the database", Example: "http://erp.example.test:8000"},
		{Name: "database", Kind: connectors.FieldString, Required: true, Text: "name of the database", Example: "tryton"},
		{Name: "username", Kind: connectors.FieldString, Required: true, Text: "login name of a user of the hub's own", Example: "minihub"},
		{Name: "password", Kind: connectors.FieldSecret, Required: true, Text: "its password"},
		{Name: "company", Kind: connectors.FieldString, Text: "name of the company, for a user of several; else the user's current one"},
		{Name: "language", Kind: connectors.FieldString, Default: "en", Text: "language of messages and of the names that taxes and terms are found by", Example: "zh_CN"},
		{Name: "book_as", Kind: connectors.FieldString, Default: confirmed, Enum: []string{confirmed, quotation},
			Text: "confirmed: a sale is confirmed at once, and one that must go is taken back by a return sale; quotation: people confirm it, and until then it is simply cancelled"},
		{Name: "walk_in_party", Kind: connectors.FieldString, Text: "party code for sales that name no party", Example: "WALK-IN"},
		{Name: "store", Kind: connectors.FieldString, Text: "the hub's code of the store whose sales these are, shown in reconciliation"},
	}
}

func operations() []connectors.Operation {
	server := []connectors.Use{{Limit: "server", Cost: 1}}
	return []connectors.Operation{
		{
			Name: opParty, Entity: "member", Schema: "vendors/tryton/party.push",
			Text:    "creates a party or writes its name, and adds addresses and contact mechanisms that it lacks; it removes none",
			Carries: connectors.State, Changes: connectors.Upsert,
			Repeat: connectors.AskFirst, Settle: 5 * time.Second, Timeout: 90 * time.Second,
			Uses: server, LookupUses: server,
			Key:  connectors.KeyRule{MaxLen: 128, Pattern: keyPattern, Text: "becomes the party's code: no spaces at its ends"},
			List: connectors.Listing{Can: true, By: "modified"},
		},
		{
			Name: opSale, Entity: "order", Schema: "vendors/tryton/sale.push",
			Text:    "creates a sale, compares its total, quotes and (with book_as: confirmed) confirms it",
			Carries: connectors.State, Changes: connectors.CreateOnly,
			Repeat: connectors.AskFirst, Settle: 5 * time.Second, MultiStep: true, Timeout: 90 * time.Second,
			Uses: server, LookupUses: server,
			Key:  connectors.KeyRule{MaxLen: 128, Pattern: keyPattern, Text: "becomes the sale's reference: no spaces at its ends"},
			List: connectors.Listing{Can: true, By: "modified"},
		},
		{
			Name: opCancel, Entity: "order", Schema: "vendors/tryton/sale.cancel",
			Text:    "cancels a sale; one that is processed is taken back: its shipments and draft invoices are cancelled and a return sale of all its lines is confirmed. What is picked, shipped or invoiced with a posted invoice is refused",
			Carries: connectors.State, Changes: connectors.CreateOnly, Undoes: opSale,
			// Tryton would make a second return for a second request, so it is asked first.
			Repeat: connectors.AskFirst, Settle: 5 * time.Second, MultiStep: true, Timeout: 90 * time.Second,
			Uses: server, LookupUses: server,
			Key:  connectors.KeyRule{MaxLen: 128, Pattern: keyPattern, Text: "the reference of the sale"},
			List: connectors.Listing{Reason: "a cancellation shows at its sale: list " + opSale},
		},
	}
}

const keyPattern = `\S(.*\S)?`

// conn is one database of one server.
type conn struct {
	*client
	codes  *codes
	bookAs string // the state in which the hub leaves a sale
	walkIn string
	store  string
}

func open(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
	now := env.Now
	if now == nil {
		now = time.Now
	}
	return &conn{
		client: newClient(cfg, env.Transport, now),
		codes:  newCodes(now),
		bookAs: cfg.String("book_as"),
		walkIn: strings.TrimSpace(cfg.String("walk_in_party")),
		store:  cfg.String("store"),
	}, nil
}

// Close drops idle connections.
func (c *conn) Close() error {
	c.http.Close()
	return nil
}

// Ping logs in and asks for the company's day.
func (c *conn) Ping(ctx context.Context) error {
	var day date
	if err := c.run().call(ctx, &day, "model.ir.date.today"); err != nil {
		return err
	}
	return nil
}

var _ connectors.Pinger = (*conn)(nil)
