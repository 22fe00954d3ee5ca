package alarm

import (
	"math"
	"slices"
	"time"
)

// usual is what a hub has learned of its sources: in how many minutes of each hour of the
// last days something came. Minutes, not messages: a batch at night is one minute.
type usual struct {
	Streams map[string]*habit `json:"streams,omitempty"`
}

// The days that are remembered, and how many of them must be known before silence means
// anything.
const (
	habitDays  = 7
	habitKnown = 3
)

// habit is what is usual of one stream: 24 hours by 7 days, one byte each.
type habit struct {
	// Hours holds, by hour of the day, the busy minutes of the last days, newest last.
	Hours [24][]byte `json:"hours"`
	// Total is the intake when the hub last looked, Missed how many busy minutes would
	// usually have come since the last one, Last when that was.
	Total  int64     `json:"total"`
	Missed float64   `json:"missed"`
	Last   time.Time `json:"last,omitzero"`

	hour    time.Time // the hour that is being counted
	minute  time.Time // the last minute that was counted
	busy    byte
	watched int // minutes of it that the hub has seen
}

// enoughMissed busy minutes without anything: by chance once in 160,000 silences, counted
// against the quietest of the last days.
const enoughMissed = 12

// rate is how many minutes of an hour of the day are busy at the least; -1 = not known.
func (h *habit) rate(hour int) float64 {
	days := h.Hours[hour]
	if len(days) < habitKnown {
		return -1
	}
	return float64(slices.Min(days))
}

// observe notes the intake of a stream. A minute counts once it is over, so the order of
// samples within it does not matter.
func (h *habit) observe(total int64, at time.Time) {
	minute, hour := at.Truncate(time.Minute), hourOf(at)
	if h.minute.IsZero() {
		h.minute, h.hour = minute, hour
		if h.Last.IsZero() {
			h.Last, h.Total = at, total // its history begins now
		}
	}
	for minute.After(h.minute) && minute.Sub(h.minute) <= time.Hour {
		if r := h.rate(h.minute.Hour()); r > 0 && h.Last.Before(h.minute) {
			h.Missed += r / 60
		}
		if h.Last.Before(h.minute.Add(time.Minute)) && !h.Last.Before(h.minute) {
			h.busy++
		}
		h.watched++
		h.minute = h.minute.Add(time.Minute)
		if next := hourOf(h.minute); !next.Equal(h.hour) {
			h.learn(next)
		}
	}
	if minute.After(h.minute) { // the machine slept: that hour is not known
		h.minute, h.hour, h.busy, h.watched = minute, hour, 0, 0
	}
	if total != h.Total {
		h.Total, h.Missed, h.Last = total, 0, at
	}
}

// learn ends an hour. One that the hub has not seen whole says nothing.
func (h *habit) learn(next time.Time) {
	if h.watched >= 55 {
		days := append(h.Hours[h.hour.Hour()], h.busy)
		h.Hours[h.hour.Hour()] = days[max(0, len(days)-habitDays):]
	}
	h.hour, h.busy, h.watched = next, 0, 0
}

// hourOf is the beginning of the hour by the wall clock, also where zones are off by half
// an hour.
func hourOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), 0, 0, 0, t.Location())
}

// silence finds streams that are silent for longer than is usual. One whose incident is
// open ends with the first record.
func (w *watcher) silence(s Sample, open standing) (out []Finding) {
	if w.usual.Streams == nil {
		w.usual.Streams = map[string]*habit{}
	}
	for name, total := range s.Intake {
		h := w.usual.Streams[name]
		if h == nil {
			h = &habit{}
			w.usual.Streams[name] = h
		}
		h.observe(total, s.At)
		if !w.rules.Silence {
			continue
		}
		connection, stream := split(name)
		f := Finding{Rule: RuleSilence, Connection: connection, Name: stream, N: int64(math.Floor(h.Missed)), Since: h.Last, Base: total, cause: "silence/" + name}
		if i := open(f.cause); h.Missed >= enoughMissed || i != nil && total == i.Base {
			out = append(out, f)
		}
	}
	for name := range w.usual.Streams {
		if _, is := s.Intake[name]; !is {
			delete(w.usual.Streams, name)
		}
	}
	return out
}
