package webhooksim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
	tolerance       = 5 * time.Minute
)

type signingKey []byte

// parseSecret reads "whsec_" and base64 of 24 to 64 bytes.
func parseSecret(secret string) (signingKey, error) {
	text, ok := strings.CutPrefix(secret, "whsec_")
	if !ok {
		return nil, errors.New("a signing secret starts with whsec_")
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("a signing secret is whsec_ and standard base64 with padding")
	}
	if len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("a signing secret has 24 to 64 bytes, this one %d", len(key))
	}
	return key, nil
}

// sign returns the bare signature of one message, without its "v1,".
func (k signingKey) sign(id, timestamp string, body []byte) string {
	h := hmac.New(sha256.New, k)
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// verify checks the three headers and the signature, and returns the time of sending.
func (s *Sim) verify(h http.Header, body []byte) (time.Time, *refusal) {
	id, stamp, signatures := h.Get(headerID), h.Get(headerTimestamp), h.Get(headerSignature)
	for _, name := range []string{headerID, headerTimestamp, headerSignature} {
		if h.Get(name) == "" {
			return time.Time{}, &refusal{http.StatusBadRequest, "header " + strings.ToLower(name) + " is missing"}
		}
	}
	if len(id) > maxID || strings.Contains(id, ".") {
		return time.Time{}, &refusal{http.StatusBadRequest, fmt.Sprintf("webhook-id may have up to %d characters and no full stop", maxID)}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != stamp {
		return time.Time{}, &refusal{http.StatusBadRequest, "webhook-timestamp must be whole seconds since 1970"}
	}
	sent := time.Unix(seconds, 0).UTC()
	if off := s.opt.Now().Sub(sent); off > tolerance || off < -tolerance {
		return time.Time{}, &refusal{http.StatusUnauthorized, "webhook-timestamp is more than five minutes off"}
	}
	// Signatures of versions this receiver does not know are passed over, as the specification asks.
	for one := range strings.SplitSeq(signatures, " ") {
		text, ok := strings.CutPrefix(one, "v1,")
		if !ok {
			continue
		}
		for _, key := range s.keys {
			if hmac.Equal([]byte(text), []byte(key.sign(id, stamp, body))) {
				return sent, nil
			}
		}
	}
	return time.Time{}, &refusal{http.StatusUnauthorized, "no signature matches"}
}

// checkBody checks the content type, the JSON and, where claimed, the CloudEvents attributes.
func checkBody(h http.Header, body []byte) *refusal {
	kind := mediaType(h)
	switch kind {
	case "application/json", "application/cloudevents+json":
	default:
		return &refusal{http.StatusUnsupportedMediaType, "send application/json or application/cloudevents+json"}
	}
	if !json.Valid(body) {
		return &refusal{http.StatusBadRequest, "the body is not JSON"}
	}
	attributes := map[string]string{}
	switch {
	case kind == "application/cloudevents+json":
		var doc map[string]any
		if json.Unmarshal(body, &doc) != nil {
			return &refusal{http.StatusBadRequest, "a CloudEvent is a JSON object"}
		}
		for name, v := range doc {
			if text, ok := v.(string); ok {
				attributes[name] = text
			}
		}
	case h.Get("Ce-Specversion") != "":
		for name, v := range cloudHeaders(h) {
			attributes[strings.TrimPrefix(name, "ce-")] = v
		}
	default:
		return nil
	}
	for _, name := range []string{"id", "source", "type"} {
		if attributes[name] == "" {
			return &refusal{http.StatusBadRequest, "CloudEvents attribute " + name + " is missing"}
		}
	}
	if attributes["specversion"] != "1.0" {
		return &refusal{http.StatusBadRequest, "CloudEvents specversion must be 1.0"}
	}
	return nil
}

func cloudHeaders(h http.Header) map[string]string {
	var out map[string]string
	for name, values := range h {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "ce-") && len(values) > 0 {
			if out == nil {
				out = map[string]string{}
			}
			out[lower] = values[0]
		}
	}
	return out
}

// read returns type, key and version of a body, each empty when it has none.
func (s *Sim) read(body []byte) (kind, key, version string) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var doc map[string]any
	if dec.Decode(&doc) != nil {
		return "", "", ""
	}
	return first(doc, []string{"type"}), first(doc, s.opt.KeyPaths), first(doc, s.opt.VersionPaths)
}

func first(doc map[string]any, paths []string) string {
	for _, path := range paths {
		var at any = doc
		for name := range strings.SplitSeq(path, ".") {
			node, _ := at.(map[string]any)
			at = node[name]
		}
		switch v := at.(type) {
		case string:
			if v != "" {
				return v
			}
		case json.Number:
			return v.String()
		}
	}
	return ""
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}
