package filedrop

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/connectors"
)

// connection is one place with the streams and operations of its description.
type connection struct {
	place      place
	log        *zap.Logger
	now        func() time.Time
	streams    map[string]*stream
	operations map[string]*operationSpec
	patience   time.Duration

	mu    sync.Mutex
	swept map[string]int // next bucket of each operation's journal to clear
}

// stream is a described stream and the file it has open.
type stream struct {
	*streamSpec
	mu    sync.Mutex // one pull or acknowledgement at a time
	open  *opened
	acked map[string]bool // files done with, so that it is not asked twice
}

var (
	_ connectors.Source = (*connection)(nil)
	_ connectors.Acker  = (*connection)(nil)
	_ connectors.Sink   = (*connection)(nil)
	_ connectors.Looker = (*connection)(nil)
	_ connectors.Pinger = (*connection)(nil)
)

func newConnection(p place, streams []*streamSpec, operations []*operationSpec, env connectors.Env) *connection {
	c := &connection{place: p, log: env.Log, now: env.Now, streams: map[string]*stream{}, operations: map[string]*operationSpec{}, swept: map[string]int{}, patience: patience}
	if c.log == nil {
		c.log = zap.NewNop()
	}
	if c.now == nil {
		c.now = time.Now
	}
	for _, s := range streams {
		c.streams[s.Name] = &stream{streamSpec: s, acked: map[string]bool{}}
	}
	for _, o := range operations {
		c.operations[o.Name] = o
	}
	return c
}

// Ping looks into every folder.
func (c *connection) Ping(ctx context.Context) error {
	folders := map[string]bool{}
	for _, s := range c.streams {
		folders[s.Folder] = true
	}
	for _, o := range c.operations {
		folders[o.Folder] = true
	}
	for f := range folders {
		if _, err := c.place.list(ctx, f); err != nil {
			return placeError("the folder "+f+" cannot be listed", err, false)
		}
	}
	return nil
}

// Close lets go of open files and of the place. It may be called twice.
func (c *connection) Close() error {
	var errs []error
	for _, s := range c.streams {
		s.mu.Lock()
		errs = append(errs, s.drop())
		s.mu.Unlock()
	}
	if err := c.place.close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
