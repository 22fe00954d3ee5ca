package alarm

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
)

// Mail is how e-mail is sent.
type Mail struct {
	Server   string // HOST:PORT
	Implicit bool   // TLS from the first byte (port 465); else STARTTLS, which the server must offer
	User     string // empty: without signing in
	Password connectors.Secret
	From     string
	To       []string
	TLS      *tls.Config // nil = the machine's authorities
}

type mailer struct {
	Mail
	now func() time.Time
}

// Send hands the message to the server; nothing is sent without TLS.
func (r *mailer) Send(ctx context.Context, m Message) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	host, _, err := net.SplitHostPort(r.Server)
	if err != nil {
		return "", errors.New("the mail server is no HOST:PORT")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.Server)
	if err != nil {
		return "", fmt.Errorf("no answer: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if until, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(until); err != nil {
			return "", err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	secure := &tls.Config{}
	if r.TLS != nil {
		secure = r.TLS.Clone()
	}
	secure.ServerName, secure.MinVersion = host, tls.VersionTLS12
	if r.Implicit {
		conn = tls.Client(conn, secure)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return "", fmt.Errorf("the mail server does not greet: %w", err)
	}
	if !r.Implicit {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return "", errors.New("the mail server offers no STARTTLS: set security: tls and its port, usually 465")
		}
		if err := c.StartTLS(secure); err != nil {
			return "", fmt.Errorf("TLS with the mail server: %w", err)
		}
	}
	if err := r.signIn(c, host); err != nil {
		return "", err
	}
	answer, err := r.hand(c, m)
	if err == nil {
		_ = c.Quit() // it has the message; how it says goodbye changes nothing
	}
	return answer, err
}

func (r *mailer) signIn(c *smtp.Client, host string) error {
	if r.User == "" {
		return nil
	}
	_, offered := c.Extension("AUTH")
	auth := smtp.PlainAuth("", r.User, r.Password.Reveal(), host)
	if methods := strings.Fields(strings.ToUpper(offered)); !contains(methods, "PLAIN") && contains(methods, "LOGIN") {
		auth = &login{r.User, r.Password}
	}
	if err := c.Auth(auth); err != nil {
		return &Refusal{Answer: "the mail server refuses the sign-in: " + reply(err)}
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// login is AUTH LOGIN, which some servers offer alone; the connection has TLS.
type login struct {
	user     string
	password connectors.Secret
}

func (l *login) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS {
		return "", nil, errors.New("no TLS")
	}
	return "LOGIN", nil, nil
}

func (l *login) Next(ask []byte, more bool) ([]byte, error) {
	switch word := strings.ToLower(string(ask)); {
	case !more:
		return nil, nil
	case strings.HasPrefix(word, "user"):
		return []byte(l.user), nil
	case strings.HasPrefix(word, "pass"):
		return []byte(l.password.Reveal()), nil
	}
	return nil, errors.New("the server asks for something else than user and password")
}

// hand gives the message over and returns what the server said to it.
func (r *mailer) hand(c *smtp.Client, m Message) (string, error) {
	if err := c.Mail(r.From); err != nil {
		return "", refusedMail("the sender", err)
	}
	for _, to := range r.To {
		if err := c.Rcpt(to); err != nil {
			return "", refusedMail("a recipient", err)
		}
	}
	id, err := c.Text.Cmd("DATA")
	if err != nil {
		return "", err
	}
	c.Text.StartResponse(id)
	_, _, err = c.Text.ReadResponse(354)
	c.Text.EndResponse(id)
	if err != nil {
		return "", refusedMail("the message", err)
	}
	w := c.Text.DotWriter()
	if _, err := w.Write(r.letter(m)); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	code, said, err := c.Text.ReadResponse(250)
	if err != nil {
		return "", refusedMail("the message", err)
	}
	return fmt.Sprintf("%d %s", code, cut(said, 300)), nil
}

func refusedMail(what string, err error) error {
	return &Refusal{Answer: "the mail server refuses " + what + ": " + reply(err)}
}

// reply is a server's answer as it gave it.
func reply(err error) string {
	var said *textproto.Error
	if errors.As(err, &said) {
		return cut(strconv.Itoa(said.Code)+" "+said.Msg, 300)
	}
	return cut(err.Error(), 300)
}

// letter is the message as RFC 5322 wants it; words are encoded, so none can make a header.
func (r *mailer) letter(m Message) []byte {
	var b strings.Builder
	domain := "minihub"
	if _, d, ok := strings.Cut(r.From, "@"); ok {
		domain = d
	}
	for _, h := range [][2]string{
		{"From", r.From}, {"To", strings.Join(r.To, ", ")}, {"Subject", mime.BEncoding.Encode("utf-8", m.Title)},
		{"Date", r.now().Format(time.RFC1123Z)}, {"Message-ID", "<" + m.ID + "@" + domain + ">"}, {"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "base64"},
	} {
		b.WriteString(h[0] + ": " + strings.NewReplacer("\r", "", "\n", "").Replace(h[1]) + "\r\n")
	}
	b.WriteString("\r\n")
	body := base64.StdEncoding.EncodeToString([]byte(m.Plain(64 << 10)))
	for len(body) > 76 {
		b.WriteString(body[:76] + "\r\n")
		body = body[76:]
	}
	b.WriteString(body + "\r\n")
	return []byte(b.String())
}
