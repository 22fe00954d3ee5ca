package sqlledger

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
)

// fileLock keeps a second process away from a SQLite store. The system drops it when
// the process ends, however it ends.
type fileLock struct{ f *os.File }

func lockFile(ctx context.Context, path string, wait time.Duration) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("ledger: lock: %w", err)
	}
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		ok, err := tryLock(f)
		if ok {
			return &fileLock{f}, nil
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("ledger: lock %s: %w", path, err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline.C:
			f.Close()
			return nil, fmt.Errorf("%w (%s is locked)", ledger.ErrOwned, path)
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		}
	}
}

func (l *fileLock) release() error { return l.f.Close() }
