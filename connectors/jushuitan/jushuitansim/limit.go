package jushuitansim

import "time"

// limiter counts the calls of the app: a rolling second and a calendar minute.
type limiter struct {
	perSecond, perMinute int
	recent               []time.Time
	minute               time.Time
	inMinute             int
}

// scaled is a vendor limit under LimitScale, at least one.
func scaled(limit int, scale float64) int { return max(1, int(float64(limit)*scale)) }

// take admits a call or says which limit it broke. A refused call is not counted.
func (l *limiter) take(now time.Time) *refusal {
	if m := now.Truncate(time.Minute); !m.Equal(l.minute) {
		l.minute, l.inMinute = m, 0
	}
	keep := l.recent[:0]
	for _, t := range l.recent {
		if now.Sub(t) < time.Second && !t.After(now) {
			keep = append(keep, t)
		}
	}
	l.recent = keep
	switch {
	case l.inMinute >= l.perMinute:
		return refuse(200, msgMinute)
	case len(l.recent) >= l.perSecond:
		return refuse(199, msgSecond)
	}
	l.inMinute++
	l.recent = append(l.recent, now)
	return nil
}
