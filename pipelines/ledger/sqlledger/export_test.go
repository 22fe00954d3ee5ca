package sqlledger

import "context"

// OpenBroken opens a store with one guard taken away.
func OpenBroken(ctx context.Context, o Options, guard string) (*Store, error) {
	return open(ctx, o, guard)
}
