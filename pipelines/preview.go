package pipelines

import (
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/ledger"
)

// LinkContext is what the mappings of a flow read as @links: the keys and remote ids of
// the steps before them. Tools that map stored records outside the engine use it.
func LinkContext(f *flow.Flow, links []ledger.Link) map[string]any { return linksFor(f, links) }

// RemoteKey is a remote key with its generation, as the operation's target knows it.
func RemoteKey(op *connectors.Operation, base string, generation int) string {
	return remoteKey(op, base, generation)
}
