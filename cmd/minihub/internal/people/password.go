package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of a password's hash: OWASP's first choice for argon2id, about 20 ms.
const (
	memoryKiB = 19 << 10
	passes    = 2
	lanes     = 1
	saltBytes = 16
	hashBytes = 32
)

// A hash takes 19 MiB: no more than these at once, so that sign-ins cannot take the
// memory that messages need.
var hashing = make(chan struct{}, 2)

// The bounds of a password: characters at least, bytes at most.
const (
	shortest = 10
	longest  = 256
)

// CheckPassword refuses a password that is too short, too long, or the name.
func CheckPassword(name, password string) error {
	switch {
	case !utf8.ValidString(password):
		return errors.New("the password is not valid UTF-8")
	case utf8.RuneCountInString(password) < shortest:
		return fmt.Errorf("the password has less than %d characters", shortest)
	case len(password) > longest:
		return fmt.Errorf("the password has more than %d bytes", longest)
	case strings.EqualFold(name, password):
		return errors.New("the password is the name")
	}
	return nil
}

// HashPassword returns the argon2id hash of a password, with its salt and cost.
func HashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	sum, err := argon(ctx, password, salt, passes, memoryKiB, lanes, hashBytes)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, lanes, enc(salt), enc(sum)), nil
}

func argon(ctx context.Context, password string, salt []byte, t, m uint32, p uint8, n uint32) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, t, m, p, n), nil
}

// nobody is compared with where a name is unknown or has no password, so that the answer
// takes as long. No password has this hash: it is of random bytes.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$8q2mC0Rj0pUuT1d1mGJm6A$6w0eQm9k0m8t3iQ9c4Yx3k1rS7nC2y5pE0bZ8uVqT2A"

// VerifyPassword reports whether a password has a hash. It takes the same time whether
// there is a hash or not.
func VerifyPassword(ctx context.Context, hash, password string) (bool, error) {
	there := hash != ""
	if !there {
		hash = nobody
	}
	var v int
	var m, t uint32
	var p uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return false, errors.New("the stored hash of the password is not argon2id")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &v); err != nil || v != argon2.Version {
		return false, errors.New("the stored hash of the password has another version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p); err != nil || t < 1 || p < 1 || m > 1<<20 || t > 64 {
		return false, errors.New("the stored hash of the password has no cost")
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, errors.New("the stored hash of the password has no salt")
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) < 16 || len(want) > 128 {
		return false, errors.New("the stored hash of the password is cut off")
	}
	if len(password) > longest {
		password = "" // longer ones are no password, and must not be paid for
	}
	got, err := argon(ctx, password, salt, t, m, p, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && there, nil
}
