package wechatshop

import (
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

const (
	orderPage  = 100 // "获取订单列表": page_size at most 100
	memberPage = 50
	maxAgain   = 3 // how often a part of a window begins again because the shop forgot its next_key
)

// longest is the vendor's longest window of a list call, in seconds.
var longest = map[string]int64{streamOrders: 7 * 24 * 3600, streamAfterSales: 24 * 3600}

// window is a window in whole Unix seconds, from <= t < to.
type window struct{ from, to int64 }

func seconds(w connectors.Window) window {
	to := w.To.Unix()
	if w.To.Nanosecond() > 0 {
		to++
	}
	return window{w.From.Unix(), to}
}

// place is where a pull stands: in the part [From, To) of its window, after the page
// that gave Key.
type place struct {
	From  int64  `json:"from"`
	To    int64  `json:"to"`
	Key   string `json:"key,omitempty"`
	Again int    `json:"again,omitempty"`
}

// memberPlace is the next page of the member list and how many members came before it.
type memberPlace struct {
	Page int `json:"page"`
	Seen int `json:"seen"`
}

// place reads a cursor; the empty one is the beginning of the window.
func (w window) place(cursor string, span int64) (place, error) {
	if cursor == "" {
		return place{From: w.from, To: min(w.to, w.from+span)}, nil
	}
	var p place
	if err := codec.Unmarshal([]byte(cursor), &p); err != nil {
		return place{}, badCursor(err)
	}
	if p.From < w.from || p.To > w.to || p.From >= p.To || p.To-p.From > span {
		return place{}, badCursor(nil)
	}
	return p, nil
}

// halved is the first half, for a part that holds too many documents.
func (p place) halved() place {
	return place{From: p.From, To: p.From + (p.To-p.From)/2}
}

// restarted is the part's first page again.
func (p place) restarted() place {
	return place{From: p.From, To: p.To, Again: p.Again + 1}
}

// after is the next part of the window, twice as long again; the zero place at the end.
func (p place) after(w window, span int64) place {
	if p.To >= w.to {
		return place{}
	}
	return place{From: p.To, To: min(w.to, p.To+min(span, 2*(p.To-p.From)))}
}

func (p place) String() string {
	if p == (place{}) {
		return ""
	}
	return encodeCursor(p)
}

// request is the body of the list call. Orders nest their range and say how many they
// want; after-sales have flat fields and no page size.
func (p place) request(stream string) ([]byte, error) {
	ask := map[string]any{"begin_update_time": p.From, "end_update_time": p.To, "next_key": p.Key}
	if stream == streamOrders {
		ask = map[string]any{
			"update_time_range": map[string]any{"start_time": p.From, "end_time": p.To},
			"page_size":         orderPage, "next_key": p.Key,
		}
	}
	body, err := codec.Encode(ask)
	if err != nil {
		return nil, badCursor(err)
	}
	return body, nil
}

func encodeCursor(v any) string {
	b, err := codec.Encode(v)
	if err != nil {
		return "" // plain numbers and a text that was decoded from JSON: cannot happen
	}
	return string(b)
}

func badCursor(err error) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: call, Code: "wechatshop.cursor", Err: err,
		Text: "the stored position does not belong to this window", Hint: "begin the window again with an empty cursor"}
}

// unix reads a time in seconds; 0 is the zero time.
func unix(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}
