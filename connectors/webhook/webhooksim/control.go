package webhooksim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
)

type command struct {
	Key     string          `json:"key"`
	Version string          `json:"version"`
	Body    json.RawMessage `json:"body"`
}

// ControlHTTP serves the commands listed in the package documentation; the last
// element of the path names the command.
func (s *Sim) ControlHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	if r.Method == http.MethodGet && name == "record" {
		writeJSON(w, http.StatusOK, s.Record())
		return
	}
	if r.Method != http.MethodPost {
		answer(w, http.StatusMethodNotAllowed, "error", "use POST, or GET record")
		return
	}
	var c command
	dec := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		answer(w, http.StatusBadRequest, "error", "want a JSON object with key, version, body: "+err.Error())
		return
	}
	if err := s.run(name, c); err != nil {
		answer(w, http.StatusBadRequest, "error", err.Error())
		return
	}
	answer(w, http.StatusOK, "status", "done")
}

func (s *Sim) run(name string, c command) error {
	switch name {
	case "delete":
		return s.Delete(c.Key)
	case "change":
		return s.Change(c.Key, c.Body)
	case "insert":
		return s.Insert(c.Key, c.Version, c.Body)
	case "disable", "enable":
		s.SetDisabled(name == "disable")
		return nil
	}
	return fmt.Errorf("command %q is unknown; known: delete, change, insert, disable, enable", name)
}

// SetDisabled makes the receiver answer 410, or stop doing so.
func (s *Sim) SetDisabled(disabled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disabled = disabled
}

// Delete forgets the events of a key behind the sender's back.
func (s *Sim) Delete(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.store.remove(key, s.opt.Now()) {
		return fmt.Errorf("no event has the key %q", key)
	}
	return nil
}

// Change replaces the body of a key's last event behind the sender's back.
func (s *Sim) Change(key string, body []byte) error {
	if !json.Valid(body) {
		return fmt.Errorf("change %q: the body must be JSON", key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.store.byKey[key]
	if len(list) == 0 {
		return fmt.Errorf("no event has the key %q", key)
	}
	e := list[len(list)-1]
	e.Body, e.Digest = slices.Clone(body), digest(body)
	s.store.note(e, Changed, s.opt.Now())
	return nil
}

// Insert adds an event that nobody sent. Its webhook-id is invented.
func (s *Sim) Insert(key, version string, body []byte) error {
	if key == "" || !json.Valid(body) {
		return fmt.Errorf("insert %q: give a key and a JSON body", key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	e := Event{
		ID: fmt.Sprintf("msg_foreign_%d", len(s.store.history)+1), Key: key, Version: version, Digest: digest(body),
		Timestamp: now, ReceivedAt: now, Body: slices.Clone(body),
	}
	s.store.add(&e)
	s.store.note(&e, Created, now)
	return nil
}
