package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
)

// The names of what a connection offers.
const (
	opPush   = "event.push"
	opAsked  = "event.push.asked"
	inbound  = "events"
	settle   = 3 * time.Second
	deadline = 20 * time.Second // the specification advises 15 to 30 s
)

// Connector declares Standard Webhooks.
func Connector() *connectors.Connector {
	noList := connectors.Listing{Reason: "Standard Webhooks knows no call that lists what a receiver holds"}
	push := connectors.Operation{
		Name: opPush, Entity: "event", Schema: "vendors/webhook/event.push",
		Text:    "Posts a signed event to a receiver that dedupes by webhook-id.",
		Carries: connectors.Event, Changes: connectors.Upsert, Repeat: connectors.Idempotent,
		Timeout: deadline, List: noList,
	}
	asked := push
	asked.Name, asked.Schema = opAsked, "vendors/webhook/event.push.asked"
	asked.Text = "Posts a signed event to a receiver that does not dedupe; after an unknown outcome lookup_url is asked."
	asked.Repeat, asked.Settle = connectors.AskFirst, settle
	return &connectors.Connector{
		Name: "webhook", Title: "Standard Webhooks", Role: "any",
		Text: "Signed HTTP events, out to any receiver and in from any sender that follows Standard Webhooks.",
		Docs: "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
		Config: []connectors.Field{
			{Name: "url", Kind: connectors.FieldURL, Text: "where events are posted; needed for event.push and event.push.asked", Example: "https://crm.example/hooks/orders"},
			{Name: "secret", Kind: connectors.FieldSecret, Required: true, Text: "signing secret, whsec_ and 24 to 64 bytes in base64: signs what is posted and verifies what comes in"},
			{Name: "old_secret", Kind: connectors.FieldSecret, Text: "the secret being replaced: posts carry a signature of both, and either is accepted from a sender"},
			{Name: "lookup_url", Kind: connectors.FieldURL, Text: "where event.push.asked asks for a key, as GET lookup_url?key=...", Example: "https://crm.example/events"},
			{Name: "lookup_token", Kind: connectors.FieldSecret, Text: "bearer token for lookup_url"},
			{Name: "key_pointer", Kind: connectors.FieldString, Text: "JSON pointer to the record key in a received body; empty: the webhook-id is the key", Example: "/data/order_no"},
			{Name: "root_pointer", Kind: connectors.FieldString, Text: "JSON pointer to the key of the root a received body belongs to; empty: its own key"},
			{Name: "version_pointer", Kind: connectors.FieldString, Text: "JSON pointer to a number, or an RFC 3339 time, that rises with every change; empty: the sender has none", Example: "/data/version"},
		},
		Streams: []connectors.Stream{{
			Name: inbound, Entity: "event", Push: true, Schema: "vendors/webhook/event",
			Text: "Signed events that others post to the connection's intake URL.", List: noList,
		}},
		Operations: []connectors.Operation{push, asked},
		Open:       open,
	}
}

// connection is one receiver, one sender, or both.
type connection struct {
	http        *vendorhttp.Client
	now         func() time.Time
	url         string
	lookupURL   string
	lookupToken connectors.Secret
	keys        []signingKey // the current secret first
	keyAt       pointer
	rootAt      pointer
	versionAt   pointer
}

var (
	_ connectors.Sink     = (*connection)(nil)
	_ connectors.Looker   = (*connection)(nil)
	_ connectors.Receiver = (*connection)(nil)
)

func open(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
	c := &connection{url: cfg.String("url"), lookupURL: cfg.String("lookup_url"), lookupToken: cfg.Secret("lookup_token"), now: env.Now}
	if c.now == nil {
		c.now = time.Now
	}
	for _, name := range []string{"secret", "old_secret"} {
		s := cfg.Secret(name)
		if s.Empty() {
			continue
		}
		k, err := parseSecret(s)
		if err != nil {
			return nil, &connectors.FieldError{Field: name, Text: err.Error()}
		}
		c.keys = append(c.keys, k)
	}
	for name, at := range map[string]*pointer{"key_pointer": &c.keyAt, "root_pointer": &c.rootAt, "version_pointer": &c.versionAt} {
		p, err := parsePointer(cfg.String(name))
		if err != nil {
			return nil, &connectors.FieldError{Field: name, Text: fmt.Sprintf("%q: %v", cfg.String(name), err)}
		}
		*at = p
	}
	c.http = vendorhttp.New(vendorhttp.Options{Transport: env.Transport, ShowParams: []string{"key"}})
	return c, nil
}

// Close drops idle connections.
func (c *connection) Close() error {
	c.http.Close()
	return nil
}
