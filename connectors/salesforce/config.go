package salesforce

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
)

// Names of the operations.
const (
	opContact     = "contact.push"
	opTransaction = "transaction.push"
)

const (
	maxRows   = 200 // sObject Collections: records in one call
	maxChunks = 4   // Composite allows five collections; one of them is the header
	keyText   = "becomes the external id: no spaces at its ends; Salesforce takes keys that differ in case only for one"
)

// Connector declares Salesforce.
func Connector() *connectors.Connector {
	return &connectors.Connector{
		Name:   "salesforce",
		Title:  "Salesforce",
		Role:   "crm",
		Text:   "Members as contacts and orders as a transaction object with lines, upserted by external id over the REST API.",
		Docs:   "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/",
		Config: fields(),
		Limits: []connectors.Limit{
			{Name: "daily", Requests: 100_000, Per: 24 * time.Hour,
				Text: "calls of the whole organisation in any 24 hours; Enterprise Edition has 100,000 and 1,000 more for each user licence"},
			{Name: "concurrent", Concurrent: 25, Text: "calls at once; Salesforce counts those that run for 20 seconds or longer"},
		},
		Operations: operations(),
		Open:       open,
	}
}

func operations() []connectors.Operation {
	one := []connectors.Use{{Limit: "daily", Cost: 1}, {Limit: "concurrent", Cost: 1}}
	two := []connectors.Use{{Limit: "daily", Cost: 2}, {Limit: "concurrent", Cost: 1}}
	return []connectors.Operation{
		{
			Name: opContact, Entity: "member", Schema: "vendors/salesforce/contact",
			Text:    "upserts a contact by its external id",
			Carries: connectors.State, Changes: connectors.Upsert, Repeat: connectors.Idempotent,
			Batch: maxRows, Linger: 500 * time.Millisecond, Timeout: 2 * time.Minute,
			Uses: one, LookupUses: one,
			Key:  connectors.KeyRule{MaxLen: 80, Pattern: keyPattern, Text: keyText},
			List: connectors.Listing{Can: true, By: "modified"},
		},
		{
			Name: opTransaction, Entity: "order", Schema: "vendors/salesforce/transaction",
			Text:    "upserts a transaction with its lines, all or nothing; a line that the order no longer has is set to zero",
			Carries: connectors.State, Changes: connectors.Upsert, Repeat: connectors.Idempotent,
			Timeout: 2 * time.Minute,
			Uses:    two, LookupUses: two,
			// The external id of a line is this key, a colon and up to 31 characters of line_id.
			Key:  connectors.KeyRule{MaxLen: 48, Pattern: keyPattern, Text: keyText},
			List: connectors.Listing{Can: true, By: "modified"},
		},
	}
}

const keyPattern = `\S(.*\S)?`

func fields() []connectors.Field {
	return []connectors.Field{
		{Name: "base_url", Kind: connectors.FieldURL, Required: true, Text: "the organisation's My Domain address; the client credentials flow is not served by login.salesforce.com", Example: "https://brand.my.salesforce.com"},
		{Name: "client_id", Kind: connectors.FieldString, Required: true, Text: "consumer key of a connected app with the client credentials flow and a run-as user"},
		{Name: "client_secret", Kind: connectors.FieldSecret, Required: true, Text: "its consumer secret"},
		{Name: "api_version", Kind: connectors.FieldString, Default: "v67.0", Text: "version of the REST API", Example: "v67.0"},
		{Name: "contact_object", Kind: connectors.FieldString, Default: "Contact", Text: "object that holds members"},
		{Name: "contact_key", Kind: connectors.FieldString, Default: "MemberNo__c", Text: "its external id field"},
		{Name: "transaction_object", Kind: connectors.FieldString, Default: "Transaction__c", Text: "object that holds orders"},
		{Name: "transaction_key", Kind: connectors.FieldString, Default: "External_Id__c", Text: "its external id field"},
		{Name: "transaction_contact", Kind: connectors.FieldString, Default: "Contact__r", Text: "its relationship to the contact"},
		{Name: "transaction_original", Kind: connectors.FieldString, Default: "Original__r", Text: "its relationship to the transaction that a refund or exchange follows"},
		{Name: "line_object", Kind: connectors.FieldString, Default: "TransactionLine__c", Text: "object that holds order lines"},
		{Name: "line_key", Kind: connectors.FieldString, Default: "External_Id__c", Text: "its external id field"},
		{Name: "line_parent", Kind: connectors.FieldString, Default: "Transaction__r", Text: "its relationship to the transaction"},
		{Name: "transaction_fields", Kind: connectors.FieldMap, Text: "API names that differ from the default: " + listed(headerDefaults) + ". An empty name says that the organisation has no such field", Example: "Amount: GrandTotal__c"},
		{Name: "line_fields", Kind: connectors.FieldMap, Text: "the same for lines: " + listed(lineDefaults), Example: "Sku: ProductCode__c"},
		{Name: "status_classes", Kind: connectors.FieldMap, Text: "what a status means in reconciliation: open, cancelled or closed", Example: "Storniert: cancelled"},
		{Name: "currency", Kind: connectors.FieldString, Default: "CNY", Text: "currency of transactions that carry none", Example: "CNY"},
		{Name: "store", Kind: connectors.FieldString, Text: "the hub's code of the store whose orders these are, shown in reconciliation"},
		{Name: "allow_duplicates", Kind: connectors.FieldBool, Default: "false", Text: "save a contact although a duplicate rule of Salesforce warns"},
	}
}

// The fields that a document names in plain words and their names in Salesforce.
var (
	headerDefaults = [][2]string{{"Type", "Type__c"}, {"Status", "Status__c"}, {"Amount", "TotalAmount__c"}, {"Currency", "CurrencyIsoCode"},
		{"OrderNo", "OrderNo__c"}, {"StoreCode", "StoreCode__c"}, {"PlacedAt", "PlacedAt__c"}}
	lineDefaults = [][2]string{{"LineNo", "LineNo__c"}, {"Sku", "Sku__c"}, {"Title", "Title__c"}, {"Quantity", "Quantity__c"},
		{"UnitPrice", "UnitPrice__c"}, {"Discount", "Discount__c"}, {"NetAmount", "NetAmount__c"}}
)

// names is how the organisation calls its objects and fields. They reach SOQL and
// URLs, so open lets only API names pass.
type names struct {
	contact, contactKey                           string
	header, headerKey, headerContact, headerFirst string
	line, lineKey, lineParent                     string
	headerFields, lineFields                      map[string]string
}

// conn is one organisation.
type conn struct {
	*client
	names
	classes         map[string]string
	currency, store string
	allowDuplicates bool
}

func open(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
	c := &conn{
		names: names{
			contact: cfg.String("contact_object"), contactKey: cfg.String("contact_key"),
			header: cfg.String("transaction_object"), headerKey: cfg.String("transaction_key"),
			headerContact: cfg.String("transaction_contact"), headerFirst: cfg.String("transaction_original"),
			line: cfg.String("line_object"), lineKey: cfg.String("line_key"), lineParent: cfg.String("line_parent"),
		},
		currency: cfg.String("currency"), store: cfg.String("store"), allowDuplicates: cfg.Bool("allow_duplicates"),
	}
	for _, name := range []string{"contact_object", "contact_key", "transaction_object", "transaction_key", "transaction_contact",
		"transaction_original", "line_object", "line_key", "line_parent"} {
		if !apiName.MatchString(cfg.String(name)) {
			return nil, badField(name, "%q is not the API name of an object, field or relationship", cfg.String(name))
		}
	}
	var err error
	if c.headerFields, err = fieldNames("transaction_fields", headerDefaults, cfg, "Amount"); err != nil {
		return nil, err
	}
	if c.lineFields, err = fieldNames("line_fields", lineDefaults, cfg, "Quantity", "NetAmount"); err != nil {
		return nil, err
	}
	if c.classes, err = statusClasses(cfg.Map("status_classes")); err != nil {
		return nil, err
	}
	if !versionName.MatchString(cfg.String("api_version")) {
		return nil, badField("api_version", "%q is no version; write it like v67.0", cfg.String("api_version"))
	}
	base, err := url.Parse(cfg.String("base_url"))
	if err != nil {
		return nil, badField("base_url", "cannot be read as a URL")
	}
	log, now := env.Log, env.Now
	if log == nil {
		log = zap.NewNop()
	}
	if now == nil {
		now = time.Now
	}
	c.client = newClient(base, cfg, env.Transport, now, log)
	return c, nil
}

// Close drops idle connections.
func (c *conn) Close() error {
	c.http.Close()
	return nil
}

var (
	apiName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,79}$`)
	versionName = regexp.MustCompile(`^v[0-9]{2,3}\.0$`)
)

// fieldNames lays the configured names over the defaults.
func fieldNames(field string, defaults [][2]string, cfg connectors.Config, needed ...string) (map[string]string, error) {
	out := map[string]string{}
	for _, d := range defaults {
		out[d[0]] = d[1]
	}
	given := cfg.Map(field)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		api := given[name]
		if _, ok := out[name]; !ok {
			return nil, badField(field, "%q is unknown; known: %s", name, listed(defaults))
		}
		if api == "" && slices.Contains(needed, name) {
			return nil, badField(field, "%s cannot be done without: name its field", name)
		}
		if api != "" && !apiName.MatchString(api) {
			return nil, badField(field, "%q is not the API name of a field", api)
		}
		out[name] = api
	}
	return out, nil
}

func listed(defaults [][2]string) string {
	out := make([]string, len(defaults))
	for i, d := range defaults {
		out[i] = d[0] + " (" + d[1] + ")"
	}
	return strings.Join(out, ", ")
}

// statusClasses starts with the hub's own words for the states of an order.
func statusClasses(given map[string]string) (map[string]string, error) {
	out := map[string]string{"cancelled": "cancelled", "closed": "closed", "completed": "closed"}
	for _, s := range []string{"pending_payment", "paid", "accepted", "partially_shipped", "shipped"} {
		out[s] = "open"
	}
	for _, status := range slices.Sorted(maps.Keys(given)) {
		class := given[status]
		if !slices.Contains([]string{"open", "cancelled", "closed"}, class) {
			return nil, badField("status_classes", "%q is not one of open, cancelled, closed", class)
		}
		out[status] = class
	}
	return out, nil
}

func badField(field, format string, args ...any) error {
	return &connectors.FieldError{Field: field, Text: fmt.Sprintf(format, args...)}
}
