package external_test

import (
	"context"
	"io"

	"github.com/minihub/minihub/connectors"
)

// rogues are programs that break the protocol, by name.
var rogues = map[string]func(in io.Reader, out io.Writer){}

func stepsConnector() *connectors.Connector {
	return &connectors.Connector{Name: "steps", Title: "Steps", Role: "any", Text: "t", Docs: "d",
		Open: func(context.Context, connectors.Config, connectors.Env) (connectors.Connection, error) { return nil, nil }}
}
