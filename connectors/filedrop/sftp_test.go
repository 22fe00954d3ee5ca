package filedrop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/simkit"
)

const overSFTP = `kind: file
title: Drop
streams:
  orders:
    entity: order
    folder: in
    format: csv
    key: no
    marker: .ok
    glob: "*.csv"
    page: 10
`

func drop(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheHostKeyIsPinned(t *testing.T) {
	s, other := newServer(t), newServer(t)
	dir := t.TempDir()
	mkdirs(t, dir, "in")
	v := s.values(dir)
	v.Text["host_key"] = other.fingerprint
	conn, err := openAt(t, overSFTP, v)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: "orders"})
	if e := connectors.AsError(err); e == nil || e.Code != "file.host_key" || e.Scope != connectors.OfConnection || e.Hint == "" || !strings.Contains(e.Error(), s.fingerprint) {
		t.Errorf("%v", err)
	}
	v = s.values(dir)
	v.Secrets["password"] = connectors.NewSecret("wrong-4712")
	if conn, err = openAt(t, overSFTP, v); err != nil {
		t.Fatal(err)
	}
	err = conn.(connectors.Pinger).Ping(t.Context())
	if e := connectors.AsError(err); e == nil || e.Kind != connectors.Unauthorized || strings.Contains(e.Error(), "wrong-4712") {
		t.Errorf("%v", err)
	}
}

func TestLoginWithAKey(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	mkdirs(t, dir, "in")
	v := s.values(dir)
	v.Secrets = map[string]connectors.Secret{"private_key": connectors.NewSecret(s.clientKey)}
	conn, err := openAt(t, overSFTP, v)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(connectors.Pinger).Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestALostConnectionIsSaidAndMended(t *testing.T) {
	for _, kind := range []simkit.Kind{simkit.DropRequest, simkit.DropAnswer} {
		for _, call := range []string{"list", "stat", "read"} {
			t.Run(fmt.Sprintf("%s of %s", kind, call), func(t *testing.T) {
				s := newServer(t)
				dir := t.TempDir()
				mkdirs(t, dir, "in")
				var text strings.Builder
				text.WriteString("no,memo\n")
				for i := range 200 {
					fmt.Fprintf(&text, "%d,%s\n", i, strings.Repeat("x", 1000))
				}
				drop(t, dir, "in/a.csv", text.String())
				drop(t, dir, "in/a.csv.ok", "")
				conn, err := openAt(t, overSFTP, s.values(dir))
				if err != nil {
					t.Fatal(err)
				}
				cursor, n, faults := "", 0, 0
				for round := range 200 {
					if round%4 == 2 {
						if _, err := s.faults.Add(simkit.Fault{System: serverSystem, Call: call, Kind: kind, Count: 1}); err != nil {
							t.Fatal(err)
						}
					}
					p, err := conn.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: "orders", Cursor: cursor})
					if err != nil {
						e := connectors.AsError(err)
						if e.Kind != connectors.Unavailable || e.Scope != connectors.OfConnection {
							t.Fatalf("%+v", e)
						}
						faults++
						continue
					}
					for _, it := range p.Items {
						if it.Key != fmt.Sprint(n) {
							t.Fatalf("document %s, want %d", it.Key, n)
						}
						n++
					}
					cursor = p.Cursor
					if !p.More {
						break
					}
					if err := conn.(connectors.Acker).Ack(t.Context(), p.Acks); err != nil {
						faults++ // the next pull asks for it again
					}
				}
				if n != 200 || faults == 0 {
					t.Errorf("%d documents, %d faults", n, faults)
				}
			})
		}
	}
}

func TestTheEndOfItsContextEndsACall(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	mkdirs(t, dir, "in")
	if _, err := s.faults.Add(simkit.Fault{System: serverSystem, Call: "list", Kind: simkit.Delay, DelayMS: 60_000}); err != nil {
		t.Fatal(err)
	}
	conn, err := openAt(t, overSFTP, s.values(dir))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	began := time.Now()
	_, err = conn.(connectors.Source).Pull(ctx, connectors.PullRequest{Stream: "orders"})
	if err == nil || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestRejectsAndDoneOverSFTP(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	mkdirs(t, dir, "in")
	drop(t, dir, "in/a.csv", "no\n1\n2,3\n")
	drop(t, dir, "in/a.ok", "")
	conn, err := openAt(t, overSFTP, s.values(dir))
	if err != nil {
		t.Fatal(err)
	}
	p, err := conn.(connectors.Source).Pull(t.Context(), connectors.PullRequest{Stream: "orders"})
	if err != nil || keysOf(p.Items) != "1" {
		t.Fatalf("%+v %v", p, err)
	}
	if err := conn.(connectors.Acker).Ack(t.Context(), p.Acks); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "in", "*"))
	rejects, _ := filepath.Glob(filepath.Join(dir, "in", "rejects", "a~*.csv.rejects.csv"))
	if _, err := os.Stat(filepath.Join(dir, "in", "done", "a.csv")); err != nil || len(left) != 2 || len(rejects) != 1 {
		t.Errorf("left %v, rejects %v, done %v", left, rejects, err)
	}
}

func TestConfigurationMistakesNameTheirField(t *testing.T) {
	key := "SHA256:" + strings.Repeat("A", 43)
	for name, c := range map[string]struct {
		root, host, password, private, field string
	}{
		"no such folder":         {"/no/such/folder", "", "", "", "root"},
		"a relative folder":      {"in", "", "", "", "root"},
		"a host key for a disk":  {"/tmp", key, "", "", "host_key"},
		"another protocol":       {"ftp://u@h/x", key, "p", "", "root"},
		"no user":                {"sftp://h/x", key, "p", "", "root"},
		"a password in the root": {"sftp://u:p@h/x", key, "p", "", "root"},
		"no host key":            {"sftp://u@h/x", "", "p", "", "host_key"},
		"a damaged host key":     {"sftp://u@h/x", "SHA256:abc", "p", "", "host_key"},
		"no credentials":         {"sftp://u@h/x", key, "", "", "private_key"},
		"a damaged key":          {"sftp://u@h/x", key, "", "no key", "private_key"},
		"a query":                {"sftp://u@h/x?y=1", key, "p", "", "root"},
	} {
		v := connectors.Values{Text: map[string]string{"root": c.root, "host_key": c.host}, Secrets: map[string]connectors.Secret{
			"password": connectors.NewSecret(c.password), "private_key": connectors.NewSecret(c.private)}}
		_, err := openAt(t, overSFTP, v)
		var fe *connectors.FieldError
		if !errors.As(err, &fe) || fe.Field != c.field {
			t.Errorf("%s: %v, want %s", name, err, c.field)
		}
	}
}

func TestAnOldServerWithoutPosixRename(t *testing.T) {
	if err := sftp.SetSFTPExtensions(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sftp.SetSFTPExtensions("hardlink@openssh.com", "posix-rename@openssh.com", "statvfs@openssh.com"); err != nil {
			t.Error(err)
		}
	})
	s := newServer(t)
	dir := t.TempDir()
	mkdirs(t, dir, "in", "out")
	conn, err := openAt(t, conformant, s.values(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, city := range []string{"杭州", "杭州", "上海"} { // written, known, a newer version
		res, err := conn.(connectors.Sink).Deliver(t.Context(), "orders.write", []connectors.Delivery{delivery("1", "A", fmt.Sprintf(`{"no":"A","city":%q}`, city))})
		if err != nil || res[0].Outcome != connectors.Done {
			t.Fatalf("%+v %v", res, err)
		}
	}
	if n := rowsOf(t, dir, "A"); n != 2 {
		t.Errorf("written %d times, want 2", n)
	}
}
