package oddshop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
)

// done is the answer to an act.
type done struct {
	Do     string `json:"do"`
	Order  *Order `json:"order,omitempty"` // as it is after the act
	Queued bool   `json:"queued,omitempty"`
}

// ControlHTTP is the operators' desk; the last element of the path names the command:
// act, record or faults.
func (s *Sim) ControlHTTP(w http.ResponseWriter, r *http.Request) {
	switch name := path.Base(r.URL.Path); {
	case name == "faults":
		s.opt.Faults.ServeHTTP(w, r)
	case name == "record" && r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, s.Record())
	case name == "act" && r.Method == http.MethodPost:
		acts, err := readActs(io.LimitReader(r.Body, maxControl))
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		out := make([]done, 0, len(acts))
		for i, a := range acts {
			d, err := s.desk(a)
			if err != nil {
				writeJSON(w, http.StatusBadRequest, map[string]any{"error": fmt.Sprintf("act %d: %v", i, err), "done": out})
				return
			}
			out = append(out, d)
		}
		writeJSON(w, http.StatusOK, out)
	default:
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "use POST /_sim/act, GET /_sim/record or /_sim/faults"})
	}
}

func (s *Sim) desk(a Act) (done, error) {
	if a.Paging {
		s.Queue(a)
		return done{Do: a.Do, Queued: true}, nil
	}
	o, err := s.Do(a)
	if err != nil || o.ID == 0 {
		return done{Do: a.Do}, err
	}
	return done{Do: a.Do, Order: &o}, nil
}

// readActs reads one act or a list of them, and checks what can be checked beforehand.
func readActs(from io.Reader) ([]Act, error) {
	raw, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	raw = bytes.TrimSpace(raw)
	var acts []Act
	var into any = &acts
	var one Act
	if !bytes.HasPrefix(raw, []byte("[")) {
		into = &one
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return nil, fmt.Errorf("want an act object or a list of them: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("want an act object or a list of them, and nothing after it")
	}
	if into == any(&one) {
		acts = []Act{one}
	}
	for i, a := range acts {
		if !knownAct(a.Do) {
			return nil, fmt.Errorf("act %d: %q is unknown; known: %v", i, a.Do, actNames)
		}
	}
	return acts, nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
