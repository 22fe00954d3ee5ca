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
	*overlay
}

// overlay is the ledger's entries: one for all programs, since an entry is no part of any.
type overlay struct {
	mu   sync.RWMutex
	over map[string]map[string]string
}

func newOverlay() *overlay { return &overlay{over: map[string]map[string]string{}} }

func newTables(files *mappings.Lookups, o *overlay) *tables { return &tables{files, o} }

// load reads the ledger's entries.
func (t *tables) load(ctx context.Context, l ledger.Ledger) error {
	for _, name := range t.files.Names() {
		if t.knows(name) {
			continue
		}
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

// knows reports whether the entries of a table were read already: they are kept up to
// date since.
func (o *overlay) knows(table string) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	_, ok := o.over[table]
	return ok
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
func (t *overlay) Put(table, key, value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over[table] == nil {
		t.over[table] = map[string]string{}
	}
	t.over[table][key] = value
}
