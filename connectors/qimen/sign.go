package qimen

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the vendor's choice
	"encoding/hex"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// The signature methods.
const (
	signMD5  = "md5"
	signHMAC = "hmac"
)

// sign signs the plain values of the query and the exact body, as the vendor's SDK does
// (signTopRequestWithBody): names sorted, empty values left out. The result is upper
// case hex.
func sign(method string, secret connectors.Secret, query url.Values, body []byte) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(query)) {
		if v := query.Get(k); v != "" && k != "sign" {
			b.WriteString(k + v)
		}
	}
	b.Write(body)
	var sum []byte
	if method == signHMAC {
		mac := hmac.New(md5.New, []byte(secret.Reveal()))
		mac.Write([]byte(b.String()))
		sum = mac.Sum(nil)
	} else {
		whole := md5.Sum([]byte(secret.Reveal() + b.String() + secret.Reveal())) //nolint:gosec // the vendor's choice
		sum = whole[:]
	}
	return strings.ToUpper(hex.EncodeToString(sum))
}

// verify checks the signature of a request that came in. A parameter that comes twice
// is refused: it could mean one thing to the signature and another to its reader.
func verify(secret connectors.Secret, query url.Values, body []byte) error {
	for _, values := range query {
		if len(values) != 1 {
			return errors.New("a query parameter comes twice")
		}
	}
	method := query.Get("sign_method")
	if method != signMD5 && method != signHMAC {
		return errors.New("sign_method is neither md5 nor hmac")
	}
	given := []byte(strings.ToUpper(query.Get("sign")))
	// The vendor's SDK signs its own parameters only, and verifies all of the query: with
	// a URL that brings parameters along, either can be meant.
	for _, signed := range []url.Values{query, own(query)} {
		if hmac.Equal([]byte(sign(method, secret, signed, body)), given) {
			return nil
		}
	}
	return errors.New("the signature does not fit")
}

// own keeps the parameters of the protocol.
func own(query url.Values) url.Values {
	out := url.Values{}
	for _, k := range []string{"method", "timestamp", "format", "app_key", "v", "sign_method", "customerId", "session", "partner_id", "target_app_key"} {
		if query.Has(k) {
			out.Set(k, query.Get(k))
		}
	}
	return out
}
