package filedrop

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
)

const (
	serverUser     = "hub"
	serverPassword = "invented-password-4711"
	serverSystem   = "sftp"
)

// server is an SFTP server over a folder of this machine, with faults on its requests.
type server struct {
	addr        string
	fingerprint string
	clientKey   string // PEM; its public half is let in
	faults      *simkit.Faults

	mu    sync.Mutex
	conns []net.Conn
	wg    sync.WaitGroup
}

func newServer(t *testing.T) *server {
	t.Helper()
	_, hostKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(hostKey)
	if err != nil {
		t.Fatal(err)
	}
	_, userKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	userSigner, err := ssh.NewSignerFromKey(userKey)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(userKey, "")
	if err != nil {
		t.Fatal(err)
	}
	cfg := &ssh.ServerConfig{
		PasswordCallback: func(c ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			if c.User() == serverUser && string(p) == serverPassword {
				return nil, nil
			}
			return nil, errors.New("no")
		},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if bytes.Equal(key.Marshal(), userSigner.PublicKey().Marshal()) {
				return nil, nil
			}
			return nil, errors.New("no")
		},
	}
	cfg.AddHostKey(signer)
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: ln.Addr().String(), fingerprint: ssh.FingerprintSHA256(signer.PublicKey()), clientKey: string(pem.EncodeToMemory(block)), faults: simkit.NewFaults(1)}
	s.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			s.mu.Unlock()
			s.wg.Go(func() { s.serve(conn, cfg) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		s.cut()
		s.wg.Wait()
	})
	return s
}

// cut ends every connection.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
}

func (s *server) serve(conn net.Conn, cfg *ssh.ServerConfig) {
	defer func() { _ = conn.Close() }()
	sc, channels, requests, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	ctx, ended := context.WithCancel(context.Background())
	s.wg.Go(func() { ssh.DiscardRequests(requests) })
	s.wg.Go(func() {
		_ = sc.Wait()
		ended()
	})
	for nc := range channels {
		ch, reqs, err := nc.Accept()
		if err != nil {
			return
		}
		s.wg.Go(func() {
			for r := range reqs {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		})
		s.wg.Go(func() {
			g := newGate(ctx, s, ch, func() { _ = conn.Close() })
			srv, err := sftp.NewServer(g)
			if err != nil {
				return
			}
			_ = srv.Serve()
			_ = srv.Close()
			_ = sc.Close()
		})
	}
}

// gate stands between the connection and the server and strikes whole requests.
type gate struct {
	s   *server
	ch  ssh.Channel
	cut func()
	in  *io.PipeReader

	mu   sync.Mutex
	mute bool // answers are lost
}

func newGate(ctx context.Context, s *server, ch ssh.Channel, cut func()) *gate {
	in, out := io.Pipe()
	g := &gate{s: s, ch: ch, cut: cut, in: in}
	s.wg.Go(func() { _ = out.CloseWithError(g.copy(ctx, out)) })
	return g
}

func (g *gate) copy(ctx context.Context, to io.Writer) error {
	for {
		var head [4]byte
		if _, err := io.ReadFull(g.ch, head[:]); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(g.ch, body); err != nil {
			return err
		}
		call := callOf(body)
		if f, ok := g.s.faults.Hit(serverSystem, call, simkit.Delay); ok {
			select {
			case <-time.After(time.Duration(f.DelayMS) * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if _, ok := g.s.faults.Hit(serverSystem, call, simkit.DropRequest); ok {
			g.cut()
			return io.ErrUnexpectedEOF
		}
		if _, ok := g.s.faults.Hit(serverSystem, call, simkit.DropAnswer); ok {
			g.mu.Lock()
			g.mute = true
			g.mu.Unlock()
		}
		if _, err := to.Write(append(head[:], body...)); err != nil {
			return err
		}
	}
}

// callOf names a request: "rename" is the one by which a file appears.
func callOf(body []byte) string {
	switch {
	case len(body) == 0:
		return ""
	case body[0] == 200 && bytes.Contains(body, []byte("posix-rename")):
		n := len(body)
		if i := bytes.LastIndexByte(body, '/'); i > 0 && !strings.Contains(string(body[max(0, i-80):n]), ".minihub/void") && !bytes.HasSuffix(body, []byte(".json")) {
			return "rename"
		}
		return "note"
	case body[0] == 11:
		return "list"
	case body[0] == 5:
		return "read"
	case body[0] == 17:
		return "stat"
	}
	return "other"
}

func (g *gate) Read(p []byte) (int, error) { return g.in.Read(p) }

func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	mute := g.mute
	g.mu.Unlock()
	if mute {
		g.cut()
		return 0, io.ErrClosedPipe
	}
	return g.ch.Write(p)
}

func (g *gate) Close() error {
	return errors.Join(g.in.Close(), g.ch.Close())
}

func (s *server) values(dir string) connectors.Values {
	return connectors.Values{
		Text:    map[string]string{"root": "sftp://" + serverUser + "@" + s.addr + dir, "host_key": s.fingerprint},
		Secrets: map[string]connectors.Secret{"password": connectors.NewSecret(serverPassword)},
	}
}

func openAt(t *testing.T, src string, v connectors.Values) (connectors.Connection, error) {
	t.Helper()
	c := mustLoad(t, src)
	cfg, errs := connectors.NewConfig(c.Config, v)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Name: "test"})
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, err
}

func mkdirs(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		if err := os.MkdirAll(dir+"/"+n, 0o750); err != nil {
			t.Fatal(err)
		}
	}
}
