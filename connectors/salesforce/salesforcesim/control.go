package salesforcesim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
)

func (s *Sim) find(object, key string) (*record, error) {
	o := s.objects[strings.ToLower(object)]
	if o == nil {
		return nil, fmt.Errorf("object %q is unknown", object)
	}
	f := o.field(o.key())
	if f.Type == ID {
		if r := s.store.get(o, key); r != nil {
			return r, nil
		}
	} else if found := s.store.match(o, f, key); len(found) > 0 {
		return found[0], nil
	}
	return nil, fmt.Errorf("%s %q: no such record", object, key)
}

// Delete removes a record behind the hub's back; queryAll still shows it.
func (s *Sim) Delete(object, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(object, key)
	if err != nil {
		return err
	}
	gone := *r
	gone.deleted, gone.modified = true, s.now()
	s.store.put(&gone)
	s.store.commit()
	return nil
}

// Change overwrites fields of a record as a clerk would; nil empties one. The
// vendor's own rules hold.
func (s *Sim) Change(object, key string, fields map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(object, key)
	if err != nil {
		return err
	}
	_, err = s.typeIn(r.object, r, fields)
	return err
}

// Insert puts in a record the hub never sent and returns its id. The vendor's own
// rules hold: a unique external id cannot be there twice.
func (s *Sim) Insert(object string, fields map[string]any) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[strings.ToLower(object)]
	if o == nil {
		return "", fmt.Errorf("object %q is unknown", object)
	}
	return s.typeIn(o, nil, fields)
}

// Duplicate copies a record, without its unique fields, which the vendor would not
// allow twice, and returns the id of the copy. An external id that is not unique is
// copied too: the next upsert of it answers 300.
func (s *Sim) Duplicate(object, key string) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(object, key)
	if err != nil {
		return "", err
	}
	fields := map[string]any{}
	for name, v := range r.values {
		if f := r.object.field(name); !f.Unique {
			fields[name] = v
		}
	}
	return s.typeIn(r.object, nil, fields)
}

func (s *Sim) typeIn(o *Object, old *record, fields map[string]any) (string, error) {
	in, apiErr := s.parse(o, fields)
	if apiErr == nil {
		in.clerk = true
		var rec *record
		if rec, _, apiErr = s.apply(old, in, ""); apiErr == nil {
			s.store.commit()
			return rec.id, nil
		}
	}
	return "", fmt.Errorf("%s: %s: %s", o.Name, apiErr.code, apiErr.msg)
}

// LockRow makes the next writes to a record, or to its children, answer UNABLE_TO_LOCK_ROW.
func (s *Sim) LockRow(object, key string, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locks[lockKey(object, key)] = times
}

// command is the body of a control call.
type command struct {
	Object string          `json:"object"`
	Key    string          `json:"key"`
	Times  int             `json:"times"`
	Fields json.RawMessage `json:"fields"`
}

// ControlHTTP serves /_sim/salesforce/<command>; see the package documentation.
func (s *Sim) ControlHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	if r.Method == http.MethodGet && name == "record" {
		reply{status: http.StatusOK, body: s.Record()}.write(w)
		return
	}
	if r.Method != http.MethodPost {
		reply{status: http.StatusMethodNotAllowed, body: map[string]any{"error": "use POST, or GET record"}}.write(w)
		return
	}
	dec := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	dec.DisallowUnknownFields()
	var c command
	err := dec.Decode(&c)
	var id string
	if err == nil {
		id, err = s.command(name, c)
	}
	if err != nil {
		reply{status: http.StatusBadRequest, body: map[string]any{"error": err.Error()}}.write(w)
		return
	}
	out := map[string]any{"ok": true}
	if id != "" {
		out["id"] = id
	}
	reply{status: http.StatusOK, body: out}.write(w)
}

func (s *Sim) command(name string, c command) (id string, err error) {
	fields := map[string]any{}
	if c.Fields != nil {
		v, err := decodeJSON(c.Fields)
		m, ok := v.(map[string]any)
		if err != nil || !ok {
			return "", errors.New("fields: want an object")
		}
		fields = m
	}
	switch name {
	case "delete":
		return "", s.Delete(c.Object, c.Key)
	case "change":
		return "", s.Change(c.Object, c.Key, fields)
	case "insert":
		return s.Insert(c.Object, fields)
	case "duplicate":
		return s.Duplicate(c.Object, c.Key)
	case "lock_row":
		if c.Times < 1 {
			return "", errors.New("times: want at least 1")
		}
		s.LockRow(c.Object, c.Key, c.Times)
		return "", nil
	case "expire_sessions":
		s.ExpireSessions()
		return "", nil
	}
	return "", fmt.Errorf("command %q is unknown", name)
}
