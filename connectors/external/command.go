package external

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// inherited are the variables a program gets from the hub's environment: how to find
// things, never what the hub's own secrets are kept in (Invariant 8).
var inherited = []string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "GOCOVERDIR"}

// resolve finds the program, checks the digests and gives it its folder and environment.
func (s spec) resolve() (*exec.Cmd, error) {
	for _, name := range slices.Sorted(maps.Keys(s.sums)) {
		if err := checkSum(s.path(name), s.sums[name]); err != nil {
			return nil, err
		}
	}
	name := s.command[0]
	if strings.ContainsRune(name, '/') || runtime.GOOS == "windows" && strings.ContainsRune(name, '\\') {
		name = s.path(name)
	}
	found, err := exec.LookPath(name)
	if err != nil {
		return nil, err
	}
	if found, err = filepath.Abs(found); err != nil { // the folder of the command changes
		return nil, err
	}
	cmd := exec.Command(found, s.command[1:]...)
	cmd.Dir = s.dir
	cmd.Env = []string{}
	for _, v := range inherited {
		if value, ok := os.LookupEnv(v); ok {
			cmd.Env = append(cmd.Env, v+"="+value)
		}
	}
	cmd.Env = append(cmd.Env, s.env...)
	return cmd, nil
}

func (s spec) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.dir, name)
}

func checkSum(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s has the SHA-256 digest %s, and its description says %s: if the new file is wanted, write its digest there", path, got, want)
	}
	return nil
}
