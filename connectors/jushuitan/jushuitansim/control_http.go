package jushuitansim

import (
	"encoding/json"
	"io"
	"net/http"
	"path"
)

// ControlHTTP serves /_sim/jushuitan/<command>; see the package documentation.
func (s *Sim) ControlHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	if r.Method == http.MethodGet && name == "record" {
		writeJSON(w, s.Record())
		return
	}
	if r.Method != http.MethodPost {
		controlError(w, http.StatusMethodNotAllowed, "use POST, or GET record")
		return
	}
	dec := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	dec.DisallowUnknownFields()
	var c command
	if err := dec.Decode(&c); err != nil {
		controlError(w, http.StatusBadRequest, "want a JSON object: "+err.Error())
		return
	}
	out, err := s.run(name, c)
	if err != nil {
		controlError(w, http.StatusBadRequest, err.Error())
		return
	}
	if out == nil {
		out = map[string]any{}
	}
	out["ok"] = true
	writeJSON(w, out)
}

func controlError(w http.ResponseWriter, status int, msg string) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": msg})
}
