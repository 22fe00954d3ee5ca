package alarm

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// sender is how one receiver does. A receiver that fails is tried again and holds nobody
// else up.
type sender struct {
	kind     string
	receiver Receiver
	next     time.Time // no try before
	tries    int       // that failed in a row
	fault    string
	busy     bool
}

const (
	// gap keeps robots below the 20 messages a minute that they take.
	gap = 4 * time.Second
	// Waits after a failed try, doubled each time.
	firstWait = 5 * time.Second
	lastWait  = 5 * time.Minute
)

// Deliver tells every receiver what is due, each one on its own, and waits for them. Calls
// may overlap: a receiver that is still busy is passed over.
func (c *Center) Deliver(ctx context.Context) {
	var all sync.WaitGroup
	c.mu.Lock()
	for name, s := range c.senders {
		if m, list := c.due(name, s); len(list) > 0 {
			s.busy = true
			receiver := s.receiver
			all.Go(func() {
				answer, err := receiver.Send(ctx, m)
				c.told(ctx, name, s, list, answer, err)
			})
		}
	}
	c.mu.Unlock()
	all.Wait()
}

// due gathers what a receiver must be told now; c.mu is held.
func (c *Center) due(name string, s *sender) (Message, []Notice) {
	now := c.opt.Now()
	if s.busy || now.Before(s.next) {
		return Message{}, nil
	}
	var list []Notice
	add := func(i *Incident) {
		if what := i.due(name, c.cfg.Remind, now); what != "" {
			list = append(list, Notice{What: what, Incident: i.copy()})
		}
	}
	for _, i := range c.book.Open {
		add(i)
	}
	for _, i := range c.book.Closed {
		add(i)
	}
	if len(list) == 0 {
		return Message{}, nil
	}
	order := []What{Opened, Recovered, StillOpen}
	slices.SortFunc(list, func(a, b Notice) int {
		if d := slices.Index(order, a.What) - slices.Index(order, b.What); d != 0 {
			return d
		}
		if d := rank(a.Incident.Lead.Rule) - rank(b.Incident.Lead.Rule); d != 0 {
			return d
		}
		return a.Incident.OpenedAt.Compare(b.Incident.OpenedAt)
	})
	return c.writer("").message(list, now), list
}

// told notes what became of a message.
func (c *Center) told(ctx context.Context, name string, s *sender, list []Notice, answer string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.opt.Now()
	s.busy = false
	if err != nil {
		wait := min(lastWait, firstWait<<min(s.tries, 10))
		var r *Refusal
		if errors.As(err, &r) {
			wait = max(wait, r.Wait)
		}
		s.tries++
		s.fault, s.next = err.Error(), now.Add(wait)
		c.opt.Log.Warn("an alarm was not taken", zap.String("receiver", name), zap.Int("tries", s.tries), zap.Error(err))
		return
	}
	s.tries, s.fault, s.next = 0, "", now.Add(gap)
	for _, n := range list {
		if i := c.find(n.Incident.ID); i != nil {
			i.Told[name] = Told{What: n.What, At: now}
		}
		c.opt.Log.Info("an alarm was told", zap.String("receiver", name), zap.String("what", string(n.What)), zap.String("alarm", n.Incident.ID),
			zap.String("cause", n.Incident.Cause), zap.String("answer", answer))
	}
	c.unsaved = true
	c.save(context.WithoutCancel(ctx), now)
}

// find returns an incident that is open or not yet known to be over; c.mu is held.
func (c *Center) find(id string) *Incident {
	for _, i := range c.book.Open {
		if i.ID == id {
			return i
		}
	}
	for _, i := range c.book.Closed {
		if i.ID == id {
			return i
		}
	}
	return nil
}

// ErrNoReceiver is a receiver that is not configured.
var ErrNoReceiver = errors.New("there is no such receiver")

// Tried is how a trial ended.
type Tried struct {
	Receiver string `json:"receiver"`
	Kind     string `json:"kind"`
	OK       bool   `json:"ok"`
	Answer   string `json:"answer"` // the receiver's own words, or why there are none
	Took     string `json:"took"`
}

// Try sends a test message to one receiver, or to all when name is empty, and returns
// their answers.
func (c *Center) Try(ctx context.Context, name string) ([]Tried, error) {
	type one struct {
		name, kind string
		receiver   Receiver
	}
	c.mu.Lock()
	var list []one
	for _, t := range c.cfg.Receivers {
		if s := c.senders[t.Name]; s != nil && (name == "" || t.Name == name) {
			list = append(list, one{t.Name, s.kind, s.receiver})
		}
	}
	now := c.opt.Now()
	m := c.writer("").message([]Notice{{What: Trial, Incident: Incident{ID: "trial"}}}, now)
	c.mu.Unlock()
	if len(list) == 0 && name != "" {
		return nil, ErrNoReceiver
	}
	out := make([]Tried, len(list))
	var all sync.WaitGroup
	for i, o := range list {
		all.Go(func() {
			began := time.Now()
			answer, err := o.receiver.Send(ctx, m)
			if err != nil {
				answer = err.Error()
			}
			out[i] = Tried{Receiver: o.name, Kind: o.kind, OK: err == nil, Answer: answer, Took: time.Since(began).Round(time.Millisecond).String()}
		})
	}
	all.Wait()
	return out, nil
}
