package wechatshopsim

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// sign is the push signature: SHA-1 over the sorted strings joined ("消息推送:
// 验证消息的确来自微信服务器").
func sign(parts ...string) string {
	sorted := slices.Sorted(slices.Values(parts))
	h := sha1.Sum([]byte(strings.Join(sorted, "")))
	return hex.EncodeToString(h[:])
}

// pushKey decodes an EncodingAESKey of 43 characters into 32 bytes; spare bits
// in the last character are allowed.
func pushKey(encodingAESKey string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(encodingAESKey + "=")
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("an EncodingAESKey is 43 characters of base64, not %d", len(encodingAESKey))
	}
	return key, nil
}

// seal encrypts a message for its receiver: 16 random bytes, the length, the
// message and the app id, padded to blocks of 32.
func seal(key, random []byte, msg, appID string) (string, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	plain := slices.Clone(random)
	plain = binary.BigEndian.AppendUint32(plain, uint32(len(msg)))
	plain = append(append(plain, msg...), appID...)
	pad := 32 - len(plain)%32
	for range pad {
		plain = append(plain, byte(pad))
	}
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain), nil
}
