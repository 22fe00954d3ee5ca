package manifest

import (
	"context"

	"github.com/minihub/minihub/connectors"
)

func (ld *loader) callback(_ *spec, _ *callbackSpec, _ spot) {}

// Receive checks a request and reads its items.
func (a *account) Receive(_ context.Context, _ connectors.Request) (connectors.Received, error) {
	return connectors.Received{}, a.noSuch("callback", "")
}

// Reply is the answer in the vendor's words.
func (a *account) Reply(_ connectors.Verdict, _ connectors.Received, _ error) connectors.Response {
	return connectors.Response{Status: 404}
}
