package webhooksim

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// callSend names the sender's deliveries in faults: duplicate sends an event
// twice, reorder reverses a list of them.
const callSend = "send"

// Sender posts signed events, as a system that speaks Standard Webhooks would.
type Sender struct {
	URL    string
	Secret string
	Client *http.Client     // nil means one with a time-out of 15 s
	Now    func() time.Time // nil means time.Now
	Faults *simkit.Faults   // nil means none
}

// Outgoing is one event to send.
type Outgoing struct {
	ID   string // webhook-id; stays the same over repeats
	Body []byte // sent as it is
	// WrongSignature signs with another secret.
	WrongSignature bool
	// Age is how long ago the event claims to have been sent.
	Age time.Duration
	// Unsigned leaves the three headers out; Header is added to the request in any case.
	Unsigned bool
	Header   http.Header
}

// Answer is what the other side said.
type Answer struct {
	Status     int
	RetryAfter string
	Body       []byte
}

// Send posts one event and returns the answer (the last, when a fault sent it
// twice). The error covers transport and an unusable secret only, never the
// status of the answer.
func (s *Sender) Send(ctx context.Context, o Outgoing) (Answer, error) {
	a, err := s.post(ctx, o)
	if err != nil || s.Faults == nil {
		return a, err
	}
	if _, hit := s.Faults.Hit(system, callSend, simkit.Duplicate); hit {
		return s.post(ctx, o)
	}
	return a, nil
}

// SendAll posts a list one after the other, and stops at the first error.
func (s *Sender) SendAll(ctx context.Context, list []Outgoing) ([]Answer, error) {
	answers := make([]Answer, len(list))
	reverse := false
	if s.Faults != nil {
		_, reverse = s.Faults.Hit(system, callSend, simkit.Reorder)
	}
	for n := range list {
		i := n
		if reverse {
			i = len(list) - 1 - n
		}
		var err error
		if answers[i], err = s.Send(ctx, list[i]); err != nil {
			return answers, err
		}
	}
	return answers, nil
}

func (s *Sender) post(ctx context.Context, o Outgoing) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(o.Body))
	if err != nil {
		return Answer{}, fmt.Errorf("send event %s: %w", o.ID, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if !o.Unsigned {
		if err := s.sign(req.Header, o); err != nil {
			return Answer{}, fmt.Errorf("sign event %s: %w", o.ID, err)
		}
	}
	for name, values := range o.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	client := s.Client
	if client == nil {
		client = &http.Client{
			Timeout: 15 * time.Second,
			// The specification counts a redirect as a failure.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("send event %s: %w", o.ID, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer to event %s: %w", o.ID, err)
	}
	return Answer{resp.StatusCode, resp.Header.Get("Retry-After"), body}, nil
}

func (s *Sender) sign(h http.Header, o Outgoing) error {
	secret := s.Secret
	if o.WrongSignature {
		secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("a-secret-that-nobody-agreed-upon"))
	}
	key, err := parseSecret(secret)
	if err != nil {
		return err
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	stamp := strconv.FormatInt(now().Add(-o.Age).Unix(), 10)
	h.Set(headerID, o.ID)
	h.Set(headerTimestamp, stamp)
	h.Set(headerSignature, "v1,"+key.sign(o.ID, stamp, o.Body))
	return nil
}
