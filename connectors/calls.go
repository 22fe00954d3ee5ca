package connectors

import (
	"context"
	"time"
)

// Made is one call to a vendor as a watcher is told of it. It never carries a path, a
// query or a body: they hold keys, tokens and people (Invariant 8).
type Made struct {
	Method         string
	Host           string
	Status         int    // 0: there was no answer
	Code           string // of the *Error, empty = answered
	Started, Ended time.Time
}

type watchKey struct{}

// WatchCalls returns a context whose calls are told to see, from any goroutine: a token
// that several wait for may be fetched after the work that began it has ended.
func WatchCalls(ctx context.Context, see func(Made)) context.Context {
	return context.WithValue(ctx, watchKey{}, see)
}

// CallWatcher returns what WatchCalls put into the context; nil when nobody watches.
func CallWatcher(ctx context.Context) func(Made) {
	see, _ := ctx.Value(watchKey{}).(func(Made))
	return see
}
