package api

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas/codec"
)

func encodeSum(s ledger.Sum) string { return hex.EncodeToString(s[:]) }

// RevealRequest asks for one field of a message's document, or of a delivery's of it, or
// for one call that was made for a delivery.
type RevealRequest struct {
	Pointer  string `json:"pointer,omitempty"` // JSON pointer: /receiver/phone
	Reason   string `json:"reason"`
	Delivery int64  `json:"delivery,omitempty"`
	// Try and Call name a call of the delivery, counted from 1, instead of a field.
	Try  int `json:"try,omitempty"`
	Call int `json:"call,omitempty"`
}

// shortestReason keeps "x" from being a reason.
const shortestReason = 4

// reveal returns one field, or one call, as it is. That it was seen is durable before it
// is shown.
func (a *API) reveal(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	var req RevealRequest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	req.Reason = strings.TrimSpace(req.Reason)
	if utf8.RuneCountInString(req.Reason) < shortestReason {
		return nil, &Error{Status: http.StatusBadRequest, Code: "reveal.reason", Text: "no reason is given", Hint: "say in reason what it is needed for: the reason stays with it"}
	}
	if err := req.check(); err != nil {
		return nil, err
	}
	rec, err := a.opt.Ledger.Record(r.Context(), id)
	if err != nil {
		return nil, missing("message", id, err)
	}
	ref := rec.Payload
	if req.Delivery != 0 {
		d, err := a.opt.Ledger.Delivery(r.Context(), req.Delivery)
		if err != nil || d.Record != id {
			return nil, missing("delivery", req.Delivery, ledger.ErrNotFound)
		}
		ref = d.Payload
	}
	out, err := a.asked(r, ref, &req)
	if err != nil {
		return nil, err
	}
	e := a.entry(r, "reveal", ledger.AuditDone)
	e.Target, e.Why, e.Detail = "message "+strconv.FormatInt(id, 10), cut(req.Reason, longestWhy), req.detail()
	if err := a.note(r, e); err != nil {
		return nil, unseen(err)
	}
	return out, nil
}

// check holds a request to what names one thing.
func (req *RevealRequest) check() error {
	switch {
	case req.Try == 0 && req.Call == 0:
		if !strings.HasPrefix(req.Pointer, "/") || len(req.Pointer) > 400 {
			return &Error{Status: http.StatusBadRequest, Code: "reveal.pointer", Text: fmt.Sprintf("%q does not name a field", cut(req.Pointer, 100)), Hint: "write a JSON pointer: /receiver/phone"}
		}
	case req.Delivery == 0 || req.Try < 1 || req.Call < 1 || req.Pointer != "":
		return &Error{Status: http.StatusBadRequest, Code: "reveal.call", Text: "this does not name one call", Hint: "give delivery, try and call, both counted from 1, and no pointer"}
	}
	return nil
}

// asked reads what is to be revealed.
func (a *API) asked(r *http.Request, ref ledger.Ref, req *RevealRequest) (any, error) {
	if req.Call > 0 {
		return a.revealCall(r, req)
	}
	value, err := a.field(r, ref, req.Pointer)
	if err != nil {
		return nil, err
	}
	return map[string]any{"pointer": req.Pointer, "value": value}, nil
}

// field reads one value of a stored document.
func (a *API) field(r *http.Request, ref ledger.Ref, pointer string) (any, error) {
	gone := &Error{Status: http.StatusNotFound, Code: "reveal.gone", Text: "the document is not kept any more, or cannot be read", Hint: "re-pull it from its source"}
	if ref == (ledger.Ref{}) {
		return nil, gone
	}
	raw, err := a.opt.Ledger.Payload(r.Context(), ref)
	if err != nil {
		return nil, gone
	}
	v, err := codec.Decode(raw)
	if err != nil {
		return nil, gone
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for _, part := range strings.Split(pointer[1:], "/") {
		part = unescape.Replace(part)
		ok := false
		switch at := v.(type) {
		case map[string]any:
			v, ok = at[part]
		case []any:
			if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(at) {
				v, ok = at[i], true
			}
		}
		if !ok {
			return nil, &Error{Status: http.StatusNotFound, Code: "reveal.pointer", Text: fmt.Sprintf("the document has no field %s", cut(pointer, 100)), Hint: "messages show prints the document, masked"}
		}
	}
	switch v.(type) {
	case string, json.Number, bool, nil:
		return v, nil
	}
	return nil, &Error{Status: http.StatusBadRequest, Code: "reveal.whole", Text: fmt.Sprintf("%s holds more than one value", cut(pointer, 100)), Hint: "name one field of it"}
}
