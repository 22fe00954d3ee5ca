package wechatshopsim

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// PushOptions say where events go and how stubbornly.
type PushOptions struct {
	// URL receives the events; empty: nothing is sent until Subscribe.
	URL string
	// Token and AESKey sign and encrypt; invented when empty. AESKey has 43 characters.
	Token, AESKey string
	// Waits are the pauses before each further try of an event that was not
	// answered with success; default the shop's own ladder of nine.
	Waits []time.Duration
	// Timeout is how long an answer may take; default 5 s.
	Timeout time.Duration
	// Workers is how many events are on the way at a time; default 4. Several
	// workers promise no order, as the platform does not.
	Workers int
}

func (o PushOptions) withDefaults(shop string) PushOptions {
	o.Token = cmp.Or(o.Token, "FakePushToken"+digest("token", shop)[:8])
	o.AESKey = cmp.Or(o.AESKey, "FakeAESKey"+digest("aes", shop)[:33])
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.Workers = cmp.Or(o.Workers, 4)
	if o.Waits == nil {
		o.Waits = []time.Duration{0, 0, 10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, time.Hour, time.Hour, time.Hour}
	}
	return o
}

// PushStats counts events.
type PushStats struct {
	Emitted   int `json:"emitted"`   // happened, with or without a URL
	Queued    int `json:"queued"`    // to be sent, or to be tried again
	Sent      int `json:"sent"`      // requests made
	Delivered int `json:"delivered"` // answered with success
	Failed    int `json:"failed"`    // requests not answered with success
	GivenUp   int `json:"given_up"`  // never answered with success
	Lost      int `json:"lost"`      // dropped by a fault before the first try
}

type event struct {
	name, from string
	body       []byte
	tries      int
	due        time.Time
	forged     bool
}

// pusher sends events in the background. It has its own lock, so that a hub that
// answers a push by calling the shop waits for nobody.
type pusher struct {
	opts   PushOptions
	appID  string
	system string
	faults *simkit.Faults
	now    func() time.Time
	key    []byte
	client *http.Client

	ctx    context.Context // ends at close; a pusher lives as long as its shop
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	wake    chan struct{}
	idle    chan struct{} // closed and replaced whenever the queue runs dry
	url     string
	queue   []*event
	held    *event // waits to be overtaken
	flying  int
	started bool
	count   PushStats
}

func newPusher(o PushOptions, appID, system string, faults *simkit.Faults, now func() time.Time) *pusher {
	p := &pusher{opts: o, appID: appID, system: system, faults: faults, now: now, client: &http.Client{Timeout: o.Timeout},
		wake: make(chan struct{}, 1), idle: make(chan struct{}), url: o.URL}
	p.key, _ = pushKey(o.AESKey) // an unfit key fails the first push
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

func (p *pusher) close() {
	p.cancel()
	p.wg.Wait()
	p.client.CloseIdleConnections()
}

func (p *pusher) stats() PushStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.count
	out.Queued = p.pending()
	return out
}

func (p *pusher) pending() int {
	n := len(p.queue) + p.flying
	if p.held != nil {
		n++
	}
	return n
}

// add takes an event; faults may drop, double or hold it.
func (p *pusher) add(e *event) {
	hit := func(kind simkit.Kind) (simkit.Fault, bool) { return p.faults.Hit(p.system, "push", kind) }
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count.Emitted++
	if p.url == "" || p.ctx.Err() != nil {
		return
	}
	if _, lost := hit(simkit.DropRequest); lost {
		p.count.Lost++
		return
	}
	if f, late := hit(simkit.Delay); late {
		e.due = time.Now().Add(time.Duration(f.DelayMS) * time.Millisecond)
	}
	_, e.forged = hit(simkit.Garble)
	if _, hold := hit(simkit.Reorder); hold && p.held == nil {
		p.held = e
		return
	}
	p.queue = append(p.queue, e)
	if _, twice := hit(simkit.Duplicate); twice {
		again := *e
		p.queue = append(p.queue, &again)
	}
	if p.held != nil {
		p.queue = append(p.queue, p.held)
		p.held = nil
	}
	p.start()
}

// start runs the workers, once, and wakes one. The lock is held.
func (p *pusher) start() {
	if !p.started {
		p.started = true
		for range p.opts.Workers {
			p.wg.Go(p.work)
		}
	}
	p.signal()
}

func (p *pusher) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pusher) work() {
	for {
		e, wait := p.take()
		if e == nil {
			var timer <-chan time.Time
			if wait > 0 {
				timer = time.After(wait)
			}
			select {
			case <-p.ctx.Done():
				return
			case <-p.wake:
			case <-timer:
			}
			continue
		}
		p.signal() // another worker may take the next
		p.done(e, p.send(e) == nil)
	}
}

// take returns an event that is due, or how long until one is (0: none waits).
func (p *pusher) take() (*event, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return nil, 0
	}
	var wait time.Duration
	now := time.Now()
	for i, e := range p.queue {
		if left := e.due.Sub(now); left <= 0 {
			p.queue = slices.Delete(p.queue, i, i+1)
			p.flying++
			return e, 0
		} else if wait == 0 || left < wait {
			wait = left
		}
	}
	return nil, wait
}

func (p *pusher) done(e *event, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying--
	p.count.Sent++
	switch {
	case ok:
		p.count.Delivered++
	case e.tries < len(p.opts.Waits) && p.ctx.Err() == nil:
		p.count.Failed++
		e.due = time.Now().Add(p.opts.Waits[e.tries])
		e.tries++
		p.queue = append(p.queue, e)
		p.signal()
	default:
		p.count.Failed++
		p.count.GivenUp++
	}
	if p.pending() == 0 {
		close(p.idle)
		p.idle = make(chan struct{})
	}
}

// drain waits until nothing is queued; an event held back for another is let go.
func (p *pusher) drain(ctx context.Context) error {
	for {
		p.mu.Lock()
		if p.held != nil {
			p.queue = append(p.queue, p.held)
			p.held = nil
			p.start()
		}
		left, idle := p.pending(), p.idle
		p.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("%d pushes are not delivered yet: %w", left, ctx.Err())
		}
	}
}

// send makes one request in safe mode. Success is HTTP 200 with an empty body or "success".
func (p *pusher) send(e *event) error {
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	secret, err := seal(p.key, random, string(e.body), p.appID)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"ToUserName": p.account(), "Encrypt": secret})
	if err != nil {
		return err
	}
	stamp, nonce := strconv.FormatInt(p.now().Unix(), 10), strconv.FormatUint(uint64(binary.BigEndian.Uint32(random)), 10)
	q := url.Values{
		"signature": {sign(p.opts.Token, stamp, nonce)}, "timestamp": {stamp}, "nonce": {nonce}, "openid": {e.from},
		"encrypt_type": {"aes"}, "msg_signature": {sign(p.opts.Token, stamp, nonce, secret)},
	}
	if e.forged {
		q.Set("msg_signature", sign("not the token", stamp, nonce, secret))
	}
	status, answer, err := p.request(p.ctx, http.MethodPost, q, body)
	if err != nil {
		return err
	}
	if text := strings.TrimSpace(answer); status != http.StatusOK || text != "" && text != "success" {
		return fmt.Errorf("answered HTTP %d", status)
	}
	return nil
}

func (p *pusher) request(ctx context.Context, method string, q url.Values, body []byte) (int, string, error) {
	p.mu.Lock()
	target := p.url
	p.mu.Unlock()
	if strings.Contains(target, "?") {
		target += "&" + q.Encode()
	} else {
		target += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, string(answer), err
}

// verify is the handshake: the receiver must answer the bare echostr.
func (p *pusher) verify(ctx context.Context) error {
	stamp, nonce, echo := strconv.FormatInt(p.now().Unix(), 10), "1514711492", "4375120948345356249"
	q := url.Values{"signature": {sign(p.opts.Token, stamp, nonce)}, "timestamp": {stamp}, "nonce": {nonce}, "echostr": {echo}}
	status, answer, err := p.request(ctx, http.MethodGet, q, nil)
	switch {
	case err != nil:
		return fmt.Errorf("verify the push URL: %w", err)
	case status != http.StatusOK || answer != echo:
		return fmt.Errorf("verify the push URL: want HTTP 200 with the bare echostr, got HTTP %d and %d bytes", status, len(answer))
	}
	return nil
}

// account is the shop's own id in messages.
func (p *pusher) account() string { return "gh_" + digest("account", p.appID)[:12] }
