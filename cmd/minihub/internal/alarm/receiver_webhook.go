package alarm

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// hook posts the message as JSON, signed as Standard Webhooks ask: over id, time and body.
type hook struct {
	caller
	key []byte // empty: unsigned
}

// parseKey reads whsec_ and base64; no secret is no key.
func parseKey(s connectors.Secret) ([]byte, error) {
	if s.Empty() {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(s.Reveal(), "whsec_")
	key, err := base64.StdEncoding.DecodeString(rest)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("the secret is no whsec_ and base64 of 24 to 64 bytes, as Standard Webhooks write it")
	}
	return key, nil
}

// hookBody is what a webhook receives.
type hookBody struct {
	Type string `json:"type"`
	Message
	Text string `json:"text"`
}

func (h *hook) Send(ctx context.Context, m Message) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(hookBody{Type: "minihub.alarm", Message: m, Text: m.Plain(16 << 10)}); err != nil {
		return "", err
	}
	body := b.Bytes()
	id, at := "msg_"+m.ID, strconv.FormatInt(h.now().Unix(), 10)
	header := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}}
	if len(h.key) > 0 {
		mac := hmac.New(sha256.New, h.key)
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	status, answer, err := h.postBytes(ctx, nil, body, header)
	if err != nil {
		return "", err
	}
	return said(status, answer), nil
}
