package manifest

import (
	"context"
	"encoding/json"

	"github.com/minihub/minihub/connectors"
)

func (ld *loader) operation(_ *spec, _ *operationSpec, _ spot) {}

// Deliver makes the write of an operation.
func (a *account) Deliver(_ context.Context, operation string, _ []connectors.Delivery) ([]connectors.Result, error) {
	return nil, a.noSuch("operation", operation)
}

// Lookup tells what became of a write.
func (a *account) Lookup(_ context.Context, operation string, _ []connectors.Delivery) ([]connectors.Finding, error) {
	return nil, a.noSuch("operation", operation)
}

// Poll asks how accepted writes ended.
func (a *account) Poll(_ context.Context, operation string, _ []connectors.Ticket) ([]connectors.Result, error) {
	return nil, a.noSuch("operation", operation)
}

func (ld *loader) reconcile(_ *reconcileSpec, _ string, _ spot, _ *listSpec, _ *fetchSpec, _, _ []string) {
}

// List pages through what the vendor holds.
func (a *account) List(_ context.Context, name string, _ connectors.Window, _ string) (connectors.Listed, error) {
	return connectors.Listed{}, a.noSuch("list", name)
}

// Get returns summaries for keys.
func (a *account) Get(_ context.Context, name string, _ []string) ([]connectors.Summary, error) {
	return nil, a.noSuch("list", name)
}

// Summarize reads a document we sent as the vendor would hold it.
func (a *account) Summarize(name string, _ json.RawMessage) (connectors.Summary, error) {
	return connectors.Summary{}, a.noSuch("list", name)
}
