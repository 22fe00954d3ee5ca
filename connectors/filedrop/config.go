package filedrop

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/minihub/minihub/connectors"
)

var fingerprint = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)

// openPlace opens a local folder, or prepares for an SFTP server, which is reached when
// it is first used.
func openPlace(cfg connectors.Config) (place, error) {
	root := cfg.String("root")
	if !strings.Contains(root, "://") {
		for _, name := range []string{"host_key"} {
			if cfg.String(name) != "" {
				return nil, &connectors.FieldError{Field: name, Text: "belongs to an SFTP server, and root is a local folder"}
			}
		}
		if !filepath.IsAbs(root) {
			return nil, &connectors.FieldError{Field: "root", Text: fmt.Sprintf("%q is not absolute; the folder must be the same wherever the hub is started", root)}
		}
		p, err := openLocal(root)
		if err != nil {
			return nil, &connectors.FieldError{Field: "root", Text: fmt.Sprintf("the folder cannot be opened: %v", err)}
		}
		return p, nil
	}
	return sftpPlace(root, cfg)
}

func sftpPlace(root string, cfg connectors.Config) (place, error) {
	bad := func(field, format string, a ...any) error {
		return &connectors.FieldError{Field: field, Text: fmt.Sprintf(format, a...)}
	}
	u, err := url.Parse(root)
	switch {
	case err != nil:
		return nil, bad("root", "is no address; want sftp://user@host:port/path")
	case u.Scheme != "sftp":
		return nil, bad("root", "%s:// is not known; want sftp://user@host:port/path or a local folder", u.Scheme)
	case u.User == nil || u.User.Username() == "" || u.Hostname() == "":
		return nil, bad("root", "names no user or no host; want sftp://user@host:port/path")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, bad("root", "has more than a path; want sftp://user@host:port/path")
	}
	if _, given := u.User.Password(); given {
		return nil, bad("root", "holds a password; give it as password: ${env:NAME}")
	}
	key := cfg.String("host_key")
	switch {
	case key == "":
		return nil, bad("host_key", "is required for SFTP: the fingerprint that `ssh-keyscan host | ssh-keygen -lf -` prints, once it was compared with the operator's")
	case !fingerprint.MatchString(key):
		return nil, bad("host_key", "is no fingerprint; want SHA256: and 43 characters")
	}
	auth, err := login(cfg)
	if err != nil {
		return nil, err
	}
	port := u.Port()
	if port == "" {
		port = "22"
	}
	path := u.Path
	if path == "" {
		path = "."
	}
	address := net.JoinHostPort(u.Hostname(), port)
	return &remote{
		address: address, root: path, shown: "sftp://" + address + strings.TrimSuffix(u.Path, "/"),
		config: &ssh.ClientConfig{User: u.User.Username(), Auth: auth, HostKeyCallback: pinned(key), Timeout: dialTimeout, ClientVersion: "SSH-2.0-minihub"},
	}, nil
}

func login(cfg connectors.Config) ([]ssh.AuthMethod, error) {
	var out []ssh.AuthMethod
	if pem := cfg.Secret("private_key"); !pem.Empty() {
		var signer ssh.Signer
		var err error
		if phrase := cfg.Secret("passphrase"); phrase.Empty() {
			signer, err = ssh.ParsePrivateKey([]byte(pem.Reveal()))
		} else {
			signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(pem.Reveal()), []byte(phrase.Reveal()))
		}
		if err != nil {
			return nil, &connectors.FieldError{Field: "private_key", Text: "cannot be read; is it a PEM or OpenSSH key, and does passphrase fit?"}
		}
		out = append(out, ssh.PublicKeys(signer))
	}
	if p := cfg.Secret("password"); !p.Empty() {
		out = append(out, ssh.Password(p.Reveal()))
	}
	if len(out) == 0 {
		return nil, &connectors.FieldError{Field: "private_key", Text: "SFTP needs private_key or password"}
	}
	return out, nil
}
