package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// The headers of the specification, "Webhook headers".
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// signingKey is the decoded part of a secret after whsec_.
type signingKey struct{ raw []byte }

func parseSecret(s connectors.Secret) (signingKey, error) {
	text, ok := strings.CutPrefix(s.Reveal(), "whsec_")
	if !ok {
		return signingKey{}, errors.New("does not begin with whsec_: give the secret as Standard Webhooks writes it")
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return signingKey{}, errors.New("the part after whsec_ is not base64")
	}
	if len(raw) < 24 || len(raw) > 64 {
		return signingKey{}, fmt.Errorf("holds %d bytes, want 24 to 64", len(raw))
	}
	return signingKey{raw}, nil
}

// sign is the specification's symmetric signature, "v1,<base64>".
func (k signingKey) sign(id, timestamp string, body []byte) string {
	return "v1," + base64.StdEncoding.EncodeToString(k.mac(id, timestamp, body))
}

func (k signingKey) mac(id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, k.raw)
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// verify tells whether one of the space-separated signatures is right under one of
// the keys. Signatures of other versions are passed over.
func verify(keys []signingKey, signatures, id, timestamp string, body []byte) bool {
	for _, s := range strings.Fields(signatures) {
		text, ok := strings.CutPrefix(s, "v1,")
		if !ok {
			continue
		}
		got, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			continue
		}
		for _, k := range keys {
			if hmac.Equal(got, k.mac(id, timestamp, body)) {
				return true
			}
		}
	}
	return false
}

// webhookID is stable for one content of one remote key. It is a digest because an id
// must not hold a dot and a remote key may.
func webhookID(key string, document []byte) string {
	h := sha256.New()
	h.Write([]byte(key))
	h.Write([]byte{0})
	h.Write(document)
	return "msg_" + hex.EncodeToString(h.Sum(nil)[:16])
}
