package filedrop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/minihub/minihub/connectors"
)

// dialTimeout bounds the TCP connection and the handshake.
const dialTimeout = 20 * time.Second

// remote is a folder of an SFTP server. It connects when it is first used and again
// after the connection was lost; a call that is cut off fails and is not repeated here
// (Invariant 7).
type remote struct {
	address string // host:port
	root    string
	config  *ssh.ClientConfig
	shown   string // sftp://host:port/root, without the password

	mu     sync.Mutex
	client *sftp.Client
	conn   *ssh.Client
}

// errHostKey means that the server has shown another key than the pinned one.
var errHostKey = errors.New("the server's host key is not the pinned one")

func pinned(fingerprint string) ssh.HostKeyCallback {
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if got := ssh.FingerprintSHA256(key); got != fingerprint {
			return fmt.Errorf("%w: it shows %s", errHostKey, got)
		}
		return nil
	}
}

func (r *remote) connect(ctx context.Context) (*sftp.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return r.client, nil
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	raw, err := dialer.DialContext(ctx, "tcp", r.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	_ = raw.SetDeadline(time.Now().Add(dialTimeout))
	c, channels, requests, err := ssh.NewClientConn(raw, r.address, r.config)
	if err != nil {
		return nil, errors.Join(err, raw.Close(), ctx.Err())
	}
	_ = raw.SetDeadline(time.Time{})
	conn := ssh.NewClient(c, channels, requests)
	client, err := sftp.NewClient(conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	r.client, r.conn = client, conn
	go func() {
		_ = conn.Wait()
		r.drop(client)
	}()
	return client, nil
}

// drop forgets a connection that is of no more use.
func (r *remote) drop(client *sftp.Client) {
	r.mu.Lock()
	if r.client != client || client == nil {
		r.mu.Unlock()
		return
	}
	conn := r.conn
	r.client, r.conn = nil, nil
	r.mu.Unlock()
	_ = conn.Close()
	_ = client.Close()
}

// with runs one call; the end of ctx cuts the connection, since SFTP knows no other way
// to give a call up.
func (r *remote) with(ctx context.Context, f func(*sftp.Client) error) error {
	client, err := r.connect(ctx)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { r.drop(client) })
	defer stop()
	err = f(client)
	if err == nil {
		return nil
	}
	if !answered(err) {
		r.drop(client)
	}
	return errors.Join(err, ctx.Err())
}

// answered tells an answer of the server from the loss of the connection.
func answered(err error) bool {
	var status *sftp.StatusError
	return errors.As(err, &status) && status.FxCode() != sftp.ErrSSHFxConnectionLost && status.FxCode() != sftp.ErrSSHFxNoConnection ||
		errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

func (r *remote) lost(err error) {
	var broken *fatal
	var known *connectors.Error
	if err == nil || answered(err) || errors.As(err, &broken) || errors.As(err, &known) || errors.Is(err, errChanged) {
		return
	}
	r.mu.Lock()
	client := r.client
	r.mu.Unlock()
	r.drop(client)
}

func (r *remote) guard(ctx context.Context) func() {
	r.mu.Lock()
	client := r.client
	r.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { r.drop(client) })
	return func() { stop() }
}

func (r *remote) at(name string) string { return path.Join(r.root, name) }

func (r *remote) list(ctx context.Context, folder string) (out []entry, err error) {
	err = r.with(ctx, func(c *sftp.Client) error {
		infos, err := c.ReadDirContext(ctx, r.at(folder))
		for _, i := range infos {
			if i.Mode().IsRegular() && plainName(i.Name()) {
				out = append(out, entryOf(i))
			}
		}
		return err
	})
	return out, err
}

func (r *remote) stat(ctx context.Context, name string) (out entry, err error) {
	err = r.with(ctx, func(c *sftp.Client) error {
		i, err := c.Stat(r.at(name))
		if err == nil {
			out = entryOf(i)
			out.Name = path.Base(name)
		}
		return err
	})
	return out, err
}

func (r *remote) open(ctx context.Context, name string) (out file, err error) {
	err = r.with(ctx, func(c *sftp.Client) error {
		f, err := c.Open(r.at(name))
		if err == nil {
			out = f
		}
		return err
	})
	return out, err
}

func (r *remote) write(ctx context.Context, name string, from io.Reader) error {
	return r.with(ctx, func(c *sftp.Client) error {
		f, err := c.OpenFile(r.at(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		if err != nil {
			return err
		}
		_, err = f.ReadFrom(from)
		if err == nil {
			if _, ok := c.HasExtension("fsync@openssh.com"); ok {
				err = f.Sync()
			}
		}
		return errors.Join(err, f.Close())
	})
}

func (r *remote) rename(ctx context.Context, from, to string) error {
	return r.with(ctx, func(c *sftp.Client) error {
		if _, ok := c.HasExtension("posix-rename@openssh.com"); ok {
			return c.PosixRename(r.at(from), r.at(to))
		}
		// An old server renames to a free name only, in one step all the same. What stands
		// under a taken one is replaced in two: the new file is whole before the old goes.
		err := c.Rename(r.at(from), r.at(to))
		if err == nil || !answered(err) || errors.Is(err, fs.ErrPermission) {
			return err
		}
		if _, statErr := c.Stat(r.at(from)); statErr != nil {
			return statErr // there is nothing to rename: what stands under the name stays
		}
		if removeErr := c.Remove(r.at(to)); removeErr != nil {
			return errors.Join(err, removeErr)
		}
		return c.Rename(r.at(from), r.at(to))
	})
}

func (r *remote) remove(ctx context.Context, name string) error {
	return r.with(ctx, func(c *sftp.Client) error { return c.Remove(r.at(name)) })
}

func (r *remote) mkdir(ctx context.Context, folder string) error {
	return r.with(ctx, func(c *sftp.Client) error { return c.MkdirAll(r.at(folder)) })
}

func (r *remote) show(name string) string { return r.shown + "/" + name }

func (r *remote) close() error {
	r.mu.Lock()
	client := r.client
	r.mu.Unlock()
	r.drop(client)
	return nil
}
