package wechatshop

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's choice
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

var _ connectors.Receiver = (*conn)(nil)

// push holds what verifies and decrypts the message push ("消息推送", safe mode).
type push struct {
	token connectors.Secret
	key   []byte // 32 bytes of AES
	appID string
}

// Receive answers the URL verification (GET) and turns an event (POST, safe mode,
// JSON) into hints. Events come in any order and more than once, so nothing in them but
// the ids is believed.
func (c *conn) Receive(_ context.Context, req connectors.Request) (connectors.Received, error) {
	if c.push == nil {
		return connectors.Received{}, forged("push.off", "this connection has no push_token and encoding_aes_key")
	}
	q := req.Query
	if req.Method == http.MethodGet {
		if !c.push.signed(q.Get("signature"), q.Get("timestamp"), q.Get("nonce")) {
			return connectors.Received{}, forged("push.signature", "the signature of the URL verification does not fit")
		}
		return connectors.Received{Answer: plain(http.StatusOK, q.Get("echostr"))}, nil
	}
	var outer struct{ ToUserName, Encrypt string }
	if err := codec.Unmarshal(req.Body, &outer); err != nil || outer.Encrypt == "" {
		return connectors.Received{}, forged("push.plain", "the body is not an encrypted message; WeChat Shop pushes in safe mode and JSON only")
	}
	// `signature` does not cover the body: only msg_signature proves where it comes from.
	if !c.push.signed(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), outer.Encrypt) {
		return connectors.Received{}, forged("push.signature", "msg_signature does not fit: check push_token")
	}
	msg, err := c.push.open(outer.Encrypt)
	if err != nil {
		return connectors.Received{}, forged("push.decrypt", err.Error())
	}
	items, verr := hints(msg)
	if verr != nil {
		return connectors.Received{}, verr
	}
	return connectors.Received{Items: items}, nil
}

// Reply answers "success" for what is stored. Anything else makes WeChat come again:
// ten times in about three and a half hours.
func (c *conn) Reply(v connectors.Verdict, rcv connectors.Received, err error) connectors.Response {
	switch v {
	case connectors.Stored:
		if rcv.Answer != nil {
			return *rcv.Answer
		}
		return *plain(http.StatusOK, "success")
	case connectors.Busy:
		return *plain(http.StatusServiceUnavailable, "busy")
	}
	var e *connectors.Error
	if errors.As(err, &e) && e.Kind == connectors.Unauthorized {
		return *plain(http.StatusForbidden, "forbidden")
	}
	return *plain(http.StatusBadRequest, "bad message")
}

func plain(status int, body string) *connectors.Response {
	return &connectors.Response{Status: status, Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: []byte(body)}
}

func forged(code, text string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unauthorized, Scope: doc, Code: code, Text: text}
}

// signed compares a signature: the SHA-1 of the token and the parts, sorted and joined.
func (p *push) signed(got string, parts ...string) bool {
	texts := append([]string{p.token.Reveal()}, parts...)
	slices.Sort(texts)
	sum := sha1.Sum([]byte(strings.Join(texts, ""))) //nolint:gosec // the vendor's choice
	return hmac.Equal([]byte(hex.EncodeToString(sum[:])), []byte(got))
}

// block is the block size of the padding; AES itself has 16.
const block = 32

// open decrypts a message: 16 random bytes, the length, the message, the app id. Its
// error says which step failed and shows nothing of the content.
func (p *push) open(encrypted string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil || len(b) == 0 || len(b)%aes.BlockSize != 0 {
		return nil, errors.New("Encrypt is not whole blocks in base64")
	}
	c, err := aes.NewCipher(p.key)
	if err != nil {
		return nil, errors.New("encoding_aes_key has the wrong length")
	}
	cipher.NewCBCDecrypter(c, p.key[:aes.BlockSize]).CryptBlocks(b, b)
	pad := int(b[len(b)-1])
	if pad < 1 || pad > block || pad > len(b) {
		return nil, errors.New("the padding does not fit: check encoding_aes_key")
	}
	b = b[:len(b)-pad]
	const head = 16 + 4
	if len(b) < head {
		return nil, errors.New("the message is too short")
	}
	size := binary.BigEndian.Uint32(b[16:head])
	if uint64(size) > uint64(len(b)-head) {
		return nil, errors.New("the length does not fit: check encoding_aes_key")
	}
	if string(b[head+int(size):]) != p.appID {
		return nil, errors.New("the message is for another app_id")
	}
	return b[head : head+int(size)], nil
}
