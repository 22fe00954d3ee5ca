package craft

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/minihub/minihub/mappings"
)

// Memory remembers which cases were green, by a hash of all that decides about them:
// the case, its mapping, the schemas and lookup tables the mapping names, and the
// program itself. It is one JSON file; without it everything runs.
type Memory struct {
	file string

	mu      sync.Mutex
	entries map[string]remembered
	changed bool
	salt    string
	hashes  map[string]string // of lookup tables, by name
}

type remembered struct {
	Hash    string   `json:"hash"`
	Covered []string `json:"covered,omitempty"`
}

// OpenMemory reads a memory's file; one that is missing or damaged is empty. salt is
// part of every hash: it names the program that runs the mappings.
func OpenMemory(file, salt string) (*Memory, error) {
	m := &Memory{file: file, entries: map[string]remembered{}, salt: salt, hashes: map[string]string{}}
	b, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, nil
	case err != nil:
		return nil, err
	}
	if json.Unmarshal(b, &m.entries) != nil || m.entries == nil {
		m.entries = map[string]remembered{}
	}
	return m, nil
}

// Save writes what changed, whole or not at all.
func (m *Memory) Save() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.changed {
		return nil
	}
	b, err := json.Marshal(m.entries)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(m.file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(m.file), "tmp-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), m.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	m.changed = false
	return nil
}

func (m *Memory) green(file, key string) (covered []string, green bool) {
	if m == nil {
		return nil, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e, known := m.entries[file]
	return e.Covered, known && e.Hash == key
}

func (m *Memory) keep(file, key string, covered []string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries[file] = remembered{key, covered}
	m.changed = true
}

func (m *Memory) forget(file string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.entries[file]; known {
		delete(m.entries, file)
		m.changed = true
	}
}

// key is the hash of everything that decides about a case.
func (s *Suite) key(c *mappings.Case, data []byte) string {
	if s.Memory == nil {
		return ""
	}
	p, err := s.Set.Program(c.Mapping)
	if err != nil {
		return "none"
	}
	h := sha256.New()
	parts := []string{s.Memory.salt, string(data), p.Name(), p.Version()}
	for _, name := range []string{p.Input(), p.Output()} {
		if name != "" {
			parts = append(parts, name, s.Schemas.Fingerprint(name))
		}
	}
	for _, table := range p.Tables() {
		parts = append(parts, table, s.tableHash(table))
	}
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (s *Suite) tableHash(name string) string {
	s.Memory.mu.Lock()
	defer s.Memory.mu.Unlock()
	if known, ok := s.Memory.hashes[name]; ok {
		return known
	}
	var b strings.Builder
	if s.Lookups != nil {
		if t, ok := s.Lookups.Table(name); ok {
			_ = json.NewEncoder(&b).Encode(t.Entries) // a tree of JSON values
		}
	}
	sum := sha256.Sum256([]byte(b.String()))
	s.Memory.hashes[name] = string(sum[:])
	return string(sum[:])
}
