package jushuitan

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
)

// sign follows the open platform's signature rule: lower-case md5 of the secret and
// then of every name and value in byte order of the names; empty values are left out
// and the secret stands at the front only.
func sign(secret string, form map[string]string) string {
	h := md5.New()
	h.Write([]byte(secret))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if form[name] != "" && name != "sign" {
			h.Write([]byte(name + form[name]))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// encode signs a form and encodes it for the wire.
func encode(secret string, form map[string]string) []byte {
	v := url.Values{}
	for name, value := range form {
		if value != "" {
			v.Set(name, value)
		}
	}
	v.Set("sign", sign(secret, form))
	return []byte(v.Encode())
}
