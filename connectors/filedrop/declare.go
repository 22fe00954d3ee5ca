package filedrop

import (
	"context"
	"time"

	"github.com/minihub/minihub/connectors"
)

// One Deliver writes a file and an entry of the journal for each document; SFTP servers
// can be slow to answer.
const (
	deadline    = time.Minute
	perDocument = 100 * time.Millisecond
)

// fields are the configuration of a connection; they are the same for every description.
func fields() []connectors.Field {
	return []connectors.Field{
		{Name: "root", Kind: connectors.FieldString, Required: true, Text: "a local folder, or a folder of an SFTP server as sftp://user@host:port/path; the description's folders are below it", Example: "sftp://hub@files.example:22/exchange"},
		{Name: "host_key", Kind: connectors.FieldString, Text: "SFTP: the fingerprint of the server's host key as `ssh-keygen -lf` prints it; nothing is sent to a server that shows another", Example: "SHA256:uNiVztksCsDhcc0u9e8BrrEfooINVENTEDfingerprint"},
		{Name: "password", Kind: connectors.FieldSecret, Text: "SFTP: the user's password"},
		{Name: "private_key", Kind: connectors.FieldSecret, Text: "SFTP: the user's private key (PEM or OpenSSH), asked before the password"},
		{Name: "passphrase", Kind: connectors.FieldSecret, Text: "SFTP: the passphrase of private_key"},
	}
}

// connector declares what a checked description says.
func (l *loader) connector(name string, f *fileShape) *connectors.Connector {
	c := &connectors.Connector{Name: name, Title: f.Title.Value, Role: f.Role.Value, Text: f.Text.Value, Docs: f.Docs.Value, Config: fields()}
	if c.Role == "" {
		c.Role = "any"
	}
	if c.Text == "" {
		c.Text = "Files that " + c.Title + " puts into folders or takes from them."
	}
	if c.Docs == "" {
		c.Docs = "connectors/" + name + ".yaml"
	}
	for i, s := range l.streams {
		y := f.Streams[i].Value
		c.Streams = append(c.Streams, connectors.Stream{
			Name: s.Name, Entity: y.Entity.Value, Text: y.Text.Value, Schema: y.Schema.Value, RootEntity: y.RootEntity.Value, Pull: true,
			List: connectors.Listing{Reason: "a folder holds what has changed, not what there is"},
		})
	}
	for i, o := range l.operations {
		y := f.Operations[i].Value
		c.Operations = append(c.Operations, connectors.Operation{
			Name: o.Name, Entity: y.Entity.Value, Text: y.Text.Value, Schema: y.Schema.Value,
			Carries: o.Carries, Changes: connectors.Upsert, Repeat: connectors.Idempotent, IdempotentFor: o.Keep,
			Batch: o.Batch, Linger: o.Linger, Timeout: deadline + time.Duration(o.Batch)*perDocument,
			List: connectors.Listing{Reason: "the receiver takes the files away"},
		})
	}
	streams, operations := l.streams, l.operations
	c.Open = func(_ context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
		p, err := openPlace(cfg)
		if err != nil {
			return nil, err
		}
		return newConnection(p, streams, operations, env), nil
	}
	return c
}
