package app

import (
	"context"
	"sync"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/pipelines/ledger"
)

// tables are the lookup tables mappings read: the files are the seed, the ledger's
// entries lie over them and take effect at once.
type tables struct {
	files *mappings.Lookups

	mu   sync.RWMutex
	over map[string]map[string]string
}

func newTables(files *mappings.Lookups) *tables {
	return &tables{files: files, over: map[string]map[string]string{}}
}

// load reads the ledger's entries.
func (t *tables) load(ctx context.Context, l ledger.Ledger) error {
	for _, name := range t.files.Names() {
		entries, err := l.Lookups(ctx, name)
		if err != nil {
			return err
		}
		t.mu.Lock()
		t.over[name] = entries
		t.mu.Unlock()
	}
	return nil
}

// Names lists the tables.
func (t *tables) Names() []string { return t.files.Names() }

// Has says whether a table exists.
func (t *tables) Has(table string) bool { return t.files.Has(table) }

func (t *tables) Get(table, key string) (any, bool) {
	t.mu.RLock()
	v, ok := t.over[table][key]
	t.mu.RUnlock()
	if ok {
		return v, true
	}
	return t.files.Get(table, key)
}

// Put lays an entry over the files.
func (t *tables) Put(table, key, value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over[table] == nil {
		t.over[table] = map[string]string{}
	}
	t.over[table][key] = value
}
