package alarm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
)

// The kinds of receivers.
const (
	KindWebhook  = "webhook"
	KindMail     = "mail"
	KindWeCom    = "wecom"
	KindDingTalk = "dingtalk"
	KindFeishu   = "feishu"
)

// Kinds lists the kinds of receivers.
func Kinds() []string { return []string{KindWebhook, KindMail, KindWeCom, KindDingTalk, KindFeishu} }

// Target is a configured receiver.
type Target struct {
	Name string
	Kind string
	// URL of a webhook or robot; it carries the robot's key.
	URL connectors.Secret
	// Secret signs: whsec_... of a webhook, the text of a robot that signs.
	Secret connectors.Secret
	Mail   Mail
}

// Receiver takes messages.
type Receiver interface {
	// Send returns the receiver's answer in its own words. An error is a *Refusal where
	// the receiver answered.
	Send(ctx context.Context, m Message) (answer string, err error)
}

// Refusal is a receiver's answer that is no success.
type Refusal struct {
	Answer string
	Wait   time.Duration // it asked for no sooner try; 0 = it said nothing
}

func (r *Refusal) Error() string { return r.Answer }

// NewReceiver returns the receiver for a target.
func NewReceiver(t Target, client *http.Client, now func() time.Time) (Receiver, error) {
	h := caller{client: client, url: t.URL, now: now}
	switch t.Kind {
	case KindWebhook:
		key, err := parseKey(t.Secret)
		return &hook{h, key}, err
	case KindWeCom:
		return &wecom{h}, nil
	case KindDingTalk:
		return &dingtalk{h, t.Secret}, nil
	case KindFeishu:
		return &feishu{h, t.Secret}, nil
	case KindMail:
		return &mailer{t.Mail, now}, nil
	}
	return nil, fmt.Errorf("%q is no kind of a receiver; known: %s", t.Kind, strings.Join(Kinds(), ", "))
}

// caller posts JSON. It never lets a URL into an error: it carries the key (Invariant 8).
type caller struct {
	client *http.Client
	url    connectors.Secret
	now    func() time.Time
}

// mostAnswer bounds what is read of an answer.
const mostAnswer = 4096

// sendTimeout bounds one try.
const sendTimeout = 15 * time.Second

func (c caller) post(ctx context.Context, query url.Values, body any, header http.Header) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return 0, nil, err
	}
	return c.postBytes(ctx, query, bytes.TrimRight(b.Bytes(), "\n"), header)
}

func (c caller) postBytes(ctx context.Context, query url.Values, body []byte, header http.Header) (status int, answer []byte, err error) {
	u, err := url.Parse(c.url.Reveal())
	if err != nil || u.Host == "" {
		return 0, nil, errors.New("the receiver's url is none: write https://HOST/PATH")
	}
	if len(query) > 0 {
		q := u.Query()
		for k, v := range query {
			q[k] = v
		}
		u.RawQuery = q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("the receiver's url is none: write https://HOST/PATH")
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := c.client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return 0, nil, fmt.Errorf("no answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return resp.StatusCode, answer, &Refusal{Answer: said(resp.StatusCode, answer), Wait: retryAfter(resp.Header, c.now())}
	}
	return resp.StatusCode, answer, nil
}

// retryAfter reads how long a receiver asks to be left alone, at most an hour.
func retryAfter(h http.Header, now time.Time) time.Duration {
	s := h.Get("Retry-After")
	n, err := strconv.Atoi(s)
	d := time.Duration(n) * time.Second
	if err != nil {
		t, terr := http.ParseTime(s)
		if terr != nil {
			return 0
		}
		d = t.Sub(now)
	}
	return min(time.Hour, max(0, d))
}

func said(status int, answer []byte) string {
	return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", status, cut(strings.ToValidUTF8(string(answer), "?"), 300)))
}

// verdict is the answer of a robot: HTTP 200 with a code.
type verdict struct {
	Code *int64
	Text string
}

// judge reads a robot's answer; waits names codes that ask for patience.
func judge(status int, answer []byte, err error, v func() (verdict, error), waits map[int64]time.Duration) (string, error) {
	if err != nil {
		return "", err
	}
	got, jerr := v()
	if jerr != nil || got.Code == nil {
		return "", &Refusal{Answer: "the answer is not a robot's: " + said(status, answer)}
	}
	text := fmt.Sprintf("%d %s", *got.Code, cut(got.Text, 300))
	if *got.Code != 0 {
		return "", &Refusal{Answer: text, Wait: waits[*got.Code]}
	}
	return text, nil
}
