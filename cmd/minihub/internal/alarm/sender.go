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
	last     time.Time // a message was taken
	answer   string    // to that
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
	s.last, s.answer = now, answer
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
	OK       bool   `json:"ok"`     // both messages were taken
	Answer   string `json:"answer"` // to the alarm: the receiver's own words, or why there are none
	// Recovered is the answer to the alarm's end; it is not sent when nobody took the alarm.
	Recovered string `json:"recovered,omitempty"`
	Took      string `json:"took"`
}

// Try sends a test alarm and its end to one receiver, or to all when name is empty, and
// returns their answers: the way of a real alarm from its beginning to its end.
func (c *Center) Try(ctx context.Context, name string) ([]Tried, error) {
	c.mu.Lock()
	now := c.opt.Now()
	trial := func(what What) Message {
		return c.writer("").message([]Notice{{What: what, Incident: Incident{ID: "trial"}}}, now)
	}
	fires, ends := trial(Trial), trial(TrialOver)
	var out []Tried
	var list []*sender
	for _, t := range c.cfg.Receivers {
		if s := c.senders[t.Name]; s != nil && (name == "" || t.Name == name) {
			list, out = append(list, s), append(out, Tried{Receiver: t.Name, Kind: s.kind})
		}
	}
	c.mu.Unlock()
	if len(list) == 0 && name != "" {
		return nil, ErrNoReceiver
	}
	var all sync.WaitGroup
	for i, s := range list {
		all.Go(func() { c.try(ctx, s, fires, ends, &out[i]) })
	}
	all.Wait()
	return out, nil
}

func (c *Center) try(ctx context.Context, s *sender, fires, ends Message, out *Tried) {
	c.mu.Lock()
	receiver := s.receiver
	c.mu.Unlock()
	began := time.Now()
	answer, err := receiver.Send(ctx, fires)
	if out.Answer = answer; err != nil {
		out.Answer = err.Error()
	} else if answer, err = receiver.Send(ctx, ends); err != nil {
		out.Recovered = err.Error()
	} else {
		out.Recovered = answer
	}
	out.OK, out.Took = err == nil, time.Since(began).Round(time.Millisecond).String()
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.fault = ""; err != nil {
		s.fault = err.Error()
		return
	}
	s.last, s.answer = c.opt.Now(), answer
}
