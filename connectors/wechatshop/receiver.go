package wechatshop

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// "解密订单中的详细收货信息" (order/sensitiveinfo/decode).
const (
	pathDecode    = "order/sensitiveinfo/decode"
	memberDecoded = "sensitive_info"       // added to an order: what the decode answered
	memberRefused = "sensitive_info_error" // added instead: the code it was refused with
	maxShown      = 10_000                 // orders whose receiver is remembered
	forbiddenWait = 10 * time.Minute       // until a person has granted the permission
)

// receivers remembers what was decoded, so that one receiver is decoded once: a decode
// counts against a quota and may itself move the order's update_time.
type receivers struct {
	mu     sync.Mutex
	shown  map[string]shown // by order id
	oldest []string
	until  time.Time // no decode before: the shop refuses them all
	reason connectors.Error
}

// shown is one decoded receiver.
type shown struct {
	of      string // the masked receiver it belongs to
	member  []byte
	expires time.Time // of the virtual number; zero: never
}

// reveal adds the receiver in clear to an order that is to be shipped and shows it
// masked. Every other order stays as it came.
func (c *conn) reveal(ctx context.Context, item *connectors.Item) *connectors.Error {
	if c.receivers == nil || item.Deleted {
		return nil
	}
	var o envelope
	if err := codec.Unmarshal(item.Body, &o); err != nil {
		return unreadable(item.Body, "the order is not one JSON object")
	}
	delivery := o.object("order_detail").object("delivery_info")
	to := delivery.object("address_info")
	if !toShip(o, delivery) || !masked(to) || o[memberDecoded] != nil {
		c.receivers.forget(item.Key)
		return nil
	}
	of := receiverOf(to, item.Version)
	if member, ok := c.receivers.get(item.Key, of, c.now()); ok {
		item.Body = spliced(item.Body, memberDecoded, member)
		return nil
	}
	s, err := c.decode(ctx, item.Key)
	switch {
	case err == nil:
		s.of = of
		c.receivers.put(item.Key, s)
		item.Body = spliced(item.Body, memberDecoded, s.member)
	case refusedForGood(err):
		item.Body = spliced(item.Body, memberRefused, []byte(`"`+err.Code+`"`))
	default:
		return err
	}
	return nil
}

// toShip reports an order that is paid and has a parcel still to leave ("订单状态").
func toShip(order, delivery envelope) bool {
	status, ok := order.number("status")
	method, ok2 := delivery.number("deliver_method")
	return ok && ok2 && (status == 20 || status == 21) && method == 0
}

// masked reports a receiver to whom no parcel can go: stars, or no phone in clear.
func masked(to envelope) bool {
	if to == nil {
		return false
	}
	for _, name := range []string{"user_name", "detail_info", "house_number"} {
		if strings.Contains(to.text(name), "*") {
			return true
		}
	}
	for _, phone := range []string{
		to.text("tel_number"), to.text("virtual_order_tel_number"), to.object("tel_number_ext_info").text("virtual_tel_number"),
	} {
		if phone != "" && !strings.Contains(phone, "*") {
			return false
		}
	}
	return true
}

// receiverOf names a masked receiver. hash_code stands for one address of the shop; the
// masked texts are added since nobody says that it covers name and phone. Without it two
// receivers may look alike, so that only the same version counts as the same.
func receiverOf(to envelope, version int64) string {
	parts := []string{to.text("hash_code")}
	if parts[0] == "" {
		parts[0] = fmt.Sprint(version)
	}
	for _, name := range []string{"user_name", "province_name", "city_name", "county_name", "detail_info", "house_number", "tel_number"} {
		parts = append(parts, to.text(name))
	}
	return strings.Join(parts, "\x00")
}

// spliced puts one more member before the closing brace of an object that has some; every
// byte of the object stays.
func spliced(object []byte, name string, value []byte) []byte {
	out := make([]byte, 0, len(object)+len(name)+len(value)+4)
	out = append(out, object[:len(object)-1]...)
	out = append(out, `,"`+name+`":`...)
	out = append(out, value...)
	return append(out, '}')
}

// decode asks for the receiver in clear. Its errors hold nothing of the answer.
func (c *conn) decode(ctx context.Context, orderID string) (shown, *connectors.Error) {
	if err := c.receivers.closed(c.now()); err != nil {
		return shown{}, err
	}
	body, err := codec.Encode(map[string]any{"order_id": orderID})
	if err != nil {
		return shown{}, badRequest(err)
	}
	ans, verr := c.call(ctx, pathDecode, body)
	if verr != nil {
		err := decodeError(verr)
		if verr.Scope == call {
			c.receivers.close(err, c.now())
		}
		return shown{}, err
	}
	to := ans.object("address_info")
	if to.text("user_name") == "" && to.text("tel_number") == "" && to.text("detail_info") == "" {
		return shown{}, decodeError(unreadable(nil, "the answer holds no receiver"))
	}
	member := append([]byte(`{"address_info":`), ans.envelope["address_info"]...)
	var s shown
	if number := ans.object("virtual_number_info"); number != nil {
		member = append(append(member, `,"virtual_number_info":`...), ans.envelope["virtual_number_info"]...)
		if at, ok := number.number("expiration"); ok {
			s.expires = unix(at)
		}
	}
	s.member = append(member, '}')
	return s, nil
}

// decodeError is what a failed decode means for the fetch of its order. The order itself
// was just read, so a fault of this one call neither closes the connection nor uses up
// its quota: the order's hint waits. Only what every call would meet (token, address
// list) stays as it is.
func decodeError(e *connectors.Error) *connectors.Error {
	out := &connectors.Error{Kind: e.Kind, Scope: doc, Code: "decode." + e.Code, Wait: e.Wait, Sent: e.Sent, Hint: e.Hint,
		Text: strings.TrimSpace("the receiver of the order could not be decoded " + rid(e.Text))}
	switch e.Kind {
	case connectors.Unauthorized:
		out.Scope = all
	case connectors.Quota:
		out.Kind, out.Hint = connectors.RateLimited, "the shop's decodes of the day are used up: ask the vendor for more, or set decode: never"
	case connectors.Forbidden, connectors.Invalid, connectors.NotFound, connectors.Conflict:
		switch {
		case refusedForGood(e):
			out.Code = e.Code
		case e.Kind == connectors.Forbidden && e.Scope == all:
			out.Scope = all
		default:
			out.Kind, out.Wait = connectors.Unavailable, forbiddenWait
		}
	}
	return out
}

// refusedForGood reports a refusal of one order that no repetition mends: the buyer's
// account is being cancelled, or the shop does not know the order. It comes with a code
// of the vendor's.
func refusedForGood(e *connectors.Error) bool {
	if _, err := strconv.ParseInt(e.Code, 10, 64); err != nil || e.Scope != doc || e.Sent {
		return false
	}
	switch e.Kind {
	case connectors.Invalid, connectors.NotFound, connectors.Conflict, connectors.Forbidden:
		return true
	}
	return false
}

// rid is the vendor's number of a call, all that is kept of its words here.
func rid(text string) string {
	i := strings.LastIndex(text, "rid: ")
	if i < 0 {
		return ""
	}
	return "(" + text[i:] + ")"
}

// close keeps an error that every decode would meet: none is sent before its time.
func (r *receivers) close(e *connectors.Error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until, r.reason = now.Add(e.Wait), *e
}

// closed returns the error that keeps decodes back now.
func (r *receivers) closed(now time.Time) *connectors.Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !now.Before(r.until) {
		return nil
	}
	e := r.reason
	e.Wait = r.until.Sub(now)
	return &e
}

func (r *receivers) get(orderID, of string, now time.Time) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.shown[orderID]
	if !ok || s.of != of || !s.expires.IsZero() && !now.Before(s.expires) {
		return nil, false
	}
	return s.member, true
}

func (r *receivers) put(orderID string, s shown) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.shown[orderID]; !ok {
		if len(r.oldest) >= maxShown {
			delete(r.shown, r.oldest[0])
			r.oldest = r.oldest[1:]
		}
		r.oldest = append(r.oldest, orderID)
	}
	r.shown[orderID] = s
}

// forget drops what is no longer needed to ship.
func (r *receivers) forget(orderID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.shown[orderID]; ok {
		r.shown[orderID] = shown{} // its place in oldest stays until its turn
	}
}
