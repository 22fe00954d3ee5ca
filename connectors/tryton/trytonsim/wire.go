package trytonsim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The typed values of the wire.
type (
	decimalValue string // decimal text
	dateValue    struct{ Y, M, D int }
	object       = map[string]any
)

// encode turns a result into JSON values.
func encode(v any) any {
	switch v := v.(type) {
	case decimalValue:
		return object{"__class__": "Decimal", "decimal": string(v)}
	case dateValue:
		return object{"__class__": "date", "year": v.Y, "month": v.M, "day": v.D}
	case time.Time:
		u := v.UTC()
		return object{"__class__": "datetime", "year": u.Year(), "month": int(u.Month()), "day": u.Day(), "hour": u.Hour(),
			"minute": u.Minute(), "second": u.Second(), "microsecond": u.Nanosecond() / 1000}
	case float64:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return json.RawMessage(text)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = encode(x)
		}
		return out
	case []object:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = encode(x)
		}
		return out
	case object:
		out := object{}
		for k, x := range v {
			out[k] = encode(x)
		}
		return out
	}
	return v
}

// decode turns JSON values (json.Number, map, list) into typed ones.
func decode(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		for i, x := range v {
			y, err := decode(x)
			if err != nil {
				return nil, err
			}
			v[i] = y
		}
	case map[string]any:
		if class, ok := v["__class__"].(string); ok {
			return decodeClass(class, v)
		}
		for k, x := range v {
			y, err := decode(x)
			if err != nil {
				return nil, err
			}
			v[k] = y
		}
	}
	return v, nil
}

func decodeClass(class string, v object) (any, error) {
	var missing error
	part := func(name string) int {
		n, ok := v[name].(json.Number)
		i, err := strconv.Atoi(n.String())
		if !ok || err != nil {
			missing = fmt.Errorf("'%s'", name)
		}
		return i
	}
	switch class {
	case "Decimal":
		text, ok := v["decimal"].(string)
		if !ok {
			return nil, fmt.Errorf("'decimal'")
		}
		if _, err := parseDecimal(text); err != nil {
			return nil, fmt.Errorf("[<class 'decimal.ConversionSyntax'>]")
		}
		return decimalValue(text), nil
	case "date":
		d := dateValue{part("year"), part("month"), part("day")}
		if t := time.Date(d.Y, time.Month(d.M), d.D, 0, 0, 0, 0, time.UTC); missing == nil && (t.Day() != d.D || int(t.Month()) != d.M) {
			return nil, fmt.Errorf("day is out of range for month")
		}
		return d, missing
	case "datetime":
		return time.Date(part("year"), time.Month(part("month")), part("day"), part("hour"), part("minute"), part("second"),
			part("microsecond")*1000, time.UTC), missing
	}
	return v, nil
}

// envelope is a request. It is bare when it has other members than id, method
// and params.
type envelope struct {
	id     json.RawMessage
	method string
	params []any
	bare   bool
}

func parseEnvelope(body []byte) (envelope, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return envelope{}, fmt.Errorf("the body is no JSON object: %w", err)
	}
	e := envelope{id: members["id"], bare: len(members) != 3 || members["id"] == nil || members["params"] == nil}
	if err := json.Unmarshal(members["method"], &e.method); err != nil {
		return e, fmt.Errorf("method is no text: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(members["params"]))
	d.UseNumber()
	if err := d.Decode(&e.params); err != nil {
		return e, fmt.Errorf("params is no list: %w", err)
	}
	return e, nil
}

func callName(_ *http.Request, body []byte) string {
	e, err := parseEnvelope(body)
	if err != nil || e.method == "" {
		return "unreadable"
	}
	return e.method
}

// fail is a refusal: an error of the envelope, or a bare HTTP status.
type fail struct {
	status  int // HTTP status outside the envelope; 0 for an error inside
	envelop []any
}

func userError(format string, args ...any) *fail {
	return &fail{envelop: []any{"UserError", []any{fmt.Sprintf(format, args...), "", nil}}}
}

func unexpected(format string, args ...any) *fail {
	return &fail{envelop: []any{fmt.Sprintf(format, args...), ""}}
}

func (f *fail) kind() string {
	if f.status != 0 {
		return strconv.Itoa(f.status)
	}
	switch f.envelop[0] {
	case "UserError", "UserWarning", "ConcurrencyException", "LoginException":
		return f.envelop[0].(string)
	}
	return "error"
}

// text is the message. It may quote a value of the request.
func (f *fail) text() string {
	if f.status != 0 {
		return http.StatusText(f.status)
	}
	if list, ok := f.envelop[1].([]any); ok && len(list) > 0 {
		return fmt.Sprint(list[0])
	}
	return fmt.Sprint(f.envelop[0])
}

// bareStatus is the HTTP status of an error in bare mode.
func (f *fail) bareStatus() int {
	switch f.kind() {
	case "UserError":
		return http.StatusBadRequest
	case "UserWarning":
		return http.StatusConflict
	case "ConcurrencyException":
		return http.StatusLocked
	case "LoginException":
		return http.StatusForbidden
	}
	return http.StatusInternalServerError
}

func page(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!doctype html>\n<html lang=en>\n<title>%d %s</title>\n<h1>%[2]s</h1>\n<p>%s</p>\n", status, http.StatusText(status), html.EscapeString(text))
}

// identified is a writer that knows the id of its request, for faults that
// answer in the server's words.
type identified struct {
	http.ResponseWriter
	id json.RawMessage
}

func withID(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return w
	}
	e, err := parseEnvelope(body)
	if err != nil {
		return w
	}
	return &identified{w, e.id}
}

// Hijack lets a fault cut the connection.
func (i *identified) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(i.ResponseWriter).Hijack()
}

func errorBody(w http.ResponseWriter, _, code string) {
	f := unexpected("%s", code)
	switch code {
	case "UserError":
		f = userError("A fault was injected.")
	case "UserWarning":
		f = &fail{envelop: []any{"UserWarning", []any{"injected.done", "A fault was injected.", ""}}}
	case "ConcurrencyException":
		f = &fail{envelop: []any{code, "Records were modified in the meanwhile"}}
	case "":
		f = unexpected("could not serialize access due to concurrent update")
	}
	var id json.RawMessage
	if known, ok := w.(*identified); ok {
		id = known.id
	}
	reply(w, object{"id": id, "error": f.envelop})
}

func reply(w http.ResponseWriter, answer any) {
	raw, err := json.Marshal(answer)
	if err != nil {
		page(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(raw)
}
