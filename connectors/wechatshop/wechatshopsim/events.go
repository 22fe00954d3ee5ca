package wechatshopsim

import (
	"context"
	"encoding/json"
	"fmt"
)

// number shows an id as a JSON number, as some events do.
func number(id string) json.RawMessage { return json.RawMessage(id) }

// emit queues one event. Nothing happens while the world is seeded.
func (s *Sim) emit(at int64, from, name, key string, payload map[string]any) {
	if !s.live {
		return
	}
	body, err := json.Marshal(map[string]any{
		"ToUserName": s.push.account(), "FromUserName": from, "CreateTime": at, "MsgType": "event", "Event": name, key: payload,
	})
	if err != nil {
		panic(fmt.Sprintf("wechatshopsim: event %s: %v", name, err)) // an order id that is no number cannot be placed
	}
	s.push.add(&event{name: name, from: from, body: body})
}

func (s *Sim) emitOrder(o *order, at int64, name string, payload map[string]any) {
	s.emit(at, o.openID, name, "order_info", payload)
}

func (s *Sim) emitMember(m *Member, at int64, name string, payload map[string]any) {
	s.emit(at, m.OpenID, name, "user_info", payload)
}

// Subscribe verifies a push URL as the console does when it is entered, and
// sends events there from now on.
func (s *Sim) Subscribe(ctx context.Context, url string) error {
	s.push.mu.Lock()
	old := s.push.url
	s.push.url = url
	s.push.mu.Unlock()
	if url == "" {
		return nil
	}
	if err := s.push.verify(ctx); err != nil {
		s.push.mu.Lock()
		s.push.url = old
		s.push.mu.Unlock()
		return err
	}
	return nil
}

// SetPushURL sends events to a URL from now on, without a handshake.
func (s *Sim) SetPushURL(url string) {
	s.push.mu.Lock()
	defer s.push.mu.Unlock()
	s.push.url = url
}

// DrainPushes waits until every event was delivered or given up.
func (s *Sim) DrainPushes(ctx context.Context) error { return s.push.drain(ctx) }

// Pushes counts the events so far.
func (s *Sim) Pushes() PushStats { return s.push.stats() }

// Push sends any event by hand: body is the payload's object under key.
func (s *Sim) Push(name, from, key string, payload map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(s.now().Unix(), from, name, key, payload)
}
