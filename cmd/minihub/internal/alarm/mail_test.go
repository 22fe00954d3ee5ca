package alarm_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/connectors"
)

// postOffice is a strict SMTP server: nothing without TLS and sign-in, no recipient
// outside its domain.
type postOffice struct {
	t        *testing.T
	cert     tls.Certificate
	pool     *x509.CertPool
	listener net.Listener
	implicit bool
	plainTLS bool   // offers no STARTTLS
	methods  string // of AUTH

	mu      sync.Mutex
	letters []string
}

const mailPassword = "invented-mail-password"

func newPostOffice(t *testing.T, implicit bool) *postOffice {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "post"}, NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{t: t, implicit: implicit, methods: "PLAIN LOGIN", pool: x509.NewCertPool(), cert: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}
	p.pool.AddCert(parsed)
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.listener.Close() })
	go func() {
		for {
			c, err := p.listener.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *postOffice) target() alarm.Target {
	return alarm.Target{Name: "mail", Kind: "mail", Mail: alarm.Mail{Server: p.listener.Addr().String(), Implicit: p.implicit, User: "hub@example.com",
		Password: connectors.NewSecret(mailPassword), From: "hub@example.com", To: []string{"ops@example.com", "night@example.com"}, TLS: &tls.Config{RootCAs: p.pool}}}
}

func (p *postOffice) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	secure := p.implicit
	if secure {
		c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{p.cert}})
	}
	r := bufio.NewReader(c)
	say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
	line := func() (string, bool) {
		s, err := r.ReadString('\n')
		return strings.TrimRight(s, "\r\n"), err == nil && strings.HasSuffix(s, "\r\n")
	}
	say("220 post.example.com ESMTP")
	signed, from, to := false, "", 0
	for {
		s, ok := line()
		if !ok {
			return
		}
		verb, rest, _ := strings.Cut(s, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-post.example.com")
			if !secure && !p.plainTLS {
				say("250-STARTTLS")
			}
			if secure {
				say("250-AUTH " + p.methods)
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go ahead")
			c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{p.cert}})
			r, secure = bufio.NewReader(c), true
		case "AUTH":
			signed = secure && p.signIn(rest, say, line)
			if signed {
				say("235 welcome")
			} else {
				say("535 5.7.8 authentication failed")
			}
		case "MAIL":
			if !signed {
				say("530 5.7.0 sign in first")
				continue
			}
			from = rest
			say("250 ok")
		case "RCPT":
			if from == "" || !strings.HasSuffix(rest, "@example.com>") {
				say("550 5.7.1 relaying denied")
				continue
			}
			to++
			say("250 ok")
		case "DATA":
			if to == 0 {
				say("503 no recipient")
				continue
			}
			say("354 end with a dot")
			var b strings.Builder
			for {
				s, ok := line()
				if !ok || len(s) > 998 {
					say("500 line too long")
					return
				}
				if s == "." {
					break
				}
				b.WriteString(strings.TrimPrefix(s, ".") + "\r\n")
			}
			p.mu.Lock()
			p.letters = append(p.letters, b.String())
			p.mu.Unlock()
			say("250 2.0.0 queued as 4XyZ")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("502 what?")
		}
	}
}

func (p *postOffice) signIn(rest string, say func(string), line func() (string, bool)) bool {
	method, first, _ := strings.Cut(rest, " ")
	if !strings.Contains(p.methods, method) {
		return false
	}
	if method == "PLAIN" {
		b, err := base64.StdEncoding.DecodeString(first)
		return err == nil && string(b) == "\x00hub@example.com\x00"+mailPassword
	}
	var said []string
	for _, ask := range []string{"Username:", "Password:"} {
		say("334 " + base64.StdEncoding.EncodeToString([]byte(ask)))
		s, ok := line()
		b, err := base64.StdEncoding.DecodeString(s)
		if !ok || err != nil {
			return false
		}
		said = append(said, string(b))
	}
	return said[0] == "hub@example.com" && said[1] == mailPassword
}

func TestMailIsSentOverTLSOnly(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		for _, methods := range []string{"PLAIN LOGIN", "LOGIN"} {
			t.Run(fmt.Sprint(implicit, " ", methods), func(t *testing.T) {
				p := newPostOffice(t, implicit)
				p.methods = methods
				answer, err := receiver(t, p.target(), time.Now).Send(t.Context(), message("第一行\n.\n第二行"))
				if err != nil || answer != "250 2.0.0 queued as 4XyZ" {
					t.Fatalf("the answer is %q, %v", answer, err)
				}
				m, err := mail.ReadMessage(strings.NewReader(p.letters[0]))
				if err != nil {
					t.Fatal(err)
				}
				subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
				if err != nil || subject != "[告警] erp 有 12 条消息失败 & <more>" {
					t.Errorf("the subject is %q, %v", subject, err)
				}
				if to, err := m.Header.AddressList("To"); err != nil || len(to) != 2 {
					t.Errorf("it goes to %v, %v", to, err)
				}
				body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
				if err != nil || !strings.Contains(string(body), "第二行") || !strings.Contains(string(body), "https://hub.example.com/") {
					t.Errorf("the body is %q, %v", body, err)
				}
			})
		}
	}
}

func TestMailThatCannotBeSentSaysWhy(t *testing.T) {
	cases := []struct {
		name   string
		change func(p *postOffice, m *alarm.Mail)
		want   string
	}{
		{"no STARTTLS", func(p *postOffice, _ *alarm.Mail) { p.plainTLS = true }, "offers no STARTTLS"},
		{"a stranger's certificate", func(_ *postOffice, m *alarm.Mail) { m.TLS = nil }, "TLS with the mail server"},
		{"a wrong password", func(_ *postOffice, m *alarm.Mail) { m.Password = connectors.NewSecret("wrong") }, "535 5.7.8"},
		{"no sign-in", func(_ *postOffice, m *alarm.Mail) { m.User = "" }, "530 5.7.0"},
		{"a foreign recipient", func(_ *postOffice, m *alarm.Mail) { m.To = []string{"a@elsewhere.example"} }, "550 5.7.1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newPostOffice(t, false)
			target := p.target()
			c.change(p, &target.Mail)
			_, err := receiver(t, target, time.Now).Send(t.Context(), message("x"))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), mailPassword) {
				t.Fatalf("it ended in %v, want %q", err, c.want)
			}
			if len(p.letters) != 0 {
				t.Error("a letter was sent")
			}
		})
	}
}
